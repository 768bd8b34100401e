"""Metrics of a run of funding carry: where its profit came from, how long costs took to be earned, and what was refused.

An undefined metric is None, never 0 or NaN. Amounts are exact sums of the positions' parts; ratios are fractions until the end.
Funding + price P&L - fees - slippage - borrow - liquidation cost is the change of the account's cash, to the last unit.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.text import number
from tradewinds.core.units import DAY_SECONDS
from tradewinds.engine.carry.carry_loop import STALE_PRICE
from tradewinds.engine.carry.carry_result import MARK_SOURCES, CarryPosition, CarryResult
from tradewinds.engine.equity import Point
from tradewinds.families.funding_carry.carry_panel import window_of
from tradewinds.families.funding_carry.fee_schedules import sections_of
from tradewinds.families.funding_carry.symbols import NO_DATA, NO_PERP_CANDLES, NO_SPOT_LEG
from tradewinds.results import metrics

PLACES = 8
DAYS_PER_YEAR = 365
# what the profit is made of, with its sign in the sum
PARTS = {"funding": 1, "price_pnl": 1, "fees": -1, "slippage": -1, "borrow": -1, "liquidation_cost": -1}
_LACKS = {
    NO_DATA: "has no settlement",
    NO_SPOT_LEG: "has no candles of its spot leg",
    NO_PERP_CANDLES: "has no candles of the perpetual",
}


def carry_metrics(config: Mapping[str, Any], made: CarryResult, left_out: Mapping[str, str]) -> dict[str, Any]:
    """Return the keys of metrics.json that this family adds, or that mean something else than usual.

    Args:
        config: resolved.
        made: the run.
        left_out: symbols that are not in the panel, with the reason.
    """
    window, empty = window_of(config), not made.equity
    days = (window.end - window.start) // DAY_SECONDS
    net = sum(position.net for position in made.positions)
    returns = daily_returns(made.start_cash, made.equity, window.start, window.end)
    roi = None if empty else float(Fraction(net * 100, made.start_cash))
    # without a point of equity amounts are 0 and ratios undefined
    most, most_pct = metrics.max_drawdown(made.equity, PLACES)
    return {
        "currency": config["risk"]["currency"],
        **part_sums(made.positions),
        "net_pnl": number(net, PLACES),
        "roi_pct": roi,
        "apr_pct": None if empty else float(Fraction(net * DAYS_PER_YEAR * 100, made.start_cash * days)),
        "num_contracts": len(made.fills),
        "num_fills": len(made.fills),
        "max_drawdown_usd": most if most is not None else 0.0,
        "max_drawdown_pct": most_pct,
        "sharpe": metrics.sharpe(returns, DAYS_PER_YEAR),
        "sortino": metrics.sortino(returns, DAYS_PER_YEAR),
        "time_in_market_pct": None if empty else time_in_market(made.positions, window.end - window.start),
        **breakeven(made.positions),
        "liquidations": sum(position.exit_reason == "liquidation" for position in made.positions),
        "payments": len(made.payments),
        "mark_source": mark_sources(made),
        "rejections": rejections(made),
        "optimistic": optimistic_options(config),
        "warnings": warnings_of(config, made, left_out),
        "by_symbol": by_symbol(made),
        "by_exit_reason": _grouped((position.exit_reason, position) for position in made.positions),
    }


def part_sums(positions: Iterable[CarryPosition]) -> dict[str, float]:
    """Return the sum of each part of the profit, by its name in PARTS."""
    chosen = list(positions)
    return {name: number(sum(getattr(position, name) for position in chosen), PLACES) for name in PARTS}


def daily_returns(start_cash: int, points: Sequence[Point], start_ts: int, end_ts: int) -> list[float]:
    """Return the simple daily returns of a range: from its start to each 00:00 UTC after it, the end included.

    The equity of an instant is that of the last point at or before it. No return is taken from an equity of nothing or less.

    Args:
        start_cash: equity at the start; 10^-8.
        points: the account over time; none for a run without data.
        start_ts: first instant of the range; Unix s.
        end_ts: the instant after it; Unix s.
    """
    if not points:
        return []
    instants: Ints = np.array([point.ts for point in points], np.int64)
    midnights = np.arange(start_ts + DAY_SECONDS, end_ts + 1, DAY_SECONDS)
    rows = np.searchsorted(instants, midnights, side="right") - 1
    start = Point(start_ts, "start", start_cash, 0)
    return metrics.point_returns([start, *(points[row] if row >= 0 else start for row in rows.tolist())])


def time_in_market(positions: Iterable[CarryPosition], seconds: int) -> float:
    """Return the share of a range in which any position was open, in percent.

    Args:
        positions: all of the run.
        seconds: length of the range.
    """
    held, until = 0, 0
    for opened, closed in sorted((position.open_ts, position.close_ts) for position in positions):
        held += max(0, closed - max(opened, until))
        until = max(until, closed)
    return float(Fraction(held * 100, seconds))


def breakeven(positions: Iterable[CarryPosition]) -> dict[str, Any]:
    """Return after how many payments positions had earned their costs, the median of those that did, and how many did not."""
    periods = [position.breakeven for position in positions]
    reached = [count for count in periods if count is not None]
    return {
        "breakeven_periods": statistics.median(reached) if reached else None,
        "never_broke_even": len(periods) - len(reached),
    }


def mark_sources(made: CarryResult) -> dict[str, int]:
    """Return the number of payments by where their mark price is from."""
    counts = Counter(payment.mark_source for payment in made.payments)
    return {name: counts[name] for name in MARK_SOURCES if counts[name]}


def rejections(made: CarryResult) -> dict[str, int]:
    """Return what was refused by reason; STALE_PRICE counts settlements at which a symbol was not decided."""
    counts = Counter(refusal.reason for refusal in made.refusals)
    counts[STALE_PRICE] += made.stale.total()
    return {reason: count for reason, count in sorted(counts.items()) if count}


def optimistic_options(config: Mapping[str, Any]) -> list[str]:
    """Return the options of a config that make its result better than an account could have been, in alphabetical order."""
    found = {
        "last_close": config["execution"]["fill"] == "last_close",
        "maker": any((section.get("liquidity") or "taker") == "maker" for section in sections_of(config)),
        "preset_seed": config["strategy"].get("preset") == "seed",
        "spot_only": config["margin"]["capital_rule"] == "spot_only",
    }
    return [name for name, is_on in found.items() if is_on]


def warnings_of(config: Mapping[str, Any], made: CarryResult, left_out: Mapping[str, str]) -> list[str]:
    """Return what a user must know of a run that is no error: the symbols that could not be traded; as `diagnostics`."""
    span = f"from {config['date_start_local']} to {config['date_end_local']}"
    return [f"{reason} {symbol} {_LACKS[reason]} {span}." for symbol, reason in skipped_symbols(config, made, left_out)]


def without_settlement(config: Mapping[str, Any], made: CarryResult) -> list[str]:
    """Return the symbols of a config of which the run has no settlement in its range, in alphabetical order."""
    settled = {name for index, name in enumerate(made.symbols) if made.settled[index]}
    return sorted(symbol for symbol in config["symbols"] if symbol not in settled)


def by_symbol(made: CarryResult) -> dict[str, dict[str, Any]]:
    """Return number, wins, parts and net P&L of the positions of each symbol that was traded."""
    return _grouped((made.symbols[position.symbol], position) for position in made.positions)


def _grouped(named: Iterable[tuple[str, CarryPosition]]) -> dict[str, dict[str, Any]]:
    """Return figures of groups of positions, by the name of the group."""
    groups: dict[str, list[CarryPosition]] = {}
    for name, position in named:
        groups.setdefault(name, []).append(position)
    return {
        name: {
            "positions": len(group),
            "wins": sum(position.net > 0 for position in group),
            **part_sums(group),
            "net_pnl": number(sum(position.net for position in group), PLACES),
        }
        for name, group in sorted(groups.items())
    }


def diagnostics(config: Mapping[str, Any], made: CarryResult, left_out: Mapping[str, str]) -> dict[str, Any]:
    """Return the section `diagnostics` of metrics.json.

    Args:
        config: resolved.
        made: the run.
        left_out: symbols that are not in the panel, with the reason.
    """
    skipped = skipped_symbols(config, made, left_out)
    return {
        "events_attempted": len(config["symbols"]),
        "events_traded": len({position.symbol for position in made.positions}),
        "events_skipped": dict(sorted(Counter(reason for _, reason in skipped).items())),
        "rejections": rejections(made),
        "mark_source": mark_sources(made),
        "settlements": made.settled.total(),
        "funding_gaps": made.gaps.total(),
        "funding_gaps_by_symbol": _by_name(made, made.gaps),
        "stale_by_symbol": _by_name(made, made.stale),
    }


def skipped_symbols(config: Mapping[str, Any], made: CarryResult, left_out: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return each symbol that could not be traded with the reason, in alphabetical order; arguments as for `diagnostics`."""
    return [(symbol, left_out.get(symbol, NO_DATA)) for symbol in without_settlement(config, made)]


def _by_name(made: CarryResult, counts: Counter[int]) -> dict[str, int]:
    """Return counts above 0 by the name of the symbol."""
    return {name: counts[index] for index, name in enumerate(made.symbols) if counts[index]}
