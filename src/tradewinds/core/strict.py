"""Numbers and JSON, read by the letter: what other programs write, and nothing that Python alone would take.

Python's own readers take "1_0", " 1 ", "NaN" and digits of every script for numbers, and the last of two equal keys of JSON.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

MOST_DIGITS = 40  # of a number
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_MOST_EXPONENT = 100
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")  # as JSON writes half of a pair: no other text can become one
_HALF = re.compile("[\ud800-\udfff]")


def decimal(text: str) -> Decimal:
    """Read a finite decimal: ASCII digits with at most one point, a sign and an exponent.

    Args:
        text: the number, without spaces around it.

    Raises:
        ValueError: the text is no such number.
    """
    if len(text) > MOST_DIGITS or not _DECIMAL.fullmatch(text):
        raise ValueError(f"{text[:MOST_DIGITS]!r} is no plain decimal")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no plain decimal") from None
    if abs(value.adjusted()) > _MOST_EXPONENT:
        raise ValueError(f"{text!r} is out of range")
    return value


class UnbelievableJson(ValueError):
    """JSON that can be read but must not be believed: a key twice, NaN, half of a surrogate pair, a number out of range."""


def load_json(data: bytes) -> Any:
    """Read JSON in UTF-8; numbers with a fraction become Decimal.

    Args:
        data: the whole document.

    Returns:
        The value.

    Raises:
        UnbelievableJson: a key is given twice, a number is not finite or has more than MOST_DIGITS digits, or a text holds
            half of a surrogate pair.
        ValueError: the document is no JSON, or no UTF-8.
        RecursionError: it is nested too deeply.
    """
    text = data.decode("utf-8")
    found = json.loads(
        text, parse_float=_fraction, parse_int=_whole, parse_constant=_constant, object_pairs_hook=_object
    )
    if _SURROGATE.search(text) and (half := _half_pair(found)) is not None:
        raise UnbelievableJson(f"half of a surrogate pair in {half[:60]!a}")
    return found


def _fraction(text: str) -> Decimal:
    """Read a JSON number with a fraction or an exponent."""
    try:
        return decimal(text)
    except ValueError as error:
        raise UnbelievableJson(f"a number that cannot be right: {error}") from None


def _whole(text: str) -> int:
    """Read a JSON integer."""
    if len(text) > MOST_DIGITS:
        raise UnbelievableJson(f"a number of {len(text)} digits")
    return int(text)


def _constant(text: str) -> NoReturn:
    """Refuse NaN and Infinity, which are no JSON."""
    raise UnbelievableJson(f"{text} for a number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a mapping of an object's pairs; raise UnbelievableJson for a key that is given twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        seen = set[str]()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise UnbelievableJson(f"the key {twice[:60]!a} twice in one object")
    return found


def _half_pair(value: Any) -> str | None:
    """Return a text below a value that holds half of a surrogate pair; None without one."""
    if isinstance(value, str):
        return value if _HALF.search(value) else None
    items = value if isinstance(value, list) else [*value, *value.values()] if isinstance(value, dict) else ()
    return next((half for item in items if (half := _half_pair(item)) is not None), None)
