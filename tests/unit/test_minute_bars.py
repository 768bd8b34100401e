"""Prices in shares of another day: each is the exact quotient, rounded half to even."""

import random
from fractions import Fraction

import numpy as np
import pytest

from tradewinds.engine.bar_sessions.minute_bars import MinuteBars

FINE = Fraction(10**9 + 7, 10**12 + 39)  # products with it need more than 64 bits
RATIOS = [Fraction(2), Fraction(1, 2), Fraction(3), Fraction(7, 3), Fraction(4, 10), Fraction(1, 25), FINE, 1 / FINE]


@pytest.mark.parametrize("ratio", RATIOS, ids=str)
def test_prices_are_divided_exactly(ratio):
    rng = random.Random(str(ratio))
    prices = [1, 2, 3, 5, 7, 25, 250_000_001, *(rng.randrange(1, 10 ** rng.randint(1, 14)) for _ in range(500))]
    rows = np.array(prices, np.int64)
    sessions, other = np.array([0, 1]), np.zeros(len(rows), np.int32)
    first_row = np.array([0, 250, len(rows)])
    bars = MinuteBars(("AAA",), sessions, sessions, sessions + 60, first_row, other, rows, rows, rows, rows, rows)
    found = bars.adjusted(0, [ratio, Fraction(1)])
    wanted = [round(price / ratio) for price in prices[:250]] + prices[250:]
    for column in (found.open, found.high, found.low, found.close):
        assert column.tolist() == wanted
    assert found.volume.tolist() == bars.open.tolist() == prices, "volumes stay, and so do the bars themselves"
    assert any(price / ratio % 1 == Fraction(1, 2) for price in prices[:250]) or ratio.numerator % 2
