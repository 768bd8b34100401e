"""The ledger of shares: one chronological pass over trading days, all positions in one cash account.

Long only, whole shares, one position per symbol. Money is integer micro-units of the account's currency; costs are exact
fractions. The pass sees a bar only when its day has come: a signal at the close of day d is made from bars up to d, an order
fills at the symbol's next open (or at that close), exits come before entries.

ASSUME: a fill's price is rounded half to even to a micro-unit, the precision of stored prices, so that price, quantity and
commission give cost and proceeds exactly.
"""

from __future__ import annotations

import bisect
import functools
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Flags, Floats, Ints
from tradewinds.core.units import CENT, NEVER, Ratio, scaled, scaled_down

PROFIT_TARGET, STOP_LOSS, TRAILING_STOP = "profit_target", "stop_loss", "trailing_stop"
TIME_STOP, BACKTEST_END = "time_stop", "backtest_end"

ALREADY_HELD = "ALREADY_HELD"
NO_NEXT_BAR = "NO_NEXT_BAR"
MAX_POSITIONS = "MAX_POSITIONS"
NO_CASH = "INSUFFICIENT_CASH"


@dataclass(frozen=True)
class Bars:
    """Daily bars of all symbols, one symbol after the other, each in order of its days.

    Symbol i has the rows `offsets[i]` to `offsets[i + 1]`. Days count from 1970-01-01, prices are micro-units.
    """

    symbols: tuple[str, ...]
    offsets: Ints
    day: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints

    def rows(self, symbol: int) -> slice:
        """Where a symbol's bars are."""
        return slice(int(self.offsets[symbol]), int(self.offsets[symbol + 1]))

    @functools.cached_property
    def owner(self) -> Ints:
        """The symbol of every row."""
        return np.repeat(np.arange(len(self.symbols)), np.diff(self.offsets))


@dataclass(frozen=True)
class Exits:
    """When a position is sold, judged on closes after its entry, the first that holds in this order; None never holds.

    `profit_target` and `stop_loss` are multiples of the entry fill (1.02, 0.95), `trailing_stop` one of the highest close
    since the entry, `max_days` calendar days since the entry.
    """

    profit_target: Fraction | None = None
    stop_loss: Fraction | None = None
    trailing_stop: Fraction | None = None
    max_days: int | None = None

    def levels(self, entry: int) -> tuple[int, int]:
        """Of a position entered at a price: the least close that meets the profit target, the highest that is a stop loss."""
        target = NEVER if self.profit_target is None else -scaled_down(-entry, self.profit_target)
        return target, -1 if self.stop_loss is None else scaled_down(entry, self.stop_loss)

    def trail(self, peak: int) -> int:
        """The highest close that is a trailing stop, after a highest close since the entry."""
        return -1 if self.trailing_stop is None else scaled_down(peak, self.trailing_stop)


@dataclass(frozen=True)
class ShareRules:
    """What a run does at its signals.

    Args:
        exits: see there; start_micro: cash at the start; position_share: value of an order as a share of it.
        max_positions: positions held at once; commission, slippage: shares of the traded value and of the price.
        min_commission_micro: least commission of an order; same_close: fill at the close that made the signal.
    """

    exits: Exits
    start_micro: int
    position_share: Fraction
    max_positions: int
    commission: Fraction
    slippage: Fraction
    min_commission_micro: int = 0
    same_close: bool = False

    @functools.cached_property
    def _factors(self) -> tuple[Ratio, Ratio, Ratio, int]:
        """Of a buy's and a sale's price; cents of commission per micro-unit; micro-units of an order."""
        buy, sell, cents = (
            by.as_integer_ratio() for by in (1 + self.slippage, 1 - self.slippage, self.commission / CENT)
        )
        return buy, sell, cents, scaled_down(self.start_micro, self.position_share)

    def buy_price(self, price: int) -> int:
        """The fill of a buy at a bar's price."""
        return scaled(price, self._factors[0])

    def sell_price(self, price: int) -> int:
        """The fill of a sale at a bar's price."""
        return scaled(price, self._factors[1])

    def fee(self, value: int) -> int:
        """The commission on a traded value, rounded half to even to the cent; never below the least one."""
        return max(scaled(value, self._factors[2]) * CENT, self.min_commission_micro)

    def affordable(self, price: int, cash: int) -> int:
        """Shares that an order buys at a fill price: its value over the price, and no more than cash pays with commission."""

        def cost(quantity: int) -> int:
            return quantity * price + self.fee(quantity * price)

        wanted = min(self._factors[3], cash) // price
        if wanted < 1 or cost(wanted) <= cash:
            return max(wanted, 0)
        if cost(wanted - 1) <= cash:  # the commission of one share less pays for all others', nearly always
            return wanted - 1
        return max(bisect.bisect_right(range(wanted), cash, key=cost) - 1, 0)


