"""Daily temperature events: what the engine replays, and what a run of them results in."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.errors import SimulationError
from tradewinds.core.one_ahead import OneAhead, quick_turns
from tradewinds.core.text import counted, number
from tradewinds.core.units import MICRO, NEVER, exact
from tradewinds.engine.equity import curve, instants
from tradewinds.engine.event_contracts import kernel
from tradewinds.engine.event_contracts.candles import Candles, LiveCandles, VisibleQuotes
from tradewinds.engine.event_contracts.contracts import Contract
from tradewinds.engine.event_contracts.kernel_structures import Pass
from tradewinds.engine.event_contracts.order_desk import SALES
from tradewinds.engine.event_contracts.order_rules import Rules
from tradewinds.engine.event_contracts.replay import CodedCandles, Replay, ReplayOutcome, RunContracts
from tradewinds.engine.event_contracts.step_replay import ShownNames, StepReplay
from tradewinds.engine.result import RunResult, Summary
from tradewinds.engine.round_trips import round_trips
from tradewinds.engine.trades import positions_of
from tradewinds.families.kalshi_weather import climate_days, order_book_file
from tradewinds.families.kalshi_weather.batches import Batch, BatchReader, CandleCoverage, EventBatches
from tradewinds.families.kalshi_weather.damaged_events import skips_damaged
from tradewinds.families.kalshi_weather.events import (
    DAMAGED_QUOTES,
    MISSING_PROBABILITIES,
    MISSING_QUOTES,
    STALE_FILE,
    ReplayEvent,
    ReplayMarket,
    load_events,
)
from tradewinds.families.kalshi_weather.metrics import ForecastOutcome, claim_metrics, score_metrics
from tradewinds.families.kalshi_weather.strategies import weather_strategies
from tradewinds.families.kalshi_weather.tradable_markets import contract_group, contract_of, tradable
from tradewinds.families.kalshi_weather.traded_volume import TradedVolume, capped
from tradewinds.families.kalshi_weather.trades_of_fills import trades_of
from tradewinds.families.kalshi_weather.validations.judge import (
    SKIP_PREFIX,
    Judge,
    quarantined,
    refuse_fatal_failures,
    refuse_wrong_trades,
    validation_diagnostics,
)
from tradewinds.families.kalshi_weather.validations.wrong_station import refuse_wrong_stations
from tradewinds.results.liquidity import CAPS, section
from tradewinds.results.liquidity import capped as capped_config

CROSSED_QUOTE = "CROSSED_QUOTE"

_FAIL_KEYS = {MISSING_QUOTES: "quotes", MISSING_PROBABILITIES: "probabilities"}


def replay_events(
    config: Mapping[str, Any],
    catalogs: Mapping[str, str],
    candles: Mapping[tuple[str, dt.date], str],
    probabilities: str,
    threads: int | None = None,
    climate: Iterable[str] = (),
    tell: Callable[[int, int], None] = lambda done, total: None,
    variants: bool = False,
) -> EventsResult:
    """Replay all events of a resolved config against one cash account.

    Args:
        config: resolved.
        catalogs: path of the catalog, by series.
        candles: path of the candles, by (series, climate date).
        probabilities: path of the table of probabilities.
        threads: of DuckDB, None for as many as it takes; and of the replays of variants, None for one.
        climate: paths of climate reports, with which a validation compares settlements.
        tell: called with the number of events done and of all events.
        variants: also replay what is shown beside the run: fills capped by volume, resting orders by the optimistic rule.

    Raises:
        SimulationError: on_missing says fail, and something is missing or fails a validation; or the climate reports are of
            another station.
    """
    reports = list(climate)
    refuse_wrong_stations(config, catalogs, reports)
    with quick_turns(), contextlib.closing(BatchReader(threads, ranges=_calls_strategy([config]))) as reader:
        batches = EventBatches(reader, len(config["series_tickers"]))
        events = load_events(config, catalogs, candles, probabilities, batches.add)
        judge = Judge(config, reports)
        replays = _JointReplay([config], events, judge, counted=True, workers=threads or 1, variants=variants)
        replays.run(batches, tell)
    over = replays.volume.use().over if variants and replays.calls_strategy else frozenset()
    exceeded = [cap for cap in CAPS if cap in over]
    if exceeded:  # a strategy that is called takes its time: it is asked again only where a cap changes the run
        settings = [capped_config(config, cap) for cap in exceeded]
        made = replay_events_many(settings, catalogs, candles, probabilities, threads, reports)
        replays.capped = dict(zip(exceeded, made, strict=True))
    return replays.result()


def replay_events_many(
    configs: Sequence[Mapping[str, Any]],
    catalogs: Mapping[str, str],
    candles: Mapping[tuple[str, dt.date], str],
    probabilities: str,
    threads: int | None = None,
    climate: Iterable[str] = (),
    workers: int = 1,
) -> list[Summary]:
    """Summaries of the runs of configs that differ in FAMILY.replay_keys only; candles are read once for all of them.

    Each is the run that `replay_events` makes of its config.

    Args:
        configs: resolved.
        catalogs: as in `replay_events`, like candles, probabilities, threads and climate.
        workers: threads that replay.

    Raises:
        SimulationError: as `replay_events`, for whichever config; then there is no result at all.
    """
    reports = list(climate)
    refuse_wrong_stations(configs[0], catalogs, reports)
    with quick_turns(), contextlib.closing(BatchReader(threads, ranges=_calls_strategy(configs))) as reader:
        batches = EventBatches(reader, len(configs[0]["series_tickers"]), len(configs))
        events = load_events(configs[0], catalogs, candles, probabilities, batches.add)
        replays = _JointReplay(configs, events, Judge(configs[0], reports), counted=False, workers=workers)
        replays.run(batches)
        return replays.summaries()


def _calls_strategy(configs: Sequence[Mapping[str, Any]]) -> bool:
    """Whether any of the configs has a strategy that is called at decision times."""
    return any(weather_strategies.rules_of(config).stepwise is not None for config in configs)


@dataclass
class EventsResult(RunResult):
    """A run of events; `scored` are the markets whose probabilities are judged."""

    scored: list[ForecastOutcome] = field(default_factory=list)


class _Stretch(NamedTuple):
    """What is replayed after a batch of events was judged.

    Attributes:
        contracts: the new ones.
        candles: of the batch.
        since: Unix seconds up to which all accounts are replayed before; -NEVER for the first stretch.
        until: Unix seconds up to which they are replayed now.
        instants: when equity is recorded, Unix seconds; None before any event is replayed: then nothing is to be done.
    """

    contracts: Sequence[Contract]
    candles: Candles
    since: int
    until: int
    instants: Ints | None


class _JointReplay:
    """Replays of some configs, which go through the same events together.

    Attributes:
        judge: of the validations; it holds what it found.
        workers: threads that replay.
        shared: the first config; the others differ from it in FAMILY.replay_keys only.
        events: by (climate date, series), in order; those that a validation quarantines are replaced when it is judged.
        tradable: by ticker of an event that may be replayed, its markets that may be traded, and what is refused once.
        owners: by ticker of what may be traded, its market and event.
        run_contracts: these markets as contracts.
        books: their order books; None without a file of them.
        rules: by config, how orders are made.
        start_micro: by config, start balance; micro-units.
        replays: by config, one account each.
        beside: accounts that are shown beside the first config's: fills capped by volume, or the optimistic rule.
        capped: the run with capped fills, by the cap: accounts of `beside`, or what was replayed again; a cap that is missing
            changes nothing.
        variants: whether what is shown beside the run is replayed, too.
        calls_strategy: whether the first config's strategy is called at decision times.
        volume: compares the first account's fills with what was traded.
        quotes: by clock of the configs, what is visible at its decision times.
        coverage: counts the candles in the trade windows.
        live: contracts that are not settled yet, with their candles.
        since: Unix seconds up to which the judged events are replayed; -NEVER before the first batch.
        start_ts: earliest start of a contract so far, Unix seconds; NEVER without one.
        settled_at: settlement times so far; Unix seconds.
        refused: markets that cannot trade, counted by reason.
    """

    def __init__(
        self,
        configs: Sequence[Mapping[str, Any]],
        events: Sequence[ReplayEvent],
        judge: Judge,
        *,
        counted: bool,
        workers: int = 1,
        variants: bool = False,
    ) -> None:
        # The events, and the markets of theirs that may be traded.
        self.judge, self.workers, self.shared = judge, workers, configs[0]
        _fail_if_asked(self.shared, events)
        self.events = {(event.climate_date, event.station.series_ticker): event for event in events}
        replayed = [event for event in events if event.skip is None]
        self.rules = [weather_strategies.rules_of(config) for config in configs]
        step = self.rules[0].step_seconds
        self.tradable = {event.ticker: tradable(event, step) for event in replayed}
        self.owners = {
            market.ticker: (market, event) for event in replayed for market in self.tradable[event.ticker][0]
        }
        groups = {event.ticker: contract_group(event) for event in replayed}
        self.run_contracts = RunContracts(
            [contract_of(self.shared, market, groups[event.ticker]) for market, event in self.owners.values()]
        )
        self.books = order_book_file.books_of(self.shared, self.run_contracts.contracts)
        # One account per config.
        self.start_micro = [exact(config["risk"]["start_balance_usd"], MICRO) for config in configs]
        self.replays = [
            self._replay_of(rules, cash, full_audit=counted and config["audit"] == "full", counted=counted)
            for config, rules, cash in zip(configs, self.rules, self.start_micro, strict=True)
        ]
        # A run of resting orders is replayed a second time with the optimistic rule, to be shown beside it.
        called, self.beside = self.rules[0].stepwise, list[Replay | StepReplay]()
        if variants and called is not None and not called.takes:
            rules = dataclasses.replace(self.rules[0], stepwise=dataclasses.replace(called, touch_fills=True))
            self.beside.append(self._replay_of(rules, self.start_micro[0], full_audit=False, counted=False))
        # A run of the compiled loop is also replayed with its fills capped by volume, which costs little.
        self.volume, self.capped = TradedVolume(), dict[Fraction, Replay | Summary]()
        self.variants, self.calls_strategy = variants, called is not None
        if variants and called is None:
            for cap in CAPS:
                rules = capped(self.rules[0], cap)
                replay = Replay(self.run_contracts, rules, self.start_micro[0], counted=False, books=self.books)
                self.capped[cap] = replay
                self.beside.append(replay)
        self.counted = counted
        # What the accounts share as the events go by.
        self.quotes = {clock: VisibleQuotes(*clock) for clock in map(_clock, self.rules)}
        self.coverage = CandleCoverage(self.shared["candles"]["period_interval_minutes"])
        self.live, self.since, self.start_ts = LiveCandles.empty(), -NEVER, NEVER
        self.settled_at: set[int] = set()
        self.refused: Counter[str] = Counter()

    def _replay_of(self, rules: Rules, cash: int, *, full_audit: bool, counted: bool) -> Replay | StepReplay:
        """Return the account of a config: of the compiled loop, or of the one that calls a strategy."""
        if rules.stepwise is None:
            return Replay(self.run_contracts, rules, cash, full_audit=full_audit, counted=counted, books=self.books)
        names = {ticker: _shown_names(market) for ticker, (market, _) in self.owners.items()}
        given = (self.run_contracts, rules, rules.stepwise, names, cash)
        return StepReplay(*given, full_audit=full_audit, books=self.books)

    def run(self, batches: Iterable[Batch], tell: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Replay all events, batch by batch.

        Args:
            batches: of these events.
            tell: called with the number of events done and of all events.
        """
        done = 0
        with OneAhead() as thread:
            for batch in batches:
                self.replay_batch(batch, thread)
                if done:
                    tell(done, len(self.events))
                done += len(batch.events)
            thread.finish()
        self.live = LiveCandles.empty()
        kernel.return_memory()
        if done:
            tell(done, len(self.events))

    def replay_batch(self, batch: Batch, thread: OneAhead) -> None:
        """Judge a batch's events, and start to replay up to where the next batch is needed.

        One account of the compiled loop is replayed in the thread, while the next batch is judged; a strategy of the user is
        asked here first. Many accounts have threads of their own, and a strategy that is called at decision times stays here.

        Args:
            batch: the batch after the last one.
            thread: of this run.

        Raises:
            SimulationError: an event fails a validation for which on_missing says fail.
        """
        stretch = self._judged(batch)
        codes = self._coded(stretch)
        if self.calls_strategy or len(self.replays) > 1:
            self._replay(stretch, codes)
            return
        passes = self._prepared(stretch, codes)
        thread.start(lambda: self._play(passes, codes))

    def _judged(self, batch: Batch) -> _Stretch:
        """Judge a batch's events, and return what is replayed before anything of a later batch can matter."""
        # validations decide which of the events are replayed
        found = self.judge.judge(batch.events, batch.facts)
        refuse_fatal_failures(self.shared, found)
        events = quarantined(self.shared, batch.events, found)
        self.events |= {(event.climate_date, event.station.series_ticker): event for event in events}
        self.coverage.count(events, batch.candles)
        contracts, equity_instants = self._admit([event for event in events if event.skip is None]), None
        if self.start_ts < NEVER:
            end = max(self.settled_at) + 1 if batch.until >= NEVER else batch.until
            equity_instants = np.array(instants(self.start_ts, self.since, end, self.settled_at), np.int64)
        stretch = _Stretch(contracts, batch.candles, self.since, batch.until, equity_instants)
        self.since = batch.until
        return stretch

    def _coded(self, stretch: _Stretch) -> CodedCandles:
        """Add a stretch's contracts and candles to those that are not settled yet, and return all of them."""
        contracts, candles = stretch.contracts, stretch.candles
        idx = [self.run_contracts.idx[contract.ticker] for contract in contracts]
        quoted = candles if self.books is None else self.books.quoted(candles, self.run_contracts.idx)
        self.live = self.live.next(stretch.since, contracts, idx, quoted)
        for quotes in self.quotes.values():
            quotes.add(contracts, quoted)
        for replay in (*self.replays, *self.beside):
            if isinstance(replay, StepReplay):
                replay.admit(contracts, candles)
        return CodedCandles(self.run_contracts, self.live)

    def _replay(self, stretch: _Stretch, codes: CodedCandles) -> None:
        """Replay a stretch; the first account has made what all share by the time the others begin."""
        if stretch.instants is None:
            return
        first, *others = *self.replays, *self.beside
        _advance_one(first, codes, stretch.until, stretch.instants)
        if others:
            with ThreadPoolExecutor(self.workers) as pool:  # the compiled loops let other threads work
                given = (codes, stretch.until, stretch.instants)
                for done in [pool.submit(_advance_one, replay, *given) for replay in others]:
                    done.result()
        self._count_volume(codes)

    def _prepared(self, stretch: _Stretch, codes: CodedCandles) -> list[tuple[Replay, Pass]]:
        """Return the passes of a stretch by account, for `_play`; the strategy is asked for each."""
        if stretch.instants is None:
            return []
        accounts = [one for one in (*self.replays, *self.beside) if isinstance(one, Replay)]
        return [(one, one.prepare(codes, stretch.until, stretch.instants)) for one in accounts]

    def _play(self, passes: Sequence[tuple[Replay, Pass]], codes: CodedCandles) -> None:
        """Replay prepared passes."""
        for replay, this_pass in passes:
            replay.play(this_pass)
        if passes:
            self._count_volume(codes)

    def _count_volume(self, codes: CodedCandles) -> None:
        """Compare the first account's new fills with what was traded."""
        if self.counted:
            self.volume.add(self.replays[0], codes, self.books)

    def _admit(self, events: Sequence[ReplayEvent]) -> list[Contract]:
        """Return the contracts of events that are replayed; note when they start and settle, and which markets cannot trade."""
        contracts: dict[str, Contract] = {}
        for event in events:
            markets, refused = self.tradable[event.ticker]
            self.refused += refused
            contracts |= {m.ticker: self.run_contracts.contracts[self.run_contracts.idx[m.ticker]] for m in markets}
            self.settled_at |= {market.settle_ts for market in event.markets}
        self.start_ts = min([self.start_ts, *(contract.start_ts for contract in contracts.values())])
        return list(contracts.values())

    def summaries(self) -> list[Summary]:
        """Return what each config results in, as columns."""
        end = max(self.settled_at, default=0)
        found = []
        for replay in self.replays:
            made = replay.summary()
            kept = made.equity_ts <= end
            found.append(made._replace(equity_ts=made.equity_ts[kept], equity_micro=made.equity_micro[kept]))
        return found

    def result(self) -> EventsResult:
        """Return the run of the first config."""
        # Check what the loop left; take the quotes that this config's clock could see.
        outcome, rules = self.replays[0].outcome(), self.rules[0]
        refuse_wrong_trades(outcome.fills, rules.step_seconds)
        quotes = self.quotes[_clock(rules)]
        points = curve(self.start_ts, self.settled_at, outcome.equity) if outcome.equity else []
        events = list(self.events.values())
        crossed = Counter({CROSSED_QUOTE: quotes.crossed} if quotes.crossed else {})
        scored = _scored(events)
        owners = [self.owners[contract.ticker] for contract in outcome.fills.contracts]
        trades = trades_of(outcome.fills, positions_of(outcome.journal), owners)
        sells = bool(SALES & set(outcome.fills.columns["reason"].tolist()))
        return EventsResult(
            start_balance_micro=self.start_micro[0],
            end_balance_micro=outcome.end_cash_micro,
            journal=outcome.journal,
            trades=trades,
            equity=points,
            decisions=outcome.decisions,
            diagnostics=self._diagnostics(events, outcome, self.refused + crossed),
            skipped=[(event.ticker, event.skip) for event in events if event.skip],
            watermark=quotes.watermark,
            start_ts=points[0].ts if points else None,
            end_ts=points[-1].ts if points else None,
            family_metrics=score_metrics(scored) | claim_metrics(trades),
            days_per_year=climate_days.DAYS_PER_YEAR,
            around_the_clock=True,
            round_trips=round_trips(outcome.journal) if sells else None,
            scored=scored,
        )

    def _diagnostics(
        self, events: Sequence[ReplayEvent], outcome: ReplayOutcome, refused: Counter[str]
    ) -> dict[str, Any]:
        skips = Counter(event.skip for event in events if event.skip)
        quarantine = [event.ticker for event in events if (event.skip or "").startswith(SKIP_PREFIX)]
        return {
            "events_attempted": len(events),
            "events_traded": int(np.count_nonzero(np.bincount(self.run_contracts.event[outcome.fills.idx]))),
            "events_skipped": dict(sorted(skips.items())),
            "rejections": dict(sorted((refused + outcome.rejections).items())),
            "candles_missing_pct": self.coverage.missing_share_pct,
            **validation_diagnostics(self.judge.findings, len(outcome.fills), quarantine),
            "liquidity": section(self.volume.use(), self._under_caps()) | self._from_books(),
            **self._of_calls(),
        }

    def _from_books(self) -> dict[str, Any]:
        """What was bought from order books; nothing for a run without a file of them."""
        return {} if self.books is None else {"from_books": self.volume.from_books()}

    def _under_caps(self) -> dict[Fraction, Summary]:
        """Return the run with its fills capped, by the cap; nothing for a run without variants."""
        if not self.variants:
            return {}
        made = {cap: one.summary() if isinstance(one, Replay) else one for cap, one in self.capped.items()}
        own = self.replays[0].summary()  # of a cap that nothing exceeds
        return {cap: made.get(cap, own) for cap in CAPS}

    def _of_calls(self) -> dict[str, Any]:
        """Diagnostics of a strategy that is called at decision times; none of others."""
        first = self.replays[0]
        if not isinstance(first, StepReplay):
            return {}
        found: dict[str, Any] = {"strategy_calls": first.calls}
        if self.beside:
            optimistic = self.beside[0].summary()
            found["if_touched"] = {
                "total_pnl_usd": number(int(optimistic.pnl_micro.sum())),
                "num_trades": len(optimistic.pnl_micro),
                "num_contracts": int(optimistic.quantity.sum()),
            }
        return found


