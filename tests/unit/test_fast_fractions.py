"""The fractions of the naive engines are those of the standard library."""

import math
import operator
from decimal import Decimal
from fractions import Fraction as Plain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference.fast_fractions import Fraction

WHOLE = st.integers(-(10**9), 10**9)
NUMBERS = WHOLE | st.fractions(max_denominator=10**6) | st.booleans()
OPERATIONS = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.eq,
    operator.ne,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
]


def outcome(operation, *values):
    """What an operation gives, or the class of its error."""
    try:
        return operation(*values)
    except ZeroDivisionError as error:
        return type(error)


def kinds(value):
    """A value as itself, and a fraction also as a fast one."""
    return [value, Fraction(value)] if isinstance(value, Plain) else [value]


@given(a=st.fractions(max_denominator=10**6), b=NUMBERS)
def test_every_operation_gives_what_the_standard_library_gives(a, b):
    for operation in OPERATIONS:
        for left, right in ((a, b), (b, a)):
            expected = outcome(operation, left, right)
            for fast_left in kinds(left):
                for fast_right in kinds(right):
                    found = outcome(operation, fast_left, fast_right)
                    assert found == expected and type(found) in (type(expected), Fraction)
                    if isinstance(found, Plain):
                        assert (found.numerator, found.denominator) == (expected.numerator, expected.denominator)


@given(st.fractions(max_denominator=10**6))
def test_so_does_every_function_of_one(a):
    fast = Fraction(a)
    for function in (operator.neg, abs, bool, hash, float, str, math.floor, math.ceil, round):
        assert function(fast) == function(a)
    assert Fraction(-a.numerator, -a.denominator) == fast == Fraction(str(a))
    assert fast**2 == a**2 and fast * 0.5 == a * 0.5 and (fast < 0.5) == (a < 0.5)


@pytest.mark.parametrize("arguments", [(), (3,), (6, -4), ("0.35",), (" 7/3 ",), (0.25,), (Decimal("1.10"),), (True,)])
def test_it_is_made_as_there(arguments):
    assert Fraction(*arguments) == Plain(*arguments)
    assert repr(Fraction(*arguments)) == repr(Plain(*arguments))


def test_no_denominator_is_zero():
    for numerator in (1, Fraction(1)):
        with pytest.raises(ZeroDivisionError):
            Fraction(numerator, 0)
