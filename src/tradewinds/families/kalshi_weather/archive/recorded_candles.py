"""The 1-minute candles of an import: cents as exact dollars, each minute of a market once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.core import times
from tradewinds.core.errors import ConfigError
from tradewinds.core.text import instant, whole_seconds_up
from tradewinds.families.kalshi_weather.archive.event_archive import CANDLES
from tradewinds.families.kalshi_weather.archive.recorded_files import RecordedFile
from tradewinds.families.kalshi_weather.schemas import PRICE_COLUMNS

_COUNTS = ("volume", "open_interest")
_CENTS = tuple(f"{name}_cents" for name in PRICE_COLUMNS)
_FIRST_TS, _END_TS = 631_152_000, 7_258_118_400  # the years 1990 to 2199 in Unix seconds
_END = "end_period_ts"
_WRITTEN_TIME = re.compile(r"\d{4}-\d{2}-\d{2}")

# A value that cannot be kept exactly. Prices above a dollar can: whether they are believed is for the run to say.
_BAD_PRICE = "NOT isnan({0}) AND abs({0}) >= 100000"
_BAD_COUNT = "{0} IS NULL OR isnan({0}) OR isinf({0}) OR {0} < 0 OR {0} > 1e15"


def read_candles(paths: Iterable[str | Path]) -> pa.Table:
    """Files of candles in cents, as candles in dollars (schema CANDLES), in order of market and time.

    Raises:
        ConfigError: a cell has no plain meaning, or a market has two different candles of one minute.
    """
    tables = [_candles(RecordedFile(path, ("market_ticker", _END, *_CENTS, *_COUNTS))) for path in paths]
    if not tables:
        return CANDLES.empty_table()
    connection = duckdb.connect()
    connection.register("candles", pa.concat_tables(tables))
    found = connection.sql("SELECT DISTINCT * FROM candles ORDER BY ALL").to_arrow_table()
    connection.register("found", found)
    twice = connection.execute(
        f"SELECT market_ticker, {_END} FROM found GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 1"
    ).fetchone()
    if twice:
        raise ConfigError(
            f"{twice[0]} has several candles that end at {instant(twice[1])} ({_END} {twice[1]}).",
            where=", ".join(str(path) for path in paths),
            remedy="Keep one of them.",
        )
    return found.cast(CANDLES)


def totals_of(candles: pa.Table) -> dict[str, tuple[str, str]]:
    """Volume and last open interest of each market, as the API writes counts.

    Args:
        candles: schema CANDLES.
    """
    connection = duckdb.connect()
    connection.register("candles", candles)
    sql = f"SELECT market_ticker, sum(volume), arg_max(open_interest, {_END}) FROM candles GROUP BY ALL"
    return {
        ticker: (f"{volume:.2f}", f"{interest:.2f}") for ticker, volume, interest in connection.execute(sql).fetchall()
    }


def _candles(file: RecordedFile) -> pa.Table:
    """The candles of one file in dollars, with the columns of CANDLES."""
    # Every column by its kind, so that the first bad cell has a name.
    columns = {"market_ticker": pa.chunked_array([file.needed_texts("market_ticker")], pa.string()), _END: _ends(file)}
    columns |= {name: _floats_or_decimals(file, name) for name in (*_CENTS, *_COUNTS)}
    connection = duckdb.connect()
    connection.register(
        "recorded", pa.table(columns | {"row_number": pa.chunked_array([range(len(file))], pa.int64())})
    )
    for names, bad, remedy in (
        (_CENTS, _BAD_PRICE, "Prices are in cents; leave a missing one empty."),
        (_COUNTS, _BAD_COUNT, "It is the number of contracts, 0 or more; write 0 where nothing was traded."),
    ):
        for name in names:
            sql = f"SELECT row_number, {name} FROM recorded WHERE {bad.format(f'{name}::DOUBLE')} ORDER BY 1 LIMIT 1"
            if found := connection.execute(sql).fetchone():
                file.refuse(found[0], name, f"{found[1]} cannot be imported.", remedy)
    # Then cents (whole, or a mean with a fraction) as dollars; NaN is how tables without nulls write a missing value.
    dollars = [
        f"(CASE WHEN isnan({name}_cents::DOUBLE) THEN NULL ELSE {name}_cents END / 100)::DECIMAL(9, 6) AS {name}"
        for name in PRICE_COLUMNS
    ]
    counts = [f"{name}::DECIMAL(18, 2) AS {name}" for name in _COUNTS]
    return connection.sql(
        f"SELECT market_ticker, {_END}, {', '.join((*dollars, *counts))} FROM recorded"
    ).to_arrow_table()


def _ends(file: RecordedFile) -> pa.ChunkedArray:
    """Ends of candles in Unix seconds: whole numbers, or timestamps."""
    column = file.table[_END]
    if pa.types.is_timestamp(column.type):
        ends = file.needed_instants(_END, up=True)
        cut = next((row for row, end in enumerate(ends) if end.microsecond), None)
        if cut is not None:
            file.refuse(cut, _END, f"{ends[cut].isoformat()} is no whole second.", "It is the end of a minute.")
        return pa.chunked_array([[whole_seconds_up(end) for end in ends]], pa.int64())
    # Whole numbers in any type that can hold them; a column with missing values is often one of floats.
    if not pa.types.is_integer(column.type):
        if (row := next((row for row, end in enumerate(file.values(_END)) if _is_written_time(end)), None)) is not None:
            remedy = f'Write seconds since 1970, or timestamps: pandas.to_datetime(frame["{_END}"], utc=True).'
            file.refuse(row, _END, f"{column[row].as_py()!r} is text, not a timestamp.", remedy)
        numbers = file.numbers(_END)
        for row, value in enumerate(numbers):
            if value is None or value != int(value):
                what = f"{value} is no whole number of seconds."
                file.refuse(row, _END, what, "It is the end of a minute in Unix seconds.")
        column = pa.chunked_array([[int(value) for value in numbers if value is not None]], pa.int64())
    outside = pc.fill_null(pc.or_(pc.less(column, _FIRST_TS), pc.greater_equal(column, _END_TS)), True)
    if (row := pc.index(outside, True).as_py()) >= 0:
        value = column[row].as_py()
        what = f"{value} is no time of a candle in Unix seconds."
        file.refuse(row, _END, what, f"{times.count_meaning(value)}Write seconds since 1970.")
    return column.cast(pa.int64())


def _is_written_time(value: object) -> bool:
    """Whether a value is a time as text, such as 2026-03-01T23:00:00Z, for which the remedy is another."""
    return isinstance(value, str) and bool(_WRITTEN_TIME.match(value.strip()))


def _floats_or_decimals(file: RecordedFile, name: str) -> pa.ChunkedArray:
    """A column of numbers as it is; text is refused."""
    column = file.table[name]
    kind = column.type
    if pa.types.is_null(kind):
        return column.cast(pa.float64())
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        file.refuse(0, name, f"{column[0]} is {kind}, not a number.", "Write the column as numbers.")
    return column
