"""A second, naive implementation of strategies of daily equities that are called at every close: decimals, dicts and dates.

It is written from the rules (docs/strategies.md, docs/equities_daily.md) alone and shares no code with the product. A script is
asked at each close: script(date, shares, waiting, cash, reserved), where shares is {symbol: (date of the latest bar, close,
shares held, entry price, date of the entry)} and waiting a list of (symbol, is a sale, limit). It answers with a list of
("buy", symbol, quantity or None, value or None, limit or None, until or None), ("sell", symbol, quantity or None, None, limit
or None, until or None) and ("cancel", symbol); until is a pair (date, 0 for its open or 1 for its close).
"""

import datetime as dt
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from tests.reference.naive_shares import MICRO, Account

ALWAYS = [(dt.date.min, dt.date.max)]


class NaiveShareSteps(Account):
    """Cash, positions, waiting orders; `trades` and `refused` as in Account, refusals with the date of the decision.

    Args:
        world: bars by symbol, in any order.
        settings: naive_shares.Settings; the strategy is not read.
        script: see above.
    """

    def __init__(self, world, settings, script):
        super().__init__(settings)
        self.script, self.waiting, self.equity, self.fills = script, [], [], []
        spans = {symbol: settings.spans.get(symbol, ALWAYS) for symbol in world}
        self.spans, self.bars = spans, {}
        for symbol, rows in world.items():
            last = min(settings.end, max(end for _, end in spans[symbol]))
            if any(a <= settings.end and b >= settings.start for a, b in spans[symbol]):
                good = [bar for bar in rows if bar.good() and bar.date <= last]
                self.bars[symbol] = sorted(good, key=lambda bar: bar.date)

    def may_trade(self, symbol, date):
        """Whether a symbol is a member of the universe on a date inside the run."""
        inside = self.s.start <= date <= self.s.end
        return inside and any(a <= date <= b for a, b in self.spans[symbol])

    def run(self):
        """Replay all days."""
        dates = sorted({bar.date for rows in self.bars.values() for bar in rows if bar.date >= self.s.start})
        self.latest, self.shown, self.sold_now = {}, set(), set()
        for date in dates:
            today = {s: bar for s, rows in self.bars.items() for bar in rows if bar.date == date}
            traded = {s: bar for s, bar in today.items() if self.may_trade(s, date)}
            self.sold_now = set()
            self.fill_waiting(date, traded)
            self.waiting = [o for o in self.waiting if o["until"] is None or o["until"] > (date, 1)]
            self.latest |= traded
            self.shown |= traded.keys()
            if traded:
                self.decide(date, today)
            self.sell_absent(date, traded)
            worth = sum(p["left"] * self.latest[s].close for s, p in self.held.items())
            self.equity.append((date, self.cash + worth))
        self.end(dates)

    # ---- decisions ----

    def decide(self, date, today):
        """Ask the script, and carry out what it answers."""
        seen = {}
        for symbol in sorted(self.shown):
            last = self.latest[symbol]
            p = self.held.get(symbol)
            own = (p["left"], p["price"], p["date"]) if p else (0, None, None)
            seen[symbol] = (last.date, last.close, *own)
        waiting = [(o["symbol"], o["kind"] == "sell", o["limit"]) for o in self.waiting]
        held_now = set(self.held) | self.sold_now
        for wish in self.script(date, seen, waiting, self.cash - self.reserved(), self.reserved()):
            if wish[0] == "cancel":
                self.waiting = [o for o in self.waiting if o["symbol"] != wish[1]]
                continue
            kind, symbol, quantity, value, limit, until = wish
            order = {"kind": kind, "symbol": symbol, "quantity": quantity, "value": value, "limit": limit}
            order |= {"until": until, "date": date, "kept": 0}
            if quantity == 0 or value == 0:
                self.refused.append((symbol, date, "NO_WHOLE_SHARE"))
            elif kind == "buy" and symbol in held_now:
                self.refused.append((symbol, date, "ALREADY_HELD"))
            elif kind == "sell" and symbol not in self.held:
                self.refused.append((symbol, date, "NOTHING_HELD"))
            elif not (self.s.same_close and self.at_close(order, date, today)):
                self.wait(order)

    def at_close(self, order, date, today):
        """Fill an order at the close of its decision, if it may be; returns whether it is dealt with."""
        bar = today.get(order["symbol"])
        if bar is None or not self.may_trade(order["symbol"], date):
            return False
        price = self.slipped(order, bar.close)
        if order["limit"] is None and (order["kind"] == "buy" or bar.fills()):
            self.execute(order, bar, price, date)
            return True
        if order["limit"] is not None and bar.fills() and self.good(order, price):
            self.execute(order, bar, price, date)
            return True
        return False

    def wait(self, order):
        """Let an order wait; a limit to buy with the cash that it may need."""
        if order["kind"] == "buy" and order["limit"] is not None:
            limit, free = order["limit"], self.cash - self.reserved()
            wanted = order["quantity"]
            if wanted is None:
                wanted = int((order["value"] / limit).to_integral_value(ROUND_FLOOR))
            quantity = self.paid(wanted, limit, free)
            if quantity < 1:
                self.refused.append((order["symbol"], order["date"], "INSUFFICIENT_CASH"))
                return
            order |= {"quantity": quantity, "value": None, "kept": quantity * limit + self.commission(quantity * limit)}
        self.waiting.append(order)

    # ---- fills ----

    def fill_waiting(self, date, traded):
        """Fill the waiting orders by a day's bars: at the open, inside, and at the close where the run fills at closes."""
        by_kind = {
            kind: [o for o in self.waiting if o["kind"] == kind and o["symbol"] in traded] for kind in ("sell", "buy")
        }
        for order in by_kind["sell"] + by_kind["buy"]:
            bar = traded[order["symbol"]]
            price = self.slipped(order, bar.open)
            if not self.waits(order) or (order["until"] is not None and order["until"] < (date, 0)):
                continue
            at_any_price = order["limit"] is None and not self.s.same_close
            is_good = order["limit"] is not None and bar.fills() and self.good(order, price)
            if is_good or (at_any_price and (order["kind"] == "buy" or bar.fills())):
                self.execute(order, bar, price, date)
        for order in by_kind["buy"] + by_kind["sell"]:
            bar = traded[order["symbol"]]
            if not self.waits(order) or order["limit"] is None or not bar.fills():
                continue
            if order["until"] is not None and order["until"] < (date, 1):
                continue
            if bar.low < order["limit"] if order["kind"] == "buy" else bar.high > order["limit"]:
                self.execute(order, bar, order["limit"], date)
        for order in by_kind["sell"] + by_kind["buy"] if self.s.same_close else []:
            bar = traded[order["symbol"]]
            if self.waits(order) and order["limit"] is None and (order["kind"] == "buy" or bar.fills()):
                if order["kind"] == "sell":
                    self.sold_now.add(order["symbol"])
                self.execute(order, bar, self.slipped(order, bar.close), date)

    def waits(self, order):
        """Whether an order still waits; two orders may look alike."""
        return any(one is order for one in self.waiting)

    def slipped(self, order, price):
        """Return a price with slippage."""
        sign = 1 if order["kind"] == "buy" else -1
        return (price * (1 + sign * self.s.slippage_pct / 100)).quantize(MICRO, ROUND_HALF_EVEN)

    @staticmethod
    def good(order, price):
        """Whether a price is within an order's limit."""
        return price <= order["limit"] if order["kind"] == "buy" else price >= order["limit"]

    def reserved(self):
        """Return the cash that limits to buy keep."""
        return sum(order["kept"] for order in self.waiting)

    def paid(self, wanted, price, cash):
        """Return as many shares as cash pays with commission."""
        quantity = min(wanted, int((cash / price).to_integral_value(ROUND_FLOOR)))
        while quantity > 0 and quantity * price + self.commission(quantity * price) > cash:
            quantity -= 1
        return max(quantity, 0)

    def execute(self, order, bar, price, date):
        """Fill an order, or refuse it; either way it waits no more."""
        self.waiting = [one for one in self.waiting if one is not order]
        symbol = order["symbol"]
        if order["kind"] == "sell":
            left = self.held[symbol]["left"]
            quantity = left if order["quantity"] is None else min(order["quantity"], left)
            after = self.cash - self.reserved() + quantity * price - self.commission(quantity * price)
            if after < 0:
                self.refused.append((symbol, order["date"], "INSUFFICIENT_CASH"))
                return
            self.sell_part(symbol, quantity, price, date, "sale" if order["limit"] is None else "resting_sale")
            return
        reason, quantity = self.allowed(order, bar, price)
        if reason:
            self.refused.append((symbol, order["date"], reason))
            return
        fee = self.commission(quantity * price)
        self.cash -= quantity * price + fee
        assert self.cash >= 0
        code = "STRATEGY" if order["limit"] is None else "RESTING"
        self.fills.append(("BUY", symbol, date, quantity, price, fee, code))
        trade = {"symbol": symbol, "signal": order["date"], "date": date, "qty": quantity, "price": price}
        self.trades.append(trade)
        self.held[symbol] = {"left": quantity, "price": price, "date": date, "trade": trade, "absent": 0}
        trade["pnl"] = -quantity * price - fee

    def allowed(self, order, bar, price):
        """Return why a purchase is refused, or None and the shares that it buys."""
        if not bar.fills():
            return "NO_VOLUME", 0
        if order["symbol"] in self.held:
            return "ALREADY_HELD", 0
        if len(self.held) >= self.s.max_positions:
            return "MAX_POSITIONS", 0
        wanted = order["quantity"]
        if wanted is None:
            wanted = int((order["value"] / price).to_integral_value(ROUND_FLOOR))
        quantity = self.paid(wanted, price, self.cash - self.reserved())
        if quantity < 1:
            return "INSUFFICIENT_CASH", 0
        if self.s.volume_share is not None and bar.volume is not None:
            quantity = min(quantity, int((self.s.volume_share * bar.volume).to_integral_value(ROUND_FLOOR)))
        return (None, quantity) if quantity else ("LIQUIDITY", 0)

    def sell_part(self, symbol, quantity, price, date, reason):
        """Sell shares at a price."""
        position = self.held[symbol]
        fee = self.commission(quantity * price)
        self.cash += quantity * price - fee
        self.fills.append(("SELL", symbol, date, quantity, price, fee, reason))
        position["left"] -= quantity
        position["trade"]["pnl"] += quantity * price - fee
        if not position["left"]:
            position["trade"].update(exit_date=date, reason=reason)
            del self.held[symbol]
            self.waiting = [o for o in self.waiting if o["symbol"] != symbol or o["kind"] == "buy"]

    def sell_absent(self, date, traded):
        """Sell what has had no bar on too many trading days in a row."""
        for symbol in list(self.held) if traded else []:
            position = self.held[symbol]
            position["absent"] = 0 if symbol in traded else position["absent"] + 1
            if position["absent"] == self.s.missing_days:
                self.sell_rest(symbol, date, "no_bars")

    def sell_rest(self, symbol, date, reason):
        """Sell all that is left of a symbol at its last close."""
        price = self.slipped({"kind": "sell"}, self.latest[symbol].close)
        self.sell_part(symbol, self.held[symbol]["left"], price, date, reason)

    def end(self, dates):
        """Sell what is left at its last close; purchases that found no bar are refused."""
        for order in self.waiting:
            if order["kind"] == "buy" and order["limit"] is None:
                self.refused.append((order["symbol"], order["date"], "NO_NEXT_BAR"))
        self.waiting = []
        for symbol in list(self.held):
            self.sell_rest(symbol, self.latest[symbol].date, "backtest_end")
        if self.equity:
            self.equity[-1] = (dates[-1], self.cash)


def exactly(text):
    """A shown float as the decimal that it stands for."""
    return None if text != text else Decimal(f"{text:.6f}")
