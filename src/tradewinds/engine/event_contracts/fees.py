"""Exact fees. Every amount is an integer of micro-dollars; no float takes part.

The quadratic fee of an order is rate × q × P × (1 − P) dollars (rate 0.07 for takers of an ordinary series), rounded up.
Source: the exchange's fee schedule and its rounding notes (docs/trading-rules.md has the dates).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.units import CENT, MICRO, PICO

TAKER_RATE = Fraction(7, 100)
MAKER_RATE = Fraction(175, 10_000)
BEGINNING = -(1 << 62)  # before every instant
MOST_EXACT = 1 << 62


@dataclass(frozen=True)
class Rounding:
    """From `since_ts` on the fee is rounded up to `grid`; then, if `balance_grid` is not 0, what leaves the balance is."""

    since_ts: int
    grid: int
    balance_grid: int = 0


@dataclass(frozen=True)
class FeeTerms:
    """Fees of orders as columns, one row per price: q contracts cost ceil(q × (whole + part/base)) × grid, before the
    rounding of the balance; part < base."""

    whole: Ints
    part: Ints
    base: Ints


@dataclass(frozen=True)
class FeeRule:
    """The quadratic fee under rounding rules that change with the date; `eras` in order of time, the first from BEGINNING."""

    eras: tuple[Rounding, ...]

    @property
    def change_times(self) -> tuple[int, ...]:
        """When another rounding begins."""
        return tuple(era.since_ts for era in self.eras[1:])

    def era(self, ts: int) -> int:
        """Place of the rounding in force at an instant."""
        return sum(ts >= since for since in self.change_times)

    def __call__(self, rate: Fraction, quantity: int, price_micro: int, ts: int = 0) -> int:
        """Fee of one order in micro-dollars (the rule in its plainest form)."""
        rounding = self.eras[self.era(ts)]
        model = rate * quantity * price_micro * (MICRO - price_micro) / MICRO
        fee = -(-model // rounding.grid) * rounding.grid
        if not rounding.balance_grid:
            return int(fee)
        worth = quantity * price_micro
        return int(-(-(worth + fee) // rounding.balance_grid) * rounding.balance_grid - worth)

    def terms(self, rates: list[Fraction], place: Ints, prices: Ints, era: int) -> FeeTerms:
        """Fees at some prices (micro-dollars), each under the rate at its place in `rates`.

        Raises:
            OverflowError: a rate has too many digits to be exact, or a contract's fee may exceed the dollar that it pays.
        """
        grid = self.eras[era].grid
        if any(r > 4 or max(r.numerator * MICRO, r.denominator * grid) * MICRO >= MOST_EXACT for r in rates):
            raise OverflowError("a fee rate is above 4 or has too many digits")
        numerators, denominators = (np.array([getattr(rate, name) for rate in rates], np.int64) for name in _PARTS)
        # worked out once for each rate and price that is there: many rows share them
        key = place * (MICRO + 1) + prices
        there = np.zeros(len(rates) * (MICRO + 1), np.bool_)
        there[key] = True
        distinct = np.flatnonzero(there)
        rate, price = np.divmod(distinct, MICRO + 1)
        amount = numerators[rate] * price * (MICRO - price)
        base = denominators[rate] * MICRO * grid
        common = np.maximum(np.gcd(amount, base), 1)
        amount, base = amount // common, base // common
        row = np.empty(len(there), np.int32)
        row[distinct] = np.arange(len(distinct))
        return FeeTerms(*(column[row[key]] for column in (amount // base, amount % base, base)))

    def fees(self, terms: FeeTerms, quantity: Ints | int, prices: Ints, era: int) -> Ints:
        """Fees of orders, one per row of the terms, in micro-dollars.

        Raises:
            OverflowError: an order is too large for its fee and value (pico-dollars) to be exact.
        """
        refuse_too_large(terms, quantity)
        rounding = self.eras[era]
        fee = (quantity * terms.whole - (-(quantity * terms.part) // terms.base)) * rounding.grid
        if rounding.balance_grid:
            worth = quantity * prices
            fee = -(-(worth + fee) // rounding.balance_grid) * rounding.balance_grid - worth
        return np.asarray(fee, np.int64)


def refuse_too_large(terms: FeeTerms, quantity: Ints | int) -> None:
    """Raise OverflowError if an order is too large for its fee and value (pico-dollars) to be exact."""
    if len(terms.part) and int(np.max(quantity)) * max(int(terms.part.max()), PICO) >= MOST_EXACT:
        raise OverflowError("an order has too many contracts")


_PARTS = ("numerator", "denominator")

# Fee of an order rounded up to the cent: what a non-direct member pays on whole contracts at whole-cent prices.
cent_fee = FeeRule((Rounding(BEGINNING, CENT),))

# The rule in force on the date, for a member whose balance is kept in cents, one fill per order: before 2026-03-04 the cent
# rule, then fees to 0.0001 dollar and balances on the cent grid. ASSUME 2026-09-01 for the change to 0.000001 dollar, which
# the exchange's documents place between 2026-08-22 and 2026-09-18.
FEE_ERAS = ((1_772_582_400, 100), (1_788_220_800, 1))
exchange_fee = FeeRule((*cent_fee.eras, *(Rounding(since, grid, CENT) for since, grid in FEE_ERAS)))

FEE_RULES: dict[str, FeeRule] = {"cent": cent_fee, "exchange": exchange_fee}
