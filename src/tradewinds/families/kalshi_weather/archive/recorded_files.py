"""Read the Parquet files of an import column by column; what cannot be read is named with its file, row and column."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import NoReturn, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewinds.core import times, user_files
from tradewinds.core.errors import ConfigError
from tradewinds.core.safe_text import shortened
from tradewinds.core.text import EPOCH
from tradewinds.families.kalshi_weather import climate_days

NO_VALUE = frozenset({"", "none", "null", "nan", "nat", "<na>"})  # how tables written as text say that there is none
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
_LISTED = "`tradewinds docs archive` lists the columns of an import."
# Instants outside these cannot be those of a temperature event: years 1990 to 2199.
_FIRST_REPORT = 1850
_FIRST, _END = (dt.datetime(year, 1, 1, tzinfo=dt.UTC) for year in (1990, 2200))

_Value = TypeVar("_Value")


class RecordedFile:
    """One file of an import.

    Args:
        path: of a Parquet file.
        required: columns that it must have.

    Attributes:
        path: as given.
        table: all its columns.

    Raises:
        ConfigError: it is no Parquet file, lacks a column, or has one of them twice.
    """

    def __init__(self, path: str | Path, required: Iterable[str]) -> None:
        self.path = str(path)
        try:
            if odd := user_files.problem_of(path):
                raise OSError(odd)
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                self.table = file.read()
            self.table.validate(full=True)  # texts that are no UTF-8, offsets that point outside
        except (OSError, pa.ArrowException, ValueError, MemoryError) as error:
            problem = shortened((str(error).splitlines() or [type(error).__name__])[0], 200)
            raise ConfigError(
                f"cannot be imported ({problem}).", where=self.path, remedy="Give a Parquet file."
            ) from None
        names = self.table.column_names
        if missing := [name for name in required if name not in names]:
            self.refuse_columns(missing)
        if twice := sorted({name for name in names if names.count(name) > 1}):
            problem = f"cannot be imported (column {', '.join(twice)} occurs twice)."
            raise ConfigError(problem, where=self.path, remedy="Keep one of them.")

    def __len__(self) -> int:
        """Number of rows."""
        return int(self.table.num_rows)

    def refuse_columns(self, missing: Iterable[str]) -> NoReturn:
        """Raise ConfigError for columns that the file lacks."""
        problem = f"cannot be imported (no column {', '.join(missing)})."
        raise ConfigError(problem, where=self.path, remedy=_LISTED)

    def refuse(self, row: int, column: str, what: str, remedy: str) -> NoReturn:
        """Raise ConfigError for a cell.

        Args:
            row: from 0.
            column: its name.
            what: a sentence about the value.
            remedy: what to do.
        """
        raise ConfigError(what, where=f"{self.path}, row {row + 1}, column {column}", remedy=remedy)

    def texts(self, name: str) -> list[str | None]:
        """The values of a column without blanks around; a missing value, and a missing column, is None."""
        return [self._text(value, row, name) for row, value in enumerate(self.values(name))]

    def needed_texts(self, name: str) -> list[str]:
        """As `texts`, of a column in which no value may be missing."""
        return [self._needed(value, row, name) for row, value in enumerate(self.texts(name))]

    def numbers(self, name: str, missing: Iterable[str] = ()) -> list[Decimal | None]:
        """The values of a column as exact decimals; a missing value (also NaN), and a missing column, is None.

        Args:
            name: of the column.
            missing: words for a missing value, in small letters, beside NO_VALUE.
        """
        absent = NO_VALUE.union(missing)
        return [self._number(value, row, name, absent) for row, value in enumerate(self.values(name))]

    def instants(self, name: str, *, up: bool) -> list[dt.datetime | None]:
        """A column of timestamps in UTC; a missing value, and a missing column, is None.

        Args:
            name: of the column. Timestamps without a zone are UTC.
            up: whether a part of a microsecond rounds up; else down.
        """
        if name not in self.table.column_names:
            return [None] * len(self)
        column = self.table[name]
        if not pa.types.is_timestamp(column.type) and not pa.types.is_null(column.type):
            self._refuse_kind(name, column)
        try:
            micros = times.microseconds(column, up=up)
        except times.UnreadableTime as error:
            self.refuse(error.row, name, error.what, error.remedy)
        found = [None if value is None else EPOCH + dt.timedelta(microseconds=value) for value in micros]
        for row, value in enumerate(found):
            if value is not None and not _FIRST <= value < _END:
                remedy = "Times lie in the years 1990 to 2199; check the unit of the column."
                self.refuse(row, name, f"{value:%Y-%m-%d} is no time of such an event.", remedy)
        return found

    def needed_instants(self, name: str, *, up: bool) -> list[dt.datetime]:
        """As `instants`, of a column in which no value may be missing."""
        return [self._needed(value, row, name) for row, value in enumerate(self.instants(name, up=up))]

    def days(self, name: str) -> list[dt.date]:
        """A column of dates as they are written, in which no value may be missing."""
        try:
            found = times.days(self.table[name])
        except times.UnreadableTime as error:
            self.refuse(error.row, name, error.what, error.remedy)
        wanted = [self._needed(value, row, name) for row, value in enumerate(found)]
        for row, day in enumerate(wanted):
            if not _FIRST_REPORT <= day.year < _END.year:
                self.refuse(row, name, f"{day} is no date of a report.", "Check the column.")
        return wanted

    def station_ids(self, name: str) -> list[str]:
        """A column of stations on which series settle, by their four-letter identifiers."""
        known = {station.station_id for station in climate_days.stations().values()}
        found = [text.upper() for text in self.needed_texts(name)]
        for row, station_id in enumerate(found):
            if station_id not in known:
                hint = f"Did you mean K{station_id}?" if f"K{station_id}" in known else "Leave its rows out."
                remedy = f"{hint} Stations have four-letter identifiers (KMDW)."
                self.refuse(row, name, f"no known station {station_id!r}.", remedy)
        return found

    def values(self, name: str) -> list[object]:
        """The values of a column; a column that is missing has none."""
        if name not in self.table.column_names:
            return [None] * len(self)
        try:
            return list(self.table[name].to_pylist())
        except (ValueError, pa.ArrowException) as error:  # text that is not UTF-8, among others
            raise ConfigError(
                f"column {name} cannot be read ({str(error).splitlines()[0]}).", where=self.path, remedy=_LISTED
            ) from None

    def _needed(self, value: _Value | None, row: int, name: str) -> _Value:
        if value is None:
            self.refuse(row, name, "has no value.", "Every row needs one.")
        return value

    def _text(self, value: object, row: int, name: str) -> str | None:
        if value is None or value != value:  # NaN is not equal to itself
            return None
        if not isinstance(value, str):
            self.refuse(row, name, f"{value!r} is no text.", _LISTED)
        text = value.strip()
        return None if text.casefold() in NO_VALUE else text

    def _number(self, value: object, row: int, name: str, absent: frozenset[str]) -> Decimal | None:
        if value is None or value != value:
            return None
        text = repr(value) if isinstance(value, float) else str(value).strip()
        if isinstance(value, str) and text.casefold() in absent:
            return None
        if isinstance(value, bool) or not _NUMBER.fullmatch(text):
            self.refuse(row, name, f"{value!r} is no number.", "Write a plain number such as 40.5, or leave it empty.")
        return Decimal(text)

    def _refuse_kind(self, name: str, column: pa.ChunkedArray) -> NoReturn:
        """Refuse a column of instants that has no type of instants: text and counts can mean several."""
        row = pc.index(pc.is_valid(column), True).as_py()
        value = column[max(row, 0)].as_py()
        remedy = (
            f"{times.count_meaning(value)}Write the column as timestamps, with pandas: "
            f'frame["{name}"] = pandas.to_datetime(frame["{name}"], utc=True) (for a count with its unit).'
        )
        self.refuse(max(row, 0), name, f"{value!r} is {column.type}, not a timestamp.", remedy)
