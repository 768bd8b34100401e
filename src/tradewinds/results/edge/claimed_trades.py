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


class _Sums(NamedTuple):
    """Exact sums over trades; 1e-12 of the currency."""

    n: int
    claimed: int
    made: int

    def plus(self, trade: ClaimedTrade) -> _Sums:
        return _Sums(self.n + 1, self.claimed + trade.claimed_pico, self.made + trade.pnl_micro * _PICO_PER_MICRO)


_NOTHING = _Sums(0, 0, 0)


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
    by_event: dict[str, _Sums] = {}
    by_bin = [_NOTHING] * (len(_EDGES) - 1)
    for trade in trades:
        by_event[trade.event] = by_event.get(trade.event, _NOTHING).plus(trade)
        number = _bin_of(trade)
        if number is not None:
            by_bin[number] = by_bin[number].plus(trade)
    claimed, made = (sum(getattr(one, name) for one in by_event.values()) for name in ("claimed", "made"))
    ratio = Fraction(made, claimed) if claimed else None
    return {
        "expected": claimed / PICO,
        "realised": made / PICO,
        "ratio": None if ratio is None else float(ratio),
        "se": None if ratio is None else _error(list(by_event.values()), ratio, claimed),
        "bins": [
            {
                "from": low / PICO,
                "to": high / PICO,
                "n": one.n,
                "expected": one.claimed / PICO,
                "realised": one.made / PICO,
            }
            for (low, high), one in zip(pairwise(_EDGES), by_bin, strict=True)
        ],
    }


def _bin_of(trade: ClaimedTrade) -> int | None:
    """The number of a trade's bin, by its claim per contract; None outside of all."""
    if not _EDGES[0] <= trade.claimed_pico <= _EDGES[-1] * trade.quantity:
        return None
    # an edge is whole, so it is at most the claim if it is at most the claim rounded down
    return min(bisect.bisect_right(_EDGES, trade.claimed_pico // trade.quantity), len(_EDGES) - 1) - 1


def _error(sums: Sequence[_Sums], ratio: Fraction, claimed: int) -> float | None:
    """√(Σ (pnl − R · expected)² · G / (G − 1)) / |Σ expected| over events; None with a single one."""
    events = len(sums)
    if events < 2:
        return None
    squares = math.fsum((float(one.made - ratio * one.claimed) / PICO) ** 2 for one in sums)
    return math.sqrt(squares * events / (events - 1)) / abs(claimed / PICO)
