"""The known name that a user probably meant: one place for keys, series, symbols, strategies, pages and values."""

from __future__ import annotations

import re
from collections.abc import Iterable

SHORTEST_WORD = 3  # letters; every other name holds a shorter one


def near_names(name: str, known: Iterable[str], most: int = 1, cutoff: float = 0.6) -> list[str]:
    """Return the known names that are most like another one, the nearest first.

    Capitals and marks do not count: `kxhighmia` and `KX-HIGH-MIA` are KXHIGHMIA, which is returned alone. Other names are
    compared letter by letter; if none is like it, those that hold all of its words are returned (`min_rate`: min_funding_rate).

    Args:
        name: as the user wrote it.
        known: all names.
        most: how many at most.
        cutoff: how alike names must be, from 0 (not at all) to 1 (equal).
    """
    import difflib  # here: only what is wrong needs it

    listed = list(dict.fromkeys(known))
    same = [one for one in listed if _letters(one) == _letters(name)]
    if same and _letters(name):
        return same[:most]
    by_folded: dict[str, str] = {}
    for one in listed:
        by_folded.setdefault(one.casefold(), one)
    alike = difflib.get_close_matches(name.casefold(), by_folded, n=most, cutoff=cutoff)
    holding = () if alike else (one for one in by_folded if _holds(one, name.casefold()))
    return [by_folded[one] for one in (*alike, *holding)][:most]


def meant(name: str, known: Iterable[str], otherwise: str = "", most: int = 1, cutoff: float = 0.6) -> str:
    """Return "Did you mean …?" with the nearest known names; without one, another sentence.

    Args:
        name: as the user wrote it.
        known: all names.
        otherwise: the sentence for a name that is like none of them.
        most: how many names at most.
        cutoff: as of `near_names`.
    """
    near = near_names(name, known, most, cutoff)
    return f"Did you mean {', '.join(near)}?" if near else otherwise


def _holds(known: str, name: str) -> bool:
    """Whether a known name holds every word of another one; a word shorter than three letters says nothing."""
    words = re.findall(r"[^\W_]+", name)
    return bool(words) and all(len(word) >= SHORTEST_WORD and word in known for word in words)


def _letters(name: str) -> str:
    """Return the letters and digits of a name, without capitals."""
    return "".join(sign for sign in name.casefold() if sign.isalnum())
