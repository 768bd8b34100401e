"""The pages for people. Every text is escaped, and a page loads nothing from another server."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from pydantic import BaseModel, Field

from tradewinds.config.differences import flat, told_apart
from tradewinds.database import comparison, queries, query_filters
from tradewinds.results.metrics import UNSCORED
from tradewinds.serve import chart_pages, families, models, plots, table_pages
from tradewinds.serve.answers import Database, currency_of, folder_of, of_fills, run_row, sent
from tradewinds.serve.folder import Folder, NotThere
from tradewinds.serve.render import STATIC, address, shown
from tradewinds.serve.sparklines import sparkline

# A report runs its own scripts, without access to these pages, the API or a network.
REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts"
)
MOST_COMPARED = 6  # colours that can be told apart
MOST_LISTED = 200  # markets in a list to choose from; of more the name is written
_PER_PAGE = 50
_IN_LIST = (  # settings that the list of runs has columns for
    *("date_start_local", "date_end_local", "series_tickers", "symbols", "universe", "strategy.name"),
)
_MOST_SETTINGS = 6  # that a list shows of a run
_BOARD = (  # figures of the leaderboard, in the order of its columns
    *("total_pnl_usd", "roi_pct", "num_trades", "win_rate_pct", "max_drawdown_usd", "sharpe", "sortino", "brier"),
)

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
    """Show all runs."""
    with queries.reading(database) as connection:
        found = queries.list_runs(connection, asked.filter(), limit=asked.limit, offset=asked.offset)
        currencies = _currencies(connection, found)
        configs = queries.configs_of(connection, [run["run_id"] for run in found])
        total = queries.count_runs(connection, asked.filter())
        strategies = [row["name"] for row in queries.list_strategies(connection)]
    return shown(
        "runs",
        differing=told_apart(configs, _IN_LIST),
        most_settings=_MOST_SETTINGS,
        sparklines={run["run_id"]: sparkline(folder_of(run)) for run in found},
        runs=found,
        currencies=currencies,
        total=total,
        asked=asked,
        strategies=strategies,
        most=MOST_COMPARED,
    )


@router.get("/leaderboard")
def leaderboard(database: Database, asked: Annotated[BoardQuery, Query()]) -> Response:
    """Show the successful runs, the best first."""
    with queries.reading(database) as connection:
        rows = queries.leaderboard(connection, sort=asked.sort, limit=_PER_PAGE)
        currencies = _currencies(connection, rows)
        names = queries.given_names(connection, [row["run_id"] for row in rows])
    sorts = {column: key for key, (column, _) in queries.SORTS.items()}
    return shown(
        "leaderboard",
        sorted_name=queries.SORTS[asked.sort][0],
        rows=rows,
        names=names,
        currencies=currencies,
        heads=[(name, sorts[name]) for name in _BOARD if _has_figures(name, (row[name] for row in rows))],
        asked=asked,
        most=MOST_COMPARED,
        limit=_PER_PAGE,
    )


def _currencies(connection: sa.Connection, rows: Sequence[queries.Row]) -> dict[str, str]:
    """The currency of each run's account, by run id."""
    configs = queries.configs_of(connection, [row["run_id"] for row in rows])
    return {row["run_id"]: families.currency_of(row["market"], configs[row["run_id"]]) for row in rows}


@router.get("/runs/{run_id}")
def run(database: Database, run_id: RunPath) -> Response:
    """Show one run."""
    with queries.reading(database) as connection:
        row = run_row(connection, run_id)
        metrics = queries.core_metrics(connection, run_id)
        kinds = queries.trade_kinds(connection, run_id)
        markets = queries.traded_markets(connection, run_id, MOST_LISTED + 1)
    folder, told, currency = folder_of(row), row["metrics_json"] or {}, currency_of(row)
    present = folder.present()
    curve, missing = None, ""
    try:
        curve = plots.equity(folder, currency)
    except NotThere as error:  # the figures of the database can be shown all the same; a run that failed has none
        missing = str(error) if metrics else ""
    return shown(
        "run",
        run=row,
        metrics=metrics,
        tiles=metrics and plots.tiles(metrics, told, families.headlines_of(row["market"]), currency),
        compared=plots.against_benchmark(told),
        files=present,
        tables=table_pages.buttons(row, [file.name for file in present]),
        plots=[curve] if curve else [],
        missing=missing,
        kinds=kinds,
        rows_are="fill" if of_fills(row) else "trade",
        markets=markets,
        listed=len(markets) <= MOST_LISTED,
        settings=plots.pairs(dict(flat(row["config"]))),
        diagnostics=told.get("diagnostics", {}),
        counts=plots.counts,
        because=partial(families.refusal_text, row["market"]),
    )


