"""Which whole degrees settle a market YES: from its strike fields, or from the words on its YES side.

The `T` of a ticker says nothing of the direction, and rows without strike fields are winners more often than not: they
are read from their words, never dropped.
"""

from __future__ import annotations

import math
import re

StrikeBounds = tuple[int | None, int | None]
"""Lowest and highest whole degree that settle YES, both included; None is open."""

_NUMBER = r"(-?\d+)\s*°?"
_BELOW = re.compile(rf"{_NUMBER}\s*F?\s*or\s*(?:below|less|lower)", re.IGNORECASE)
_ABOVE = re.compile(rf"{_NUMBER}\s*F?\s*or\s*(?:above|more|higher)", re.IGNORECASE)
_BETWEEN = re.compile(rf"{_NUMBER}\s*F?\s*(?:to|-)\s*{_NUMBER}", re.IGNORECASE)


def strike_bounds(
    strike_type: str | None, floor_strike: float | None, cap_strike: float | None, yes_sub_title: str | None
) -> StrikeBounds:
    """Inclusive whole-degree bounds of a market.

    `less` is k < cap, `greater` is k > floor (both strict), `*_or_equal` and `between` include their strikes.

    Raises:
        ValueError: neither the strikes nor the words say what settles YES.
    """
    from_fields = _from_fields(strike_type, _finite(floor_strike), _finite(cap_strike))
    return from_fields or _from_words(yes_sub_title or "")


def _from_fields(strike_type: str | None, floor: float | None, cap: float | None) -> StrikeBounds | None:
    if strike_type == "between" and floor is not None and cap is not None:
        return math.ceil(floor), math.floor(cap)
    if strike_type == "less" and cap is not None:
        return None, math.ceil(cap) - 1
    if strike_type == "less_or_equal" and cap is not None:
        return None, math.floor(cap)
    if strike_type == "greater" and floor is not None:
        return math.floor(floor) + 1, None
    if strike_type == "greater_or_equal" and floor is not None:
        return math.ceil(floor), None
    return None


def _finite(strike: float | None) -> float | None:
    """What is no number to compare with is no strike."""
    return strike if strike is not None and math.isfinite(strike) else None


def _from_words(words: str) -> StrikeBounds:
    if found := _BELOW.search(words):
        return None, int(found[1])
    if found := _ABOVE.search(words):
        return int(found[1]), None
    if found := _BETWEEN.search(words):
        return int(found[1]), int(found[2])
    raise ValueError(f"no strikes, and {words!r} does not name a range of degrees")
