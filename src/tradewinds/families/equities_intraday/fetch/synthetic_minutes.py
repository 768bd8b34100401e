"""Synthetic minute bars from a seed: each session of the exchange's own calendar, different for each symbol.

A session depends on seed, symbol and date alone, so any month can be made on its own. Prices look like those of a share: large
moves and volume at open and close, small ones at noon, ticks of a hundredth.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewinds.core.arrays import Floats
from tradewinds.core.units import CENT, MICRO
from tradewinds.families.equities_intraday.fetch.minute_checks import MinuteRows
from tradewinds.families.equities_intraday.fetch.user_minutes import write_months
from tradewinds.families.plan import month_end
from tradewinds.reference_data.exchange_calendar import ExchangeCalendar, calendar_of

if TYPE_CHECKING:
    from tradewinds.families.equities_intraday.plan import MonthFile

FORMAT = 1  # version of the prices; another number makes all files again


def make_minutes(conf: Mapping[str, Any], targets: Sequence[MonthFile]) -> None:
    """Make files of synthetic bars, one per symbol and month.

    Args:
        conf: a resolved config.
        targets: the files to make.
    """
    calendar = calendar_of(conf["calendar"], conf["date_end_local"])
    about = {"source": "synthetic", "made_from": f"seed {conf['seed']}, format {FORMAT}", "calendar": calendar.code}
    for symbol in sorted({target.symbol for target in targets}):
        months = [target for target in targets if target.symbol == symbol]
        rows = bars_of_symbol(
            conf["seed"], symbol, calendar, [target.month for target in months], conf["bars"]["minutes"]
        )
        write_months(rows, calendar, conf["bars"]["minutes"], months, about)


def bars_of_symbol(
    seed: int, symbol: str, calendar: ExchangeCalendar, months: Sequence[str], minutes: int
) -> MinuteRows:
    """Make a symbol's bars of some months.

    Args:
        seed: seed of the random numbers.
        symbol: the symbol.
        calendar: the exchange's sessions.
        months: such as 2024-03, in order.
        minutes: length of a bar.
    """
    import datetime as dt

    indices: list[int] = []
    for month in months:
        first = dt.date(int(month[:4]), int(month[5:]), 1)
        span = calendar.between(first, month_end(first.year, first.month))
        indices += range(span.start, span.stop)
    columns = [_session(seed, symbol, calendar, index, minutes) for index in indices]
    count = sum(len(ts) for ts, _, _ in columns)
    ts = np.concatenate([np.zeros(0, np.int64), *(ts for ts, _, _ in columns)])
    prices = np.concatenate([np.zeros((4, 0), np.int64), *(prices for _, prices, _ in columns)], axis=1)
    volume = np.concatenate([np.zeros(0, np.int64), *(volume for _, _, volume in columns)])
    named = dict(zip(("open", "high", "low", "close"), np.ascontiguousarray(prices), strict=True))
    return MinuteRows((symbol,), np.zeros(count, np.int32), ts, named, volume)


def _session(seed: int, symbol: str, calendar: ExchangeCalendar, index: int, minutes: int) -> tuple[Any, Any, Any]:
    """Make one session: its time stamps, its prices as rows (open, high, low, close), and its volumes."""
    opens, closes = int(calendar.open_ts[index]), int(calendar.close_ts[index])
    count = (closes - opens) // (60 * minutes)
    rng = np.random.Generator(np.random.PCG64(_seed_of(f"{seed} {symbol} {int(calendar.day[index])} minutes")))
    level, daily_volatility, usual_volume = _character(seed, symbol)
    level *= _drift(seed, symbol, int(calendar.day[index]))
    # a U over the session: the first and the last minutes move and trade most
    place = (np.arange(count) + 0.5) / count
    shape = 0.6 + 1.6 * np.exp(-place * 8) + 0.8 * np.exp(-(1 - place) * 12)
    shape /= math.sqrt(float((shape**2).mean()))
    wildness = math.exp(rng.normal(0, 0.35))
    sigma = daily_volatility * wildness / math.sqrt(count) * shape
    trend = rng.normal(0, 0.6) * daily_volatility / count
    # the close of each minute, its open near the close before, and the ends of its bar
    steps = rng.normal(0, 1, count) * sigma + trend
    close = level * np.exp(np.cumsum(steps))
    before = np.concatenate([[level], close[:-1]])
    opened = before * np.exp(rng.normal(0, 0.1, count) * sigma)
    opened[0] = level
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, 0.5, count)) * sigma)
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, 0.5, count)) * sigma)
    ticks = np.maximum(1, np.rint(np.stack([opened, high, low, close]) * (MICRO // CENT))).astype(np.int64)
    moved = np.abs(steps) / sigma
    volume = usual_volume / count * shape**2 * np.exp(rng.normal(0, 0.4, count) + 0.3 * moved)
    ts = (opens + 60 * minutes * np.arange(count, dtype=np.int64)) * MICRO
    return ts, ticks * CENT, np.maximum(1, volume).astype(np.int64)


def _character(seed: int, symbol: str) -> tuple[float, float, float]:
    """Return a symbol's usual price, volatility of a day and volume of a day."""
    rng = np.random.Generator(np.random.PCG64(_seed_of(f"{seed} {symbol} character")))
    return 100 * math.exp(rng.normal(0, 0.7)), 0.012 * math.exp(rng.normal(0, 0.3)), 3e6 * math.exp(rng.normal(0, 0.8))


def _drift(seed: int, symbol: str, day: int) -> float:
    """Return the price of a day against the usual one: waves of weeks and years with a gap each night."""
    rng = np.random.Generator(np.random.PCG64(_seed_of(f"{seed} {symbol} waves")))
    phases: Floats = rng.uniform(0, 2 * math.pi, 3)
    waves = sum(
        size * math.sin(2 * math.pi * day / length + phase)
        for size, length, phase in zip((0.25, 0.08, 0.03), (900.0, 170.0, 23.0), phases.tolist(), strict=True)
    )
    night = np.random.Generator(np.random.PCG64(_seed_of(f"{seed} {symbol} {day} night"))).normal(0, 0.004)
    return math.exp(waves + night)


def _seed_of(text: str) -> int:
    """Return a seed from a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16])
