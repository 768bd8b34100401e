"""What a run results in: plain tables that metrics, artifacts, report and database are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from tradewinds.core.arrays import Ints
from tradewinds.core.errors import SimulationError
from tradewinds.core.text import money
from tradewinds.core.units import MICRO
from tradewinds.engine.equity import Point, check_points
from tradewinds.engine.journal import REMEDY, Journal
from tradewinds.engine.trades import Position


class Decision(NamedTuple):
    """Decisions with the same outcome: a fill (EV_THRESHOLD, one decision), or refusals for a limit's `reason`.

    In a full audit refusals are of one quote, at `times` decision times from `first_ts` on; in a summary they are all of a
    market, side and reason, first made at `first_ts`, and quantity and price are None.
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
    """What became of an account, as columns: its fills in execution order with what each made in the end (micro-dollars,
    Unix seconds), and its worth in order of time."""

    decision_ts: Ints
    quantity: Ints
    fee_micro: Ints
    pnl_micro: Ints
    worth_ts: Ints
    worth_micro: Ints


@dataclass(frozen=True, slots=True)
class Trade:
    """A position with what its market knows of it. Probability in pico, EVs a contract in pico-units, Unix s; None where a
    market has no such thing.

    Quantities and money are those of `position`, which is made from the journal: no market family states them.
    """

    series_ticker: str
    event_ticker: str
    market_ticker: str
    station_id: str
    decision_ts: int
    quote_ts: int
    side: str  # BUY_YES | BUY_NO | BUY
    model_prob_yes_pico: int | None
    ev_gross_pico: int | None
    ev_net_pico: Fraction | None
    reason_code: str
    settled_result: str
    settled_ts: int
    position: Position

    @property
    def qty(self) -> int:
        """Whole contracts or shares of the first leg's entries."""
        return self.position.quantity // MICRO

    @property
    def entry_price_micro(self) -> int:
        """The first leg's mean entry price."""
        return self.position.entry_price

    @property
    def entry_cost_micro(self) -> int:
        """What the entries took from cash, without fees."""
        return -self.position.entry_cash

    @property
    def entry_fee_micro(self) -> int:
        """Fees of the entries."""
        return self.position.entry_fee

    @property
    def exit_fee_micro(self) -> int:
        """Fees of the exits."""
        return self.position.exit_fee

    @property
    def payout_micro(self) -> int:
        """What exits, settlement and flows brought, less the exits' fees."""
        return self.position.exit_cash + self.position.flows - self.position.exit_fee

    @property
    def pnl_micro(self) -> int:
        """The sum of all changes of cash."""
        return self.position.pnl


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
        diagnostics: counts of metrics.json.
        skipped: (event, reason) of what was not replayed.
        watermark: end of the latest candle used, in Unix seconds.
        start_ts: of the first point of equity, in Unix seconds.
        end_ts: of the last one.
        family: metrics that the market family adds.
        days_per_year: how many daily returns make a year.
        around_the_clock: daily returns are taken at 00:00 UTC; else every point of equity after the first is the close of
            a trading day.
        stays_open: positions may be open at the end.
    """

    start_balance_micro: int
    end_balance_micro: int
    journal: Journal
    trades: list[Trade]
    equity: list[Point]
    decisions: list[Decision]
    diagnostics: dict[str, Any]
    skipped: list[tuple[str, str]]  # (event, reason)
    watermark: int | None
    start_ts: int | None = None
    end_ts: int | None = None
    family: dict[str, Any] = field(default_factory=dict)
    days_per_year: int = field(kw_only=True)
    around_the_clock: bool = field(kw_only=True)
    stays_open: bool = field(default=False, kw_only=True)

    def check_books(self) -> None:
        """Compare the account's own cash, at the end and at every point of equity, with the books; every run is.

        Raises:
            SimulationError: they do not add up.
        """
        self.journal.check(self.start_balance_micro, self.end_balance_micro, stays_open=self.stays_open)
        check_points(self.equity, self.journal, self.start_balance_micro)
        if self.equity and self.equity[-1].cash_micro != self.end_balance_micro:
            raise SimulationError(
                f"the last point of equity has {money(self.equity[-1].cash_micro)} in cash, the account ended with "
                f"{money(self.end_balance_micro)}.",
                where="equity",
                remedy=REMEDY,
            )
        made = sum([trade.pnl_micro for trade in self.trades])
        if self.start_balance_micro + made != self.end_balance_micro:
            raise SimulationError(
                f"{len(self.trades):,} trades made {money(made)}, the account went from {money(self.start_balance_micro)} to "
                f"{money(self.end_balance_micro)}.",
                where="trades",
                remedy=REMEDY,
            )
