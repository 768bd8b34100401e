"""The account of a strategy of shares at the close of every day, from its fills alone: computed at the end, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.engine.shares.bars import TradingDays
from tradewinds.engine.shares.share_result import EquityDays
from tradewinds.engine.shares.step_books import StepBooks

_MOST = 2**62  # of a value as a 64-bit integer; larger ones are counted as Python's integers, which are exact as well


def equity_of(market: TradingDays, start_micro: int, books: StepBooks) -> EquityDays:
    """Return cash, value and number of the positions at the close of every trading day; at the last one all are sold.

    Args:
        market: the trading days.
        start_micro: cash at the start; micro-units.
        books: of the pass.
    """
    days, (day, symbol, left, cash) = market.day_column, books.changes()
    if not day:
        nothing = np.zeros(len(days), np.int64)
        return EquityDays(days, np.full(len(days), start_micro), nothing, nothing)
    # cash: that of the last change up to each day
    when = np.searchsorted(days, day)
    known = np.array([start_micro, *cash], np.int64 if max(cash) < _MOST else object)
    value, count = _worth(market, days, *_spans(when, symbol, left, len(days)))
    return EquityDays(days, np.repeat(known, np.diff(when, prepend=0, append=len(days))), value, count)


def _spans(when: Ints, symbols: Sequence[int], left: Sequence[int], end: int) -> tuple[Ints, Ints, Ints, list[int]]:
    """Return the stretches of days at whose closes the same shares are held.

    Args:
        when: by fill, index of its day.
        symbols: by fill.
        left: by fill, the shares of its symbol that are then held.
        end: number of days. What is held up to there is sold at the last day, whose close is left out.

    Returns:
        First days, days after the last, symbols, and shares.
    """
    symbol = np.array(symbols, np.int64)
    order = np.argsort(symbol, kind="stable")
    symbol, first = symbol[order], when[order]
    after = np.append(first[1:], end - 1)
    after[:-1][symbol[1:] != symbol[:-1]] = end - 1
    held = [left[place] for place in order.tolist()]
    lasting = np.flatnonzero((np.array([bool(left) for left in held])) & (first < after))
    return first[lasting], after[lasting], symbol[lasting], [held[place] for place in lasting.tolist()]


def _worth(
    market: TradingDays, days: Ints, first: Ints, after: Ints, symbol: Ints, held: Sequence[int]
) -> tuple[np.ndarray[Any, Any], Ints]:
    """Return by day the value of all stretches at the latest close of their symbols, and how many of them there are.

    Args:
        market: the trading days.
        days: all of them.
        first: by stretch, index of its first day.
        after: by stretch, index of the day after its last.
        symbol: by stretch.
        held: by stretch, its shares.
    """
    bars, lengths = market.bars, after - first
    # each day of each stretch
    place = np.arange(lengths.sum()) + np.repeat(first - (np.cumsum(lengths) - lengths), lengths)
    # the latest row of its symbol that may be traded; rows are in order of symbol and day
    rows = np.flatnonzero(market.tradable)
    if len(bars.symbols) == 1 and len(rows) == len(days):  # one at each day
        latest = rows[place]
    else:
        base, width = int(bars.day.min()), int(bars.day.max() - bars.day.min()) + 1
        keys = bars.owner[rows] * width + bars.day[rows] - base
        wanted = np.repeat(symbol, lengths) * width + days[place] - base
        latest = rows[np.searchsorted(keys, wanted, side="right") - 1]
    closes = bars.close[latest]
    most = max(held, default=0) * int(bars.close.max()) * len(bars.symbols)
    kind = np.int64 if most < _MOST else object
    value = np.zeros(len(days), kind)
    np.add.at(value, place, np.repeat(np.array(held, kind), lengths) * closes.astype(kind))
    return value, np.bincount(place, minlength=len(days))
