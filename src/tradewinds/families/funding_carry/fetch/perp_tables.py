"""Reads one file of funding rates or candles that a user brings: Parquet, Feather or CSV in any layout of perp_layouts.py."""

from __future__ import annotations

import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq

from tradewinds.core import strict, user_files
from tradewinds.core.arrays import Ints
from tradewinds.core.errors import ConfigError
from tradewinds.core.safe_text import shortened
from tradewinds.families.funding_carry.exact_columns import (
    Exact,
    scaled_up,
    units_of,
    units_of_decimals,
    units_of_floats,
)
from tradewinds.families.funding_carry.fetch.candle_checks import DECIMALS, CandleColumns
from tradewinds.families.funding_carry.fetch.perp_layouts import (
    HEADERLESS,
    LAYOUT_REMEDY,
    PRICES,
    PerpLayout,
    SymbolForms,
    is_left_aside,
    kind_of_candles,
    layout_of_columns,
    words_of,
)
from tradewinds.families.funding_carry.fetch.perp_stamps import StampColumn, UnreadStamps, read_stamp_column
from tradewinds.families.funding_carry.fetch.rate_checks import PRICE_DECIMALS, RATE_DECIMALS, RateRows

_PARQUET, _GZIP, _ARROW = b"PAR1", b"\x1f\x8b", (b"ARROW1", b"FEA1")
_WHAT = "the file of records"
UNCLEAR = "unclear"  # kind of a series


@dataclass(frozen=True)
class SeriesPiece:
    """The rows of one series in one file.

    Attributes:
        path: the file.
        kind: funding, spot, perp or mark; UNCLEAR for candles of which nothing says the leg.
        symbol: unified name of the perpetual, or of the pair of a spot leg.
        rows: the rows; stamps are as they are written.
        naive: whether the stamps have no time zone.
        written: how the stamps are written, for the log.
        exchange: the exchange of the rows; "" if the file does not say.
        without_rate: rows of a table of rates that have none, which are left out.
    """

    path: str
    kind: str
    symbol: str
    rows: RateRows | CandleColumns
    naive: bool
    written: str
    exchange: str
    without_rate: int = 0

    @property
    def stamps(self) -> Ints:
        """The time stamps of the rows; microseconds since 1970."""
        return self.rows[0]


@dataclass(frozen=True)
class ReadFile:
    """What was read of one file.

    Attributes:
        path: the file.
        pieces: the series of the run's symbols.
        aside: why nothing of it is used, to follow its path; "" if something is.
        others: symbols that the file has and the run does not want, a few of them.
    """

    path: str
    pieces: list[SeriesPiece]
    aside: str = ""
    others: tuple[str, ...] = ()


def read_perp_file(path: str, inside: str, forms: SymbolForms, exchange: str | None) -> ReadFile:
    """Read a file, of some symbols only.

    Args:
        path: the file.
        inside: its path below the folder that the config names: its words say what a file has if its columns do not.
        forms: the wanted symbols.
        exchange: the exchange whose rows are wanted; None for any.

    Raises:
        ConfigError: it cannot be read, has no such columns, or a value is no number.
    """
    if is_left_aside(words_of(Path(inside).name)):
        return ReadFile(path, [], "it has prices of an index, which are not used")
    table = _table(path)
    if twice := [name for name, count in Counter(table.column_names).items() if count > 1]:
        raise ConfigError(f"its column {twice[0]!r} is there twice.", where=path, remedy="Keep one of them.")
    layout = layout_of_columns(table.column_names, path)
    said = [words_of(part) for part in reversed(Path(inside).parts)]
    pieces: list[SeriesPiece] = []
    others: list[str] = []
    for group, symbol_text, market, venue in _groups(table, layout):
        if exchange is not None and venue and venue != exchange.lower():
            continue
        form = forms.form_of(symbol_text) if symbol_text else forms.form_in_path(inside)
        if form is None:
            others.append(symbol_text or Path(inside).name)
            continue
        pieces += _pieces(path, group, layout, form, [words_of(market), *said], venue)
    aside = "" if pieces else f"it has none of the run's symbols, but {', '.join(sorted(set(others))[:5])}"
    if not pieces and not others:
        aside = "it has no rows"
    return ReadFile(path, pieces, aside, tuple(sorted(set(others))[:10]))


