"""Metrics of a run, from its books, its trades and its equity points alone. Undefined is None, never 0 or NaN.

Money goes in as integers of micro-units and comes out as the float whose shortest form is exact; ratios are floats.
docs/metrics.md has the formulas, and where other libraries differ.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tradewinds.core.text import number
from tradewinds.engine.equity import Point, daily_rows
from tradewinds.engine.journal import Kind
from tradewinds.engine.result import RunResult
from tradewinds.engine.round_trips import RoundTrip
from tradewinds.engine.run_trades import Trades

SAME = 1e-12  # returns that differ by less than this share of themselves differ by rounding only
BINS = 10
# What metrics.json of every run has, also of a market family that makes no probabilities.
UNSCORED: dict[str, Any] = {
    "brier": None,
    "log_loss": None,
    "calibration": [
        {"from": i / BINS, "to": (i + 1) / BINS, "n": 0, "mean_p": None, "frequency": None} for i in range(BINS)
    ],
}


def metrics(result: RunResult) -> dict[str, Any]:
    """All keys of metrics.json, in its order; what the market family adds comes before the diagnostics.

    Amounts are in the account's currency, though their keys end in _usd.
    """
    places, trips = result.places, result.round_trips
    pnl = int(result.trades.pnl_micro.sum())
    drawdown, drawdown_pct = max_drawdown(result.equity, places)
    returns = daily_returns(result.equity) if result.around_the_clock else point_returns(result.equity)
    return {
        "start_balance_usd": number(result.start_balance_micro, places),
        "end_balance_usd": number(result.end_balance_micro, places),
        "total_pnl_usd": number(pnl, places),
        "total_fees_usd": number(-result.journal.total(Kind.FEE), places),
        "roi_pct": pnl / result.start_balance_micro * 100,
        **trade_metrics(result.trades, places, result.round_trips),
        "max_drawdown_usd": drawdown,
        "max_drawdown_pct": drawdown_pct,
        "sharpe": sharpe(returns, result.days_per_year),
        "sortino": sortino(returns, result.days_per_year),
        "exposure_time_avg_minutes": exposure_minutes(result.trades, trips),
        **UNSCORED,
        **result.family_metrics,
        "diagnostics": result.diagnostics,
    }


def trade_metrics(trades: Trades, places: int = 6, round_trips: Sequence[RoundTrip] | None = None) -> dict[str, Any]:
    """Counts, win rate, average win and loss, profit factor.

    A trade is one position, from its first fill to its last row of the journal; a win has pnl > 0, a loss pnl < 0. In a run
    that sells what it holds, wins and losses are those of its round trips.

    Profit factor: gross profit over gross loss (Pardo, The Evaluation and Optimization of Trading Strategies, 2008, ch. 13).

    Args:
        trades: of the run.
        places: decimals of their amounts.
        round_trips: of a run that sells what it holds.
    """
    unit = 10**places
    pnls = trades.pnl_micro.tolist() if round_trips is None else [trip.pnl_micro for trip in round_trips]
    wins = [pnl for pnl in pnls if pnl > 0]
    losses = [pnl for pnl in pnls if pnl < 0]
    return {
        "num_trades": len(trades),
        "num_contracts": int(trades.qty.sum()),
        **({} if round_trips is None else {"num_round_trips": len(round_trips)}),
        "win_rate_pct": len(wins) / len(pnls) * 100 if pnls else None,
        "avg_profit_usd": sum(wins) / len(wins) / unit if wins else None,
        "avg_loss_usd": sum(losses) / len(losses) / unit if losses else None,
        "profit_factor": sum(wins) / -sum(losses) if losses else None,
    }


def max_drawdown(points: Sequence[Point], places: int = 6) -> tuple[float | None, float | None]:
    """Largest fall from the running peak of the equity points, as an amount and in % of that peak (each its own maximum).

    Magdon-Ismail and Atiya, Maximum drawdown, Risk 17(10), 2004; None without a point.

    Args:
        points: in order of time.
        places: decimals of their amounts.
    """
    if not points:
        return None, None
    peak, deepest, deepest_pct = points[0].equity_micro, 0, 0.0
    for point in points:
        peak = max(peak, point.equity_micro)
        fall = peak - point.equity_micro
        deepest = max(deepest, fall)
        deepest_pct = max(deepest_pct, fall / peak * 100 if peak > 0 else 0.0)
    return number(deepest, places), deepest_pct


def daily_returns(points: Sequence[Point]) -> list[float]:
    """Simple returns b / a − 1 from the start to the equity of each 00:00 UTC after it; the last one is of the run's end.

    No return is taken from an equity of nothing or less.
    """
    rows = daily_rows(np.array([point.ts for point in points], np.int64))
    return point_returns([points[row] for row in rows.tolist()])


def point_returns(points: Sequence[Point]) -> list[float]:
    """Simple returns between consecutive points; none is taken from an equity of nothing or less."""
    return [b.equity_micro / a.equity_micro - 1 for a, b in itertools.pairwise(points) if a.equity_micro > 0]


def sharpe(returns: Sequence[float], days_per_year: int) -> float | None:
    """Mean over sample standard deviation (n − 1), by √days_per_year; None for fewer than two returns or none that differ.

    Sharpe, The Sharpe ratio, Journal of Portfolio Management 21(1), 1994, its ex post ratio with a benchmark of 0.

    Args:
        returns: daily ones.
        days_per_year: how many of them make a year.
    """
    if len(returns) < 2 or max(returns) - min(returns) <= SAME * max(map(abs, returns)):
        return None
    mean = math.fsum(returns) / len(returns)
    variance = math.fsum((r - mean) ** 2 for r in returns) / (len(returns) - 1)
    return mean / math.sqrt(variance) * math.sqrt(days_per_year)


def sortino(returns: Sequence[float], days_per_year: int) -> float | None:
    """Mean over the root mean square of the negative returns (over all returns), by √days_per_year; None for fewer than two
    returns or no negative one.

    Sortino and van der Meer, Downside risk, Journal of Portfolio Management 17(4), 1991, with a target of 0.

    Args:
        returns: daily ones.
        days_per_year: how many of them make a year.
    """
    if len(returns) < 2:
        return None
    downside = math.sqrt(math.fsum(min(r, 0.0) ** 2 for r in returns) / len(returns))
    return math.fsum(returns) / len(returns) / downside * math.sqrt(days_per_year) if downside > 0 else None


def exposure_minutes(trades: Trades, round_trips: Sequence[RoundTrip] | None) -> float | None:
    """Mean minutes from decision to settlement, of the round trips of a run that sells what it holds.

    Args:
        trades: of the run.
        round_trips: of a run that sells what it holds.
    """
    if round_trips is not None:
        held = [trip.settled_ts - trip.decision_ts for trip in round_trips]
    else:
        held = (trades.columns["settled_ts"] - trades.columns["decision_ts"]).tolist()
    return sum(held) / len(held) / 60 if held else None
