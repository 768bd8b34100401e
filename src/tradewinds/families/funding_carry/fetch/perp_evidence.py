"""What a user's funding rates show of their unit and of their clock, before a record of them is used."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from decimal import Decimal

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.errors import ConfigError, DataMissing
from tradewinds.core.units import MICRO
from tradewinds.families.funding_carry.exact_columns import Exact
from tradewinds.families.funding_carry.fetch.rate_checks import HOUR, RATE_DECIMALS, RateRows, settlement_hours

RESTING_PERCENT = 10**10  # 0.01, the resting rate of 0.0001 in percent; 1e-12
LARGE_RATE = 4 * 10**9  # 0.004: half of all settlements at such a rate would be 400 % a year; 1e-12
FEWEST = 10  # settlements from which on their unit and clock can be judged
SUMMER, WINTER = range(4, 10), (1, 2, 12)  # months that are on one clock everywhere in the north
_NEARLY_ALL = 0.95
_OFFSETS = (0, 4 * HOUR)  # of settlements each eight hours: 0, 8, 16 o'clock, and 4, 12, 20 o'clock


def refuse_percent(path: str, symbol: str, rates: Ints) -> None:
    """Raise ConfigError for rates that look like percent.

    Args:
        path: the file.
        symbol: the symbol.
        rates: its funding rates; 1e-12.
    """
    sizes = np.abs(rates)
    if len(sizes) < FEWEST:
        return
    resting, middle = float((sizes == RESTING_PERCENT).mean()), int(np.median(sizes))
    if resting < 0.2 and middle < LARGE_RATE:
        return
    evidence = (
        f"{resting:.0%} of them are exactly 0.01, and the resting rate of exchanges is 0.0001"
        if resting >= 0.2
        else f"half of them are at least {Decimal(middle).scaleb(-RATE_DECIMALS).normalize():f}, and usual ones are 0.0001"
    )
    what = f"the funding rates of {symbol} look like percent: {evidence}."
    raise ConfigError(
        what, where=path, remedy="Write data.rates: percent if they are; data.rates: fraction if they are not."
    )


def refuse_local_clock(path: str, symbol: str, stamps: Ints) -> None:
    """Raise ConfigError for settlements that are off the grid of eight hours by whole hours, in summer only or always.

    Args:
        path: the file.
        symbol: the symbol.
        stamps: its settlements as instants; microseconds since 1970.
    """
    offsets, months = _offsets_of(stamps)
    if len(offsets) < FEWEST:
        return
    of_season = {name: offsets[np.isin(months, list(span))] for name, span in (("summer", SUMMER), ("winter", WINTER))}
    usual = {name: _usual(found) for name, found in of_season.items() if len(found) >= FEWEST}
    if None in usual.values():
        return
    if len(set(usual.values())) == 2:
        said = ", ".join(f"in {name} at {_o_clock(int(offset or 0))}" for name, offset in sorted(usual.items()))
        what = f"the settlements of {symbol} are off the grid of eight hours in one half of the year only: {said}."
        remedy = (
            "These stamps are on a clock with summer time, such as Europe/London. Write them without a zone and name the clock "
            "in data.timezone, or convert them to UTC."
        )
        raise ConfigError(what, where=path, remedy=remedy)
    offset = _usual(offsets)
    if offset is not None and offset not in _OFFSETS:
        what = f"{symbol} settles at {_o_clock(offset)} UTC by these stamps, where exchanges settle at 0, 8 and 16 o'clock."
        remedy = "Convert the stamps to UTC, or write them without a zone and name their clock in data.timezone."
        raise ConfigError(what, where=path, remedy=remedy)


def refuse_off_grid(path: str, symbol: str, stamps: Ints, minutes: int, tolerance: int) -> None:
    """Raise ConfigError if more than half of the stamps are not where records begin or settle: their clock is another.

    Single ones are quarantined later.

    Args:
        path: the file.
        symbol: its symbol.
        stamps: its settlements or the openings of its candles; microseconds since 1970.
        minutes: distance of the times at which there may be one.
        tolerance: how far from such a time is near enough; microseconds.
    """
    step = minutes * 60 * MICRO
    after = stamps % step
    off = np.minimum(after, step - after) > tolerance
    if len(stamps) < FEWEST or 2 * int(off.sum()) <= len(stamps):
        return
    first = dt.datetime.fromtimestamp(int(stamps[int(np.argmax(off))]) / MICRO, dt.UTC)
    what = (
        f"{int(off.sum()):,} of {len(stamps):,} time stamps of {symbol} are not on whole {_steps(minutes)} in UTC, "
        f"the first {first:%Y-%m-%dT%H:%M:%SZ}."
    )
    remedy = (
        "Give times of settlement, and openings of candles. Convert them to UTC, or write them without a zone and name "
        "their clock in data.timezone."
    )
    raise ConfigError(what, where=path, remedy=remedy)


def _steps(minutes: int) -> str:
    """Return a distance of records as words: hours, or 15 minutes."""
    return "hours" if minutes == 60 else f"{minutes} minutes" if minutes > 1 else "minutes"


def refuse_naive(path: str, symbol: str, rates: RateRows | None) -> None:
    """Raise ConfigError for stamps without a time zone where the config names none.

    Args:
        path: the file.
        symbol: its symbol.
        rates: its funding rates, whose stamps may show the clock; None for candles.
    """
    what = f"the time stamps of {symbol} have no time zone."
    if rates is not None and len(rates.raw_us) >= FEWEST:
        offsets, months = _offsets_of(rates.raw_us)
        shown = []
        for name, span in (("summer", SUMMER), ("winter", WINTER)):
            usual = _usual(offsets[np.isin(months, list(span))])
            if usual is not None:
                shown.append(f"at {_o_clock(usual)} in {name}")
        if shown:
            what = f"the time stamps of {symbol} have no time zone; by them it settles {' and '.join(shown)}."
    raise ConfigError(what, where=path, remedy="Name their clock in data.timezone, for example UTC or Europe/London.")


def refuse_contradiction(kind: str, symbol: str, parts: Sequence[tuple[str, Ints, Exact]]) -> None:
    """Raise ConfigError if files have different numbers for one time of a series: they are of different exchanges.

    Args:
        kind: what the records are, for the message.
        symbol: the symbol.
        parts: by file: its path, the times of its records (microseconds since 1970), and a number of each.
    """
    times = np.concatenate([stamps for _, stamps, _ in parts])
    values = np.concatenate([found for _, _, found in parts])
    files = np.repeat(np.arange(len(parts)), [len(stamps) for _, stamps, _ in parts])
    order = np.lexsort((files, times))
    times, values, files = times[order], values[order], files[order]
    differ = (times[1:] == times[:-1]) & (files[1:] != files[:-1]) & (values[1:] != values[:-1])
    if differ.any():
        row = int(np.argmax(differ))
        first, second = (parts[int(files[at])][0] for at in (row, row + 1))
        at = dt.datetime.fromtimestamp(int(times[row]) // MICRO, dt.UTC)
        what = f"{int(differ.sum()):,} {kind} of {symbol} differ from those of {first}, the first at {at:%Y-%m-%d %H:%M} UTC."
        raise ConfigError(what, where=second, remedy="Keep the files of one exchange, or name it in data.exchange.")


def refuse_unclear(unclear: Sequence[tuple[str, str]], legs: Collection[str]) -> None:
    """Raise an error if candles may be those of the spot pair or of the perpetual.

    Args:
        unclear: path and symbol of each such series.
        legs: kinds of all other series of candles.

    Raises:
        DataMissing: there is one series for both legs.
        ConfigError: there are others, and it may be either.
    """
    if not unclear:
        return
    path, symbol = unclear[0]
    remedy = "Put the word spot, perp or mark into the name of the file or of its folder."
    if len(unclear) == 1 and not {"spot", "perp"} & set(legs):
        what = f"spot candles missing: there is one series of candles of {symbol}, and a position has two legs."
        raise DataMissing(what, where=path, remedy=f"Give candles of the spot pair and of the perpetual. {remedy}")
    what = f"its candles of {symbol} may be those of the spot pair or of the perpetual: nothing says which."
    raise ConfigError(what, where=path, remedy=remedy)


def _offsets_of(stamps: Ints) -> tuple[Ints, Ints]:
    """Return how far settlements that come eight hours after another one are off the grid, and their months."""
    hours = np.unique(settlement_hours(stamps))
    after_eight = np.flatnonzero(np.diff(hours) == 8 * HOUR) + 1
    chosen = hours[after_eight]
    months: Ints = (chosen // MICRO).astype("datetime64[s]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return chosen % (8 * HOUR), months


def _usual(offsets: Ints) -> int | None:
    """Return the offset that nearly all settlements have; None if there is none."""
    if not len(offsets):
        return None
    values, counts = np.unique(offsets, return_counts=True)
    return int(values[counts.argmax()]) if counts.max() >= _NEARLY_ALL * len(offsets) else None


def _o_clock(offset: int) -> str:
    """Return the times of day of settlements each eight hours with an offset from midnight."""
    first = offset // HOUR
    return ", ".join(f"{first + hour:02}:00" for hour in (0, 8, 16))
