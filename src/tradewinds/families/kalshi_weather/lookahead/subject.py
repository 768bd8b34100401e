"""A run of events for the look-ahead check: forecast and simulation, made again on changed copies of its raw inputs."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from tradewinds.core import files
from tradewinds.core.temporary import temporary_folder
from tradewinds.core.text import instant, money, plain, whole_seconds_up
from tradewinds.core.units import PICO
from tradewinds.engine.result import RunResult
from tradewinds.families.book_timelines import book_timelines
from tradewinds.families.contract import BOOKS, Future, Stretch, Timelines
from tradewinds.families.kalshi_weather import climate_days, replay
from tradewinds.families.kalshi_weather.forecasts.market_probabilities import (
    build_probabilities,
    forecast_probabilities,
)
from tradewinds.families.kalshi_weather.levels_key import levels_path
from tradewinds.families.kalshi_weather.lookahead.changed_inputs import (
    KINDS,
    OBSERVATIONS,
    ORDER_BOOKS,
    Inputs,
    change_future,
    settled_at,
)
from tradewinds.families.kalshi_weather.pooling.pooled_probabilities import pooled_table
from tradewinds.families.kalshi_weather.pooling.probability_sources import forecast_config, pool_of
from tradewinds.families.kalshi_weather.validations.wrong_station import refuse_wrong_stations

ORDERS, PROBABILITIES = "orders and refusals", "probabilities"
LISTED_LATER = "a market listed later"


@dataclass(frozen=True)
class _Decided:
    """Everything that a run decided."""

    result: RunResult
    probabilities: pa.Table
    step_seconds: int


@dataclass(frozen=True)
class _Market:
    event_ticker: str
    climate_date: dt.date
    open_ts: int
    settle_ts: int


class EventsRun:
    """What a run of events decided, and decides under other futures (a `Subject` of families/contract.py)."""

    kinds: Sequence[str]
    decisions: Sequence[str] = (ORDERS, PROBABILITIES, BOOKS)

    def __init__(self, inputs: Inputs) -> None:
        # files that the run does not have cannot change
        absent = {OBSERVATIONS} if not inputs.observations else set()
        absent |= {ORDER_BOOKS} if levels_path(inputs.config) is None else set()
        self.kinds = tuple(kind for kind in KINDS if kind not in absent)
        reports = [path for paths in inputs.climate.values() for path in paths]
        refuse_wrong_stations(inputs.config, inputs.catalogs, reports)
        # That a copy lacks quotes or probabilities is the check's doing, no reason to stop.
        missing = {**inputs.config["on_missing"], "quotes": "skip", "probabilities": "skip"}
        # validations judge with hindsight which events to leave out (its result, its observed temperature): not asked here
        missing["validation"] = "warn"
        self.inputs = replace(inputs, config={**inputs.config, "audit": "full", "on_missing": missing})
        self.markets = _markets(inputs.catalogs)
        self.original = _decide(self.inputs, must_match=True)
        self.step_seconds = self.original.step_seconds

    def instants(self) -> Mapping[str, Sequence[int]]:
        """Where this run decides, settles, or knows its probabilities."""
        policy = self.inputs.config["asof_policy"]
        asofs = {
            climate_days.asof_ts(climate_days.station_of(series), day, policy["local_time"], policy["days_before"])
            for series, day in self.inputs.candles
        }
        days = {day for _, day in self.inputs.candles}
        settlements = {market.settle_ts for market in self.markets.values() if market.climate_date in days}
        trades = {trade.decision_ts for trade in self.original.result.trades}
        return {"trade": sorted(trades), "as-of time": sorted(asofs), "settlement": sorted(settlements)}

    def past(self, cut_ts: int) -> Timelines:
        """Orders, refusals, probabilities of markets that are listed by a cut, and the books."""
        return self._past(self.original, cut_ts)

    def again(self, future: Future, folder: Path) -> tuple[Timelines, Counter[str]]:
        """The same under another future; see `families.contract.Subject`."""
        inputs, records = change_future(self.inputs, future, folder)
        future.ready()
        # that a copy of the user's file lost all its rows is the check's doing
        return self._past(_decide(inputs, must_match=False), future.cut_ts), records

    def event_of(self, market: str) -> str:
        """A market's event."""
        return self.markets[market].event_ticker if market in self.markets else LISTED_LATER

    def _past(self, decided: _Decided, cut_ts: int) -> Timelines:
        listed = {ticker for ticker, market in self.markets.items() if market.open_ts <= cut_ts}
        return _timelines(decided, cut_ts, listed) | book_timelines(decided.result.journal, cut_ts, self.step_seconds)


