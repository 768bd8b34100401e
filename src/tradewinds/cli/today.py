"""`tradewinds today`: what is open now, what it is worth, and what the config's strategy would buy. It sends no order."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewinds.cli.options import ConfigOption, FileArgument, config_file
from tradewinds.core.errors import ConfigError, FetchError
from tradewinds.core.safe_text import cell, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

EVERY_SECONDS, LEAST_SECONDS = 60, 15

Board = Mapping[str, Any]
"""As `Board.as_json` of families/kalshi_weather/today/board.py."""


def today(
    file: FileArgument = None,
    config: ConfigOption = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again and again, until Ctrl-C.")] = False,
    every: Annotated[
        float,
        typer.Option(min=LEAST_SECONDS, help="With --watch: seconds between two looks at the prices.", metavar="S"),
    ] = EVERY_SECONDS,
    as_json: Annotated[bool, typer.Option("--json", help="Print the board as JSON; watched, one line each.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a row for each bracket as CSV.")] = False,
) -> None:
    """Show every open event of a config now: forecast, readings, prices, fees, and what the strategy would buy.

    Takes the config's series, probabilities, strategy and limits; its dates do not matter. The account is the start balance,
    with nothing held. Asks for what can have changed, within the services' rates. No order is ever sent.
    """
    if as_json and as_csv:
        raise ConfigError("--json and --csv contradict each other.", remedy="Give one of them.")
    if every != EVERY_SECONDS and not watch:
        raise ConfigError("--every is of --watch.", where="--every", remedy="Give --watch, too.")
    config = config_file(file, config)
    # Imported here: they bring rich, pyarrow and numpy, which `--help` does not need.
    from tradewinds.pipeline.terminal import SafeConsole

    console = SafeConsole()
    make = board_maker(config, lambda line: typer.echo(printable(line), err=True))
    show: Callable[[Board], None] = lambda board: _show(console, board)  # noqa: E731 (one of three)
    if as_json:
        show = lambda board: print(json.dumps(board, indent=None if watch else 2), flush=True)  # noqa: E731
    elif as_csv:
        show = _csv_writer()
    if not watch:
        show(make())
        return
    _watch(make, show, every)


def board_maker(path: Path, tell: Callable[[str], None]) -> Callable[[], Board]:
    """Return a function that makes the board of a config anew; each call asks for what can have changed.

    Args:
        path: of the config.
        tell: called with a line about what is asked.

    Raises:
        ConfigError: the config is wrong, or of a market that has no such board.
    """
    from tradewinds.config import resolve as configs
    from tradewinds.families.kalshi_weather.plan import MARKET
    from tradewinds.families.kalshi_weather.today.board import BoardMaker
    from tradewinds.pipeline.jobs import export_environment

    conf = configs.load(path)
    if conf["market"] != MARKET:
        what = f"today is for {MARKET}, whose events are open for a day or two, and the config is of {conf['market']}."
        raise ConfigError(
            what, where=f"{path}, market", remedy=f"Take a config of {MARKET}; `tradewinds run` takes every market."
        )
    export_environment(conf)
    maker = BoardMaker(conf, str(path), tell)
    return lambda: maker.make().as_json()


def _watch(make: Callable[[], Board], show: Callable[[Board], None], every: float) -> None:
    """Show the board again and again, until Ctrl-C; a service that cannot be reached is named, and asked again."""
    while True:
        started = time.monotonic()
        try:
            show(make())
        except FetchError as error:
            typer.echo(f"no board now: {printable(str(error))}", err=True)
        time.sleep(max(0.0, every - (time.monotonic() - started)))


def _csv_writer() -> Callable[[Board], None]:
    """Return a function that prints a board as CSV, with the header before the first."""
    from tradewinds.families.kalshi_weather.today.board_columns import COLUMNS, rows_of

    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    is_first = True

    def write(board: Board) -> None:
        nonlocal is_first
        if is_first:
            writer.writeheader()
            is_first = False
        writer.writerows(
            {key: cell(v) if isinstance(v, str) else v for key, v in row.items()} for row in rows_of(board)
        )
        sys.stdout.flush()

    return write


def _show(console: Console, board: Board) -> None:
    """Print the board: a table for each event, then the orders, then what is missing."""
    console.print(f"now {board['now_utc']}", highlight=False)
    if not board["events"]:
        console.print("no event of these series is open.")
    for event in board["events"]:
        for line in heading_lines(event):
            console.print(line, highlight=False, soft_wrap=True)
        console.print(_table(event))
    orders = [
        f"{order['kind']} {order['quantity']} {order['side']} of {bracket['market_ticker']} at {order['price']}, fee "
        f"{order['fee']}, net value {order['net_ev']} a contract"
        for event in board["events"]
        for bracket in event["brackets"]
        for order in bracket["orders"]
    ]
    if board["events"]:
        console.print("the strategy would, from its start balance and with nothing held (no order is sent):")
        for line in orders or ["do nothing now."]:
            console.print(f"  {line}", highlight=False)
    for series, problem in board["unanswered"].items():
        console.print(f"{series} could not be listed: {problem}", highlight=False, soft_wrap=True)
    for note in board["notes"]:
        console.print(note, highlight=False, soft_wrap=True)


def heading_lines(event: Mapping[str, Any]) -> list[str]:
    """Return what is said above an event's table: state, forecast, readings, and the ages of what it is made from.

    Args:
        event: one of the board's events.
    """
    made_by = event["method"] or "no probability"
    if event["mu_f"] is not None:
        made_by += f", μ {event['mu_f']:.1f} °F, σ {event['sigma_f']:.1f} °F"
    reasons = f" ({'; '.join(event['reasons'])})" if event["reasons"] else ""
    states = {
        "open": f"trades until {event['window_end_utc']}",
        "before_window": f"the strategy trades from {event['window_start_utc']} on",
        "after_window": f"the strategy traded until {event['window_end_utc']}",
        "stale_probability": "its probability is too old to trade on (probabilities.pooled.valid_minutes)",
    }
    lines = [
        f"{event['event_ticker']} {event['city']}: {made_by}{reasons}; as of {event['asof_utc']}; {states[event['state']]}"
    ]
    if event["observed_f"] is not None:
        extreme = "maximum" if event["extreme"] == "max" else "minimum"
        lines.append(f"  observed {extreme} so far {event['observed_f']} °F, by the reading of {event['observed_utc']}")
    ages = [f"{one['name']} {_age(one['age_s'])}" for one in event["inputs"]]
    lines.append(f"  ages: price {_age(event['price_age_s'])}{''.join(f', {age}' for age in ages)}")
    return lines


def _age(seconds: int | None) -> str:
    """Return an age for people."""
    if seconds is None:
        return "none"
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _table(event: Mapping[str, Any]) -> Table:
    """Return the table of an event's brackets."""
    from rich.table import Table

    table = Table()
    quantity = event["brackets"][0]["fee_quantity"] if event["brackets"] else 1
    fee = "fee" if quantity == 1 else f"fee of {quantity}"
    names = ("bracket", "P(YES)", "bid", "ask", f"{fee} YES", f"{fee} NO", "net YES", "net NO", "would")
    for name in names:
        table.add_column(name, justify="left" if name in ("bracket", "would") else "right", no_wrap=True)
    for row in event["brackets"]:
        p = None if row["p_yes"] is None else f"{float(row['p_yes']):.4f}"
        values = [None if row[name] is None else f"{float(row[name]):+.4f}" for name in ("net_ev_yes", "net_ev_no")]
        orders = (
            ", ".join(f"{o['kind']} {o['quantity']} {o['side']}" for o in row["orders"]) or row["refused_text"] or ""
        )
        figures = [p, row["yes_bid"], row["yes_ask"], row["fee_yes"], row["fee_no"], *values]
        table.add_row(row["bracket"], *(figure or "—" for figure in figures), orders)
    return table
