"""Adjustment of prices for splits and dividends, forwards from the first trading day of a run.

An adjusted price is the value of what one share of the run's first trading day has become, with dividends reinvested. The
prices of each bar are multiplied by a factor. It is 1 on the first trading day. The ex-date of a split of 2 for 1 doubles it;
the ex-date of a dividend D multiplies it by C / (C − D), where C is the close before. A bar's factor depends only on actions up
to its date, so an adjusted price contains nothing that became known later.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from tradewinds.core import strict
from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.errors import ConfigError, SimulationError
from tradewinds.core.units import MICRO
from tradewinds.engine.shares.bars import Bars
from tradewinds.reference_data.csv_tables import rows_of
from tradewinds.reference_data.written_dates import REMEDY, date_as_written

COLUMNS = ("symbol", "ex_date", "split_ratio", "dividend")
LEAST_RATIO, MOST_RATIO = Decimal("0.0001"), Decimal(10_000)  # of a split: those of exchanges are within 0.001 and 1000
MOST_DIVIDEND = Decimal(10**9)  # per share
_EPOCH = dt.date(1970, 1, 1)


class CorporateAction(NamedTuple):
    """A split, a dividend, or both at once.

    Attributes:
        day: day number of the ex-date, counted from 1970-01-01.
        split: new shares per old share; 1 for no split.
        dividend: money per old share, in the currency of the prices; 0 for no dividend.
    """

    day: int
    split: Decimal
    dividend: Decimal


def read_actions(path: str) -> dict[str, list[CorporateAction]]:
    """Read the corporate actions of a CSV file with the columns COLUMNS.

    Returns:
        The actions of each symbol, in order of their days.

    Raises:
        ConfigError: the file cannot be read; names the line.
    """
    found: dict[str, list[CorporateAction]] = {}
    for where, row in rows_of(path, COLUMNS, "a table of actions"):
        try:
            day = (date_as_written(row["ex_date"]) - _EPOCH).days
            ratio, dividend = strict.decimal(row["split_ratio"] or "1"), strict.decimal(row["dividend"] or "0")
            action = CorporateAction(day, ratio, dividend)
        except ValueError:
            remedy = f"{REMEDY} split_ratio and dividend are decimals, or empty."
            raise ConfigError("this row cannot be read.", where=where, remedy=remedy) from None
        if not (LEAST_RATIO <= action.split <= MOST_RATIO and 0 <= action.dividend <= MOST_DIVIDEND):
            remedy = f"A split ratio is from {LEAST_RATIO} to {MOST_RATIO}, a dividend from 0 to {MOST_DIVIDEND}."
            raise ConfigError("this is no split or dividend.", where=where, remedy=remedy)
        found.setdefault(row["symbol"], []).append(action)
    return {symbol: sorted(actions) for symbol, actions in found.items()}


def adjusted_bars(bars: Bars, price_factors: Floats, share_factors: Floats, first_day: int) -> Bars:
    """Adjust bars: prices are multiplied by a factor, volumes divided by one.

    Both factors are scaled to be 1 at each symbol's first bar of the run. An adjusted price is at least one micro-unit, and the
    volume of a bar at which shares were traded at least one share.

    Args:
        bars: bars as they were paid.
        price_factors: factor of the prices of each row.
        share_factors: factor of the number of shares of each row.
        first_day: day number of the first day of the run.
    """
    # the factors at the first bar of the run, or at the last bar of a symbol that ends before the run
    price_base, share_base = np.ones(len(bars.day)), np.ones(len(bars.day))
    for symbol in range(len(bars.symbols)):
        rows = bars.rows(symbol)
        if rows.start < rows.stop:
            base_row = min(rows.start + int(np.searchsorted(bars.day[rows], first_day)), rows.stop - 1)
            price_base[rows], share_base[rows] = price_factors[base_row], share_factors[base_row]
    price_ratio, share_ratio = price_factors / price_base, share_factors / share_base

    def adjusted(prices: Ints) -> Ints:
        return np.maximum(np.rint(prices * price_ratio), 1).astype(np.int64)

    volume = np.maximum(np.rint(bars.volume / share_ratio), bars.volume > 0).astype(np.int64)
    return dataclasses.replace(
        bars,
        open=adjusted(bars.open),
        high=adjusted(bars.high),
        low=adjusted(bars.low),
        close=adjusted(bars.close),
        volume=volume,
    )


def adjustment_factors(bars: Bars, actions: dict[str, list[CorporateAction]]) -> tuple[Floats, Floats]:
    """Return the factor of prices and the factor of the number of shares of each row.

    Args:
        bars: bars as they were paid.
        actions: the actions of each symbol, in order of their days.

    Raises:
        SimulationError: a dividend is as large as the close before it.
    """
    prices, shares = np.ones(len(bars.day)), np.ones(len(bars.day))
    for symbol, name in enumerate(bars.symbols):
        rows = bars.rows(symbol)
        for action in actions.get(name, ()):
            ex_row = rows.start + int(np.searchsorted(bars.day[rows], action.day))
            if (
                rows.start < ex_row < rows.stop
            ):  # an action before the first bar or after the last one changes none of them
                close = Decimal(int(bars.close[ex_row - 1])) / MICRO
                if action.dividend >= close:
                    what = f"{name}: a dividend of {action.dividend} on a close of {close}."
                    remedy = "Is it per share, in the currency of the prices?"
                    raise SimulationError(what, where="actions", remedy=remedy)
                prices[ex_row : rows.stop] *= float(action.split * close / (close - action.dividend))
                shares[ex_row : rows.stop] *= float(action.split)
    return prices, shares
