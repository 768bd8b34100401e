"""Metrics of a run of shares, from its daily equity and its trades alone. Undefined is None, never 0 or NaN.

A year has 252 trading days (docs/metrics.md); ratios are those of `metrics`. Money is micro-units of the run's currency.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tradewinds.core.text import number
from tradewinds.core.units import DAY_SECONDS
from tradewinds.engine.equity import Point
from tradewinds.engine.result import Trade
from tradewinds.results import metrics

DAYS_PER_YEAR = 252


def share_metrics(
    points: Sequence[Point], trades: Sequence[Trade], benchmark: Sequence[Point], holding_days: Sequence[int]
) -> dict[str, Any]:
    """What metrics.json has of shares beyond every family's keys.

    Args:
        points: the start, then the close of every trading day; benchmark: the same days of buying and holding the universe;
            holding_days: calendar days of each trade, on the exchange's own calendar.
    """
    wins = [trade.pnl_micro for trade in trades if trade.pnl_micro > 0]
    losses = [trade.pnl_micro for trade in trades if trade.pnl_micro < 0]
    own, held = total_return(points), total_return(benchmark)
    drawdown = metrics.max_drawdown(benchmark)[1]
    return {
        "total_return_pct": percent(own),
        "annualised_return_pct": percent(annualised(own, len(points) - 1)),
        "max_drawdown_days": drawdown_days(points),
        "largest_win_usd": number(max(wins)) if wins else None,
        "largest_loss_usd": number(min(losses)) if losses else None,
        "avg_holding_days": _mean(holding_days),
        "exposure_pct": percent(_mean([p.open_value_micro / p.equity_micro for p in points[1:] if p.equity_micro > 0])),
        "turnover_per_year": turnover(points, trades),
        "benchmark": {
            "kind": "buy_and_hold",
            "end_balance_usd": number(benchmark[-1].equity_micro) if benchmark else None,
            "total_return_pct": percent(held),
            "annualised_return_pct": percent(annualised(held, len(benchmark) - 1)),
            "max_drawdown_pct": drawdown,
            "sharpe": metrics.sharpe(metrics.point_returns(benchmark), DAYS_PER_YEAR),
            "sortino": metrics.sortino(metrics.point_returns(benchmark), DAYS_PER_YEAR),
        },
        "excess_return_pct": None if own is None or held is None else percent(own - held),
    }


def total_return(points: Sequence[Point]) -> float | None:
    """The last point over the first, less 1."""
    return points[-1].equity_micro / points[0].equity_micro - 1 if len(points) > 1 else None


def annualised(total: float | None, days: int) -> float | None:
    """(1 + r) ^ (252 / days) − 1; None without a day, or where nothing is left or the power is beyond a float."""
    if total is None or days < 1 or total <= -1:
        return None
    exponent = math.log1p(total) * DAYS_PER_YEAR / days
    return math.expm1(exponent) if exponent < 700 else None


def drawdown_days(points: Sequence[Point]) -> int | None:
    """The most calendar days from a peak until the equity is there again, or until the end; 0 if it never falls."""
    if not points:
        return None
    longest, peak = 0, points[0]
    for point in points:
        if point.equity_micro >= peak.equity_micro:
            peak = point
        else:
            longest = max(longest, point.ts // DAY_SECONDS - peak.ts // DAY_SECONDS)
    return longest


def turnover(points: Sequence[Point], trades: Sequence[Trade]) -> float | None:
    """Half of what was bought and sold, over the mean equity, a year."""
    days = len(points) - 1
    mean = _mean([point.equity_micro for point in points])
    if not mean or days < 1:
        return None
    bought = sum(trade.entry_cost_micro for trade in trades)
    sold = sum(trade.position.exit_cash for trade in trades)
    return (bought + sold) / 2 / mean * DAYS_PER_YEAR / days


def percent(value: float | None) -> float | None:
    """In percent; None stays None."""
    return None if value is None else value * 100


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
