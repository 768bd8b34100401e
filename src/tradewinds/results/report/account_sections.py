"""What every family's report says of the account: months, drawdowns, rolling Sharpe, and trades in another order."""

from __future__ import annotations

import datetime as dt
import math
from typing import NamedTuple

import numpy as np

from tradewinds.config import markets
from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.text import counted
from tradewinds.engine.equity import daily_rows
from tradewinds.results.report.curve import Curve
from tradewinds.results.report.drawings import MOST_POINTS, Chart, Line, chart_svg
from tradewinds.results.report.other_orders import other_orders
from tradewinds.results.report.parts import (
    Drawing,
    Panel,
    ReportPart,
    ReportTable,
    Section,
    ShadedTable,
    Text,
    shown,
)
from tradewinds.results.report.run import ReportRun

SHOWN_FALLS = 5
ROLLING_DAYS = 60  # daily returns in a rolling Sharpe ratio
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = 86_400


class Drawdown(NamedTuple):
    """A fall of the equity from a peak until it is made good; instants in Unix seconds.

    Attributes:
        peak_ts: of the highest point before it.
        bottom_ts: of its lowest point.
        recovered_ts: the first instant back at the peak; None if there is none.
        depth: below the peak, in the account's currency.
        share: of the peak.
    """

    peak_ts: int
    bottom_ts: int
    recovered_ts: int | None
    depth: float
    share: float


def account(run: ReportRun) -> Section | None:
    """Return the section on the account's months, drawdowns and rolling Sharpe, and on its trades in other orders.

    Returns:
        The section; None for a run with fewer than two points of equity or without a trade.
    """
    curve = run.curve
    if len(curve.t) < 2 or not run.metrics["num_trades"]:
        return None
    parts: list[ReportPart] = [_months(run, curve), _falls(run, curve), _rolling(run, curve), *other_orders(run)]
    return Section("account", "Months, drawdowns and chance", parts)


def monthly_returns(curve: Curve) -> dict[tuple[int, int], float]:
    """Return the change of equity over each month (UTC) in % of what it was before, by (year, month).

    Args:
        curve: at least one point. A month without a point has no change.
    """
    months = [(at.year, at.month) for at in (dt.datetime.fromtimestamp(ts, dt.UTC) for ts in curve.t.tolist())]
    last = dict(zip(months, curve.equity.tolist(), strict=True))  # the last point of each month
    found, before = dict[tuple[int, int], float](), float(curve.equity[0])
    for month, equity in last.items():
        found[month] = (equity / before - 1) * 100 if before > 0 else math.nan
        before = equity
    return found


def _months(run: ReportRun, curve: Curve) -> Panel:
    """Return the table of returns by year and month, shaded by their size."""
    found = monthly_returns(curve)
    years = sorted({year for year, _ in found})
    rows = []
    for year in years:
        own = [found.get((year, month)) for month in range(1, 13)]
        whole = math.prod(1 + value / 100 for value in own if value is not None) * 100 - 100
        rows.append((str(year), [_finite(value) for value in [*own, whole]]))
    span = max((abs(value) for _, values in rows for value in values[:12] if value is not None), default=0.0) or 1.0
    note = Text(
        "Change of equity over each month (UTC), % of the equity before it; open positions count at their last prices."
    )
    return Panel("Monthly returns, %", [ShadedTable(("year", *MONTHS, "year's return"), rows, 2, span), note])


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def drawdowns(curve: Curve) -> list[Drawdown]:
    """Return every fall from a peak that is deeper than nothing, the deepest first.

    Args:
        curve: all points.
    """
    below = curve.drawdown < 0
    edges = np.flatnonzero(np.diff(np.concatenate([[0], below.view(np.int8), [0]])))
    found = []
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        bottom = first + int(np.argmin(curve.drawdown[first:end]))
        peak = float(curve.equity[first - 1])
        depth = -float(curve.drawdown[bottom])
        back = int(curve.t[end]) if end < len(curve.t) else None
        share = depth / peak if peak > 0 else math.nan
        found.append(Drawdown(int(curve.t[first - 1]), int(curve.t[bottom]), back, depth, share))
    return sorted(found, key=lambda fall: (-fall.depth, fall.peak_ts))


