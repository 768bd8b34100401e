"""Strategies of the naive funding-carry engine that are called at every settlement (docs/strategies.md).

A script is asked at each instant: script(t, perps, cash), where perps is {symbol: (rate of 8 hours, coins held with the sign
of the spot leg, payments)} of the symbols that settle then and may be traded. It answers with a list of
("buy", symbol, direction, quantity or None, value or None) and ("sell", symbol, quantity or None).
"""

from tests.reference.fast_fractions import Fraction
from tests.reference.naive_carry_costs import BUY, SELL, both_fills, margins_at_opening, unit_cost
from tests.reference.naive_carry_market import floor_step
from tests.reference.naive_carry_replay import Replay
from tests.reference.naive_carry_signals import Signal


class NaiveCarrySteps(Replay):
    """One run with a script in place of a strategy."""

    def __init__(self, world, settings, script):
        super().__init__(world, settings)
        self.script = script

    def instant(self, t, settling):
        """Pay funding, close what is at its last settlement, ask the script, and do what it says."""
        account = self.account
        for market in settling:
            if market.symbol in account.open:
                self.mark_sources[account.settle(account.open[market.symbol], t)] += 1
        for market in settling:
            self.exit(market, t, {})  # at the last settlement
        decided = [market for market in settling if t != market.last_settlement()]
        for market in [market for market in decided if not market.fresh(t)]:
            self.refuse(t, market, "STALE_PRICE")
        decided = [market for market in decided if market.fresh(t)]
        wishes = self.script(t, {market.symbol: self.seen(market, t) for market in decided}, account.cash)
        by_symbol = {market.symbol: market for market in self.markets}
        for _, symbol, quantity in [wish for wish in wishes if wish[0] == "sell"]:
            self.sell(by_symbol[symbol], t, quantity, decided)
        for market in decided:
            if market.symbol in account.open:
                self.rebalance(account.open[market.symbol], t)
        base = account.equity(t) if self.rules.compounding else self.rules.start_balance
        for _, symbol, direction, quantity, value in [wish for wish in wishes if wish[0] == "buy"]:
            self.buy(by_symbol[symbol], t, (direction, quantity, value), decided, base)

    def seen(self, market, t):
        """Return what the script sees of a symbol."""
        place = market.place[t]
        rate = market.records[place][1] * 8 / market.hours[place]
        held = self.account.open.get(market.symbol)
        return (rate, held.direction * held.quantity, len(held.payments)) if held else (rate, Fraction(0), 0)

    def sell(self, market, t, quantity, decided):
        """Close a position or a part of it."""
        held = self.account.open.get(market.symbol)
        if held is None:
            self.refuse(t, market, "NOTHING_HELD")
            return
        if market not in decided:
            if market.symbol not in [
                symbol for at, symbol, reason in self.refusals if at == t and reason == "STALE_PRICE"
            ]:
                self.refuse(t, market, "NO_SETTLEMENT")
            return
        part = held.quantity if quantity is None else floor_step(quantity, market.step)
        if part <= 0:
            self.refuse(t, market, "MIN_NOTIONAL")
            return
        left = held.quantity - part
        if left <= 0 or left * market.spot.close(t) < market.min_notional:
            part = held.quantity
        quotes = market.reference(t)
        if quotes is None:
            self.refuse(t, market, "NO_FILL_PRICE")
            return
        self.trade_away(held, t, part, quotes, "sale")

    def buy(self, market, t, asked, decided, base):
        """Open a position, or refuse it."""
        direction, quantity, value = asked
        if market not in decided:
            if market.symbol not in [
                symbol for at, symbol, reason in self.refusals if at == t and reason == "STALE_PRICE"
            ]:
                self.refuse(t, market, "NO_SETTLEMENT")
            return
        if market.symbol in self.account.open or market.symbol in self.closed_now:
            self.refuse(t, market, "ALREADY_HELD")
            return
        if len(self.account.open) >= self.rules.max_positions:
            self.refuse(t, market, "MAX_POSITIONS")
            return
        quotes = market.reference(t)
        if quotes is None:
            self.refuse(t, market, "NO_FILL_PRICE")
            return
        found = Signal(direction, True, False, Fraction(0), None)
        size, reason = self.size(market, t, found, quotes, (quantity, value), base)
        if reason is not None:
            self.refuse(t, market, reason)
            return
        side = BUY if direction == 1 else SELL
        self.account.enter(market, t, found, both_fills(market, t, side, size, quotes, self.rules))

    def size(self, market, t, found, quotes, asked, base):
        """Return (quantity, None) or (0, reason) of an entry."""
        rules, cash, (wanted, value) = self.rules, self.account.cash, asked
        spot, u = unit_cost(found.direction, quotes, t, rules)
        budget = base * rules.allocation if value is None else value
        limits = [("MIN_NOTIONAL", budget / u if wanted is None else wanted), ("INSUFFICIENT_CASH", cash / u)]
        if rules.max_position_quote is not None:
            limits.append(("MAX_POSITION", rules.max_position_quote / spot))
        if rules.max_exposure_quote is not None:
            limits.append(("MAX_EXPOSURE", (rules.max_exposure_quote - self.account.exposure(t)) / spot))
        if rules.max_volume_share is not None:
            limits.append(("LIQUIDITY", rules.max_volume_share * min(market.spot.volume(t), market.perp.volume(t))))
        quantity = None
        for reason, limit in limits:
            most = max(floor_step(limit, market.step), Fraction(0))
            quantity = most if quantity is None else min(quantity, most)
            if quantity == 0 or quantity * spot < market.min_notional:
                return Fraction(0), reason
        side = BUY if found.direction == 1 else SELL
        while quantity > 0:
            fills = both_fills(market, t, side, quantity, quotes, rules)
            if margins_at_opening(found.direction, *fills, rules)[0] <= cash:
                break
            quantity -= market.step
        if quantity == 0 or quantity * spot < market.min_notional:
            return Fraction(0), "INSUFFICIENT_CASH"
        return quantity, None
