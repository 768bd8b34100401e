"""A second, naive implementation of daily equities: decimals, dicts and dates, no arrays.

It is written from the rules (docs/equities_daily.md) alone and shares no code with the product. A world is {symbol: [Bar, …]};
the bars of a symbol are in any order and may be bad. `replay` returns the trades and the equity of every day.
"""

import datetime as dt
import itertools
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

CENT = Decimal("0.01")
MICRO = Decimal("0.000001")


@dataclass(frozen=True)
class Bar:
    """One daily bar; a value that the source lacks is None."""

    date: dt.date
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    close: Decimal | None
    volume: int | None

    def good(self):
        """Whether the bar may be used: prices are there, positive and in order; the volume is unknown or not negative."""
        prices = (self.open, self.high, self.low, self.close)
        if any(value is None for value in prices) or self.shares() < 0 or min(prices) <= 0:
            return False
        return self.low <= self.open <= self.high and self.low <= self.close <= self.high

    def shares(self):
        """Return the volume; an unknown one counts as 0 in a mean."""
        return 0 if self.volume is None else self.volume

    def fills(self):
        """Whether an order can fill at the bar: shares were traded, or the source does not know how many."""
        return self.volume is None or self.volume > 0


@dataclass
class Settings:
    """How a run trades.

    Attributes:
        strategy: a name of STRATEGIES.
        start: first date of the run.
        end: last date of the run.
        balance: start balance.
        size_pct: value of an order in percent of the start balance.
        max_positions: positions that may be open at once.
        commission_pct: commission in percent of the traded value.
        slippage_pct: slippage in percent of the price.
        min_commission: least commission of an order.
        same_close: fill at the close that made the signal, instead of at the next open.
        spans: memberships of a symbol in the universe, [(first date, last date)]; a symbol without an entry is always a member.
        missing_days: trading days in a row without a bar after which a position is sold; None: never.
        volume_share: most shares of an entry as a share of its bar's volume; None: no limit.
    """

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
    spans: dict = field(default_factory=dict)
    missing_days: int | None = 20
    volume_share: Decimal | None = None


def mean_reversion(history):
    """Return the score of the entry signal at the last bar of a history (bars in order of date); None for no signal."""
    if len(history) < 20:
        return None
    before, *lower = [bar.close for bar in history[-4:]]
    closes = [before, *lower]
    falls = all(later < earlier for earlier, later in itertools.pairwise(closes))
    fell_enough = lower[-1] <= before * Decimal("0.97")
    is_liquid = sum(bar.shares() for bar in history[-20:]) >= 20 * 100_000
    if falls and fell_enough and lower[-1] >= Decimal("0.10") and is_liquid:
        return int((before - lower[-1]) * 10**6) / int(before * 10**6)
    return None


def breakout(history):
    """Return the score of the entry signal at the last bar of a history (bars in order of date); None for no signal."""
    if len(history) < 21:
        return None
    *earlier, today = history[-21:]
    highest = max(bar.high for bar in earlier)
    has_volume = today.shares() * 20 >= Decimal("1.5") * sum(bar.shares() for bar in earlier)
    if today.close >= Decimal("1.01") * highest and has_volume and today.close >= Decimal("0.50"):
        return int(today.close * 10**6) / int(highest * 10**6)
    return None


def mean_reversion_exit(position, close, date):
    """Return the reason to sell a position at a close; None to keep it."""
    if close >= position["price"] * Decimal("1.02"):
        return "profit_target"
    if close <= position["price"] * Decimal("0.95"):
        return "stop_loss"
    return "time_stop" if (date - position["date"]).days >= 10 else None


def breakout_exit(position, close, date):
    """Return the reason to sell a position at a close; None to keep it."""
    if close <= position["price"] * Decimal("0.97"):
        return "stop_loss"
    if close <= position["highest"] * Decimal("0.95"):
        return "trailing_stop"
    return "time_stop" if (date - position["date"]).days >= 20 else None


STRATEGIES = {"Mean Reversion": (mean_reversion, mean_reversion_exit), "Breakout": (breakout, breakout_exit)}


class Account:
    """Cash, open positions by symbol, all trades in order of their entries, and [(symbol, date of signal, reason)] refused."""

    def __init__(self, settings):
        self.s, self.cash, self.held, self.trades, self.refused = settings, settings.balance, {}, [], []

    def commission(self, value):
        """Return the commission on a traded value, rounded half to even to the cent."""
        exact = value * self.s.commission_pct / 100
        return max(exact.quantize(CENT, ROUND_HALF_EVEN), self.s.min_commission)

    def buy(self, symbol, signal_date, bar, price):
        """Buy at a price of a bar plus slippage, if shares were traded, there is room and cash, and the volume allows it."""
        refuse = lambda reason: self.refused.append((symbol, signal_date, reason))  # noqa: E731
        if not bar.fills():
            return refuse("NO_VOLUME")
        if len(self.held) >= self.s.max_positions:
            return refuse("MAX_POSITIONS")
        fill = (price * (1 + self.s.slippage_pct / 100)).quantize(MICRO, ROUND_HALF_EVEN)
        value = min(self.s.balance * self.s.size_pct / 100, self.cash)
        quantity = int((value / fill).to_integral_value(ROUND_FLOOR))
        while quantity > 0 and quantity * fill + self.commission(quantity * fill) > self.cash:
            quantity -= 1
        if quantity < 1:
            return refuse("INSUFFICIENT_CASH")
        if self.s.volume_share is not None and bar.volume is not None:
            while quantity > self.s.volume_share * bar.volume:
                quantity -= 1
        if quantity < 1:
            return refuse("LIQUIDITY")
        fee = self.commission(quantity * fill)
        self.cash -= quantity * fill + fee
        assert self.cash >= 0
        trade = {"symbol": symbol, "signal": signal_date, "date": bar.date, "qty": quantity, "price": fill, "fee": fee}
        self.trades.append(trade)
        self.held[symbol] = trade | {"highest": Decimal(0), "trade": trade, "absent": 0}
        return None

    def sell(self, symbol, date, price, reason):
        """Sell a position at a price less slippage."""
        position = self.held.pop(symbol)
        fill = (price * (1 - self.s.slippage_pct / 100)).quantize(MICRO, ROUND_HALF_EVEN)
        fee = self.commission(position["qty"] * fill)
        self.cash += position["qty"] * fill - fee
        pnl = position["qty"] * (fill - position["price"]) - fee - position["fee"]
        position["trade"].update(exit_date=date, exit_price=fill, exit_fee=fee, reason=reason, pnl=pnl)


