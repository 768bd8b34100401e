"""Filled orders."""

from __future__ import annotations

from dataclasses import dataclass

from tradewinds.engine.event_contracts.contracts import Contract, Side


@dataclass(slots=True)
class Fill:
    """A filled order; money in micro-dollars, times in Unix seconds. `gross_ev` is pico-dollars a contract; the net one is
    exact as `net_ev_total` over `quantity`."""

    contract: Contract
    side: Side
    quantity: int
    price_micro: int
    fee_micro: int
    decision_ts: int
    quote_ts: int
    gross_ev_pico: int
    net_ev_total_pico: int

    @property
    def cost_micro(self) -> int:
        """What the order takes from cash."""
        return self.quantity * self.price_micro + self.fee_micro

    @property
    def payout_micro(self) -> int:
        """What its contracts pay at settlement."""
        return self.quantity * self.contract.payout_micro(self.side)
