"""The pages for people. Everything from outside is escaped; nothing is loaded from elsewhere."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel, Field

from tradewinds import compare_command, leaderboard_command, listing
from tradewinds.database import queries
from tradewinds.results.report.curve import Curve, thinned
from tradewinds.results.report.parts import shown as rounded
from tradewinds.results.text import plain
from tradewinds.serve import models
from tradewinds.serve.answers import Database, folder_of, run_row, sent
from tradewinds.serve.folder import FILES, Folder, NotThere

_ASSETS = {
    "report.css": ("tradewinds.results.report", "templates/report.css", "text/css"),
    "report.js": ("tradewinds.results.report", "templates/report.js", "text/javascript"),
    "uPlot.min.css": ("tradewinds.results.report", "vendor/uPlot.min.css", "text/css"),
    "uPlot.iife.min.js": ("tradewinds.results.report", "vendor/uPlot.iife.min.js", "text/javascript"),
    "serve.css": ("tradewinds.serve", "templates/serve.css", "text/css"),
}
# a report runs its own scripts, cut off from these pages, the API and every network
REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts"
)
MOST_COMPARED = 6  # colours that can be told apart
_PER_PAGE = 50
_DIGITS = {"brier": 4, "log_loss": 4}

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


def _figure(value: Any, name: str = "") -> str:
    return listing.figure(value, _DIGITS.get(name, 2))


def _when(value: dt.datetime | None) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if value else "—"


def _address(path: str, asked: BaseModel, **changed: Any) -> str:
    """The address of a page with some parameters changed; those at their default are left out."""
    given = asked.model_dump(exclude_unset=True) | changed
    return f"{path}?{urlencode({name: value for name, value in given.items() if value is not None})}"


_PAGES = Environment(
    loader=ChoiceLoader([PackageLoader("tradewinds.serve"), PackageLoader("tradewinds.results.report")]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.globals |= {"address": _address}
_PAGES.filters |= {"figure": _figure, "when": _when, "plain": plain}


def shown(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page from its template."""
    return HTMLResponse(_PAGES.get_template(f"{name}.html.j2").render(page=name, **values), status)


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
    heads = [(name, head, key) for name, head in leaderboard_command.HEADS.items() for key in _sorts_of(name)]
    return shown("leaderboard", rows=rows, heads=heads, asked=asked, most=MOST_COMPARED, limit=_PER_PAGE)


def _sorts_of(column: str) -> list[str]:
    return [key for key, (name, _) in queries.SORTS.items() if name == column]


@router.get("/runs/{run_id}")
def run(database: Database, run_id: RunPath) -> Response:
    """One run."""
    with queries.reading(database) as connection:
        row = run_row(connection, run_id)
        metrics = queries.core_metrics(connection, run_id)
    folder = folder_of(row)
    files = folder.names()
    curve, missing = None, ""
    try:
        curve = _equity(folder)
    except NotThere as error:  # the figures of the database can be shown all the same
        missing = str(error)
    diagnostics = (row["metrics_json"] or {}).get("diagnostics", {})
    return shown(
        "run",
        run=row,
        metrics=metrics,
        tiles=metrics and _tiles(metrics),
        files=files,
        plots=[curve] if curve else [],
        missing=missing,
        settings=[(key, _setting(value)) for key, value in compare_command.flat(row["config"])],
        diagnostics=diagnostics,
    )


def _setting(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_setting, value))
    return value if isinstance(value, str) else json.dumps(value)


def _tiles(found: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    start, fees = found["start_balance_usd"], found["total_fees_usd"]
    fall = f"{rounded(found['max_drawdown_pct'], 2)} %" if found["max_drawdown_pct"] is not None else ""
    return [
        ("P&L, USD", rounded(found["total_pnl_usd"], 2), f"on {rounded(start, 2)}, after {rounded(fees, 2)} fees"),
        ("Return, %", rounded(found["roi_pct"], 2), ""),
        ("Trades", rounded(found["num_trades"], 0), f"{found['num_contracts']:,} contracts"),
        ("Wins, %", rounded(found["win_rate_pct"], 1), f"profit factor {rounded(found['profit_factor'], 2)}"),
        ("Drawdown, USD", rounded(found["max_drawdown_usd"], 2), fall),
        ("Sharpe", rounded(found["sharpe"], 2), f"Sortino {rounded(found['sortino'], 2)}"),
        ("Brier", rounded(found["brier"], 4), f"log loss {rounded(found['log_loss'], 4)}"),
    ]


def _equity(folder: Folder) -> dict[str, Any] | None:
    """The equity curve for eyes, as a plot of the report."""
    points = [
        (dt.datetime.fromisoformat(point.ts_utc).timestamp(), float(point.equity_usd)) for point in folder.equity()
    ]
    if not points:
        return None
    t, worth = np.array([ts for ts, _ in points], np.int64), np.array([amount for _, amount in points])
    curve = thinned(Curve(t, worth, worth - np.maximum.accumulate(worth)))
    data = {name: values.tolist() for name, values in curve._asdict().items()} | {"start": float(worth[0])}
    return {"name": "equity", "kind": "equity", "title": "Equity and drawdown", "axes": ["", "USD"], "data": data}


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
            csv=_address("/api/trades.csv", asked, limit=None, offset=None),
        )


@router.get("/compare")
def compare(database: Database, asked: Annotated[CompareQuery, Query()]) -> Response:
    """Runs side by side."""
    names = list(dict.fromkeys(asked.run_id))
    if len(names) < 2:
        return shown("compare", runs=[], most=MOST_COMPARED)
    with queries.reading(database) as connection:
        found = [compare_command.from_database(connection, name) for name in names]
    told = compare_command.told_of(found)
    return shown("compare", runs=found, told=told, plots=_days(found, told["common_days"]), most=MOST_COMPARED)


def _days(runs: Sequence[compare_command.Run], common: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What each run made since the first day that all of them cover, by the day of its events."""
    if not common["days"]:
        return []
    days = [common["first"] + dt.timedelta(days=n) for n in range(common["days"])]
    made = [{"label": run.run_id[:8], "values": [float(v) for v in run.by_day(days)]} for run in runs]
    t = [int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()) for day in days]
    title = "P&L over the days that all runs cover"
    data = {"t": t, "series": made}
    return [{"name": "compare", "kind": "lines", "title": title, "axes": ["", "P&L, USD"], "data": data}]


def _read_assets() -> dict[str, tuple[bytes, str]]:
    return {
        name: (resources.files(package).joinpath(path).read_bytes(), f"{kind}; charset=utf-8")
        for name, (package, path, kind) in _ASSETS.items()
    }


_STATIC = _read_assets()


@router.get("/static/{name}", response_class=Response)
def static(name: str) -> Response:
    """A style or a script of these pages."""
    if name not in _STATIC:
        raise NotThere("there is no such file.", where=name)
    content, kind = _STATIC[name]
    return Response(content, media_type=kind)
