"""How the web page shows the tables of a run's folder: which columns, what rows can be chosen by, and what a row leads to.

A market family lists its tables in `Family.run_tables`; each is a CSV file of `Family.run_files`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

TEXT, CODE, TIME, NUMBER, AMOUNT, COST, PERCENT = "text", "code", "time", "number", "amount", "cost", "percent"


class TableColumn(NamedTuple):
    """A column of a table.

    Attributes:
        name: in the file.
        label: its heading.
        kind: TEXT; CODE, shown in the words of Family.reason_text; TIME (ISO 8601 with Z); NUMBER, shown as the file has it;
            AMOUNT in the account's currency, whose sign is coloured; COST, an amount whose sign is not; PERCENT, a ratio
            that is shown times 100.
        in_list: whether the list of rows shows it; the page of a row shows all.
        if_empty: what an empty cell means.
        digits: decimals of an amount in the list; None for all that the file has.
    """

    name: str
    label: str
    kind: str = TEXT
    in_list: bool = True
    if_empty: str = "—"
    digits: int | None = 2


class RunTable(NamedTuple):
    """A CSV file of a run's folder as pages of the web.

    Attributes:
        name: in the page's address.
        kind: of the file (RunFile.kind).
        title: heading of the list.
        one: what a row is, in the singular.
        columns: in their order.
        filters: columns by whose values rows can be chosen.
        sums: columns of amounts whose sums stand above the list.
        main: column that a narrow screen shows first, beside the first one; "" for none.
        key: column that names a row and leads to its page; "" if rows have no page.
        row_tables: names of tables with rows that belong to a row of this one: their column `key` has its name.
        has_trades: trades of the run belong to a row: their event is its key.
        unit: column that names what a row belongs to and has a chart (Family.unit_page); "" for none.
    """

    name: str
    kind: str
    title: str
    one: str
    columns: Sequence[TableColumn]
    filters: Sequence[str] = ()
    sums: Sequence[str] = ()
    main: str = ""
    key: str = ""
    row_tables: Sequence[str] = ()
    has_trades: bool = False
    unit: str = ""

    def column(self, name: str) -> TableColumn:
        """Return a column by its name."""
        return next(column for column in self.columns if column.name == name)


def texts(*names: str) -> tuple[TableColumn, ...]:
    """Return columns of text whose headings are their names."""
    return tuple(TableColumn(name, name.replace("_", " ")) for name in names)


def numbers(*names: str) -> tuple[TableColumn, ...]:
    """Return columns of numbers whose headings are their names."""
    return tuple(TableColumn(name, name.replace("_", " "), NUMBER) for name in names)


def amounts(*names: str) -> tuple[TableColumn, ...]:
    """Return columns of amounts whose headings are their names."""
    return tuple(TableColumn(name, name.replace("_", " "), AMOUNT) for name in names)
