"""Perturbation: each number of a config a little lower and a little higher, one at a time, and what that does to a metric.

A result that stands on one exact number falls when that number moves by a tenth.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from tradewinds.config import markets, resolve
from tradewinds.core.errors import ConfigError
from tradewinds.families.plan import run_plan
from tradewinds.sweeps import replays
from tradewinds.sweeps.grid import SweepPoint
from tradewinds.sweeps.keys import PARAMETERS, Node, known_keys, label, setting, with_settings
from tradewinds.sweeps.outcomes import FailedPoint, PeriodFigures
from tradewinds.sweeps.ranking import RANK_BY, JudgedPoint, RankedPoint, metric_value

PERCENTS = (-20, -10, 10, 20)
NO_AMOUNTS = {"seed": "it names a sequence of random numbers and is no amount"}

Number = int | float


@dataclass(frozen=True)
class Perturbed:
    """A point that differs from the base in one number.

    Attributes:
        key: dotted.
        percent: by how much the number differs, one of PERCENTS.
        value: the number.
        point: the point.
    """

    key: str
    percent: int
    value: Number
    point: SweepPoint


@dataclass(frozen=True)
class LeftOut:
    """A value that is not replayed.

    Attributes:
        key: dotted.
        percent: one of PERCENTS; None for all of them.
        reason: why, without a full stop.
    """

    key: str
    percent: int | None
    reason: str


@dataclass(frozen=True)
class PerturbedResult:
    """What a perturbed point came to.

    Attributes:
        tried: the point.
        row: its figures; None if its run fails.
        reason: of the failure, "" without one.
    """

    tried: Perturbed
    row: RankedPoint | None
    reason: str = ""

    def metric(self, by: str) -> float | None:
        """Return the metric before the split; None where undefined."""
        return None if self.row is None else metric_of(self.row.in_sample, by)


@dataclass(frozen=True)
class PerturbedKey:
    """A key with its perturbed values.

    Attributes:
        key: dotted.
        value: the number in the base.
        results: by percent.
        worst: the largest change of the metric to the worse, or the smallest to the better; None where nothing can be compared.
    """

    key: str
    value: Number
    results: Mapping[int, PerturbedResult]
    worst: float | None


@dataclass(frozen=True)
class Perturbation:
    """The perturbation of a config.

    Attributes:
        by: the metric, a name of ranking.RANK_BY.
        base: the config's own point, with its figures.
        keys: in the order of the config's schema.
        left_out: what was not replayed.
    """

    by: str
    base: RankedPoint
    keys: Sequence[PerturbedKey]
    left_out: Sequence[LeftOut]


def metric_of(part: PeriodFigures, by: str) -> float | None:
    """Return a metric as it is shown; None where undefined."""
    value: float | None = getattr(part, RANK_BY[by][0])
    return value


def perturbed_points(
    base: resolve.Config, *, source: str = "config", today: dt.date | None = None
) -> tuple[list[Perturbed], list[LeftOut]]:
    """Make the points that differ from a config in one number.

    Args:
        base: the resolved config.
        source: name of the config file, for messages.
        today: the date that counts as today, as for `config.resolve.resolve`.

    Returns:
        The points by key and percent, and what is left out: values that the config may not have, and those that rounding makes
        equal to another.
    """
    points, left_out = list[Perturbed](), list[LeftOut]()
    for key, value, node in numbers(base):
        if key in NO_AMOUNTS:
            left_out.append(LeftOut(key, None, NO_AMOUNTS[key]))
            continue
        if not value:
            left_out.append(LeftOut(key, None, "it is 0, of which every share is 0"))
            continue
        seen: dict[Number, str] = {value: "the config's own"}
        for percent in PERCENTS:
            changed = share_of(value, percent, whole=_is_whole(node, value))
            if changed in seen:
                left_out.append(LeftOut(key, percent, f"rounded it is {changed}, which is {seen[changed]}"))
                continue
            seen[changed] = f"that of {percent:+d} %"
            try:
                conf = resolve.resolve(with_settings(base, {key: changed}), source=source, today=today)
            except ConfigError as error:
                left_out.append(LeftOut(key, percent, f"{label({key: changed})}: {str(error).rstrip('.')}"))
                continue
            point = SweepPoint({key: setting(conf, key)}, conf, resolve.run_id(conf))
            points.append(Perturbed(key, percent, changed, point))
    return points, left_out


def without_missing(tried: Sequence[Perturbed]) -> tuple[list[Perturbed], list[LeftOut]]:
    """Divide perturbed points into those whose files are there and those for which a file would have to be fetched."""
    lacking = {
        point.run_id
        for group in replays.groups([one.point for one in tried])
        if run_plan(group[0].config).missing()
        for point in group
    }
    kept = [one for one in tried if one.point.run_id not in lacking]
    reason = "it reads files that are not there, and fetching is off"
    return kept, [LeftOut(one.key, one.percent, reason) for one in tried if one.point.run_id in lacking]


def job_groups(base: SweepPoint, points: Sequence[SweepPoint]) -> list[tuple[resolve.Config, list[SweepPoint]]]:
    """Divide perturbed points into groups that one workflow replays, each with the config in which its jobs set the keys.

    Points that read the files of the base differ from it in their own key alone, so one workflow has all of them. The config
    of the others has to name their files: it is that of one of them, and all of such a group have the same key.

    Args:
        base: the point that is perturbed.
        points: perturbed points.
    """
    same, *others = replays.groups([base, *points])
    found = [(base.config, same[1:])] if len(same) > 1 else []
    return found + [(part[0].config, part) for part in by_key(others)]


def by_key(groups: Sequence[Sequence[SweepPoint]]) -> list[list[SweepPoint]]:
    """Divide groups of perturbed points by the key that is varied."""
    found: dict[tuple[int, str], list[SweepPoint]] = {}
    for number, group in enumerate(groups):
        for point in group:
            [key] = point.settings
            found.setdefault((number, key), []).append(point)
    return list(found.values())


def numbers(base: resolve.Config) -> Iterator[tuple[str, Number, Node]]:
    """List the numbers of a config that may be swept: key, value and schema. Parameters of the strategy are among them."""
    parameters = markets.family_of(base["market"]).parameters(base)
    in_force = with_settings(base, {PARAMETERS: parameters})
    for key, node in known_keys(base).items():
        value = current_value(in_force, key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield key, value, node


def current_value(base: resolve.Config, key: str) -> object:
    """Return the value of a key that is in force; None for a key of another choice of its section."""
    *sections, name = key.split(".")
    section: object = base
    for part in sections:
        section = section.get(part) if isinstance(section, Mapping) else None
    return section.get(name) if isinstance(section, Mapping) else None


def share_of(value: Number, percent: int, *, whole: bool) -> Number:
    """Return a number that is so many per cent larger, exact in decimals.

    Args:
        value: the number.
        percent: how much larger; below 0 for smaller.
        whole: round to a whole number, halves away from 0.
    """
    changed = Decimal(str(value)) * (100 + percent) / 100
    if whole:
        return int(changed.quantize(Decimal(1), ROUND_HALF_UP))
    return int(changed) if isinstance(value, int) and changed == int(changed) else float(changed)


def _is_whole(node: Node, value: Number) -> bool:
    """Whether a key takes whole numbers only: by its schema, or, for a parameter without one, because it has one."""
    kinds = node.get("type")
    if kinds is None:
        return isinstance(value, int)
    return "number" not in ([kinds] if isinstance(kinds, str) else kinds)


def perturbation(
    base: RankedPoint,
    config: resolve.Config,
    tried: Sequence[Perturbed],
    judged: Sequence[JudgedPoint | FailedPoint],
    left_out: Sequence[LeftOut],
    by: str,
) -> Perturbation:
    """Compare perturbed points with their base.

    Args:
        base: the point that was perturbed.
        config: its config.
        tried: the perturbed points.
        judged: the same points with their figures, in any order.
        left_out: what was not replayed.
        by: the metric.
    """
    rows = {one.run_id if isinstance(one, FailedPoint) else one.row.run_id: one for one in judged}
    by_key: dict[str, dict[int, PerturbedResult]] = {}
    for one in tried:
        found = rows[one.point.run_id]
        row, reason = (None, found.reason) if isinstance(found, FailedPoint) else (found.row, "")
        by_key.setdefault(one.key, {})[one.percent] = PerturbedResult(one, row, reason)
    values = {key: value for key, value, _ in numbers(config)}
    keys = [PerturbedKey(key, values[key], found, _worst(base, found, by)) for key, found in by_key.items()]
    return Perturbation(by, base, keys, left_out)


def _worst(base: RankedPoint, found: Mapping[int, PerturbedResult], by: str) -> float | None:
    """The change of the metric at the worst of some values; None where it is undefined at the base, or at all of them."""
    own, sign = metric_value(base.in_sample, by), RANK_BY[by][1]
    values = [None if one.row is None else metric_value(one.row.in_sample, by) for one in found.values()]
    known = [value for value in values if value is not None]
    return None if own is None or not known else sign * (min(known) - own)