def _advance_one(replay: Replay | StepReplay, codes: CodedCandles, until: int, equity_instants: Ints) -> None:
    if isinstance(replay, StepReplay):
        replay.advance(until, equity_instants.tolist())
    else:
        replay.advance(codes, until, equity_instants)


def _shown_names(market: ReplayMarket) -> ShownNames:
    if market.bounds is None:
        return ShownNames(market.event_ticker, math.nan, math.nan)
    low, high = market.bounds
    return ShownNames(market.event_ticker, -math.inf if low is None else low, math.inf if high is None else high)


def _clock(rules: Rules) -> tuple[int, int | None]:
    return rules.step_seconds, rules.max_age_seconds


def _fail_if_asked(config: Mapping[str, Any], events: Sequence[ReplayEvent]) -> None:
    # files that hold no window: of events that were open, then of damaged ones
    opened = [event for event in events if event.skip == STALE_FILE]
    if opened:
        raise SimulationError(
            f"{counted(len(opened), 'event')} had not closed when the candles were asked for, first {opened[0].ticker}, and "
            "a result is known now.",
            where=opened[0].path,
            remedy="tradewinds run asks for the candles again, and so does snakemake once the file is deleted.",
        )
    left_out = [event for event in events if event.skip == DAMAGED_QUOTES]
    if left_out and not skips_damaged(config["on_missing"]):
        first = left_out[0]
        raise SimulationError(
            f"the candles of {counted(len(left_out), 'event')} were left out because the exchange's answer could not be right, "
            f"first {first.ticker} ({first.path}), and this config does not leave such events out.",
            where="on_missing.damaged",
            remedy="tradewinds run asks for them again, and so does snakemake once the file is deleted. Set "
            "on_missing.damaged to skip to leave such events out.",
        )
    for reason, key in _FAIL_KEYS.items():
        found = [event.ticker for event in events if event.skip == reason]
        if found and config["on_missing"][key] == "fail":
            shown = ", ".join(found[:10]) + (f" and {len(found) - 10} more" if len(found) > 10 else "")
            remedy = f"Set on_missing.{key} to skip to leave such events out."
            raise SimulationError(
                f"{reason} in {counted(len(found), 'event')}: {shown}.", where=f"on_missing.{key}", remedy=remedy
            )


def _scored(events: Sequence[ReplayEvent]) -> list[ForecastOutcome]:
    return [
        ForecastOutcome(market.event_ticker, market.ticker, market.p_pico, market.result == "yes")
        for event in events
        for market in event.markets
        if market.p_pico is not None and market.result in ("yes", "no")
    ]
