"""Which factors of the score held at each decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tradewinds.engine.bar_sessions.orb_rules import FACTORS, ScoreRules
from tradewinds.engine.bar_sessions.session_result import SessionsResult


class ScoredDecision(NamedTuple):
    """A decision whose score was computed, with what it was made of.

    Attributes:
        row: index of its row among the breaks.
        trade: number of the trade; None if it was refused.
        holds: by name, whether each enabled factor held; None for one that is off.
        score: sum of the weights; FINE parts.
    """

    row: int
    trade: int | None
    holds: Mapping[str, bool | None]
    score: int


def scored_decisions(made: SessionsResult, rules: ScoreRules) -> list[ScoredDecision]:
    """Return the decisions of a pass whose score was computed, in their order.

    Args:
        made: the pass.
        rules: of its score.
    """
    held_by_bits: dict[int, Mapping[str, bool | None]] = {}  # few combinations, many decisions
    found, number = [], 0
    for index, (answer, score, factors) in enumerate(made.break_rows[:, 4:7].tolist()):
        trade = None if answer else number
        number += trade is not None
        if factors < 0:
            continue
        if factors not in held_by_bits:
            pairs = enumerate(zip(FACTORS, rules.on, strict=True))
            held_by_bits[factors] = {name: bool(factors >> bit & 1) if on else None for bit, (name, on) in pairs}
        found.append(ScoredDecision(index, trade, held_by_bits[factors], score))
    return found
