"""The benchmark: buy every symbol of the universe once and hold it to the end of the run.

ASSUME: the start balance is divided into equal parts, one per symbol. Each part buys whole shares at the open of the first bar
at which its symbol may be bought and an order can fill, at the costs of the run. Until then the part is cash, and its remainder
stays cash. All shares are sold at the last closes, at the same costs. That is so of a delisted symbol too: it is held at its
last close to the end and sold at it, neither sold earlier nor written off.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from tradewinds.core.arrays import Flags, Ints
from tradewinds.engine.shares.bars import Bars
from tradewinds.engine.shares.share_rules import ShareRules


def buy_and_hold(bars: Bars, eligible: Flags, days: Sequence[int], rules: ShareRules) -> Ints:
    """Return the benchmark's equity at the close of every trading day, in micro-units.

    Args:
        bars: the bars of the run.
        eligible: per row of `bars`, whether its symbol may be bought.
        days: the trading days, as day numbers in order.
        rules: costs and start balance of the run.
    """
    can_buy = eligible & bars.can_fill
    entries = [(symbol, rows.start + int(np.argmax(can_buy[rows]))) for symbol, rows in _tradable(bars, can_buy)]
    day_numbers = np.array(days, np.int64)
    equity = np.full(len(days), rules.start_micro, np.int64)
    if not entries or not days:
        return equity
    part = dataclasses.replace(rules, position_share=Fraction(1), start_micro=rules.start_micro // len(entries))
    for symbol, entry_row in entries:
        # buy with this symbol's part of the start balance
        fill_price = rules.buy_price(int(bars.open[entry_row]))
        quantity = part.affordable(fill_price, part.start_micro)
        if not quantity:
            continue
        cost = quantity * fill_price + rules.fee(quantity * fill_price)
        # value the shares at the last close up to each day
        rows = bars.rows(symbol)
        latest = np.searchsorted(bars.day[rows], day_numbers, side="right") - 1
        closes = bars.close[rows][np.maximum(latest, 0)]
        is_held = day_numbers >= bars.day[entry_row]
        equity[is_held] += quantity * closes[is_held] - cost
        # sell at the last close: replace the value by the proceeds
        last_close = int(closes[-1])
        sold = rules.sell_price(last_close) * quantity
        equity[-1] += sold - rules.fee(sold) - quantity * last_close
    return equity


def _tradable(bars: Bars, can_buy: Flags) -> list[tuple[int, slice]]:
    """Return (symbol, its rows) of every symbol that can be bought at some bar."""
    return [(symbol, rows) for symbol in range(len(bars.symbols)) if can_buy[rows := bars.rows(symbol)].any()]
