"""The page of one thing that a run traded: an event, a share, a session's trade, a position. Its chart, and the way back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from tradewinds.core.errors import TradewindsError
from tradewinds.database import queries, query_filters
from tradewinds.serve import families, models, plots
from tradewinds.serve.answers import Database, currency_of, folder_of, of_fills, run_row
from tradewinds.serve.folder import Folder, NotThere
from tradewinds.serve.render import shown

if TYPE_CHECKING:
    from tradewinds.results.report.parts import Plot
    from tradewinds.results.report.unit_page import UnitPage

router = APIRouter(default_response_class=HTMLResponse)
RunPath = Annotated[str, Path(pattern=models.RUN_ID)]


class ChartQuery(BaseModel):
    """Which thing is shown, and where its reader came from."""

    model_config = ConfigDict(extra="forbid")

    day: models.Day | None = None
    trade: int | None = Field(None, ge=0, le=models.FARTHEST, description="seq of the trade whose row was clicked")
    back: str | None = Field(
        None, max_length=2_000, pattern=r"^[\w.~%&=+:-]*$", description="query of its list of trades"
    )


def address(run: queries.Row, trade: queries.Row, listed: str) -> str:
    """Return the address of the page to which a trade leads; "" if the market family is unknown.

    Args:
        run: row of the run.
        trade: row of the trade.
        listed: the query of the list that the reader comes back to.
    """
    unit = families.unit_of(run["market"], trade)
    if unit is None:
        return ""
    asked = {"day": unit.day and unit.day.isoformat(), "trade": trade["seq"], "back": listed}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    return f"/runs/{run['run_id']}/charts/{quote(unit.name, safe='')}?{query}"


@router.get("/runs/{run_id}/charts/{name:path}")
def chart_page(database: Database, run_id: RunPath, name: str, asked: Annotated[ChartQuery, Query()]) -> Response:
    """Show one thing that a run traded."""
    with queries.reading(database) as connection:
        run = run_row(connection, run_id)
        trade = next(iter(_the_trade(connection, run_id, asked.trade)), None)
    folder = folder_of(run)
    page = _page(folder, name, dt.date.fromisoformat(asked.day) if asked.day else None)
    names = families.market_words(run["market"], folder.checked(), {trade["market_ticker"]}) if trade else {}
    return shown(
        "chart",
        run=run,
        unit=page,
        trade=trade,
        names=names,
        one="fill" if of_fills(run) else "trade",
        because=partial(families.reason_text, run["market"]),
        currency=currency_of(run),
        plots=plots.drawn_by_script(page.plots),
        back=f"/trades?{asked.back}#trade-{asked.trade}" if asked.back else f"/trades?run_id={run_id}",
    )


def _the_trade(connection: Any, run_id: str, seq: int | None) -> Sequence[queries.Row]:
    """Return the trade whose row was clicked, if one was."""
    if seq is None:
        return ()
    return list(queries.list_trades(connection, run_id, query_filters.ALL_TRADES, limit=1, offset=seq))


def charts_of(folder: Folder, name: str) -> tuple[Sequence[Plot], str]:
    """Return the charts of one thing that a run traded; without any, why there are none.

    Args:
        folder: of the run.
        name: of the thing.
    """
    try:
        return _page(folder, name, None).plots, ""
    except TradewindsError as error:  # what else is known of it can be shown all the same
        return (), str(error)


def _page(folder: Folder, name: str, day: dt.date | None) -> UnitPage:
    """Read the page of one thing that a run traded.

    Raises:
        TradewindsError: the run has no such thing, or its files are not here or damaged.
    """
    import duckdb  # these three are slow to import, and other pages do without them
    import pyarrow as pa

    from tradewinds.results.report.run import read_run

    try:
        return families.unit_page(read_run(folder.checked()), name, day)
    except (OSError, ValueError, KeyError, pa.ArrowException, duckdb.Error) as error:
        what = f"the run's files cannot be read ({type(error).__name__})."
        raise NotThere(what, where=folder.path, remedy="Run its config again.") from error
