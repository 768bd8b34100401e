"""A few of the leaks of benchmarks/leaks, found in each of the ways there are, and honest strategies without an alarm."""

import gc
import random

import pytest

from benchmarks.leaks import honest
from benchmarks.leaks.measuring import all_leaks, honest_alarms
from benchmarks.leaks.planted import measured

pytestmark = pytest.mark.slow  # most of it

SOME = [
    ("kalshi_weather", "a strategy file: class", "candle files by duckdb", "always", "asked"),
    ("kalshi_weather", "a strategy file: class", "candle files by another program", "always", "asked"),
    ("kalshi_weather", "a strategy file: class", "results in the catalogs", "always", "asked"),
    ("kalshi_weather", "a strategy file: class", "the loop, among all objects", "always", "decision"),
    (
        "kalshi_weather",
        "a strategy file: class",
        "the run before, kept in a global of the file",
        "1 min ahead",
        "itself",
    ),
    ("kalshi_weather", "a strategy file: class", "the clock: from datetime import datetime", "always", "itself"),
    ("kalshi_weather", "a strategy file: class", "chance: numpy, new", "always", "itself"),
    ("kalshi_weather", "a strategy file: function", "dearest quote of the batch", "always", "decision"),
    ("kalshi_weather", "a probability row", "moved towards the result", "small", "decision"),
    ("kalshi_weather", "a pooled fit", "results that are not known yet", "always", "decision"),
    ("equities_daily", "an average", "mean of seven bars, today in the middle", "always", "decision"),
    ("equities_intraday", "a calendar", "length of the next session", "always", "decision"),
    ("equities_intraday", "a fill", "size by the next close", "always", "decision"),
    ("equities_intraday", "a fill", "target filled at the next high", "always", "decision"),
    ("equities_intraday", "an action", "prices in shares of today", "always", "decision"),
    ("equities_daily", "another market", "another share's next close", "always", "decision"),
    ("funding_carry", "a strategy file: class", "the file of rates by duckdb", "always", "asked"),
    ("funding_carry", "a rate", "rate of the next settlement", "small", "decision"),
]


@pytest.fixture
def _older_objects_frozen():
    """Some leaks look at all objects of the process at each decision: not at a million of those of the tests before."""
    gc.collect()
    gc.freeze()


@pytest.mark.usefixtures("_older_objects_frozen")
@pytest.mark.parametrize("wanted", SOME, ids=[f"{one[0]}-{one[2]}".replace(" ", "_") for one in SOME])
def test_a_planted_leak_is_found(wanted):
    *about, how = wanted
    (leak,) = [one for one in all_leaks() if [one.family, one.door, one.name, one.variant] == about]
    found = measured(leak)
    assert (found.how, found.seed is not None) == (how, True), found


def test_honest_strategies_give_no_alarm():
    numbers = range(len(list(honest.strategies())))
    chosen = random.Random(1).sample(numbers, 6)
    alarms = [honest_alarms(number) for number in chosen]
    assert [count for _, _, count in alarms if count] == [], alarms