class ShareTrade(NamedTuple):
    """A position from its entry to its exit. Rows are places in Bars; money in micro-units.

    `signal_row` made the order, `entry_row` filled it, `exit_row` sold it.
    """

    symbol: int
    signal_row: int
    entry_row: int
    exit_row: int
    quantity: int
    entry_price: int
    entry_fee: int
    exit_price: int
    exit_fee: int
    exit_reason: str

    @property
    def cost(self) -> int:
        """What the entry took from cash."""
        return self.quantity * self.entry_price + self.entry_fee

    @property
    def proceeds(self) -> int:
        """What the exit brought, after its commission."""
        return self.quantity * self.exit_price - self.exit_fee

    @property
    def pnl(self) -> int:
        """Proceeds less cost, both commissions included."""
        return self.proceeds - self.cost


class DayWorth(NamedTuple):
    """The account at the close of a trading day: cash, value of the shares held at their last close, positions held."""

    day: int
    cash: int
    open_value: int
    positions: int


class Answered(NamedTuple):
    """What became of an entry signal: why no order of it was filled ("" if one was), and the quantity and price of its fill."""

    row: int
    reason: str
    quantity: int
    price: int


@dataclass
class ShareResult:
    """A run of the ledger; trades in order of their entries, `worth` one row per trading day."""

    trades: list[ShareTrade]
    worth: list[DayWorth]
    answered: list[Answered]
    refusals: Counter[str]


@dataclass(slots=True)
class _Position:
    """An open position.

    `row` is its symbol's latest closed tradable bar, `next_day` the day of the one after it, `value` what it is worth at that
    close. It is sold at a close of `target` or more, of `stop` or `trail` or less, or on the day `until`; `due` says why it
    will be.
    """

    number: int
    symbol: int
    signal_row: int
    entry_row: int
    quantity: int
    entry_price: int
    entry_fee: int
    row: int
    next_day: int
    target: int
    stop: int
    until: int
    value: int = 0
    peak: int = 0
    trail: int = -1
    due: str = ""


class Market:
    """Bars made ready for any number of passes over the same days.

    `tradable` says at which bars inside the run a symbol may be bought and sold (None: all); the others are history. `day`,
    `open`, `close`, `owner` are those of the bars; `next_row` and `next_day` those of the symbol's next tradable bar, or NEVER:
    when an order of a bar fills, not what it will fill at. They are views, for a pass reads single numbers: of an array that
    takes three times as long, and making lists of all bars takes longer than the pass.
    """

    def __init__(self, bars: Bars, first_day: int, last_day: int, tradable: Flags | None = None) -> None:
        within = (bars.day >= first_day) & (bars.day <= last_day)
        self.bars, self.tradable = bars, within if tradable is None else within & tradable
        self.days: list[int] = distinct(bars.day[within])
        next_row, next_day = np.full((2, len(bars.day)), NEVER)
        rows = np.flatnonzero(self.tradable)
        same_symbol = np.diff(bars.owner[rows]) == 0
        next_row[rows[:-1][same_symbol]] = rows[1:][same_symbol]
        next_day[rows[:-1][same_symbol]] = bars.day[rows[1:][same_symbol]]
        columns = (bars.day, bars.open, bars.close, bars.owner, next_row, next_day)
        self.day, self.open, self.close, self.owner, self.next_row, self.next_day = (column.data for column in columns)

    def candidates(self, scores: Floats) -> dict[int, list[int]]:
        """Tradable rows with a signal, per day, the highest score first, then by symbol."""
        rows = np.flatnonzero(self.tradable & ~np.isnan(scores))
        rows = rows[np.lexsort((self.bars.owner[rows], -scores[rows], self.bars.day[rows]))]
        found: dict[int, list[int]] = defaultdict(list)
        for day, row in zip(self.bars.day[rows].tolist(), rows.tolist(), strict=True):
            found[day].append(row)
        return found


def distinct(days: Ints) -> list[int]:
    """The days that there are, in order."""
    first = int(days.min()) if len(days) else 0
    found: list[int] = (np.flatnonzero(np.bincount(days - first)) + first).tolist()
    return found