def _markets(catalogs: Mapping[str, str]) -> dict[str, _Market]:
    columns = ["event_ticker", "market_ticker", "climate_date", "open_time", "close_time", "settlement_ts"]
    return {
        row["market_ticker"]: _Market(
            row["event_ticker"],
            row["climate_date"],
            whole_seconds_up(row["open_time"]),
            whole_seconds_up(settled_at(row)),
        )
        for path in catalogs.values()
        for row in files.read_rows(path, columns)
    }


def _decide(inputs: Inputs, *, must_match: bool) -> _Decided:
    """Forecast and simulate.

    Args:
        inputs: of the run, or changed copies.
        must_match: refuse a user's file of which no row counts for any listed market.
    """
    conf = forecast_config(inputs.config)
    if inputs.user_file:
        made = build_probabilities(conf, inputs.catalogs, {}, inputs.user_file, must_match=must_match)
    else:
        made = forecast_probabilities(conf, inputs.catalogs, inputs.guidance, inputs.climate, inputs.observations)
    if pool_of(inputs.config["probabilities"]):
        made = pooled_table(inputs.config, inputs.catalogs, inputs.candles, made)
    table, meta = made
    with temporary_folder("tradewinds-") as folder:
        path = f"{folder}/probabilities.parquet"
        files.write_parquet(path, table, meta)
        result = replay.replay_events(inputs.config, inputs.catalogs, inputs.candles, path)
    return _Decided(result, table, inputs.config["cadence_minutes"] * 60)


def _timelines(decided: _Decided, cut_ts: int, listed: set[str]) -> Timelines:
    """All that was decided by the cut; neighbouring decisions with the same outcome are one stretch.

    Probabilities count from their as-of time on, or from when they are known later, of markets that are listed by the cut.
    """
    found: Timelines = {}
    for first_ts, end_ts, ticker, outcome in sorted(_orders(decided.result, cut_ts, decided.step_seconds)):
        stretches = found.setdefault((ticker, ORDERS), [])
        goes_on = stretches and stretches[-1].outcome == outcome and stretches[-1].end_ts == first_ts
        since_ts = stretches.pop().first_ts if goes_on else first_ts
        stretches.append(Stretch(since_ts, end_ts, outcome))
    for row in decided.probabilities.to_pylist():
        since = max(row["asof_ts"], row["known_at_ts"])
        if since <= cut_ts and row["market_ticker"] in listed:
            words = f"p {plain(row['p_yes'])}, known at {instant(row['known_at_ts'])}"
            stretch = Stretch(since, since + decided.step_seconds, words)
            found.setdefault((row["market_ticker"], PROBABILITIES), []).append(stretch)
    return found


def _orders(result: RunResult, cut_ts: int, step_seconds: int) -> Iterator[tuple[int, int, str, str]]:
    """Refusals and filled orders by the cut: first decision time, the one after the last, market, outcome."""
    for refusal in result.decisions:
        if not refusal.filled and refusal.first_ts <= cut_ts:
            times = min(refusal.times, (cut_ts - refusal.first_ts) // step_seconds + 1)
            price = "no price" if refusal.price_micro is None else money(refusal.price_micro)
            wish = f"{refusal.side} {refusal.quantity} at {price}"
            end_ts = refusal.first_ts + times * step_seconds
            yield refusal.first_ts, end_ts, refusal.ticker, f"{wish} refused as {refusal.reason}"
    for trade in result.trades:
        if trade.decision_ts <= cut_ts:
            words = (
                f"{trade.side} {trade.qty} at {money(trade.entry_price_micro)}, fee {money(trade.entry_fee_micro)}, "
                f"quote of {instant(trade.quote_ts)}, p {plain(Decimal(trade.model_prob_yes_pico or 0) / PICO)}"
            )
            yield trade.decision_ts, trade.decision_ts + step_seconds, trade.market_ticker, words
