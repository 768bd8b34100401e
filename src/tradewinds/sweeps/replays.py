"""The runs of a sweep's points: candles are read once for many points, and each result is the one that the point has alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tradewinds.config import markets, resolve
from tradewinds.families.plan import run_plan
from tradewinds.sweeps.grid import SweepPoint
from tradewinds.sweeps.outcomes import Outcome

POINTS_PER_PASS = 64  # accounts that are open at once; each takes some kilobytes for every market of the run


def groups(points: Sequence[SweepPoint]) -> list[list[SweepPoint]]:
    """Points that read the same files and replay the same events, together; in order of their first ones."""
    found: dict[str, list[SweepPoint]] = {}
    for point in points:
        family = markets.family_of(point.config["market"])
        rest = {key: value for key, value in point.config.items() if key not in family.replay_keys}
        rest["reads"] = family.reads(point.config)
        found.setdefault(resolve.digest(rest), []).append(point)
    return list(found.values())


def outcomes(
    points: Sequence[SweepPoint], advance: Callable[[int], Any] = lambda done: None, workers: int | None = None
) -> Iterator[Outcome]:
    """What comes out at each point of one group, in order; every file of its plan is there. `advance` hears of points done;
    `workers` are threads (default: one per core).

    Raises:
        SimulationError: as `tradewinds run` would, for whichever point.
    """
    plan, family = run_plan(points[0].config), markets.family_of(points[0].config["market"])
    workers = workers or os.cpu_count() or 1
    for at in range(0, len(points), POINTS_PER_PASS):
        part = points[at : at + POINTS_PER_PASS]
        made = family.replay_many([point.config for point in part], plan, workers)
        for point, run in zip(part, made, strict=True):
            columns = (run.equity_ts, run.equity_micro, run.decision_ts, run.pnl_micro)
            yield Outcome(
                point.settings,
                point.run_id,
                *columns,
                days_per_year=family.days_per_year,
                around_the_clock=family.around_the_clock,
            )
        advance(len(part))
