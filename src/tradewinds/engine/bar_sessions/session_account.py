"""The account of a strategy that is called at every minute: cash, positions, buying power, governance, and the rows of both.

It keeps the rules of the compiled pass (pass.h, entries.h, holding.h): what an exit frees inside a minute is usable from the
next minute on, and governance counts the trades that were closed at or before a bar's start.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tradewinds.core.arrays import Ints
from tradewinds.core.errors import SimulationError
from tradewinds.engine.bar_sessions.minute_bars import UNKNOWN_VOLUME, MinuteBars
from tradewinds.engine.bar_sessions.orb_rules import FINE, OFF, OrbRules
from tradewinds.engine.bar_sessions.session_orders import SessionOrder
from tradewinds.engine.bar_sessions.session_result import ENTRY, EXITS
from tradewinds.engine.bar_sessions.step_rules import MOST, affordable, commission, sized, slipped

STOP, SALE, RESTING_SALE, STOP_SALE, SESSION_END = map(
    EXITS.index, ("stop", "sale", "resting_sale", "stop_sale", "session_end")
)
_NOT_SLIPPED = frozenset((RESTING_SALE,))


@dataclass(slots=True)
class SessionPosition:
    """An open position.

    Attributes:
        trade: its number, in order of entries.
        symbol: index of the symbol.
        d: 1 long, -1 short.
        raw: price of the entry before slippage; micro-units.
        fill: price of the entry; micro-units.
        stop: micro-units; None: it has none.
        risk: R of one share; micro-units, 0 without a stop.
        shares: entered.
        left: still held.
        entry_ts: Unix s.
        best: best price of the bars held; micro-units.
        worst: worst price of the bars held; micro-units.
        pnl: after costs so far; micro-units.
        gross: from raw prices so far; micro-units.
        taken: whether a part has left.
    """

    trade: int
    symbol: int
    d: int
    raw: int
    fill: int
    stop: int | None
    risk: int
    shares: int
    left: int
    entry_ts: int
    best: int
    worst: int
    pnl: int
    gross: int = 0
    taken: bool = False

    def widen(self, high: int, low: int) -> None:
        """Count the prices of a bar among those of the bars held.

        Args:
            high: micro-units.
            low: micro-units.
        """
        if self.d > 0:
            self.best, self.worst = max(self.best, high), min(self.worst, low)
        else:
            self.best, self.worst = min(self.best, low), max(self.worst, high)


@dataclass(slots=True)
class _Governor:
    """What governance has counted in a session.

    Attributes:
        signals: entries.
        losses: full stops in a row.
        locked: whether there were too many.
        r: sum of R of the closed trades that have one.
    """

    signals: int = 0
    losses: int = 0
    locked: bool = False
    r: Fraction = Fraction(0)


class SessionAccount:
    """Cash and positions of one pass.

    Args:
        bars: of all symbols.
        rules: of the run.
        cutoff_ts: by session, the instant from which nothing is entered; Unix s.

    Attributes:
        cash: by account; micro-units.
        held: open positions by symbol.
        held_before: symbols that were held at the start of the minute, or entered in it.
        trade_rows: columns of session_result.TRADE_COLUMNS.
        leg_rows: columns of session_result.LEG_COLUMNS.
    """

    def __init__(self, bars: MinuteBars, rules: OrbRules, cutoff_ts: Ints) -> None:
        self.bars, self.rules, self._of = bars, rules, rules.sessions
        symbols = len(bars.symbols)
        self._account_of = list(range(symbols)) if self._of.account_each else [0] * symbols
        self._governor_of = [0] * symbols if self._of.governed_together else list(range(symbols))
        self._cutoff, self._flatten = cutoff_ts.tolist(), None
        if rules.flatten_minutes:
            self._flatten = (bars.close_ts - 60 * rules.flatten_minutes).tolist()
        self._volume = bars.volume.data
        self.cash = [rules.start_micro] * (symbols if self._of.account_each else 1)
        self.held: dict[int, SessionPosition] = {}
        self.held_before: set[int] = set()
        self.trade_rows: list[list[int]] = []
        self.leg_rows: list[tuple[int, ...]] = []
        self.session = 0
        self._positions = 0
        self._used: list[int] = []
        self._equity: list[int] = []
        self._releases: list[tuple[int, int, bool]] = []  # account, buying power, whether the position is closed
        self._closings: list[
            tuple[int, int, int, int, int, bool]
        ] = []  # ts, symbol, pnl, risk x shares, gross, full stop
        self._governors: list[_Governor] = []

    # ---- the clock ----

    def open_session(self, session: int) -> None:
        """Begin a session, in which nothing is held yet.

        Args:
            session: its index.
        """
        self.session, self._positions = session, 0
        self._used, self._equity = [0] * len(self.cash), list(self.cash)
        self._governors = [_Governor() for _ in self.bars.symbols]
        self._releases, self._closings = [], []

    def begin_minute(self) -> None:
        """Free what exits of earlier minutes have left."""
        for account, amount, closed in self._releases:
            self._used[account] -= amount
            self._positions -= closed
        self._releases = []
        self.held_before = set(self.held)

    def count_closings(self, ts: int) -> None:
        """Let governance count the trades that were closed up to the start of a bar, by time and symbol.

        Args:
            ts: Unix s.
        """
        if not self._closings:
            return
        self._closings.sort(key=lambda closing: closing[:2])
        later = []
        for closing in self._closings:
            end_ts, symbol, pnl, base, gross, full_stop = closing
            if end_ts > ts:
                later.append(closing)
                continue
            governor = self._governors[self._governor_of[symbol]]
            governor.losses = governor.losses + 1 if full_stop else 0 if gross > 0 else governor.losses
            governor.locked |= self._of.lockout != OFF and governor.losses >= self._of.lockout
            if base:
                governor.r += Fraction(pnl, base)
        self._closings = later

    def flattens(self, ts: int) -> bool:
        """Whether positions leave before the close, and a bar begins in the minutes in which they do.

        Args:
            ts: start of the bar; Unix s.
        """
        return self._flatten is not None and ts >= self._flatten[self.session]

    # ---- entries ----

    def enter(self, order: SessionOrder, row: int, raw: int, ts: int, fill_ts: int) -> str:
        """Open the position of an order, if all that is checked allows it.

        Args:
            order: to enter.
            row: the bar.
            raw: price before slippage; micro-units.
            ts: start of the bar; Unix s.
            fill_ts: when the fill is known; Unix s.

        Returns:
            Why it is refused; "" if it is not.

        Raises:
            SimulationError: the position would be too large for exact amounts.
        """
        of, d, symbol = self._of, order.direction, order.symbol
        if reason := self._governed(symbol, ts):
            return reason
        fill = raw if order.limit is not None else slipped(of, raw, d)
        risk = 0 if order.stop is None else d * (raw - order.stop)
        if order.stop is not None and risk < of.min_risk:
            return "BAD_STOP"
        if of.max_positions != OFF and self._positions >= of.max_positions:
            return "MAX_POSITIONS"
        account = self._account_of[symbol]
        wanted = self._wanted(order, risk, fill, self._equity[account])
        shares = affordable(of, wanted, self._equity[account], self._used[account], fill)
        if shares <= 0:
            return "SIZE_ZERO"
        traded = self._volume[row]
        if of.max_volume_share != OFF and traded != UNKNOWN_VOLUME:
            shares = min(shares, of.max_volume_share * traded // FINE)
        if shares <= 0:
            return "LIQUIDITY"
        if shares * (fill + risk) >= MOST:
            raise too_large()
        self._open(order, shares, raw, fill, risk, ts, fill_ts)
        return ""

    def _governed(self, symbol: int, ts: int) -> str:
        """Return why governance refuses an entry at a bar that starts now; "" if it does not."""
        governor = self._governors[self._governor_of[symbol]]
        if ts >= self._cutoff[self.session]:
            return "TIME_CUTOFF"
        if self.flattens(ts):
            return "SESSION_END"
        if self._of.max_signals != OFF and governor.signals >= self._of.max_signals:
            return "MAX_SIGNALS"
        if governor.locked:
            return "LOCKOUT"
        limit = self.rules.max_loss_r
        return "DAILY_LOSS" if limit is not None and governor.r <= -limit else ""

    def _wanted(self, order: SessionOrder, risk: int, fill: int, equity: int) -> int:
        """Return the shares that an order asks for."""
        if order.shares is not None:
            return order.shares
        return sized(self._of, equity, risk) if order.value is None else order.value // fill

    def _open(self, order: SessionOrder, shares: int, raw: int, fill: int, risk: int, ts: int, fill_ts: int) -> None:
        """Open a position: its row, its first leg, and what it uses."""
        d, symbol, trade = order.direction, order.symbol, len(self.trade_rows)
        account, fee = self._account_of[symbol], commission(self._of, shares)
        self.held[symbol] = SessionPosition(
            trade=trade,
            symbol=symbol,
            d=d,
            raw=raw,
            fill=fill,
            stop=order.stop,
            risk=risk,
            shares=shares,
            left=shares,
            entry_ts=fill_ts,
            best=raw,
            worst=raw,
            pnl=-fee,
        )
        self.held_before.add(symbol)
        self.cash[account] -= d * fill * shares + fee
        self._used[account] += fill * shares
        self._positions += 1
        self._governors[self._governor_of[symbol]].signals += 1
        stop = order.stop or 0
        # in the order of TRADE_COLUMNS; the exit is filled in by `leave`
        self.trade_rows.append(
            [symbol, self.session, d, ts, fill_ts, raw, fill, stop, risk, shares, 0, fee, *[0] * 6, 0, 0, 0]
        )
        self.leg_rows.append((trade, fill_ts, d * shares, raw, fill, fee, ENTRY))

    # ---- exits ----

    def leave(self, position: SessionPosition, shares: int, raw: int, ts: int, reason: int) -> int:
        """Close a position or a part of it.

        Args:
            position: held.
            shares: not more than are left.
            raw: price before slippage; micro-units.
            ts: when the fill is known; Unix s.
            reason: index into EXITS.

        Returns:
            The price of the fill; micro-units.
        """
        d, symbol = position.d, position.symbol
        fill = raw if reason in _NOT_SLIPPED else slipped(self._of, raw, -d)
        fee, account = commission(self._of, shares), self._account_of[symbol]
        position.left -= shares
        position.pnl += d * (fill - position.fill) * shares - fee
        position.gross += d * (raw - position.raw) * shares
        self.cash[account] += d * fill * shares - fee
        self.leg_rows.append((position.trade, ts, -d * shares, raw, fill, fee, reason))
        self._releases.append((account, position.fill * shares, position.left == 0))
        if position.left:
            position.taken = True
            return fill
        row = self.trade_rows[position.trade]
        row[12:18] = reason, ts, position.best, position.worst, position.pnl, position.gross
        del self.held[symbol]
        full_stop = reason == STOP and not position.taken and position.gross < 0
        base = position.risk * position.shares
        self._closings.append((ts, symbol, position.pnl, base, position.gross, full_stop))
        return fill


def too_large() -> SimulationError:
    """Return the error for a position that is worth more than exact amounts hold."""
    what = "a position would be worth more than 288 billion, which exact amounts cannot hold."
    return SimulationError(what, where="risk", remedy="Set risk.max_notional_usd or fewer risk.fixed_shares.")
