"""A position that is held: what of it is where, and what it is worth."""

from __future__ import annotations

from dataclasses import dataclass, field

from tradewinds.engine.carry.carry_costs import value_of


@dataclass
class LegTotals:
    """One leg of a position.

    Attributes:
        entry: value of what is held, at its entry price.
        reference: the same at the price before slippage.
        entry_price: price of the opening.
        exit_value: of all exits.
        exit_quantity: of all exits.
        flow: funding (perpetual) or borrow (spot) since the last close.
    """

    entry: int
    reference: int
    entry_price: int
    exit_value: int = 0
    exit_quantity: int = 0
    flow: int = 0


@dataclass
class Holding:
    """A position that is held.

    Attributes:
        number: from 0 in order of opening.
        symbol: number of the symbol.
        direction: 1 or -1.
        open_ts: Unix s.
        opened: quantity at the opening.
        quantity: what is held of both legs.
        spot: spot leg.
        perp: perpetual leg.
        wallet: margin of the perpetual leg.
        collateral: locked against the borrowed asset; 0 for direction 1.
        capital: cash that the opening took.
        rate: of the record at the opening; 10^-12.
        score: 10^-6; None without one.
        accrued_ts: until when borrow interest is paid; Unix s.
        payments: funding payments, in order.
        fees: sum so far, as are the four below.
        slippage: what fills cost beyond their references.
        borrow: interest.
        price_pnl: realised at prices before slippage.
        liquidation_cost: margin that was lost.
    """

    number: int
    symbol: int
    direction: int
    open_ts: int
    opened: int
    quantity: int
    spot: LegTotals
    perp: LegTotals
    wallet: int
    collateral: int
    capital: int
    rate: int
    score: int | None
    accrued_ts: int
    payments: list[int] = field(default_factory=list)
    fees: int = 0
    slippage: int = 0
    borrow: int = 0
    price_pnl: int = 0
    liquidation_cost: int = 0

    def perp_gain(self, value: int) -> int:
        """Return the profit of the perpetual leg if it is worth a value now."""
        return self.direction * (self.perp.entry - value)

    def open_value(self, spot_price: int, perp_price: int) -> int:
        """Return what closing at two prices would add to cash, wallet and collateral, without costs."""
        return self.direction * value_of(self.quantity, spot_price) + self.perp_gain(
            value_of(self.quantity, perp_price)
        )
