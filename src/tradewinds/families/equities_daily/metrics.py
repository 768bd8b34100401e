"""Metrics of a run of daily equities, from its daily equity and its trades alone.

An undefined metric is None, never 0 or NaN. A year has 252 trading days (docs/metrics.md). Sharpe ratio, Sortino ratio and
drawdown are those of results/metrics.py. Money is in micro-units of the run's currency.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tradewinds.core.text import number
from tradewinds.core.units import NEVER
from tradewinds.engine.equity import Point
from tradewinds.engine.run_trades import Trades
from tradewinds.engine.shares.bars import Bars
from tradewinds.engine.shares.share_result import ShareTrade
from tradewinds.engine.shares.share_rules import NO_BARS_EXIT
from tradewinds.reference_data.exchange_calendar import TRADING_DAYS_PER_YEAR
from tradewinds.results import metrics


def share_metrics(
    points: Sequence[Point],
    trades: Trades,
    benchmark: Sequence[Point],
    holding_days: Sequence[int],
    days: Sequence[int],
) -> dict[str, Any]:
    """Return the keys that metrics.json has beyond those of every family.

    Args:
        points: equity at the start, then at the close of every trading day.
        trades: all trades of the run.
        benchmark: equity of buying and holding the universe, at the same instants as `points`; empty for none.
        holding_days: calendar days from entry to exit of each trade, on the exchange's clock.
        days: the date of each point on the exchange's clock; days since 1970-01-01.
    """
    made = trades.pnl_micro.tolist()
    wins = [pnl for pnl in made if pnl > 0]
    losses = [pnl for pnl in made if pnl < 0]
    run_return, benchmark_return = total_return(points), total_return(benchmark)
    exposures = [point.open_value_micro / point.equity_micro for point in points[1:] if point.equity_micro > 0]
    return {
        "total_return_pct": percent(run_return),
        "annualised_return_pct": percent(annualised(run_return, len(points) - 1)),
        "max_drawdown_days": drawdown_days(points, days),
        "largest_win_usd": number(max(wins)) if wins else None,
        "largest_loss_usd": number(min(losses)) if losses else None,
        "avg_holding_days": _mean(holding_days),
        "exposure_pct": percent(_mean(exposures)),
        "turnover_per_year": turnover(points, trades),
        "benchmark": {
            "kind": "buy_and_hold",
            "end_balance_usd": number(benchmark[-1].equity_micro) if benchmark else None,
            "total_return_pct": percent(benchmark_return),
            "annualised_return_pct": percent(annualised(benchmark_return, len(benchmark) - 1)),
            "max_drawdown_pct": metrics.max_drawdown(benchmark)[1],
            "sharpe": metrics.sharpe(metrics.point_returns(benchmark), TRADING_DAYS_PER_YEAR),
            "sortino": metrics.sortino(metrics.point_returns(benchmark), TRADING_DAYS_PER_YEAR),
        },
        "excess_return_pct": _excess_pct(run_return, benchmark_return),
    }


def _excess_pct(run_return: float | None, benchmark_return: float | None) -> float | None:
    """Return the run's return less the benchmark's, in percent; None if one of them is undefined."""
    return None if run_return is None or benchmark_return is None else percent(run_return - benchmark_return)


def no_bars_metrics(trades: Trades) -> dict[str, Any]:
    """Return how many positions were sold because their symbol's bars ended, for what, and the P&L if all were worth nothing.

    If a position is worth nothing there is no sale: its value and the commission of the sale are gone.

    Args:
        trades: all trades of the run.
    """
    sold = [trade.position for trade in trades if trade.settled_result == NO_BARS_EXIT]
    lost = sum(position.exit_cash - position.exit_fee for position in sold)
    return {
        "no_bars_exits": len(sold),
        "no_bars_value_usd": number(sum(position.exit_cash for position in sold)),
        "pnl_if_no_bars_worthless_usd": number(int(trades.pnl_micro.sum()) - lost),
    }


def volume_metrics(trades: Sequence[ShareTrade], bars: Bars) -> dict[str, Any]:
    """Return how many entries exceeded a tenth of, and all of, the volume of the bar at which they filled.

    Args:
        trades: all trades of the run.
        bars: the bars of the run.
    """
    volumes = bars.volume_limit[[trade.entry_row for trade in trades]].tolist() if trades else []
    used = [(trade.quantity, volume) for trade, volume in zip(trades, volumes, strict=True)]
    return {
        "entries_above_10pct_of_volume": sum(10 * quantity > volume for quantity, volume in used),
        "entries_above_volume": sum(quantity > volume for quantity, volume in used),
        "entries_of_unknown_volume": sum(volume == NEVER for _, volume in used),
    }


def total_return(points: Sequence[Point]) -> float | None:
    """Return the last equity over the first, less 1; None for fewer than two points."""
    return points[-1].equity_micro / points[0].equity_micro - 1 if len(points) > 1 else None


def annualised(total: float | None, days: int) -> float | None:
    """Convert a total return r to a return per year: (1 + r) ^ (252 / days) − 1.

    Args:
        total: the return over all days; None if it is undefined.
        days: number of trading days.

    Returns:
        None if the total is undefined or a loss of everything, without a day, or if the result is too large for a float.
    """
    if total is None or days < 1 or total <= -1:
        return None
    exponent = math.log1p(total) * TRADING_DAYS_PER_YEAR / days
    return math.expm1(exponent) if exponent < 700 else None


def drawdown_days(points: Sequence[Point], days: Sequence[int]) -> int | None:
    """Return the length of the longest drawdown in calendar days; 0 if equity never falls, None without a point.

    A drawdown lasts from a peak until the equity reaches that peak again, or until the last point. Dates are those of the
    exchange's clock: in New Zealand a session and the half day after it close on the same date in UTC.

    Args:
        points: equity at the start, then at the close of every trading day.
        days: the date of each point on the exchange's clock; days since 1970-01-01.
    """
    if not points:
        return None
    longest, peak, peak_day = 0, points[0], days[0]
    for point, day in zip(points, days, strict=True):
        if point.equity_micro >= peak.equity_micro:
            peak, peak_day = point, day
        else:
            longest = max(longest, day - peak_day)
    return longest


def turnover(points: Sequence[Point], trades: Trades) -> float | None:
    """Return the turnover per year: half of the value bought and sold, over the mean equity; None without a day."""
    days = len(points) - 1
    mean = _mean([point.equity_micro for point in points])
    if not mean or days < 1:
        return None
    bought = int(trades.entry_cost_micro.sum())
    sold = int(trades.positions.columns["exit_cash"].sum())
    return (bought + sold) / 2 / mean * TRADING_DAYS_PER_YEAR / days


def percent(value: float | None) -> float | None:
    """Multiply by 100; None stays None."""
    return None if value is None else value * 100


def _mean(values: Sequence[float]) -> float | None:
    """Return the mean; None without a value."""
    return math.fsum(values) / len(values) if values else None
