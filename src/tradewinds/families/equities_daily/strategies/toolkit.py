"""What strategies of shares have in common: parameters with defaults, rolling windows, exact percentages.

A strategy of shares says of every bar whether it is an entry signal and how strong (`scores`), from the bars of one symbol up
to that bar; and when a position is sold (`exits`). Its module has NAME, VERSION, SUMMARY, REASON, DEFAULTS and these functions.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from tradewinds.core.arrays import Flags, Floats, Ints
from tradewinds.core.errors import ConfigError
from tradewinds.engine.shares.bars import Bars

Parameters = dict[str, Decimal]


def parameters_of(given: Mapping[str, Any] | None, defaults: Mapping[str, str], name: str) -> Parameters:
    """A strategy's parameters: those of a config over the defaults, exact decimals.

    Raises:
        ConfigError: one it does not have, or that is out of its range (names end in what they are: _bars, _days, _pct …).
    """
    found = {key: Decimal(text) for key, text in defaults.items()}
    for key, value in (given or {}).items():
        if key not in defaults:
            near = difflib.get_close_matches(key, defaults, n=1, cutoff=0.4)
            remedy = f"Did you mean {near[0]}?" if near else f"It has {', '.join(defaults)}."
            raise ConfigError(f"{name} has no parameter {key!r}.", where=f"strategy.parameters.{key}", remedy=remedy)
        found[key] = Decimal(str(value))
        whole = key.endswith(("_bars", "_days"))
        if found[key] <= 0 or (whole and found[key] % 1) or (key.endswith("_pct") and found[key] >= 100):
            kind = "a whole number above 0" if whole else "above 0" + (" and below 100" if key.endswith("_pct") else "")
            remedy = f"It must be {kind}."
            raise ConfigError(f"{value} is out of range.", where=f"strategy.parameters.{key}", remedy=remedy)
    return found


def share(percent: Decimal) -> Fraction:
    """A percentage as an exact share."""
    return Fraction(percent) / 100


def at_least(left: Ints, right: Ints, factor: Fraction) -> Flags:
    """left ≥ factor × right, exactly (micro-prices below a million and factors of six decimals stay inside 64 bits)."""
    return left * factor.denominator >= right * factor.numerator


def previous(values: Ints, back: int) -> Ints:
    """The value so many bars earlier; 0 where there is none."""
    shifted = np.zeros_like(values)
    shifted[back:] = values[: len(values) - back]
    return shifted


def sums(values: Ints, count: int) -> Ints:
    """The sum of the last `count` values, this one included; 0 for the first ones, which have no whole window."""
    total = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    found = np.zeros(len(values), np.int64)
    found[count - 1 :] = total[count:] - total[: max(len(total) - count, 0)]
    return found


def by_symbol(bars: Bars, of_one: Any) -> Floats:
    """Scores of every row: `of_one(open, high, low, close, volume)` of each symbol, one after the other."""
    scores = np.full(len(bars.day), np.nan)
    for symbol in range(len(bars.symbols)):
        rows = bars.rows(symbol)
        scores[rows] = of_one(bars.open[rows], bars.high[rows], bars.low[rows], bars.close[rows], bars.volume[rows])
    return scores
