"""The metrics of a run: pure functions of its trades, equity points and forecasts; nothing is read, written or changed.

Amounts (`*_usd`) come back as exact decimals (averages rounded half-even to a micro-dollar), counts as ints, statistics
as floats rounded to ten decimals. A metric without its denominator is None, never 0, NaN or infinity.
Sources: the exact rules of the market family's specification ("Equity", "Metrics"), and per formula below.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

from tradewinds.results.money import dollars, mean_dollars, statistic
from tradewinds.store import PICO

DAYS_PER_YEAR = 365  # event markets trade every day of the year
CLIP = 1e-6  # a probability of 0 or 1 costs a finite log loss
BINS = 10
DAILY_KINDS = ("start", "midnight", "end")

EquityPoint = tuple[int, int, str]
Forecast = tuple[str, str, int, str]


class Trade(Protocol):
    """What the metrics need of a filled order: whole contracts, micro-dollars, Unix seconds."""

    @property
    def qty(self) -> int: ...  # noqa: D102
    @property
    def fee_micro(self) -> int: ...  # noqa: D102
    @property
    def pnl_micro(self) -> int: ...  # noqa: D102
    @property
    def decision_ts(self) -> int: ...  # noqa: D102
    @property
    def settled_ts(self) -> int: ...  # noqa: D102


def compute(
    trades: Sequence[Trade],
    equity: Sequence[EquityPoint],
    forecasts: Iterable[Forecast],
    start_balance_micro: int,
    end_balance_micro: int,
) -> dict[str, Any]:
    """All metrics of a run, in the order of metrics.json (without diagnostics).

    Args:
        trades: filled and settled orders.
        equity: (Unix s, micro-dollars, kind) in time order; kinds start, midnight, settlement, end.
        forecasts: (event, market, probability in pico, result) of every forecast market of an attempted event.
        start_balance_micro, end_balance_micro: cash before the first and after the last event, micro-dollars.
    """
    drawdown_micro, drawdown_share = max_drawdown([micro for _, micro, _ in equity])
    returns = daily_returns(equity)
    return {
        **_profit(trades, start_balance_micro, end_balance_micro),
        "max_drawdown_usd": dollars(drawdown_micro),
        "max_drawdown_pct": statistic(drawdown_share * 100),
        "sharpe": sharpe(returns),
        "sortino": sortino(returns),
        "exposure_time_avg_minutes": exposure_minutes(trades),
        **scores(forecasts),
    }


def _profit(trades: Sequence[Trade], start_micro: int, end_micro: int) -> dict[str, Any]:
    """What was won and lost. A trade is one filled order.

    ASSUME: a win has pnl > 0, a loss pnl < 0; a trade that breaks even is neither, and counts in the win rate's denominator.
    """
    wins = [trade.pnl_micro for trade in trades if trade.pnl_micro > 0]
    losses = [trade.pnl_micro for trade in trades if trade.pnl_micro < 0]
    pnl = sum(trade.pnl_micro for trade in trades)
    return {
        "start_balance_usd": dollars(start_micro),
        "end_balance_usd": dollars(end_micro),
        "total_pnl_usd": dollars(pnl),
        "total_fees_usd": dollars(sum(trade.fee_micro for trade in trades)),
        "roi_pct": _ratio(100 * pnl, start_micro),
        "num_trades": len(trades),
        "num_contracts": sum(trade.qty for trade in trades),
        "win_rate_pct": _ratio(100 * len(wins), len(trades)),
        "avg_profit_usd": _average_usd(wins),
        "avg_loss_usd": _average_usd(losses),
        "profit_factor": _ratio(sum(wins), -sum(losses)),
    }


def _ratio(numerator: int, denominator: int) -> float | None:
    return statistic(Fraction(numerator, denominator)) if denominator else None


def _average_usd(amounts_micro: Sequence[int]) -> Decimal | None:
    return mean_dollars(sum(amounts_micro), len(amounts_micro)) if amounts_micro else None


def exposure_minutes(trades: Sequence[Trade]) -> float | None:
    """Mean time from decision to settlement, minutes per trade."""
    return _ratio(sum(trade.settled_ts - trade.decision_ts for trade in trades), 60 * len(trades))


def max_drawdown(equity_micro: Sequence[int]) -> tuple[int, Fraction]:
    """Largest fall from the running peak: (micro-dollars, share of the peak it fell from).

    The two may belong to different falls: each is the largest of its kind (Magdon-Ismail & Atiya 2004, "Maximum
    drawdown"). A peak that is not positive has no share.
    """
    peak, fall, share = 0, 0, Fraction(0)
    for index, value in enumerate(equity_micro):
        peak = value if index == 0 else max(peak, value)
        fall = max(fall, peak - value)
        if peak > 0:
            share = max(share, Fraction(peak - value, peak))
    return fall, share


def daily_returns(equity: Sequence[EquityPoint]) -> list[Fraction] | None:
    """Simple returns of the equity between consecutive 00:00Z points, start and end included; exact.

    ASSUME: where several of these points share an instant they are one: the start's balance at the start, else the last.
    None when a return has no denominator (an equity of zero or less before the last point).
    """
    daily: dict[int, int] = {}
    for index, (ts, micro, kind) in enumerate(equity):
        if kind in DAILY_KINDS and not (index and ts == equity[0][0] and kind == "midnight"):
            daily[ts] = micro
    values = list(daily.values())
    if any(value <= 0 for value in values[:-1]):
        return None
    return [Fraction(after - before, before) for before, after in zip(values, values[1:], strict=False)]


def sharpe(returns: Sequence[Fraction] | None) -> float | None:
    """Mean over sample standard deviation (n − 1) of the daily returns, times √365 (Sharpe 1994, no risk-free rate).

    None for fewer than two returns, and when all are equal (judged exactly: rounding makes no volatility).
    """
    if returns is None or len(returns) < 2 or len(set(returns)) == 1:
        return None
    values = [float(value) for value in returns]
    mean = math.fsum(values) / len(values)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
    return statistic(mean / deviation * math.sqrt(DAYS_PER_YEAR))


def sortino(returns: Sequence[Fraction] | None) -> float | None:
    """Mean daily return over the root mean square of the negative ones (over all n), times √365 (Sortino & Price 1994).

    The target return is zero. None for fewer than two returns, and when none is negative.
    """
    if returns is None or len(returns) < 2 or min(returns) >= 0:
        return None
    values = [float(value) for value in returns]
    downside = math.sqrt(math.fsum(min(value, 0.0) ** 2 for value in values) / len(values))
    return statistic(math.fsum(values) / len(values) / downside * math.sqrt(DAYS_PER_YEAR))


def scores(forecasts: Iterable[Forecast]) -> dict[str, Any]:
    """Brier score (Brier 1950, one-sided), log loss (natural log, p clipped to [1e-6, 1 − 1e-6]), calibration bins.

    Markets that settled other than yes or no have no outcome to score against and are left out.
    """
    scored = [(pico, result == "yes") for _, _, pico, result in forecasts if result in ("yes", "no")]
    squares = sum((PICO - pico if won else pico) ** 2 for pico, won in scored)  # an exact integer, pico²
    return {
        "brier": _ratio(squares, PICO**2 * len(scored)),
        "log_loss": statistic(math.fsum(_surprise(*one) for one in scored) / len(scored)) if scored else None,
        "calibration_bins": [_bin(number, scored) for number in range(BINS)],
    }


def _surprise(pico: int, won: bool) -> float:
    p = min(max(pico / PICO, CLIP), 1 - CLIP)
    return -math.log(p if won else 1 - p)


def _bin(number: int, scored: Sequence[tuple[int, bool]]) -> Mapping[str, Any]:
    """One of ten bins [k/10, (k+1)/10), the last one closed: its forecasts' mean and how often they came true."""
    inside = [(pico, won) for pico, won in scored if min(pico * BINS // PICO, BINS - 1) == number]
    return {
        "p_from": number / BINS,
        "p_to": (number + 1) / BINS,
        "n": len(inside),
        "mean_p": _ratio(sum(pico for pico, _ in inside), PICO * len(inside)),
        "frequency": _ratio(sum(won for _, won in inside), len(inside)),
    }
