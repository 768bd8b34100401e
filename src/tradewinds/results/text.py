"""Exact numbers and instants as text: plain decimals, ISO 8601 with Z."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from tradewinds.store import MICRO, PICO


def plain(value: Decimal, least: int = 0) -> str:
    """A decimal without exponent and trailing zeros, with at least `least` decimals."""
    text = f"{value if value else abs(value):f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(least, '0')}" if least or decimals else whole


def dollars(micro: int) -> str:
    """Micro-dollars as dollars, at least two decimals ("0.38", "-12.50", "0.000001")."""
    return plain(Decimal(micro) / MICRO, 2)


def probability(pico: int | Fraction) -> str:
    """Pico-units as a plain decimal of at most 12 decimals (a Fraction is rounded half to even)."""
    value = Fraction(pico)
    rounded = (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal(1), ROUND_HALF_EVEN)
    return plain(rounded / PICO)


def instant(ts: int) -> str:
    """Unix seconds as 2025-05-02T03:04:00Z."""
    return dt.datetime.fromtimestamp(ts, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def number(micro: int) -> float:
    """Micro-dollars as the float whose shortest form is the exact amount (below eight billion dollars)."""
    return float(Decimal(micro) / MICRO)
