"""What the failed jobs of a run have to say: a paragraph for each reason, however many jobs it stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

SHOWN_PLACES = 3  # of jobs that failed for one reason


def paragraphs(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one paragraph for each reason, in the order in which the reasons came.

    Without a network every job that fetches fails, and all say the same of another URL: that is said once, with the number of
    jobs and the places of the first ones.

    Args:
        records: failure records of jobs (jobs.failures), which have their place (`where`) if the error named one.
    """
    places: dict[str, list[str]] = {}
    for record in records:
        place = record.get("where", "")
        reason = record["message"].removeprefix(f"{place}: ") if place else record["message"]
        places.setdefault(reason, []).append(place)
    return [_paragraph(reason, found) for reason, found in places.items()]


def _paragraph(reason: str, places: Sequence[str]) -> str:
    """Return one reason with its places as a paragraph."""
    distinct = list(dict.fromkeys(place for place in places if place))
    if len(distinct) < 2:
        return f"{distinct[0]}: {reason}" if distinct else reason
    # of each host one place before a second one of any
    first_of: dict[str, str] = {}
    for place in distinct:
        first_of.setdefault(urlsplit(place.rpartition(" ")[2]).netloc, place)
    shown = list(dict.fromkeys([*first_of.values(), *distinct]))[:SHOWN_PLACES]
    rest = len(distinct) - len(shown)
    listed = "; ".join(shown) + (f"; and {rest} more" if rest else "")
    return f"{len(places)} jobs failed for one reason: {reason} Where: {listed}."
