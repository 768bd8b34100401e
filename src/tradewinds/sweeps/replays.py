"""The runs of a sweep's points: candles are read once for many points, and each result is the one that the point has alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tradewinds import config
from tradewinds.markets import kalshi_weather
from tradewinds.plan import Plan, plan_of
from tradewinds.sweeps.grid import SweepPoint
from tradewinds.sweeps.outcomes import Outcome

POINTS_PER_PASS = 64  # accounts that are open at once; each takes some kilobytes for every market of the run


def groups(points: Sequence[SweepPoint]) -> list[list[SweepPoint]]:
    """Points that read the same files and replay the same events, together; in order of their first ones."""
    found: dict[str, list[SweepPoint]] = {}
    for point in points:
        rest = {key: value for key, value in point.config.items() if key not in kalshi_weather.REPLAY_KEYS}
        found.setdefault(config.digest(rest), []).append(point)
    return list(found.values())


def outcomes(
    points: Sequence[SweepPoint], advance: Callable[[int], Any] = lambda done: None, workers: int | None = None
) -> Iterator[Outcome]:
    """What comes out at each point of one group, in order; every file of its plan is there. `advance` hears of points done;
    `workers` are threads (default: one per core).

    Raises:
        SimulationError: as `tradewinds run` would, for whichever point.
    """
    plan = plan_of(points[0].config)
    for at in range(0, len(points), POINTS_PER_PASS):
        part = points[at : at + POINTS_PER_PASS]
        yield from _pass(part, plan, workers or os.cpu_count() or 1)
        advance(len(part))


def _pass(points: Sequence[SweepPoint], plan: Plan, workers: int) -> Iterator[Outcome]:
    candles = {(event.series_ticker, event.climate_date): event.path for event in plan.events}
    climate = list(plan.climate.values())
    configs = [point.config for point in points]
    made = kalshi_weather.simulate_many(
        configs, plan.catalogs, candles, plan.probabilities, workers, climate, workers=workers
    )
    for point, run in zip(points, made, strict=True):
        yield Outcome(point.settings, point.run_id, run.worth_ts, run.worth_micro, run.decision_ts, run.pnl_micro)
