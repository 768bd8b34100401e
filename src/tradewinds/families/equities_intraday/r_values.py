"""Results in R: multiples of the risk at the entry, as integers, and as text with six decimals.

The R of one trade is the exact fraction profit / (risk of a share x shares). Sums over trades are of integers of FINE_R parts
of an R, each rounded half to even: fractions of thousands of denominators could not be added in a reasonable time. Six decimals
of such a sum are those of the exact one, unless that lies within 10^-24 of the middle between two of them.

A trade without a stop has no R (its risk is 0): it counts in no sum of R, and its own R is None, or an empty text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.units import MICRO, scaled
from tradewinds.engine.bar_sessions.orb_rules import FINE
from tradewinds.engine.bar_sessions.session_result import TRADE_COLUMNS, SessionsResult

FINE_R = 10**30  # parts of an R that sums are made of

_PNL, _GROSS, _RISK, _SHARES = (TRADE_COLUMNS.index(name) for name in ("pnl", "gross", "risk", "shares"))


def fine_r(amount: int, risk: int, shares: int) -> int | None:
    """Return a profit in FINE_R parts of an R; None without a risk.

    Args:
        amount: the profit; micro-units.
        risk: R of a share; micro-units, 0: there is none.
        shares: of the trade.
    """
    return scaled(amount, (FINE_R, risk * shares)) if risk else None


def fine_columns(made: SessionsResult) -> tuple[list[int | None], list[int | None]]:
    """Return of every trade its R after costs and its R from raw prices, in FINE_R parts; None for one without a stop."""
    columns = made.trade_rows[:, [_PNL, _GROSS, _RISK, _SHARES]].tolist()
    net = [fine_r(pnl, risk, shares) for pnl, _, risk, shares in columns]
    return net, [fine_r(gross, risk, shares) for _, gross, risk, shares in columns]


def known(fine: Iterable[int | None]) -> list[int]:
    """Return the R of the trades that have one."""
    return [value for value in fine if value is not None]


def summed(fine: Sequence[int | None]) -> int | None:
    """Return the sum of R over the trades that have one; None if there are trades and none has."""
    found = known(fine)
    return sum(found) if found or not fine else None


def total_r(made: SessionsResult) -> float | None:
    """Return the sum of R after costs over all trades that have one, with six decimals; None if there are only others."""
    return number_or_none(summed(fine_columns(made)[0]))


def number_or_none(fine: int | None) -> float | None:
    """Return FINE_R parts as the float of six decimals; None stays None."""
    return None if fine is None else r_number(fine)


def r_number(fine: int) -> float:
    """Return FINE_R parts as the float of six decimals."""
    return float(Decimal(scaled(fine, (MICRO, FINE_R))) / MICRO)


def r_text(micro: int) -> str:
    """Return millionths as text with six decimals: "-1.061538"."""
    whole, rest = divmod(abs(micro), MICRO)
    return f"{'-' if micro < 0 else ''}{whole}.{rest:06d}"


def trade_r_text(amount: int, risk: int, shares: int = 1) -> str:
    """Return an amount as text of R with six decimals, rounded half to even, "" without a risk; arguments as for `fine_r`."""
    return r_text(scaled(amount, (MICRO, risk * shares))) if risk else ""


def score_text(score: int) -> str:
    """Return FINE parts as a decimal without trailing zeros."""
    return f"{Decimal(score) / FINE:f}"


def drawdown(fine: Sequence[int]) -> int:
    """Return the largest fall of the running sum below its highest value so far, which is at least 0.

    Args:
        fine: R by trade, in order of exits; FINE_R parts.
    """
    total = peak = deepest = 0
    for value in fine:
        total += value
        peak = max(peak, total)
        deepest = max(deepest, peak - total)
    return deepest


def longest_streak(fine: Sequence[int], sign: int) -> int:
    """Return the most trades in a row of one sign.

    Args:
        fine: profit by trade, in order of exits, in any unit.
        sign: 1 for gains, -1 for losses.
    """
    longest = run = 0
    for value in fine:
        run = run + 1 if value * sign > 0 else 0
        longest = max(longest, run)
    return longest


def exit_order(made: SessionsResult) -> Ints:
    """Return the numbers of the trades in order of exits; those of one instant by symbol, then in order of entries."""
    symbol, exit_ts = (made.trade_rows[:, TRADE_COLUMNS.index(name)] for name in ("symbol", "exit_ts"))
    return np.lexsort((symbol, exit_ts))
