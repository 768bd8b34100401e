"""How many contracts an order wants, exactly, before any limit."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from tradewinds.engine.costs import TAKER_RATE
from tradewinds.store import MICRO, PICO

Sizing = Callable[[int, int, int], int]
"""(probability of the side in pico, price in micro-dollars, equity in micro-dollars) → contracts wanted."""


def fixed_qty(quantity: int) -> Sizing:
    """Always the same number."""
    return lambda p_pico, price_micro, equity_micro: quantity


def ev_proportional(contracts_per_dollar: Decimal) -> Sizing:
    """floor(k × (gross EV − unrounded fee per contract)), the fee being 0.07·P·(1 − P)."""
    scale = Fraction(contracts_per_dollar)

    def size(p_pico: int, price_micro: int, equity_micro: int) -> int:
        price = Fraction(price_micro, MICRO)
        edge = Fraction(p_pico, PICO) - price - TAKER_RATE * price * (1 - price)
        return max(0, math.floor(scale * edge))

    return size


def kelly(fraction: Decimal) -> Sizing:
    """floor(fraction × f × equity / P) with f = (p − P)/(1 − P) (Kelly 1956, for a binary bet at price P)."""
    share = Fraction(fraction)

    def size(p_pico: int, price_micro: int, equity_micro: int) -> int:
        price = Fraction(price_micro, MICRO)
        stake = (Fraction(p_pico, PICO) - price) / (1 - price)
        return max(0, math.floor(share * stake * Fraction(equity_micro, MICRO) / price))

    return size
