"""Rows of a run's table as the web page finds them: chosen, sorted, summed and cut into pages."""

import itertools
import random
from decimal import Decimal

import pytest

from tradewinds.config import markets
from tradewinds.results.run_files import CSV
from tradewinds.results.run_tables import AMOUNT, CODE, COST, NUMBER, PERCENT, TEXT, TIME, RunTable, TableColumn
from tradewinds.serve import table_rows
from tradewinds.serve.folder import NotThere
from tradewinds.serve.table_rows import Order

TABLE = RunTable(
    name="positions",
    kind="round_trips",
    title="Positions",
    one="position",
    columns=(
        TableColumn("id", "position"),
        TableColumn("symbol", "symbol"),
        TableColumn("at", "opened", TIME),
        TableColumn("net", "net", AMOUNT),
        TableColumn("fees", "fees", COST),
        TableColumn("rate", "rate", PERCENT),
        TableColumn("after", "to break even", NUMBER, if_empty="never"),
    ),
    filters=("symbol", "id"),
    sums=("net", "fees"),
    key="id",
)


def rows(count=40, seed=1):
    draw = random.Random(seed)
    return [
        {
            "id": f"P{n}",
            "symbol": draw.choice("AB"),
            "at": f"2024-01-{n % 28 + 1:02d}T08:00:00Z",
            "net": f"{draw.randint(-500, 500) / 100:.2f}",
            "fees": "0.00000001",
            "rate": "0.0003",
            "after": draw.choice([None, "5", "12", "100"]),
        }
        for n in range(count)
    ]


def test_pages_are_the_chosen_rows_and_sums_are_of_all_pages():
    mine = [row for row in rows() if row["symbol"] == "A"]
    found = [table_rows.find(rows(), TABLE, {"symbol": "A"}, Order(), 7, offset) for offset in range(0, 40, 7)]
    assert list(itertools.chain(*(page.rows for page in found))) == mine
    for page in found:
        assert page.total == len(mine) and page.choices["symbol"] == ["A", "B"], "of all rows, not the chosen ones"
        assert page.sums == {"net": sum(Decimal(row["net"]) for row in mine), "fees": len(mine) * Decimal("1e-8")}


@pytest.mark.parametrize("column", ["net", "after", "id", "at"])
@pytest.mark.parametrize("descending", [False, True])
def test_sorted_pages_are_the_whole_in_that_order_with_empty_cells_last(column, descending):
    number = column in ("net", "after")
    known = [row for row in rows() if row[column] is not None]
    known.sort(key=lambda row: Decimal(row[column]) if number else row[column], reverse=descending)
    whole = known + [row for row in rows() if row[column] is None]
    pages = [table_rows.find(rows(), TABLE, {}, Order(column, descending), 9, at).rows for at in range(0, 40, 9)]
    assert list(itertools.chain(*pages)) == whole


def test_values_are_listed_until_there_are_too_many():
    found = table_rows.find(rows(500), TABLE, {}, Order(), 1, 0)
    assert found.choices["id"] is None and found.choices["symbol"] == ["A", "B"] and found.total == 500


def test_cells_are_shown_by_their_kind():
    row = {
        "id": "P1",
        "symbol": None,
        "at": "2024-01-02T08:00:00Z",
        "net": "-1234.5678",
        "fees": "1",
        "rate": "0.00030",
        "after": None,
    }
    shown = {column.name: table_rows.cell_text(row, column) for column in TABLE.columns}
    assert shown == {
        "id": "P1",
        "symbol": "—",
        "at": "2024-01-02 08:00",
        "net": "-1,234.57",
        "fees": "1.00",
        "rate": "0.03",
        "after": "never",
    }
    heads = [table_rows.heading_of(column, "USDT") for column in TABLE.columns]
    assert heads == ["position", "symbol", "opened", "net, USDT", "fees, USDT", "rate, %", "to break even"]
    assert table_rows.cell_text(row, TABLE.column("net")._replace(digits=None)) == "-1234.5678"


@pytest.mark.parametrize("cell", ["abc", "NaN", "Infinity", "1,5"])
def test_a_cell_that_is_no_figure_is_named(cell):
    with pytest.raises(NotThere, match=f"{cell} is no figure"):
        table_rows.find([rows()[0] | {"net": cell}], TABLE, {}, Order("net"), 10, 0)


@pytest.mark.parametrize("market", markets.NAMES)
def test_tables_of_every_family_are_its_files_and_name_their_own_columns(market):
    family = markets.family_of(market)
    files = {file.kind: file for file in family.run_files}
    names = [table.name for table in family.run_tables]
    assert names and len(set(names)) == len(names)
    for table in family.run_tables:
        assert files[table.kind].media_type == CSV
        columns = [column.name for column in table.columns]
        assert len(set(columns)) == len(columns)
        used = {*table.filters, *table.sums, *filter(None, (table.main, table.key, table.unit))}
        assert used <= set(columns) and {table.column(name).kind for name in table.sums} <= {AMOUNT, COST}
        assert not set(columns) & {"sort", "order", "limit", "offset"}, "they would be taken for the page's own"
        assert {column.kind for column in table.columns} <= {TEXT, CODE, TIME, NUMBER, AMOUNT, COST, PERCENT}
        for other in table.row_tables:
            belonging = next(found for found in family.run_tables if found.name == other)
            assert table.key in belonging.filters
