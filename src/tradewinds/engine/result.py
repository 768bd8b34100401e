"""What a run results in: plain tables that metrics, artifacts, report and database are made from."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tradewinds.engine.equity import Point
from tradewinds.engine.replay import Decision


@dataclass(frozen=True, slots=True)
class Trade:
    """A filled and settled order. Money in micro-dollars, probability in pico, EVs a contract in pico-dollars, Unix s."""

    series_ticker: str
    event_ticker: str
    market_ticker: str
    station_id: str
    decision_ts: int
    quote_ts: int
    side: str  # BUY_YES | BUY_NO
    qty: int
    entry_price_micro: int
    entry_fee_micro: int
    model_prob_yes_pico: int
    ev_gross_pico: int
    ev_net_pico: Fraction
    reason_code: str
    settled_result: str
    settled_ts: int
    payout_micro: int

    @property
    def pnl_micro(self) -> int:
        """Payout minus cost with fee."""
        return self.payout_micro - self.qty * self.entry_price_micro - self.entry_fee_micro


@dataclass(frozen=True, slots=True)
class Scored:
    """A market of an attempted event with a probability at its as-of time and a yes/no result."""

    event_ticker: str
    market_ticker: str
    p_yes_pico: int
    yes: bool


@dataclass
class RunResult:
    """A run. `equity` is in time order; `diagnostics` are the counts of metrics.json; `watermark` is the latest candle used."""

    start_balance_micro: int
    end_balance_micro: int
    trades: list[Trade]
    equity: list[Point]
    decisions: list[Decision]
    scored: list[Scored]
    diagnostics: dict[str, Any]
    skipped: list[tuple[str, str]]  # (event, reason)
    watermark: int | None
    start_ts: int | None = None
    end_ts: int | None = None
