"""Equity over time: cash plus the liquidation value of open positions.

Points: the start, every 00:00 UTC inside the run, every settlement, the end. At one instant settlements come first, and the
point is taken before the decisions of that instant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.errors import SimulationError
from tradewinds.core.text import instant, money
from tradewinds.core.units import DAY_SECONDS
from tradewinds.engine.journal import REMEDY, Journal

# Kinds of points that stand before the fills of their instant.
BEFORE_FILLS = frozenset({"start", "midnight", "settlement"})


class Point(NamedTuple):
    """Equity at an instant.

    Attributes:
        ts: Unix s.
        kind: start, midnight, settlement, close, liquidation or end.
        cash_micro: cash that nothing is held against; micro-units, or as the journal counts (`Journal.places`).
        open_value_micro: liquidation value of open positions; micro-units.
        wallets_micro: margin in the wallets of open positions; micro-units.
        collateral_micro: cash that is locked against borrowed assets; micro-units.
        rows: number of the journal's rows before the point; None: by its instant and kind.
    """

    ts: int
    kind: str
    cash_micro: int
    open_value_micro: int
    wallets_micro: int = 0
    collateral_micro: int = 0
    rows: int | None = None

    @property
    def booked_micro(self) -> int:
        """Cash in all its places, which the journal has; micro-units."""
        return self.cash_micro + self.wallets_micro + self.collateral_micro

    @property
    def equity_micro(self) -> int:
        """Cash plus open value; micro-units."""
        return self.booked_micro + self.open_value_micro


def instants(start_ts: int, since_ts: int, until_ts: int, settled_at: Iterable[int]) -> list[int]:
    """Return the instants in [since_ts, until_ts) at which equity is recorded, ascending; Unix s.

    Args:
        start_ts: start of the run; Unix s.
        since_ts: Unix s.
        until_ts: Unix s.
        settled_at: settlements known so far; Unix s.
    """
    midnights = range(-(-max(start_ts, since_ts) // DAY_SECONDS) * DAY_SECONDS, until_ts, DAY_SECONDS)
    return sorted({ts for ts in (start_ts, *settled_at) if since_ts <= ts < until_ts and ts >= start_ts} | {*midnights})


def curve(start_ts: int, settled_at: Collection[int], recorded: Iterable[tuple[int, int, int]]) -> list[Point]:
    """Return the equity points of a run. Instants after the last settlement are left out.

    Args:
        start_ts: start of the run; Unix s.
        settled_at: all settlements; Unix s.
        recorded: (instant in Unix s, cash, open value in micro-units), in order of time.
    """
    end_ts, settlements = max(settled_at), set(settled_at)

    def kind(ts: int) -> str:
        if ts == start_ts:
            return "start"
        if ts == end_ts:
            return "end"
        return "settlement" if ts in settlements else "midnight"

    return [
        Point(ts=ts, kind=kind(ts), cash_micro=cash, open_value_micro=value)
        for ts, cash, value in recorded
        if ts <= end_ts
    ]


def daily_rows(instants: Ints) -> Ints:
    """Return which points daily returns are taken between: the first, then the last at or before each 00:00 UTC after it.

    Args:
        instants: of all points, ascending; Unix s.

    Returns:
        Rows, up to the last point of all.
    """
    if len(instants) < 2:
        return np.zeros(len(instants), np.int64)
    first, last = int(instants[0]), int(instants[-1])
    midnights = np.arange(first // DAY_SECONDS + 1, -(-last // DAY_SECONDS) + 1) * DAY_SECONDS
    return np.append(0, np.searchsorted(instants, midnights, side="right") - 1)


def check_points(points: Sequence[Point], journal: Journal, start_micro: int) -> None:
    """Compare the cash of every point, which is the account's own, with the journal's at its instant.

    Args:
        points: in order of time.
        journal: the books.
        start_micro: cash before the first row of the journal; micro-units.

    Raises:
        SimulationError: they differ; it names the first point.
    """
    own = np.fromiter((point.booked_micro for point in points), np.int64, len(points))
    instants = np.fromiter((point.ts for point in points), np.int64, len(points))
    before_fills = np.fromiter((point.kind in BEFORE_FILLS for point in points), np.bool_, len(points))
    if any(point.rows is not None for point in points):
        rows = np.array([point.rows or 0 for point in points], np.int64)
        booked = journal.cash_after(start_micro, rows)
    else:
        booked = journal.cash(start_micro, instants, before_fills)
    if (wrong := np.flatnonzero(own != booked)).size:
        point, places = points[wrong[0]], journal.places
        raise SimulationError(
            f"the account had {money(point.booked_micro, places)} at {instant(point.ts)} ({point.kind}), the books come to "
            f"{money(int(booked[wrong[0]]), places)}.",
            where="equity",
            remedy=REMEDY,
        )
