"""How many contracts an order wants, exactly, before any limit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.units import MICRO, PICO
from tradewinds.engine.event_contracts.contracts import PICO_PER_MICRO
from tradewinds.engine.event_contracts.fees import MOST_EXACT, TAKER_RATE


@dataclass(frozen=True)
class FixedQuantity:
    """Always the same number."""

    quantity: int

    def quantities(self, p_pico: Ints, prices: Ints) -> Ints:
        """Contracts wanted of each offer: P(side) in pico, price in micro-dollars."""
        return np.full(len(p_pico), self.quantity, np.int64)


@dataclass(frozen=True)
class EvProportional:
    """floor(k × (gross EV − unrounded fee per contract)), the fee being 0.07·P·(1 − P); never below 0."""

    contracts_per_dollar: Decimal

    def quantities(self, p_pico: Ints, prices: Ints) -> Ints:
        """Contracts wanted of each offer: P(side) in pico, price in micro-dollars."""
        k, rate = Fraction(self.contracts_per_dollar), TAKER_RATE
        # the edge in pico-dollars, times the rate's denominator: P·(1 − P) of micro-dollars is pico-dollars
        edge = (p_pico - prices * PICO_PER_MICRO) * rate.denominator - rate.numerator * prices * (MICRO - prices)
        edge = np.maximum(edge, 0)
        if max(k.numerator, k.denominator) * rate.denominator * PICO >= MOST_EXACT:
            edge = edge.astype(object)  # Python's own integers, beyond 64 bits
        wanted = edge * k.numerator // (k.denominator * rate.denominator * PICO)
        return np.asarray(np.minimum(wanted, MOST_EXACT), np.int64)


@dataclass(frozen=True)
class Kelly:
    """floor(fraction × f × equity / P) with f = (p − P)/(1 − P) (Kelly 1956, for a binary bet at price P); the engine
    works it out at each decision, from the equity of that time."""

    fraction: Decimal


Sizing = FixedQuantity | EvProportional | Kelly
