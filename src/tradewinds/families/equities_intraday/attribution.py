"""What the trades of a run made with each factor of the score, and without it: the rows of attribution.csv."""

from __future__ import annotations

from collections.abc import Iterable

from tradewinds.core.text import amount_text
from tradewinds.core.units import MICRO, scaled
from tradewinds.engine.bar_sessions.orb_rules import FACTORS
from tradewinds.engine.bar_sessions.session_result import SessionsResult
from tradewinds.families.equities_intraday.decision_factors import REFUSED, ScoredDecisions
from tradewinds.families.equities_intraday.r_values import FINE_R, fine_columns, known, r_text

ATTRIBUTION_COLUMNS = (
    *("factor", "held", "decisions", "trades", "wins", "win_rate", "total_r", "average_r", "total_pnl"),
)


def attribution_rows(made: SessionsResult, decisions: ScoredDecisions) -> Iterable[tuple[str, ...]]:
    """Yield two rows of ATTRIBUTION_COLUMNS for each factor that is on: where it held (1), and where it did not (0).

    A rate or a mean without a trade is an empty text.

    Args:
        made: the run.
        decisions: its scored decisions.
    """
    fine, _ = fine_columns(made)
    for number, (name, on) in enumerate(zip(FACTORS, decisions.on, strict=True)):
        if not on or not len(decisions.row):
            continue
        for held in (True, False):
            chosen = decisions.trade[decisions.held(number) == held]
            trades = chosen[chosen != REFUSED].tolist()
            wins, total = (
                sum(made.trades[trade].pnl > 0 for trade in trades),
                sum(known(fine[trade] for trade in trades)),
            )
            yield (
                name,
                str(int(held)),
                str(len(chosen)),
                str(len(trades)),
                str(wins),
                r_text(scaled(wins, (MICRO, len(trades)))) if trades else "",
                _r(total),
                _r(scaled(total, (1, len(trades)))) if trades else "",
                amount_text(sum(made.trades[trade].pnl for trade in trades)),
            )


def _r(fine: int) -> str:
    """Return FINE_R parts as text of R with six decimals."""
    return r_text(scaled(fine, (MICRO, FINE_R)))
