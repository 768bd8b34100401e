"""What a run's trades claimed at entry beside what they made: the key `edge` of metrics.json."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from tradewinds.core.units import MICRO, PICO

_PICO_PER_MICRO = PICO // MICRO
_EDGES = tuple(cents * PICO // 100 for cents in (0, 2, 5, 10, 15, 20, 30, 100))  # of a contract's claim; pico-units


class ClaimedTrade(NamedTuple):
    """A trade's claim and what came of it.

    Attributes:
        event: whose outcome it shares with the event's other trades.
        quantity: contracts.
        claimed_pico: expected value of the whole order after its fee; 1e-12 of the currency.
        pnl_micro: 1e-6 of the currency.
    """

    event: str
    quantity: int
    claimed_pico: int
    pnl_micro: int


def claimed_and_realised(trades: Sequence[ClaimedTrade]) -> dict[str, Any]:
    """Sums of claimed and realised profit, their ratio, and both by the size of the claim.

    Everything is summed in whole numbers: a run may have 100,000 trades, and fractions would take longer than its replay.

    Args:
        trades: of a run; at least one.

    Returns:
        `expected`: sum of quantity · net expected value, in the currency.
        `realised`: sum of profit and loss.
        `ratio`: realised / expected; None where nothing was expected.
        `se`: its standard error by events, as of a ratio of sums; None with a single event.
        `bins`: by net expected value of a contract, with `from`, `to`, `n` (trades), `expected` and `realised`. A bin includes
            its lower bound, the last one both; a trade that claimed less than nothing is in no bin.
    """
    # Sums of (trades, claimed, made) in pico-units, by event and by bin.
    by_event: dict[str, list[int]] = {}
    by_bin = [[0, 0, 0] for _ in pairwise(_EDGES)]
    for event, quantity, claim, pnl_micro in trades:
        sums = by_event.setdefault(event, [0, 0, 0])
        number = _bin_of(claim, quantity)
        for row in (sums,) if number is None else (sums, by_bin[number]):
            row[0] += 1
            row[1] += claim
            row[2] += pnl_micro * _PICO_PER_MICRO
    claimed, made = (sum(row[column] for row in by_event.values()) for column in (1, 2))
    ratio = Fraction(made, claimed) if claimed else None
    return {
        "expected": claimed / PICO,
        "realised": made / PICO,
        "ratio": None if ratio is None else float(ratio),
        "se": None if ratio is None else _error(list(by_event.values()), ratio, claimed),
        "bins": [
            {"from": low / PICO, "to": high / PICO, "n": row[0], "expected": row[1] / PICO, "realised": row[2] / PICO}
            for (low, high), row in zip(pairwise(_EDGES), by_bin, strict=True)
        ],
    }


def _bin_of(claim: int, quantity: int) -> int | None:
    """The number of the bin of an order's claim, by contract; None outside of all."""
    if not _EDGES[0] <= claim <= _EDGES[-1] * quantity:
        return None
    # an edge is whole, so it is at most the claim if it is at most the claim rounded down
    return min(bisect.bisect_right(_EDGES, claim // quantity), len(_EDGES) - 1) - 1


def _error(sums: Sequence[Sequence[int]], ratio: Fraction, claimed: int) -> float | None:
    """√(Σ (pnl − R · expected)² · G / (G − 1)) / |Σ expected| over events; None with a single one."""
    events = len(sums)
    if events < 2:
        return None
    squares = math.fsum((float(made - ratio * expected) / PICO) ** 2 for _, expected, made in sums)
    return math.sqrt(squares * events / (events - 1)) / abs(claimed / PICO)
