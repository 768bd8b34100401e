"""The loop of the naive funding-carry engine, instant by instant (sections 7, 8 and 10 of its rules)."""

from collections import Counter

from tests.reference.fast_fractions import Fraction
from tests.reference.naive_carry_book import Account
from tests.reference.naive_carry_costs import BUY, SELL, both_fills, forced_fill, size
from tests.reference.naive_carry_market import Market, ceil_step, r8
from tests.reference.naive_carry_results import results
from tests.reference.naive_carry_settings import rules_of
from tests.reference.naive_carry_signals import signal

ZERO = Fraction(0)


def replay(world, settings):
    """Replay a world and return its results (see `naive_carry_results.results`).

    Args:
        world: a list of CarrySymbol.
        settings: the YAML config of section 11, as a mapping.
    """
    return Replay(world, settings).run()


class Replay:
    """One run.

    Attributes:
        markets: symbols with a settlement in the range, by symbol.
        refusals: (Unix s, symbol, reason) in the order they happened.
        points: (Unix s, equity, cash, wallets).
        closed_now: symbols closed at the instant, which are no candidates at it.
    """

    def __init__(self, world, settings):
        self.rules = rules_of(settings)
        markets = [Market(given, self.rules) for given in sorted(world, key=lambda given: given.symbol)]
        self.loaded = markets
        self.markets = [market for market in markets if market.settlements]
        self.account = Account(self.rules)
        self.refusals, self.points, self.mark_sources = [], [], Counter()
        self.closed_now = set()

    def run(self):
        instants = sorted({t for market in self.markets for t in market.settlements})
        if instants:
            self.point(self.rules.start)
        before = None
        for t in instants:
            self.closed_now = set()
            if before is not None:
                self.liquidate(before, t)
            settling = [market for market in self.markets if t in market.place]
            self.instant(t, settling)
            self.point(t)
            before = t
        return results(self)

    def instant(self, t, settling):
        """Take steps 2 to 6."""
        for market in settling:
            if market.symbol in self.account.open:
                self.mark_sources[self.account.settle(self.account.open[market.symbol], t)] += 1
        signals = self.signals(t, settling)
        for market in settling:
            self.exit(market, t, signals)
        for market in settling:
            if market.symbol in signals and market.symbol in self.account.open:
                self.rebalance(self.account.open[market.symbol], t)
        self.entries(t, settling, signals)

    def refuse(self, t, market, reason):
        self.refusals.append((t, market.symbol, reason))

    def point(self, t):
        self.points.append((t, self.account.equity(t), self.account.cash, self.account.wallets()))

    # Step 1

    def liquidate(self, before, t):
        """Liquidate what a candle that ended since the previous instant asks for, by end and symbol."""
        due = []
        for held in self.account.held():
            found = self.first_breach(held, before, t)
            if found is not None:
                due.append((found[0], held.market.symbol, found[1], held))
        for end, symbol, leg, held in sorted(due, key=lambda one: one[:2]):
            self.liquidate_one(held, end, leg)
            if end == t:
                self.closed_now.add(symbol)
            self.point(end)

    def first_breach(self, held, before, t):
        """Return (end of the candle, leg) of the earliest breach, or None; the same candle: perp."""
        if not self.rules.both_legs:
            return None
        market, q, m = held.market, held.quantity, held.market.maintenance
        breaches = []
        for end, candle in market.margin_series().ends_within(before, t):
            if held.direction == 1 and q * (1 + m) * candle.high >= held.wallet + held.perp_value:
                breaches.append((end, "perp"))
            if held.direction == -1 and q * (1 - m) * candle.low <= held.perp_value - held.wallet:
                breaches.append((end, "perp"))
        if held.direction == -1:
            for end, candle in market.spot.ends_within(before, t):
                if q * (1 + self.rules.borrow_maintenance) * candle.high >= held.collateral:
                    breaches.append((end, "spot"))
        return min(breaches) if breaches else None  # `perp` sorts before `spot`

    def liquidate_one(self, held, end, leg):
        """Close the liquidated leg at the price of the equality, the other one at its last complete close."""
        market, q, d, m = held.market, held.quantity, held.direction, held.market.maintenance
        self.account.accrue(held, end)
        spot_side = SELL if d == 1 else BUY
        spot, perp = both_fills(market, end, spot_side, q, market.last_closes(end), self.rules)
        if leg == "perp":
            price = (held.perp_value + d * held.wallet) / (q * (1 + d * m))
            perp = forced_fill(perp.side, q, r8(price), end)
        else:
            spot = forced_fill(spot.side, q, r8(held.collateral / (q * (1 + self.rules.borrow_maintenance))), end)
        self.account.leave(held, end, (spot, perp), "liquidation", liquidated=leg)

    # Steps 3 and 4

    def signals(self, t, settling):
        """Return {symbol: Signal} of the symbols that are decided at t.

        ASSUME: "STALE_PRICE, once per symbol and t, not at its last settlement": counted also where nothing would have
        happened. A symbol closed by a liquidation at t counts too.
        """
        found = {}
        for market in settling:
            if t == market.last_settlement():
                continue
            if not market.fresh(t):
                self.refuse(t, market, "STALE_PRICE")
                continue
            held = self.account.open.get(market.symbol)
            found[market.symbol] = signal(market, t, None if held is None else held.direction, self.rules)
        return found

    def trade_away(self, held, t, quantity, quotes, reason):
        side = SELL if held.direction == 1 else BUY
        fills = both_fills(held.market, t, side, quantity, quotes, self.rules)
        self.account.leave(held, t, fills, reason)
        if held.closed is not None:
            self.closed_now.add(held.market.symbol)

    def exit(self, market, t, signals):
        held = self.account.open.get(market.symbol)
        if held is None:
            return
        if t == market.last_settlement():
            # ASSUME: at the last settlement the reason is `backtest_end`, whatever the signal says.
            self.trade_away(held, t, held.quantity, market.last_closes(t), "backtest_end")
            return
        found = signals.get(market.symbol)
        if found is None or not found.leave or len(held.payments) < self.rules.parameters.min_holding_periods:
            return
        quotes = market.reference(t)
        if quotes is None:
            # ASSUME: NO_FILL_PRICE counts every trade that is not made: an exit, a reduction, an entry.
            self.refuse(t, market, "NO_FILL_PRICE")
            return
        # ASSUME: funding_composite leaves with `score` also where d * r8h <= 0.
        reason = "score" if self.rules.strategy == "funding_composite" else "rate"
        self.trade_away(held, t, held.quantity, quotes, reason)

    # Step 5

    def rebalance(self, held, t):
        """Move margin between the wallet and cash, and reduce both legs where cash is short."""
        rules, market = self.rules, held.market
        if not rules.both_legs or rules.rebalance == "none" or held.direction == -1:
            return
        mark, _ = market.mark_at(t)
        # ASSUME: the balance B is valued at N = r8(q * M), "every flow is rounded once".
        value = r8(held.quantity * mark)
        balance, target = held.balance(value), r8(value / rules.leverage)
        if balance * rules.leverage > rules.rebalance_high * value:
            # ASSUME: a negative wallet counts as 0 as a negative cash does: nothing moves.
            self.move_to_cash(held, max(min(balance - target, held.wallet), ZERO))
        elif balance * rules.leverage < rules.rebalance_low * value:
            self.move_to_cash(held, -max(min(target - balance, self.account.cash), ZERO))
            missing = target - held.balance(value)
            if rules.rebalance == "resize" and missing > 0:
                self.reduce(held, t, mark, missing)

    def move_to_cash(self, held, amount):
        held.wallet -= amount
        self.account.cash += amount

    def reduce(self, held, t, mark, missing):
        rules, market = self.rules, held.market
        quotes = market.reference(t)
        if quotes is None:
            self.refuse(t, market, "NO_FILL_PRICE")
            return
        spot = market.spot.close(t)
        x = ceil_step(missing / (spot + mark / rules.leverage), market.step)
        if x >= held.quantity or (held.quantity - x) * spot < market.min_notional:
            x = held.quantity
        self.trade_away(held, t, x, quotes, "rebalance")
        if held.closed is None:
            wanted = r8(held.quantity * mark / rules.leverage) - held.balance(r8(held.quantity * mark))
            self.move_to_cash(held, -max(min(max(wanted, ZERO), self.account.cash), ZERO))

    # Step 6

    def entries(self, t, settling, signals):
        rules, account = self.rules, self.account
        base = account.equity(t) if rules.compounding else rules.start_balance
        candidates = []
        for market in settling:
            found = signals.get(market.symbol)
            taken = market.symbol in account.open or market.symbol in self.closed_now
            if found is None or taken or not found.enter:
                continue
            if found.refusal is not None:
                self.refuse(t, market, found.refusal)
            else:
                candidates.append((market, found))
        for market, found in sorted(candidates, key=lambda one: (-one[1].strength, one[0].symbol)):
            if len(account.open) >= rules.max_positions:
                self.refuse(t, market, "MAX_POSITIONS")
                continue
            quotes = market.reference(t)
            if quotes is None:
                self.refuse(t, market, "NO_FILL_PRICE")
                continue
            exposure = account.exposure(t)
            quantity, reason = size(market, t, found, quotes, base, account.cash, exposure, rules)
            if reason is not None:
                self.refuse(t, market, reason)
                continue
            side = BUY if found.direction == 1 else SELL
            account.enter(market, t, found, both_fills(market, t, side, quantity, quotes, rules))
