"""Claimed edges beside what they realised: one contract of every side at its ask, by the size of the claim."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from tradewinds.core.arrays import Flags, Floats

FEE_RATE = 0.07  # of P · (1 − P), a taker's; unrounded here
CLAIM_EDGES = (0.0, 0.02, 0.05, 0.10, 0.20, 1.0)
_DECIMALS = 12  # to which an expected value is rounded before it is put into a bin: floats must not decide ties


class Offers(NamedTuple):
    """Both sides of some contracts at an instant, as columns over (contracts, padded); shares of the payout.

    Attributes:
        bid: of YES; (events, contracts).
        ask: of YES.
        yes: whether the contract won.
        there: which cells hold a contract.
    """

    bid: Floats
    ask: Floats
    yes: Flags
    there: Flags

    def take(self, rows: Any) -> Offers:
        """The events of some rows."""
        return Offers(bid=self.bid[rows], ask=self.ask[rows], yes=self.yes[rows], there=self.there[rows])


def claim_table(offers: Offers, p: Floats) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Expected and realised sums of one contract of every side that a probability says is worth more than it costs.

    Args:
        offers: the contracts' quotes and results.
        p: probability of YES; (events, contracts).

    Returns:
        By bin of expected value, with `from`, `to`, `n`, `expected` and `realised`. A bin includes its lower bound.
        The same without bounds, of all sides with an expected value above 0.
    """
    claims, results = [], []
    sides = (
        (offers.ask, p, offers.yes, (offers.ask > 0) & (offers.ask < 1)),
        (1 - offers.bid, 1 - p, ~offers.yes, (offers.bid > 0) & (offers.bid < 1)),
    )
    for price, chance, won, usable in sides:
        cost = (price + fee(price))[usable & offers.there]
        claims.append(chance[usable & offers.there] - cost)
        results.append(won[usable & offers.there] - cost)
    claimed, realised = np.concatenate(claims), np.concatenate(results)
    compared = np.round(claimed, _DECIMALS)
    bins = [
        {"from": low, "to": high, **_sums(claimed, realised, (compared >= low) & _below(compared, high))}
        for low, high in itertools.pairwise(CLAIM_EDGES)
    ]
    return bins, _sums(claimed, realised, compared > 0)


def fee(price: Floats) -> Floats:
    """A taker's fee on one contract before rounding."""
    return FEE_RATE * price * (1 - price)


def _below(values: Floats, high: float) -> Flags:
    """Whether values are below the upper bound of a bin; the last bin includes it."""
    below: Flags = values <= high if high == CLAIM_EDGES[-1] else values < high
    return below


def _sums(claimed: Floats, realised: Floats, chosen: Flags) -> dict[str, Any]:
    return {
        "n": int(chosen.sum()),
        "expected": float(claimed[chosen].sum()),
        "realised": float(realised[chosen].sum()),
    }


def edge_sizes(offers: Offers, q: Floats, f: Floats, z: Floats) -> dict[str, float | None]:
    """How large the edges are that are claimed and left after shrinking, beside what a trade costs.

    Args:
        offers: the contracts' quotes and results.
        q: the price's distribution; (events, contracts).
        f: the forecast's.
        z: the pool's.
    """
    quoted = offers.there & (offers.bid > 0) & (offers.ask < 1)
    mid = (offers.bid + offers.ask) / 2
    return {
        "rms_claimed": _root_mean_square((f - q)[offers.there]),
        "rms_shrunk": _root_mean_square((z - q)[offers.there]),
        "half_spread": _mean(((offers.ask - offers.bid) / 2)[quoted]),
        "fee": _mean(fee(mid)[quoted]),
    }


def _root_mean_square(values: Floats) -> float | None:
    return float(np.sqrt((values**2).mean())) if len(values) else None


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None
