"""`tradewinds probabilities`: one date's forecast, and every bracket's probability beside its price."""

from __future__ import annotations

import csv
import datetime as dt
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewinds.cli.options import ConfigOption, FileArgument, NoFetchOption, config_file, date_of
from tradewinds.core.errors import ConfigError
from tradewinds.core.safe_text import cell

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Row = dict[str, Any]


def probabilities(
    file: FileArgument = None,
    config: ConfigOption = None,
    date: Annotated[
        str | None, typer.Option(help="Climate date; default: the config's last.", metavar="YYYY-MM-DD")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
    no_fetch: NoFetchOption = False,
) -> None:
    """Show one date's forecast and every bracket's probability beside its price at the as-of time.

    Fetches what is missing, as a run does. Edges are probability minus price, without fees. With a probability file of
    your own every market is listed, whether the file has it or not: --csv writes rows such as the file takes. Of an event
    that is still open the prices are those of now; `tradewinds today` shows what else is known of it.
    """
    config = config_file(file, config)
    # Imported here: they bring rich, psutil, PyYAML, pyarrow and DuckDB, which `--help` does not need.
    from tradewinds.config import resolve as configs
    from tradewinds.core.damage import naming_damage
    from tradewinds.core.text import counted, instant
    from tradewinds.families.kalshi_weather.bracket_rows import COLUMNS, brackets_of, is_own_file, with_live_prices
    from tradewinds.families.kalshi_weather.damaged_events import is_still_open
    from tradewinds.families.kalshi_weather.plan import plan_of
    from tradewinds.families.kalshi_weather.pooling.probability_sources import on_dates
    from tradewinds.families.kalshi_weather.validations.wrong_station import refuse_wrong_stations
    from tradewinds.pipeline.make import make_inputs, make_recorded
    from tradewinds.pipeline.runner import RunOptions
    from tradewinds.pipeline.screen import Screen
    from tradewinds.pipeline.terminal import SafeConsole

    if as_json and as_csv:
        raise ConfigError("--json and --csv contradict each other.", remedy="Give one of them.")
    wanted = date_of(date, "--date") if date else None
    console = SafeConsole()

    # The config of that one date, and the files of its replay. Progress must not mix with rows for programs.
    loaded = configs.load(config)
    day = wanted or loaded["date_end_local"]
    first, last = loaded["date_start_local"], loaded["date_end_local"]
    if not first <= day <= last:
        what = f"{day} is outside of the config's dates, {first} to {last}."
        raise ConfigError(what, where="--date", remedy="Choose one of them, or change the dates of the config.")
    conf = configs.resolve(on_dates(loaded, day, day), source=str(config))
    plan, options = plan_of(conf), RunOptions(fetch="never" if no_fetch else None)
    screen = Screen(SafeConsole(stderr=True) if as_json or as_csv else console)
    (make_recorded if is_own_file(conf) else make_inputs)(conf, options, screen)

    with naming_damage(plan.data_files):
        refuse_wrong_stations(conf, plan.files.catalogs, plan.files.climate.values())
        rows, without = brackets_of(conf, plan, day)
    opened = [(e.series_ticker, e.climate_date) for e in plan.files.events if is_still_open(e.path)]
    if opened:
        quotes, priced_ts = _live_quotes(conf, opened)
        rows = with_live_prices(rows, quotes)
        shown = instant(priced_ts) if quotes else "no time: no market is listed as open"
        screen.print(f"{counted(len(opened), 'event')} of {day} still open: prices are those of {shown}.")
    if as_json:
        print(json.dumps(rows, indent=2))
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: cell(v) if isinstance(v, str) else v for name, v in row.items()} for row in rows)
    else:
        _show(console, rows, without, day)


def _live_quotes(conf: dict[str, Any], events: list[tuple[str, dt.date]]) -> tuple[dict[str, tuple[float, float]], int]:
    """Return bid and ask of open markets, and when they were given."""
    from tradewinds.families.kalshi_weather.fetch.fetch_jobs import exchange_client
    from tradewinds.families.kalshi_weather.today.open_events import quotes_of_open
    from tradewinds.pipeline.jobs import export_environment

    export_environment(conf)
    return quotes_of_open(exchange_client(), events)


def _show(console: Console, rows: list[Row], without: dict[str, str], day: dt.date) -> None:
    """Print a table per event; `without` says why one has no probability."""
    for event in dict.fromkeys(row["event_ticker"] for row in rows):
        found = [row for row in rows if row["event_ticker"] == event]
        first = next((row for row in found if row["p_yes"] is not None), found[0])
        distribution = "" if first["mu_f"] is None else f", μ {first['mu_f']:.1f} °F, σ {first['sigma_f']:.1f} °F"
        reason = f" ({first['reason']})" if first["reason"] else ""
        made_by = first["method"] or f"no probability ({without.get(event, 'of no market')})"
        console.print(f"{event}: {made_by}{reason}{distribution}; as of {first['asof_utc']}", highlight=False)
        console.print(_table(found))
    for event in sorted(without.keys() - {row["event_ticker"] for row in rows}):
        console.print(f"{event}: no probability ({without[event]})", highlight=False)
    if rows:
        console.print(
            f"A market's ticker is its event's and its own part, such as {rows[0]['market_ticker']}; --csv has it."
        )
    elif not without:
        console.print(f"no market is listed for {day}.")


def _table(rows: list[Row]) -> Table:
    """Return a table of an event's markets."""
    from rich.table import Table

    table = Table()
    for name in ("bracket", "market", "P(YES)", "bid", "ask", "edge YES", "edge NO"):
        table.add_column(name, justify="left" if name in ("bracket", "market") else "right", no_wrap=True)
    for row in rows:
        prices = (_figure(row[name], ".2f") for name in ("yes_bid", "yes_ask"))
        edges = (_figure(row[name], "+.3f") for name in ("edge_yes", "edge_no"))
        ending, p_yes = row["market_ticker"].rpartition("-")[2], _figure(row["p_yes"], ".4f")
        table.add_row(row["bracket"], ending, p_yes, *prices, *edges)
    return table


def _figure(value: float | None, form: str) -> str:
    return "—" if value is None else format(value, form)
