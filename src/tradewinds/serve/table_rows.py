"""Rows of a table of a run's folder: chosen, sorted, summed and cut into pages in one pass over the file."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from tradewinds.core.text import figure, plain
from tradewinds.results.run_tables import AMOUNT, COST, NUMBER, PERCENT, TIME, RunTable, TableColumn
from tradewinds.serve.folder import NotThere
from tradewinds.serve.words import titled

MOST_CHOICES = 200  # values in a list to choose from; of more the value is written
FIGURES = frozenset({NUMBER, AMOUNT, COST, PERCENT})
MONEY = frozenset({AMOUNT, COST})

FileRow = dict[str, str | None]


class FoundRows(NamedTuple):
    """Some rows of a table, and what is known of all of them.

    Attributes:
        rows: those of the page.
        total: how many are chosen.
        sums: of the table's columns of sums, over the chosen rows.
        choices: the values of each column to choose by, over all rows; None where there are too many to list.
    """

    rows: list[FileRow]
    total: int
    sums: dict[str, Decimal]
    choices: dict[str, list[str] | None]


class Order(NamedTuple):
    """How rows are sorted.

    Attributes:
        column: by which they are; "" for the order of the file.
        descending: from the largest on. Rows without a value come last either way.
    """

    column: str = ""
    descending: bool = False


def chosen(rows: Iterable[FileRow], values: Mapping[str, str]) -> Iterator[FileRow]:
    """Yield the rows that have some values.

    Args:
        rows: of a file.
        values: by column.
    """
    return (row for row in rows if all(row.get(name) == value for name, value in values.items()))


def find(
    rows: Iterable[FileRow], table: RunTable, values: Mapping[str, str], order: Order, limit: int, offset: int
) -> FoundRows:
    """Find a page of rows.

    A file may be much longer than a page, so no more rows are kept than the pages up to this one have.

    Args:
        rows: of the table's file.
        table: what it is.
        values: by which rows are chosen, by column.
        order: of the rows.
        limit: rows of the page.
        offset: rows before it.

    Raises:
        NotThere: a cell of a column of figures is no figure, or as the rows say.
    """
    seen: dict[str, dict[str, None]] = {name: {} for name in table.filters}
    sums = dict.fromkeys(table.sums, Decimal(0))
    total = 0

    def counted() -> Iterator[FileRow]:
        nonlocal total
        for row in chosen(_noted(rows, seen), values):
            total += 1
            for name in sums:
                sums[name] += figure_of(row, name) or 0
            yield row

    found: list[FileRow]
    if order.column:
        column = table.column(order.column)
        first = heapq.nlargest if order.descending else heapq.nsmallest
        found = first(offset + limit, counted(), key=lambda row: _sortable(row, column, order.descending))[offset:]
    else:
        every = counted()
        found = list(itertools.islice(every, offset, offset + limit))
        for _ in every:  # the rest is counted and summed
            pass
    choices = {name: sorted(found) if len(found) <= MOST_CHOICES else None for name, found in seen.items()}
    return FoundRows(found, total, sums, choices)


def _noted(rows: Iterable[FileRow], seen: Mapping[str, dict[str, None]]) -> Iterator[FileRow]:
    """Yield rows, and note the values of some columns until there are too many to list."""
    for row in rows:
        for name, values in seen.items():
            value = row.get(name)
            if value is not None and len(values) <= MOST_CHOICES:
                values[value] = None
        yield row


def figure_of(row: FileRow, name: str) -> Decimal | None:
    """Return a cell as an exact figure; None if it is empty.

    Raises:
        NotThere: it is no figure.
    """
    text = row.get(name)
    if text is None:
        return None
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise NotThere(f"{text} is no figure.", where=f"column {name}", remedy="Run its config again.")
    return found


def _sortable(row: FileRow, column: TableColumn, descending: bool) -> tuple[bool, Any]:
    """Return what a row is sorted by, so that rows without a value come last."""
    value = figure_of(row, column.name) if column.kind in FIGURES else row.get(column.name)
    nothing: Any = Decimal(0) if column.kind in FIGURES else ""
    return (value is not None) if descending else (value is None), nothing if value is None else value


def cell_text(row: FileRow, column: TableColumn) -> str:
    """Return a cell as a page shows it.

    Args:
        row: of the table's file.
        column: which of its cells.
    """
    text = row.get(column.name)
    if text is None:
        return column.if_empty
    if column.kind == TIME:
        return text[:16].replace("T", " ")
    value = figure_of(row, column.name) if column.kind in FIGURES else None
    if column.kind == PERCENT and value is not None:
        return plain(value * 100)
    if column.kind in MONEY and value is not None and column.digits is not None:
        return figure(value, column.digits)
    return text


def heading_of(column: TableColumn, currency: str) -> str:
    """Return the heading of a column with its unit: amounts are in the currency of the account."""
    return titled(column.label, {AMOUNT: currency, COST: currency, PERCENT: "%"}.get(column.kind, ""))