def _pieces(
    path: str, table: pa.Table, layout: PerpLayout, form: tuple[str, str, str], said: list[set[str]], exchange: str
) -> Iterator[SeriesPiece]:
    """Yield the series of one symbol in a file; raises as read_perp_file."""
    written_as, perp, pair = form
    # settlements
    if layout.rate and perp:
        present = table.filter(pc.invert(pc.is_null(table[layout.rate], nan_is_null=True)))
        if present.num_rows:
            stamps = _stamps(present, layout.rate_stamp, path)
            rows = RateRows(
                raw_us=stamps.micros,
                rate=_numbers(present, layout.rate, RATE_DECIMALS, path),
                mark=_optional(present, layout.mark, PRICE_DECIMALS, path),
                interval_hours=_optional(present, layout.interval, 0, path),
            )
            # of a table that has candles too, rows without a rate are candles between two settlements
            lacking = 0 if layout.prices else table.num_rows - present.num_rows
            yield SeriesPiece(path, "funding", perp, rows, stamps.naive, stamps.written, exchange, lacking)
    # candles of the leg that the symbol, the market or the name of the file says
    if layout.prices and table.num_rows:
        kind = kind_of_candles(written_as, said, has_volume=bool(layout.volume)) or UNCLEAR
        symbol = pair if kind == "spot" else perp or (pair if kind == UNCLEAR else "")
        if not symbol:
            return
        stamps = _stamps(table, layout.candle_stamp, path)
        prices = {name: _numbers(table, layout.prices[name], DECIMALS, path) for name in PRICES}
        yield SeriesPiece(
            path,
            kind,
            symbol,
            CandleColumns(stamps.micros, **prices, volume=_optional(table, layout.volume, DECIMALS, path)),
            stamps.naive,
            stamps.written,
            exchange,
        )


def _groups(table: pa.Table, layout: PerpLayout) -> Iterator[tuple[pa.Table, str, str, str]]:
    """Yield the rows of each symbol, market and exchange of a file, with these; "" for one that the file has no column of."""
    columns = [name for name in (layout.symbol, layout.market, layout.exchange) if name]
    if not columns:
        yield table, "", "", ""
        return
    texts = {name: table[name].cast(pa.string()) for name in columns}
    keys = pa.table(texts).group_by(columns).aggregate([]).to_pylist()
    for key in keys:
        chosen = None
        for name in columns:
            here = pc.equal(texts[name], key[name]) if key[name] is not None else pc.is_null(texts[name])
            chosen = here if chosen is None else pc.and_(chosen, here)
        found = [str(key[name] or "") if name else "" for name in (layout.symbol, layout.market, layout.exchange)]
        yield table.filter(chosen), found[0], found[1], found[2].lower()


def _stamps(table: pa.Table, name: str, path: str) -> StampColumn:
    """Read the column of time stamps; raises as read_perp_file."""
    try:
        return read_stamp_column(table[name], utc=name.lower().endswith("utc"))
    except UnreadStamps as error:
        row = "" if error.row is None else f", row {error.row + 1}"
        remedy = "Write time stamps like 2024-05-31T08:00:00Z, or milliseconds since 1970."
        raise ConfigError(f"its value {error.what}.", where=f"{path}{row}, column {name!r}", remedy=remedy) from None


def _optional(table: pa.Table, name: str, decimals: int, path: str) -> Exact:
    """Return a column of numbers as integers of the last digit; zeros for a column that is not there, and for empty values."""
    return _numbers(table, name, decimals, path) if name else np.zeros(table.num_rows, np.int64)


