"""The run of a sweep's point, and its figures before and after the split between in-sample and out-of-sample.

The split is 00:00 UTC of a date. Equity up to it is in-sample, equity from it on is out-of-sample. So Sharpe, Sortino and
drawdown of the first period depend on nothing in the second. ASSUME: a trade belongs to the period in which it was decided,
with all its P&L, though it may settle some hours after the split.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tradewinds.core.arrays import Ints
from tradewinds.core.errors import ConfigError
from tradewinds.core.text import number
from tradewinds.engine.equity import daily_rows
from tradewinds.results import metrics

OUT_OF_SAMPLE = 0.3  # share of the days, the last ones, that the ranking does not use


@dataclass(frozen=True, eq=False)
class PointOutcome:
    """The run of a point as columns in order of time.

    Attributes:
        settings: the values that the sweep set, by dotted key.
        run_id: the run's id.
        equity_ts: instants of the equity curve, Unix seconds.
        equity_micro: equity at these instants, micro-units of the account's currency.
        decision_ts: when each trade was decided, Unix seconds.
        pnl_micro: P&L of each trade, micro-units.
        days_per_year: as in RunResult.
        around_the_clock: as in RunResult.
        places: decimals of the amounts; 6 for micro-units.
        earns_while_held: as in Summary.
    """

    settings: dict[str, Any]
    run_id: str
    equity_ts: Ints
    equity_micro: Ints
    decision_ts: Ints
    pnl_micro: Ints
    days_per_year: int
    around_the_clock: bool
    places: int = 6
    earns_while_held: bool = False


@dataclass(frozen=True)
class FailedPoint:
    """A point whose run fails, or that is no config and is not run.

    Attributes:
        settings: the values that the sweep set, by dotted key.
        run_id: the id that the run would have; "" for a point that is not run.
        reason: the message of its error, one paragraph.
    """

    settings: dict[str, Any]
    run_id: str
    reason: str


@dataclass(frozen=True)
class PeriodFigures:
    """Figures of a run before or after the split; None where undefined.

    They are defined as those of metrics.json of a whole run. Amounts are in the account's
    currency, though their names end in _usd.

    Attributes:
        pnl_usd: the sum of the trades' P&L, or the change of equity if trades earn while they are held.
        num_trades: how many trades were decided.
        sharpe: annualised Sharpe ratio.
        sortino: annualised Sortino ratio.
        max_drawdown_usd: largest fall of equity from a peak.
        max_drawdown_pct: largest fall in per cent of its peak.
        ruined: equity was 0 or below at some point; returns end there, so the ratios mean nothing.
    """

    pnl_usd: float
    num_trades: int
    sharpe: float | None
    sortino: float | None
    max_drawdown_usd: float | None
    max_drawdown_pct: float | None
    ruined: bool


def split_date(first: dt.date, last: dt.date, wanted: dt.date | None = None, share: float = OUT_OF_SAMPLE) -> dt.date:
    """Return the first date that is out of sample.

    Args:
        first: first date of the config.
        last: last date of the config.
        wanted: the user's choice; None for the last `share` of the dates.
        share: of the dates that is out of sample, at least one date.

    Raises:
        ConfigError: one of the two periods would have no date.
    """
    days = (last - first).days + 1
    split = wanted or last + dt.timedelta(days=1 - max(1, round(days * share)))
    if not first < split <= last:
        what = f"{split} does not split {first} to {last} in two."
        raise ConfigError(what, where="--split", remedy="Give the first date that is out of sample, or more dates.")
    return split


def midnight(date: dt.date) -> int:
    """Return 00:00 UTC of a date in Unix seconds."""
    return int(dt.datetime.combine(date, dt.time(), dt.UTC).timestamp())


def period_figures(outcome: PointOutcome, split_ts: int) -> tuple[PeriodFigures, PeriodFigures]:
    """Return the figures before and after an instant, in Unix seconds."""
    before = outcome.decision_ts < split_ts
    until, since = _until(outcome, split_ts), _since(outcome, split_ts)
    parts = _part(outcome, until, outcome.pnl_micro[before]), _part(outcome, since, outcome.pnl_micro[~before])
    if not outcome.earns_while_held:
        return parts
    # what a trade earned after the split is not known before it
    return _with_change(parts[0], until[1], outcome.places), _with_change(parts[1], since[1], outcome.places)


def whole_figures(outcome: PointOutcome) -> PeriodFigures:
    """Return the figures of a whole run."""
    return _part(outcome, (outcome.equity_ts, outcome.equity_micro), outcome.pnl_micro)


def figures_known(outcome: PointOutcome, until_ts: int) -> PeriodFigures:
    """Return the figures of a run as far as they are known at an instant, in Unix seconds.

    The P&L is the change of equity, since a trade that was decided by then may settle later, with a result that was not known.
    """
    equity = _until(outcome, until_ts)
    decided = outcome.pnl_micro[outcome.decision_ts < until_ts]
    return _with_change(_part(outcome, equity, decided), equity[1], outcome.places)


def in_sample_returns(outcome: PointOutcome, split_ts: int) -> npt.NDArray[np.float64]:
    """Return the daily returns before an instant, in Unix seconds."""
    return _returns(*_until(outcome, split_ts), outcome.around_the_clock)


def _with_change(figures: PeriodFigures, equity_micro: Ints, places: int) -> PeriodFigures:
    """Return figures with the change of equity as their P&L."""
    change = int(equity_micro[-1] - equity_micro[0]) if len(equity_micro) else 0
    return dataclasses.replace(figures, pnl_usd=number(change, places))


def _until(outcome: PointOutcome, split_ts: int) -> tuple[Ints, Ints]:
    """The equity curve up to the split: instants and equity."""
    count = np.searchsorted(outcome.equity_ts, split_ts, side="right")
    return outcome.equity_ts[:count], outcome.equity_micro[:count]


def _since(outcome: PointOutcome, split_ts: int) -> tuple[Ints, Ints]:
    """The equity curve from the split on, with the equity at the split; empty if the run had ended by then."""
    count = int(np.searchsorted(outcome.equity_ts, split_ts, side="right"))
    first = max(count - 1, 0) if count < len(outcome.equity_ts) else count
    return outcome.equity_ts[first:], outcome.equity_micro[first:]


def _part(outcome: PointOutcome, equity: tuple[Ints, Ints], pnl_micro: Ints) -> PeriodFigures:
    """Figures of one period.

    Args:
        outcome: the run.
        equity: the period's equity curve: instants and equity.
        pnl_micro: P&L of the trades that were decided in it.
    """
    returns = _returns(*equity, outcome.around_the_clock).tolist()
    drawdown_usd, drawdown_pct = _max_drawdown(equity[1], outcome.places)
    return PeriodFigures(
        pnl_usd=number(int(pnl_micro.sum()), outcome.places),
        num_trades=len(pnl_micro),
        sharpe=metrics.sharpe(returns, outcome.days_per_year),
        sortino=metrics.sortino(returns, outcome.days_per_year),
        max_drawdown_usd=drawdown_usd,
        max_drawdown_pct=drawdown_pct,
        ruined=bool((equity[1] <= 0).any()),
    )


def _returns(ts: Ints, equity_micro: Ints, around_the_clock: bool) -> npt.NDArray[np.float64]:
    """The same as `metrics.daily_returns` (around the clock) or `metrics.point_returns`, from columns."""
    marks = equity_micro[daily_rows(ts)] if around_the_clock else equity_micro
    solvent = marks[:-1] > 0
    return np.asarray(marks[1:][solvent] / marks[:-1][solvent] - 1, np.float64)


def _max_drawdown(equity_micro: Ints, places: int) -> tuple[float | None, float | None]:
    """The same as `metrics.max_drawdown`, from a column."""
    if not len(equity_micro):
        return None, None
    peak = np.maximum.accumulate(equity_micro)
    fall, solvent = peak - equity_micro, peak > 0
    return number(int(fall.max()), places), float((fall[solvent] / peak[solvent] * 100).max(initial=0.0))
