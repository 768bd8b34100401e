"""The agreed results of the common workload, the same for every engine.

It imports nothing of the project, so that a process that measures memory stays small.
"""

from typing import NamedTuple


class Outcome(NamedTuple):
    """Number of trades, and P&L and fees in cents."""

    trades: int
    pnl_cents: int
    fees_cents: int


# By question and start balance in cents. Questions:
#   shared: one balance over all events, orders in the rule's order.
#   best_first: the same, but the orders of one minute by expected value.
#   isolated: a balance per event.
#   per_market: only the limit of five contracts per market holds, for engines with one asset and no common cash.
EXPECTED = {
    ("shared", 1000): Outcome(3903, 19_577, 5905),
    ("shared", 100_000): Outcome(3921, 18_517, 5933),
    ("best_first", 1000): Outcome(3905, 19_624, 5910),
    ("best_first", 100_000): Outcome(3921, 18_518, 5933),
    ("isolated", 1000): Outcome(3643, 20_848, 5560),
    ("per_market", 0): Outcome(4928, 20_301, 7099),
}
