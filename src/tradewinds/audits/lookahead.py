"""Does any decision depend on what was known later? The run is made again with another future and its past compared.

For a cut, all records known after it are removed, and in a second copy poisoned. What the run decided up to the cut must be
what it was. How a run is made again, and what its records are, its market family knows (`Subject`).
"""

from __future__ import annotations

import itertools
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from tradewinds.families.contract import BOOKS, Future, Key, Stretch, Subject, Timelines

TOGETHER = "several kinds together"


class Cut(NamedTuple):
    """An instant (Unix seconds) after which everything is changed, and what it stands at."""

    ts: int
    place: str


Difference = tuple[int, str, str]  # when, and the outcome before and after the future was changed


@dataclass(frozen=True)
class Change:
    """The first decision of a market by the cut, or entry of its books, that came out differently, and the kinds of records
    that made it so."""

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


def check(subject: Subject, cuts: int = 8, seed: int = 0) -> Iterator[CutReport]:
    """One report per cut, in time order; the same seed makes the same cuts.

    Raises:
        SimulationError: the run itself cannot be made from these inputs.
    """
    checker = Checker(subject)
    for cut in checker.cuts(cuts, seed):
        yield checker.report(cut)


class Checker:
    """Compares a run with itself under other futures."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    def cuts(self, count: int, seed: int) -> list[Cut]:
        """Cuts where something happens in this run."""
        return choose_cuts(self.subject.instants(), count, seed)

    def report(self, cut: Cut) -> CutReport:
        """What changes up to a cut when everything after it is removed, and when it is poisoned."""
        changes, records = [], Counter[str]()
        for poisoned in (False, True):
            future = Future(cut.ts, poisoned, frozenset(self.subject.kinds))
            differences, records = self.differences(future)
            causes = self._causes(future) if differences else {}
            for key, difference in differences.items():
                kinds = tuple(kind for kind, keys in causes.items() if key in keys) or (TOGETHER,)
                changes.append(Change(self.subject.event_of(key[0]), key[0], *difference, poisoned, kinds))
        decisions: Counter[str] = Counter()
        for (_, what), stretches in self.subject.past(cut.ts).items():
            decisions[what] += sum((s.end_ts - s.first_ts) // self.subject.step_seconds for s in stretches)
        changes.sort(key=lambda change: (change.ts, change.market_ticker))
        return CutReport(cut, records, decisions, changes)

    def differences(self, future: Future) -> tuple[dict[Key, Difference], Counter[str]]:
        """Per market, the first decision by the cut that differs under another future; and the records it changed."""
        with tempfile.TemporaryDirectory(prefix="tradewinds-") as folder:
            found, records = self.subject.again(future, Path(folder))
        return _differences(self.subject.past(future.cut_ts), found), records

    def _causes(self, future: Future) -> dict[str, set[Key]]:
        """Per kind of record, what differs when the later records of that kind alone are changed."""
        return {kind: set(self.differences(replace(future, kinds=frozenset({kind})))[0]) for kind in self.subject.kinds}


def choose_cuts(instants: Mapping[str, Sequence[int]], count: int, seed: int) -> list[Cut]:
    """Instants spread over a run, one in each of `count` equal parts: at and right before what happens there, and anywhere.

    Args:
        instants: when something happens (Unix seconds), by what it is.
    """
    wanted: list[tuple[str, Sequence[int]]] = [("any instant", ())]
    for name, found in instants.items():
        wanted += [(f"at {name}", found), (f"before {name}", [ts - 1 for ts in found])]
    rng = random.Random(seed)
    rng.shuffle(wanted)
    all_of_them = [ts for found in instants.values() for ts in found]
    first, last = min(all_of_them), max(all_of_them)
    cuts = []
    for part, (place, there) in zip(range(count), itertools.cycle(wanted), strict=False):
        low, high = (first + (last - first) * edge // count for edge in (part, part + 1))
        inside = [ts for ts in there if low <= ts <= high]
        cuts.append(Cut(rng.choice(inside), place) if inside else Cut(rng.randint(low, high), "any instant"))
    return cuts


def _differences(expected: Timelines, found: Timelines) -> dict[Key, Difference]:
    """Per timeline that is not the same: when it first differs, and both outcomes there. The books of a market are told only
    where all its decisions agree: else they differ because a decision did."""
    different = {}
    for key in sorted(expected.keys() | found.keys()):
        before, after = expected.get(key, []), found.get(key, [])
        if before != after:
            ts = _first_difference(before, after)
            different[key] = (ts, _outcome_at(before, ts), _outcome_at(after, ts))
    decided = {market for market, what in different if what != BOOKS}
    return {key: found for key, found in different.items() if key[1] != BOOKS or key[0] not in decided}


def _first_difference(before: list[Stretch], after: list[Stretch]) -> int:
    pair = next(pair for pair in itertools.zip_longest(before, after) if pair[0] != pair[1])
    stretches = [stretch for stretch in pair if stretch]
    same_start = len({(stretch.first_ts, stretch.outcome) for stretch in stretches}) == 1
    if same_start and len(stretches) == 2:  # one of them goes on for longer
        return min(stretch.end_ts for stretch in stretches)
    return min(stretch.first_ts for stretch in stretches)


def _outcome_at(stretches: list[Stretch], ts: int) -> str:
    return next((s.outcome for s in stretches if s.first_ts <= ts < s.end_ts), "nothing")
