"""Splits and dividends: prices in the shares of the first trading day.

A factor per bar turns a price into what the shares that one share of the run's first day has become are worth, dividends put
back into the share: a split of 2 for 1 doubles it from its ex-date on, a dividend D multiplies it by C / (C − D), C the close
before. The factor of a bar comes from actions up to its date only (and is 1 on the first trading day), so it knows no future.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.errors import ConfigError, SimulationError
from tradewinds.core.units import MICRO
from tradewinds.engine.shares.bars import Bars
from tradewinds.reference_data.csv_tables import rows_of

COLUMNS = ("symbol", "ex_date", "split_ratio", "dividend")
_EPOCH = dt.date(1970, 1, 1)


class Action(NamedTuple):
    """A split (new shares for an old one) or a dividend (money per old share), or both, from a day on."""

    day: int
    split: Decimal
    dividend: Decimal


def read_actions(path: str) -> dict[str, list[Action]]:
    """The actions of a CSV per symbol, in order of their days.

    Raises:
        ConfigError: it cannot be read; names line and column.
    """
    found: dict[str, list[Action]] = {}
    for where, row in rows_of(path, COLUMNS, "a table of actions"):
        try:
            day = (dt.date.fromisoformat(row["ex_date"]) - _EPOCH).days
            action = Action(day, Decimal(row["split_ratio"] or "1"), Decimal(row["dividend"] or "0"))
        except (ValueError, InvalidOperation, TypeError):
            remedy = "ex_date is YYYY-MM-DD; split_ratio and dividend are decimals, or empty."
            raise ConfigError("this row cannot be read.", where=where, remedy=remedy) from None
        if not (action.split.is_finite() and action.dividend.is_finite() and action.split > 0 and action.dividend >= 0):
            remedy = "A split ratio is above 0, a dividend is not below 0."
            raise ConfigError("this is no split or dividend.", where=where, remedy=remedy)
        found.setdefault(row["symbol"], []).append(action)
    return {symbol: sorted(actions) for symbol, actions in found.items()}


def adjusted(bars: Bars, price: Floats, shares: Floats, first_day: int) -> Bars:
    """Bars with prices times `price` and volumes over `shares`, both made 1 on each symbol's first day of the run."""
    base = np.ones(len(bars.day))
    counts = np.ones(len(bars.day))
    for symbol in range(len(bars.symbols)):
        rows = bars.rows(symbol)
        if rows.start < rows.stop:
            at = min(rows.start + int(np.searchsorted(bars.day[rows], first_day)), rows.stop - 1)
            base[rows], counts[rows] = price[at], shares[at]
    factor, count = price / base, shares / counts

    def of(values: Ints) -> Ints:
        return np.maximum(np.rint(values * factor), 1).astype(np.int64)

    volume = np.rint(bars.volume / count).astype(np.int64)
    opened, high, low, close = (of(values) for values in (bars.open, bars.high, bars.low, bars.close))
    return Bars(bars.symbols, bars.offsets, bars.day, opened, high, low, close, volume)


def factors_of_actions(bars: Bars, actions: dict[str, list[Action]]) -> tuple[Floats, Floats]:
    """Factors of prices and of share counts per row, from a table of actions.

    Raises:
        SimulationError: a dividend is as large as the close before it.
    """
    price, shares = np.ones(len(bars.day)), np.ones(len(bars.day))
    for symbol, name in enumerate(bars.symbols):
        rows = bars.rows(symbol)
        for action in actions.get(name, ()):
            at = rows.start + int(np.searchsorted(bars.day[rows], action.day))
            if rows.start < at < rows.stop:  # an action before the first bar or after the last one changes none of them
                before = Decimal(int(bars.close[at - 1])) / MICRO
                if action.dividend >= before:
                    what = f"{name}: a dividend of {action.dividend} on a close of {before}."
                    raise SimulationError(
                        what, where="actions", remedy="Is it per share, in the currency of the prices?"
                    )
                price[at : rows.stop] *= float(action.split * before / (before - action.dividend))
                shares[at : rows.stop] *= float(action.split)
    return price, shares
