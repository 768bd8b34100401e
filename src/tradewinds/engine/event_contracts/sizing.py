"""Sizings: how many contracts an order is for before any limit, computed exactly."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.units import MICRO, PICO
from tradewinds.engine.event_contracts.contracts import PICO_PER_MICRO
from tradewinds.engine.event_contracts.fees import MOST_EXACT


class FixedQuantity(NamedTuple):
    """The same number of contracts for every order.

    Attributes:
        quantity: contracts.
    """

    quantity: int

    def quantities(self, p_pico: Ints, prices: Ints) -> Ints:
        """Return the contracts wanted of each offer.

        Args:
            p_pico: by offer, probability of its side; pico-units.
            prices: by offer, price of a contract; micro-units.
        """
        return np.full(len(p_pico), min(self.quantity, MOST_EXACT), np.int64)


class EvProportional(NamedTuple):
    """floor(k × (gross EV − unrounded fee a contract)) contracts, never below 0; the fee is rate · P · (1 − P).

    Attributes:
        contracts_per_unit: k, contracts for one unit of money of expected value.
        fee_rate: rate of the quadratic fee.
    """

    contracts_per_unit: Decimal
    fee_rate: Fraction

    def quantities(self, p_pico: Ints, prices: Ints) -> Ints:
        """Return the contracts wanted of each offer.

        Args:
            p_pico: by offer, probability of its side; pico-units.
            prices: by offer, price of a contract; micro-units.
        """
        k, rate = Fraction(self.contracts_per_unit), self.fee_rate
        gross, model = p_pico - prices * PICO_PER_MICRO, prices * (MICRO - prices)
        if max(k.numerator, k.denominator) * max(rate.numerator, rate.denominator) * PICO >= MOST_EXACT:
            gross, model = gross.astype(object), model.astype(object)  # Python's own integers, beyond 64 bits
        # the edge in pico-units, times the rate's denominator: P·(1 − P) of micro-units is in pico-units
        edge = np.maximum(gross * rate.denominator - rate.numerator * model, 0)
        wanted = edge * k.numerator // (k.denominator * rate.denominator * PICO)
        return np.asarray(np.minimum(wanted, MOST_EXACT), np.int64)


class Kelly(NamedTuple):
    """floor(fraction × f × equity / P) contracts, with f = (p − P)/(1 − P).

    f is the bet of Kelly (1956) on a binary contract with probability p at price P. The compiled loop computes the quantity at
    each decision, from the equity of that time.

    Attributes:
        fraction: of the full Kelly bet.
    """

    fraction: Decimal


Sizing = FixedQuantity | EvProportional | Kelly
