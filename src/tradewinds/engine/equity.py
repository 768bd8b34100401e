"""The account's worth over time: cash plus what open contracts would fetch at the visible quotes.

Points: the start, every 00:00 UTC inside the run, every settlement instant, the end. At one instant settlements come
first, and the point is taken before the decisions of that instant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from tradewinds.core.errors import SimulationError
from tradewinds.core.text import instant, money
from tradewinds.core.units import DAY_SECONDS
from tradewinds.engine.journal import REMEDY, Journal

BEFORE_FILLS = frozenset(
    {"start", "midnight", "settlement"}
)  # kinds of points that stand before the fills of their instant


class Point(NamedTuple):
    """Equity at an instant: cash and liquidation value of open contracts in micro-dollars."""

    ts: int
    kind: str  # start | midnight | settlement | close | end
    cash_micro: int
    open_value_micro: int

    @property
    def equity_micro(self) -> int:
        """Cash plus open value."""
        return self.cash_micro + self.open_value_micro


def instants(start_ts: int, since_ts: int, until_ts: int, settled_at: Iterable[int]) -> list[int]:
    """The instants in [since, until) at which a run's worth is noted, as far as they are known by then."""
    midnights = range(-(-max(start_ts, since_ts) // DAY_SECONDS) * DAY_SECONDS, until_ts, DAY_SECONDS)
    return sorted({ts for ts in (start_ts, *settled_at) if since_ts <= ts < until_ts and ts >= start_ts} | {*midnights})


def curve(start_ts: int, settled_at: Collection[int], noted: Iterable[tuple[int, int, int]]) -> list[Point]:
    """The equity points of a run, of (instant, cash, open value) in order of time; what comes after the last settlement is
    no part of it."""
    end_ts, settlements = max(settled_at), set(settled_at)

    def kind(ts: int) -> str:
        if ts == start_ts:
            return "start"
        if ts == end_ts:
            return "end"
        return "settlement" if ts in settlements else "midnight"

    return [Point(ts, kind(ts), cash, value) for ts, cash, value in noted if ts <= end_ts]


def check_points(points: Sequence[Point], journal: Journal, start_micro: int) -> None:
    """Compare the cash of every point, which is the account's own, with the journal's at its instant.

    Raises:
        SimulationError: they differ; it names the first point.
    """
    own = np.fromiter((point.cash_micro for point in points), np.int64, len(points))
    instants = np.fromiter((point.ts for point in points), np.int64, len(points))
    before_fills = np.fromiter((point.kind in BEFORE_FILLS for point in points), np.bool_, len(points))
    booked = journal.cash(start_micro, instants, before_fills)
    if (wrong := np.flatnonzero(own != booked)).size:
        point = points[wrong[0]]
        raise SimulationError(
            f"the account had {money(point.cash_micro)} at {instant(point.ts)} ({point.kind}), the books come to "
            f"{money(int(booked[wrong[0]]))}.",
            where="equity",
            remedy=REMEDY,
        )
