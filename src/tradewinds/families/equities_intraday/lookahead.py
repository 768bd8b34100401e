"""The look-ahead check of a run of intraday equities: repeats the replay with other records after an instant, the cut.

When a record becomes known:
    bar: its open at its start, the rest at its end.
    volume of an opening range: with its bars; these volumes are changed alone too.
    split: at the open of the session of its ex-date.
    session of the calendar: a session that has opened at the cut stays as it is, later ones are changed.

When a decision is known: an opening range and what follows from it at its end; an entry at its fill; a refusal at the start of
its bar, or for a resting stop order at the bar's end; an exit at its fill. That a bar is the last of its session is known at
the session's close only, so an exit at the close of a last bar counts from there, and its rows are left out of the books.
ASSUME: how many shares risk.max_volume_share lets an order enter is what the market gave, no decision; with that key a bar that
runs at the cut keeps its volume.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from tradewinds.core.arrays import Flags, Ints
from tradewinds.core.temporary import temporary_folder
from tradewinds.core.text import money
from tradewinds.core.units import DAY_SECONDS
from tradewinds.engine.bar_sessions.minute_bars import MinuteBars
from tradewinds.engine.bar_sessions.session_result import ANSWERS, EXITS, SessionsResult
from tradewinds.engine.bar_sessions.setups import COUNT, History
from tradewinds.engine.journal import Journal
from tradewinds.families.book_timelines import book_timelines
from tradewinds.families.contract import BOOKS, PLANTED, Future, Stretch, Timelines
from tradewinds.families.equities_intraday.plan import IntradayPlan, with_minute_files
from tradewinds.families.equities_intraday.replay import IntradayStudy, entry_reason
from tradewinds.families.equities_intraday.session_panel import make_session_panel
from tradewinds.families.plan import lacking

BARS, OR_VOLUMES, ACTIONS, SESSIONS = "bars", "volumes of opening ranges", "corporate actions", "calendar sessions"
RANGES, ENTRIES, EXITS_MADE = "opening ranges", "entries and refusals", "exits"
ORDERS = "orders"  # what a strategy of the user's own asks for

# Values of poisoned records, such as no market shows from one minute to the next.
_PRICE_FACTOR = 5
_HUGE_VOLUME = 10**9
_SPLIT_FACTOR = 10
_SESSION_END = EXITS.index("session_end")

DatedDecision = tuple[int, tuple[str, str], str]
"""(instant in Unix seconds, symbol and kind of decision, outcome as text)."""
Splits = dict[str, tuple[tuple[int, Fraction], ...]]


class SessionsRun:
    """A run of intraday equities that can be repeated with other records (the protocol Subject in families/contract.py).

    Args:
        config: a resolved config.
        plan: its plan.

    Raises:
        DataMissing: a file of bars does not exist, or as the replay.
        SimulationError: as the replay.
    """

    kinds: Sequence[str] = (BARS, OR_VOLUMES, ACTIONS, SESSIONS)
    decisions: Sequence[str] = (ENTRIES, EXITS_MADE, RANGES, BOOKS)
    step_seconds = 1

    def __init__(self, config: Mapping[str, Any], plan: IntradayPlan) -> None:
        """Make the panel and the run as they are."""
        if missing := [path for path in plan.files.bars if not Path(path).exists()]:
            raise lacking(missing, "makes")
        self.config = config
        with temporary_folder("tradewinds-") as folder:
            whole = with_minute_files(plan, panel=f"{folder}/panel.parquet")
            make_session_panel(config, whole)
            self.study = IntradayStudy.of(config, whole)
            made = self.study.replay(config)
        self.journal = made.journal(entry_reason(made))
        if made.called:
            self.decisions = (ORDERS, ENTRIES, EXITS_MADE, BOOKS)
        self.decided = sorted(_decisions(config, made))

    def instants(self) -> Mapping[str, Sequence[int]]:
        """Return the instants of entries, exits and ends of opening ranges, and the opens and closes of sessions; Unix s."""
        bars, sessions = self.study.bars, slice(self.study.first, self.study.end)
        found = {name: sorted({ts for ts, (_, what), _ in self.decided if what == name}) for name in self.decisions[:3]}
        # fills apart, because refusals are many times as frequent
        fills = sorted({ts for ts, (_, what), told in self.decided if what == ENTRIES and " refused as " not in told})
        return {
            "entry": fills,
            **found,
            "open": bars.open_ts[sessions].tolist(),
            "close": bars.close_ts[sessions].tolist(),
        }

    def past(self, cut_ts: int) -> Timelines:
        """Return opening ranges, entries, refusals, exits and rows of the books up to a cut."""
        return _timelines(self.decided, self.journal, cut_ts)

    def again(self, future: Future, folder: Path) -> tuple[Timelines, Counter[str]]:
        """Repeat the run with changed records; see Subject in families/contract.py.

        Args:
            future: the cut and the change.
            folder: not used: the copies are made in memory.

        Returns:
            What it decides up to the cut, and how many records were changed or planted, by kind.
        """
        copies = _ChangedMinutes(future, keeps_volume=self.config["risk"]["max_volume_share"] is not None)
        bars, splits = self.study.bars, self.study.history.splits
        if SESSIONS in future.kinds:
            bars = copies.calendar(bars)
        if BARS in future.kinds:
            bars = copies.bars(bars)
        if OR_VOLUMES in future.kinds:
            bars = copies.opening_volumes(bars, _longest_range(self.config))
        if ACTIONS in future.kinds:
            splits = copies.splits(bars, splits)
        future.ready()
        # the same sessions, as far as they have opened: what poisoned prices make of an account later may not fit into it
        end = min(self.study.end, int(np.searchsorted(bars.open_ts, future.cut_ts, side="right")))
        if self.study.first >= end:
            return _timelines([], Journal.empty(), future.cut_ts), copies.counts
        study = replace(self.study, history=History(bars, splits), end=end)
        made = study.replay(self.config)
        decided = sorted(_decisions(self.config, made))
        return _timelines(decided, made.journal(entry_reason(made)), future.cut_ts), copies.counts

    def event_of(self, market: str) -> str:
        """Return the symbol itself: shares belong to no event."""
        return market


def _longest_range(config: Mapping[str, Any]) -> int:
    """Return the minutes of the longest opening range that a config can have."""
    orb = config["orb"]
    longer = [orb["short_or_minutes"], orb["long_or_minutes"]] if orb["adaptive"] else []
    return int(max([orb["base_minutes"], *longer]))


def _decisions(config: Mapping[str, Any], made: SessionsResult) -> Iterator[DatedDecision]:
    """Yield everything that a replay decides, with the instant at which it is known.

    Args:
        config: a resolved config.
        made: the result of the pass.
    """
    bars, sessions = made.bars, len(made.bars.days)
    step = 60 * bars.bar_minutes
    if made.called:
        yield from _own_decisions(made)
    # opening ranges, and whether and beyond which prices they are traded
    setups = made.setups
    for symbol, name in enumerate(bars.symbols):
        for session in range(made.first, made.end):
            k = symbol * sessions + session
            if setups.ranges[k, COUNT]:
                prices = " ".join(money(price) for price in setups.ranges[k, :COUNT].tolist())
                sides = f"{setups.sides[k]} above {setups.above[k]} below {setups.below[k]}"
                outcome = (
                    f"{setups.minutes[k]} minutes {prices}, {setups.reasons[k] or sides}, volume {setups.rel_volume[k]}"
                )
                yield int(bars.open_ts[session] + 60 * setups.minutes[k]), (name, RANGES), outcome
    # refusals; a resting order is known to be reached when its bar is complete
    late = step if config["entry"]["mode"] == "stop" else 0
    for symbol, _, bar_ts, direction, answer, score, _ in made.break_rows.tolist():
        if answer:
            outcome = f"{_side(direction)} at {bar_ts} refused as {ANSWERS[answer]}, score {score}"
            yield bar_ts + late, (bars.symbols[symbol], ENTRIES), outcome
    for trade in made.trades:
        entry = f"{_side(trade.direction)} {trade.shares} at {money(trade.fill)}, stop {money(trade.stop)}"
        targets = " ".join(money(price) for price in trade.targets)
        outcome = f"{entry}, targets {targets}, score {trade.score}, fee {money(trade.entry_fee)}"
        yield trade.entry_ts, (bars.symbols[trade.symbol], ENTRIES), outcome
    for number, ts, shares, _, fill, fee, reason in made.leg_rows.tolist():
        if reason < 0:
            continue
        trade = made.trades[number]
        k = trade.symbol * sessions + trade.session
        last_end = int(bars.open_ts[trade.session]) + 60 * int(bars.minute[bars.first_row[k + 1] - 1]) + step
        known = int(bars.close_ts[trade.session]) if reason == _SESSION_END and ts == last_end else ts
        outcome = f"{shares} at {money(fill)}, fee {money(fee)}, {EXITS[reason]}"
        yield known, (bars.symbols[trade.symbol], EXITS_MADE), outcome


def _own_decisions(made: SessionsResult) -> Iterator[DatedDecision]:
    """Yield everything that a strategy of the user's own asks for, and the refusals, with their instants.

    Its entries and exits are among the trades and legs.
    """
    for number, wish in enumerate(made.wishes):
        yield wish.ts, (wish.ticker, ORDERS), f"{number}: {wish.text}"
    for outcome in made.outcomes:
        if not outcome.filled:
            what = "exit" if outcome.is_exit else "entry"
            text = f"{_side(outcome.direction)} {what} of {outcome.decided_ts} refused as {outcome.reason}"
            yield outcome.ts, (made.bars.symbols[outcome.symbol], ENTRIES), text


def _side(direction: int) -> str:
    """Return BUY or SELL_SHORT."""
    return "BUY" if direction > 0 else "SELL_SHORT"


def _timelines(decided: Sequence[DatedDecision], journal: Journal, cut_ts: int) -> Timelines:
    """Return the decisions up to a cut by symbol and kind, and the rows of the books up to it."""
    found: Timelines = {}
    for ts, key, outcome in decided:
        if ts <= cut_ts:
            found.setdefault(key, []).append(Stretch(ts, ts + 1, outcome))
    return found | book_timelines(journal, cut_ts, SessionsRun.step_seconds, {EXITS[_SESSION_END]})


@dataclass
class _ChangedMinutes:
    """Copies of records with one change, and how many records were changed.

    Attributes:
        future: the cut and the change.
        keeps_volume: a bar that runs at the cut keeps its volume.
        counts: number of changed and of planted records, by kind.
    """

    future: Future
    keeps_volume: bool = False
    counts: Counter[str] = field(default_factory=Counter)

    def calendar(self, bars: MinuteBars) -> MinuteBars:
        """Leave out the sessions that open after the cut, or have them close after half their time; their later bars go too.

        Args:
            bars: of the run.
        """
        later = bars.open_ts > self.future.cut_ts
        self.counts[SESSIONS] += int(later.sum())
        if not self.future.poisoned:
            return _rebuilt(bars, ~later[_sessions_of(bars)], bars.close_ts, ~later)
        length = (bars.close_ts - bars.open_ts) // 600 * 300
        closes = np.where(later, bars.open_ts + length, bars.close_ts)
        inside = bars.minute < ((closes - bars.open_ts) // 60)[_sessions_of(bars)]
        return _rebuilt(bars, inside, closes, np.ones(len(bars.days), bool))

    def bars(self, bars: MinuteBars) -> MinuteBars:
        """Remove the later bars, or poison them.

        A bar that runs at the cut keeps its open and gets another rest: it falls to half its open where later bars are removed,
        and rises to five times its open where they are poisoned, so that what asks for a rise or a fall is found by one of the
        two. Poisoned bars are in turns five times as dear or as cheap, with a huge volume, and each symbol gets such a bar at
        the first minute after the cut at which it has none.

        Args:
            bars: of the run.
        """
        starts = bars.open_ts[_sessions_of(bars)] + 60 * bars.minute.astype(np.int64)
        running = (starts <= self.future.cut_ts) & (starts + 60 * bars.bar_minutes > self.future.cut_ts)
        later = starts > self.future.cut_ts
        self.counts[BARS] += int(later.sum() + running.sum())
        columns = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close", "volume")}
        # the bar that runs: its close, and so its high or low, is a multiple or a half of its open
        opens = columns["open"][running]
        closes = opens * _PRICE_FACTOR if self.future.poisoned else np.maximum(opens // 2, 1)
        columns["high"][running], columns["low"][running] = np.maximum(opens, closes), np.minimum(opens, closes)
        columns["close"][running] = closes
        if not self.keeps_volume:
            columns["volume"][running] = _HUGE_VOLUME if self.future.poisoned else 1
        if not self.future.poisoned:
            every = np.ones(len(bars.days), bool)
            return _rebuilt(replace(bars, **columns), ~later, bars.close_ts, every)
        dear = later & ((bars.minute // bars.bar_minutes + _sessions_of(bars)) % 2 == 0)
        for name in ("open", "high", "low", "close"):
            cheap = np.maximum(columns[name] // _PRICE_FACTOR, 1)
            columns[name] = np.where(dear, columns[name] * _PRICE_FACTOR, np.where(later, cheap, columns[name]))
        columns["volume"] = np.where(later, _HUGE_VOLUME, columns["volume"])
        return self._planted(replace(bars, **columns))

    def _planted(self, bars: MinuteBars) -> MinuteBars:
        """Return bars with a poisoned one for each symbol at the first minute after the cut at which it has none."""
        session = int(np.searchsorted(bars.close_ts, self.future.cut_ts, side="right"))
        if session == len(bars.days):
            return bars
        step, length = bars.bar_minutes, int(bars.session_minutes[session])
        since = max(self.future.cut_ts - int(bars.open_ts[session]), -1) // 60 // step * step + step
        # where each new row goes, and which of first_row come after it
        rows, minutes, added = [], [], np.zeros(len(bars.first_row), np.int64)
        for symbol in range(len(bars.symbols)):
            k = symbol * len(bars.days) + session
            first, end = bars.first_row[k : k + 2].tolist()
            present = set(bars.minute[first:end].tolist())
            free = next((minute for minute in range(since, length, step) if minute not in present), None)
            if free is not None:
                rows.append(first + int(np.searchsorted(bars.minute[first:end], free)))
                minutes.append(free)
                added[k + 1 :] += 1
        self.counts[PLANTED] += len(rows)
        price, places = int(bars.close.max(initial=1)), np.array(rows, np.int64)
        prices = {name: np.insert(getattr(bars, name), places, price) for name in ("open", "high", "low", "close")}
        return replace(
            bars,
            first_row=bars.first_row + added,
            minute=np.insert(bars.minute, places, np.array(minutes, bars.minute.dtype)),
            volume=np.insert(bars.volume, places, _HUGE_VOLUME),
            open=prices["open"],
            high=prices["high"],
            low=prices["low"],
            close=prices["close"],
        )

    def opening_volumes(self, bars: MinuteBars, minutes: int) -> MinuteBars:
        """Change the volumes of the later bars that may belong to an opening range: to 1, or to a huge number.

        Args:
            bars: of the run.
            minutes: of the longest opening range.
        """
        ends = bars.open_ts[_sessions_of(bars)] + 60 * (bars.minute.astype(np.int64) + bars.bar_minutes)
        begun = ends - 60 * bars.bar_minutes <= self.future.cut_ts
        later = (ends > self.future.cut_ts) & (bars.minute < minutes) & ~(begun & self.keeps_volume)
        self.counts[OR_VOLUMES] += int(later.sum())
        return replace(bars, volume=np.where(later, _HUGE_VOLUME if self.future.poisoned else 1, bars.volume))

    def splits(self, bars: MinuteBars, splits: Splits) -> Splits:
        """Leave out the splits whose session opens after the cut, or make them ten times as large.

        Poisoned, every symbol also gets such a split on the day after the last session that has opened.

        Args:
            bars: of the run.
            splits: by symbol, (day since 1970-01-01, new shares for one old one) in order of days.
        """
        opened = np.flatnonzero(bars.open_ts <= self.future.cut_ts)
        today = int(bars.days[opened[-1]]) if len(opened) else self.future.cut_ts // DAY_SECONDS
        found: Splits = {}
        for name in bars.symbols:
            rows = splits.get(name, ())
            known, later = ([row for row in rows if (row[0] > today) is after] for after in (False, True))
            self.counts[ACTIONS] += len(later)
            if self.future.poisoned:
                planted = [(today + 1, Fraction(_SPLIT_FACTOR))]
                self.counts[PLANTED] += 1
                known += planted + [(day, ratio * _SPLIT_FACTOR) for day, ratio in later]
            if known:
                found[name] = tuple(known)
        return found


def _sessions_of(bars: MinuteBars) -> Ints:
    """Return the index of the session of each row."""
    sessions = np.tile(np.arange(len(bars.days)), len(bars.symbols))
    found: Ints = np.repeat(sessions, np.diff(bars.first_row))
    return found


def _rebuilt(bars: MinuteBars, rows: Flags, close_ts: Ints, sessions: Flags) -> MinuteBars:
    """Return some rows and sessions of bars.

    Args:
        bars: the bars.
        rows: which rows stay; none of a session that goes.
        close_ts: closes of all sessions; Unix s.
        sessions: which sessions stay.
    """
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(rows)])
    counts = np.diff(before[bars.first_row]).reshape(len(bars.symbols), -1)[:, sessions].reshape(-1)
    columns = {name: getattr(bars, name)[rows] for name in ("minute", "open", "high", "low", "close", "volume")}
    return replace(
        bars,
        days=bars.days[sessions],
        open_ts=bars.open_ts[sessions],
        close_ts=close_ts[sessions],
        first_row=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]),
        **columns,
    )
