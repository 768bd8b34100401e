"""Results of a run: plain tables from which metrics, artifacts, report and database are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tradewinds.core.arrays import Ints
from tradewinds.core.column_rows import ColumnRows
from tradewinds.core.errors import SimulationError
from tradewinds.core.text import money
from tradewinds.engine.equity import Point, check_points
from tradewinds.engine.journal import REMEDY, Journal
from tradewinds.engine.round_trips import RoundTrip
from tradewinds.engine.run_trades import Trades


class Decision(NamedTuple):
    """One fill, or equal refusals.

    In a full audit refusals are equal if they are of one quote, at consecutive decision times. Otherwise all refusals of a
    market, side and reason are one Decision, without quantity and price.

    Attributes:
        ticker: the market.
        first_ts: first decision time; Unix s.
        times: number of decisions; 1 for a fill.
        side: name of the side.
        quantity: contracts or shares; None in a count of refusals.
        price_micro: micro-units; None in a count of refusals.
        filled: whether it is a fill.
        reason: why it was bought, or the limit that refused.
    """

    ticker: str
    first_ts: int
    times: int
    side: str
    quantity: int | None
    price_micro: int | None
    filled: bool
    reason: str


class Summary(NamedTuple):
    """Fills in execution order with their realised P&L, and equity in order of time, as columns.

    Attributes:
        decision_ts: by fill; Unix s.
        quantity: by fill; contracts or shares.
        fee_micro: by fill; micro-units.
        pnl_micro: by fill, after fees; micro-units.
        equity_ts: by point of equity; Unix s.
        equity_micro: by point of equity; micro-units.
        places: decimals of the amounts; 6 for micro-units (Journal.places).
        earns_while_held: trades are paid while they are held; the P&L of a part of the run is then the change of equity in it.
    """

    decision_ts: Ints
    quantity: Ints
    fee_micro: Ints
    pnl_micro: Ints
    equity_ts: Ints
    equity_micro: Ints
    places: int = 6
    earns_while_held: bool = False


class FillRow(NamedTuple):
    """A row of trades.csv of a run that has one per fill, not one per trade; amounts and quantities as the journal counts.

    Attributes:
        series_ticker: where the records come from.
        event_ticker: the position.
        market_ticker: the leg.
        decision_ts: when the fill was decided; Unix s.
        quote_ts: time of its reference price; Unix s.
        side: BUY or SELL.
        quantity: of the fill.
        price: of the fill.
        fee: of the fill.
        reason_code: why it was made.
        settled_result: open or close.
        settled_ts: when it was made; Unix s.
        payout: signed cash of the fill; a sale is above 0.
        pnl: profit that the fill realises.
        more: amounts of the run's further columns (RunResult.fill_columns).
    """

    series_ticker: str
    event_ticker: str
    market_ticker: str
    decision_ts: int
    quote_ts: int
    side: str
    quantity: int
    price: int
    fee: int
    reason_code: str
    settled_result: str
    settled_ts: int
    payout: int
    pnl: int
    more: tuple[int, ...]


@dataclass
class RunResult:
    """A run.

    Attributes:
        start_balance_micro: cash at the start.
        end_balance_micro: the account's own cash at the end.
        journal: the books, from which `trades` are made.
        trades: in order of execution.
        equity: in order of time.
        decisions: fills and refusals.
        diagnostics: counts of metrics.json; at least events_attempted and events_traded, and events_skipped and
            rejections by reason.
        skipped: (event, reason) of what was not replayed.
        watermark: end of the latest candle used, in Unix seconds.
        start_ts: of the first point of equity, in Unix seconds.
        end_ts: of the last one.
        family_metrics: metrics that the market family adds.
        days_per_year: how many daily returns make a year.
        around_the_clock: daily returns are taken at 00:00 UTC; else every point of equity after the first is the close of
            a trading day.
        stays_open: positions may be open at the end.
        fills: rows of trades.csv in order of execution, of a run that has one per fill; None: it has one per trade.
        fill_columns: names of the amounts in `FillRow.more`.
        round_trips: of a run that sells what it holds; None: every trade is one.
    """

    start_balance_micro: int
    end_balance_micro: int
    journal: Journal
    trades: Trades
    equity: list[Point]
    decisions: ColumnRows[Decision]
    diagnostics: dict[str, Any]
    skipped: list[tuple[str, str]]  # (event, reason)
    watermark: int | None
    start_ts: int | None = None
    end_ts: int | None = None
    family_metrics: dict[str, Any] = field(default_factory=dict)
    days_per_year: int = field(kw_only=True)
    around_the_clock: bool = field(kw_only=True)
    stays_open: bool = field(default=False, kw_only=True)
    fills: list[FillRow] | None = field(default=None, kw_only=True)
    fill_columns: tuple[str, ...] = field(default=(), kw_only=True)
    round_trips: list[RoundTrip] | None = field(default=None, kw_only=True)

    @property
    def places(self) -> int:
        """Decimals of all amounts of the run."""
        return self.journal.places

    def check_books(self) -> None:
        """Compare the account's own cash, at the end and at every point of equity, with the books. Done in every run.

        Raises:
            SimulationError: they do not add up.
        """
        self.journal.check(self.start_balance_micro, self.end_balance_micro, stays_open=self.stays_open)
        check_points(self.equity, self.journal, self.start_balance_micro)
        if self.equity and self.equity[-1].cash_micro != self.end_balance_micro:
            raise SimulationError(
                f"the last point of equity has {money(self.equity[-1].cash_micro, self.places)} in cash, the account ended "
                f"with {money(self.end_balance_micro, self.places)}.",
                where="equity",
                remedy=REMEDY,
            )
        self._check_trades()

    def _check_trades(self) -> None:
        """Compare the trades, and the fills if the run has rows of them, with the change of the account's cash; raises as
        check_books."""
        # the trades are made from the books: their sum must come to the same end
        pnl = int(self.trades.pnl_micro.sum())
        if self.start_balance_micro + pnl != self.end_balance_micro:
            raise SimulationError(
                f"{len(self.trades):,} trades made {money(pnl, self.places)}, the account went from "
                f"{money(self.start_balance_micro, self.places)} to {money(self.end_balance_micro, self.places)}.",
                where="trades",
                remedy=REMEDY,
            )
        if self.fills is not None and (found := sum([fill.pnl for fill in self.fills])) != pnl:
            raise SimulationError(
                f"the fills made {money(found, self.places)}, the trades {money(pnl, self.places)}.",
                where="trades",
                remedy=REMEDY,
            )
