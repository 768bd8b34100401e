"""Events of a run as the trading rules see them: markets, windows, probabilities, and why an event is skipped."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.core import files
from tradewinds.core.units import MICRO, PICO
from tradewinds.engine.event_contracts.fees import TAKER_RATE
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.strikes import StrikeBounds, strike_bounds
from tradewinds.families.kalshi_weather.trade_windows import trade_window
from tradewinds.families.kalshi_weather.validations.candle_facts import CandleFile, candle_file

DATE_MAPPING = "DATE_MAPPING"
NO_EVENT = "NO_EVENT"
UNSETTLED = "UNSETTLED"
MISSING_QUOTES = "MISSING_QUOTES"
MISSING_PROBABILITIES = "MISSING_PROBABILITIES"

_STRIKES = ("strike_type", "floor_strike", "cap_strike", "yes_sub_title")
_AS_THEY_ARE = ("event_ticker", "market_ticker", "result", "volume", "fee_multiplier", *_STRIKES)
_TIMES = ("open_time", "close_time", "settlement_ts")
_COLUMNS = [*_AS_THEY_ARE, *_TIMES, "climate_date", "settlement_value"]

Known = tuple[int | None, int]  # P(YES) in 1e-12, and the Unix second at which it was known


class _Listing(NamedTuple):
    """A catalog row, in the units of a Market."""

    event_ticker: str
    ticker: str
    result: str | None
    payout_yes_micro: int | None
    open_ts: int
    close_ts: int
    settle_ts: int
    fee_rate: Fraction
    bounds: StrikeBounds | None
    volume: Decimal | None


@dataclass(frozen=True)
class Market:
    """A market of an event. Times in Unix seconds; `result` is yes, no, scalar or None.

    `p_pico` and `known_at_ts` are None without a probability, `bounds` (the whole degrees that settle YES) where they
    cannot be read, `volume` (contracts) where the exchange does not say it.
    """

    ticker: str
    event_ticker: str
    result: str | None
    payout_yes_micro: int | None
    open_ts: int
    start_ts: int
    end_ts: int
    settle_ts: int
    fee_rate: Fraction
    p_pico: int | None
    known_at_ts: int | None
    bounds: StrikeBounds | None
    volume: Decimal | None


@dataclass(frozen=True)
class MarketEvent:
    """One (series, climate date) of the config with its candle file (path and footer; "" and None if none); `skip` is why it is
    not replayed.

    Where that is DATE_MAPPING there are no markets, and the ticker is the one that the event would have.
    """

    station: Station
    climate_date: dt.date
    ticker: str
    path: str
    file: CandleFile | None
    asof_ts: int
    markets: tuple[Market, ...]
    skip: str | None


def load_events(
    config: Mapping[str, Any],
    catalogs: Mapping[str, str],
    candles: Mapping[tuple[str, dt.date], str],
    probabilities: str | pa.Table | None,
) -> list[MarketEvent]:
    """Every event of the config's range, by date and series.

    What is not there yet is no reason to skip an event: a (series, date) that `candles` does not name, no probabilities.

    Args:
        config: resolved; catalogs: path per series; candles: path per (series, date); probabilities: path or table.
    """
    known = _known(probabilities)
    listed = {series: _listed(path, config) for series, path in catalogs.items()}
    events = []
    for day in climate_days.date_range(config["date_start_local"], config["date_end_local"]):
        for series in config["series_tickers"]:
            rows, path = listed[series].get(day, []), candles.get((series, day), "")
            events.append(_event(config, climate_days.station_of(series), day, rows, known, path))
    return events


def _known(probabilities: str | pa.Table | None) -> dict[str, Known] | None:
    """What is known of each market; None if nobody has said anything yet."""
    if probabilities is None:
        return None
    names = ["market_ticker", "p_yes", "known_at_ts"]
    table = files.read_table(probabilities, names) if isinstance(probabilities, str) else probabilities
    tickers, known_at = (table[name].to_pylist() for name in ("market_ticker", "known_at_ts"))
    return dict(zip(tickers, zip(_in_units(table["p_yes"], PICO), known_at, strict=True), strict=True))


def _listed(path: str, config: Mapping[str, Any]) -> dict[dt.date, list[_Listing]]:
    """A catalog's rows of the config's range, by climate date."""
    table = files.read_table(path, _COLUMNS, (config["date_start_local"], config["date_end_local"]))
    values = {name: table[name].to_pylist() for name in _AS_THEY_ARE}
    opened, closed, settled = (files.seconds_of(table[name]) for name in _TIMES)
    columns = (
        values["event_ticker"],
        values["market_ticker"],
        values["result"],
        map(_payout, values["result"], _in_units(table["settlement_value"], MICRO)),
        opened,
        closed,
        [close if ts is None else ts for ts, close in zip(settled, closed, strict=True)],
        map(_fee_rate, values["fee_multiplier"]),
        map(_bounds, *(values[name] for name in _STRIKES)),
        values["volume"],
    )
    days: dict[dt.date, list[_Listing]] = {}
    for day, row in zip(table["climate_date"].to_pylist(), map(_Listing, *columns), strict=True):
        days.setdefault(day, []).append(row)
    return days


def _in_units(column: pa.ChunkedArray, units: int) -> list[int | None]:
    """Decimals as integers, in units of which there are so many in 1."""
    found: list[int | None] = pc.multiply(column, units).cast(pa.int64()).to_pylist()
    return found


def _event(
    config: Mapping[str, Any],
    station: Station,
    day: dt.date,
    rows: list[_Listing],
    known: Mapping[str, Known] | None,
    path: str,
) -> MarketEvent:
    asof_policy, window_policy = config["asof_policy"], config["trade_window_policy"]
    asof = climate_days.asof_ts(station, day, asof_policy["local_time"], asof_policy["days_before"])
    usual = climate_days.event_ticker_of(station.series_ticker, day)
    if not all(_is_of(station, day, ticker) for ticker in {row.event_ticker for row in rows}):
        return MarketEvent(station, day, usual, path, None, asof, (), DATE_MAPPING)
    file = candle_file(path) if path else None
    said = known or {}
    markets = tuple(_market(window_policy, station, day, row, asof, said.get(row.ticker)) for row in rows)
    ticker = rows[0].event_ticker if rows else usual
    return MarketEvent(station, day, ticker, path, file, asof, markets, _skip(markets, file, known is not None))


def _is_of(station: Station, day: dt.date, event_ticker: str) -> bool:
    """Whether an event ticker names a series of the station and the climate date.

    A sync takes the date from the ticker and lists no market whose ticker has none, so only a prefix that we do not know gets
    here from the exchange; the rest is a catalog that something else has written.
    """
    if event_ticker.split("-", 1)[0] not in (station.series_ticker, *station.legacy_prefixes):
        return False
    try:
        return climate_days.climate_date_of(event_ticker) == day
    except ValueError:
        return False


def _skip(markets: tuple[Market, ...], file: CandleFile | None, has_probabilities: bool) -> str | None:
    """The first of the reasons after DATE_MAPPING that holds (their order is part of the rules)."""
    if not markets:
        return NO_EVENT
    if any(m.result is None or m.payout_yes_micro is None for m in markets):
        return UNSETTLED
    if file and file.rows == 0:
        return MISSING_QUOTES
    if has_probabilities and all(m.p_pico is None for m in markets):
        return MISSING_PROBABILITIES
    return None


def _market(
    window_policy: str, station: Station, day: dt.date, row: _Listing, asof: int, known: Known | None
) -> Market:
    start, end = trade_window(station, day, window_policy, asof, row.open_ts, row.close_ts, row.settle_ts)
    p_pico, known_at = known or (None, None)
    return Market(
        ticker=row.ticker,
        event_ticker=row.event_ticker,
        result=row.result,
        payout_yes_micro=row.payout_yes_micro,
        open_ts=row.open_ts,
        start_ts=start,
        end_ts=end,
        settle_ts=row.settle_ts,
        fee_rate=row.fee_rate,
        p_pico=p_pico,
        known_at_ts=known_at,
        bounds=row.bounds,
        volume=row.volume,
    )


@functools.cache
def _fee_rate(multiplier: Decimal | None) -> Fraction:
    return TAKER_RATE * (Fraction(1) if multiplier is None else Fraction(multiplier))


@functools.cache
def _bounds(
    strike_type: str | None, floor_strike: float | None, cap_strike: float | None, yes_sub_title: str | None
) -> StrikeBounds | None:
    try:
        return strike_bounds(strike_type, floor_strike, cap_strike, yes_sub_title)
    except ValueError:
        return None  # a validation says so


def _payout(result: str | None, value_micro: int | None) -> int | None:
    """What a YES contract pays in micro-dollars; None while it is not known."""
    if result == "scalar":
        return value_micro
    return {"yes": MICRO, "no": 0}.get(result or "")
