"""Does any decision depend on what was known later? The run is made again with another future and its past compared.

For a cut, all records known after it are removed, and in a second copy poisoned (`lookahead_inputs`). Forecast and simulation
run on the copies. Orders, refusals and probabilities up to the cut must be what they were.
"""

from __future__ import annotations

import datetime as dt
import itertools
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from tradewinds import calendars, store
from tradewinds.engine.result import RunResult
from tradewinds.forecasts import probabilities
from tradewinds.lookahead_inputs import KINDS, Future, Inputs, change_future, settled_at, utc
from tradewinds.markets import kalshi_weather
from tradewinds.store import MICRO, PICO

ORDERS, PROBABILITIES = "orders and refusals", "probabilities"
TOGETHER = "several kinds together"
LISTED_LATER = "a market listed later"


class Cut(NamedTuple):
    """An instant (Unix seconds) after which everything is changed, and what it stands at."""

    ts: int
    place: str


class Stretch(NamedTuple):
    """The same outcome (in words, exact) at all decision times in [first_ts, end_ts)."""

    first_ts: int
    end_ts: int
    outcome: str


Key = tuple[str, str]  # market, and ORDERS or PROBABILITIES
Timelines = dict[Key, list[Stretch]]  # in time order
Difference = tuple[int, str, str]  # when, and the outcome before and after the future was changed


@dataclass(frozen=True)
class Change:
    """The first decision of a market by the cut that came out differently, and the kinds of records that made it so."""

    event_ticker: str
    market_ticker: str
    ts: int
    before: str
    after: str
    poisoned: bool
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class CutReport:
    """What one cut showed. `records` counts later records by kind, `decisions` what was compared (in each copy)."""

    cut: Cut
    records: Counter[str]
    decisions: Counter[str]
    changes: list[Change]


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


def check(inputs: Inputs, cuts: int = 8, seed: int = 0) -> Iterator[CutReport]:
    """One report per cut, in time order; the same seed makes the same cuts.

    Raises:
        SimulationError: the run itself cannot be made from these inputs.
    """
    checker = Checker(inputs)
    for cut in checker.cuts(cuts, seed):
        yield checker.report(cut)


