"""Metrics of a run of intraday equities, in money and in R; what was refused, left out and unclear.

An undefined metric is None, never 0 or NaN. R is after costs unless its name says gross. Sharpe ratio, Sortino ratio and
drawdown of the account are those of results/metrics.py, from one point of equity a session.
"""

from __future__ import annotations

import datetime as dt
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.text import number
from tradewinds.engine.bar_sessions.minute_bars import MinuteBars
from tradewinds.engine.bar_sessions.session_result import EXITS, LEG_COLUMNS, OrbTrade, SessionsResult
from tradewinds.engine.bar_sessions.setups import COUNT
from tradewinds.engine.equity import Point
from tradewinds.families.equities_intraday.r_values import (
    drawdown,
    exit_order,
    fine_columns,
    known,
    longest_streak,
    number_or_none,
    r_number,
    summed,
    total_r,
)
from tradewinds.families.strategy_file import is_own
from tradewinds.reference_data.exchange_calendar import TRADING_DAYS_PER_YEAR
from tradewinds.results import metrics

HALF_HOUR = 30  # minutes
SMALL_RISK = 10  # a median R of fewer slippages than this is said to be small against costs
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# Sessions of these reasons had no opening range whose width could be judged.
_NOT_JUDGED = frozenset({"NO_BARS", "NO_OPENING_RANGE", "OR_INCOMPLETE", "ATR_WARMUP"})


class DescribedPanel(Protocol):
    """The panel of a run, of which the metrics read the metadata.

    Attributes:
        about: `quarantined` rows by symbol and reason, `zero_volume` bars by symbol.
    """

    @property
    def about(self) -> Mapping[str, Any]:
        """The metadata."""


class Study(Protocol):
    """What a replay read: replay.IntradayStudy.

    Attributes:
        panel: of the run.
        timezone: of the exchange.
    """

    @property
    def panel(self) -> DescribedPanel:
        """The panel."""

    @property
    def timezone(self) -> str:
        """Name of the exchange's time zone."""


class ScoredTrade(NamedTuple):
    """A trade with what its groups need.

    Attributes:
        trade: as the loop made it.
        fine: R after costs; FINE_R parts, None for a trade without a stop.
        gross: R from raw prices; FINE_R parts, None likewise.
        date: of its session.
        half_hour: of the start of its entry bar on the exchange's clock, such as 09:30.
    """

    trade: OrbTrade
    fine: int | None
    gross: int | None
    date: dt.date
    half_hour: str


def session_dates(bars: MinuteBars) -> list[dt.date]:
    """Return the date of every session."""
    return [dt.date(1970, 1, 1) + dt.timedelta(days=day) for day in bars.days.tolist()]


def open_minutes(bars: MinuteBars, timezone: str) -> list[int]:
    """Return by session the minute of the day, on the exchange's clock, at which it opens."""
    zone = ZoneInfo(timezone)
    clocks = [dt.datetime.fromtimestamp(ts, zone) for ts in bars.open_ts.tolist()]
    return [60 * clock.hour + clock.minute for clock in clocks]


def scored_trades(study: Study, made: SessionsResult) -> list[ScoredTrade]:
    """Return all trades in order of exits; those of one instant by symbol."""
    dates, opens, open_ts = (
        session_dates(made.bars),
        open_minutes(made.bars, study.timezone),
        made.bars.open_ts.tolist(),
    )
    net, gross = fine_columns(made)
    found = []
    for index in exit_order(made).tolist():
        trade = made.trades[index]
        minute = opens[trade.session] + (trade.bar_ts - open_ts[trade.session]) // 60
        half = minute - minute % HALF_HOUR
        clock = f"{half // 60 % 24:02d}:{half % 60:02d}"
        found.append(ScoredTrade(trade, net[index], gross[index], dates[trade.session], clock))
    return found


def session_metrics(
    config: Mapping[str, Any], study: Study, made: SessionsResult, policies: Mapping[str, SessionsResult]
) -> dict[str, Any]:
    """Return the keys that metrics.json has beyond those of every family.

    Args:
        config: resolved.
        study: what the replay read.
        made: the run.
        policies: the same run under each order of events inside a bar, by its name.
    """
    trades = scored_trades(study, made)
    return {
        "currency": config["risk"]["currency"],
        **r_metrics(trades),
        **_money(trades),
        "or_valid_rate": _valid_rate(config, _reasons(made)),
        "total_r_by_policy": {name: total_r(each) for name, each in policies.items()},
        "total_pnl_by_policy_usd": {name: number(_pnl(each)) for name, each in policies.items()},
        "symbols": symbol_metrics(config, made, trades),
    }


