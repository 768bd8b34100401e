"""The journal of an account of shares: a fill and its commission, dated by the exchange's clock."""

from __future__ import annotations

from tradewinds.core.units import MICRO
from tradewinds.engine.journal import Journal, JournalWriter, Kind
from tradewinds.engine.shares.bars import TradingDays


class ShareBooks:
    """Writes the rows of an account.

    Args:
        market: the trading days, whose clock dates the rows.
        kept: whether rows are written; a sweep does without.
    """

    def __init__(self, market: TradingDays, *, kept: bool) -> None:
        self.market = market
        self._writer = JournalWriter() if kept else None

    def fill(
        self, number: int, day: int, symbol: int, quantity: int, price: int, fee: int, reason: str, *, at_close: bool
    ) -> None:
        """Write a fill and its commission.

        Args:
            number: of the position.
            day: days since 1970-01-01.
            symbol: its index in Bars.
            quantity: shares; below 0: a sale.
            price: micro-units.
            fee: micro-units.
            reason: of the fill.
            at_close: whether it is dated at the close of its day, else at the open.
        """
        if self._writer is None:
            return
        clock = self.market.clock
        ts = clock.close_ts(day) if at_close else clock.open_ts(day)
        name = self.market.bars.symbols[symbol]
        self._writer.add(
            Kind.FILL,
            ts=ts,
            instrument=name,
            position_id=number,
            quantity=quantity * MICRO,
            price=price,
            cash_change=-quantity * price,
            reason=reason,
        )
        if fee:
            self._writer.add(Kind.FEE, ts=ts, instrument=name, position_id=number, cash_change=-fee, reason=reason)

    def journal(self) -> Journal | None:
        """Return the rows; None if none are kept."""
        return None if self._writer is None else self._writer.journal()
