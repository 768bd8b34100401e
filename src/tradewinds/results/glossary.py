"""What the figures of reports and pages mean, in a sentence each, by their headings."""

from __future__ import annotations

EXPLAINED: dict[str, str] = {}


def explanation_of(heading: str) -> str:
    """Return what a figure means; "" for a heading that names no statistic.

    Args:
        heading: as a table has it; what follows a comma or an opening bracket, its unit, is not looked at.
    """
    words = heading.split("(")[0].split(",")[0].strip().casefold()
    return EXPLAINED.get(words, "")