def symbol_metrics(
    config: Mapping[str, Any], made: SessionsResult, trades: Sequence[ScoredTrade]
) -> dict[str, dict[str, Any]]:
    """Return the metrics of each symbol by its name, as if its profits alone were made with the account's start balance.

    Args:
        config: resolved.
        made: the run.
        trades: all its trades, in order of exits.
    """
    by_symbol: dict[int, list[ScoredTrade]] = {}
    for each in trades:
        by_symbol.setdefault(each.trade.symbol, []).append(each)
    # of each symbol its points of equity, then its figures
    fees, found = _fees(made), {}
    for symbol, name in enumerate(made.bars.symbols):
        own = by_symbol.get(symbol, [])
        points = symbol_points(made, symbol, [each.trade for each in own])
        returns = metrics.point_returns(points)
        fall, fall_pct = metrics.max_drawdown(points)
        found[name] = {
            "symbol": name,
            "currency": config["risk"]["currency"],
            "start_balance_usd": number(points[0].equity_micro),
            "end_balance_usd": number(points[-1].equity_micro),
            "total_pnl_usd": number(sum(each.trade.pnl for each in own)),
            "total_fees_usd": number(fees[symbol]),
            "num_trades": len(own),
            "max_drawdown_usd": fall,
            "max_drawdown_pct": fall_pct,
            "sharpe": metrics.sharpe(returns, TRADING_DAYS_PER_YEAR),
            "sortino": metrics.sortino(returns, TRADING_DAYS_PER_YEAR),
            **r_metrics(own),
            **_money(own),
            "or_valid_rate": _valid_rate(config, _reasons(made, symbol)),
        }
    return found


def symbol_points(made: SessionsResult, symbol: int, trades: Iterable[OrbTrade]) -> list[Point]:
    """Return the start balance of an account plus a symbol's profits: at the first open, then at the close of each session.

    Args:
        made: the run.
        symbol: its index; it stands in no point.
        trades: its trades.
    """
    by_session = np.zeros(made.end - made.first, np.int64)
    for trade in trades:
        by_session[trade.session - made.first] += trade.pnl
    return _points(made, made.start_micro + np.cumsum(by_session), made.start_micro)


def _points(made: SessionsResult, equity: Ints, start: int) -> list[Point]:
    """Return points of equity at the first open and at each close."""
    opens = int(made.bars.open_ts[made.first])
    closes = made.bars.close_ts[made.first : made.end].tolist()
    later = [Point(ts, "close", cash, 0) for ts, cash in zip(closes, equity.tolist(), strict=True)]
    return [Point(opens, "start", start, 0), *later]


def r_metrics(trades: Sequence[ScoredTrade]) -> dict[str, Any]:
    """Return the metrics in R, counts, and the groups of trades.

    Args:
        trades: in order of exits.
    """
    fine, count = known(each.fine for each in trades), len(trades)
    # the sign of R is that of the profit, which trades without a stop have too
    profits = [each.trade.pnl for each in trades]
    minutes = [each.trade.exit_ts - each.trade.entry_ts for each in trades]
    mean = _mean_r(fine)
    return {
        "total_r": number_or_none(summed([each.fine for each in trades])),
        "total_r_gross": number_or_none(summed([each.gross for each in trades])),
        "expectancy_r": mean,
        "average_r": mean,
        "median_r": r_number(_median(fine)) if fine else None,
        "best_r": r_number(max(fine)) if fine else None,
        "worst_r": r_number(min(fine)) if fine else None,
        "win_rate": sum(profit > 0 for profit in profits) / count if count else None,
        "max_drawdown_r": r_number(drawdown(fine)) if fine or not count else None,
        "max_win_streak": longest_streak(profits, 1),
        "max_loss_streak": longest_streak(profits, -1),
        "avg_minutes": sum(minutes) / count / 60 if count else None,
        "longs": sum(each.trade.direction > 0 for each in trades),
        "shorts": sum(each.trade.direction < 0 for each in trades),
        "by_direction": grouped(trades, lambda each: "long" if each.trade.direction > 0 else "short"),
        "by_exit_reason": grouped(trades, lambda each: EXITS[each.trade.exit_reason], EXITS),
        "by_month": grouped(trades, lambda each: f"{each.date:%Y-%m}"),
        "by_weekday": grouped(trades, lambda each: WEEKDAYS[each.date.weekday()], WEEKDAYS),
        "by_half_hour": grouped(trades, lambda each: each.half_hour),
    }


