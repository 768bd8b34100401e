"""A planted leak, and whether the look-ahead check finds it.

A leak counts as planted in a world if the run with it decides or books something else than the run without it; of what goes on
from one run to the next, if the second run decides something else than the first. In the first such world the check is made
with 8 cuts, as by default; if it finds nothing, with more.
"""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from tradewinds.audits import lookahead
from tradewinds.audits.strategy_watch import StrategyWatch
from tradewinds.families.contract import Subject, Timelines

CUTS = (8, 32, 128)
MISSED = 0
END_TS = 2**40

Build = Callable[[int, bool], tuple[StrategyWatch, Callable[[], Subject | None]]]
"""(seed of the world, whether with the leak) -> a watch, and what makes the run inside it; called in an empty folder."""


def nothing(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Patch nothing: the leak is in the strategy's own file."""


@dataclasses.dataclass(frozen=True)
class Leak:
    """A way to know the future.

    Attributes:
        family: market family.
        door: through which it comes: a strategy file, a bar, a rate, a result …
        name: what is known too early.
        variant: when or how much it counts.
        build: makes the run of a world.
        plant: changes the product, for a leak that is built into it.
        causal: changes the product in the same way with what is known by then alone, for the run without the leak: the highest
            rate so far in place of the highest of all.
        seeds: of the worlds.
        goes_on: what is known is what earlier runs left, so that it counts only where two runs differ.
    """

    family: str
    door: str
    name: str
    variant: str
    build: Build
    plant: Callable[[pytest.MonkeyPatch, Path], None] = nothing
    causal: Callable[[pytest.MonkeyPatch, Path], None] = nothing
    seeds: Iterable[int] = range(200, 212)
    goes_on: bool = False


class Outcome(NamedTuple):
    """What the check said of a leak.

    Attributes:
        family: of the leak.
        door: of the leak.
        name: of the leak.
        variant: of the leak.
        seed: of the world in which it counts; None: in none of them, so that it was not planted.
        cuts: with how many it was found; MISSED: with none.
        how: decision (one came out differently), itself (the run made again unchanged differs), asked (the strategy opened
            something); empty for a leak that was missed.
        seconds: of processor time that all of it took.
    """

    family: str
    door: str
    name: str
    variant: str
    seed: int | None
    cuts: int
    how: str
    seconds: float = 0.0


def measured(leak: Leak) -> Outcome:
    """Plant a leak in the first world in which it counts, and check that run."""
    about = (leak.family, leak.door, leak.name, leak.variant)
    for seed in leak.seeds:
        with empty_folder() as folder, pytest.MonkeyPatch.context() as patch:
            (folder / "honest").mkdir()
            (folder / "leaky").mkdir()
            with contextlib.chdir(folder / "honest"), pytest.MonkeyPatch.context() as other:
                leak.causal(other, folder)
                watch, make = leak.build(seed, False)
                with watch:
                    honest = make()
                    decided = None if honest is None else honest.past(END_TS)
            if decided is None:
                continue
            leak.plant(patch, folder)
            with contextlib.chdir(folder / "leaky"):
                watch, make = leak.build(seed, True)
                with watch:
                    run = make()
                    if run is None or not (watch.noted or counts(run, decided, make, goes_on=leak.goes_on)):
                        continue
                    cuts, how = found(run, watch, seed)
                return Outcome(*about, seed, cuts, how)
    return Outcome(*about, None, MISSED, "")


def counts(run: Subject, decided: Timelines, make: Callable[[], Subject | None], *, goes_on: bool) -> bool:
    """Whether a leak changes a run: the first, or the second if it is kept from one run to the next."""
    first = run.past(END_TS)
    if first != decided and not goes_on:
        return True
    second = make()
    return second is not None and second.past(END_TS) != (first if goes_on else decided)


def found(run: Subject, watch: StrategyWatch, seed: int) -> tuple[int, str]:
    """With how many cuts, and by what, the check finds something in a run; (MISSED, "") if it does not."""
    for cuts in CUTS:
        for report in lookahead.check(run, cuts, seed, watch):
            if report.changes:
                return cuts, "itself" if report.cut.place == lookahead.UNCHANGED else "decision"
        if watch.noted:
            return cuts, "asked"
    return MISSED, ""


@contextlib.contextmanager
def empty_folder() -> Iterable[Path]:
    """A folder that is deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="leaks-") as name:
        yield Path(name)


def tag() -> str:
    """Return a name that only this run has, for what a strategy keeps outside of its file.

    What the run without the leak keeps would be known to the first run with it, and nothing would come out differently.
    """
    return f"{Path.cwd().parent.name}_{Path.cwd().name}".replace("-", "_")


def unwatched(make: Callable[[], Subject | None]) -> tuple[StrategyWatch, Callable[[], Subject | None]]:
    """A run whose strategy is the project's own, so that nothing is watched."""
    return StrategyWatch(None, ()), make
