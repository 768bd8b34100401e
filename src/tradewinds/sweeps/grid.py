"""The points of a sweep: every combination of values, or random draws from them.

A point is a config like any other: `tradewinds run` of a file with the point's values in it is the same run, under the same id.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tradewinds.config import markets, resolve
from tradewinds.core.errors import ConfigError
from tradewinds.sweeps.axes import Axis, parse_axes
from tradewinds.sweeps.keys import label, setting, with_settings
from tradewinds.sweeps.outcomes import FailedPoint

DEFAULT = "default"  # in place of KEY=VALUES: the default grid of the market family
MAX_POINTS = 100_000
SHOWN_PROBLEMS = 5


@dataclass(frozen=True)
class SweepPoint:
    """A run of a sweep.

    Attributes:
        settings: the values that the sweep set, by dotted key.
        config: the whole resolved config.
        run_id: the run's id.
    """

    settings: dict[str, Any]
    config: resolve.Config
    run_id: str


def sweep_points(
    base: resolve.Config,
    *,
    grid: Sequence[str] = (),
    ranges: Sequence[str] = (),
    random: int | None = None,
    seed: int = 0,
    source: str = "config",
    today: dt.date | None = None,
) -> list[SweepPoint]:
    """Make the points that the flags of `tradewinds sweep` ask for.

    Args:
        base: the resolved config.
        grid: texts of --grid; every combination is a point (`grid_points`).
        ranges: texts of --range, from which points are drawn (`random_points`).
        random: how many points to draw; None for a grid.
        seed: of the draws.
        source: name of the config file, for messages.
        today: the date that counts as today, as for `config.resolve.resolve`.

    Raises:
        ConfigError: the flags contradict each other, or as `grid_points` and `random_points`.
    """
    if random is None:
        if ranges:
            raise ConfigError("it needs --random N.", where="--range", remedy="Say how many points to draw.")
        return grid_points(base, grid, source=source, today=today)
    if grid:
        remedy = "Give its values as --range; it takes lists and steps too."
        raise ConfigError("every point of a grid is run, and --random draws some.", where="--grid", remedy=remedy)
    return random_points(base, ranges, random, seed, source=source, today=today)


def grid_points(
    base: resolve.Config, grid: Sequence[str], *, source: str = "config", today: dt.date | None = None
) -> list[SweepPoint]:
    """Make a point of every combination of values.

    Args:
        base: the resolved config.
        grid: texts like `risk.fixed_qty=1,5,10` (see `axes`).
        source: name of the config file, for messages.
        today: the date that counts as today.

    Returns:
        The points in the order of the texts, the last key changing fastest. Combinations that make the same run are one point.

    Raises:
        ConfigError: a text or a key is refused, the config may not have a value, or there are more than MAX_POINTS points.
    """
    axes = parse_axes(_some(grid, "--grid"), base, "--grid", open_ranges=False)
    if math.prod(axis.size for axis in axes) > MAX_POINTS:
        counts = " × ".join(f"{axis.key}: {axis.size:,}" for axis in axes)
        what = (
            f"this makes {math.prod(axis.size for axis in axes):,} points ({counts}); at most {MAX_POINTS:,} are run."
        )
        raise ConfigError(what, where="--grid", remedy="Take larger steps, or draw some: --random 500 --range …")
    points = _Points(base, source, today)
    for values in itertools.product(*([axis.value(i) for i in range(axis.size)] for axis in axes)):
        points.add({axis.key: value for axis, value in zip(axes, values, strict=True)})
    return points.all()


def default_points(base: resolve.Config, *, source: str = "config") -> tuple[list[SweepPoint], list[FailedPoint]]:
    """Make the points of the default grid of a config's market family.

    Args:
        base: the resolved config.
        source: name of the config file, for messages.

    Returns:
        The points, and those that the config may not have, each with the reason.

    Raises:
        ConfigError: the family has no default grid, or the config may have no point of it.
    """
    grid = markets.family_of(base["market"]).default_grid(base)
    if not grid:
        what = f"{base['market']} has no default grid."
        raise ConfigError(what, where=f"--grid {DEFAULT}", remedy="Name keys and values: --grid KEY=VALUES.")
    axes = parse_axes(grid, base, "--grid", open_ranges=False)
    points, left_out = _Points(base, source, None), list[FailedPoint]()
    for values in itertools.product(*([axis.value(i) for i in range(axis.size)] for axis in axes)):
        settings = {axis.key: value for axis, value in zip(axes, values, strict=True)}
        before = list(points.problems)
        points.add(settings)
        found = [problem for problem in points.problems if problem not in before]
        if found:
            left_out.append(FailedPoint(settings, "", f"not run: {' '.join(found)}"))
            points.problems.clear()
    if not points.found:
        raise ConfigError(left_out[0].reason, where=f"--grid {DEFAULT}")
    return points.all(), left_out


def random_points(
    base: resolve.Config,
    ranges: Sequence[str],
    count: int,
    seed: int,
    *,
    source: str = "config",
    today: dt.date | None = None,
) -> list[SweepPoint]:
    """Draw different points; each value is drawn uniformly and independently.

    A draw depends on the seed, the key and the number of the draw. Other keys, their order and further draws do not change it.

    Args:
        base: the resolved config.
        ranges: texts like `risk.min_ev_per_contract=0.02:0.10` (see `axes`).
        count: how many points to draw.
        seed: of the draws.
        source: name of the config file, for messages.
        today: the date that counts as today.

    Raises:
        ConfigError: as `grid_points`, or there are fewer different points than `count`.
    """
    axes = parse_axes(_some(ranges, "--range"), base, "--range", open_ranges=True)
    if not 1 <= count <= MAX_POINTS:
        raise ConfigError(
            f"{count:,} is not from 1 to {MAX_POINTS:,}.", where="--random", remedy="Say how many points to draw."
        )
    # Draw until there are enough different points, the space is exhausted, or enough draws had problems.
    space = math.prod(axis.size for axis in axes)
    points, drawn = _Points(base, source, today), set[tuple[int, ...]]()
    for number in itertools.count() if count <= space else ():
        indices = tuple(_draw(axis, number, seed) for axis in axes)
        if indices not in drawn:
            drawn.add(indices)
            points.add({axis.key: axis.value(index) for axis, index in zip(axes, indices, strict=True)})
        if len(points.found) == count or len(drawn) == space or (points.problems and len(drawn) >= count):
            break
    found = points.all()
    if len(found) < count:
        what = f"{count:,} points are asked for, and there are only {len(found) or space:,} different ones."
        raise ConfigError(what, where="--random", remedy="Ask for fewer, widen a range, or run them all with --grid.")
    return found


def _some(texts: Sequence[str], flag: str) -> Sequence[str]:
    """Return the texts; raise ConfigError if there are none."""
    if not texts:
        remedy = f"For example: {flag} 'risk.fixed_qty=1,5,10'."
        raise ConfigError("there is nothing to vary.", where=flag, remedy=remedy)
    return texts


def _draw(axis: Axis, number: int, seed: int) -> int:
    """Draw the index of a value by a hash, which is the same on every machine and under every version of Python."""
    drawn = hashlib.sha512(f"{seed}\n{axis.key}\n{number}".encode()).digest()
    return int.from_bytes(drawn) % axis.size


class _Points:
    """Collects points by run id, and the problems of settings that the config may not have."""

    def __init__(self, base: resolve.Config, source: str, today: dt.date | None) -> None:
        self.base, self.source, self.today = base, source, today
        self.found = dict[str, SweepPoint]()
        self.problems = dict[str, str]()  # the first settings with a problem, by the problem

    def add(self, settings: dict[str, Any]) -> None:
        """Resolve the config of some settings; keep the point, or its problems."""
        try:
            conf = resolve.resolve(with_settings(self.base, settings), source=self.source, today=self.today)
        except ConfigError as error:
            for problem in str(error).splitlines():
                self.problems.setdefault(problem, label(settings))
            if len(self.problems) >= SHOWN_PROBLEMS:
                self.all()
            return
        run_id = resolve.run_id(conf)
        if run_id not in self.found:
            # Sections that no setting touches are shared: a hundred thousand whole configs would be a gigabyte.
            touched = {key.split(".")[0] for key in settings}
            shared = {name: value if name in touched else self.base[name] for name, value in conf.items()}
            self.found[run_id] = SweepPoint(
                {key: setting(shared, key, value) for key, value in settings.items()}, shared, run_id
            )

    def all(self) -> list[SweepPoint]:
        """Return the points; raise ConfigError with all problems if there were any."""
        if self.problems:
            raise ConfigError("\n".join(f"{problem} (Point {where}.)" for problem, where in self.problems.items()))
        return list(self.found.values())
