"""Events of a run as the trading rules see them: markets, windows, probabilities, and why an event is skipped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tradewinds import calendars
from tradewinds.calendars import Station
from tradewinds.engine.costs import TAKER_RATE
from tradewinds.markets.strikes import Bounds, strike_bounds
from tradewinds.markets.windows import trade_window
from tradewinds.store import MICRO, PICO

NO_EVENT = "NO_EVENT"
UNSETTLED = "UNSETTLED"
MISSING_QUOTES = "MISSING_QUOTES"
MISSING_PROBABILITIES = "MISSING_PROBABILITIES"

_COLUMNS = [
    "event_ticker",
    "market_ticker",
    "climate_date",
    "strike_type",
    "floor_strike",
    "cap_strike",
    "yes_sub_title",
    "result",
    "settlement_value",
    "open_time",
    "close_time",
    "settlement_ts",
    "volume",
    "fee_multiplier",
]

Known = tuple[Decimal, int]  # P(YES), and the Unix second at which it was known


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
    bounds: Bounds | None
    volume: Decimal | None


@dataclass(frozen=True)
class MarketEvent:
    """One (series, climate date) of the config with its candle file ("" if none); `skip` is why it is not replayed."""

    station: Station
    climate_date: dt.date
    ticker: str
    path: str
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
    for day in calendars.date_range(config["date_start_local"], config["date_end_local"]):
        for series in config["series_tickers"]:
            rows, path = listed[series].get(day, []), candles.get((series, day), "")
            events.append(_event(config, calendars.station_of(series), day, rows, known, path))
    return events


def _known(probabilities: str | pa.Table | None) -> dict[str, Known] | None:
    """What is known of each market; None if nobody has said anything yet."""
    if probabilities is None:
        return None
    names = ["market_ticker", "p_yes", "known_at_ts"]
    table = pq.read_table(probabilities, columns=names) if isinstance(probabilities, str) else probabilities
    tickers, p_yes, known_at = (table[name].to_pylist() for name in names)
    return dict(zip(tickers, zip(p_yes, known_at, strict=True), strict=True))


def _listed(path: str, config: Mapping[str, Any]) -> dict[dt.date, list[dict[str, Any]]]:
    inside = [("climate_date", ">=", config["date_start_local"]), ("climate_date", "<=", config["date_end_local"])]
    days: dict[dt.date, list[dict[str, Any]]] = {}
    for row in pq.read_table(path, columns=_COLUMNS, filters=inside).to_pylist():
        days.setdefault(row["climate_date"], []).append(row)
    return days


def _event(
    config: Mapping[str, Any],
    station: Station,
    day: dt.date,
    rows: list[dict[str, Any]],
    known: Mapping[str, Known] | None,
    path: str,
) -> MarketEvent:
    policy = config["asof_policy"]
    asof = calendars.asof_ts(station, day, policy["local_time"], policy["days_before"])
    said = known or {}
    markets = tuple(
        _market(config["trade_window_policy"], station, row, asof, said.get(row["market_ticker"])) for row in rows
    )
    ticker = rows[0]["event_ticker"] if rows else calendars.event_ticker_of(station.series_ticker, day)
    return MarketEvent(station, day, ticker, path, asof, markets, _skip(markets, path, known is not None))


def _skip(markets: tuple[Market, ...], path: str, has_probabilities: bool) -> str | None:
    """The first of the reasons that holds (their order is part of the rules)."""
    if not markets:
        return NO_EVENT
    if any(m.result is None or m.payout_yes_micro is None for m in markets):
        return UNSETTLED
    if path and pq.read_metadata(path).num_rows == 0:
        return MISSING_QUOTES
    if has_probabilities and all(m.p_pico is None for m in markets):
        return MISSING_PROBABILITIES
    return None


def _market(policy: str, station: Station, row: Mapping[str, Any], asof: int, known: Known | None) -> Market:
    open_ts, close_ts = int(row["open_time"].timestamp()), int(row["close_time"].timestamp())
    settled = row["settlement_ts"]
    settle_ts = close_ts if settled is None else int(settled.timestamp())
    start, end = trade_window(station, row["climate_date"], policy, asof, open_ts, close_ts, settle_ts)
    multiplier = Fraction(1) if row["fee_multiplier"] is None else Fraction(row["fee_multiplier"])
    p_yes, known_at = known or (None, None)
    return Market(
        ticker=row["market_ticker"],
        event_ticker=row["event_ticker"],
        result=row["result"],
        payout_yes_micro=_payout(row["result"], row["settlement_value"]),
        open_ts=open_ts,
        start_ts=start,
        end_ts=end,
        settle_ts=settle_ts,
        fee_rate=TAKER_RATE * multiplier,
        p_pico=None if p_yes is None else int(p_yes * PICO),
        known_at_ts=known_at,
        bounds=_bounds(row),
        volume=row["volume"],
    )


def _bounds(row: Mapping[str, Any]) -> Bounds | None:
    try:
        return strike_bounds(row["strike_type"], row["floor_strike"], row["cap_strike"], row["yes_sub_title"])
    except ValueError:
        return None  # a validation says so


def _payout(result: str | None, value: Decimal | None) -> int | None:
    """What a YES contract pays in micro-dollars; None while it is not known."""
    if result == "scalar":
        return None if value is None else int(value * MICRO)
    return {"yes": MICRO, "no": 0}.get(result or "")
