"""How many contracts an order wants, exactly, before any limit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from tradewinds.engine.costs import TAKER_RATE
from tradewinds.store import MICRO, PICO


class Sizing(Protocol):
    """(probability of the side in pico, price in micro-dollars, equity in micro-dollars) → contracts wanted."""

    @property
    def needs_equity(self) -> bool:
        """Whether the account's equity matters."""

    def __call__(self, p_pico: int, price_micro: int, equity_micro: int, /) -> int:
        """Contracts wanted, 0 for none."""


@dataclass(frozen=True)
class FixedQuantity:
    """Always the same number."""

    quantity: int
    needs_equity: bool = False

    def __call__(self, p_pico: int, price_micro: int, equity_micro: int, /) -> int:
        """Contracts wanted."""
        return self.quantity


@dataclass(frozen=True)
class EvProportional:
    """floor(k × (gross EV − unrounded fee per contract)), the fee being 0.07·P·(1 − P)."""

    contracts_per_dollar: Decimal
    needs_equity: bool = False

    def __call__(self, p_pico: int, price_micro: int, equity_micro: int, /) -> int:
        """Contracts wanted."""
        price = Fraction(price_micro, MICRO)
        edge = Fraction(p_pico, PICO) - price - TAKER_RATE * price * (1 - price)
        return max(0, math.floor(Fraction(self.contracts_per_dollar) * edge))


@dataclass(frozen=True)
class Kelly:
    """floor(fraction × f × equity / P) with f = (p − P)/(1 − P) (Kelly 1956, for a binary bet at price P)."""

    fraction: Decimal
    needs_equity: bool = True

    def __call__(self, p_pico: int, price_micro: int, equity_micro: int, /) -> int:
        """Contracts wanted."""
        price = Fraction(price_micro, MICRO)
        stake = (Fraction(p_pico, PICO) - price) / (1 - price)
        return max(0, math.floor(Fraction(self.fraction) * stake * Fraction(equity_micro, MICRO) / price))
