"""Compares the clocks of the series of each symbol in a user's files: spot with perpetual, marks with perpetual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tradewinds.core.units import MICRO
from tradewinds.families.funding_carry.fetch.candle_checks import CandleColumns
from tradewinds.families.funding_carry.fetch.candle_clocks import PricedSeries, refuse_other_clock
from tradewinds.families.funding_carry.fetch.rate_checks import RateRows, settlement_hours

LONGEST_MINUTES = 60  # longer candles of another clock are off the grid of their own length, or not seen


def refuse_wrong_clocks(
    series: Mapping[tuple[str, str], RateRows | CandleColumns],
    pairs: Sequence[tuple[str, str]],
    paths: Mapping[tuple[str, str], str],
    minutes: int,
) -> None:
    """Raise ConfigError if the series of a symbol are on different clocks.

    Args:
        series: all rows by kind and unified name, in UTC as far as their stamps say.
        pairs: the symbols with the pair of their spot leg.
        paths: a file of each series.
        minutes: length of a candle.
    """
    if minutes > LONGEST_MINUTES:
        return
    for symbol, pair in pairs:
        perp = _closes(series, ("perp", symbol), paths, f"the perpetual candles of {symbol}", minutes)
        if perp is None:
            continue
        others = (
            _closes(series, ("spot", pair), paths, f"the spot candles of {pair}", minutes),
            _closes(series, ("mark", symbol), paths, f"the mark candles of {symbol}", minutes),
        )
        for other in others:
            if other is not None:
                refuse_other_clock(other, perp, minutes)
        marks = _marks(series, symbol, paths)
        if marks is not None:
            refuse_other_clock(perp, marks, minutes)


def _closes(
    series: Mapping[tuple[str, str], RateRows | CandleColumns],
    key: tuple[str, str],
    paths: Mapping[tuple[str, str], str],
    name: str,
    minutes: int,
) -> PricedSeries | None:
    """Return the closes of a series of candles at their ends; None without any."""
    rows = series.get(key)
    if not isinstance(rows, CandleColumns):
        return None
    order = np.argsort(rows.open_us, kind="stable")
    close = rows.close[order].astype(np.float64)
    good = close > 0
    return PricedSeries(paths[key], name, rows.open_us[order][good] + minutes * 60 * MICRO, close[good])


def _marks(
    series: Mapping[tuple[str, str], RateRows | CandleColumns], symbol: str, paths: Mapping[tuple[str, str], str]
) -> PricedSeries | None:
    """Return the mark prices of a symbol's settlements; None without any."""
    rows = series.get(("funding", symbol))
    if not isinstance(rows, RateRows):
        return None
    order = np.argsort(rows.raw_us, kind="stable")
    mark = rows.mark[order].astype(np.float64)
    good = mark > 0
    name = f"the mark prices of the settlements of {symbol}"
    return PricedSeries(paths["funding", symbol], name, settlement_hours(rows.raw_us[order])[good], mark[good])
