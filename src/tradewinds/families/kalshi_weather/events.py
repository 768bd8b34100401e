"""Events of a run for the trading rules: their markets, trade windows and probabilities, and why an event is skipped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import pyarrow as pa

from tradewinds.core import files
from tradewinds.core.units import PICO
from tradewinds.engine.event_contracts.candle_files import FooterFacts
from tradewinds.families.kalshi_weather import climate_days, damaged_events
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.listed_markets import ListedMarket, decimals_as_integers, listed_markets
from tradewinds.families.kalshi_weather.pooling.probability_sources import is_latest, valid_until
from tradewinds.families.kalshi_weather.strikes import StrikeBounds
from tradewinds.families.kalshi_weather.trade_windows import trade_window
from tradewinds.families.kalshi_weather.validations.candle_facts import (
    CandleFileFacts,
    candle_file_facts,
    candle_footers,
)

# Reasons for skipping an event.
DATE_MAPPING = "DATE_MAPPING"
NO_EVENT = "NO_EVENT"
UNSETTLED = "UNSETTLED"
STALE_FILE = "OPEN_WHEN_FETCHED"
DAMAGED_QUOTES = "DAMAGED_QUOTES"
MISSING_QUOTES = "MISSING_QUOTES"
MISSING_PROBABILITIES = "MISSING_PROBABILITIES"


class _KnownProbability(NamedTuple):
    """When a probability of a market was known (Unix seconds), and P(YES) in 1e-12."""

    known_at_ts: int
    p_pico: int


class _Timeline(NamedTuple):
    """The probabilities of a market in its trade window, as in ReplayMarket."""

    p_pico: int | None
    known_at_ts: int | None
    p_from_ts: int | None
    later_p: tuple[tuple[int, int], ...]


class ReplayMarket(NamedTuple):
    """A market of an event as a replay needs it: strikes, settlement, probability and trade window. Instants are Unix seconds.

    Attributes:
        ticker: of the market.
        event_ticker: of its event.
        result: yes, no, scalar, or None before settlement.
        payout_yes_micro: payout of a YES contract in micro-dollars, None before settlement.
        open_ts: when trading opens.
        start_ts: start of the trade window, included.
        end_ts: end of the trade window, excluded.
        settle_ts: when it settles.
        fee_rate: of the taker's fee.
        p_pico: the first P(YES) that is in force in its trade window, in 1e-12; None without a probability.
        known_at_ts: when that probability was known; without one when the first was known that came too late, None without any.
        bounds: lowest and highest whole °F that settle YES, None where the strikes cannot be read.
        volume: contracts traded × 100, None where the exchange does not report it.
        valid_until_ts: the last decision time at which its probability may be used, None without a limit.
        p_from_ts: when that first probability became known, if the trade window had begun; else None.
        later_p: probabilities that become known later in the window: (Unix seconds, 1e-12), each instant once, ascending.
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
    volume: int | None
    valid_until_ts: int | None
    p_from_ts: int | None = None
    later_p: tuple[tuple[int, int], ...] = ()

    def p_at(self, ts: int) -> int | None:
        """P(YES) in force at an instant of the window in 1e-12, None before the first."""
        if self.p_from_ts is not None and ts < self.p_from_ts:
            return None
        if not self.later_p:
            return self.p_pico
        return next((p for known_at, p in reversed(self.later_p) if known_at <= ts), self.p_pico)


@dataclass(frozen=True)
class ReplayEvent:
    """An event of the config, one (series, climate date), with its markets; or the reason for which it is not replayed.

    Attributes:
        station: on which it settles.
        climate_date: the date.
        ticker: of the event; the one it would have, if the catalog lists none or skip is DATE_MAPPING.
        path: of its candles, "" without a file.
        file: facts of that file, None without a file.
        asof_ts: as-of time in Unix seconds.
        markets: in the catalog's order; none if skip is DATE_MAPPING.
        skip: why it is not replayed, None if it is.
    """

    station: Station
    climate_date: dt.date
    ticker: str
    path: str
    file: CandleFileFacts | None
    asof_ts: int
    markets: tuple[ReplayMarket, ...]
    skip: str | None