def replay(world, settings):
    """Replay a world.

    Args:
        world: bars by symbol.
        settings: how to trade.

    Returns:
        (trades as dicts in order of their entries, [(date, equity at its close)]).
    """
    account, equity = run(world, settings)
    return account.trades, equity


def run(world, settings):
    """Replay a world; returns the account at the end, and [(date, equity at its close)]."""
    score_of, exit_of = STRATEGIES[settings.strategy]
    # good bars, in order, of the symbols that are members during the run, up to the end of their last membership
    spans = {symbol: settings.spans.get(symbol, [(dt.date.min, dt.date.max)]) for symbol in world}
    bars = {}
    for symbol, rows in world.items():
        last = min(settings.end, max(end for _, end in spans[symbol]))
        good = sorted((bar for bar in rows if bar.good() and bar.date <= last), key=lambda bar: bar.date)
        if spans[symbol] and any(a <= settings.end and b >= settings.start for a, b in spans[symbol]):
            bars[symbol] = good
    # trading days are the dates of bars; a symbol is traded only at bars inside a membership, the others are history
    dates = sorted({bar.date for rows in bars.values() for bar in rows if bar.date >= settings.start})
    tradable = {date: [] for date in dates}  # (symbol, index of its bar)
    members, outside = {}, set()
    for symbol, rows in bars.items():
        members[symbol] = []
        for index, bar in enumerate(rows):
            if any(a <= bar.date <= b for a, b in spans[symbol]):
                members[symbol].append(bar)
                tradable.get(bar.date, []).append((symbol, index))
            else:
                outside.add((symbol, bar.date))
    account, orders, due, equity = Account(settings), [], {}, []
    for date in dates:
        today = {s: (i, bars[s][i]) for s, i in tradable[date]}
        # the open: sales, then orders of earlier closes whose symbol trades again
        if not settings.same_close:
            for symbol in [s for s in due if s in today and today[s][1].fills()]:
                account.sell(symbol, date, today[symbol][1].open, due.pop(symbol))
        orders = [order for order in orders if (order["symbol"], date) not in outside]
        for order in [o for o in orders if o["symbol"] in today]:
            orders.remove(order)
            bar = today[order["symbol"]][1]
            account.buy(order["symbol"], order["date"], bar, bar.open)
        # the close: exits of open positions, then the day's signals in order of score and symbol
        at_close = set(account.held)
        for symbol in [s for s in account.held if s in today]:
            position, bar = account.held[symbol], today[symbol][1]
            position["highest"] = max(position["highest"], bar.close)
            if symbol not in due and (reason := exit_of(position, bar.close, date)):
                due[symbol] = reason
            if settings.same_close and symbol in due and bar.fills():
                account.sell(symbol, date, bar.close, due.pop(symbol))
        signals = []
        for symbol, (index, _) in today.items():
            score = score_of(bars[symbol][max(0, index - 20) : index + 1])
            if score is not None and symbol not in at_close:
                signals.append((-score, symbol))
        for _, symbol in sorted(signals):
            if settings.same_close:
                account.buy(symbol, date, today[symbol][1], today[symbol][1].close)
                if symbol in account.held:
                    account.held[symbol]["highest"] = today[symbol][1].close
            else:
                orders.append({"symbol": symbol, "date": date})
        # a trading day (any symbol has a bar) that a held symbol misses: after so many in a row it is sold for want of bars
        for symbol in list(account.held) if today else []:
            position = account.held[symbol]
            position["absent"] = 0 if symbol in today else position["absent"] + 1
            if position["absent"] == settings.missing_days:
                due.pop(symbol, None)
                account.sell(symbol, date, last_close(members[symbol], date), "no_bars")
        # equity: a position is valued at its symbol's last close
        value = sum(position["qty"] * last_close(members[symbol], date) for symbol, position in account.held.items())
        equity.append((date, account.cash + value))
    # the end of the run: sell what is left at its last close
    for symbol in list(account.held):
        final = members[symbol][-1]
        account.sell(symbol, final.date, final.close, "backtest_end")
    if equity:
        equity[-1] = (equity[-1][0], account.cash)
    return account, equity


def last_close(rows, date):
    """Return the last close up to a date."""
    return next(bar.close for bar in reversed(rows) if bar.date <= date)
