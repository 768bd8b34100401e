"""Text from outside made safe to show: on a terminal, in one line of a message, in a cell of a spreadsheet.

Importing this module is cheap, since every error does it: `re` compiles the patterns when they are first used.
"""

from __future__ import annotations

import re
import sys
import unicodedata

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet reads a cell that begins so as a formula
_NUMBER = r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_RAW_IN_JSON = "[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"


def printable(text: str, *, lines: bool = True) -> str:
    """Return a text whose control characters, unpaired surrogates and marks of writing direction are written as escapes.

    Text from configs, files and services may hold escape sequences that move a terminal's cursor or set its title.

    Args:
        text: any text.
        lines: keep line feeds; without it a line feed is written as an escape, too.
    """
    if text.isprintable():
        return text
    return "".join(c if _is_shown(c) or (lines and c == "\n") else c.encode("unicode_escape").decode() for c in text)


def _is_shown(character: str) -> bool:
    """Whether a character is written as it is: printable ones and spaces of any width."""
    return character.isprintable() or unicodedata.category(character) == "Zs"


def shortened(text: str, most: int = 80) -> str:
    """Return a text cut to `most` characters, with … where it is cut."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def cell(text: str) -> str:
    """Return a text for a cell of CSV, with ' in front where a spreadsheet would take it for a formula.

    Numbers stay as they are.
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not re.fullmatch(_NUMBER, text) else text


def from_cell(text: str) -> str:
    """Return the text that `cell` was given."""
    return text[1:] if text[:1] == "'" and cell(text[1:]) == text else text


def json_for_terminal(text: str) -> str:
    """Return a JSON document whose control characters and marks of writing direction are escapes of JSON."""
    return re.sub(_RAW_IN_JSON, lambda found: f"\\u{ord(found[0]):04x}", text)


def allow_any_text() -> None:
    """Let standard output and standard error print characters that their encoding lacks, as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a test's or a library's stand-in has none
            stream.reconfigure(errors="backslashreplace")
