"""Markets of a series as its catalog lists them, in the integer units of the trading rules."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tradewinds.core import files
from tradewinds.core.units import MICRO
from tradewinds.families.kalshi_weather.fee_schedule import TAKER_RATE
from tradewinds.families.kalshi_weather.schemas import climate_range
from tradewinds.families.kalshi_weather.strikes import StrikeBounds, strike_bounds

_PLAIN_COLUMNS = [
    "event_ticker",
    "market_ticker",
    "result",
    "strike_type",
    "floor_strike",
    "cap_strike",
    "yes_sub_title",
]
# to integer units
_CONVERTED_COLUMNS = [
    "climate_date",
    "volume",
    "fee_multiplier",
    "settlement_value",
    "open_time",
    "close_time",
    "settlement_ts",
]
_HUNDREDTHS = 100  # of a contract


class ListedMarket(NamedTuple):
    """A market in a catalog. Instants are Unix seconds: a fraction is rounded up, that of a close down.

    Attributes:
        event_ticker: of its event.
        ticker: of the market.
        result: yes, no, scalar, or None before settlement.
        payout_yes_micro: payout of a YES contract in micro-dollars, None before settlement.
        open_ts: when trading opens.
        close_ts: when trading closes.
        settle_ts: when it settles; its close where the catalog has no settlement time.
        fee_rate: of the taker's fee.
        bounds: lowest and highest whole °F that settle YES, None where the strikes cannot be read.
        volume: contracts traded × 100, None where the exchange does not report it.
    """

    event_ticker: str
    ticker: str
    result: str | None
    payout_yes_micro: int | None
    open_ts: int
    close_ts: int
    settle_ts: int
    fee_rate: Fraction
    bounds: StrikeBounds | None
    volume: int | None


def listed_markets(catalog: str, config: Mapping[str, Any]) -> dict[dt.date, list[ListedMarket]]:
    """Markets of the config's range by climate date.

    Args:
        catalog: path of a series' catalog (columns: schemas.CATALOG).
        config: resolved.
    """
    dates = climate_range(config["date_start_local"], config["date_end_local"])
    table = files.read_table(catalog, _PLAIN_COLUMNS + _CONVERTED_COLUMNS, dates)
    # Columns as lists, those of dates, amounts and instants by way of integers, which is quick.
    column = {name: table[name].to_pylist() for name in _PLAIN_COLUMNS}
    settlement_micro = decimals_as_integers(table["settlement_value"], MICRO)
    # A fraction of a second goes to the side that knows less. Without a settlement time a market settles at its close.
    open_ts, close_ts = files.seconds_of(table["open_time"], up=True), files.seconds_of(table["close_time"], up=False)
    at_close = files.seconds_of(table["close_time"], up=True)
    reported = files.seconds_of(table["settlement_ts"], up=True)
    settled_ts = [close if ts is None else ts for ts, close in zip(reported, at_close, strict=True)]
    # One market per row, by its date.
    payouts = map(_payout, column["result"], settlement_micro)
    names = ("event_ticker", "market_ticker", "result")
    strikes = (column[name] for name in ("strike_type", "floor_strike", "cap_strike", "yes_sub_title"))
    rows = zip(
        *(column[name] for name in names),
        payouts,
        open_ts,
        close_ts,
        settled_ts,
        map(_fee_rate, decimals_as_integers(table["fee_multiplier"], MICRO)),
        map(readable_bounds, *strikes),
        decimals_as_integers(table["volume"], _HUNDREDTHS),
        strict=True,
    )
    days: dict[dt.date, list[ListedMarket]] = {}
    for day, row in zip(files.dates_of(table["climate_date"]), rows, strict=True):
        days.setdefault(day, []).append(ListedMarket(*row))
    return days


@functools.cache
def _fee_rate(multiplier_micro: int | None) -> Fraction:
    """Rate of the taker's fee under the series' multiplier in 1e-6, which is 1 where the catalog has none."""
    return TAKER_RATE * Fraction(MICRO if multiplier_micro is None else multiplier_micro, MICRO)


@functools.cache
def readable_bounds(
    strike_type: str | None, floor_strike: float | None, cap_strike: float | None, yes_sub_title: str | None
) -> StrikeBounds | None:
    """As `strike_bounds`, None where the strikes cannot be read."""
    try:
        return strike_bounds(strike_type, floor_strike, cap_strike, yes_sub_title)
    except ValueError:
        return None  # the validation strikes_tile reports it


def _payout(result: str | None, settlement_micro: int | None) -> int | None:
    """Payout of a YES contract in micro-dollars; None before settlement."""
    if result == "scalar":
        return settlement_micro
    return {"yes": MICRO, "no": 0}.get(result or "")


def decimals_as_integers(column: pa.ChunkedArray, unit: int) -> list[int | None]:
    """Decimals as integers in units of 1/unit, nulls as None.

    Args:
        column: of a decimal type.
        unit: units in one, such as MICRO.
    """
    if not pa.types.is_decimal128(column.type) or 10**column.type.scale != unit:
        import pyarrow.compute as pc  # here: it takes 0.03 s, and columns of the project's files do not need it

        integers: list[int | None] = pc.multiply(column, unit).cast(pa.int64()).to_pylist()
        return integers
    return [value for chunk in column.chunks for value in _stored_integers(chunk)]


def _stored_integers(chunk: pa.Array) -> list[int | None]:
    """Integers in which decimals of 128 bits are stored, nulls as None."""
    valid, data = chunk.buffers()
    rows = slice(chunk.offset, chunk.offset + len(chunk))
    low, high = np.frombuffer(data, np.int64).reshape(-1, 2)[rows].T
    present = np.ones(len(chunk), np.bool_)
    if valid is not None and chunk.null_count:
        present = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")[rows].astype(np.bool_)
    if ((high != low >> 63) & present).any():
        raise pa.ArrowInvalid("a decimal does not fit into 64 bits")
    pairs = zip(low.tolist(), present.tolist(), strict=True)
    return [value if there else None for value, there in pairs]
