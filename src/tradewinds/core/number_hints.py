"""What to write in place of a text that should be a number: one place for flags and keys of a config."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"-?\d+(\.\d+)?")
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
    if plain.count(",") == 1 and _PLAIN.fullmatch(plain.replace(",", ".")):
        return f"Write decimals with a point: {plain.replace(',', '.')}."
    return f"Write digits alone, for example {'10' if whole else '0.0005 or 10000'}."


def percent_as_part(text: str) -> str | None:
    """Return a text such as 0.05% as a part of one, 0.0005; None for any other text."""
    from decimal import Decimal

    found = re.fullmatch(r"(-?\d+(\.\d+)?)\s*%", text.strip(), re.ASCII)
    return f"{Decimal(found[1]).scaleb(-2).normalize():f}" if found else None
