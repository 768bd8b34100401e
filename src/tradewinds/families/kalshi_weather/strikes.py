"""Whole degrees that settle a market YES: from its strike fields, or from the subtitle of its YES side.

The `T` of a ticker does not tell the direction. Rows without strike fields are winners more often than not, so they are read
from their subtitles and never dropped.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence

StrikeBounds = tuple[int | None, int | None]
"""Lowest and highest whole °F that settle YES, both included; None for no bound."""

# patterns; `re` compiles them when they are first used, which is seldom
_NUMBER = r"(-?\d+)\s*°?"
_BELOW = rf"(?i){_NUMBER}\s*F?\s*or\s*(?:below|less|lower)"
_ABOVE = rf"(?i){_NUMBER}\s*F?\s*or\s*(?:above|more|higher)"
_BETWEEN = rf"(?i){_NUMBER}\s*F?\s*(?:to|-)\s*{_NUMBER}"


def strike_bounds(
    strike_type: str | None, floor_strike: float | None, cap_strike: float | None, yes_sub_title: str | None
) -> StrikeBounds:
    """Lowest and highest whole °F that settle a market YES.

    `less` means k < cap and `greater` means k > floor, both strict; `*_or_equal` and `between` include their strikes.

    Args:
        strike_type: as the exchange names it, None without one.
        floor_strike: lower strike in °F, None without one.
        cap_strike: upper strike in °F, None without one.
        yes_sub_title: subtitle of the YES side, such as `70° to 71°`; used if the strikes are incomplete.

    Raises:
        ValueError: neither the strikes nor the subtitle define what settles YES.
    """
    from_fields = _from_fields(strike_type, _finite(floor_strike), _finite(cap_strike))
    return from_fields or _from_subtitle(yes_sub_title or "")


def settles_yes_at(bounds: StrikeBounds, degrees_f: int) -> bool:
    """Whether a market with these bounds settles YES at a temperature in whole °F."""
    lowest, highest = bounds
    return (lowest is None or lowest <= degrees_f) and (highest is None or degrees_f <= highest)


def tile_the_integers(ladder: Sequence[StrikeBounds]) -> bool:
    """Whether every whole degree settles exactly one of some markets YES.

    Args:
        ladder: bounds of the markets, in any order.
    """
    ordered = sorted(ladder, key=lambda bounds: -math.inf if bounds[0] is None else bounds[0])
    if not ordered or ordered[0][0] is not None or ordered[-1][1] is not None:
        return False
    return all(
        below[1] is not None and above[0] == below[1] + 1 and (above[1] is None or above[1] >= above[0])
        for below, above in itertools.pairwise(ordered)
    )


def _from_fields(strike_type: str | None, floor: float | None, cap: float | None) -> StrikeBounds | None:
    """Bounds by the strike fields, None where they are incomplete."""
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
    """The strike, None if it is not a finite number."""
    return strike if strike is not None and math.isfinite(strike) else None


def _from_subtitle(subtitle: str) -> StrikeBounds:
    """Bounds by a subtitle such as `70° or below`, `80° or above` or `70° to 71°`."""
    if match := re.search(_BELOW, subtitle):
        return None, int(match[1])
    if match := re.search(_ABOVE, subtitle):
        return int(match[1]), None
    if match := re.search(_BETWEEN, subtitle):
        return int(match[1]), int(match[2])
    raise ValueError(f"no strikes, and {subtitle!r} does not name a range of degrees")
