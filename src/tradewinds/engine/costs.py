"""Exact fees. Every amount is an integer of micro-dollars; no float takes part.

The quadratic fee of an order is rate × q × P × (1 − P) dollars (rate 0.07 for takers of an ordinary series), rounded up.
Source: the exchange's fee schedule and its rounding notes (docs/trading-rules.md has the dates).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from tradewinds.store import MICRO

CENT = 10_000  # micro-dollars
TAKER_RATE = Fraction(7, 100)
MAKER_RATE = Fraction(175, 10_000)

FeeRule = Callable[[Fraction, int, int, int], int]
"""(rate, quantity, price in micro-dollars, decision time) → fee of the order in micro-dollars."""


def _ceil_to(numerator: int, denominator: int, grid: int) -> int:
    """numerator/denominator micro-dollars, rounded up to a multiple of `grid`."""
    return -(-numerator // (denominator * grid)) * grid


def _model(rate: Fraction, quantity: int, price_micro: int) -> tuple[int, int]:
    """The unrounded fee in micro-dollars, as numerator and denominator."""
    return rate.numerator * quantity * price_micro * (MICRO - price_micro), rate.denominator * MICRO


def cent_fee(rate: Fraction, quantity: int, price_micro: int, ts: int = 0) -> int:
    """Fee of an order rounded up to the cent: what a non-direct member pays on whole contracts at whole-cent prices."""
    return _ceil_to(*_model(rate, quantity, price_micro), CENT)


# (from this instant on, grid of the trade fee in micro-dollars); before the first the cent rule holds.
# 2026-03-04: fees to 0.0001 dollar, balances on the cent grid. ASSUME 2026-09-01 for the change to 0.000001 dollar, which
# the exchange's documents place between 2026-08-22 and 2026-09-18.
FEE_ERAS = ((1_772_582_400, 100), (1_788_220_800, 1))


def exchange_fee(rate: Fraction, quantity: int, price_micro: int, ts: int) -> int:
    """Fee under the rule in force at `ts`, for a member whose balance is kept in cents, one fill per order.

    Since 2026-03-04 the trade fee is rounded up to a fine grid, and the balance after the fill down to the cent.
    """
    grid = next((g for since, g in reversed(FEE_ERAS) if ts >= since), None)
    if grid is None:
        return cent_fee(rate, quantity, price_micro)
    worth = quantity * price_micro
    trade_fee = _ceil_to(*_model(rate, quantity, price_micro), grid)
    return -(-(worth + trade_fee) // CENT) * CENT - worth


FEE_RULES: dict[str, FeeRule] = {"cent": cent_fee, "exchange": exchange_fee}
