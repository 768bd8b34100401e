"""The `tradewinds` command: its commands in the order in which `--help` lists them, and `main`.

Exit codes: 0 done · 2 config or usage error (nothing touched) · 3 data missing under --no-fetch · 4 fetch failed ·
5 simulation or validation failed · 6 database failed · 130 interrupted.

The module of a command imports numpy, pyarrow, DuckDB, SQLAlchemy, PyYAML and rich inside its functions. So `tradewinds --help`
and every command import only what they use (tests/unit/test_command_imports.py).
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from tradewinds import __version__
from tradewinds.cli import (
    backtest,
    calibrate,
    check,
    compare,
    leaderboard,
    lookahead_check,
    probabilities,
    reproduce,
    run,
    runs,
    serve,
    strategies,
    sweep,
    validate,
)
from tradewinds.cli.options import ConfigOption, date_of
from tradewinds.core.errors import INTERRUPTED, ConfigError, TradewindsError

app = typer.Typer(
    help="Reproducible backtests as a graph of files: one YAML file in, a settled backtest out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
archive_app = typer.Typer(
    help="Make archives that `tradewinds replay` serves.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(archive_app, name="archive")
app.add_typer(strategies.app, name="strategies")
app.command()(runs.runs)
app.command()(leaderboard.leaderboard)
app.command()(backtest.backtest)
app.command()(compare.compare)
app.command()(reproduce.reproduce)
app.command()(serve.serve)
app.command()(run.run)
app.command()(validate.validate)
app.command()(check.check)
app.command()(sweep.sweep)
app.command()(calibrate.calibrate)
app.command()(probabilities.probabilities)
app.command("lookahead-check")(lookahead_check.lookahead_check)


def _version(wanted: bool) -> None:
    """Print the version and end, if the flag is given."""
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.", is_eager=True)] = False,
) -> None:
    """Options of every command."""


@app.command()
def replay(
    archive: Annotated[Path, typer.Option(help="Folder of the archive.", metavar="DIR")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 picks a free one.")] = 8900,
    cutoff: Annotated[
        str | None,
        typer.Option(help="Markets settled before this date are in the historical tier.", metavar="YYYY-MM-DD"),
    ] = None,
    max_requests_per_second: Annotated[
        float | None, typer.Option(help="Answer 429 above this rate, as the exchange does.", metavar="N")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="Append every request to this file (JSON lines).", metavar="FILE")
    ] = None,
    faults: Annotated[
        float, typer.Option(min=0, max=1, help="Share of requests that go wrong, of every kind.", metavar="RATE")
    ] = 0,
    fault_seed: Annotated[int, typer.Option(help="The same seed, the same faults.", metavar="N")] = 0,
    stall_seconds: Annotated[
        float, typer.Option(min=0, help="Silence of a stalled connection; more than the timeout.", metavar="S")
    ] = 35,
) -> None:
    """Serve an archive as the exchange and the weather service, on this machine, until Ctrl-C.

    Point kalshi.base_url at http://127.0.0.1:PORT/trade-api/v2 and iem.base_url at http://127.0.0.1:PORT.
    """
    from tradewinds.archive import server
    from tradewinds.archive.faults import FaultPlan

    server.serve_forever(
        archive,
        port=port,
        cutoff=_date(cutoff, "--cutoff"),
        max_requests_per_second=max_requests_per_second,
        log=log,
        faults=FaultPlan(faults, fault_seed, stall_seconds=stall_seconds) if faults else None,
    )


@app.command()
def record(
    config: ConfigOption,
    out: Annotated[Path, typer.Option(help="Folder to make.", metavar="DIR")],
) -> None:
    """Write what was fetched for a config as an archive that `tradewinds replay` serves; fetches nothing.

    Every file must be there (else exit 3 with the list), with 1-minute candles of the whole market window.
    """
    from tradewinds.config import resolve as configs
    from tradewinds.families.kalshi_weather.archive import record as recorder
    from tradewinds.families.kalshi_weather.plan import plan_of

    conf = configs.load(config)
    plan = plan_of(conf)
    events = recorder.record(conf, plan, out)
    typer.echo(f"{out}: archive of {events} events; serve it with tradewinds replay --archive {out}")
    if plan.files.user_probabilities:
        typer.echo(f"{plan.files.user_probabilities} is yours, not fetched: it is no part of the archive.")


@archive_app.command("synthetic")
def archive_synthetic(
    out: Annotated[Path, typer.Option(help="Folder to make.", metavar="DIR")],
    seed: Annotated[int, typer.Option(help="The same seed makes the same bytes.")] = 7,
) -> None:
    """Make a small archive of invented weather and order books, from a seed."""
    from tradewinds.families.kalshi_weather.archive import synthetic

    synthetic.make_synthetic(out, seed=seed)
    typer.echo(f"{out}: synthetic archive, seed {seed}")


@archive_app.command("import")
def archive_import(
    markets: Annotated[list[Path], typer.Option(help="Parquet of markets (strikes, times, results).", metavar="FILE")],
    out: Annotated[Path, typer.Option(help="Folder to make.", metavar="DIR")],
    candles: Annotated[list[Path], typer.Option(help="Parquet of 1-minute candles in cents.", metavar="FILE")] = [],  # noqa: B006
    guidance: Annotated[list[Path], typer.Option(help="Parquet of daily station guidance.", metavar="FILE")] = [],  # noqa: B006
    climate: Annotated[list[Path], typer.Option(help="Parquet of observed daily highs.", metavar="FILE")] = [],  # noqa: B006
) -> None:
    """Make an archive from recorded Parquet files (columns: docs/archive.md)."""
    from tradewinds.families.kalshi_weather.archive import import_recorded as importer

    importer.import_recorded(candles=candles, markets=markets, guidance=guidance, climate=climate, out=out)
    typer.echo(f"{out}: archive of {len(markets)} market file(s)")


def _date(text: str | None, option: str) -> dt.date | None:
    return date_of(text, option) if text else None


def main(argv: list[str] | None = None) -> None:
    """Run a command and end the process; an error becomes one paragraph and an exit code.

    Args:
        argv: the arguments after the program's name; None for those of this process.
    """
    arguments = sys.argv[1:] if argv is None else argv
    code: Any = 0
    try:
        code = app(args=arguments, prog_name="tradewinds", standalone_mode=False)
        if code == INTERRUPTED:  # typer turns Ctrl-C into this result
            raise KeyboardInterrupt
    except typer.Exit as done:
        code = done.exit_code
    except TyperException as error:
        print(f"{error.format_message()} See tradewinds --help.", file=sys.stderr)
        code = ConfigError.exit_code  # a command line that typer refuses is a usage error
    except (typer.Abort, KeyboardInterrupt):
        print("interrupted; what is finished stays, run the same command to go on.", file=sys.stderr)
        code = INTERRUPTED
    except TradewindsError as error:
        if "--debug" in arguments:
            raise
        print(error, file=sys.stderr)
        code = error.exit_code
    except Exception as error:  # the outermost frame: a bug is reported as one, without a traceback
        if "--debug" in arguments:
            raise
        print(f"unexpected {type(error).__name__}: {error}. This is a bug; --debug shows where.", file=sys.stderr)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
