"""The naive funding-carry engine gives the worked examples of the rules."""

from fractions import Fraction

import pytest

from tests.reference.carry_golden_worlds import differences
from tests.reference.carry_goldens import GOLDENS
from tests.reference.naive_carry_market import HOUR, Candle, Series, intervals_of, r8, settlement_hour
from tests.reference.naive_carry_replay import replay
from tests.reference.naive_carry_signals import averages

EXAMPLES = set(range(1, 29)) - {4}  # 4 is about rounding alone


@pytest.mark.parametrize("golden", GOLDENS, ids=[golden.name.replace(" ", "_") for golden in GOLDENS])
def test_the_naive_engine_gives_the_golden(golden):
    assert differences(golden, replay(golden.world, golden.settings)) == []


def test_every_example_is_there():
    assert {int(golden.name.split()[0]) for golden in GOLDENS} == EXAMPLES


def test_rounding_is_half_to_even():
    for value, rounded in (
        ("0.000000005", "0"),
        ("0.000000015", "0.00000002"),
        ("0.0012345675", "0.00123457"),
    ):
        assert r8(Fraction(value)) == Fraction(rounded)


def test_a_close_is_known_when_its_candle_is_over():
    opened = {6: (9.9, 10), 7: (10.1, 11), 8: (11.1, 12)}
    candles = {hour * HOUR: Candle(first, last, first, last, 1) for hour, (first, last) in opened.items()}
    series = Series(candles, HOUR, 0, 24 * HOUR)
    assert (series.close(8 * HOUR), series.close(7 * HOUR), series.close(7 * HOUR - 1)) == (11, 10, None)


def test_moving_average():
    small = Fraction("0.0001")
    means = averages([small] * 6 + [Fraction("0.0005")], 6)
    assert means[-1] == Fraction("0.000214285714")
    assert means[-6] == small


def test_intervals_and_stamps():
    stamps = [hour * HOUR for hour in (0, 8, 9, 10, 14, 30, 38)]
    assert intervals_of(stamps, 8) == ([8, 8, 1, 1, 4, 4, 8], 1)
    assert settlement_hour(1640995250963) == 1640995200
    assert settlement_hour(1640995620000) is None