def _numbers(table: pa.Table, name: str, decimals: int, path: str) -> Exact:
    """Return a column of numbers as integers of the last digit, 0 for an empty value; raises as read_perp_file."""
    column = table[name]
    kind = column.type
    # columns of numbers
    if pa.types.is_decimal(kind) and kind.scale <= decimals and kind.bit_width == 128:
        return scaled_up(units_of(column), 10 ** (decimals - kind.scale))
    if pa.types.is_decimal(kind):
        return units_of_decimals([value or Decimal(0) for value in column.to_pylist()], decimals)
    if pa.types.is_integer(kind):
        return units_of_decimals([Decimal(value or 0) for value in column.to_pylist()], decimals)
    if pa.types.is_floating(kind):
        values = column.cast(pa.float64()).to_numpy().astype(np.float64)
        if np.isinf(values).any():
            row = int(np.argmax(np.isinf(values)))
            raise ConfigError(
                "its value is not finite.", where=f"{path}, row {row + 1}, column {name!r}", remedy=LAYOUT_REMEDY
            )
        return units_of_floats(np.where(np.isnan(values), 0.0, values), decimals)
    if pa.types.is_null(kind):
        return np.zeros(len(column), np.int64)
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise ConfigError(f"its column {name!r} is no column of numbers.", where=path, remedy=LAYOUT_REMEDY)
    # texts, as CSV has them
    found = []
    for row, text in enumerate(column.to_pylist()):
        try:
            found.append(strict.decimal(text.strip()) if text else Decimal(0))
        except ValueError as error:
            hint = "Rates are fractions: 0.0001 for 0.01 %." if "%" in text else "Write plain decimals."
            raise ConfigError(
                f"its value is no number ({error}).", where=f"{path}, row {row + 1}, column {name!r}", remedy=hint
            ) from None
    return units_of_decimals(found, decimals)


def _table(path: str) -> pa.Table:
    """Read all columns of a file; raises as read_perp_file."""
    data = user_files.read_bytes(path, _WHAT, LAYOUT_REMEDY)
    try:
        if data.startswith(_GZIP):
            data = gzip.decompress(data)
        if data.startswith(_PARQUET) or path.endswith(".parquet"):
            with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
                table = file.read()
        elif data.startswith(_ARROW) or path.endswith(".feather"):
            table = pyarrow.feather.read_table(pa.BufferReader(data))
        else:
            return _csv(data, path)
        table.validate(full=True)
    except (pa.ArrowException, OSError, EOFError, zlib.error, ValueError, MemoryError) as error:
        problem = shortened((str(error).splitlines() or [type(error).__name__])[0], 200)
        raise ConfigError(f"{_WHAT} cannot be read ({problem}).", where=path, remedy=LAYOUT_REMEDY) from None
    return table


def _csv(data: bytes, path: str) -> pa.Table:
    """Read CSV with or without a header, all columns as text."""
    text = user_files.decoded(data, path, _WHAT)
    first = text.lstrip().split("\n", 1)[0].strip()
    delimiter = next((sign for sign in (",", ";", "\t") if sign in first), ",")
    cells = [cell.strip().strip('"') for cell in first.split(delimiter)]
    names = None
    if cells[0][:1].isdigit():
        names = HEADERLESS.get(len(cells))
        if names is None:
            what = f"it has no header, and {len(cells)} columns."
            raise ConfigError(what, where=path, remedy=LAYOUT_REMEDY)
    columns = names or cells
    table = pa.csv.read_csv(
        io.BytesIO(text.encode()),
        read_options=pa.csv.ReadOptions(column_names=list(columns), skip_rows=0 if names else 1),
        parse_options=pa.csv.ParseOptions(delimiter=delimiter),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            strings_can_be_null=True,
            null_values=["", "null", "NaN", "nan"],
        ),
    )
    return table
