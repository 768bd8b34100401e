"""Which factors of the score held at each decision."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Flags, Ints
from tradewinds.engine.bar_sessions.orb_rules import ScoreRules
from tradewinds.engine.bar_sessions.session_result import BREAK_COLUMNS, SessionsResult

REFUSED = -1  # in place of the number of a trade
_ANSWER, _SCORE, _FACTORS = (BREAK_COLUMNS.index(name) for name in ("answer", "score", "factors"))


class ScoredDecisions(NamedTuple):
    """The decisions of a pass whose score was computed, in their order, with what it was made of.

    Attributes:
        row: by decision: index of its row among the breaks.
        trade: by decision: number of the trade; REFUSED for none.
        factors: by decision: a bit for each of orb_rules.FACTORS that held.
        score: by decision: sum of the weights; FINE parts.
        on: by factor: whether it is enabled.
    """

    row: Ints
    trade: Ints
    factors: Ints
    score: Ints
    on: tuple[bool, ...]

    def held(self, factor: int) -> Flags:
        """Return of each decision whether a factor, by its number, held."""
        found: Flags = (self.factors >> factor & 1).astype(np.bool_)
        return found


def scored_decisions(made: SessionsResult, rules: ScoreRules) -> ScoredDecisions:
    """Return the decisions of a pass whose score was computed.

    Args:
        made: the pass.
        rules: of its score.
    """
    breaks = made.break_rows
    filled = breaks[:, _ANSWER] == 0
    trade = np.where(filled, np.cumsum(filled) - 1, REFUSED)
    row = np.flatnonzero(breaks[:, _FACTORS] >= 0)
    return ScoredDecisions(row, trade[row], breaks[row, _FACTORS], breaks[row, _SCORE], tuple(map(bool, rules.on)))
