"""The benchmark: buy the universe once, and hold it.

ASSUME: the start balance in equal parts, one per symbol; each buys whole shares at the open of its symbol's first bar in which
it may be bought, at the costs of the run, and is cash before and for the rest. All is sold at the last closes, at those costs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from tradewinds.core.arrays import Flags, Ints
from tradewinds.engine.shares.bars import Bars
from tradewinds.engine.shares.rules import ShareRules


def buy_and_hold(bars: Bars, eligible: Flags, days: Sequence[int], rules: ShareRules) -> Ints:
    """Equity at the close of every day, in micro-units."""
    bought = [(symbol, rows.start + int(np.argmax(eligible[rows]))) for symbol, rows in _symbols(bars, eligible)]
    clock = np.array(days, np.int64)
    worth = np.full(len(days), rules.start_micro, np.int64)
    if not bought or not days:
        return worth
    whole = dataclasses.replace(rules, position_share=Fraction(1), start_micro=rules.start_micro // len(bought))
    for symbol, row in bought:
        fill = rules.buy_price(int(bars.open[row]))
        quantity = whole.affordable(fill, whole.start_micro)
        if not quantity:
            continue
        rows = bars.rows(symbol)
        at = np.searchsorted(bars.day[rows], clock, side="right") - 1
        held = clock >= bars.day[row]
        closes = bars.close[rows][np.maximum(at, 0)]
        cost = quantity * fill + rules.fee(quantity * fill)
        worth[held] += quantity * closes[held] - cost
        last = int(closes[-1])
        sold = rules.sell_price(last) * quantity
        worth[-1] += sold - rules.fee(sold) - quantity * last
    return worth


def _symbols(bars: Bars, eligible: Flags) -> list[tuple[int, slice]]:
    """Symbols that may be bought at all."""
    return [(symbol, rows) for symbol in range(len(bars.symbols)) if eligible[rows := bars.rows(symbol)].any()]
