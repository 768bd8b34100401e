"""Synthetic funding rates and candles from a seed: integers only, different for each symbol.

A month depends on seed, symbol, month and length of a candle alone, so that months can be made in any order. Each month has a
first price; within the month the coin's price is a walk in ticks that ends at the first price of the next month. The
perpetual's price is the coin's and a basis that follows funding.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.units import MICRO
from tradewinds.families.funding_carry.fetch.candle_checks import CandleColumns, checked_candle_rows
from tradewinds.families.funding_carry.fetch.perp_files import covers_through, is_made_from, touch, write_month
from tradewinds.families.funding_carry.fetch.rate_checks import HOUR, RateRows, checked_rate_rows, month_bounds
from tradewinds.families.funding_carry.instruments import spot_multiplier_of

if TYPE_CHECKING:
    from tradewinds.families.funding_carry.plan import PerpMonth

FORMAT = 1  # version of the records; another number makes all files again
INTERVAL = 8 * HOUR  # between settlements
RESTING_RATE = 100_000_000  # 0.0001; RATE_UNIT in one
TICK = 10**4  # of prices: 0.0001; UNIT in one
STEPS_TO_TICKS = 10**4  # a price has so many ticks, or more, so that a step of one is a hundredth of a percent
FIRST_YEAR = 1970  # months are counted from here


class _Coin(NamedTuple):
    """What is the same in all months of a symbol.

    Attributes:
        key: of its random numbers.
        price: usual price; ticks.
        volume: usual volume of an hour; whole coins.
    """

    key: int
    price: int
    volume: int


class _Month(NamedTuple):
    """The prices of one month; ticks.

    Attributes:
        openings: of its candles; microseconds since 1970.
        spot: price of the coin at each opening and at the end of the last candle.
        basis: price of the perpetual above that, at the same instants.
    """

    openings: Ints
    spot: Ints
    basis: Ints


def make_perps(conf: Mapping[str, Any], targets: Sequence[PerpMonth]) -> None:
    """Make files of synthetic records, one per symbol, month and kind.

    Args:
        conf: a resolved config.
        targets: the files to make; one that is there and was made in the same way stays as it is.
    """
    minutes = conf["data"]["candle_minutes"]
    for target in targets:
        multiplier = spot_multiplier_of(conf, target.symbol) if target.kind == "spot" else 1
        made_from = f"seed {conf['seed']}, format {FORMAT}, multiplier {multiplier}"
        if is_made_from(target.path, made_from):
            touch(target.path)
            continue
        coin = _coin_of(conf["seed"], target.symbol)
        if target.kind == "funding":
            table, quarantined = checked_rate_rows(target.series, rates_of(coin, target.month), target.month)
        else:
            rows = candles_of(coin, target.month, target.kind, minutes, multiplier)
            table, quarantined = checked_candle_rows(target.series, rows, target.month, minutes)
        about = {
            "source": "synthetic",
            "made_from": made_from,
            "symbol": target.symbol,
            "series": target.series,
            "kind": target.kind,
            "month": target.month,
            **covers_through(target.month),
        }
        write_month(target.path, table, Counter(quarantined), about)


def rates_of(coin: _Coin, month: str) -> RateRows:
    """Return a month's settlements of a synthetic perpetual.

    The rate rests at 0.0001 most of the time, and is raised or lowered for clusters of some days.

    Args:
        coin: the symbol's constants (`_coin_of`).
        month: such as 2024-03.
    """
    first, end = month_bounds(month)
    stamps = np.arange(first, end, INTERVAL, dtype=np.int64)
    rate = _rates_at(coin, stamps)
    jitter = _dice(coin.key, 3, stamps) % 32 * 1000  # milliseconds
    none = np.zeros(len(stamps), np.int64)
    return RateRows(stamps + jitter.astype(np.int64), rate, none, none)


def candles_of(coin: _Coin, month: str, kind: str, minutes: int, multiplier: int = 1) -> CandleColumns:
    """Return a month's candles of a synthetic series.

    Args:
        coin: the symbol's constants (`_coin_of`).
        month: such as 2024-03.
        kind: spot, perp or mark.
        minutes: length of a candle.
        multiplier: coins of the spot pair in one unit of the perpetual: prices of the pair are so much lower.
    """
    walk = _month_of(coin, month, minutes)
    price = walk.spot + (0 if kind == "spot" else walk.basis)
    opened, closed = price[:-1], price[1:]
    # the ends of a candle lie up to 16 hundredths of a percent beyond its prices
    salt = {"spot": 4, "perp": 6, "mark": 8}[kind]
    reach = [
        1 + opened // STEPS_TO_TICKS * (_dice(coin.key, salt + n, walk.openings) % 16).astype(np.int64) for n in (0, 1)
    ]
    high = np.maximum(opened, closed) + reach[0]
    low = np.maximum(1, np.minimum(opened, closed) - reach[1])
    usual = coin.volume * 10**8 * minutes // 60
    volume = usual // 64 * (16 + (_dice(coin.key, 20 + salt, walk.openings) % 97).astype(np.int64))
    if kind == "mark":
        volume = np.zeros(len(opened), np.int64)
    opened, high, low, closed = (ticks * TICK // multiplier for ticks in (opened, high, low, closed))
    return CandleColumns(walk.openings, opened, high, low, closed, volume * multiplier)


def _coin_of(seed: int, symbol: str) -> _Coin:
    """Return the constants of a symbol."""
    key = int.from_bytes(hashlib.sha256(f"{seed} {symbol}".encode()).digest()[:8])
    return _Coin(key, price=STEPS_TO_TICKS * (100 + key % 9_900), volume=1_000 + key // 9_900 % 100_000)


def _month_of(coin: _Coin, month: str, minutes: int) -> _Month:
    """Return the prices of a month: a walk in ticks between the first prices of this month and of the next."""
    first, end = month_bounds(month)
    openings = np.arange(first, end, minutes * 60 * MICRO, dtype=np.int64)
    number = 12 * (int(month[:4]) - FIRST_YEAR) + int(month[5:]) - 1
    start, goal = (_price_of_month(coin, number + offset) for offset in (0, 1))
    # steps of at most a third of a percent of the first price in an hour, more in long candles
    wide = max(1, int((minutes / 60) ** 0.5 * 4))
    steps = (_dice(coin.key, 1, openings) % (2 * wide + 1)).astype(np.int64) - wide
    path = np.concatenate([[0], np.cumsum(steps)]) * (start // STEPS_TO_TICKS) * 8
    # what the walk misses the goal by is spread over the month
    count = len(openings)
    drift = (goal - start - path[-1]) * np.arange(count + 1, dtype=np.int64) // count
    instants = np.append(openings, end)
    rate = _rates_at(coin, instants // INTERVAL * INTERVAL)
    wobble = (_dice(coin.key, 2, instants) % 5).astype(np.int64) - 2
    spot = np.maximum(STEPS_TO_TICKS // 10, start + path + drift)
    # in hundredths of a percent of the price: half of the rate, and up to two more
    basis = spot // STEPS_TO_TICKS * (rate // (2 * RESTING_RATE) + wobble)
    return _Month(openings, spot, basis)


def _price_of_month(coin: _Coin, number: int) -> int:
    """Return the first price of a month in ticks: the usual one within a fifth, which changes from month to month.

    Args:
        coin: the symbol's constants.
        number: months since 1970.
    """
    dice = _dice(coin.key, 12, np.array([number // 12, number + 10**6], np.int64)).tolist()
    return coin.price // 100 * (80 + int(dice[0]) % 31 + int(dice[1]) % 10)


def _rates_at(coin: _Coin, stamps: Ints) -> Ints:
    """Return the rates of some settlements; RATE_UNIT in one.

    Args:
        coin: the symbol's constants.
        stamps: microseconds since 1970, multiples of INTERVAL.
    """
    # a cluster lasts four days: most of them rest, some are high, few are low
    mood = (_dice(coin.key, 10, stamps // (4 * 24 * HOUR)) % 16).astype(np.int64)
    level = np.select([mood >= 13, mood >= 11, mood == 0], [6, 3, -2], default=1)
    noise = (_dice(coin.key, 11, stamps) % 201).astype(np.int64) - 100
    return level * RESTING_RATE + np.where(level == 1, 0, noise * RESTING_RATE // 50)


def _dice(key: int, stream: int, at: Ints) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return random integers of 64 bits that depend on a key, a stream and a number alone (SplitMix64)."""
    mixed = np.uint64(key) + at.astype(np.uint64) * np.uint64(64) + np.uint64(stream)
    mixed = (mixed + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xD1342543DE82EF95)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: np.ndarray[Any, np.dtype[np.uint64]] = mixed ^ (mixed >> np.uint64(31))
    return found
