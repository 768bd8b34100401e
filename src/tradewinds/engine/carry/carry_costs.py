"""Amounts of one fill, one payment and one valuation: each is computed exactly and rounded once, half to even, to 8 decimals.

Prices, quantities and money are integers of 10^-8, rates of 10^-12.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from tradewinds.engine.carry.carry_market import RATE_UNIT, UNIT
from tradewinds.engine.carry.carry_rules import CarryCosts

YEAR_SECONDS = 8760 * 3600
_BPS = 10_000 * UNIT  # a price's whole, in units of 10^-8 basis points


def rounded(numerator: int, denominator: int) -> int:
    """Return a quotient of integers, rounded half to even; the denominator is above 0."""
    whole, rest = divmod(numerator, denominator)
    double = 2 * rest
    return whole + (double > denominator or (double == denominator and whole & 1))


def value_of(quantity: int, price: int) -> int:
    """Return the value of a quantity at a price."""
    return rounded(quantity * price, UNIT)


def share_of(amount: int, share: Fraction) -> int:
    """Return a share of an amount."""
    return rounded(amount * share.numerator, share.denominator)


class PricedFill(NamedTuple):
    """A fill of one leg with its costs; 10^-8.

    Attributes:
        quantity: above 0.
        reference: price before slippage.
        price: price after slippage.
        value: quantity at `price`.
        reference_value: quantity at `reference`.
        fee: of the fill.
        slippage: what the fill costs more, or a sale brings less, than at the reference.
    """

    quantity: int
    reference: int
    price: int
    value: int
    reference_value: int
    fee: int
    slippage: int


def slippage_bps(costs: CarryCosts, quantity: int, volume: int) -> int:
    """Return the slippage of a fill in 10^-8 basis points.

    Args:
        costs: the run's.
        quantity: of the fill.
        volume: of the leg's last complete candle; 0: unknown.
    """
    bps = costs.slippage_bps
    if costs.impact_bps:
        bps = costs.most_bps if not volume else bps + costs.impact_bps * 100 * quantity / volume
    bps = min(bps, costs.most_bps)
    return rounded(bps.numerator * UNIT, bps.denominator)


def fill_price(reference: int, side: int, bps: int) -> int:
    """Return the price of a fill.

    Args:
        reference: price before slippage.
        side: 1 for a purchase, -1 for a sale.
        bps: slippage; 10^-8 basis points.
    """
    return rounded(reference * (_BPS + side * bps), _BPS)


def priced(costs: CarryCosts, fee: Fraction, quantity: int, reference: int, side: int, volume: int) -> PricedFill:
    """Price a fill.

    Args:
        costs: the run's.
        fee: share of the value.
        quantity: above 0.
        reference: price before slippage.
        side: 1 for a purchase, -1 for a sale.
        volume: of the leg's last complete candle; 0: unknown.
    """
    price = fill_price(reference, side, slippage_bps(costs, quantity, volume))
    value, plain = value_of(quantity, price), value_of(quantity, reference)
    return PricedFill(quantity, reference, price, value, plain, share_of(value, fee), side * (value - plain))


def funding_payment(direction: int, quantity: int, mark: int, rate: int) -> int:
    """Return what a position is paid: a short perpetual (direction 1) receives a positive rate."""
    return direction * rounded(quantity * mark * rate, UNIT * RATE_UNIT)


def borrow_cost(costs: CarryCosts, quantity: int, price: int, seconds: int) -> int:
    """Return the interest on a borrowed quantity for some seconds."""
    apr = costs.borrow_apr
    return rounded(quantity * price * apr.numerator * seconds, UNIT * apr.denominator * YEAR_SECONDS)
