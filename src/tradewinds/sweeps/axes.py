"""What a sweep varies: one key and its values, from text like `risk.min_ev_per_contract=0.02:0.10:0.01`.

first:last:step   numbers, both ends included if they are hit; exact, so 0.02:0.10:0.01 has nine values
first:last        numbers to draw from (random search only)
a,b,c             YAML values: numbers, words, true, false, null
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import yaml

from tradewinds.config.resolve import Config
from tradewinds.core.errors import ConfigError
from tradewinds.sweeps import keys

_NUMBER = r"[-+]?(?:[0-9]{1,20}\.?[0-9]{0,20}|\.[0-9]{1,20})(?:[eE][-+]?[0-9]{1,2})?"
_RANGE = re.compile(rf"({_NUMBER}):({_NUMBER})(?::({_NUMBER}))?")
_WHOLE = re.compile(r"[-+]?[0-9]+")
_FINENESS = 1000  # a range that is drawn from has so many steps, unless its ends are written with more digits


@dataclass(frozen=True)
class Axis:
    """A key and the values it takes in a sweep.

    Attributes:
        key: dotted, as `risk.fixed_qty`.
        size: how many values there are.
        value: returns the value of an index from 0 to size - 1. A range may have very many, so they are not listed.
    """

    key: str
    size: int
    value: Callable[[int], Any]


def parse_axes(texts: Sequence[str], base: Config, flag: str, *, open_ranges: bool) -> list[Axis]:
    """Parse `KEY=VALUES` texts; the axes are in the same order.

    Args:
        texts: as the user gave them.
        base: the resolved config that is swept.
        flag: the flag that gave the texts, for messages (`--grid`).
        open_ranges: whether `first:last` without a step is allowed; values can be drawn from it, but not listed.

    Raises:
        ConfigError: a text has no values, a key cannot be swept, or two texts have the same key.
    """
    axes = [_parse(text, base, flag, open_ranges) for text in texts]
    counts = Counter(axis.key for axis in axes)
    for key in (key for key, count in counts.items() if count > 1):
        raise ConfigError("this key is given twice.", where=f"{flag} {key}", remedy="Put all its values into one list.")
    return axes


def _parse(text: str, base: Config, flag: str, open_ranges: bool) -> Axis:
    """Parse one `KEY=VALUES` text; arguments as for `parse_axes`."""
    key, equals, values = (part.strip() for part in text.partition("="))
    if not (key and equals and values):
        raise ConfigError(
            f"{text!r} is no KEY=VALUES.",
            where=flag,
            remedy="For example: risk.fixed_qty=1,5,10 or risk.fixed_qty=1:10:1.",
        )
    where = f"{flag} {key}"
    node = keys.node_of(key, base, where)
    # A key that holds text takes the values as they are written: 23:00 is a time of day, not a range.
    if _takes_text_only(node):
        may_be_null = "null" in _types(node)
        listed = [
            value if raw is None or (value is None and may_be_null) else raw for raw, value in _listed(values, where)
        ]
        return Axis(key, len(listed), listed.__getitem__)
    if found := _RANGE.fullmatch(re.sub(r"\s*:\s*", ":", values)):
        return _range(key, found, where, open_ranges)
    if ":" in values and _takes_numbers(node):
        raise ConfigError(f"{values!r} is no range of numbers.", where=where, remedy="Write first:last:step.")
    only = [value for _, value in _listed(values, where)]
    return Axis(key, len(only), only.__getitem__)


def _takes_numbers(node: keys.Node) -> bool:
    """Whether a key's schema allows numbers."""
    return bool({"number", "integer"} & _types(node))


def _takes_text_only(node: keys.Node) -> bool:
    """Whether a key's schema allows text, and nothing else but null."""
    return "string" in _types(node) and _types(node) <= {"string", "null"}


def _types(node: keys.Node) -> set[str]:
    """The JSON types that a key's schema names; none where it names none."""
    named = node.get("type")
    return set(named) if isinstance(named, list) else {named} if named else set()


def _range(key: str, found: re.Match[str], where: str, open_ranges: bool) -> Axis:
    """Make an axis of the values first, first + step, … up to last.

    Args:
        key: the axis's key.
        found: the match of _RANGE: first, last and, if it is written, the step.
        where: flag and key, for messages.
        open_ranges: whether the step may be missing.
    """
    # Count in whole units of the last digit that is written, so that sums of steps are exact.
    written = [part for part in found.groups() if part is not None]
    whole = all(_WHOLE.fullmatch(part) for part in written)
    places = max(0, *(-int(Decimal(part).as_tuple().exponent) for part in written))
    # Without a step, take one that divides the range into at least _FINENESS values, or whole numbers.
    if len(written) == 2:
        if not open_ranges:
            remedy = f"Write {found[0]}:STEP; or draw from it: --random N --range '{key}={found[0]}'. Quote it if it is text."
            raise ConfigError(f"the range {found[0]} has no step.", where=where, remedy=remedy)
        width = Fraction(written[1]) - Fraction(written[0])
        while not whole and 0 < width * 10**places < _FINENESS:
            places += 1
        written.append("1" if whole else f"1e-{places}")
    first, last, step = (int(Fraction(part) * 10**places) for part in written)
    if step == 0 or (last - first) * step < 0:
        problem = "has a step of 0" if step == 0 else "is empty: no step leads to its end"
        raise ConfigError(
            f"the range {found[0]} {problem}.", where=where, remedy="Write first:last:step, as 0.02:0.10:0.01."
        )
    # The quotient of two ints is the float nearest to it, which is the one that YAML reads from the decimal.
    return Axis(
        key, (last - first) // step + 1, lambda i: first + i * step if whole else (first + i * step) / 10**places
    )


def _listed(values: str, where: str) -> list[tuple[str | None, Any]]:
    """Split a comma list of values.

    Returns:
        For each value the text as it is written (None for a list in brackets), and the value that YAML reads.
    """
    text = f"[{values}]"
    try:
        node, read = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):  # ValueError: 2025-02-30
        node, read = None, None
    if not isinstance(node, yaml.SequenceNode) or not read:
        raise ConfigError(f"{values!r} is no list of values.", where=where, remedy="Write values with commas: 1,5,10.")
    for value in read:
        if not isinstance(value, str | int | float | list | dt.date | None):
            raise ConfigError(f"{value!r} is no single value.", where=where, remedy="Write values with commas: 1,5,10.")
    return [
        (item.value if isinstance(item, yaml.ScalarNode) else None, value)
        for item, value in zip(node.value, read, strict=True)
    ]
