"""What a run's trades claimed at entry beside what they made: the key `edge` of metrics.json."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from tradewinds.core.units import MICRO, PICO
from tradewinds.results.edge.claim_tables import binned

TRADE_EDGES = tuple(Fraction(cents, 100) for cents in (0, 2, 5, 10, 15, 20, 30, 100))


class ClaimedTrade(NamedTuple):
    """A trade's claim and what came of it.

    Attributes:
        event: whose outcome it shares with the event's other trades.
        quantity: contracts.
        ev_net_pico: expected value of one contract after the fee; 1e-12 of the currency.
        pnl_micro: 1e-6 of the currency.
    """

    event: str
    quantity: int
    ev_net_pico: Fraction
    pnl_micro: int


def claimed_and_realised(trades: Sequence[ClaimedTrade]) -> dict[str, Any]:
    """Sums of claimed and realised profit, their ratio, and both by the size of the claim.

    Args:
        trades: of a run; at least one.

    Returns:
        `expected`: sum of quantity · net expected value, in the currency.
        `realised`: sum of profit and loss.
        `ratio`: realised / expected; None where nothing was expected.
        `se`: its standard error by events, as of a ratio of sums; None with a single event.
        `bins`: by net expected value of a contract, with `from`, `to`, `n` (trades), `expected` and `realised`.
    """
    # Sums by event: exact, in the currency.
    by_event: dict[str, list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
    rows = [(trade.quantity * trade.ev_net_pico / PICO, Fraction(trade.pnl_micro, MICRO)) for trade in trades]
    for trade, (expected, pnl) in zip(trades, rows, strict=True):
        by_event[trade.event][0] += expected
        by_event[trade.event][1] += pnl
    expected, realised = (sum((row[side] for row in rows), Fraction(0)) for side in (0, 1))
    ratio = realised / expected if expected else None
    return {
        "expected": float(expected),
        "realised": float(realised),
        "ratio": None if ratio is None else float(ratio),
        "se": None if ratio is None else _error(list(by_event.values()), ratio, expected),
        "bins": _bins(trades, rows),
    }


def _error(sums: Sequence[Sequence[Fraction]], ratio: Fraction, total: Fraction) -> float | None:
    """√(Σ (pnl − R · expected)² · G / (G − 1)) / |Σ expected| over events; None with a single one."""
    events = len(sums)
    if events < 2:
        return None
    squares = math.fsum(float(pnl - ratio * expected) ** 2 for expected, pnl in sums)
    return math.sqrt(squares * events / (events - 1)) / abs(float(total))


def _bins(trades: Sequence[ClaimedTrade], rows: Sequence[tuple[Fraction, Fraction]]) -> list[dict[str, Any]]:
    """The trades by their claim; one that claimed less than nothing is in no bin."""
    places = binned([trade.ev_net_pico / PICO for trade in trades], TRADE_EDGES)
    bins = []
    for number, (low, high) in enumerate(itertools.pairwise(TRADE_EDGES)):
        members = [row for row, place in zip(rows, places, strict=True) if place == number]
        expected, realised = (float(sum((row[side] for row in members), Fraction(0))) for side in (0, 1))
        bins.append(
            {"from": float(low), "to": float(high), "n": len(members), "expected": expected, "realised": realised}
        )
    return bins
