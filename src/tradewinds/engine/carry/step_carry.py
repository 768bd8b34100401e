"""The pass over settlements with a strategy that is called at each of them.

It is called once liquidations are over, funding is paid, and what is at its symbol's last settlement is closed. It sees the
rate that has just been paid and the last complete closes. Its sales are carried out at once, then margins are kept near their
targets as always, then its purchases are carried out in their order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tradewinds.engine.carry.carry_holding import Holding
from tradewinds.engine.carry.carry_loop import STALE_PRICE, Candidate, CarryPass, Opening
from tradewinds.engine.carry.carry_market import RATE_UNIT, UNIT
from tradewinds.engine.carry.carry_prices import SymbolPrices
from tradewinds.engine.carry.carry_result import CarryResult, Refusal
from tradewinds.engine.carry.carry_rules import LONG_SPOT, SHORT_SPOT, CarryRules
from tradewinds.engine.carry.carry_sizing import Asked
from tradewinds.engine.carry.carry_timeline import CarryMarkets
from tradewinds.engine.carry.carry_view import NAN, NOTHING, CarryState, CarryView, PastSettlement
from tradewinds.engine.stepwise.step_caller import StepCaller
from tradewinds.engine.stepwise.step_orders import YES, OrderProblem, StepOrder, refuse_stops, ticker_of

OPENED, SALE = "strategy", "sale"
ALREADY_HELD, NOTHING_HELD, NO_SETTLEMENT = "ALREADY_HELD", "NOTHING_HELD", "NO_SETTLEMENT"
_SIDES = {YES: 1, LONG_SPOT: 1, SHORT_SPOT: -1}
_MOST = 1e10  # of a quantity or a value: a larger one is a mistake


class StepCarry(CarryPass):
    """A pass with a strategy that is called.

    Args:
        markets: the records.
        rules: the run's.
        make: makes the strategy.
    """

    def __init__(self, markets: CarryMarkets, rules: CarryRules, make: Callable[[], StepCaller]) -> None:
        super().__init__(markets, rules)
        self._strategy = make()
        self.state = CarryState(self.markets.symbols)
        self._records = [_records(one.prices) for one in self.symbols]
        self._purchases: list[tuple[int, int, Asked]] = []  # symbol, direction, size
        for number, one in enumerate(self.symbols):  # the warm-up is known before the range begins
            self.state.past[number] = self._records[number][: one.prices.first]

    def made(self, until_ts: int | None) -> CarryResult:
        """Go through all instants up to one; None: through all."""
        with self._strategy.watched():
            self._strategy.start()
            return super().made(until_ts)

    def _candidates(self) -> dict[int, list[Candidate]]:
        """Return no candidates: the strategy names them itself."""
        return {}

    def _decide_exits(self, settling: Sequence[tuple[Holding, int]], index: int, ts: int) -> None:
        """Close what is at its last settlement, call the strategy, and close what it closes."""
        for holding, row in settling:
            if row == self.symbols[holding.symbol].prices.count - 1:
                self._force_out(holding, ts)
        self._show(index, ts)
        view = CarryView(self.state)
        wishes = self._strategy.decide(view)
        view._close()
        self._purchases = []
        for wish in wishes:
            try:
                self._carry_out(wish, index, ts)
            except OrderProblem as error:
                raise self._strategy.problem(str(error)) from None

    def _decide_entries(self, index: int, ts: int) -> None:
        """Open what the strategy has asked for."""
        if not self._purchases:
            return
        balance = self._equity(index, ts).equity_micro if self.rules.size.compounding else self.rules.start_cash
        for symbol, direction, asked in self._purchases:
            reason = self._open_asked(symbol, direction, asked, index, ts, balance)
            if reason:
                self._refuse(symbol, ts, direction, reason)

    # ---- what is shown ----

    def _show(self, index: int, ts: int) -> None:
        """Show the settlements of an instant, and the account."""
        state = self.state
        state.now, state.settling = float(ts), []
        for number, one in enumerate(self.symbols):
            row = self.markets.timeline(number).settlement[index]
            if row < 0:
                continue
            state.past[number].append(self._records[number][one.prices.first + row])
            if row < one.prices.count - 1 and not one.stale[row]:
                state.settling.append(number)
        for number in range(len(self.symbols)):
            holding = self.books.held.get(number)
            state.own[number] = NOTHING if holding is None else _own(holding)
        state.cash, state.equity = self.books.cash / UNIT, self._equity(index, ts).equity_micro / UNIT

    # ---- what is asked for ----

    def _carry_out(self, wish: Any, index: int, ts: int) -> None:
        """Close a position or a part of it, or keep a purchase for later."""
        if not isinstance(wish, StepOrder):
            raise OrderProblem(
                f"a {type(wish).__name__}: positions of this market are opened by buy and closed by sell"
            )
        if wish.price is not None:
            raise OrderProblem("a limit, which positions of this market do not have")
        refuse_stops(wish)
        if wish.side not in _SIDES:
            raise OrderProblem(f"a side that is neither {LONG_SPOT} nor {SHORT_SPOT} ({wish.side!r:.40})")
        number = self.state.number_of(ticker_of(wish.market))
        if number is None:
            raise OrderProblem(f"an order for {wish.market!r:.80}, which has had no settlement")
        quantity, value = _units_of(wish.quantity, "quantity"), _units_of(wish.value, "value")
        if not wish.is_sale:
            self._purchases.append((number, _SIDES[wish.side], Asked(quantity, value)))
            return
        holding = self.books.held.get(number)
        reason = NOTHING_HELD if holding is None else self._untimely(number, index)
        if holding is None or reason:
            self._refuse(number, ts, -1 if holding is None else -holding.direction, reason)
            return
        self._sell(holding, quantity, self.markets.timeline(number).settlement[index], ts)

    def _sell(self, holding: Holding, asked: int | None, row: int, ts: int) -> None:
        """Close a position, or as much of it as was asked for in steps of the exchange; what is left may not be too small."""
        prices = self.symbols[holding.symbol].prices
        filters = prices.instrument.filters_at(ts)
        quantity = holding.quantity if asked is None else asked // filters.step * filters.step
        if quantity <= 0:
            self.refusals.append(Refusal(holding.symbol, ts, -holding.direction, "MIN_NOTIONAL"))
            return
        left = holding.quantity - quantity
        if left <= 0 or left * prices.close_prices[0][row] < filters.min_notional * UNIT:
            quantity = holding.quantity
        self._close(holding, quantity, row, ts, SALE)

    def _refuse(self, number: int, ts: int, side: int, reason: str) -> None:
        """Keep a refusal; settlements on old prices are counted by themselves, whatever was asked for."""
        if reason != STALE_PRICE:
            self.refusals.append(Refusal(number, ts, side, reason))

    def _untimely(self, number: int, index: int) -> str:
        """Return why a symbol cannot be traded at an instant; "" if it can."""
        row = self.markets.timeline(number).settlement[index]
        if row < 0 or row == self.symbols[number].prices.count - 1:
            return NO_SETTLEMENT
        return STALE_PRICE if self.symbols[number].stale[row] else ""

    def _open_asked(self, number: int, direction: int, asked: Asked, index: int, ts: int, balance: int) -> str:
        """Open a position that the strategy has asked for; returns the reason if it is refused."""
        reason = self._untimely(number, index)
        if reason:
            return reason
        if number in self.books.held or number in self.closed_now:
            return ALREADY_HELD
        row, prices = self.markets.timeline(number).settlement[index], self.symbols[number].prices
        rate = int(prices.rates.rate[prices.first + row])
        one = Candidate(strength=0, symbol=number, settlement=row)
        return self._open_sized(one, direction, index, ts, Opening(balance, rate, None, OPENED, asked))


def _records(prices: SymbolPrices) -> list[PastSettlement]:
    """Return all settlements of a symbol up to the end of the range, as they are shown."""
    end, rates = prices.end, prices.rates
    ts = rates.ts[:end]
    spot, perp = (leg.closes_at(ts) for leg in (prices.spot, prices.perp))
    columns = (
        ts.astype(np.float64),
        rates.rate[:end] / RATE_UNIT,
        prices.hours[:end].astype(np.float64),
        prices.rates_per_8h[:end] / RATE_UNIT,
        *(np.where(closes > 0, closes / UNIT, NAN) for closes in (spot, perp)),
    )
    return list(map(PastSettlement._make, zip(*(column.tolist() for column in columns), strict=True)))


def _own(holding: Holding) -> tuple[float, ...]:
    """Return what is held, as ShownPerp has it."""
    return (
        holding.direction * holding.quantity / UNIT,
        holding.spot.entry_price / UNIT,
        holding.perp.entry_price / UNIT,
        float(holding.open_ts),
        float(len(holding.payments)),
        sum(holding.payments) / UNIT,
    )


def _units_of(value: Any, name: str) -> int | None:
    """Return a number of a strategy in units of 10^-8, the nearest ones; None stays None.

    Raises:
        OrderProblem: it is no number, below 0, or too large to be meant.
    """
    if value is None:
        return None
    if isinstance(value, str | bool) or not isinstance(value, int | float | np.number) or not math.isfinite(value):
        raise OrderProblem(f"a {name} that is no number ({value!r:.40})")
    if not 0 <= value <= _MOST:
        raise OrderProblem(f"a {name} of {value!r:.40}")
    return round(float(value) * UNIT)
