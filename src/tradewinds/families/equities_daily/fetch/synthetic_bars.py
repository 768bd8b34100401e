"""Synthetic daily bars from a seed: geometric Brownian motion in two regimes, calm and storm.

A symbol's path begins in 2000 and depends on seed and symbol alone: any year can be made on its own, and it fits the year
before. Every weekday has a bar.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from tradewinds.families.equities_daily.fetch import bar_checks
from tradewinds.families.equities_daily.fetch.user_bars import BarTarget
from tradewinds.families.equities_daily.schemas import PRICE_COLUMNS

FIRST = dt.date(2000, 1, 3)
_TICKS = 1000  # prices are multiples of 1/1000
_DAYS_PER_YEAR = 252


class _Regime(NamedTuple):
    """A state of the market: drift and volatility per year, and the probability of leaving it on a day."""

    drift: float
    volatility: float
    leave: float


_REGIMES = (_Regime(drift=0.08, volatility=0.20, leave=0.01), _Regime(drift=-0.12, volatility=0.50, leave=0.03))


def make_bars(seed: int, targets: Sequence[BarTarget]) -> None:
    """Make files of synthetic bars, one per symbol and year.

    Args:
        seed: seed of the random numbers.
        targets: the files to make.
    """
    last_year = max(year for _, year, _ in targets)
    for symbol in sorted({symbol for symbol, _, _ in targets}):
        table = bar_checks.judged(bars_of_symbol(seed, symbol, bar_checks.year_end(last_year)))
        years = [date.year for date in table["date"].to_pylist()]
        for name, year, target_path in targets:
            if name == symbol:
                end = bar_checks.year_end(year).isoformat()
                part = table.slice(years.index(year) if year in years else 0, years.count(year))
                about = {"source": "synthetic", "symbol": symbol, "year": year, "made_from": f"seed {seed}"}
                bar_checks.write_year(target_path, part, {**about, "covers_through": end, "asked_through": end})


def bars_of_symbol(seed: int, symbol: str, last: dt.date) -> pa.Table:
    """Make a symbol's bars from FIRST to `last`.

    Returns:
        Columns symbol, date, open, high, low, close, adj_close (all null) and volume. Prices are floats with
        low ≤ open ≤ high and low ≤ close ≤ high.
    """
    rng = random.Random(f"{seed} {symbol} bars")
    # the start: calm, with a first price and a usual volume that differ by symbol
    regime, price, rows = 0, 2.0 * math.exp(rng.gauss(1.0, 1.0)), []
    usual_volume = math.exp(rng.gauss(13.5, 1.0))
    day = FIRST
    while day <= last:
        if day.weekday() < 5:
            current = _REGIMES[regime]
            sigma = current.volatility / math.sqrt(_DAYS_PER_YEAR)
            # overnight a third of the day's volatility, then the day itself
            opened = price * math.exp(rng.gauss(0, sigma / 3))
            price = opened * math.exp(current.drift / _DAYS_PER_YEAR - sigma * sigma / 2 + rng.gauss(0, sigma))
            high = max(opened, price) * math.exp(abs(rng.gauss(0, sigma / 3)))
            low = min(opened, price) * math.exp(-abs(rng.gauss(0, sigma / 3)))
            # large moves have large volumes
            move = abs(price / opened - 1) / sigma
            volume = int(usual_volume * math.exp(rng.gauss(0, 0.4) + 0.3 * move))
            rows.append((day, opened, high, low, price, volume))
            regime ^= rng.random() < current.leave
        day += dt.timedelta(days=1)
    # columns, prices rounded to ticks and never 0
    dates, *prices, volumes = zip(*rows, strict=True) if rows else [[] for _ in range(6)]
    ticks = {
        name: [max(1, round(value * _TICKS)) / _TICKS for value in values]
        for name, values in zip(PRICE_COLUMNS, prices, strict=True)
    }
    return pa.table(
        {
            "symbol": [symbol] * len(rows),
            "date": pa.array(dates, pa.date32()),
            **ticks,
            "adj_close": pa.nulls(len(rows), pa.float64()),
            "volume": volumes,
        }
    )
