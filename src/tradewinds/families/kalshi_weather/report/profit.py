"""Where the money came from, from trades.parquet: sums by group, expected against realised, the best and the worst.

Sums are exact (DuckDB's decimals); only standard errors are floats.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, NamedTuple

from tradewinds.results.report.run import ReportRun

INTERVAL = 1.96  # standard errors to either side: 95 % of a normal distribution
LEAST_EVENTS = 5  # fewer say nothing about their own spread

# Per event and group first; then the group's sums, and the squares of what the events' profits differ by from what their
# contracts would have made at the group's profit a contract.
_GROUPED = """
WITH per_event AS (
    SELECT {key} AS key, event_ticker, count(*) AS trades, sum(qty) AS contracts, sum(pnl) AS pnl,
           sum(ev_net_per_contract * qty) AS expected
    FROM trades GROUP BY ALL
),
groups AS (
    SELECT key, count(*) AS events, sum(trades) AS trades, sum(contracts) AS contracts, sum(pnl) AS pnl,
           sum(expected) AS expected
    FROM per_event GROUP BY key
)
SELECT g.*, fsum(power(e.pnl::DOUBLE - g.pnl::DOUBLE / g.contracts::DOUBLE * e.contracts::DOUBLE, 2))
FROM groups g JOIN per_event e USING (key) GROUP BY ALL ORDER BY g.key
"""


class Group(NamedTuple):
    """Trades that share a key: counts, P&L and expected P&L in the currency, standard error of the P&L a contract."""

    key: Any
    events: int
    trades: int
    contracts: int
    pnl: Decimal
    expected: Decimal
    error: float | None

    @property
    def realised_each(self) -> float:
        """P&L per contract."""
        return float(self.pnl / self.contracts)

    @property
    def expected_each(self) -> float:
        """Net expected value at entry per contract."""
        return float(self.expected / self.contracts)

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the P&L per contract."""
        if self.error is None:
            return None
        return self.realised_each - INTERVAL * self.error, self.realised_each + INTERVAL * self.error


def grouped(run: ReportRun, key: str) -> list[Group]:
    """The trades by an SQL expression over the columns of trades.parquet (ours, never a user's), in its order.

    The standard error is that of a ratio of sums over events (Cochran, Sampling Techniques, 1977, section 6.4; the same as
    cluster-robust with the event as cluster): trades of one event share its outcome, so events are what is independent.
    """
    found = []
    for name, events, trades, contracts, pnl, expected, squares in run.query(_GROUPED.format(key=key)):
        known = events >= LEAST_EVENTS
        error = math.sqrt(squares * events / (events - 1)) / int(contracts) if known else None
        found.append(Group(name, events, int(trades), int(contracts), pnl, expected, error))
    return found


_POSITIONS = """
SELECT market_ticker, side, strftime(make_timestamp(epoch_us(min(decision_ts_utc))), '%Y-%m-%d %H:%MZ'), count(*), sum(qty),
       sum(entry_price * qty)::DOUBLE / sum(qty)::DOUBLE, max(model_prob_yes), sum(pnl) AS pnl
FROM trades GROUP BY market_ticker, side HAVING sum(pnl) {sign} 0
ORDER BY pnl {order}, min(decision_ts_utc), market_ticker, side LIMIT ?
"""


def extremes(run: ReportRun, best: bool, most: int) -> list[tuple[Any, ...]]:
    """The positions with the largest profit or loss: market, side, first order (text), orders, quantity, mean price,
    probability, P&L. A position is all orders for one side of one market."""
    sign, order = (">", "DESC") if best else ("<", "ASC")
    return run.query(_POSITIONS.format(sign=sign, order=order), most)
