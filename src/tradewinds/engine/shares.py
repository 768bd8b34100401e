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
import numpy.typing as npt

from tradewinds.store import MICRO

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

CENT = MICRO // 100

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

    @property
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

    def reason(self, close: int, entry: int, peak: int, days: int) -> str | None:
        """Why a position is sold at a close, or None."""
        if self.profit_target and close * self.profit_target.denominator >= entry * self.profit_target.numerator:
            return PROFIT_TARGET
        if self.stop_loss and close * self.stop_loss.denominator <= entry * self.stop_loss.numerator:
            return STOP_LOSS
        if self.trailing_stop and close * self.trailing_stop.denominator <= peak * self.trailing_stop.numerator:
            return TRAILING_STOP
        if self.max_days is not None and days >= self.max_days:
            return TIME_STOP
        return None


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
    def _factors(self) -> tuple[Fraction, Fraction, Fraction, int]:
        """Of a buy's and a sale's price; cents of commission per micro-unit; micro-units of an order."""
        order = scaled_down(self.start_micro, self.position_share)
        return 1 + self.slippage, 1 - self.slippage, self.commission / CENT, order

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


def scaled(amount: int, by: Fraction) -> int:
    """An amount times a fraction, rounded half to even."""
    whole, rest = divmod(amount * by.numerator, by.denominator)
    double = 2 * rest
    return whole + (double > by.denominator or (double == by.denominator and whole % 2 == 1))


def scaled_down(amount: int, by: Fraction) -> int:
    """An amount times a fraction, rounded down."""
    return amount * by.numerator // by.denominator


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
    """An open position: its symbol's latest bar, the highest close since the entry, and why it is to be sold ("" if not)."""

    number: int
    symbol: int
    signal_row: int
    entry_row: int
    quantity: int
    entry_price: int
    entry_fee: int
    row: int
    peak: int = 0
    due: str = ""


@dataclass
class _Columns:
    """Bars as lists: reading one number of an array takes ten times as long."""

    day: list[int]
    open: list[int]
    close: list[int]
    stop: list[int]  # row after a symbol's last one

    @classmethod
    def of(cls, bars: Bars) -> _Columns:
        return cls(bars.day.tolist(), bars.open.tolist(), bars.close.tolist(), bars.offsets[1:].tolist())


class Market:
    """Bars made ready for any number of passes over the same days."""

    def __init__(self, bars: Bars, first_day: int, last_day: int) -> None:
        self.bars, self.columns = bars, _Columns.of(bars)
        self.owner: list[int] = bars.owner.tolist()
        days = np.unique(bars.day)
        self.days: list[int] = days[(days >= first_day) & (days <= last_day)].tolist()
        self.within = (bars.day >= first_day) & (bars.day <= last_day)

    def candidates(self, scores: Floats) -> dict[int, list[int]]:
        """Rows with a signal inside the run, per day, the highest score first, then by symbol."""
        rows = np.flatnonzero(self.within & ~np.isnan(scores))
        order = np.lexsort((self.bars.owner[rows], -scores[rows], self.bars.day[rows]))
        found: dict[int, list[int]] = defaultdict(list)
        for row in rows[order].tolist():
            found[self.columns.day[row]].append(row)
        return found


class Ledger:
    """One pass over the days of a market; `run` it once."""

    def __init__(self, market: Market, rules: ShareRules) -> None:
        self.market, self.rules, self.columns = market, rules, market.columns
        self.last_day = market.days[-1] if market.days else 0
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
            self._close(day, candidates.get(day, []))
            self._note(day)
        self._end()
        trades = [trade for _, trade in sorted(self.trades)]
        refusals = Counter(answer.reason for answer in self.answered if answer.reason)
        return ShareResult(trades, self.worth, self.answered, refusals)

    def _open(self, day: int) -> None:
        """Orders that fill at this day's open: sales, then buys in order of their signals."""
        for position in self.sales.pop(day, ()):
            self._sell(position, position.row + 1, self.columns.open[position.row + 1], position.due)
        for row in self.buys.pop(day, ()):
            self._buy(row, row + 1, self.columns.open[row + 1])

    def _close(self, day: int, candidates: Sequence[int]) -> None:
        """Judge what is held and the day's signals. ASSUME: a symbol held at a close is not bought by that close's signal,
        though its position may be sold at once."""
        held = set(self.held)
        for position in list(self.held.values()):
            if self._next_day(position.row) == day:
                position.row += 1
            if self.columns.day[position.row] == day:
                self._judge(position, day)
        for row in candidates:
            if self.market.owner[row] in held:
                self._refuse(row, ALREADY_HELD)
            elif self.rules.same_close:
                self._buy(row, row, self.columns.close[row])
            else:
                self._order(row)

    def _judge(self, position: _Position, day: int) -> None:
        close = self.columns.close[position.row]
        position.peak = max(position.peak, close)
        days = day - self.columns.day[position.entry_row]
        reason = self.rules.exits.reason(close, position.entry_price, position.peak, days)
        if reason and self.rules.same_close:
            self._sell(position, position.row, close, reason)
        elif reason and (fills := self._next_day(position.row)) is not None:
            position.due = reason
            self.sales[fills].append(position)

    def _next_day(self, row: int) -> int | None:
        """The day of the symbol's next bar inside the run: when an order of today fills, not what it will fill at."""
        following = row + 1
        inside = following < self.columns.stop[self.market.owner[row]]
        return day if inside and (day := self.columns.day[following]) <= self.last_day else None

    def _order(self, row: int) -> None:
        fills = self._next_day(row)
        if fills is None:
            self._refuse(row, NO_NEXT_BAR)
        else:
            self.buys[fills].append(row)

    def _buy(self, signal_row: int, row: int, price: int) -> None:
        if len(self.held) >= self.rules.max_positions:
            self._refuse(signal_row, MAX_POSITIONS)
            return
        fill = self.rules.buy_price(price)
        quantity = self.rules.affordable(fill, self.cash)
        if quantity < 1:
            self._refuse(signal_row, NO_CASH)
            return
        symbol, fee = self.market.owner[row], self.rules.fee(quantity * fill)
        self.cash -= quantity * fill + fee
        peak = self.columns.close[row] if self.rules.same_close else 0
        self.held[symbol] = _Position(self.entered, symbol, signal_row, row, quantity, fill, fee, row, peak)
        self.entered += 1
        self.answered.append(Answered(signal_row, "", quantity, fill))

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

    def _note(self, day: int) -> None:
        """A symbol without a bar today is worth its last close."""
        value = sum(position.quantity * self.columns.close[position.row] for position in self.held.values())
        self.worth.append(DayWorth(day, self.cash, value, len(self.held)))

    def _end(self) -> None:
        """Sell what is left at its last close; the last point of the curve includes it."""
        for position in list(self.held.values()):
            self._sell(position, position.row, self.columns.close[position.row], BACKTEST_END)
        if self.worth:
            self.worth[-1] = DayWorth(self.last_day, self.cash, 0, 0)
