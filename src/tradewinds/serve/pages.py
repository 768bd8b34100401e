"""The pages for people. Everything from outside is escaped; nothing is loaded from elsewhere."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from pydantic import BaseModel, Field

from tradewinds.cli.leaderboard import HEADS
from tradewinds.database import comparison, queries
from tradewinds.serve import models, plots
from tradewinds.serve.answers import Database, folder_of, run_row, sent
from tradewinds.serve.folder import FILES, Folder, NotThere
from tradewinds.serve.render import STATIC, address, shown

# a report runs its own scripts, cut off from these pages, the API and every network
REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts"
)
MOST_COMPARED = 6  # colours that can be told apart
_PER_PAGE = 50

router = APIRouter(default_response_class=HTMLResponse)
RunPath = Annotated[str, Path(pattern=models.RUN_ID)]


class BoardQuery(BaseModel):
    """How the leaderboard is sorted."""

    sort: Literal[tuple(queries.SORTS)] = "sharpe"  # type: ignore[valid-type]


class CompareQuery(BaseModel):
    """Which runs are compared."""

    run_id: list[models.RunId] = Field([], max_length=MOST_COMPARED)


class RunsQuery(models.RunQuery):
    """Which runs the page shows."""

    limit: int = Field(_PER_PAGE, ge=1, le=1000)


class TradesQuery(models.TradeQuery):
    """Which trades the page shows."""

    limit: int = Field(_PER_PAGE, ge=1, le=1000)


@router.get("/")
def runs(database: Database, asked: Annotated[RunsQuery, Query()]) -> Response:
    """All runs."""
    with queries.reading(database) as connection:
        found = queries.list_runs(connection, asked.filter(), limit=asked.limit, offset=asked.offset)
        total = queries.count_runs(connection, asked.filter())
        strategies = [row["name"] for row in queries.list_strategies(connection)]
    return shown("runs", runs=found, total=total, asked=asked, strategies=strategies, most=MOST_COMPARED)


@router.get("/leaderboard")
def leaderboard(database: Database, asked: Annotated[BoardQuery, Query()]) -> Response:
    """Successful runs, the best first."""
    with queries.reading(database) as connection:
        rows = queries.leaderboard(connection, sort=asked.sort, limit=_PER_PAGE)
    heads = [(name, head, key) for name, head in HEADS.items() for key in _sorts_of(name)]
    return shown("leaderboard", rows=rows, heads=heads, asked=asked, most=MOST_COMPARED, limit=_PER_PAGE)


def _sorts_of(column: str) -> list[str]:
    return [key for key, (name, _) in queries.SORTS.items() if name == column]


@router.get("/runs/{run_id}")
def run(database: Database, run_id: RunPath) -> Response:
    """One run."""
    with queries.reading(database) as connection:
        row = run_row(connection, run_id)
        metrics = queries.core_metrics(connection, run_id)
    folder, told = folder_of(row), row["metrics_json"] or {}
    files, money = folder.names(), told.get("currency", "USD")
    curve, missing = None, ""
    try:
        curve = plots.equity(folder, money)
    except NotThere as error:  # the figures of the database can be shown all the same
        missing = str(error)
    diagnostics = told.get("diagnostics", {})
    return shown(
        "run",
        run=row,
        metrics=metrics,
        tiles=metrics and plots.tiles(metrics, money),
        files=files,
        plots=[curve] if curve else [],
        missing=missing,
        settings=plots.pairs(dict(comparison.flat(row["config"]))),
        diagnostics=diagnostics,
        counts=plots.counts,
    )


@router.get("/runs/{run_id}/report.html", response_class=StreamingResponse)
def report(database: Database, run_id: RunPath) -> Response:
    """The report of a run, as it lies in its folder."""
    return sent(_folder(database, run_id).open("report.html"), FILES["report.html"], policy=REPORT_POLICY)


@router.get("/runs/{run_id}/files/{name}", response_class=StreamingResponse)
def file(database: Database, run_id: RunPath, name: Literal[tuple(FILES)]) -> Response:  # type: ignore[valid-type]
    """A file of a run, to be saved."""
    return sent(_folder(database, run_id).open(name), FILES[name], f"{run_id[:8]}-{name}")


def _folder(database: str, run_id: str) -> Folder:
    with queries.reading(database) as connection:
        return folder_of(run_row(connection, run_id))


@router.get("/trades")
def trades(database: Database, asked: Annotated[TradesQuery, Query()]) -> Response:
    """The trades of a run."""
    which = asked.filter()
    page: dict[str, Any] = {"limit": asked.limit, "offset": asked.offset}
    with queries.reading(database) as connection:
        row = run_row(connection, asked.run_id)
        found = list(queries.list_trades(connection, asked.run_id, which, **asked.ordered(), **page))
        return shown(
            "trades",
            run=row,
            trades=found,
            totals=queries.trade_totals(connection, asked.run_id, which),
            kinds=queries.trade_kinds(connection, asked.run_id),
            asked=asked,
            sorts=queries.TRADE_SORTS,
            filtered=which != queries.TradeFilter(),
            csv=address("/api/trades.csv", asked, limit=None, offset=None),
        )


@router.get("/compare")
def compare(database: Database, asked: Annotated[CompareQuery, Query()]) -> Response:
    """Runs side by side."""
    names = list(dict.fromkeys(asked.run_id))
    if len(names) < 2:
        return shown("compare", runs=[], most=MOST_COMPARED)
    with queries.reading(database) as connection:
        found = [comparison.from_database(connection, name) for name in names]
    told = comparison.comparison_of(found)
    return shown(
        "compare", runs=found, told=told, plots=plots.days_together(found, told["common_days"]), most=MOST_COMPARED
    )


@router.get("/static/{name}", response_class=Response)
def static(name: str) -> Response:
    """A style or a script of these pages."""
    if name not in STATIC:
        raise NotThere("there is no such file.", where=name)
    content, kind = STATIC[name]
    return Response(content, media_type=kind)
