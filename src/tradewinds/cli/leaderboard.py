"""`tradewinds leaderboard`: list the successful runs of a database, the best first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewinds.cli import listing
from tradewinds.core.safe_text import printable

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 20
COLUMNS = (
    *("run_id", "strategy", "market", "date_start", "date_end", "total_pnl_usd", "roi_pct", "num_trades"),
    *("win_rate_pct", "profit_factor", "max_drawdown_usd", "sharpe", "sortino", "brier"),
)
_WIDE = 112  # columns of a terminal that has room for all figures
_FIRST = ("total_pnl_usd", "num_trades", "sharpe")  # shown on a narrower one, with the figure that the order is by
HEADS = {
    "total_pnl_usd": "P&L",
    "roi_pct": "return, %",
    "num_trades": "trades",
    "win_rate_pct": "wins, %",
    "max_drawdown_usd": "drawdown",
    "sharpe": "Sharpe",
    "sortino": "Sortino",
    "brier": "Brier",
}
AMOUNTS = frozenset(
    {"total_pnl_usd", "max_drawdown_usd"}
)  # in the currency of the run's account, whatever their name says


def leaderboard(
    sort: Annotated[
        str,
        typer.Option(
            help="sharpe, sortino, pnl, roi, trades, win_rate, profit_factor, drawdown or brier.", metavar="KEY"
        ),
    ] = "sharpe",
    limit: Annotated[
        int | None, typer.Option(min=1, help=f"So many; default: {SHOWN}, for programs all.", metavar="N")
    ] = None,
    database: listing.DatabaseOption = None,
    config: listing.DatabaseConfigOption = None,
    as_json: listing.JsonOption = False,
    as_csv: listing.CsvOption = False,
) -> None:
    """Rank the successful runs of a database; runs that have no such metric come last.

    Reads the database (v_backtest_leaderboard). Changes nothing. Exit code 6 if there is no database yet, or it cannot be read.
    """
    from tradewinds.database import queries  # here: see listing.py

    machine = listing.for_programs(as_json, as_csv)
    with queries.reading(listing.database_url(database, config)) as connection:
        rows = queries.leaderboard(connection, sort=sort, limit=limit or (None if machine else SHOWN))
        ids = [] if machine else [row["run_id"] for row in rows]
        currencies = queries.account_currencies(connection, ids)
        names = queries.given_names(connection, ids)
    if not listing.printed(rows, COLUMNS, as_json, as_csv):
        _show(listing.console(), rows, sort, currencies, names)


def _show(
    console: Console,
    rows: list[dict[str, Any]],
    sort: str,
    currencies: Mapping[str, str],
    given: Mapping[str, str],
) -> None:
    """Print the leaderboard as a table.

    Args:
        console: where to print.
        rows: runs in the order of the leaderboard.
        sort: what the order is by.
        currencies: of the runs' accounts, by run id.
        given: names that the user gave to runs, by run id.
    """
    if not rows:
        console.print("no run was loaded with success yet.")
        return
    from tradewinds.core import text
    from tradewinds.database.queries import SORTS

    # The figures that the terminal has room for.
    names = [name for name in HEADS if console.width >= _WIDE or name in (*_FIRST, SORTS[sort][0])]
    table = listing.table(f"Successful runs by {sort}")
    table.add_column("#", justify="right")
    table.add_column("run", no_wrap=True)
    table.add_column("strategy", overflow="fold", min_width=12)
    table.add_column("dates", no_wrap=True)
    if given:
        table.add_column("name", overflow="fold")
    amounts = listing.Amounts(currencies.values())
    for name in names:
        title = amounts.title(HEADS[name]) if name in AMOUNTS else HEADS[name]
        table.add_column(title, justify="right", no_wrap=True)
    for place, row in enumerate(rows, start=1):
        figures = (
            amounts.text(row[name], currencies[row["run_id"]]) if name in AMOUNTS else text.metric_text(name, row[name])
            for name in names
        )
        own = (printable(given.get(row["run_id"], "")),) if given else ()
        table.add_row(str(place), row["run_id"][:8], row["strategy"], listing.dates(row), *own, *figures)
    console.print(table)
