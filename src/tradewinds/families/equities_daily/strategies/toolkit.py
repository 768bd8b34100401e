"""What the strategies of daily equities share: parameters with defaults, rolling windows, exact percentages.

A strategy is a module with these names:
    NAME: its name, as a config has it.
    REASON: its reason code in trades.csv.
    DEFAULTS: its parameters with their default values, as decimal text.
    history(parameters): number of bars that a signal needs, its own included.
    scores(bars, parameters): strength of the entry signal at the close of each bar, NaN for no signal. The score of a bar may
        depend only on bars of its own symbol up to that bar.
    exits(parameters): the rules by which a position is sold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from tradewinds.core.arrays import Flags, Floats, Ints
from tradewinds.core.errors import ConfigError
from tradewinds.core.near_names import meant
from tradewinds.engine.shares.bars import Bars

Parameters = dict[str, Decimal]
ScoreSymbol = Callable[[Ints, Ints, Ints, Ints, Ints], Floats]
"""(open, high, low, close, volume) of one symbol's bars -> score of each bar."""


def parameters_of(given: Mapping[str, Any] | None, defaults: Mapping[str, str], name: str) -> Parameters:
    """Return a strategy's parameters as exact decimals: those of a config, and defaults for the others.

    Args:
        given: `strategy.parameters` of a config.
        defaults: DEFAULTS of the strategy.
        name: the strategy's name, for the error.

    Raises:
        ConfigError: a parameter that the strategy does not have, one that is no number, or one outside its range. The end of a
            name sets the range: _bars and _days are whole numbers above 0, _pct is above 0 and below 100, any other is above 0.
    """
    found = {key: Decimal(text) for key, text in defaults.items()}
    for key, value in (given or {}).items():
        if key not in defaults:
            remedy = meant(key, defaults, f"It has {', '.join(defaults)}.")
            raise ConfigError(f"{name} has no parameter {key!r}.", where=f"strategy.parameters.{key}", remedy=remedy)
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise ConfigError(
                f"is {value!r:.60}, no number.", where=f"strategy.parameters.{key}", remedy="Give a number."
            )
        found[key] = Decimal(str(value))
        whole = is_whole(key)
        if found[key] <= 0 or (whole and found[key] % 1) or (key.endswith("_pct") and found[key] >= 100):
            kind = "a whole number above 0" if whole else "above 0" + (" and below 100" if key.endswith("_pct") else "")
            remedy = f"It must be {kind}."
            raise ConfigError(f"{value} is out of range.", where=f"strategy.parameters.{key}", remedy=remedy)
    return found


def is_whole(parameter: str) -> bool:
    """Whether a parameter of this name is a whole number."""
    return parameter.endswith(("_bars", "_days"))


def fraction_of(percent: Decimal) -> Fraction:
    """Convert a percentage to an exact fraction: 3 becomes 3/100."""
    return Fraction(percent) / 100


def at_least(left: Ints, right: Ints, factor: Fraction) -> Flags:
    """Whether left ≥ factor × right, element by element, in exact integers.

    Micro-prices below a million and factors of six decimals stay inside 64 bits.
    """
    return left * factor.denominator >= right * factor.numerator


def lagged(values: Ints, bars: int) -> Ints:
    """Shift values so that each bar has the value of `bars` bars earlier; the first `bars` ones are 0."""
    shifted = np.zeros_like(values)
    shifted[bars:] = values[: len(values) - bars]
    return shifted


def rolling_sum(values: Ints, bars: int) -> Ints:
    """Sum the last `bars` values up to each bar, its own included; 0 for the first bars, whose window is not complete."""
    total = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    sums = np.zeros(len(values), np.int64)
    sums[bars - 1 :] = total[bars:] - total[: max(len(total) - bars, 0)]
    return sums


def scores_by_symbol(bars: Bars, score_symbol: ScoreSymbol) -> Floats:
    """Score the bars of each symbol on its own.

    Args:
        bars: the bars of all symbols.
        score_symbol: called once per symbol.

    Returns:
        One score per row of `bars`.
    """
    scores = np.full(len(bars.day), np.nan)
    for symbol in range(len(bars.symbols)):
        rows = bars.rows(symbol)
        scores[rows] = score_symbol(
            bars.open[rows], bars.high[rows], bars.low[rows], bars.close[rows], bars.volume[rows]
        )
    return scores
