"""Exact units: money as integer micro-units, probabilities as integer pico-units, and the columns that hold them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pyarrow as pa

PRICE = pa.decimal128(9, 6)  # of a binary contract: 6 decimals at most
COUNT = pa.decimal128(18, 2)  # contracts: 2 decimals
PROB = pa.decimal128(13, 12)  # probability
TS = pa.timestamp("us", tz="UTC")

MICRO = 1_000_000  # units in which an amount of one is an integer
PICO = 10**12  # units in which a probability of one is an integer

SHARE_PRICE = pa.decimal128(18, 6)  # of a share, in the currency of its exchange


Ratio = tuple[int, int]  # numerator and denominator; arithmetic with Fraction is slow

CENT = MICRO // 100  # micro-units of a hundredth
NEVER = 2**62  # an instant, a day or a price that is never reached
DAY_SECONDS = 86_400
NO_AMOUNT = -(2**63)  # in a column of amounts: there is none


def exact(value: Decimal | float | str, unit: int) -> int:
    """Return a decimal number in whole units of 1/unit, rounded towards zero.

    Args:
        value: the number; a float counts as its shortest decimal form (0.1 is a tenth).
        unit: units in one, such as MICRO.
    """
    return int(Decimal(str(value)) * unit)


def scaled(amount: int, by: Ratio) -> int:
    """Return an amount times a ratio, rounded half to even."""
    numerator, denominator = by
    if denominator == 1:
        return amount * numerator
    whole, rest = divmod(amount * numerator, denominator)
    double = 2 * rest
    return whole + (double > denominator or (double == denominator and whole % 2 == 1))


def scaled_down(amount: int, by: Fraction) -> int:
    """Return an amount times a fraction, rounded down."""
    return amount * by.numerator // by.denominator


def as_floats(numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of numbers as floats; whole numbers beyond 2^53 become the nearest float.

    Args:
        numbers: integers, floats or decimals.
    """
    return numbers.cast(pa.float64(), safe=False)
