"""The account's worth over time: cash plus what open contracts would fetch at the visible quotes.

Points: the start, every 00:00 UTC inside the run, every settlement instant, the end. At one instant settlements come
first, and the point is taken before the decisions of that instant.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tradewinds.engine.contracts import Contract, Side
from tradewinds.engine.ledger import Fill

DAY_SECONDS = 86_400

Marks = Callable[[Sequence[tuple[int, int]]], dict[tuple[int, int], tuple[int, int]]]
"""[(contract idx, ts)] → liquidation values (YES, NO) of the visible quotes, in micro-dollars."""


class Point(NamedTuple):
    """Equity at an instant: cash and liquidation value of open contracts in micro-dollars."""

    ts: int
    kind: str  # start | midnight | settlement | end
    cash_micro: int
    open_value_micro: int

    @property
    def equity_micro(self) -> int:
        """Cash plus open value."""
        return self.cash_micro + self.open_value_micro


def equity_curve(
    start_cash_micro: int,
    start_ts: int,
    contracts: Sequence[Contract],
    fills: Sequence[Fill],
    marks: Marks,
    settled_at: Sequence[int],
) -> list[Point]:
    """The equity points of a replay, in time order, one per instant; `settled_at` are all settlement instants."""
    instants = dict.fromkeys(settled_at, "settlement")
    end_ts = max(settled_at)
    midnights = range(-(-start_ts // DAY_SECONDS) * DAY_SECONDS, end_ts, DAY_SECONDS)
    kinds = dict.fromkeys(midnights, "midnight") | instants | {end_ts: "end", start_ts: "start"}
    times = sorted(ts for ts in kinds if ts >= start_ts)
    holdings = _holdings(times, contracts, fills)
    values = marks(sorted({(idx, ts) for ts, held in holdings.items() for idx, _ in held}))
    cash = _cash(start_cash_micro, fills)
    points = []
    for ts in times:
        worth = sum(q * values.get((idx, ts), (0, 0))[side] for (idx, side), q in holdings[ts].items())
        points.append(Point(ts, kinds[ts], cash(ts), worth))
    return points


def _cash(start_cash_micro: int, fills: Sequence[Fill]) -> Callable[[int], int]:
    """Cash after the settlements of an instant and before its decisions."""
    spent_at = [fill.decision_ts for fill in fills]
    paid = sorted((fill.contract.settle_ts, fill.payout_micro) for fill in fills)
    paid_at = [ts for ts, _ in paid]
    spent_sum, paid_sum = [0], [0]
    for fill in fills:
        spent_sum.append(spent_sum[-1] + fill.cost_micro)
    for _, payout in paid:
        paid_sum.append(paid_sum[-1] + payout)

    def cash(ts: int) -> int:
        spent = spent_sum[bisect.bisect_left(spent_at, ts)]
        return start_cash_micro - spent + paid_sum[bisect.bisect_right(paid_at, ts)]

    return cash


def _holdings(
    times: list[int], contracts: Sequence[Contract], fills: Sequence[Fill]
) -> dict[int, dict[tuple[int, Side], int]]:
    """Contracts held at each time, by (idx, side): bought before it and not settled by it."""
    index = {contract.ticker: i for i, contract in enumerate(contracts)}
    held: dict[int, dict[tuple[int, Side], int]] = {ts: defaultdict(int) for ts in times}
    for fill in fills:
        first = bisect.bisect_right(times, fill.decision_ts)
        last = bisect.bisect_left(times, fill.contract.settle_ts)
        for ts in times[first:last]:
            held[ts][index[fill.contract.ticker], fill.side] += fill.quantity
    return held
