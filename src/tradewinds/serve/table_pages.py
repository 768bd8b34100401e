"""The pages of the tables of a run's folder: a list of rows that can be filtered and sorted, and a page for each row."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query
from fastapi import Path as PathParameter
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from tradewinds.database import queries, query_filters
from tradewinds.results.run_tables import RunTable
from tradewinds.serve import chart_pages, families, models, plots, table_rows
from tradewinds.serve.answers import Database, currency_of, folder_of, of_fills, run_row
from tradewinds.serve.folder import NotThere
from tradewinds.serve.render import shown

_PER_PAGE = 50
_MOST_SHOWN = 25  # rows of another table, and trades, on the page of a row; the lists have all

router = APIRouter(default_response_class=HTMLResponse)
RunPath = Annotated[str, PathParameter(pattern=models.RUN_ID)]


class RowsQuery(BaseModel):
    """Which rows of a table the page shows. Any other parameter is a column to choose by, with its value."""

    model_config = ConfigDict(extra="allow")

    sort: str | None = None
    order: Literal["asc", "desc"] = "asc"
    limit: int = Field(_PER_PAGE, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=models.FARTHEST)

    def values(self, table: RunTable) -> dict[str, str]:
        """Return the values by which rows are chosen, by column.

        Raises:
            RequestValidationError: the table has no such column to choose or to sort by.
        """
        given = self.model_extra or {}
        wrong = [name for name, value in given.items() if name not in table.filters or not isinstance(value, str)]
        if self.sort is not None and self.sort not in {column.name for column in table.columns}:
            wrong.append("sort")
        if wrong:
            known = ", ".join((*table.filters, "sort", "order", "limit", "offset"))
            said = f"this table takes {known}, each once, and sorts by a column that it has"
            raise RequestValidationError([{"loc": ("query", name), "msg": said, "type": "value"} for name in wrong])
        return dict(given)


@router.get("/runs/{run_id}/tables/{name}")
def table_page(database: Database, run_id: RunPath, name: str, asked: Annotated[RowsQuery, Query()]) -> Response:
    """Show the rows of a table of a run."""
    with queries.reading(database) as connection:
        run = run_row(connection, run_id)
    table, folder = _table(run, name), folder_of(run)
    values = asked.values(table)
    file = _file(run, table)
    # the rows of the page, and what is known of all of them
    found = table_rows.find(
        folder.rows(file),
        table,
        values,
        table_rows.Order(asked.sort or "", asked.order == "desc"),
        asked.limit,
        asked.offset,
    )
    return shown(
        "table",
        run=run,
        table=table,
        columns=[column for column in table.columns if column.in_list],
        found=found,
        values=values,
        asked=asked,
        file=file,
        currency=currency_of(run),
        path=f"/runs/{run_id}/tables/{name}",
        because=partial(families.reason_text, run["market"]),
        charts=f"/runs/{run_id}/charts" if table.unit else "",
    )


@router.get("/runs/{run_id}/tables/{name}/{key:path}")
def row_page(database: Database, run_id: RunPath, name: str, key: str) -> Response:
    """Show a row of a table: all its columns, its picture, and the rows and trades that belong to it."""
    with queries.reading(database) as connection:
        run = run_row(connection, run_id)
        table, folder = _table(run, name), folder_of(run)
        if not table.key:
            raise NotThere(f"rows of the table {name} have no pages.", where=key)
        row = next(table_rows.chosen(folder.rows(_file(run, table)), {table.key: key}), None)
        if row is None:
            raise NotThere(f"this run has no such {table.one}.", where=key, remedy=f"Its table {name} lists them.")
        # the trades of the run that belong to the row
        which, totals, trades = query_filters.TradeFilter(event=key), None, []
        if table.has_trades:
            totals = queries.trade_totals(connection, run_id, which)
            trades = list(queries.list_trades(connection, run_id, which, limit=_MOST_SHOWN))
    present = {file.name for file in folder.present()}
    parts = [
        (other, table_rows.find(folder.rows(file), other, {table.key: key}, table_rows.Order(), _MOST_SHOWN, 0))
        for other in families.tables_of(run["market"])
        if other.name in table.row_tables and (file := _file(run, other)) in present
    ]
    currency = currency_of(run)
    charts, missing = chart_pages.charts_of(folder, row[table.unit] or "") if table.unit else ([], "")
    return shown(
        "table_row",
        run=run,
        table=table,
        row=row,
        key=key,
        parts=parts,
        trades=trades,
        one="fill" if of_fills(run) else "trade",
        trade_count=totals.trades if totals else 0,
        charts=charts,
        plots=plots.drawn_by_script(charts),
        missing=missing,
        names=families.market_words(run["market"], Path(folder.path), {trade["market_ticker"] for trade in trades})
        if trades
        else {},
        because=partial(families.reason_text, run["market"]),
        currency=currency,
        list_path=f"/runs/{run_id}/tables/{name}",
    )


def _table(run: queries.Row, name: str) -> RunTable:
    """Return a table of a run by its name.

    Raises:
        NotThere: runs of its market family have no such table.
    """
    found = families.table_of(run["market"], name)
    if found is None:
        raise NotThere(f"runs of {run['market']} have no table of that name.", where=name)
    return found


def _file(run: queries.Row, table: RunTable) -> str:
    """Return the name of a table's file."""
    file = families.file_of(run["market"], table.kind)
    assert file is not None, "each table of a market family is one of its files"
    return file.name


def row_of_event(run: queries.Row, event: str | None) -> tuple[str, str] | None:
    """Return the (words, address) of the page of the row to which the trades of an event belong; None without one.

    Args:
        run: row of the run.
        event: as the trades have it; None for those of all events.
    """
    table = next((table for table in families.tables_of(run["market"]) if table.has_trades), None)
    if table is None or event is None:
        return None
    return f"{table.one} {event}", f"/runs/{run['run_id']}/tables/{table.name}/{quote(event, safe='')}"


def buttons(run: queries.Row, present: Iterable[str]) -> list[tuple[str, str]]:
    """Return the (title, address) of the tables of a run whose files are there.

    Args:
        run: row of the run.
        present: names of the files of its folder.
    """
    there = set(present)
    return [
        (table.title, f"/runs/{run['run_id']}/tables/{table.name}")
        for table in families.tables_of(run["market"])
        if _file(run, table) in there
    ]
