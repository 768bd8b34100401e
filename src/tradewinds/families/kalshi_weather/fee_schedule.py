"""Kalshi's fee schedule: rates, roundings and the dates from which they hold.

Source: the exchange's fee schedule and its rounding notes (docs/trading-rules.md has the dates).
"""

from __future__ import annotations

from fractions import Fraction

from tradewinds.core.units import CENT
from tradewinds.engine.event_contracts.fees import BEGINNING, FeeRule, Rounding

TAKER_RATE = Fraction(7, 100)  # of an ordinary series
MAKER_RATE = Fraction(175, 10_000)  # of orders that rested, in series that charge makers

# Fee of an order rounded up to the cent: what a non-direct member pays on whole contracts at whole-cent prices.
cent_fee = FeeRule((Rounding(BEGINNING, CENT),))

# The rule in force on the date, for a member whose balance is kept in cents, one fill per order: before 2026-03-04 the cent
# rule, then fees to 0.0001 dollar and balances on the cent grid. ASSUME 2026-09-01 for the change to 0.000001 dollar, which
# the exchange's documents place between 2026-08-22 and 2026-09-18.
FEE_ERAS = ((1_772_582_400, 100), (1_788_220_800, 1))
exchange_fee = FeeRule((*cent_fee.eras, *(Rounding(since, grid, CENT) for since, grid in FEE_ERAS)))

FEE_RULES: dict[str, FeeRule] = {"cent": cent_fee, "exchange": exchange_fee}
