"""Filled orders."""

from __future__ import annotations

from dataclasses import dataclass

from tradewinds.engine.event_contracts.contracts import Contract, Side
from tradewinds.engine.event_contracts.limits import EV_THRESHOLD


@dataclass(slots=True)
class Fill:
    """A filled order.

    Attributes:
        contract: what was bought.
        side: YES or NO.
        quantity: contracts.
        price_micro: price of a contract; micro-units.
        fee_micro: fee of the order; micro-units.
        decision_ts: when it was decided and filled; Unix s.
        quote_ts: end of the candle whose quote it was filled at; Unix s.
        gross_ev_pico: expected value of a contract before the fee; pico-units.
        net_ev_total_pico: expected value of all contracts after the fee; pico-units. The value a contract is exact as this
            over `quantity`.
        reason: why it was made.
        p_yes_pico: probability of YES in force; pico-units.
        rested: whether the order rested before it was filled.
    """

    contract: Contract
    side: Side
    quantity: int
    price_micro: int
    fee_micro: int
    decision_ts: int
    quote_ts: int
    gross_ev_pico: int
    net_ev_total_pico: int
    p_yes_pico: int
    reason: str = EV_THRESHOLD
    rested: bool = False

    @property
    def cost_micro(self) -> int:
        """Price and fee of all contracts; micro-units."""
        return self.quantity * self.price_micro + self.fee_micro

    @property
    def payout_micro(self) -> int:
        """Payout of all contracts at settlement; micro-units."""
        return self.quantity * self.contract.payout_micro(self.side)
