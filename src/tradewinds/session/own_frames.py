"""Probabilities, distributions or order books from a pandas frame, written as the file that a config can name."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from tradewinds.core import files
from tradewinds.core.errors import ConfigError

_ALSO = {"known_at_utc": "known_at"}
_MEMBER = "member"
FOLDER = "data/user"


class _Given(NamedTuple):
    """What a frame may hold.

    Attributes:
        name: of the argument that it is given as, and of the folder below data/user/ for its files.
        columns: of its file.
    """

    name: str
    columns: tuple[str, ...]

    @property
    def remedy(self) -> str:
        """What to do about a frame without them."""
        others = ", ".join(self.columns[2:-1])
        return (
            f"It needs market_ticker (a column or the index), known_at_utc (or known_at){others and f', {others}'} and "
            f"{self.columns[-1]}."
        )


PROBABILITIES = _Given("probabilities", ("market_ticker", "known_at_utc", "p_yes"))
LEVELS = _Given("levels", ("market_ticker", "known_at_utc", "side", "price", "size"))


def write_probabilities(frame: pd.DataFrame) -> str:
    """Write probabilities as CSV under a name with their digest, so that the same values are the same file.

    Args:
        frame: columns market_ticker (or the index), known_at_utc or known_at, p_yes; other columns are not written. Times
            without a zone are UTC.

    Returns:
        The path of the file, relative to the working folder.

    Raises:
        ConfigError: a column is missing, or a row has no ticker, time or probability.
    """
    rows = sorted(_rows(PROBABILITIES, frame), key=lambda row: row[:2])  # stable: of equal times the later row counts
    return _written(PROBABILITIES, rows)


def write_levels(frame: pd.DataFrame) -> str:
    """Write order books as CSV, as `write_probabilities` does.

    Args:
        frame: columns of a file of order books (tradewinds docs trading-rules), known_at for known_at_utc if you like, and
            market_ticker as a column or the index; a row per level. Other columns are not written.

    Returns:
        The path of the file, relative to the working folder.

    Raises:
        ConfigError: a column is missing, or one of its values is.
    """
    return _written(LEVELS, _rows(LEVELS, frame))


def is_distribution(frame: Any) -> bool:
    """Whether a frame has distributions of temperatures in place of probabilities: no `p_yes`, but `mu_f` or members."""
    if not isinstance(frame, pd.DataFrame) or "p_yes" in frame.columns:
        return False
    return any(name == "mu_f" or str(name).startswith(_MEMBER) for name in frame.columns)


def write_distributions(frame: pd.DataFrame) -> str:
    """Write distributions as CSV, as `write_probabilities` does.

    Args:
        frame: columns of a file of distributions (tradewinds docs forecasts), known_at for known_at_utc if you like. All
            columns are written. Dates are dates or ISO texts, times without a zone UTC.

    Returns:
        The path of the file, relative to the working folder.

    Raises:
        ConfigError: the column of times is missing, or one of its values is.
    """
    columns = {"known_at_utc": _texts(PROBABILITIES, "known_at_utc", _column(PROBABILITIES, frame, "known_at_utc"))}
    for name in frame.columns:
        if name not in ("known_at_utc", _ALSO["known_at_utc"]):
            columns[str(name)] = [_cell(str(name), value) for value in frame[name].tolist()]
    kind = PROBABILITIES._replace(columns=tuple(columns))
    return _written(kind, zip(*columns.values(), strict=True))


def _rows(kind: _Given, frame: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return the rows of a frame's file as text.

    Raises:
        ConfigError: it is no frame, a column is missing, or one of its values is.
    """
    if not isinstance(frame, pd.DataFrame):
        raise ConfigError(f"a {type(frame).__name__} is no DataFrame.", where=kind.name, remedy=kind.remedy)
    columns = [_texts(kind, name, _column(kind, frame, name)) for name in kind.columns]
    return [*zip(*columns, strict=True)]


def _cell(name: str, value: Any) -> str:
    """Return one value of a column as the text of a CSV: empty for a missing one, and a date without its midnight."""
    if pd.isna(value):
        return ""
    return _text(value).removesuffix("T00:00:00Z") if name.endswith("_date") else _text(value)


def _written(kind: _Given, rows: Iterable[Sequence[str]]) -> str:
    """Write a file under a name with its digest, and return its path."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(kind.columns)
    writer.writerows(rows)
    content = text.getvalue()
    path = Path(FOLDER, kind.name, f"{hashlib.sha256(content.encode()).hexdigest()[:20]}.csv")
    if not path.exists():
        files.write_text(path, content)
    return path.as_posix()


def _column(kind: _Given, frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column by its name or its other name; tickers may be the index.

    Raises:
        ConfigError: there is no such column, or several.
    """
    found = [one for one in (name, _ALSO.get(name, name)) if one in frame.columns]
    if not found and name == "market_ticker" and not isinstance(frame.index, pd.RangeIndex | pd.DatetimeIndex):
        return frame.index.to_series()
    if not found:
        raise ConfigError(f"column {name} is missing.", where=kind.name, remedy=kind.remedy)
    column = frame[found[0]]
    if isinstance(column, pd.DataFrame) or len(set(found)) > 1:
        raise ConfigError(f"column {name} is there twice.", where=kind.name, remedy="Keep one of them.")
    return column


def _texts(kind: _Given, name: str, column: pd.Series) -> list[str]:
    """Return the values of a column as the text of a CSV.

    Raises:
        ConfigError: a value is missing.
    """
    missing = column.isna().to_numpy()
    if missing.any():
        where = f"{kind.name}, row {int(missing.argmax()) + 1}"
        raise ConfigError(f"{name} is missing.", where=where, remedy="No row may lack it.")
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        instants = pd.to_datetime(column, utc=True)
        return [f"{instant.isoformat().removesuffix('+00:00')}Z" for instant in instants]
    return [_text(value) for value in column.tolist()]


def _text(value: Any) -> str:
    """Return one value: a time in ISO 8601, a number in its shortest form, text as it is."""
    if isinstance(value, pd.Timestamp) or hasattr(value, "isoformat"):
        instant = pd.Timestamp(value)
        instant = instant.tz_localize("UTC") if instant.tz is None else instant.tz_convert("UTC")
        return f"{instant.isoformat().removesuffix('+00:00')}Z"
    if isinstance(value, float):
        return format(Decimal(repr(float(value))), "f")
    return str(value).strip()