def load_events(
    config: Mapping[str, Any],
    catalogs: Mapping[str, str],
    candles: Mapping[tuple[str, dt.date], str],
    probabilities: str | pa.Table | None,
    tell: Callable[[Sequence[ReplayEvent]], None] = lambda events: None,
) -> list[ReplayEvent]:
    """Every event of the config's range, by date and series.

    Data that does not exist yet is no reason to skip an event: neither a (series, date) without a path in `candles`, nor
    missing `probabilities`.

    Args:
        config: resolved.
        catalogs: path per series.
        candles: path per (series, climate date).
        probabilities: path or table (columns: schemas.PROBABILITIES), None before they are made.
        tell: called with the events of each date as soon as they are known.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:  # the compiled reader lets this thread work
        coming = thread.submit(candle_footers, [path for path in candles.values() if path])
        by_ticker = _probabilities_by_ticker(probabilities)
        listed = {series: listed_markets(path, config) for series, path in catalogs.items()}
        footers = coming.result()
    events = []
    for day in climate_days.date_range(config["date_start_local"], config["date_end_local"]):
        of_day = [
            _event(
                config,
                climate_days.station_of(series),
                day,
                listed=listed[series].get(day, []),
                by_ticker=by_ticker,
                path=candles.get((series, day), ""),
                footers=footers,
            )
            for series in config["series_tickers"]
        ]
        tell(of_day)
        events += of_day
    return events


def _probabilities_by_ticker(probabilities: str | pa.Table | None) -> dict[str, list[_KnownProbability]] | None:
    """Probabilities by market ticker, in order of their times; None before they are made."""
    if probabilities is None:
        return None
    names = ["market_ticker", "p_yes", "known_at_ts"]
    table = files.read_table(probabilities, names) if isinstance(probabilities, str) else probabilities
    tickers, known_at = table["market_ticker"].to_pylist(), table["known_at_ts"].to_pylist()
    found: dict[str, list[_KnownProbability]] = {}
    for ticker, p_pico, known_at_ts in zip(tickers, decimals_as_integers(table["p_yes"], PICO), known_at, strict=True):
        if p_pico is not None:
            found.setdefault(ticker, []).append(_KnownProbability(known_at_ts, p_pico))
    return found


def _event(
    config: Mapping[str, Any],
    station: Station,
    day: dt.date,
    *,
    listed: list[ListedMarket],
    by_ticker: Mapping[str, list[_KnownProbability]] | None,
    path: str,
    footers: Mapping[str, FooterFacts | None],
) -> ReplayEvent:
    """One event of the config.

    Args:
        config: resolved.
        station: of its series.
        day: its climate date.
        listed: its markets in the catalog.
        by_ticker: probabilities, None before they are made.
        path: of its candles, "" without a file.
        footers: facts of the files from their footers, by path.
    """
    asof_policy = config["asof_policy"]
    asof_ts = climate_days.asof_ts(station, day, asof_policy["local_time"], asof_policy["days_before"])
    usual_ticker = climate_days.event_ticker_of(station.series_ticker, day)

    # A catalog row under the wrong series or date: keep the event, without its markets, as skipped.
    named = {market.event_ticker for market in listed} - {usual_ticker}
    if not all(_names_event(station, day, ticker) for ticker in named):
        return ReplayEvent(
            station=station,
            climate_date=day,
            ticker=usual_ticker,
            path=path,
            file=None,
            asof_ts=asof_ts,
            markets=(),
            skip=DATE_MAPPING,
        )

    # The event as listed, with the first other reason to skip it.
    file = candle_file_facts(path, footers[path]) if path else None
    probabilities = by_ticker or {}
    latest, valid_until_ts = is_latest(config), valid_until(config["probabilities"], asof_ts)
    policy = config["trade_window_policy"]
    markets = tuple(
        [
            _market(
                market,
                trade_window(station, day, policy, asof_ts, market.open_ts, market.close_ts, market.settle_ts),
                probabilities.get(market.ticker, []),
                valid_until_ts,
                latest=latest,
            )
            for market in listed
        ]
    )
    return ReplayEvent(
        station=station,
        climate_date=day,
        ticker=listed[0].event_ticker if listed else usual_ticker,
        path=path,
        file=file,
        asof_ts=asof_ts,
        markets=markets,
        skip=_skip_reason(markets, file, by_ticker is not None),
    )


def _names_event(station: Station, day: dt.date, event_ticker: str) -> bool:
    """Whether an event ticker names a series of the station and the climate date.

    A sync takes the date from the ticker and lists no market whose ticker has none. So a catalog of the exchange fails here
    only for a prefix that is missing in stations.csv; any other failure is of a catalog from another source.
    """
    if event_ticker.split("-", 1)[0] not in (station.series_ticker, *station.legacy_prefixes):
        return False
    try:
        return climate_days.climate_date_of(event_ticker) == day
    except ValueError:
        return False


def _skip_reason(
    markets: tuple[ReplayMarket, ...], file: CandleFileFacts | None, has_probabilities: bool
) -> str | None:
    """The first of the reasons after DATE_MAPPING that applies (their order is part of the trading rules)."""
    if not markets:
        return NO_EVENT
    if any(market.result is None or market.payout_yes_micro is None for market in markets):
        return UNSETTLED
    if file and file.metadata.get("reason") == damaged_events.STILL_OPEN:
        return STALE_FILE
    if file and file.metadata.get("reason") == damaged_events.DAMAGED:
        return DAMAGED_QUOTES
    if file and file.rows == 0:
        return MISSING_QUOTES
    if has_probabilities and all(market.p_pico is None for market in markets):
        return MISSING_PROBABILITIES
    return None


def _market(
    listed: ListedMarket,
    window: tuple[int, int],
    probabilities: list[_KnownProbability],
    valid_until_ts: int | None,
    *,
    latest: bool,
) -> ReplayMarket:
    """A market with its probabilities, if it has any.

    Args:
        listed: the market in the catalog.
        window: start and end of its trade window.
        probabilities: of the market, in order of their times.
        valid_until_ts: the last decision time at which one may be used, None without a limit.
        latest: whether decisions use the last probability known at their own time.
    """
    start_ts, end_ts = window
    if latest:
        timeline = _timeline(probabilities, start_ts, end_ts)
    else:  # one that was known too late is found by a validation, which may let it pass
        last = probabilities[-1] if probabilities else None
        timeline = _Timeline(last.p_pico if last else None, last.known_at_ts if last else None, None, ())
    return ReplayMarket(
        ticker=listed.ticker,
        event_ticker=listed.event_ticker,
        result=listed.result,
        payout_yes_micro=listed.payout_yes_micro,
        open_ts=listed.open_ts,
        start_ts=start_ts,
        end_ts=end_ts,
        settle_ts=listed.settle_ts,
        fee_rate=listed.fee_rate,
        p_pico=timeline.p_pico,
        known_at_ts=timeline.known_at_ts,
        bounds=listed.bounds,
        volume=listed.volume,
        valid_until_ts=valid_until_ts,
        p_from_ts=timeline.p_from_ts,
        later_p=timeline.later_p,
    )


def _timeline(known: list[_KnownProbability], start_ts: int, end_ts: int) -> _Timeline:
    """What is in force in a trade window: the last probability known at its start, and those that become known in it.

    Args:
        known: of one market, in order of their times; of equal times the last counts.
        start_ts: start of the window, included; Unix seconds.
        end_ts: end of the window, excluded; Unix seconds.
    """
    first = next((one for one in reversed(known) if one.known_at_ts <= start_ts), None)
    later = {one.known_at_ts: one.p_pico for one in known if start_ts < one.known_at_ts < end_ts}
    if first is not None:
        return _Timeline(first.p_pico, first.known_at_ts, None, tuple(later.items()))
    if not later:
        return _Timeline(None, known[0].known_at_ts if known else None, None, ())
    (begins_ts, p_pico), *rest = later.items()
    return _Timeline(p_pico, begins_ts, begins_ts, tuple(rest))
