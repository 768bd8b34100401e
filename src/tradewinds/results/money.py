"""Exact numbers as text: dollars, probabilities, instants, and a JSON that never turns money into a binary float.

Money is an integer of micro-dollars inside and a plain decimal outside ("12.50", "-0.035", never "1E-7"): at least two
decimals, zeros beyond the cents trimmed. Probabilities and expected values have up to twelve decimals.
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any

CENTS = 2
STATISTIC_DECIMALS = 10

# Wide enough that no amount or expected value is ever rounded by the arithmetic itself.
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)


def dollars(micro: int) -> Decimal:
    """Micro-dollars as an exact decimal of dollars."""
    return Decimal(micro).scaleb(-6, _WIDE)


def probability(pico: int) -> Decimal:
    """A probability in pico as an exact decimal."""
    return Decimal(pico).scaleb(-12, _WIDE)


def expected_value(pico: int | Fraction) -> Decimal:
    """Pico-dollars as dollars, rounded half-even to twelve decimals (a fee shared by three contracts does not end)."""
    return Decimal(round(pico)).scaleb(-12, _WIDE)


def mean_dollars(total_micro: int, count: int) -> Decimal:
    """An average amount, rounded half-even to a micro-dollar."""
    return Decimal(round(Fraction(total_micro, count))).scaleb(-6, _WIDE)


def plain(value: Decimal, least: int = CENTS) -> str:
    """A decimal without exponent: at least `least` decimals, zeros beyond them trimmed, never "-0"."""
    text = f"{value:f}"
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0").ljust(least, "0")
    shown = f"{whole}.{decimals}" if decimals else whole
    return shown.removeprefix("-") if value == 0 else shown


def usd(micro: int) -> str:
    """Micro-dollars as text: 1_230_000 → "1.23", 35_000 → "0.035"."""
    return plain(dollars(micro))


def micro_of(value: Decimal) -> int:
    """Dollars as micro-dollars.

    Raises:
        ValueError: the amount has a fraction of a micro-dollar.
    """
    scaled = value.scaleb(6, _WIDE)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{value} is finer than a micro-dollar")
    return int(scaled)


def iso(ts: int) -> str:
    """Unix seconds as ISO 8601 with Z."""
    return dt.datetime.fromtimestamp(ts, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def statistic(value: Fraction | float) -> float:
    """A float rounded to ten decimals, so that the last bits of a summation order never reach a file."""
    return round(float(value), STATISTIC_DECIMALS) + 0.0  # + 0.0 turns -0.0 into 0.0


def exact_json(value: Any, indent: str = "") -> str:
    """JSON text, two spaces deep, keys in the order given, decimals written digit by digit.

    Raises:
        TypeError: a value that has no exact JSON form (NaN, infinity, a date …).
    """
    inner = indent + "  "
    if isinstance(value, dict):
        items = [
            f"{inner}{json.dumps(str(key), ensure_ascii=False)}: {exact_json(item, inner)}"
            for key, item in value.items()
        ]
        return _block("{", items, "}", indent)
    if isinstance(value, list | tuple):
        return _block("[", [inner + exact_json(item, inner) for item in value], "]", indent)
    if isinstance(value, Decimal):
        return plain(value)
    if value is None or isinstance(value, bool | int | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and value - value == 0:
        return repr(value)
    raise TypeError(f"{value!r} has no exact JSON form")


def _block(opening: str, items: list[str], closing: str, indent: str) -> str:
    if not items:
        return opening + closing
    return opening + "\n" + ",\n".join(items) + f"\n{indent}{closing}"
