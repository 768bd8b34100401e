"""Daily equities again, from the rules alone: decimals, dicts and dates, no arrays, nothing shared with the product.

A world is {symbol: [Bar, …]} in any order, with rows that may be bad. `replay` gives trades and the equity of every day.
"""

import datetime as dt
import itertools
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

CENT = Decimal("0.01")
MICRO = Decimal("0.000001")


@dataclass(frozen=True)
class Bar:
    date: dt.date
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    close: Decimal | None
    volume: int | None

    def good(self):
        prices = (self.open, self.high, self.low, self.close)
        if any(value is None for value in (*prices, self.volume)) or self.volume < 0 or min(prices) <= 0:
            return False
        return self.low <= self.open <= self.high and self.low <= self.close <= self.high


@dataclass
class Settings:
    strategy: str
    start: dt.date
    end: dt.date
    balance: Decimal = Decimal(100_000)
    size_pct: Decimal = Decimal(10)
    max_positions: int = 10
    commission_pct: Decimal = Decimal("0.1")
    slippage_pct: Decimal = Decimal("0.1")
    min_commission: Decimal = Decimal(0)
    same_close: bool = False
    spans: dict = field(default_factory=dict)  # symbol: [(from, to)]; absent: always


def mean_reversion(history):
    """Score of the last bar of a history, or None."""
    if len(history) < 20:
        return None
    before, *lower = [bar.close for bar in history[-4:]]
    closes = [before, *lower]
    falls = all(later < earlier for earlier, later in itertools.pairwise(closes))
    deep = lower[-1] <= before * Decimal("0.97")
    traded = sum(bar.volume for bar in history[-20:]) >= 20 * 100_000
    if falls and deep and lower[-1] >= Decimal("0.10") and traded:
        return int((before - lower[-1]) * 10**6) / int(before * 10**6)
    return None


def breakout(history):
    if len(history) < 21:
        return None
    *earlier, today = history[-21:]
    highest = max(bar.high for bar in earlier)
    heavy = today.volume * 20 >= Decimal("1.5") * sum(bar.volume for bar in earlier)
    if today.close >= Decimal("1.01") * highest and heavy and today.close >= Decimal("0.50"):
        return int(today.close * 10**6) / int(highest * 10**6)
    return None


def mean_reversion_exit(position, close, date):
    if close >= position["price"] * Decimal("1.02"):
        return "profit_target"
    if close <= position["price"] * Decimal("0.95"):
        return "stop_loss"
    return "time_stop" if (date - position["date"]).days >= 10 else None


def breakout_exit(position, close, date):
    if close <= position["price"] * Decimal("0.97"):
        return "stop_loss"
    if close <= position["highest"] * Decimal("0.95"):
        return "trailing_stop"
    return "time_stop" if (date - position["date"]).days >= 20 else None


STRATEGIES = {"Mean Reversion": (mean_reversion, mean_reversion_exit), "Breakout": (breakout, breakout_exit)}


class Account:
    def __init__(self, settings):
        self.s, self.cash, self.held, self.trades = settings, settings.balance, {}, []

    def commission(self, value):
        exact = value * self.s.commission_pct / 100
        return max(exact.quantize(CENT, ROUND_HALF_EVEN), self.s.min_commission)

    def buy(self, symbol, signal_date, date, price):
        if len(self.held) >= self.s.max_positions:
            return
        fill = (price * (1 + self.s.slippage_pct / 100)).quantize(MICRO, ROUND_HALF_EVEN)
        value = min(self.s.balance * self.s.size_pct / 100, self.cash)
        quantity = int((value / fill).to_integral_value(ROUND_FLOOR))
        while quantity > 0 and quantity * fill + self.commission(quantity * fill) > self.cash:
            quantity -= 1
        if quantity < 1:
            return
        fee = self.commission(quantity * fill)
        self.cash -= quantity * fill + fee
        assert self.cash >= 0
        trade = {"symbol": symbol, "signal": signal_date, "date": date, "qty": quantity, "price": fill, "fee": fee}
        self.trades.append(trade)
        self.held[symbol] = trade | {"highest": Decimal(0), "trade": trade}

    def sell(self, symbol, date, price, reason):
        position = self.held.pop(symbol)
        fill = (price * (1 - self.s.slippage_pct / 100)).quantize(MICRO, ROUND_HALF_EVEN)
        fee = self.commission(position["qty"] * fill)
        self.cash += position["qty"] * fill - fee
        pnl = position["qty"] * (fill - position["price"]) - fee - position["fee"]
        position["trade"].update(exit_date=date, exit_price=fill, exit_fee=fee, reason=reason, pnl=pnl)