@router.get("/runs/{run_id}/report.html", response_class=StreamingResponse)
def report(database: Database, run_id: RunPath) -> Response:
    """Show the report of a run, as it lies in its folder."""
    folder = _folder(database, run_id)
    return sent(folder.open("report.html"), folder.files["report.html"].media_type, policy=REPORT_POLICY)


@router.get("/runs/{run_id}/files/{name}", response_class=StreamingResponse)
def file(database: Database, run_id: RunPath, name: str) -> Response:
    """Send a file of a run, to be saved; any other name than those of its market family is refused."""
    folder = _folder(database, run_id)
    return sent(folder.open(name), folder.files[name].media_type, f"{run_id[:8]}-{name}")


def _folder(database: str, run_id: str) -> Folder:
    with queries.reading(database) as connection:
        return folder_of(run_row(connection, run_id))


@router.get("/trades")
def trades(database: Database, asked: Annotated[TradesQuery, Query()]) -> Response:
    """Show the trades of a run."""
    which = asked.filter()
    page: dict[str, Any] = {"limit": asked.limit, "offset": asked.offset}
    with queries.reading(database) as connection:
        row = run_row(connection, asked.run_id)
        found = list(queries.list_trades(connection, asked.run_id, which, **asked.ordered(), **page))
        listed = address("", asked).removeprefix("?")
        return shown(
            "trades",
            run=row,
            charts={trade["seq"]: chart_pages.address(row, trade, listed) for trade in found},
            names=_market_words(row, {trade["market_ticker"] for trade in found}),
            because=partial(families.reason_text, row["market"]),
            currency=currency_of(row),
            one="fill" if of_fills(row) else "trade",
            row_path=table_pages.row_of_event(row, asked.event),
            trades=found,
            predicted=any(trade["model_prob_yes"] is not None for trade in found),
            totals=queries.trade_totals(connection, asked.run_id, which),
            kinds=queries.trade_kinds(connection, asked.run_id),
            asked=asked,
            sorts=queries.TRADE_SORTS,
            filtered=which != query_filters.ALL_TRADES,
            csv=address("/api/trades.csv", asked, limit=None, offset=None),
        )


def _market_words(run: queries.Row, tickers: Collection[str]) -> Mapping[str, str]:
    """What markets pay on, in words; nothing without the run's folder or without its list of markets."""
    with contextlib.suppress(NotThere, OSError, ValueError, KeyError):
        return families.market_words(run["market"], folder_of(run).checked(), tickers)
    return {}


@router.get("/compare")
def compare(database: Database, asked: Annotated[CompareQuery, Query()]) -> Response:
    """Show runs side by side."""
    names = list(dict.fromkeys(asked.run_id))
    if len(names) < 2:
        return shown("compare", runs=[], most=MOST_COMPARED)
    with queries.reading(database) as connection:
        found = [comparison.from_database(connection, name) for name in names]
    told = comparison.comparison_of(found)
    told["metrics"] = {key: values for key, values in told["metrics"].items() if _has_figures(key, values)}
    if all("num_fills" in run.metrics for run in found):
        del told["metrics"]["num_contracts"]  # which is the number of fills again
    currencies = [families.currency_of(run.config["market"], run.config) for run in found]
    # amounts in several currencies have no best
    one_currency = len(set(currencies)) == 1
    best = {
        key: comparison.best_of(key, values)
        for key, values in told["metrics"].items()
        if one_currency or not comparison.is_amount(key)
    }
    # runs of different markets have hardly a key in common: what one of them has alone is folded
    several = len({run.config["market"] for run in found}) > 1
    rows = {**told["config_differences"], **told["metrics"]}
    alone = {key for key, values in rows.items() if several and sum(value is not None for value in values) == 1}
    differing = [key for key, values in told["metrics"].items() if any(value != values[0] for value in values)]
    return shown(
        "compare",
        best=best,
        alone=alone,
        differing=[key for key in differing if key not in alone],
        runs=found,
        currencies=currencies,
        counted_as=comparison.counted_as(found),
        is_amount=comparison.is_amount,
        told=told,
        warnings=comparison.warnings_of(found),
        plots=plots.days_together(found, currencies, told["common_days"]),
        most=MOST_COMPARED,
    )


def _has_figures(key: str, values: Iterable[Any]) -> bool:
    """Whether a row of figures is shown: scores of probabilities only where a run has them."""
    return key not in UNSCORED or any(value is not None for value in values)


@router.get("/static/{name}", response_class=Response)
def static(name: str) -> Response:
    """Send a style or a script of these pages."""
    if name not in STATIC:
        raise NotThere("there is no such file.", where=name)
    content, kind = STATIC[name]
    return Response(content, media_type=kind)
