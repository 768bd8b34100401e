"""Random worlds of funding carry, made from a seed, to compare two engines on the same records, candles and config.

Rates lie on a coarse grid, so that thresholds are met exactly and symbols tie; prices jump, so that margins are
liquidated; series have holes, so that prices are stale. A world is small: the naive engine replays it in a moment.
"""

import datetime as dt
import random
from dataclasses import dataclass

from tests.reference.fast_fractions import Fraction
from tests.reference.naive_carry_market import DAY, HOUR, Candle, CarrySymbol, midnight
from tests.reference.random_carry_settings import random_settings
from tests.reference.round_carry_worlds import round_world

SYMBOLS = ("AAA/USDT:USDT", "BBB/USDT:USDT", "CCC/USDT:USDT", "DDD/USDT:USDT", "EEE/USDT:USDT", "FFF/USDT:USDT")
# (tick, level in ticks)
PRICES = (
    ("0.01", 10000),
    ("0.01", 10000),
    ("0.1", 420000),
    ("0.0001", 25000),
    ("0.00000001", 10012345678),
    ("0.00000001", 1234567),
    ("0.00000001", 12000),
)
RATES = (-750, -100, -30, -10, -3, -1, 0, 1, 1, 1, 1, 1, 2, 3, 3, 5, 5, 8, 10, 30, 100, 200)  # of 0.0001 in 8 hours
JUMPS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.08, 1.08, 1.15, 1.15, 1.25, 1.4, 1.4, 1.7, 2.2, 3)
GAPS = (1, 2, 4, 8, 8, 8, 6, 3, 12, 16, 24)  # hours


@dataclass(frozen=True)
class RandomCarryWorld:
    """What an engine is given: symbols and a config."""

    seed: int
    world: list
    settings: dict


def random_world(seed):
    """Return the world of a seed."""
    rng = random.Random(seed)
    if rng.random() < 0.25:
        return RandomCarryWorld(seed, *round_world(rng, SYMBOLS[: rng.choice([1, 2, 3])]))
    count = rng.choice([1, 1, 2, 2, 3, 3, 4, 6])
    days = rng.choice([1, 2, 3, 4, 6, 8]) if count < 6 else rng.choice([2, 3])
    candle_minutes = rng.choice([60] * 7 + [30, 120, 240, 240, 240])
    start = dt.date(2023, 12, 20) + dt.timedelta(days=rng.randrange(90))
    balance = rng.choice([10000, 10000, 1000, 250, 25000.5])
    settings = random_settings(rng, SYMBOLS[:count], start, days, candle_minutes, balance)
    first = midnight(start)
    hours = common_hours(rng, days)
    # All coins of a world may fall or rise together: a cascade.
    shared = random_jumps(rng, days, candle_minutes) if rng.random() < 0.4 else {}
    world = []
    for symbol in SYMBOLS[:count]:
        jumps = shared if rng.random() < 0.7 else random_jumps(rng, days, candle_minutes)
        world.append(random_symbol(rng, symbol, first, days, 60 * candle_minutes, hours, jumps, balance))
    if rng.random() < 0.2:
        # The same rates: candidates tie, and the name decides.
        for one in world[1:]:
            one.records = list(world[0].records)
    if settings["risk"].get("allocation_pct") in (100, 97.5) and rng.random() < 0.3:
        # A position that is reduced soon has less than its least value: all of it is closed.
        for one in world:
            one.min_notional = Fraction(str(round(balance * rng.choice([0.3, 0.45]), 2)))
    rng.shuffle(world)
    return RandomCarryWorld(seed, world, settings)


# Settlements


def random_hours(rng, days):
    """Return hours of settlements from before the range, counted from its start, to beyond its end.

    Intervals change now and then (8, 1, 4); some gaps are no interval.
    """
    hour, hours, gap = -8 * rng.choice([0, 1, 5, 9, 20, 40, 89, 95]), [], 8
    hour += rng.choice([0] * 8 + [1, 5])
    while hour < 24 * days + 16:
        hours.append(hour)
        if rng.random() < 0.06:
            gap = rng.choice([8, 8, 4, 4, 1, 2])
        # Hourly settlements of a long warm-up would make the world large.
        hour += rng.choice(GAPS) if rng.random() < 0.06 else gap if hour > -30 else max(gap, 4)
    return hours


def common_hours(rng, days):
    return random_hours(rng, days) if rng.random() < 0.5 else None


def random_records(rng, first, hours, price_at):
    """Return records whose rates stay for a while and lie on the thresholds; marks are often missing or 0."""
    level, scale = rng.choice(RATES), rng.random() < 0.5
    sign = rng.choice([1, 1, -1])
    marks = rng.choice(["none", "all", "some"])
    found, before = [], None
    for hour in hours:
        if rng.random() < 0.3:
            level = rng.choice(RATES)
        if rng.random() < 0.005:
            level = rng.choice([-300, 500])
        rate = Fraction(sign * level, 10000)
        if scale and before is not None:
            rate = rate * min(hour - before, 8) / 8
        if rng.random() < 0.2:
            rate += Fraction(rng.randint(-5000, 5000), 10**8)
        mark = None
        if marks == "all" or (marks == "some" and rng.random() < 0.6):
            mark = Fraction(0) if rng.random() < 0.1 else price_at(first + hour * HOUR)
        found.append((first + hour * HOUR, rate, mark))
        before = hour
    return found


# Prices


def random_jumps(rng, days, candle_minutes):
    """Return {number of a candle from the start: factor}."""
    candles = 24 * 60 * days // candle_minutes
    return {rng.randrange(candles): rng.choice(JUMPS) for _ in range(rng.choice([0, 1, 1, 2, 4, 8]))}