def replay(world, settings):
    """Trades in order of their entries, and [(date, equity)]."""
    score_of, exit_of = STRATEGIES[settings.strategy]
    spans = {symbol: settings.spans.get(symbol, [(dt.date.min, dt.date.max)]) for symbol in world}
    bars = {}
    for symbol, rows in world.items():
        last = min(settings.end, max(end for _, end in spans[symbol]))
        good = sorted((bar for bar in rows if bar.good() and bar.date <= last), key=lambda bar: bar.date)
        if spans[symbol] and any(a <= settings.end and b >= settings.start for a, b in spans[symbol]):
            bars[symbol] = good
    dates = sorted({bar.date for rows in bars.values() for bar in rows if bar.date >= settings.start})
    places = {date: [] for date in dates}
    members, outside = {}, set()  # the bars at which a symbol may be traded; the others are history
    for symbol, rows in bars.items():
        members[symbol] = []
        for place, bar in enumerate(rows):
            if any(a <= bar.date <= b for a, b in spans[symbol]):
                members[symbol].append(bar)
                places.get(bar.date, []).append((symbol, place))
            else:
                outside.add((symbol, bar.date))
    account, orders, due, equity = Account(settings), [], {}, []
    for date in dates:
        today = {s: (i, bars[s][i]) for s, i in places[date]}
        # the open: sales, then orders of earlier closes whose symbol trades again
        for symbol in [s for s in due if s in today]:
            account.sell(symbol, date, today[symbol][1].open, due.pop(symbol))
        orders = [order for order in orders if (order["symbol"], date) not in outside]
        for order in [o for o in orders if o["symbol"] in today]:
            orders.remove(order)
            account.buy(order["symbol"], order["date"], date, today[order["symbol"]][1].open)
        # the close: judge what is held, then the day's signals
        at_close = set(account.held)
        for symbol in [s for s in account.held if s in today and s not in due]:
            position, close = account.held[symbol], today[symbol][1].close
            position["highest"] = max(position["highest"], close)
            reason = exit_of(position, close, date)
            if reason and settings.same_close:
                account.sell(symbol, date, close, reason)
            elif reason:
                due[symbol] = reason
        found = []
        for symbol, (place, _) in today.items():
            score = score_of(bars[symbol][max(0, place - 20) : place + 1])
            if score is not None and symbol not in at_close:
                found.append((-score, symbol))
        for _, symbol in sorted(found):
            if settings.same_close:
                account.buy(symbol, date, date, today[symbol][1].close)
                if symbol in account.held:
                    account.held[symbol]["highest"] = today[symbol][1].close
            else:
                orders.append({"symbol": symbol, "date": date})
        worth = account.cash
        for symbol, position in account.held.items():
            worth += position["qty"] * last_close(members[symbol], date)
        equity.append((date, worth))
    for symbol in list(account.held):
        final = members[symbol][-1]
        account.sell(symbol, final.date, final.close, "backtest_end")
    if equity:
        equity[-1] = (equity[-1][0], account.cash)
    return account.trades, equity


def last_close(rows, date):
    return next(bar.close for bar in reversed(rows) if bar.date <= date)
