"""A ranked sweep in plain sentences: which point is best, whether that may be luck, and how it did after the split."""

from __future__ import annotations

import math

from tradewinds.core.text import counted
from tradewinds.sweeps.keys import label
from tradewinds.sweeps.outcomes import PeriodFigures
from tradewinds.sweeps.ranking import Luck, Ranking

USUAL_BAR = 0.95  # the probability from which on luck is usually ruled out

METRIC_NAMES = {"sharpe": "Sharpe ratio", "sortino": "Sortino ratio", "pnl": "P&L", "drawdown": "largest drawdown in %"}


def verdict(ranking: Ranking, currency: str) -> str:
    """Return a paragraph on a ranked sweep.

    Args:
        ranking: the ranked points.
        currency: of the account.
    """
    first, tried = ranking.rows[0], len(ranking.rows)
    after = first.out_of_sample
    sentences = [
        f"{counted(tried, 'configuration', 'was', 'were')} tried. The best by {METRIC_NAMES[ranking.by]} before "
        f"{ranking.split} is {label(first.settings)}.",
        *_luck(ranking.luck, tried),
        f"Out of sample, from {ranking.split} on, its P&L was {after.pnl_usd:,.2f} {currency} in "
        f"{counted(after.num_trades, 'trade')}"
        f"{_sharpe(after)}{_place(ranking)}.",
    ]
    if failed := sum(bool(point.run_id) for point in ranking.failed):
        sentences.append(f"{failed:,} more {'fails and has' if failed == 1 else 'fail and have'} no rank.")
    if left_out := sum(not point.run_id for point in ranking.failed):
        sentences.append(f"{left_out:,} of the grid {'is' if left_out == 1 else 'are'} no config and not run.")
    if ranking.correlation is not None:
        sentences.append(
            f"The rank correlation of the {METRIC_NAMES[ranking.by]} before and after the split is {ranking.correlation:.2f} "
            "(1: the same order; about 0 or below: the order before the split was chance)."
        )
    return " ".join(sentences)


def _luck(found: Luck, tried: int) -> list[str]:
    """Sentences on whether the best point may be luck; `tried` is the number of points."""
    if found.sharpe is None:
        return [
            "It has no in-sample Sharpe ratio (too few daily returns, or none that differ): whether it is luck is unknown."
        ]
    different = (
        f" ({tried - found.trials:,} more gave no Sharpe ratio or the same returns)" if found.trials < tried else ""
    )
    worthless = f"the best of {found.trials:,} worthless strategies" if found.trials > 1 else "a worthless strategy"
    sentences = [
        f"Its in-sample Sharpe ratio is {found.sharpe:.2f}, from {found.observations:,} daily returns; {worthless}{different} "
        f"would be expected to show {found.expected_best:.2f}."
    ]
    if found.probability is None:
        return [*sentences, "Its returns take only two values: how likely it is to be luck cannot be said."]
    bar = "" if found.probability >= USUAL_BAR else f", which is below the usual {USUAL_BAR * 100:.0f} %"
    return [
        *sentences,
        f"The probability that it is not luck is {_percent(found.probability)} (deflated Sharpe ratio){bar}.",
    ]


def _sharpe(part: PeriodFigures) -> str:
    """The Sharpe ratio as the end of a clause; "" without one."""
    return "" if part.sharpe is None else f", with a Sharpe ratio of {part.sharpe:.2f}"


def _place(ranking: Ranking) -> str:
    """The best point's rank after the split as the end of a sentence; "" if it has none, or is the only one."""
    place = ranking.out_of_sample_rank(ranking.rows[0])
    if place is None or place[1] < 2:
        return ""
    return f"; by {METRIC_NAMES[ranking.by]} it was number {place[0]:,} of {place[1]:,} there"


def _percent(share: float) -> str:
    """A probability in per cent, never as a certainty and never rounded up: 0.9996 is more than 99 %, 0.947 is 94 %."""
    return "more than 99 %" if share > 0.99 else "less than 1 %" if share < 0.01 else f"{math.floor(share * 100)} %"