class Ledger:
    """One pass over the days of a market; `run` it once."""

    def __init__(self, market: Market, rules: ShareRules) -> None:
        self.market, self.rules = market, rules
        self.cash = rules.start_micro
        self.held: dict[int, _Position] = {}
        self.buys: dict[int, list[int]] = defaultdict(list)  # rows of signals, by the day on which their order fills
        self.sales: dict[int, list[_Position]] = defaultdict(list)
        self.entered = 0
        self.trades: list[tuple[int, ShareTrade]] = []
        self.worth: list[DayWorth] = []
        self.answered: list[Answered] = []

    def run(self, scores: Floats) -> ShareResult:
        """Go through all days. `scores` has a number per row: NaN no signal, else the order among those of one day."""
        candidates = self.market.candidates(scores)
        for day in self.market.days:
            self._open(day)
            self._close(day, candidates.get(day, ()))
            value = sum([position.value for position in self.held.values()])
            self.worth.append(DayWorth(day, self.cash, value, len(self.held)))
        self._end()
        trades = [trade for _, trade in sorted(self.trades)]
        refusals = Counter(answer.reason for answer in self.answered if answer.reason)
        return ShareResult(trades, self.worth, self.answered, refusals)

    def _open(self, day: int) -> None:
        """Orders that fill at this day's open: sales, then buys in order of their signals."""
        for position in self.sales.pop(day, ()):
            row = self.market.next_row[position.row]
            self._sell(position, row, self.market.open[row], position.due)
        for signal_row in self.buys.pop(day, ()):
            row = self.market.next_row[signal_row]
            self._buy(signal_row, row, self.market.open[row])

    def _close(self, day: int, candidates: Sequence[int]) -> None:
        """Judge what is held and the day's signals. ASSUME: a symbol held at a close is not bought by that close's signal,
        though its position may be sold at once. A symbol without a bar today is judged by none, and worth its last close."""
        held = set(self.held)
        for position in list(self.held.values()):
            if position.next_day == day:
                self._judge(position, day)
        for row in candidates:
            if self.market.owner[row] in held:
                self._refuse(row, ALREADY_HELD)
            elif self.rules.same_close:
                self._buy(row, row, self.market.close[row])
            elif self.market.next_row[row] == row + 1:
                self.buys[self.market.next_day[row]].append(row)
            else:  # none, or one outside every membership
                self._refuse(row, NO_NEXT_BAR)

    def _judge(self, position: _Position, day: int) -> None:
        position.row = self.market.next_row[position.row]
        position.next_day, close = self.market.next_day[position.row], self.market.close[position.row]
        position.value = position.quantity * close
        if close > position.peak:
            position.peak, position.trail = close, self.rules.exits.trail(close)
        if close >= position.target:
            reason = PROFIT_TARGET
        elif close <= position.stop:
            reason = STOP_LOSS
        elif close <= position.trail:
            reason = TRAILING_STOP
        elif day >= position.until:
            reason = TIME_STOP
        else:
            return
        if self.rules.same_close:
            self._sell(position, position.row, close, reason)
        elif position.next_day != NEVER:
            position.due = reason
            self.sales[position.next_day].append(position)

    def _buy(self, signal_row: int, row: int, price: int) -> None:
        if len(self.held) >= self.rules.max_positions:
            self._refuse(signal_row, MAX_POSITIONS)
            return
        fill = self.rules.buy_price(price)
        quantity = self.rules.affordable(fill, self.cash)
        if quantity < 1:
            self._refuse(signal_row, NO_CASH)
            return
        fee = self.rules.fee(quantity * fill)
        self.cash -= quantity * fill + fee
        self._hold(signal_row, row, quantity, fill, fee)
        self.answered.append(Answered(signal_row, "", quantity, fill))

    def _hold(self, signal_row: int, row: int, quantity: int, fill: int, fee: int) -> None:
        symbol, exits = self.market.owner[row], self.rules.exits
        target, stop = exits.levels(fill)
        until = NEVER if exits.max_days is None else self.market.day[row] + exits.max_days
        next_day = self.market.next_day[signal_row]
        bought = (self.entered, symbol, signal_row, row, quantity, fill, fee)
        self.held[symbol] = position = _Position(*bought, signal_row, next_day, target, stop, until)
        self.entered += 1
        if self.rules.same_close:
            close = self.market.close[row]
            position.value, position.peak, position.trail = quantity * close, close, exits.trail(close)

    def _sell(self, position: _Position, row: int, price: int, reason: str) -> None:
        p, fill = position, self.rules.sell_price(price)
        fee = self.rules.fee(p.quantity * fill)
        trade = ShareTrade(
            p.symbol, p.signal_row, p.entry_row, row, p.quantity, p.entry_price, p.entry_fee, fill, fee, reason
        )
        self.cash += trade.proceeds
        self.trades.append((p.number, trade))
        del self.held[p.symbol]

    def _refuse(self, row: int, reason: str) -> None:
        self.answered.append(Answered(row, reason, 0, 0))

    def _end(self) -> None:
        """Sell what is left at its last close; the last point of the curve includes it."""
        for position in list(self.held.values()):
            self._sell(position, position.row, self.market.close[position.row], BACKTEST_END)
        if self.worth:
            self.worth[-1] = DayWorth(self.market.days[-1], self.cash, 0, 0)