class Checker:
    """A run and what it decided, to be made again with other futures."""

    def __init__(self, inputs: Inputs) -> None:
        # That a copy lacks quotes or probabilities is the check's doing, no reason to stop.
        missing = {**inputs.config["on_missing"], "quotes": "skip", "probabilities": "skip"}
        # validations judge with hindsight which events to leave out (its result, its observed temperature): not asked here
        missing["validation"] = "warn"
        self.inputs = replace(inputs, config={**inputs.config, "audit": "full", "on_missing": missing})
        self.markets = _markets(inputs.catalogs)
        self.original = _decide(self.inputs)

    def cuts(self, count: int, seed: int) -> list[Cut]:
        """Cuts where this run decides, settles, or knows its probabilities."""
        policy = self.inputs.config["asof_policy"]
        asofs = {
            calendars.asof_ts(calendars.station_of(series), day, policy["local_time"], policy["days_before"])
            for series, day in self.inputs.candles
        }
        days = {day for _, day in self.inputs.candles}
        settlements = {market.settle_ts for market in self.markets.values() if market.climate_date in days}
        trades = {trade.decision_ts for trade in self.original.result.trades}
        return choose_cuts(sorted(asofs), sorted(trades), sorted(settlements), count, seed)

    def report(self, cut: Cut) -> CutReport:
        """What changes up to a cut when everything after it is removed, and when it is poisoned."""
        changes, records = [], Counter[str]()
        for poisoned in (False, True):
            future = Future(cut.ts, poisoned)
            differences, records = self.differences(future)
            causes = self._causes(future) if differences else {}
            for key, difference in differences.items():
                event = self.markets[key[0]].event_ticker if key[0] in self.markets else LISTED_LATER
                kinds = tuple(kind for kind, keys in causes.items() if key in keys) or (TOGETHER,)
                changes.append(Change(event, key[0], *difference, poisoned, kinds))
        decisions: Counter[str] = Counter()
        for (_, what), stretches in self._past(self.original, cut.ts).items():
            decisions[what] += sum((s.end_ts - s.first_ts) // self.original.step_seconds for s in stretches)
        changes.sort(key=lambda change: (change.ts, change.market_ticker))
        return CutReport(cut, records, decisions, changes)

    def differences(self, future: Future) -> tuple[dict[Key, Difference], Counter[str]]:
        """Per market, the first decision by the cut that differs under another future; and the records it changed."""
        with tempfile.TemporaryDirectory(prefix="tradewinds-") as folder:
            inputs, records = change_future(self.inputs, future, Path(folder))
            found = _decide(inputs)
        return _differences(self._past(self.original, future.cut_ts), self._past(found, future.cut_ts)), records

    def _causes(self, future: Future) -> dict[str, set[Key]]:
        """Per kind of record, what differs when the later records of that kind alone are changed."""
        return {kind: set(self.differences(replace(future, kinds=frozenset({kind})))[0]) for kind in KINDS}

    def _past(self, decided: _Decided, cut_ts: int) -> Timelines:
        listed = {ticker for ticker, market in self.markets.items() if market.open_ts <= cut_ts}
        return _timelines(decided, cut_ts, listed)


def choose_cuts(
    asofs: Sequence[int], trades: Sequence[int], settlements: Sequence[int], count: int, seed: int
) -> list[Cut]:
    """Instants spread over a run, one in each of `count` equal parts: at and right before what happens there, and anywhere.

    Args:
        asofs, trades, settlements: as-of times, decision times of filled orders, settlement instants (Unix seconds).
    """
    places = [("trade", trades), ("as-of time", asofs), ("settlement", settlements)]
    wanted: list[tuple[str, Sequence[int]]] = [("any instant", ())]
    for name, found in places:
        wanted += [(f"at {name}", found), (f"before {name}", [ts - 1 for ts in found])]
    rng = random.Random(seed)
    rng.shuffle(wanted)
    first, last = min(asofs), max([*asofs, *settlements])
    cuts = []
    for part, (place, instants) in zip(range(count), itertools.cycle(wanted), strict=False):
        low, high = (first + (last - first) * edge // count for edge in (part, part + 1))
        inside = [ts for ts in instants if low <= ts <= high]
        cuts.append(Cut(rng.choice(inside), place) if inside else Cut(rng.randint(low, high), "any instant"))
    return cuts


def _markets(catalogs: Mapping[str, str]) -> dict[str, _Market]:
    columns = ["event_ticker", "market_ticker", "climate_date", "open_time", "close_time", "settlement_ts"]
    return {
        row["market_ticker"]: _Market(
            row["event_ticker"],
            row["climate_date"],
            int(row["open_time"].timestamp()),
            int(settled_at(row).timestamp()),
        )
        for path in catalogs.values()
        for row in store.read_rows(path, columns)
    }


def _decide(inputs: Inputs) -> _Decided:
    """Forecast and simulate."""
    if inputs.user_file:
        table, meta = probabilities.build_probabilities(inputs.config, inputs.catalogs, {}, inputs.user_file)
    else:
        table, meta = probabilities.forecast_probabilities(
            inputs.config, inputs.catalogs, inputs.guidance, inputs.climate
        )
    with tempfile.TemporaryDirectory(prefix="tradewinds-") as folder:
        path = f"{folder}/probabilities.parquet"
        store.write_parquet(path, table, meta)
        result = kalshi_weather.simulate(inputs.config, inputs.catalogs, inputs.candles, path)
    return _Decided(result, table, inputs.config["cadence_minutes"] * 60)


def _timelines(decided: _Decided, cut_ts: int, listed: set[str]) -> Timelines:
    """All that was decided by the cut; neighbouring decisions with the same outcome are one stretch.

    Probabilities count at their as-of time, of markets that are listed by the cut.
    """
    found: Timelines = {}
    for first_ts, end_ts, ticker, outcome in sorted(_orders(decided.result, cut_ts, decided.step_seconds)):
        stretches = found.setdefault((ticker, ORDERS), [])
        goes_on = stretches and stretches[-1].outcome == outcome and stretches[-1].end_ts == first_ts
        since_ts = stretches.pop().first_ts if goes_on else first_ts
        stretches.append(Stretch(since_ts, end_ts, outcome))
    for row in decided.probabilities.to_pylist():
        if row["asof_ts"] <= cut_ts and row["market_ticker"] in listed:
            words = f"p {_plain(row['p_yes'])}, known at {clock(row['known_at_ts'])}"
            until = row["asof_ts"] + decided.step_seconds
            found[row["market_ticker"], PROBABILITIES] = [Stretch(row["asof_ts"], until, words)]
    return found


def _orders(result: RunResult, cut_ts: int, step_seconds: int) -> Iterator[tuple[int, int, str, str]]:
    """Refusals and filled orders by the cut: first decision time, the one after the last, market, outcome."""
    for refusal in result.decisions:
        if not refusal.filled and refusal.first_ts <= cut_ts:
            times = min(refusal.times, (cut_ts - refusal.first_ts) // step_seconds + 1)
            wish = f"{refusal.side} {refusal.quantity} at {_dollars(refusal.price_micro)}"
            end_ts = refusal.first_ts + times * step_seconds
            yield refusal.first_ts, end_ts, refusal.ticker, f"{wish} refused as {refusal.reason}"
    for trade in result.trades:
        if trade.decision_ts <= cut_ts:
            words = (
                f"{trade.side} {trade.qty} at {_dollars(trade.entry_price_micro)}, fee {_dollars(trade.entry_fee_micro)}, "
                f"quote of {clock(trade.quote_ts)}, p {_plain(Decimal(trade.model_prob_yes_pico) / PICO)}"
            )
            yield trade.decision_ts, trade.decision_ts + step_seconds, trade.market_ticker, words


def _differences(expected: Timelines, found: Timelines) -> dict[Key, Difference]:
    """Per timeline that is not the same: when it first differs, and both outcomes there."""
    different = {}
    for key in sorted(expected.keys() | found.keys()):
        before, after = expected.get(key, []), found.get(key, [])
        if before != after:
            ts = _first_difference(before, after)
            different[key] = (ts, _outcome_at(before, ts), _outcome_at(after, ts))
    return different


def _first_difference(before: list[Stretch], after: list[Stretch]) -> int:
    pair = next(pair for pair in itertools.zip_longest(before, after) if pair[0] != pair[1])
    stretches = [stretch for stretch in pair if stretch]
    same_start = len({(stretch.first_ts, stretch.outcome) for stretch in stretches}) == 1
    if same_start and len(stretches) == 2:  # one of them goes on for longer
        return min(stretch.end_ts for stretch in stretches)
    return min(stretch.first_ts for stretch in stretches)


def _outcome_at(stretches: list[Stretch], ts: int) -> str:
    return next((s.outcome for s in stretches if s.first_ts <= ts < s.end_ts), "nothing")


def _dollars(micro: int | None) -> str:
    return "?" if micro is None else _plain(Decimal(micro) / MICRO)


def _plain(exact: Decimal) -> str:
    return f"{exact.normalize():f}"


def clock(ts: int) -> str:
    """An instant as ISO 8601 text."""
    return f"{utc(ts):%Y-%m-%dT%H:%M:%SZ}"
