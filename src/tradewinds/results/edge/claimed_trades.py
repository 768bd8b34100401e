"""What a run's trades claimed at entry beside what they made: the key `edge` of metrics.json."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.column_rows import Objects
from tradewinds.core.units import MICRO, PICO

_PICO_PER_MICRO = PICO // MICRO
_EDGES = tuple(cents * PICO // 100 for cents in (0, 2, 5, 10, 15, 20, 30, 100))  # of a contract's claim; pico-units


def claimed_and_realised(events: Objects, quantity: Ints, claimed_pico: np.ndarray, pnl_micro: Ints) -> dict[str, Any]:
    """Sums of claimed and realised profit, their ratio, and both by the size of the claim.

    Everything is summed in whole numbers: sums of pico-units may be beyond 64 bits.

    Args:
        events: by trade of a run, whose outcome it shares with the event's other trades; at least one trade.
        quantity: by trade, contracts.
        claimed_pico: by trade, expected value of the whole order after its fee; 1e-12 of the currency.
        pnl_micro: by trade; 1e-6 of the currency.

    Returns:
        `expected`: sum of quantity · net expected value, in the currency.
        `realised`: sum of profit and loss.
        `ratio`: realised / expected; None where nothing was expected.
        `se`: its standard error by events, as of a ratio of sums; None with a single event.
        `bins`: by net expected value of a contract, with `from`, `to`, `n` (trades), `expected` and `realised`. A bin includes
            its lower bound, the last one both; a trade that claimed less than nothing is in no bin.
    """
    numbers: dict[str, int] = {}
    event = np.array([numbers.setdefault(name, len(numbers)) for name in events.tolist()], np.int64)
    by_event = _sums(event, len(numbers), claimed_pico, pnl_micro)
    by_bin = _sums(_bins(claimed_pico, quantity), len(_EDGES), claimed_pico, pnl_micro)[:-1]
    claimed, made = (sum(row[column] for row in by_event) for column in (1, 2))
    ratio = Fraction(made, claimed) if claimed else None
    return {
        "expected": claimed / PICO,
        "realised": made / PICO,
        "ratio": None if ratio is None else float(ratio),
        "se": None if ratio is None else _error(by_event, ratio, claimed),
        "bins": [
            {"from": low / PICO, "to": high / PICO, "n": row[0], "expected": row[1] / PICO, "realised": row[2] / PICO}
            for (low, high), row in zip(pairwise(_EDGES), by_bin, strict=True)
        ],
    }


def _sums(group: Ints, groups: int, claimed_pico: np.ndarray, pnl_micro: Ints) -> list[list[int]]:
    """Return, by group, the number of its trades, what they claimed and what they made; pico-units."""
    count = np.bincount(group, minlength=groups).tolist()
    claimed, made = (_sums_of(values, group, groups) for values in (claimed_pico, pnl_micro))
    return [[n, one, other * _PICO_PER_MICRO] for n, one, other in zip(count, claimed, made, strict=True)]


def _sums_of(values: np.ndarray, group: Ints, groups: int) -> list[int]:
    """Return sums of whole numbers by group."""
    fits = values.dtype != np.object_ and int(np.abs(values).max(initial=0)) * len(values) < 1 << 63
    sums = np.zeros(groups, np.int64 if fits else np.object_)
    np.add.at(sums, group, values.astype(sums.dtype, copy=False))
    found: list[int] = sums.tolist()
    return found


def _bins(claimed_pico: np.ndarray, quantity: Ints) -> Ints:
    """Return the number of the bin of each order's claim, by contract; the number of bins for one outside of all."""
    whole, rest = claimed_pico // quantity, claimed_pico % quantity
    highest = (whole == _EDGES[-1]) & (rest == 0)
    inside = ((claimed_pico >= _EDGES[0]) & (whole < _EDGES[-1])) | highest
    # an edge is whole, so it is at most the claim if it is at most the claim rounded down
    number = np.searchsorted(_EDGES, np.where(inside, whole, 0).astype(np.int64), side="right") - 1
    return np.where(inside, np.minimum(number, len(_EDGES) - 2), len(_EDGES) - 1)


def _error(sums: Sequence[Sequence[int]], ratio: Fraction, claimed: int) -> float | None:
    """√(Σ (pnl − R · expected)² · G / (G − 1)) / |Σ expected| over events; None with a single one."""
    events = len(sums)
    if events < 2:
        return None
    # in whole numbers: fractions are slow, and the quotient of whole numbers is rounded once, as that of a fraction
    over, under = ratio.as_integer_ratio()
    squares = math.fsum(((made * under - over * expected) / under / PICO) ** 2 for _, expected, made in sums)
    return math.sqrt(squares * events / (events - 1)) / abs(claimed / PICO)
