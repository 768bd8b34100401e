"""Recognises the layouts of files of minute bars that vendors write, from the head of a file alone.

A layout says which columns a file has and in which order, whether it has a header, and what is known of its maker: prices that
are adjusted, prices in 1e-9 of the currency. What can only be seen in the rows (labels, zones, cents) is judged in
clock_evidence.py and price_evidence.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tradewinds.core.errors import ConfigError
from tradewinds.core.safe_text import shortened
from tradewinds.families.equities_intraday.schemas import PRICE_COLUMNS

# names of columns as vendors write them, without capitals, brackets and blanks; the first name that a file has counts
ALIASES: Mapping[str, Sequence[str]] = {
    "stamp": (
        "ts_utc",
        "timestamp_utc",
        "datetime_utc",
        "time_utc",
        "window_start",
        "ts_event",
        "datetime",
        "date_time",
        "timestamp",
        "ts",
        "bar_start",
        "begins_at",
        "start",
        "t",
        "date",
        "time",
    ),
    "time": ("time",),
    "symbol": ("symbol", "ticker", "sym", "act_symbol"),
    "open": ("open", "o", "open_price", "openprice"),
    "high": ("high", "h", "high_price", "highprice"),
    "low": ("low", "l", "low_price", "lowprice"),
    "close": ("close", "c", "last", "close_price", "closeprice"),
    "volume": ("volume", "vol", "v"),
}
IS_UTC = re.compile(r"utc$|^window_start$|^ts_event$")  # of stamps without a zone
_DATE_ONLY = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}|\d{1,2}/\d{1,2}/\d{4}|\d{4}[./]\d{2}[./]\d{2}")
_STARTS_A_ROW = re.compile(r"\d")
_YFINANCE = {"Datetime", *(name.capitalize() for name in PRICE_COLUMNS), "Volume"}  # columns of one ticker's history
REMEDY = (
    "A file of bars has columns for the start of the bar (ts_utc, datetime, timestamp, or date and time), open, high, low and "
    "close, and may have volume and symbol."
)


@dataclass(frozen=True)
class Layout:
    """The layout of a file of minute bars.

    Attributes:
        vendor: whose layout it looks like; "" for one of no vendor.
        columns: the file's name of each column of ALIASES that it has.
        names: names of all columns of a CSV in their order; none where its header has them.
        skipped: lines of a CSV before its first row, where `names` are given.
        delimiter: of a CSV.
        symbol: the symbol of all rows, where the file's head has it; else "".
        adjusted: prices are adjusted, as this vendor has them.
        nanounits: whole prices are in 1e-9 of the currency.
    """

    vendor: str
    columns: Mapping[str, str]
    names: Sequence[str] = field(default=())
    skipped: int = 0
    delimiter: str = ","
    symbol: str = ""
    adjusted: bool = False
    nanounits: bool = False


def layout_of_csv(head: str, where: str) -> Layout:
    """Return the layout of a CSV.

    Args:
        head: its first lines.
        where: its path, for errors.

    Raises:
        ConfigError: it lacks a column; names those that it has.
    """
    lines = [line for line in head.splitlines() if line.strip()]
    delimiter = max(",;\t|", key=lines[0].count)
    cells = [[cell.strip().strip('"') for cell in line.split(delimiter)] for line in lines[:4]]
    if len(cells) > 2 and cells[0][0] == "Price" and cells[1][0] == "Ticker":
        return _of_three_headers(cells, delimiter, where)
    if _STARTS_A_ROW.match(cells[0][0]):
        return _without_header(cells[0], delimiter, where)
    return _with_names(cells[0], cells[1] if len(cells) > 1 else [], where, delimiter)


def layout_of_names(names: Sequence[str], where: str) -> Layout:
    """Return the layout of a table with named columns; raises as `layout_of_csv`.

    Args:
        names: its columns.
        where: its path, for errors.
    """
    return _with_names(names, [], where, ",")


def _with_names(names: Sequence[str], first_row: Sequence[str], where: str, delimiter: str) -> Layout:
    """Return the layout of a file with one header; raises as `layout_of_csv`."""
    plain = {re.sub(r"[<>\s]", "", name).lower(): name for name in reversed(names)}
    columns = {}
    for wanted, known in ALIASES.items():
        found = next((plain[name] for name in known if name in plain), None)
        if found is not None:
            columns[wanted] = found
    if lacking := [name for name in ("stamp", *PRICE_COLUMNS) if name not in columns]:
        what = (
            f"there is no column of {' and no column of '.join('time stamps' if n == 'stamp' else n for n in lacking)}."
        )
        has = f"It has {shortened(', '.join(names), 300)}."
        raise ConfigError(what, where=where, remedy=f"{has} {REMEDY}")
    if twice := [name for name in columns.values() if list(names).count(name) > 1]:
        what = f"there are {list(names).count(twice[0])} columns {twice[0]!r}."
        raise ConfigError(what, where=where, remedy=f"It has {shortened(', '.join(names), 300)}. Keep one of them.")
    # a time beside a date; one column that holds both is enough
    if columns.get("time") == columns["stamp"] or not _is_date(columns["stamp"], names, first_row):
        columns.pop("time", None)
    present = {name.lower() for name in plain}
    databento = {"ts_event", "rtype"} <= present
    interactive = {"average", "barcount"} <= present
    vendor = (
        "Databento" if databento
        else "Polygon" if {"window_start", "transactions"} <= present
        else "Interactive Brokers" if interactive
        else "Stooq" if any(name.startswith("<") for name in names)
        else "yfinance" if set(names) >= _YFINANCE
        else ""
    )  # fmt: skip
    adjusted = vendor in ("Interactive Brokers", "yfinance")
    return Layout(vendor, columns, delimiter=delimiter, adjusted=adjusted, nanounits=databento)


def _is_date(column: str, names: Sequence[str], first_row: Sequence[str]) -> bool:
    """Whether a column holds dates without a time, as far as the first row of a CSV shows it."""
    if not first_row:
        return True
    index = list(names).index(column)
    return index < len(first_row) and _DATE_ONLY.fullmatch(first_row[index]) is not None


def _without_header(cells: Sequence[str], delimiter: str, where: str) -> Layout:
    """Return the layout of a CSV without a header: a date and time in one column, or in two; raises as `layout_of_csv`."""
    both = ["stamp", "time"] if _DATE_ONLY.fullmatch(cells[0]) and ":" in cells[1:2].__str__() else ["stamp"]
    names = [*both, *PRICE_COLUMNS, "volume"]
    if len(cells) not in (len(names) - 1, len(names)):
        what = f"it has no header, and its first row has {len(cells)} cells."
        remedy = (
            "Without a header a row is date and time (in one cell or two), open, high, low, close, volume. Or add one."
        )
        raise ConfigError(what, where=where, remedy=remedy)
    names = names[: len(cells)]
    kibot = len(both) == 2 and "/" in cells[0]
    vendor = "Kibot" if kibot else "FirstRate Data" if len(both) == 1 else ""
    return Layout(vendor, {name: name for name in names}, names, 0, delimiter, adjusted=kibot)


def _of_three_headers(cells: Sequence[Sequence[str]], delimiter: str, where: str) -> Layout:
    """Return the layout of a table that yfinance wrote with its columns on two levels; raises as `layout_of_csv`."""
    tickers = {cell for cell in cells[1][1:] if cell}
    if len(tickers) != 1:
        what = f"it has columns of {len(tickers)} symbols beside each other."
        raise ConfigError(what, where=where, remedy="Write one file per symbol, or a column of symbols.")
    names = ["datetime", *(cell.lower() for cell in cells[0][1:])]
    found = _with_names(names, [], where, delimiter)
    return Layout("yfinance", found.columns, names, 3, delimiter, tickers.pop(), adjusted=True)
