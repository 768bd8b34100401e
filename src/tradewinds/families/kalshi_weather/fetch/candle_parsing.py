"""Candles from the exchange's JSON: two shapes, told apart by the tier that was asked, never by guessing names.

The live tier says `open_dollars` and leaves out what it does not know; the historical tier says `open` and writes null.
Prices and counts travel as decimal strings and become exact decimals, never a float.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from operator import itemgetter
from typing import Any

import pyarrow as pa

from tradewinds.core import strict, units
from tradewinds.families.kalshi_weather import schemas

LIVE, HISTORICAL = "live", "historical"

_OHLC = ("open", "high", "low", "close")
_PRICE = (*_OHLC, "mean", "previous")
_quotes_of, _prices_of = itemgetter(*_OHLC), itemgetter(*_PRICE)
_live_quotes_of = itemgetter(*(f"{name}_dollars" for name in _OHLC))
_LIVE_PRICES = tuple(f"{name}_dollars" for name in _PRICE)
_TEXT_OR_NOTHING = {str, type(None)}
Cells = tuple[str | None, ...]  # the 14 prices of schemas.PRICE_COLUMNS, then volume and open interest
CellsByRow = dict[tuple[str, int], Cells]


class ShapeError(ValueError):
    """The payload does not have the documented shape; the message says which part."""


def parse_candles(
    ticker: str, candles: Any, tier: str, period_minutes: int, start_ts: int, end_ts: int, rows: CellsByRow
) -> None:
    """Add a market's candles to `rows`.

    Identical duplicates (page overlaps) collapse.

    Raises:
        ShapeError: a required field is missing, a time is off the grid or outside what was asked, or two candles of
            the same minute differ.
    """
    if not isinstance(candles, list):
        raise ShapeError(f"candlesticks of {ticker} is not a list")
    read = _live_cells if tier == LIVE else _historical_cells
    for candle in candles:
        end = _end(candle, ticker)
        if end % (period_minutes * 60) or not start_ts <= end <= end_ts:
            raise ShapeError(f"candle of {ticker} at {end} is off the grid or outside {start_ts}..{end_ts}")
        cells = _cells(candle, ticker, end, read)
        if rows.setdefault((ticker, end), cells) != cells:
            raise ShapeError(f"two different candles of {ticker} at {end}")


def _end(candle: Any, ticker: str) -> int:
    end = candle.get("end_period_ts") if isinstance(candle, dict) else None
    if type(end) is not int:
        raise ShapeError(f"a candle of {ticker} has no integer end_period_ts")
    return end


def _cells(candle: Mapping[str, Any], ticker: str, end: int, read: Callable[[Mapping[str, Any]], Cells]) -> Cells:
    try:
        cells = read(candle)
    except (KeyError, TypeError, AttributeError) as error:
        raise ShapeError(f"candle of {ticker} at {end} lacks {error}") from None
    if not _TEXT_OR_NOTHING.issuperset(map(type, cells)):
        raise ShapeError(f"candle of {ticker} at {end} has a value that is no decimal string")
    return cells


def _live_cells(candle: Mapping[str, Any]) -> Cells:
    bid, ask, price = candle["yes_bid"], candle["yes_ask"], candle["price"]
    prices = map(price.get, _LIVE_PRICES)
    counts = candle["volume_fp"], candle["open_interest_fp"]
    return (*_live_quotes_of(bid), *_live_quotes_of(ask), *prices, *counts)


def _historical_cells(candle: Mapping[str, Any]) -> Cells:
    bid, ask, price = candle["yes_bid"], candle["yes_ask"], candle["price"]
    counts = candle["volume"], candle["open_interest"]
    return (*_quotes_of(bid), *_quotes_of(ask), *_prices_of(price), *counts)


def candle_table(rows: CellsByRow, retrieved_at: dt.datetime) -> pa.Table:
    """CellsByRow as a table of the columns schemas.CANDLES, sorted by market and time.

    Raises:
        ShapeError: a string is no decimal, a required count is missing or negative, a price is outside [0, 1].
    """
    ordered = sorted(rows.items())
    columns: list[pa.Array] = [
        pa.array([key[0] for key, _ in ordered], pa.string()),
        pa.array([key[1] for key, _ in ordered], pa.int64()),
    ]
    transposed = list(zip(*(cells for _, cells in ordered), strict=True)) or [()] * (len(schemas.PRICE_COLUMNS) + 2)
    kinds = [units.PRICE] * len(schemas.PRICE_COLUMNS) + [units.COUNT] * 2
    for name, cells, kind in zip((*schemas.PRICE_COLUMNS, "volume", "open_interest"), transposed, kinds, strict=True):
        columns.append(_decimals(name, cells, kind))
    columns.append(pa.array([retrieved_at] * len(ordered), units.TS))
    return pa.Table.from_arrays(columns, schema=schemas.CANDLES)


def _decimals(name: str, cells: tuple[str | None, ...], kind: pa.DataType) -> pa.Array:
    """Texts as decimals. Few different ones occur in an event, so each is read and judged once."""
    values = {text: None if text is None else _decimal(name, text, kind) for text in set(cells)}
    if kind == units.COUNT and None in cells:
        raise ShapeError(f"{name} is missing in a candle")
    try:
        return pa.array([values[cell] for cell in cells], kind)
    except pa.ArrowInvalid as error:
        raise ShapeError(f"{name} has more digits than {kind} holds ({error})") from None


def _decimal(name: str, text: str, kind: pa.DataType) -> Decimal:
    try:
        value = strict.decimal(text)
    except ValueError:
        raise ShapeError(f"{name} is no decimal: {text[:60]!a}") from None
    if value < 0 or (kind == units.PRICE and value > 1):
        raise ShapeError(f"{name} is out of range: {text}")
    return value
