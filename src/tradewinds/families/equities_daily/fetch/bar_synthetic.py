"""Invented daily bars: geometric Brownian motion in two regimes, calm and storm, from a seed.

A symbol's path begins in 2000 and depends on seed and symbol alone, so its years fit together and any of them can be made.
There are bars on every weekday.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from tradewinds.families.equities_daily.fetch import bar_checks
from tradewinds.families.equities_daily.fetch.bar_files import File

FIRST = dt.date(2000, 1, 3)
_TICK = 1000  # prices are multiples of a thousandth
# a regime: drift and volatility a year, chance of leaving it on a day
_REGIMES = ((0.08, 0.20, 0.01), (-0.12, 0.50, 0.03))
_DAYS = 252


def make_bars(seed: int, wanted: Sequence[File]) -> None:
    """Make files of invented bars; those that are there are left as they are (their path names the seed)."""
    last = max(year for _, year, _ in wanted)
    for symbol in sorted({symbol for symbol, _, _ in wanted}):
        table = bar_checks.judged(path(seed, symbol, bar_checks.year_end(last)))
        years = [date.year for date in table["date"].to_pylist()]
        for name, year, target in wanted:
            if name == symbol:
                end = bar_checks.year_end(year).isoformat()
                part = table.slice(years.index(year) if year in years else 0, years.count(year))
                about = {"source": "synthetic", "symbol": symbol, "year": year, "made_from": f"seed {seed}"}
                bar_checks.write_year(target, part, {**about, "covers_through": end, "asked_through": end})


def path(seed: int, symbol: str, last: dt.date) -> pa.Table:
    """A symbol's bars from FIRST to a date; low ≤ open, close ≤ high always holds."""
    rng = random.Random(f"{seed} {symbol} bars")
    regime, price, rows = 0, 2.0 * math.exp(rng.gauss(1.0, 1.0)), []
    usual = math.exp(rng.gauss(13.5, 1.0))
    day = FIRST
    while day <= last:
        if day.weekday() < 5:
            drift, volatility, leave = _REGIMES[regime]
            sigma = volatility / math.sqrt(_DAYS)
            opened = price * math.exp(rng.gauss(0, sigma / 3))
            price = opened * math.exp(drift / _DAYS - sigma * sigma / 2 + rng.gauss(0, sigma))
            high = max(opened, price) * math.exp(abs(rng.gauss(0, sigma / 3)))
            low = min(opened, price) * math.exp(-abs(rng.gauss(0, sigma / 3)))
            moved = abs(price / opened - 1) / sigma
            volume = int(usual * math.exp(rng.gauss(0, 0.4) + 0.3 * moved))
            rows.append((day, opened, high, low, price, volume))
            regime ^= rng.random() < leave
        day += dt.timedelta(days=1)
    names = ("date", "open", "high", "low", "close", "volume")
    columns: dict[str, list[Any]] = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    ticks = {name: [max(1, round(value * _TICK)) / _TICK for value in columns[name]] for name in bar_checks.PRICES}
    return pa.table(
        {
            "symbol": [symbol] * len(rows),
            "date": pa.array(columns["date"], pa.date32()),
            **ticks,
            "adj_close": pa.nulls(len(rows), pa.float64()),
            "volume": columns["volume"],
        }
    )
