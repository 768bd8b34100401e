"""The universe of a run: the symbols that may be bought, and from when to when.

A list in a config names symbols that are always members. A file has a row per symbol and span of membership; with it a past
universe has the symbols of that time, not only those that survived until today.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from tradewinds.core.errors import ConfigError
from tradewinds.reference_data.csv_tables import rows_of
from tradewinds.reference_data.written_dates import REMEDY, date_as_written

Span = tuple[dt.date, dt.date]
"""First and last date of a membership, both included."""
Universe = dict[str, list[Span]]
"""Spans of membership by symbol, each symbol's in order."""

COLUMNS = ("symbol", "active_from", "active_to")
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.-]{0,19}")
ALWAYS = (dt.date.min, dt.date.max)


def universe_of(config: Mapping[str, Any]) -> Universe:
    """Return the universe of a config, in alphabetical order of its symbols.

    Raises:
        ConfigError: the universe file cannot be read; names the line.
    """
    universe = config["universe"]
    if isinstance(universe, list):
        return {symbol: [ALWAYS] for symbol in sorted(universe)}
    return read_universe(universe["file"])


def read_universe(path: str) -> Universe:
    """Read a universe file: a CSV with the columns COLUMNS, where an empty date is open; raises as `universe_of`."""
    found: Universe = {}
    for where, row in rows_of(path, COLUMNS, "a universe"):
        symbol = (row["symbol"] or "").strip()
        if not _SYMBOL.fullmatch(symbol):
            raise ConfigError(f"{symbol!r} is no symbol.", where=where, remedy="Capitals, digits, dots and dashes.")
        first, last = _date(row["active_from"], where, ALWAYS[0]), _date(row["active_to"], where, ALWAYS[1])
        if first > last:
            raise ConfigError(f"active_from {first} is after active_to {last}.", where=where, remedy="Swap them.")
        found.setdefault(symbol, []).append((first, last))
    if not found:
        raise ConfigError("this universe has no symbols.", where=path, remedy="Add a row per symbol.")
    return {symbol: sorted(found[symbol]) for symbol in sorted(found)}


def _date(text: str | None, where: str, default: dt.date) -> dt.date:
    """Convert a text to the date that it begins with; an empty text is the default.

    Raises:
        ConfigError: the text is no date; names `where`.
    """
    try:
        return date_as_written(text) if text and text.strip() else default
    except ValueError:
        raise ConfigError(f"{text!r} is no date.", where=where, remedy=f"{REMEDY} Or write nothing.") from None


def active_within(spans: list[Span], first: dt.date, last: dt.date) -> Span | None:
    """Return the first and the last date from `first` to `last` on which a symbol is a member; None if there is none.

    Args:
        spans: the symbol's spans of membership.
        first: first date of the range.
        last: last date of the range.
    """
    parts = [(max(first, start), min(last, end)) for start, end in spans if start <= last and end >= first]
    return (min(start for start, _ in parts), max(end for _, end in parts)) if parts else None
