"""What to write in place of a text that should be a number: one place for flags and keys of a config."""

from __future__ import annotations

import re

_PLAIN = r"-?\d+(\.\d+)?"
_HUNDRED = 100
_NOTHING = ("none", "null", "nil", "nan", "n/a", "-", "")


def number_hint(text: str, *, whole: bool = False) -> str:
    """Return a sentence on how to write a number, by what the text looks like.

    Args:
        text: what was written.
        whole: a whole number is wanted.
    """
    plain = text.strip()
    if plain.endswith("%"):
        return "Write a plain number without the percent sign."
    if plain.lower() in _NOTHING:
        return "Leave it out if there is no value; else write a plain number."
    if re.fullmatch(r"-?\d{1,3}([,_' ;]\d{3})+", plain):
        return f"Write it without separators: {re.sub(r'[^0-9-]', '', plain)}."
    if plain.count(",") == 1 and re.fullmatch(_PLAIN, plain.replace(",", ".")):
        return f"Write decimals with a point: {plain.replace(',', '.')}."
    return f"Write digits alone, for example {'10' if whole else '0.0005 or 10000'}."


def percent_as_part(text: str) -> str | None:
    """Return a text such as 0.05% as a part of one, 0.0005; None for any other text."""
    return _percent_times(text, -2)


def percent_hint(text: str, key: str, most: float | None) -> str | None:
    """Return how a key takes a percentage that was written with its sign, as a sentence; None for any other text.

    Args:
        text: what was written, such as 35%.
        key: the name of the key: the end of it says that it takes percent (_pct) or hundredths of one (_bps).
        most: the largest value of the key; None without one. A key of at most 1 takes parts of one.
    """
    if (part := percent_as_part(text)) is None:
        return None
    if most is not None and most <= 1:
        return f"Write it without the percent sign, as a part of one: {part}."
    if key.endswith("_pct"):
        return f"Write it without the percent sign: {_percent_times(text, 0)}."
    if key.endswith("_bps"):
        return f"Write it without the percent sign, in hundredths of a percent: {_percent_times(text, 2)}."
    return None


def percent_meant(value: float, most: float | None) -> str:
    """Return a sentence on a number above 1 where a part of one belongs, as 35 for 35 %; "" for any other number.

    Args:
        value: the number.
        most: the largest that may be written; None without one.
    """
    if most is None or most > 1 or not 1 < value <= _HUNDRED:
        return ""
    return f"It is a part of one: if {value:g} means {value:g} %, write {percent_as_part(f'{value}%')}."


def _percent_times(text: str, places: int) -> str | None:
    """Return a percentage times 10^places as a plain decimal; None for a text that is none."""
    from decimal import Decimal

    found = re.fullmatch(r"(-?\d+(\.\d+)?)\s*%", text.strip(), re.ASCII)
    return f"{Decimal(found[1]).scaleb(places).normalize():f}" if found else None