def holes(rng, count):
    """Return numbers of candles that are missing: outages of some hours, and single ones."""
    found = set()
    if rng.random() < 0.35:
        for _ in range(rng.randint(1, 3)):
            begin = rng.randrange(count)
            found |= set(range(begin, begin + rng.choice([1, 1, 2, 3, 9, 20])))
    return found


def candle(rng, before, close, noise, volume, tick):
    """Return a candle from the close before it, both in ticks; it may open with a gap and have long wicks."""
    open_ = before if rng.random() < 0.8 else before + rng.randint(-noise, noise)
    high, low = max(open_, close) + rng.randint(0, noise), min(open_, close) - rng.randint(0, noise)
    if rng.random() < 0.004:
        high = high * rng.choice([13, 15, 20]) // 10
    if rng.random() < 0.004:
        low = low * rng.choice([5, 7, 8]) // 10
    prices = [max(1, value) * tick for value in (open_, high, low, close)]
    prices[2] = min(prices)
    return Candle(*prices, volume)


def random_volume(rng, scale):
    if rng.random() < 0.03:
        return Fraction(0)
    return Fraction(rng.randint(5, 2000) * scale, 1000)


def random_candles(rng, first, days, seconds, jumps, tick, level, balance):
    """Return candles of spot, perpetual and mark price from before the start to a day after the end."""
    # With a long history the mean volumes of two weeks are known: 336 hours.
    warmup = rng.choice([1, 2, 4, 9, 15, 15] if seconds >= 2 * HOUR else [1, 1, 2, 2, 9, 15])
    begin = first - warmup * DAY
    count, before_start = (days + warmup + 1) * DAY // seconds, warmup * DAY // seconds
    noise = max(1, level // rng.choice([1000, 1000, 300, 100, 40]))
    coins = max(1, int(balance / (level * float(tick)) * rng.choice([1, 5, 40]))) * 4
    trend = rng.choice([1, 1, 0.7, 1.3])  # of the volume, from a week before the start on
    closes = {"spot": level, "perp": level, "mark": level}
    series = {"spot": {}, "perp": {}, "mark": {}}
    missing = {name: holes(rng, count) for name in series}
    if rng.random() < 0.25:
        missing["mark"] = set(range(count))
    elif rng.random() < 0.1:  # it ends before the range or inside it: a hole, that nothing fills
        missing["mark"] |= set(range(rng.randrange(before_start // 2, count), count))
    if rng.random() < 0.08:  # listed inside the range
        missing[rng.choice(["spot", "perp"])] |= set(range(before_start + rng.randrange(count - before_start)))
    least = max(50, level // 20)  # books of 8 decimals hold 92 billion coins
    basis, drift = 0, noise * rng.choice([0, 0, 0, -1, 1, 2, 2]) // 4
    for place in range(count):
        # A slow rise empties the margin of a short without a jump: it is rebalanced.
        level = max(least, level + rng.randint(-noise, noise) + (drift if place >= before_start else 0))
        level = max(least, int(level * jumps.get(place - before_start, 1)))
        basis = basis * 9 // 10 + rng.randint(-noise // 2, noise // 2)
        now = {"spot": level, "perp": max(40, level + basis)}
        now["mark"] = now["perp"] + rng.randint(-(noise // 4), noise // 4)
        scale = 1000 if place * seconds < (warmup - 7) * DAY else int(1000 * trend)
        # Only the perpetual's volume is looked at beyond the last days.
        recent = place >= before_start - 2 * DAY // seconds
        for name in series:
            if place not in missing[name] and (recent or name == "perp"):
                volume = random_volume(rng, scale * coins // 1000 or 1)
                series[name][begin + place * seconds] = candle(rng, closes[name], now[name], noise, volume, tick)
        closes = now
    return series


def random_symbol(rng, symbol, first, days, seconds, hours, jumps, balance):
    """Return one symbol; its step is fine or so coarse that little can be bought."""
    text, level = rng.choice(PRICES)
    tick = Fraction(text)
    series = random_candles(rng, first, days, seconds, jumps, tick, level, balance)
    ends = [(start + seconds, one.close) for start, one in series["perp"].items()]

    def price_at(t):
        known = [close for end, close in ends[-400:] if end <= t]
        fine = Fraction(rng.randint(-5000, 5000), 10**8) if tick > Fraction("0.001") else 0
        return (known[-1] if known else level * tick) + tick * rng.randint(-2, 2) + fine

    own = hours if hours is not None and rng.random() < 0.7 else random_hours(rng, days)
    if rng.random() < 0.04:
        own = [hour for hour in own if not 0 <= hour < 24 * days]
    # A unit of the step costs from a thousandth of a percent to a tenth of the balance.
    wanted = balance / (level * float(tick)) * rng.choice([1e-5, 1e-4, 1e-4, 1e-3, 1e-3, 1e-2, 0.05])
    step = max(
        Fraction(1, 10**8), Fraction(10) ** (len(str(int(wanted))) - 1) if wanted >= 1 else decimal_below(wanted)
    )
    return CarrySymbol(
        symbol,
        random_records(rng, first, own, price_at),
        series["spot"],
        series["perp"],
        series["mark"],
        step * rng.choice([1, 1, 1, 5]),
        Fraction(str(rng.choice([5, 5, 5, 5, 0, 10, balance / 20, int(balance) // 6]))),
        Fraction(rng.choice(["0.005", "0.005", "0.01", "0.02", "0.004", "0.05"])),
    )


def decimal_below(value):
    """Return the largest power of ten that is not above a number below 1."""
    step = Fraction(1)
    while step > value:
        step /= 10
    return step
