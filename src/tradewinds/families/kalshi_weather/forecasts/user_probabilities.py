"""The user's own probabilities: CSV or Parquet with columns market_ticker, known_at_utc, p_yes.

The row with the latest known_at_utc by the event's as-of time is used; of equal times the later row of the file. Times without
a zone are UTC. Probabilities are decimals, kept to 12 places: the text of a CSV as it stands, a float in its shortest form.
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

from tradewinds.core import strict, user_tables
from tradewinds.core.errors import SimulationError
from tradewinds.core.safe_text import shortened
from tradewinds.families.kalshi_weather.forecasts.integer_mass import QUANTUM

COLUMNS = ("market_ticker", "known_at_utc", "p_yes")

TimedProbability = tuple[int, Decimal]
"""When a probability was known (Unix seconds), and P(YES) from 0 to 1."""


def read_user_file(path: str | Path) -> dict[str, list[TimedProbability]]:
    """Probabilities of a user's file by market ticker, in order of their times, equal times in file order.

    Raises:
        SimulationError: the file cannot be read, lacks a column, or a row has no ticker, no time or no probability.
    """
    # All columns, each once.
    remedy = "It must be a CSV (.csv) or Parquet file; see config/README.md."
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
        table["known_at_utc"].to_pylist(),
        table["p_yes"].to_pylist(),
        strict=True,
    )
    for number, (name, known_at, p_yes) in enumerate(rows_of_file, start=1):
        where, ticker = f"{path}, row {number}", str(name or "").strip()
        if not ticker:
            raise SimulationError("market_ticker is empty.", where=where, remedy="Every row names a market.")
        probabilities.setdefault(ticker, []).append((_seconds(known_at, where), _probability(p_yes, where)))
    for rows in probabilities.values():
        rows.sort(key=lambda row: row[0])  # a stable sort: equal times keep the file's order
    return probabilities


def latest(rows: list[TimedProbability], asof_ts: int) -> TimedProbability | None:
    """The last row known by an as-of time, None without one.

    Args:
        rows: of one market, in order of their times.
        asof_ts: Unix seconds.
    """
    return next((row for row in reversed(rows) if row[0] <= asof_ts), None)


def _seconds(known_at: Any, where: str) -> int:
    """Unix seconds, rounded up: a value known within a second is not known at the second's start."""
    try:
        if isinstance(known_at, str):
            known_at = dt.datetime.fromisoformat(known_at.strip())
        if known_at.tzinfo is None:
            known_at = known_at.replace(tzinfo=dt.UTC)
        return -int(-known_at.timestamp() // 1)
    except (ValueError, AttributeError, TypeError, OverflowError):
        remedy = "Write it like 2025-05-01T18:00:00Z."
        raise SimulationError(f"known_at_utc {known_at!r} is no time.", where=where, remedy=remedy) from None


def _probability(p_yes: Any, where: str) -> Decimal:
    """A probability rounded to 12 decimals, half to even."""
    try:
        exact = strict.decimal(repr(p_yes) if isinstance(p_yes, float) else str(p_yes).strip())
        if not 0 <= exact <= 1:
            raise ValueError
    except ValueError:
        remedy = "It must be a number from 0 to 1."
        raise SimulationError(f"p_yes {p_yes!r} is no probability.", where=where, remedy=remedy) from None
    return exact.quantize(QUANTUM, rounding=ROUND_HALF_EVEN)
