"""The universe: which symbols may be bought when.

A list names symbols without dates. A file has a row per symbol and span of membership, so that a past universe is the one of
that time and not the one of today's survivors.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from tradewinds.core.errors import ConfigError
from tradewinds.reference_data.csv_tables import rows_of

Span = tuple[dt.date, dt.date]
Universe = dict[str, list[Span]]

COLUMNS = ("symbol", "active_from", "active_to")
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.-]{0,19}")
ALWAYS = (dt.date.min, dt.date.max)


def universe_of(config: Mapping[str, Any]) -> Universe:
    """Spans of membership per symbol, both ends included, in order of the symbols.

    Raises:
        ConfigError: the universe file cannot be read; names line and column.
    """
    wanted = config["universe"]
    if isinstance(wanted, list):
        return {symbol: [ALWAYS] for symbol in sorted(wanted)}
    return read_universe(wanted["file"])


def read_universe(path: str) -> Universe:
    """The spans of a universe file; raises as `universe_of`."""
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


def _date(text: str | None, where: str, otherwise: dt.date) -> dt.date:
    try:
        return dt.date.fromisoformat(text.strip()) if text and text.strip() else otherwise
    except ValueError:
        raise ConfigError(f"{text!r} is no date.", where=where, remedy="Write YYYY-MM-DD, or nothing.") from None


def within(spans: list[Span], first: dt.date, last: dt.date) -> Span | None:
    """From the first to the last date on which a symbol is active in a range; None if it never is."""
    parts = [(max(first, start), min(last, end)) for start, end in spans if start <= last and end >= first]
    return (min(start for start, _ in parts), max(end for _, end in parts)) if parts else None
