"""Exact quadratic fees. Every amount is an integer of micro-units; no float takes part.

The fee of an order is rate × q × P × (1 − P) units of money for q contracts at price P, rounded up. Rates and roundings are
facts of an exchange, which a market family states.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Ints, changes
from tradewinds.core.units import MICRO, PICO

BEGINNING = -(1 << 62)  # before every instant
MOST_EXACT = 1 << 62  # integers below it, and their sums, fit into 64 bits
_FEW_ROWS = 5_000  # fewer are sorted faster than a table of all prices is looked through


class Rounding(NamedTuple):
    """How fees are rounded from an instant on.

    Attributes:
        since_ts: when the rounding begins; Unix s.
        grid: fees are rounded up to its multiples; micro-units.
        balance_grid: then cost and fee together are rounded up to its multiples; micro-units, 0: they are not.
    """

    since_ts: int
    grid: int
    balance_grid: int = 0


class FeeTerms(NamedTuple):
    """Fees as columns, one row per price: q contracts cost ceil(q × (whole + part/base)) × grid before the balance is rounded.

    Attributes:
        whole: whole grids a contract.
        part: numerator of the part of a grid, below `base`.
        base: its denominator.
    """

    whole: Ints
    part: Ints
    base: Ints


class FeeRule(NamedTuple):
    """The quadratic fee under roundings that change with the date.

    Attributes:
        eras: roundings in order of time, the first from BEGINNING.
    """

    eras: tuple[Rounding, ...]

    @property
    def change_times(self) -> tuple[int, ...]:
        """When each rounding after the first begins; Unix s."""
        return tuple(era.since_ts for era in self.eras[1:])

    def era(self, ts: int) -> int:
        """Return the index of the rounding in force.

        Args:
            ts: Unix s.
        """
        return sum(ts >= since for since in self.change_times)

    def __call__(self, rate: Fraction, quantity: int, price_micro: int, ts: int = 0) -> int:
        """Return the fee of one order in micro-units: the rule in its plainest form.

        Args:
            rate: of the quadratic fee.
            quantity: contracts.
            price_micro: price of a contract; micro-units.
            ts: when the order is filled; Unix s.
        """
        rounding = self.eras[self.era(ts) if len(self.eras) > 1 else 0]
        # rate · q · P · (1 − P) as a fraction of the grid, rounded up; integers are faster than Fraction by far
        amount = rate.numerator * quantity * price_micro * (MICRO - price_micro)
        fee = -(-amount // (rate.denominator * MICRO * rounding.grid)) * rounding.grid
        if not rounding.balance_grid:
            return fee
        value = quantity * price_micro
        return -(-(value + fee) // rounding.balance_grid) * rounding.balance_grid - value

    def of_parts(self, rate: Fraction, parts: Sequence[tuple[int, int]], ts: int) -> list[int]:
        """Return what each part of an order that fills at several prices adds to the order's fee; micro-units.

        Without a balance grid the fee of the order as a whole is rounded. With one each fill's fee is rounded, and then the
        balance after the whole order, because the exchange pays back what the roundings of its fills come to beyond that.

        Args:
            rate: of the quadratic fee.
            parts: (contracts, price of one in micro-units) in order of execution.
            ts: when the order is filled; Unix s.
        """
        rounding = self.eras[self.era(ts)]
        base, balance_grid = rate.denominator * MICRO * rounding.grid, rounding.balance_grid
        amount = value = rounded = paid = 0
        fees = []
        for quantity, price in parts:
            here = rate.numerator * quantity * price * (MICRO - price)
            amount += here
            value += quantity * price
            rounded += -(-here // base) * rounding.grid
            balanced = -(-(value + rounded) // balance_grid) * balance_grid - value if balance_grid else 0
            total = balanced if balance_grid else -(-amount // base) * rounding.grid
            fees.append(total - paid)
            paid = total
        return fees

    def terms(self, rates: list[Fraction], rate_index: Ints, prices: Ints, era: int) -> FeeTerms:
        """Return fee terms, one row per price.

        Args:
            rates: distinct rates.
            rate_index: by row, index into `rates`.
            prices: by row, price of a contract; micro-units.
            era: index of the rounding.

        Raises:
            OverflowError: a rate has too many digits to be exact, or a contract's fee may exceed the one unit of money that it
                pays.
        """
        grid = self.eras[era].grid
        if any(r > 4 or max(r.numerator * MICRO, r.denominator * grid) * MICRO >= MOST_EXACT for r in rates):
            raise OverflowError("a fee rate is above 4 or has too many digits")
        numerators = np.array([rate.numerator for rate in rates], np.int64)
        denominators = np.array([rate.denominator for rate in rates], np.int64)
        # many rows share rate and price: find the distinct pairs
        distinct, pair = _distinct(rate_index * (MICRO + 1) + prices, len(rates) * (MICRO + 1))
        rate, price = np.divmod(distinct, MICRO + 1)
        # the fee of each pair, as a fraction of the grid in lowest terms
        amount = numerators[rate] * price * (MICRO - price)
        base = denominators[rate] * MICRO * grid
        common = np.maximum(np.gcd(amount, base), 1)
        amount, base = amount // common, base // common
        return FeeTerms(whole=(amount // base)[pair], part=(amount % base)[pair], base=base[pair])

    def fees(self, terms: FeeTerms, quantity: Ints | int, prices: Ints, era: int) -> Ints:
        """Return the fees of orders in micro-units, one per row of the terms; Python's own integers if one is very large.

        Args:
            terms: of `era`.
            quantity: by row, or for all rows; contracts.
            prices: by row; micro-units.
            era: index of the rounding.
        """
        quantity, rounding = exact_quantity(terms, quantity), self.eras[era]
        fee = (quantity * terms.whole - (-(quantity * terms.part) // terms.base)) * rounding.grid
        if rounding.balance_grid:
            value = quantity * prices
            fee = -(-(value + fee) // rounding.balance_grid) * rounding.balance_grid - value
        return np.asarray(fee)


def exact_quantity(terms: FeeTerms, quantity: Ints | int) -> Ints | int:
    """Return quantities with which fee and value (pico-units) of all orders are exact: Python's own integers if need be.

    Limits reduce an order after it is wanted, so that an order may be wanted that no account could fill.

    Args:
        terms: by order.
        quantity: by order, or of all orders; contracts.
    """
    largest = int(np.max(quantity, initial=0))
    most = max(PICO, int(terms.part.max(initial=0)))
    if largest * most < MOST_EXACT:
        return quantity
    return np.broadcast_to(np.asarray(quantity), terms.part.shape).astype(object)


def _distinct(keys: Ints, most: int) -> tuple[Ints, Ints]:
    """Return the distinct keys in ascending order, and for each key its index among them.

    Args:
        keys: from 0 on.
        most: every key is below it.
    """
    if len(keys) < _FEW_ROWS:
        ordered = np.sort(keys)
        distinct = ordered[changes(ordered)]
        return distinct, np.searchsorted(distinct, keys)
    present = np.zeros(most, np.bool_)
    present[keys] = True
    distinct = np.flatnonzero(present)
    index = np.empty(most, np.int32)
    index[distinct] = np.arange(len(distinct))
    return distinct, index[keys].astype(np.int64)
