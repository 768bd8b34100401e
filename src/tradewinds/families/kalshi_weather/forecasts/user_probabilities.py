"""The user's own probabilities: CSV or Parquet with columns market_ticker, known_at_utc, p_yes.

The row with the latest known_at_utc by the event's as-of time is used; of equal times the later row of the file. Times without
a zone are UTC. Probabilities are decimals, kept to 12 places: the text of a CSV as it stands, a float in its shortest form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from tradewinds.core import strict, times, user_tables
from tradewinds.core.errors import SimulationError
from tradewinds.core.number_hints import percent_as_part
from tradewinds.core.safe_text import shortened
from tradewinds.core.text import instant
from tradewinds.families.kalshi_weather.forecasts.bracket_probability import QUANTUM

COLUMNS = ("market_ticker", "known_at_utc", "p_yes")

WHEN_KNOWN = (
    "known_at_utc is when the probability was known, in UTC (times of another zone need their offset, counts since 1970 "
    "their unit: milliseconds are not seconds); asof_policy says when a run looks."
)

TimedProbability = tuple[int, Decimal]
"""When a probability was known (Unix seconds), and P(YES) from 0 to 1."""


def read_user_file(path: str | Path) -> dict[str, list[TimedProbability]]:
    """Probabilities of a user's file by market ticker, in order of their times, equal times in file order.

    Raises as `read_with_zones`.
    """
    return read_with_zones(path)[0]


def read_with_zones(path: str | Path) -> tuple[dict[str, list[TimedProbability]], int]:
    """Return the probabilities of a user's file as `read_user_file`, and how many of its times have no zone.

    Raises:
        SimulationError: the file cannot be read, lacks a column, or a row has no ticker, no time or no probability.
    """
    # All columns, each once.
    remedy = "It must be a CSV (.csv) or Parquet file; `tradewinds schema probabilities` explains both."
    table = user_tables.read_table(path, "the probability file", remedy, SimulationError, texts=COLUMNS)
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        present = shortened(", ".join(table.column_names), 300) or "none"
        remedy = f"It needs the columns {', '.join(COLUMNS)}; found: {present}."
        raise SimulationError(f"column {missing[0]} is missing.", where=str(path), remedy=remedy)
    if repeated := [name for name in COLUMNS if table.column_names.count(name) > 1]:
        raise SimulationError(f"column {repeated[0]} occurs twice.", where=str(path), remedy="Keep one of them.")

    # Rows, checked one by one so that an error can name the row.
    probabilities: dict[str, list[TimedProbability]] = {}
    rows_of_file = zip(
        table["market_ticker"].to_pylist(),
        _known_at(table["known_at_utc"], path),
        table["p_yes"].to_pylist(),
        strict=True,
    )
    for number, (name, known_at, p_yes) in enumerate(rows_of_file, start=1):
        where, ticker = f"{path}, row {number}", str(name or "").strip()
        if not ticker:
            raise SimulationError("market_ticker is empty.", where=where, remedy="Every row names a market.")
        probabilities.setdefault(ticker, []).append((known_at, _probability(p_yes, where)))
    for rows in probabilities.values():
        rows.sort(key=lambda row: row[0])  # a stable sort: equal times keep the file's order
    return probabilities, times.without_zone(table["known_at_utc"])


def latest(rows: list[TimedProbability], asof_ts: int) -> TimedProbability | None:
    """The last row known by an as-of time, None without one.

    Args:
        rows: of one market, in order of their times.
        asof_ts: Unix seconds.
    """
    return next((row for row in reversed(rows) if row[0] <= asof_ts), None)


def in_force(rows: list[TimedProbability], asof_ts: int, until_ts: int) -> list[TimedProbability]:
    """The last row known by an as-of time, and the later ones known before an instant; of equal times the last row.

    Args:
        rows: of one market, in order of their times.
        asof_ts: Unix seconds.
        until_ts: the instant, excluded; Unix seconds.
    """
    first = latest(rows, asof_ts)
    later = {known_at: (known_at, p) for known_at, p in rows if asof_ts < known_at < until_ts}
    return ([first] if first else []) + list(later.values())


def refuse_unmatched(
    path: str | Path,
    probabilities: Mapping[str, list[TimedProbability]],
    asof_ts: Mapping[str, int],
    is_latest: bool = False,
) -> None:
    """Refuse a file of which no row counts for any market of a config: a run would trade nothing, for no other reason.

    Args:
        path: of the file.
        probabilities: as from `read_user_file`.
        asof_ts: last instant at which a row counts of each market that the config's range lists, in Unix seconds.
        is_latest: whether that is the last instant of trading, and not the as-of time.

    Raises:
        SimulationError: the file is empty, names none of the markets, or every row of theirs was known too late.
    """
    if not asof_ts or any(latest(probabilities.get(ticker, []), at) for ticker, at in asof_ts.items()):
        return
    if not probabilities:
        raise SimulationError("has no rows.", where=str(path), remedy="Write a row per market and time.")
    named = sorted(probabilities.keys() & asof_ts.keys())
    if not named:
        what = (
            f"names no market of this config: it has {some(probabilities)}, the config's range lists {some(asof_ts)}."
        )
        raise SimulationError(what, where=str(path), remedy=how_to_name(probabilities, asof_ts))
    # All rows are too late: the one that is nearest to its as-of time shows it.
    ticker = min(named, key=lambda name: probabilities[name][0][0] - asof_ts[name])
    what = too_late(ticker, probabilities[ticker][0][0], asof_ts[ticker], is_latest)
    raise SimulationError(f"every row {what}", where=str(path), remedy=WHEN_KNOWN)


def too_late(ticker: str, known_at_ts: int, last_ts: int, is_latest: bool) -> str:
    """Say that rows are known too late, to follow what they are; the row nearest to its last instant shows it.

    Args:
        ticker: of the row's market.
        known_at_ts: when it is known; Unix seconds.
        last_ts: the last instant at which it would count; Unix seconds.
        is_latest: whether that is the last instant of trading, and not the as-of time.
    """
    first = f"{ticker} first at {instant(known_at_ts)}"
    if is_latest:
        return f"is known after its market has closed: {first}, trading ends at {instant(last_ts + 1)}."
    return f"is known after the as-of time of its market's event: {first}, its as-of time is {instant(last_ts)}."


def how_to_name(probabilities: Mapping[str, Any], known: Iterable[str]) -> str:
    """What to do about tickers of which none is a market's.

    Args:
        probabilities: of the file, by ticker.
        known: what its tickers begin with: markets or series.
    """
    remedy = "Write the exchange's market tickers, and check series_tickers and the range of dates."
    begins = tuple(ticker.casefold() for ticker in known)
    small = any(t != t.upper() and t.casefold().startswith(begins) for t in probabilities)
    return f"Tickers are written in capitals. {remedy}" if small else remedy


def some(tickers: Iterable[str]) -> str:
    """The first three tickers, and how many more there are."""
    listed = sorted(tickers)
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return ", ".join(listed[:3]) + more


def _known_at(column: pa.ChunkedArray, path: str | Path) -> list[int]:
    """The times of a file in Unix seconds, rounded up: a value known within a second is not known at the second's start."""
    try:
        known = times.seconds_up(column)
    except times.UnreadableTime as error:
        where = f"{path}, row {error.row + 1}"
        raise SimulationError(f"known_at_utc {error.what}", where=where, remedy=error.remedy) from None
    found = [seconds for seconds in known if seconds is not None]
    if len(found) < len(known):
        where, remedy = f"{path}, row {known.index(None) + 1}", "Write it like 2025-05-01T18:00:00Z."
        raise SimulationError("known_at_utc None is no time.", where=where, remedy=remedy)
    return found


def _probability(p_yes: Any, where: str) -> Decimal:
    """A probability rounded to 12 decimals, half to even."""
    try:
        exact = strict.decimal(repr(p_yes) if isinstance(p_yes, float) else str(p_yes).strip())
        if not 0 <= exact <= 1:
            raise ValueError
    except ValueError:
        remedy = f"It must be a number from 0 to 1{_as_part(p_yes)}."
        raise SimulationError(f"p_yes {p_yes!r} is no probability.", where=where, remedy=remedy) from None
    return exact.quantize(QUANTUM, rounding=ROUND_HALF_EVEN)


def _as_part(p_yes: Any) -> str:
    """Return how a probability in percent (35%, or 35) or with a decimal comma is written; "" for anything else."""
    text = str(p_yes).strip()
    as_point = text.replace(",", ".", 1)
    if as_point != text and percent_as_part(f"{as_point}%"):
        return f", with a point: {as_point}"
    part = percent_as_part(text) or percent_as_part(f"{text}%")
    is_meant = part is not None and 0 <= Decimal(part) <= 1
    return f", a part of one and no percentage: {part}" if is_meant else ""
