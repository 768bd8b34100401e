"""The user's own probabilities: CSV or Parquet with columns market_ticker, known_at_utc, p_yes.

Used is the row with the latest known_at by the event's as-of time; of equal ones the later row of the file. Times
without a zone are UTC. Probabilities are decimals: a CSV's text as it stands, a float in its shortest form, kept to 12
decimals.
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from tradewinds.core.errors import SimulationError
from tradewinds.families.kalshi_weather.forecasts.integer_mass import QUANTUM

COLUMNS = ("market_ticker", "known_at_utc", "p_yes")

Known = tuple[int, Decimal]  # known_at in Unix seconds, P(YES)


def read_user_file(path: str | Path) -> dict[str, list[Known]]:
    """Per market, its rows in order of known_at (equal ones in file order).

    Raises:
        SimulationError: the file cannot be read, lacks a column, or a row has no ticker, no time or no probability.
    """
    table = _read(Path(path))
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        found = ", ".join(table.column_names) or "none"
        remedy = f"It needs the columns {', '.join(COLUMNS)}; found: {found}."
        raise SimulationError(f"column {missing[0]} is missing.", where=str(path), remedy=remedy)
    if twice := [name for name in COLUMNS if table.column_names.count(name) > 1]:
        raise SimulationError(f"column {twice[0]} occurs twice.", where=str(path), remedy="Keep one of them.")
    known: dict[str, list[Known]] = {}
    columns = zip(*(table[name].to_pylist() for name in COLUMNS), strict=True)
    for number, (name, moment, probability) in enumerate(columns, start=1):
        where, ticker = f"{path}, row {number}", str(name or "").strip()
        if not ticker:
            raise SimulationError("market_ticker is empty.", where=where, remedy="Every row names a market.")
        known.setdefault(ticker, []).append((_seconds(moment, where), _probability(probability, where)))
    for rows in known.values():
        rows.sort(key=lambda row: row[0])  # stable: equal times keep the file's order
    return known


def latest(rows: list[Known], asof: int) -> Known | None:
    """The row in force at the as-of time."""
    return next((row for row in reversed(rows) if row[0] <= asof), None)


def _read(path: Path) -> pa.Table:
    try:
        if path.suffix.lower() == ".csv":
            text = pa.csv.ConvertOptions(column_types=dict.fromkeys(COLUMNS, pa.string()))
            return pa.csv.read_csv(path, convert_options=text)
        return pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        remedy = "It must be a CSV (.csv) or Parquet file; see config/README.md."
        problem = str(error).splitlines()[0]
        raise SimulationError(
            f"the probability file cannot be read ({problem}).", where=str(path), remedy=remedy
        ) from None


def _seconds(moment: Any, where: str) -> int:
    """Unix seconds, rounded up: a value known within a second is not known at its start."""
    try:
        if isinstance(moment, str):
            moment = dt.datetime.fromisoformat(moment.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        return -int(-moment.timestamp() // 1)
    except (ValueError, AttributeError, TypeError):
        remedy = "Write it like 2025-05-01T18:00:00Z."
        raise SimulationError(f"known_at_utc {moment!r} is no time.", where=where, remedy=remedy) from None


def _probability(value: Any, where: str) -> Decimal:
    try:
        exact = Decimal(repr(value) if isinstance(value, float) else str(value).strip())
        if not 0 <= exact <= 1:
            raise InvalidOperation
    except InvalidOperation:
        remedy = "It must be a number from 0 to 1."
        raise SimulationError(f"p_yes {value!r} is no probability.", where=where, remedy=remedy) from None
    return exact.quantize(QUANTUM, rounding=ROUND_HALF_EVEN)
