"""The ledger: cash and positions, exact, with the counters that limits look at. One account for everything."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from tradewinds.engine.contracts import Contract, Side


@dataclass(slots=True)
class Fill:
    """A filled order; money in micro-dollars, times in Unix seconds. `net_ev` and `gross_ev` are pico-dollars a contract,
    the net one exact as numerator over `quantity`."""

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


@dataclass(slots=True)
class Ledger:
    """State of the account. `open_cost_micro` is the entry cost (without fees) of all open contracts."""

    cash_micro: int
    open_contracts: int = 0
    open_cost_micro: int = 0
    held: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))  # by side
    market_cost: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    event_contracts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    event_cost: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    event_orders: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    candle_contracts: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))

    @property
    def equity_at_cost_micro(self) -> int:
        """Cash plus the entry cost of open positions."""
        return self.cash_micro + self.open_cost_micro

    def buy(self, fill: Fill) -> None:
        """Book a fill."""
        ticker, event, worth = fill.contract.ticker, fill.contract.event, fill.quantity * fill.price_micro
        self.cash_micro -= fill.cost_micro
        if self.cash_micro < 0:
            raise AssertionError(f"cash below zero after {ticker} at {fill.decision_ts}")
        self.held[ticker][fill.side] += fill.quantity
        self.market_cost[ticker] += worth
        self.open_contracts += fill.quantity
        self.open_cost_micro += worth
        self.event_contracts[event.name] += fill.quantity
        self.event_cost[event.name] += worth
        self.event_orders[event.name, event.day(fill.decision_ts)] += 1
        self.candle_contracts[ticker, fill.quote_ts] += fill.quantity

    def settle(self, contract: Contract) -> bool:
        """Pay out a contract's positions and free what they held of the limits; whether there were any."""
        yes, no = self.held.pop(contract.ticker, (0, 0))
        cost = self.market_cost.pop(contract.ticker, 0)
        self.cash_micro += yes * contract.payout_micro(Side.YES) + no * contract.payout_micro(Side.NO)
        self.open_contracts -= yes + no
        self.open_cost_micro -= cost
        self.event_contracts[contract.event.name] -= yes + no
        self.event_cost[contract.event.name] -= cost
        return bool(yes or no)