def grouped(
    trades: Iterable[ScoredTrade], key: Callable[[ScoredTrade], str], order: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Return the figures of groups of trades by the name of the group.

    Args:
        trades: the trades.
        key: the name of a trade's group.
        order: names in the order of the groups; without it they are in the order of the alphabet.
    """
    groups: dict[str, list[ScoredTrade]] = {}
    for each in trades:
        groups.setdefault(key(each), []).append(each)
    names = [name for name in order if name in groups] if order else sorted(groups)
    return {name: _figures(groups[name]) for name in names}


def _figures(trades: Sequence[ScoredTrade]) -> dict[str, Any]:
    """Return number, win rate, R and profit of a group of trades."""
    fine = [each.fine for each in trades]
    return {
        "trades": len(trades),
        "win_rate": sum(each.trade.pnl > 0 for each in trades) / len(trades),
        "total_r": number_or_none(summed(fine)),
        "average_r": _mean_r(known(fine)),
        "total_pnl_usd": number(sum(each.trade.pnl for each in trades)),
    }


def _money(trades: Sequence[ScoredTrade]) -> dict[str, Any]:
    """Return metrics of gains and losses in money."""
    wins = [each.trade.pnl for each in trades if each.trade.pnl > 0]
    losses = [-each.trade.pnl for each in trades if each.trade.pnl < 0]
    payoff = Fraction(sum(wins) * len(losses), len(wins) * sum(losses)) if wins and losses else None
    return {
        "profit_factor": sum(wins) / sum(losses) if losses else None,
        "payoff": None if payoff is None else float(payoff),
        "largest_win_usd": number(max(wins)) if wins else None,
        "largest_loss_usd": number(-max(losses)) if losses else None,
    }


def diagnostics(
    config: Mapping[str, Any], study: Study, made: SessionsResult, policies: Mapping[str, SessionsResult]
) -> dict[str, Any]:
    """Return the section `diagnostics` of metrics.json; arguments as for `session_metrics`."""
    symbols, reasons = made.bars.symbols, Counter(_reasons(made))
    without = [name for symbol, name in enumerate(symbols) if set(_reasons(made, symbol)) == {"NO_BARS"}]
    about, quarantined = study.panel.about, Counter[str]()
    for counts in about["quarantined"].values():
        quarantined.update(counts)
    risk, slippage = median_risk(made)
    # what every family counts, then what only this one does
    return {
        "events_attempted": len(symbols),
        "events_traded": len({trade.symbol for trade in made.trades}),
        "events_skipped": {"NO_BARS": len(without)} if without else {},
        "rejections": dict(sorted((made.refusals + made.unfit_sessions).items())),
        "refused_breaks": dict(sorted(made.refusals.items())),
        "untraded_sessions": dict(sorted(made.unfit_sessions.items())),
        "breaks": len(made.break_rows),
        **_of_own_strategy(made),
        "trading_days": made.end - made.first,
        "symbol_sessions": sum(count for reason, count in reasons.items() if reason != "NO_BARS"),
        "bars": _bars_in_run(made),
        "quarantined": dict(sorted(quarantined.items())),
        "quarantined_by_symbol": about["quarantined"],
        "zero_volume": sum(about["zero_volume"].values()),
        "opening_ranges": opening_ranges(made),
        "incomplete_ranges": _incomplete(made) if config["orb"]["on_gap"] == "warn" else [],
        "ambiguous_bars": made.ambiguous_bars,
        "stale_exits": made.stale_exits,
        "policies_differ": len({total_r(each) for each in policies.values()}) > 1,
        "median_risk_usd": risk,
        "median_slippage_usd": slippage,
        "risk_is_small": risk is not None and slippage is not None and risk < SMALL_RISK * slippage,
        "adjusted": bool(config["bars"]["adjusted"]),
    }


def _of_own_strategy(made: SessionsResult) -> dict[str, int]:
    """Return what is counted of a strategy of the user's own alone: its orders, and its trades without an R."""
    if not made.called:
        return {}
    return {"orders": len(made.outcomes), "trades_without_r": sum(not trade.risk for trade in made.trades)}


def opening_ranges(made: SessionsResult) -> dict[str, int]:
    """Return how many sessions have an opening range, and how many of these lack a minute, by name of the count."""
    rows = _session_rows(made)
    counts, minutes = made.setups.ranges[rows, COUNT], made.setups.minutes[rows]
    built = counts > 0
    incomplete = built & (counts * made.bars.bar_minutes < minutes)
    return {"sessions": len(rows), "built": int(built.sum()), "incomplete": int(incomplete.sum())}


def median_risk(made: SessionsResult) -> tuple[float | None, float | None]:
    """Return the medians of R and of the slippage of an entry, both of one share; None without a trade that has an R."""
    trades = [trade for trade in made.trades if trade.risk]
    if not trades:
        return None, None
    risks = statistics.median_low([trade.risk for trade in trades])
    return number(risks), number(statistics.median_low([abs(trade.fill - trade.raw) for trade in trades]))


def _session_rows(made: SessionsResult) -> Ints:
    """Return the flat indices (symbol, session) of the run's sessions in which a symbol has a bar."""
    symbols, sessions = made.bars.has_bars[:, made.first : made.end].nonzero()
    rows: Ints = symbols * len(made.bars.days) + made.first + sessions
    return rows


def _incomplete(made: SessionsResult) -> list[list[Any]]:
    """Return symbol, date and missing minutes of every opening range that lacks some."""
    dates, sessions = session_dates(made.bars), len(made.bars.days)
    found = []
    for row in _session_rows(made).tolist():
        missing = int(made.setups.minutes[row]) - int(made.setups.ranges[row, COUNT]) * made.bars.bar_minutes
        if missing > 0:
            found.append([made.bars.symbols[row // sessions], dates[row % sessions].isoformat(), missing])
    return found


def _reasons(made: SessionsResult, symbol: int | None = None) -> list[str]:
    """Return why the run's sessions are not traded, "" for those that are; of one symbol, or of all."""
    sessions = len(made.bars.days)
    chosen = range(len(made.bars.symbols)) if symbol is None else (symbol,)
    return [
        reason
        for each in chosen
        for reason in made.setups.reasons[each * sessions + made.first : each * sessions + made.end]
    ]


def _valid_rate(config: Mapping[str, Any], reasons: Sequence[str]) -> float | None:
    """Return the share of opening ranges of a valid width among those judged; None if none is judged."""
    judged = [reason for reason in reasons if reason not in _NOT_JUDGED]
    if not judged or not config["orb"]["enable_validity_filter"] or is_own(config):
        return None
    return sum(reason != "OR_INVALID" for reason in judged) / len(judged)


def _fees(made: SessionsResult) -> list[int]:
    """Return the commission of each symbol; micro-units."""
    found = np.zeros(len(made.bars.symbols), np.int64)
    if len(made.leg_rows):
        trade, fee = (made.leg_rows[:, LEG_COLUMNS.index(name)] for name in ("trade", "fee"))
        np.add.at(found, made.trade_rows[trade, 0], fee)
    fees: list[int] = found.tolist()
    return fees


def _bars_in_run(made: SessionsResult) -> int:
    """Return the number of bars in the run's sessions, history left out."""
    return int(np.diff(made.bars.first_row).reshape(len(made.bars.symbols), -1)[:, made.first : made.end].sum())


def _pnl(made: SessionsResult) -> int:
    """Return the profit of all trades; micro-units."""
    return sum(trade.pnl for trade in made.trades)


def _mean_r(fine: Sequence[int]) -> float | None:
    """Return the mean in R of FINE_R parts; None without a value."""
    return r_number(round(Fraction(sum(fine), len(fine)))) if fine else None


def _median(fine: Sequence[int]) -> int:
    """Return the median of FINE_R parts: the middle one, or the mean of the two in the middle."""
    ordered, middle = sorted(fine), len(fine) // 2
    return ordered[middle] if len(fine) % 2 else round(Fraction(ordered[middle - 1] + ordered[middle], 2))