def _falls(run: ReportRun, curve: Curve) -> Panel:
    """Return the table of the deepest falls."""
    found = drawdowns(curve)
    header = ("from", "lowest", "made good", f"depth, {run.currency}", "depth, %", "days down", "days in all")
    rows = [
        (
            _day(fall.peak_ts),
            _day(fall.bottom_ts),
            "not yet" if fall.recovered_ts is None else _day(fall.recovered_ts),
            shown(fall.depth, 2),
            shown(_finite(fall.share * 100), 2),
            shown((fall.bottom_ts - fall.peak_ts) / _DAY, 1),
            "—" if fall.recovered_ts is None else shown((fall.recovered_ts - fall.peak_ts) / _DAY, 1),
        )
        for fall in found[:SHOWN_FALLS]
    ]
    if not rows:
        return Panel("Deepest drawdowns", [Text("The equity never fell below an earlier point.")])
    title = (
        "Deepest drawdowns" if len(found) <= SHOWN_FALLS else f"The {SHOWN_FALLS} deepest of {len(found):,} drawdowns"
    )
    return Panel(title, [ReportTable(header, rows, "lllrrrr")])


def _day(ts: int) -> str:
    return dt.datetime.fromtimestamp(ts, dt.UTC).strftime("%Y-%m-%d")


def rolling_sharpe(returns: Floats, window: int, days_per_year: int) -> Floats:
    """Return the Sharpe ratio of each window of daily returns; not a number where they do not differ.

    Args:
        returns: daily ones, in order of time.
        window: how many of them.
        days_per_year: how many make a year.
    """
    windows = np.lib.stride_tricks.sliding_window_view(returns, window)
    mean, spread = windows.mean(axis=1), windows.std(axis=1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(spread > 1e-12, mean / spread * math.sqrt(days_per_year), np.nan)
    return found


def daily_curve(run: ReportRun, curve: Curve) -> tuple[Ints, Floats]:
    """Return the instants (Unix seconds) and equity between which daily returns are taken, as for the Sharpe ratio."""
    family = markets.family_of(run.config["market"])
    rows = daily_rows(curve.t) if family.around_the_clock else np.arange(len(curve.t))
    return curve.t[rows], curve.equity[rows]


def _rolling(run: ReportRun, curve: Curve) -> Panel:
    """Return the chart of the rolling Sharpe ratio."""
    title = f"Sharpe over {ROLLING_DAYS} days"
    t, equity = daily_curve(run, curve)
    above = equity[:-1] > 0
    returns, t = (equity[1:][above] / equity[:-1][above] - 1), t[1:][above]
    if len(returns) < ROLLING_DAYS + 1:
        few = f"The run has {counted(len(returns), 'daily return')}; a rolling Sharpe ratio takes {ROLLING_DAYS + 1}."
        return Panel(title, [Text(few)])
    family = markets.family_of(run.config["market"])
    found = rolling_sharpe(returns, ROLLING_DAYS, family.days_per_year)
    ends = t[ROLLING_DAYS - 1 :]
    kept = np.linspace(0, len(ends) - 1, min(len(ends), MOST_POINTS)).astype(np.int64)
    levels = [(0.0, "")]
    if run.metrics["sharpe"] is not None:
        levels.append((float(run.metrics["sharpe"]), f"whole run {shown(run.metrics['sharpe'], 2)}"))
    if not np.isfinite(found[kept]).any():
        return Panel(title, [Text("The returns of no window differ.")])
    drawn = Chart(ends[kept].tolist(), [Line(found[kept].tolist(), "one")], levels=levels)
    caption = (
        f"The Sharpe ratio of the {ROLLING_DAYS} daily returns before each day, a year of {family.days_per_year} days. Of "
        "so few days it is a rough figure: look for stretches below zero, not for peaks."
    )
    return Panel(title, [Drawing(title, chart_svg(drawn), caption)])
