"""How much the picks of a walk-forward change from fold to fold."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Stability:
    """How often the same point is picked.

    Attributes:
        different: how many different points were picked.
        most: index of the point that was picked most often; of equal ones, the first of the grid.
        most_folds: in how many folds.
        steps: from one fold to the next: one less than there are folds.
        same: steps after which the pick is the same.
        near: steps after which it is the same or a neighbour: no key moved by more than one of its values in the grid.
    """

    different: int
    most: int
    most_folds: int
    steps: int
    same: int
    near: int


def stability(picks: Sequence[int], settings: Sequence[Mapping[str, Any]]) -> Stability:
    """Count how often picks repeat.

    Args:
        picks: index of the point of each fold, at least one.
        settings: of all points, in the order of the grid.
    """
    counts, places = Counter(picks), positions(settings)
    most = min(counts, key=lambda index: (-counts[index], index))
    steps = list(itertools.pairwise(picks))
    return Stability(
        different=len(counts),
        most=most,
        most_folds=counts[most],
        steps=len(steps),
        same=sum(before == after for before, after in steps),
        near=sum(
            all(abs(a - b) <= 1 for a, b in zip(places[before], places[after], strict=True)) for before, after in steps
        ),
    )


def positions(settings: Sequence[Mapping[str, Any]]) -> list[tuple[int, ...]]:
    """Return for each point the place of its value among the values of each key, in the order in which the grid has them."""
    found: dict[str, dict[str, int]] = {}
    for point in settings:
        for key, value in point.items():
            values = found.setdefault(key, {})
            values.setdefault(json.dumps(value, default=str), len(values))
    return [tuple(found[key][json.dumps(value, default=str)] for key, value in point.items()) for point in settings]
