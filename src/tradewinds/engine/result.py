"""What a run results in: plain tables that metrics, artifacts, report and database are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from tradewinds.core.arrays import Ints
from tradewinds.engine.equity import Point


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
    """A filled order and its end: settlement, or sale. Money in micro-units, probability in pico, EVs a contract in
    pico-units, Unix s; None where a market has no such thing. `payout_micro` is what came back after `exit_fee_micro`."""

    series_ticker: str
    event_ticker: str
    market_ticker: str
    station_id: str
    decision_ts: int
    quote_ts: int
    side: str  # BUY_YES | BUY_NO | BUY
    qty: int
    entry_price_micro: int
    entry_fee_micro: int
    model_prob_yes_pico: int | None
    ev_gross_pico: int | None
    ev_net_pico: Fraction | None
    reason_code: str
    settled_result: str
    settled_ts: int
    payout_micro: int
    exit_fee_micro: int = 0

    @property
    def pnl_micro(self) -> int:
        """Payout minus cost with fee."""
        return self.payout_micro - self.qty * self.entry_price_micro - self.entry_fee_micro


@dataclass
class RunResult:
    """A run.

    Attributes:
        start_balance_micro: cash at the start.
        end_balance_micro: cash at the end.
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
    """

    start_balance_micro: int
    end_balance_micro: int
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
