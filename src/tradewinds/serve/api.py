"""The JSON API.

Each answer is read in one transaction: it shows the state before a load or after it, never a part of both.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from tradewinds.database import queries
from tradewinds.serve import families, models, table_rows, trades_csv
from tradewinds.serve.answers import Database, folder_of, of_fills, run_row, sent
from tradewinds.serve.folder import NotThere

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    422: {"model": models.Problem, "description": "A parameter is wrong"},
    503: {"model": models.Problem, "description": "The database cannot be read"},
}
_NO_RUN: dict[int | str, dict[str, Any]] = {
    404: {"model": models.Problem, "description": "No such run, or no file of it"}
}
Row = TypeVar("Row")
_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}

router = APIRouter(prefix="/api", responses=_PROBLEMS)


@router.get("/runs")
def runs(database: Database, asked: Annotated[models.RunQuery, Query()]) -> models.RunPage:
    """List the runs in the database, the latest first."""
    with queries.reading(database) as connection:
        found = queries.list_runs(connection, asked.filter(), limit=asked.limit, offset=asked.offset)
        total = queries.count_runs(connection, asked.filter())
    return models.RunPage(total=total, limit=asked.limit, offset=asked.offset, runs=found)


@router.get("/trades", responses=_NO_RUN)
def trades(database: Database, asked: Annotated[models.TradeQuery, Query()]) -> models.TradePage:
    """List the trades of a run, filtered and sorted, with the totals of all pages."""
    which = asked.filter()
    page: dict[str, Any] = {"limit": asked.limit, "offset": asked.offset}
    with queries.reading(database) as connection:
        run_row(connection, asked.run_id)
        found = list(queries.list_trades(connection, asked.run_id, which, **asked.ordered(), **page))
        totals = queries.trade_totals(connection, asked.run_id, which)
        return models.TradePage(
            total=totals.trades,
            contracts=totals.contracts,  # type: ignore[arg-type]
            pnl_usd=totals.pnl,  # type: ignore[arg-type]
            trades=found,
            **page,
        )


@router.get("/trades.csv", response_class=StreamingResponse, responses=_NO_RUN | _CSV)
def trades_as_csv(database: Database, asked: Annotated[models.TradeFilterQuery, Query()]) -> StreamingResponse:
    """Send all of the same trades as CSV, with the columns and the text of trades.csv."""
    with queries.reading(database) as connection:
        row = run_row(connection, asked.run_id)
        found = queries.list_trades(connection, asked.run_id, asked.filter(), **asked.ordered())
        made = trades_csv.spooled(found, of_fills(row))
    return sent(made, "text/csv; charset=utf-8", f"trades-{asked.run_id[:8]}.csv")


@router.get("/metrics/core", responses=_NO_RUN, response_model=models.CoreMetrics)
def core_metrics(database: Database, asked: Annotated[models.RunIdQuery, Query()]) -> BaseModel:
    """Tell the figures of a run; 404 while it was not loaded to its end."""
    with queries.reading(database) as connection:
        run_row(connection, asked.run_id)
        found = queries.core_metrics(connection, asked.run_id)
    if found is None:
        raise NotThere("this run was never loaded to its end.", where=asked.run_id, remedy="Run its config again.")
    return models.CoreMetrics(**found)


@router.get("/equity", responses=_NO_RUN)
def equity(database: Database, asked: Annotated[models.EquityQuery, Query()]) -> models.EquityPage:
    """Tell the equity curve of a run, from equity.csv in its folder."""
    with queries.reading(database) as connection:
        folder = folder_of(run_row(connection, asked.run_id))
    points, total = _page(folder.equity(), asked.limit, asked.offset)
    return models.EquityPage(total=total, limit=asked.limit, offset=asked.offset, points=points)


@router.get("/factors", responses=_NO_RUN)
def factors(database: Database, asked: Annotated[models.TableQuery, Query()]) -> models.TablePage:
    """Tell which factors held at each scored decision of a run; 404 for a market family that has no factors."""
    return _table(database, asked, "factors")


@router.get("/attribution", responses=_NO_RUN)
def attribution(database: Database, asked: Annotated[models.TableQuery, Query()]) -> models.TablePage:
    """Tell what the trades made with and without each factor of a run; 404 for a market family that has no factors."""
    return _table(database, asked, "attribution")


@router.get("/positions", responses=_NO_RUN)
def positions(database: Database, asked: Annotated[models.PositionsQuery, Query()]) -> models.TablePage:
    """Tell the positions of a run, each with what its profit is made of; 404 for a market family without such a table."""
    return _table(database, asked, "round_trips")


@router.get("/funding", responses=_NO_RUN)
def funding(database: Database, asked: Annotated[models.PaymentsQuery, Query()]) -> models.TablePage:
    """Tell the funding payments of a run; 404 for a market family without funding."""
    return _table(database, asked, "funding")


def _table(database: str, asked: models.TableQuery, kind: str) -> models.TablePage:
    """Read a part of a table of a run's folder.

    Args:
        database: its URL.
        asked: the run, the part, and what rows must have.
        kind: of the file (`RunFile.kind`).

    Raises:
        NotThere: there is no such run, runs of its market family have no such table, or its file is not there.
    """
    with queries.reading(database) as connection:
        row = run_row(connection, asked.run_id)
    file = families.file_of(row["market"], kind)
    if file is None:
        raise NotThere(f"runs of {row['market']} have no {kind}.", where=asked.run_id)
    found, total = _page(table_rows.chosen(folder_of(row).rows(file.name), asked.values()), asked.limit, asked.offset)
    return models.TablePage(total=total, limit=asked.limit, offset=asked.offset, rows=found)


def _page(rows: Iterator[Row], limit: int, offset: int) -> tuple[list[Row], int]:
    """Return a page of some rows, and how many there are in all."""
    before = sum(1 for _ in itertools.islice(rows, offset))
    found = list(itertools.islice(rows, limit))
    return found, before + len(found) + sum(1 for _ in rows)
