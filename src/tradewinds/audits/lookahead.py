"""The look-ahead check: make a run again with another future, and compare what it decided before.

At a cut, all records that became known after it are removed; in a second copy they get other values (are poisoned). The run's
decisions up to the cut, and the entries of its books, must be the same. The run's market family makes the run again and knows
what its records are (`Subject`). Before the cuts the run is made again from the same records: what differs then depends on
something else than its records, which could be anything. What a strategy's own code opens is noted by a `StrategyWatch`.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from tradewinds.audits.strategy_watch import StrategyWatch
from tradewinds.core.temporary import temporary_folder
from tradewinds.families.contract import BOOKS, Future, Key, Stretch, Subject, Timelines

TOGETHER = "several kinds together"
UNCHANGED = "made again unchanged"  # the place of the first report,
AT_THE_END = "at the end of the run"  # and of the last
ANY_INSTANT = "any instant"
MOST_AGAIN = 3  # times that it is made again
ITSELF = "not the records: the clock, random numbers, or what is kept from one run to the next"


class Cut(NamedTuple):
    """An instant after which all records are changed.

    Attributes:
        ts: Unix seconds.
        place: what happens at the instant or right after it.
    """

    ts: int
    place: str


# Unix seconds, and the outcome at that time before and after the future was changed.
Difference = tuple[int, str, str]


@dataclass(frozen=True)
class Change:
    """The first decision of a market, or entry of its books, that came out differently although it is not after the cut.

    Attributes:
        event_ticker: the market's event.
        market_ticker: the market.
        ts: when, in Unix seconds.
        before: the outcome in the run.
        after: the outcome with another future.
        poisoned: later records had other values; else they were removed.
        kinds: the kinds of records whose change alone makes this difference.
    """

    event_ticker: str
    market_ticker: str
    ts: int
    before: str
    after: str
    poisoned: bool
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class CutReport:
    """What one cut showed.

    Attributes:
        cut: the cut.
        records: how many records became known after it, by kind.
        decisions: how many decisions up to it were compared in each copy, by kind.
        changes: what came out differently.
    """

    cut: Cut
    records: Counter[str]
    decisions: Counter[str]
    changes: list[Change]


def check(subject: Subject, cuts: int = 8, seed: int = 0, watch: StrategyWatch | None = None) -> Iterator[CutReport]:
    """Check a run: made again unchanged, and at some cuts.

    Args:
        subject: the run.
        cuts: how many.
        seed: the same seed makes the same cuts.
        watch: of the run's strategy, begun before the subject was made; None for a strategy of the project.

    Yields:
        A report of the run made again (its place is UNCHANGED), one per cut in time order, and one of the end: what the run
        leaves with must not depend on records after it, which there may be.

    Raises:
        SimulationError: the run itself cannot be made from these inputs.
    """
    checker = Checker(subject, watch)
    yield checker.made_again()
    for cut in checker.cuts(cuts, seed):
        yield checker.report(cut)
    yield checker.report(Cut(checker.last_ts, AT_THE_END))


class Checker:
    """Compares a run with the same run under other futures.

    Args:
        subject: the run.
        watch: as in `check`.
    """

    def __init__(self, subject: Subject, watch: StrategyWatch | None = None) -> None:
        self.subject, self.watch = subject, watch
        self.last_ts = max(ts for found in subject.instants().values() for ts in found)

    def made_again(self) -> CutReport:
        """Compare the run with the same run from the same records, at another time and with other random numbers.

        It is made MOST_AGAIN times, or until it differs: of a few random numbers the second ones often say the same.
        """
        for _ in range(MOST_AGAIN):
            found, _records = self.differences(Future(self.last_ts, False, frozenset()))
            if found:
                break
        changes = [
            Change(self.subject.event_of(key[0]), key[0], *difference, False, (ITSELF,))
            for key, difference in found.items()
        ]
        return CutReport(Cut(self.last_ts, UNCHANGED), Counter(), Counter(), _in_order(changes))

    def cuts(self, count: int, seed: int) -> list[Cut]:
        """Choose cuts at which something happens in this run; arguments as for `choose_cuts`."""
        return choose_cuts(self.subject.instants(), count, seed)

    def report(self, cut: Cut) -> CutReport:
        """Compare the run up to a cut with the runs whose later records are removed, and poisoned."""
        # What came out differently, and by which kinds of records.
        changes, records = [], Counter[str]()
        for poisoned in (False, True):
            future = Future(cut.ts, poisoned, frozenset(self.subject.kinds))
            # all files are copies now, so that nothing but the strategy has a reason to open one of the run's
            differences, records = self.differences(future, watched=True)
            causes = self._causes(future) if differences else {}
            for key, difference in differences.items():
                kinds = tuple(kind for kind, keys in causes.items() if key in keys) or (TOGETHER,)
                changes.append(Change(self.subject.event_of(key[0]), key[0], *difference, poisoned, kinds))
        # How many decisions were compared: a stretch is the same decision at each step.
        decisions: Counter[str] = Counter()
        for (_, what), stretches in self.subject.past(cut.ts).items():
            decisions[what] += sum((s.end_ts - s.first_ts) // self.subject.step_seconds for s in stretches)
        return CutReport(cut, records, decisions, _in_order(changes))

    def differences(self, future: Future, *, watched: bool = False) -> tuple[dict[Key, Difference], Counter[str]]:
        """Make the run again under another future.

        Args:
            future: the change.
            watched: whether what is opened of the run's files is noted.

        Returns:
            The first difference up to the cut for each timeline that has one, and how many records were changed, by kind.
        """
        watch = self.watch
        if watch:
            watch.other_circumstances()
            if (
                future.kinds
            ):  # the run made again unchanged is to show what a strategy keeps; of the others each begins anew
                watch.load_anew()
            watch.forget_opens()
            future = replace(future, apart=watched, ready=watch.forget_opens)
        with temporary_folder("tradewinds-") as folder:
            found, records = self.subject.again(future, Path(folder))
        if watch and watched:
            watch.note_opens()
        return _differences(self.subject.past(future.cut_ts), found), records

    def _causes(self, future: Future) -> dict[str, set[Key]]:
        """For each kind of record, the timelines that differ when later records of that kind alone are changed."""
        return {kind: set(self.differences(replace(future, kinds=frozenset({kind})))[0]) for kind in self.subject.kinds}


def _in_order(changes: list[Change]) -> list[Change]:
    """Changes in order of time and market."""
    return sorted(changes, key=lambda change: (change.ts, change.market_ticker))


def choose_cuts(instants: Mapping[str, Sequence[int]], count: int, seed: int) -> list[Cut]:
    """Choose cuts spread over what happens in a run.

    Of three cuts two are at an instant when something happens, and one is a second before such an instant or between two of
    them. What happens takes turns. Each cut comes from its own part of the instants of its kind, in order of time. Parts of the
    clock's time would not do: most of them would be nights and weekends, in which nothing is decided.

    Args:
        instants: when something happens (Unix seconds), by what it is.
        count: how many cuts.
        seed: the same seed makes the same cuts.

    Returns:
        The cuts in order of time.
    """
    # what a cut may stand at, in a random order
    rng = random.Random(seed)
    happens = [(name, sorted(found)) for name, found in instants.items() if found]
    every = sorted({ts for _, found in happens for ts in found})
    between = [rng.randint(*pair) for pair in itertools.pairwise(every)] or every
    at = [(f"at {name}", found) for name, found in happens]
    around = [(ANY_INSTANT, between)] + [(f"before {name}", [ts - 1 for ts in found]) for name, found in happens]
    rng.shuffle(at)
    rng.shuffle(around)
    # the next place in turn that has an instant in this part which is no cut yet
    turns, cuts, taken = (deque(at), deque(around)), list[Cut](), set[int]()
    for part in range(count):
        turn = turns[part % 3 == 2]
        for place, there in tuple(turn):
            turn.rotate(-1)
            if free := [ts for ts in _part(there, part, count) if ts not in taken]:
                cuts.append(Cut(rng.choice(free), place))
                break
        else:
            cuts.append(Cut(rng.choice(between), ANY_INSTANT))
        taken.add(cuts[-1].ts)
    return sorted(cuts)


def _part(found: Sequence[int], part: int, count: int) -> Sequence[int]:
    """Return one of `count` equal parts of a sequence; of a shorter one an element, the same for some parts."""
    first = part * len(found) // count
    return found[first : max(first + 1, (part + 1) * len(found) // count)]


def _differences(expected: Timelines, found: Timelines) -> dict[Key, Difference]:
    """Compare timelines.

    The books of a market count only where all its decisions are the same: otherwise they differ because a decision does.

    Returns:
        For each timeline that differs, when it first does, and both outcomes at that time.
    """
    different = {}
    for key in sorted(expected.keys() | found.keys()):
        before, after = expected.get(key, []), found.get(key, [])
        if before != after:
            ts = _first_difference(before, after)
            different[key] = (ts, _outcome_at(before, ts), _outcome_at(after, ts))
    decided = {market for market, what in different if what != BOOKS}
    return {key: found for key, found in different.items() if key[1] != BOOKS or key[0] not in decided}


def _first_difference(before: list[Stretch], after: list[Stretch]) -> int:
    """When two timelines first differ, in Unix seconds."""
    pair = next(pair for pair in itertools.zip_longest(before, after) if pair[0] != pair[1])
    stretches = [stretch for stretch in pair if stretch]
    same_start = len({(stretch.first_ts, stretch.outcome) for stretch in stretches}) == 1
    if same_start and len(stretches) == 2:  # they differ where the shorter one ends
        return min(stretch.end_ts for stretch in stretches)
    return min(stretch.first_ts for stretch in stretches)


def _outcome_at(stretches: list[Stretch], ts: int) -> str:
    """The outcome of a timeline at an instant."""
    return next((s.outcome for s in stretches if s.first_ts <= ts < s.end_ts), "nothing")
