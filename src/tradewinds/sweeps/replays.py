"""Replay the points of a sweep: files are read once for many points, and each point's result is the one that it has alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tradewinds.config import markets, resolve
from tradewinds.core.errors import DamagedFile, SimulationError
from tradewinds.families.plan import Plan, run_plan
from tradewinds.sweeps.grid import SweepPoint
from tradewinds.sweeps.outcomes import FailedPoint, PointOutcome


def groups(points: Sequence[SweepPoint]) -> list[list[SweepPoint]]:
    """Group the points that read the same files and replay the same events; groups are in the order of their first points."""
    found: dict[str, list[SweepPoint]] = {}
    for point in points:
        family = markets.family_of(point.config["market"])
        rest = {key: value for key, value in point.config.items() if key not in family.replay_keys}
        rest["reads"] = family.reads(point.config)
        found.setdefault(resolve.digest(rest), []).append(point)
    return list(found.values())


def outcomes(
    points: Sequence[SweepPoint],
    tell: Callable[[int], Any] = lambda replayed: None,
    workers: int | None = None,
    plan: Plan[Any] | None = None,
) -> Iterator[PointOutcome | FailedPoint]:
    """Replay the points of one group, in order. A point whose run fails is one with its reason.

    Args:
        points: one group of `groups`; every file of its plan is there.
        tell: called with the number of points that were replayed since the last call.
        workers: threads to use; None for one per core.
        plan: the files to read; None for those of the points' own plan. It may be of a longer range of dates than the points'.

    Raises:
        DamagedFile: a file of the data that all points read cannot be read.
    """
    plan = plan or run_plan(points[0].config)
    workers = workers or os.cpu_count() or 1
    for at in range(0, len(points), plan.points_per_pass):
        part = points[at : at + plan.points_per_pass]
        yield from _replayed(part, plan, workers)
        tell(len(part))


def _replayed(points: Sequence[SweepPoint], plan: Plan[Any], workers: int) -> Iterator[PointOutcome | FailedPoint]:
    """Replay some points together; if one fails, replay each half by itself, until the failing ones stand alone."""
    family = markets.family_of(points[0].config["market"])
    try:
        made = list(family.replay_many([point.config for point in points], plan, workers))
    except DamagedFile:
        raise
    except SimulationError as error:
        if len(points) == 1:
            yield FailedPoint(points[0].settings, points[0].run_id, str(error))
            return
        half = len(points) // 2
        yield from _replayed(points[:half], plan, workers)
        yield from _replayed(points[half:], plan, workers)
        return
    # what each made, with what the figures of a part of it need to know
    for point, run in zip(points, made, strict=True):
        yield PointOutcome(
            point.settings,
            point.run_id,
            equity_ts=run.equity_ts,
            equity_micro=run.equity_micro,
            decision_ts=run.decision_ts,
            pnl_micro=run.pnl_micro,
            days_per_year=family.days_per_year,
            around_the_clock=family.around_the_clock,
            places=run.places,
            earns_while_held=run.earns_while_held,
        )
