"""Go through the history of a service page by page, and check every page.

Every row has a time stamp. A page must be in the order that the service documents, hold no row outside of what was asked and
no stamp of the page before, so that each page makes progress. What is not so is refused: rows would be lost or counted twice.
A page is the last one if it is empty or no row can follow it. A short page is not: services cut pages without saying so.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Row = tuple[int, Any]
"""(time stamp in ms, record)."""


class WrongPage(ValueError):
    """A page is not what was asked for."""


class PageRules(NamedTuple):
    """How a service pages.

    Attributes:
        limit: rows of a full page; 0: not sure.
        newest_first: rows come from the newest on; else from the oldest on.
        reaches_beyond: a request has no first stamp, so that the last page may have rows from before the span.
        step: least distance of two rows in ms.
    """

    limit: int
    newest_first: bool = False
    reaches_beyond: bool = False
    step: int = 1


def read_forward(ask: Callable[[int, int], Sequence[Row]], first: int, end: int, rules: PageRules) -> list[Row]:
    """Return all rows of a span from a service that gives the oldest rows of what is asked.

    Args:
        ask: (first, last) -> the page of rows between these stamps, both included.
        first: the first stamp.
        end: the first stamp after those that are wanted.
        rules: how the service pages.

    Raises:
        WrongPage: a page is not as above.
    """
    found: list[Row] = []
    while first < end:
        page = _checked(ask(first, end - 1), first, end - 1, rules)
        found += page
        if not page:
            break
        first = page[-1][0] + rules.step
    return found


def read_backward(ask: Callable[[int, int], Sequence[Row]], first: int, end: int, rules: PageRules) -> list[Row]:
    """Return all rows of a span, oldest first, from a service that gives the newest rows of what is asked.

    Args:
        ask: (first, last) -> the page of rows between these stamps, both included.
        first: the first stamp.
        end: the first stamp after those that are wanted.
        rules: how the service pages.

    Raises:
        WrongPage: a page is not as above.
    """
    found: list[Row] = []
    while first < end:
        page = _checked(ask(first, end - 1), 0 if rules.reaches_beyond else first, end - 1, rules)
        found = [row for row in page if row[0] >= first] + found
        if not page:
            break
        end = page[0][0] - rules.step + 1
    return found


def _checked(page: Sequence[Row], first: int, last: int, rules: PageRules) -> list[Row]:
    """Return the rows of a page, oldest first; raise WrongPage if one is out of order or outside of [first, last]."""
    rows = list(reversed(page)) if rules.newest_first else list(page)
    stamps = [stamp for stamp, _ in rows]
    # two records of one stamp are possible; whether they agree is judged with all rows
    wrong = next((pair for pair in itertools.pairwise(stamps) if pair[0] > pair[1]), None)
    if wrong:
        order = "newest first" if rules.newest_first else "oldest first"
        raise WrongPage(f"its rows are not in order, {order}: {wrong[0]} and {wrong[1]}")
    if stamps and not first <= stamps[0] <= stamps[-1] <= last:
        raise WrongPage(f"it has rows from {stamps[0]} to {stamps[-1]}, and {first} to {last} was asked for")
    if rules.limit and len(rows) > rules.limit:
        raise WrongPage(f"it has {len(rows)} rows, and at most {rules.limit} were asked for")
    return rows
