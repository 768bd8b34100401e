"""How far the sources reach: which days are over, and how long a service keeps what it gives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

from tradewinds.core import files
from tradewinds.core.errors import DataMissing

SETTLED_SECONDS = 300  # after midnight: the last records of a day come late
# ASSUME: "the last three months" are the shortest three months of a year, 89 days, so that nothing is promised too much.
REACH_DAYS = {("okx", "funding"): 89}
KINDS_OF = {
    "binance": ("funding", "spot", "perp", "mark"),
    "bybit": ("funding", "spot", "perp", "mark"),
    "okx": ("funding", "spot", "perp", "mark"),
    "hyperliquid": ("funding",),  # its candles are of the last weeks only, and its spot pairs are others
}
"""Kinds of records that each source gives."""
CANDLE_MINUTES = (1, 5, 15, 30, 60, 120, 240)  # that all of them give
SHOWN_SYMBOLS = 20  # in an error message


def last_full_day(now: dt.datetime) -> dt.date:
    """Return the last day whose records are all known.

    Args:
        now: the time, in UTC.
    """
    return (now - dt.timedelta(seconds=SETTLED_SECONDS)).date() - dt.timedelta(days=1)


def finished_through(last: dt.date) -> dt.date:
    """Return the last day up to another one whose records are all known now."""
    return min(last, last_full_day(dt.datetime.now(dt.UTC)))


def first_in_reach(source: str, kind: str, today: dt.date) -> dt.date:
    """Return the first day of which a source still has records of a kind; the earliest date if it forgets none.

    Args:
        source: name of the source.
        kind: of the records.
        today: the date, in UTC.
    """
    days = REACH_DAYS.get((source, kind))
    return dt.date.min if days is None else today - dt.timedelta(days=days)


def refuse_out_of_reach(source: str, first_needed: dt.date, months: Mapping[str, Sequence[tuple[str, str]]]) -> None:
    """Raise DataMissing if funding rates of a run are out of the source's reach and in no file that is there.

    Args:
        source: name of the source.
        first_needed: the first day of the run, warm-up included.
        months: by symbol: (month such as 2024-03, path) of its files of funding rates.
    """
    reach = first_in_reach(source, "funding", dt.datetime.now(dt.UTC).date())
    if first_needed >= reach:
        return
    # a file that is there may have what the source has forgotten
    lost = {
        symbol: month
        for symbol, listed in months.items()
        for month, path in sorted(listed, reverse=True)
        if _begins(month) < reach and not _has(path, max(first_needed, _begins(month)))
    }
    if not lost:
        return
    shown = ", ".join(f"{symbol} from {month}" for symbol, month in sorted(lost.items())[:SHOWN_SYMBOLS])
    more = f" and {len(lost) - SHOWN_SYMBOLS} more" if len(lost) > SHOWN_SYMBOLS else ""
    raise DataMissing(
        f"funding rates from {first_needed} on are needed (warm-up included), and {source} gives those of the last three "
        f"months only, from {reach} on; no file has those of {shown}{more}.",
        where="data",
        remedy="Begin later, take another source (binance has all years), or give files of your own (source: files).",
    )


def _begins(month: str) -> dt.date:
    """Return the first day of a month such as 2024-03."""
    return dt.date(int(month[:4]), int(month[5:]), 1)


def _has(path: str, day: dt.date) -> bool:
    """Whether there is a file that has all records from a day of its month on."""
    return Path(path).exists() and dt.date.fromisoformat(files.read_meta(path)["covers_from"]) <= day
