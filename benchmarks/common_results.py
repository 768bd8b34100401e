"""What the common workload must result in, whatever the engine. Imports nothing: who measures stays small."""

from typing import NamedTuple


class Outcome(NamedTuple):
    """Trades, and money in cents."""

    trades: int
    pnl_cents: int
    fees_cents: int


# By question and start cash in cents. shared: one balance over all events, the rule's own order. best_first: the same, but
# the orders of one minute by expected value. isolated: a balance an event. per_market: nothing binds but the five
# contracts a market (for engines that know one asset and no common cash).
EXPECTED = {
    ("shared", 1000): Outcome(3903, 19_577, 5905),
    ("shared", 100_000): Outcome(3921, 18_517, 5933),
    ("best_first", 1000): Outcome(3905, 19_624, 5910),
    ("best_first", 100_000): Outcome(3921, 18_518, 5933),
    ("isolated", 1000): Outcome(3643, 20_848, 5560),
    ("per_market", 0): Outcome(4928, 20_301, 7099),
}
