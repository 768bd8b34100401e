"""A faster `Fraction`: naive engines spend most of their time with those of the standard library.

Sums, products and comparisons of two fractions or of a fraction and an int are computed here, in less time; all
else is inherited. A fraction is a numerator and a positive denominator without a common divisor, as there. The class of the
other number is looked at first: `isinstance` of a fraction asks an abstract base class, which takes as long as the sum.
"""

import fractions
import math

Plain = fractions.Fraction
_new = object.__new__


def _lowest(numerator, denominator):
    """Return a fraction in lowest terms; the denominator is positive."""
    divisor = math.gcd(numerator, denominator)
    found = _new(Fraction)
    if divisor == 1:
        found._numerator, found._denominator = numerator, denominator
    else:
        found._numerator, found._denominator = numerator // divisor, denominator // divisor
    return found


class Fraction(Plain):
    """A fraction that computes with fractions and ints by the schoolbook, and with others as its base class does."""

    __slots__ = ()

    def __new__(cls, numerator=0, denominator=None):
        if type(numerator) is int and type(denominator) is int and denominator > 0:
            return _lowest(numerator, denominator)
        made = Plain(numerator, denominator)
        found = _new(cls)
        found._numerator, found._denominator = made._numerator, made._denominator
        return found

    def __add__(self, other):
        kind = type(other)
        if kind is int:
            return _lowest(self._numerator + other * self._denominator, self._denominator)
        if kind is Fraction or isinstance(other, Plain):
            n, d = other._numerator, other._denominator
            return _lowest(self._numerator * d + n * self._denominator, self._denominator * d)
        return self + int(other) if kind is bool else Plain.__add__(self, other)

    __radd__ = __add__

    def __sub__(self, other):
        kind = type(other)
        if kind is int:
            return _lowest(self._numerator - other * self._denominator, self._denominator)
        if kind is Fraction or isinstance(other, Plain):
            n, d = other._numerator, other._denominator
            return _lowest(self._numerator * d - n * self._denominator, self._denominator * d)
        return self - int(other) if kind is bool else Plain.__sub__(self, other)

    def __rsub__(self, other):
        if isinstance(other, int):
            return _lowest(other * self._denominator - self._numerator, self._denominator)
        return Fraction(other) - self if isinstance(other, Plain) else Plain.__rsub__(self, other)

    def __mul__(self, other):
        kind = type(other)
        if kind is int:
            return _lowest(self._numerator * other, self._denominator)
        if kind is Fraction or isinstance(other, Plain):
            return _lowest(self._numerator * other._numerator, self._denominator * other._denominator)
        return self * int(other) if kind is bool else Plain.__mul__(self, other)

    __rmul__ = __mul__

    def __truediv__(self, other):
        if (isinstance(other, int) or type(other) is Fraction or isinstance(other, Plain)) and other:
            n, d = other.numerator, other.denominator
            if n < 0:
                n, d = -n, -d
            return _lowest(self._numerator * d, self._denominator * n)
        return Plain.__truediv__(self, other)

    def __rtruediv__(self, other):
        return Fraction(other) / self if isinstance(other, (int, Plain)) else Plain.__rtruediv__(self, other)

    def __neg__(self):
        found = _new(Fraction)
        found._numerator, found._denominator = -self._numerator, self._denominator
        return found

    def __abs__(self):
        return -self if self._numerator < 0 else self

    __hash__ = Plain.__hash__

    def __bool__(self):
        return self._numerator != 0

    def __eq__(self, other):
        if isinstance(other, int):
            return self._denominator == 1 and self._numerator == other
        if type(other) is Fraction or isinstance(other, Plain):
            return self._numerator == other._numerator and self._denominator == other._denominator
        return Plain.__eq__(self, other)

    def __lt__(self, other):
        if isinstance(other, int):
            return self._numerator < other * self._denominator
        if type(other) is Fraction or isinstance(other, Plain):
            return self._numerator * other._denominator < other._numerator * self._denominator
        return Plain.__lt__(self, other)

    def __le__(self, other):
        if isinstance(other, int):
            return self._numerator <= other * self._denominator
        if type(other) is Fraction or isinstance(other, Plain):
            return self._numerator * other._denominator <= other._numerator * self._denominator
        return Plain.__le__(self, other)

    def __gt__(self, other):
        if isinstance(other, int):
            return self._numerator > other * self._denominator
        if type(other) is Fraction or isinstance(other, Plain):
            return self._numerator * other._denominator > other._numerator * self._denominator
        return Plain.__gt__(self, other)

    def __ge__(self, other):
        if isinstance(other, int):
            return self._numerator >= other * self._denominator
        if type(other) is Fraction or isinstance(other, Plain):
            return self._numerator * other._denominator >= other._numerator * self._denominator
        return Plain.__ge__(self, other)
