"""The test periods of a walk-forward, one after the other, as one account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tradewinds.sweeps.outcomes import PeriodFigures, PointOutcome, whole_figures


@dataclass(frozen=True)
class Chain:
    """Test periods of several folds as one account: their results are added, each fold begins with the config's balance.

    Attributes:
        start_micro: equity at the beginning, micro-units.
        outcome: the equity curve and the trades of all folds.
        figures: of the chain.
        fold: per point of the curve, the number of the fold that moved it last.
    """

    start_micro: int
    outcome: PointOutcome
    figures: PeriodFigures
    fold: Sequence[int]

    @property
    def places(self) -> int:
        """Decimals of the amounts; 6 for micro-units."""
        return self.outcome.places

    @property
    def pnl_micro(self) -> int:
        """What the folds made together, in micro-units."""
        return int(self.outcome.pnl_micro.sum())


def chained(outcomes: Sequence[PointOutcome]) -> Chain:
    """Chain the test periods of folds, which follow one another: the changes of their equities are added, in order of time.

    Two folds may overlap for some hours, where the last results of one come after the first decision of the next.

    Args:
        outcomes: a run per fold, in order, at least one.
    """
    # One row per change of a fold's equity. A fold's own beginning changes nothing, and is kept for the first fold alone.
    begun = [one for one in outcomes if len(one.equity_ts)]
    start = int(begun[0].equity_micro[0]) if begun else 0
    number = {id(one): index for index, one in enumerate(outcomes, start=1)}
    ts = np.concatenate([np.zeros(0, np.int64), *(one.equity_ts[1:] for one in begun)])
    change = np.concatenate([np.zeros(0, np.int64), *(np.diff(one.equity_micro) for one in begun)])
    fold = np.concatenate([np.zeros(0, np.int64), *(np.full(len(o.equity_ts) - 1, number[id(o)]) for o in begun)])
    order = np.argsort(ts, kind="stable")
    ts, equity, fold = ts[order], start + np.cumsum(change[order]), fold[order]
    # The last row of each instant.
    last = np.flatnonzero(np.append(ts[1:] != ts[:-1], True)) if len(ts) else np.zeros(0, np.int64)
    head = begun[:1]
    outcome = PointOutcome(
        {},
        "",
        equity_ts=np.concatenate([*(one.equity_ts[:1] for one in head), ts[last]]).astype(np.int64),
        equity_micro=np.concatenate([*(one.equity_micro[:1] for one in head), equity[last]]).astype(np.int64),
        decision_ts=np.concatenate([one.decision_ts for one in outcomes]),
        pnl_micro=np.concatenate([one.pnl_micro for one in outcomes]),
        days_per_year=outcomes[0].days_per_year,
        around_the_clock=outcomes[0].around_the_clock,
        places=outcomes[0].places,
    )
    folds = [*(number[id(one)] for one in head), *fold[last].tolist()]
    return Chain(start, outcome, whole_figures(outcome), folds)
