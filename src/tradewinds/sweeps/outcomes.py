"""What came out at a point of a sweep, and its figures before and after the split between in-sample and out-of-sample.

The split is 00:00 UTC of a date. Equity up to it is in-sample, equity from it on is out-of-sample; so Sharpe, Sortino and
drawdown of the first part know nothing of the second. ASSUME: a trade belongs to the part in which it was decided, with all its
P&L, though it may settle some hours after the split.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tradewinds.core.arrays import Ints
from tradewinds.core.errors import ConfigError
from tradewinds.core.text import number
from tradewinds.core.units import DAY_SECONDS
from tradewinds.engine.equity import Point
from tradewinds.engine.result import Trade
from tradewinds.results import metrics

OUT_OF_SAMPLE = 0.3  # share of the days, the last ones, that are kept from the ranking


@dataclass(frozen=True, eq=False)
class Outcome:
    """A point's run as columns: Unix seconds, micro-units, in order of time.

    `days_per_year` and `around_the_clock` are as in RunResult.
    """

    settings: dict[str, Any]
    run_id: str
    equity_ts: Ints
    equity_micro: Ints
    decision_ts: Ints
    pnl_micro: Ints
    days_per_year: int
    around_the_clock: bool

    @classmethod
    def of(
        cls,
        settings: dict[str, Any],
        run_id: str,
        equity: Sequence[Point],
        trades: Sequence[Trade],
        *,
        days_per_year: int,
        around_the_clock: bool,
    ) -> Outcome:
        """The columns of a run's result."""
        return cls(
            settings,
            run_id,
            equity_ts=np.fromiter((point.ts for point in equity), np.int64, len(equity)),
            equity_micro=np.fromiter((point.equity_micro for point in equity), np.int64, len(equity)),
            decision_ts=np.fromiter((trade.decision_ts for trade in trades), np.int64, len(trades)),
            pnl_micro=np.fromiter((trade.pnl_micro for trade in trades), np.int64, len(trades)),
            days_per_year=days_per_year,
            around_the_clock=around_the_clock,
        )


@dataclass(frozen=True)
class Part:
    """Figures of a run before or after the split, as metrics.json has them of a whole run; undefined ones are None.

    `ruined`: its equity was 0 at some point. Returns end there, so its ratios say nothing.
    """

    pnl_usd: float
    num_trades: int
    sharpe: float | None
    sortino: float | None
    max_drawdown_usd: float | None
    max_drawdown_pct: float | None
    ruined: bool


def split_date(first: dt.date, last: dt.date, wanted: dt.date | None = None, share: float = OUT_OF_SAMPLE) -> dt.date:
    """The first date that is out of sample.

    Args:
        first: first date of the config, and `last` its last one.
        wanted: the user's choice; without one, the last `share` of the dates (at least one) is out of sample.

    Raises:
        ConfigError: one of the two parts would have no date.
    """
    days = (last - first).days + 1
    split = wanted or last + dt.timedelta(days=1 - max(1, round(days * share)))
    if not first < split <= last:
        what = f"{split} does not split {first} to {last} in two."
        raise ConfigError(what, where="--split", remedy="Give the first date that is out of sample, or more dates.")
    return split


def midnight(date: dt.date) -> int:
    """00:00 UTC of a date in Unix seconds."""
    return int(dt.datetime.combine(date, dt.time(), dt.UTC).timestamp())


def parts(outcome: Outcome, split_ts: int) -> tuple[Part, Part]:
    """In-sample and out-of-sample figures."""
    before = outcome.decision_ts < split_ts
    return (
        _part(outcome, _until(outcome, split_ts), outcome.pnl_micro[before]),
        _part(outcome, _since(outcome, split_ts), outcome.pnl_micro[~before]),
    )


def in_sample_returns(outcome: Outcome, split_ts: int) -> npt.NDArray[np.float64]:
    """Daily returns before the split."""
    return _returns(*_until(outcome, split_ts), outcome.around_the_clock)


def _until(outcome: Outcome, split_ts: int) -> tuple[Ints, Ints]:
    count = np.searchsorted(outcome.equity_ts, split_ts, side="right")
    return outcome.equity_ts[:count], outcome.equity_micro[:count]


def _since(outcome: Outcome, split_ts: int) -> tuple[Ints, Ints]:
    """From the equity at the split on; nothing if the run had ended by then."""
    count = int(np.searchsorted(outcome.equity_ts, split_ts, side="right"))
    first = max(count - 1, 0) if count < len(outcome.equity_ts) else count
    return outcome.equity_ts[first:], outcome.equity_micro[first:]


def _part(outcome: Outcome, equity: tuple[Ints, Ints], pnl_micro: Ints) -> Part:
    returns = _returns(*equity, outcome.around_the_clock).tolist()
    drawdown_usd, drawdown_pct = _max_drawdown(equity[1])
    return Part(
        pnl_usd=number(int(pnl_micro.sum())),
        num_trades=len(pnl_micro),
        sharpe=metrics.sharpe(returns, outcome.days_per_year),
        sortino=metrics.sortino(returns, outcome.days_per_year),
        max_drawdown_usd=drawdown_usd,
        max_drawdown_pct=drawdown_pct,
        ruined=bool((equity[1] <= 0).any()),
    )


def _returns(ts: Ints, equity_micro: Ints, around_the_clock: bool) -> npt.NDArray[np.float64]:
    """`metrics.daily_returns` over columns, or `metrics.point_returns` where every point is a trading day's."""
    marked = ts % DAY_SECONDS == 0 if around_the_clock else np.full(len(ts), True)
    marked[:1] = marked[-1:] = True
    marks = equity_micro[marked]
    solvent = marks[:-1] > 0
    return np.asarray(marks[1:][solvent] / marks[:-1][solvent] - 1, np.float64)


def _max_drawdown(equity_micro: Ints) -> tuple[float | None, float | None]:
    """`metrics.max_drawdown` over columns."""
    if not len(equity_micro):
        return None, None
    peak = np.maximum.accumulate(equity_micro)
    fall, solvent = peak - equity_micro, peak > 0
    return number(int(fall.max())), float((fall[solvent] / peak[solvent] * 100).max(initial=0.0))
