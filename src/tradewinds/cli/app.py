"""The `tradewinds` command.

Exit codes: 0 done · 2 config or usage error (nothing touched) · 3 data missing under --no-fetch · 4 fetch failed ·
5 simulation or validation failed · 6 database failed · 130 interrupted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.exceptions import TyperException

from tradewinds import __version__
from tradewinds.cli import archive, backtest, compare, leaderboard, reproduce, runs, serve, strategies
from tradewinds.cli.options import ConfigOption, date_of
from tradewinds.core.errors import INTERRUPTED, ConfigError, TradewindsError

app = typer.Typer(
    help="Reproducible backtests as a graph of files: one YAML file in, a settled backtest out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(archive.app, name="archive")
app.add_typer(strategies.app, name="strategies")
app.command()(runs.runs)
app.command()(leaderboard.leaderboard)
app.command()(backtest.backtest)
app.command()(compare.compare)
app.command()(reproduce.reproduce)
app.command()(serve.serve)
app.command("replay")(archive.serve)  # as the command was named before there was `archive serve`
app.command()(archive.record)


def _version(wanted: bool) -> None:
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
def run(
    config: ConfigOption,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the config and show the plan; touch nothing.")
    ] = False,
    no_fetch: Annotated[
        bool, typer.Option("--no-fetch", help="Never open a connection; missing data is exit code 3.")
    ] = False,
    auto_fetch: Annotated[
        bool, typer.Option("--auto-fetch", help="Fetch what is missing, whatever the config says.")
    ] = False,
    max_parallel_events: Annotated[
        int | None, typer.Option("--max-parallel-events", min=1, max=256, help="Event jobs at once.", metavar="N")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="A Snakemake profile: default, slurm, generic or a folder.", metavar="P")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show what Snakemake says, too.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show nothing but errors.")] = False,
    log_file: Annotated[
        Path | None, typer.Option(help="Append all that --verbose shows to this file, with times.", metavar="FILE")
    ] = None,
) -> None:
    """Run a backtest: fetch what is missing, replay, report, load into the database.

    Reads FILE, the exchange and the weather service. Writes data/, the run's folder under output_dir, the database and logs/.
    Asking the same question again does nothing.
    """
    from tradewinds.cli import run as run_command
    from tradewinds.pipeline.runner import RunOptions
    from tradewinds.pipeline.screen import Screen

    if no_fetch and auto_fetch:
        raise ConfigError("--no-fetch and --auto-fetch contradict each other.", remedy="Give one of them.")
    fetch = "never" if no_fetch else "auto" if auto_fetch else None
    options = RunOptions(fetch=fetch, max_parallel_events=max_parallel_events, profile=profile)
    screen = Screen(verbose=verbose, quiet=quiet, log_file=log_file)
    run_command.run(config, options, screen, dry_run=dry_run)


@app.command()
def validate(config: ConfigOption) -> None:
    """Check a config, and its data by every validation that what is there allows.

    Reads data/ and the probability file. Opens no connection, touches nothing. Exit code 5 if an event fails a validation.
    """
    from tradewinds.cli import validate as validate_command

    validate_command.validate(config, Console())


@app.command()
def check(
    config: ConfigOption,
    delete_damaged: Annotated[
        bool, typer.Option("--delete-damaged", help="Delete damaged files, so that the next run makes them again.")
    ] = False,
) -> None:
    """Read a config's data files to the last byte and name the damaged ones.

    Reads data/. Changes nothing without --delete-damaged. Exit code 5 if a damaged file remains.
    """
    from tradewinds.config import resolve as configs
    from tradewinds.core.damage import damaged_files
    from tradewinds.core.errors import SimulationError
    from tradewinds.families.plan import run_plan

    damaged = list(damaged_files(run_plan(configs.load(config)).data_files))
    for damage in damaged:
        typer.echo(str(damage))
        if delete_damaged:
            Path(damage.where).unlink()
    if damaged and not delete_damaged:
        raise SimulationError(f"{len(damaged)} damaged file(s).", where=str(config), remedy="See above.")
    done = (
        f"{len(damaged)} damaged file(s) deleted: run again to make them anew." if damaged else "all files are whole."
    )
    typer.echo(f"{config}: {done}")


@app.command()
def sweep(
    config: ConfigOption,
    grid: Annotated[
        list[str],
        typer.Option(help="Values of a key: 0.02:0.10:0.01 or a,b,c. Every combination.", metavar="KEY=VALUES"),
    ] = [],  # noqa: B006
    random: Annotated[
        int | None, typer.Option(min=1, help="Draw so many points instead, out of --range.", metavar="N")
    ] = None,
    range_: Annotated[
        list[str], typer.Option("--range", help="What to draw from: 0.02:0.10, 1:50 or a,b,c.", metavar="KEY=VALUES")
    ] = [],  # noqa: B006
    seed: Annotated[int, typer.Option(help="The same seed, the same draws.", metavar="S")] = 0,
    rank_by: Annotated[
        str, typer.Option(help="sharpe, sortino, pnl or drawdown, before the split.", metavar="METRIC")
    ] = "sharpe",
    split: Annotated[
        str | None, typer.Option(help="First date out of sample; default: the last 30 %.", metavar="YYYY-MM-DD")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Points to show.", metavar="N")] = 20,
    profile: Annotated[
        str | None,
        typer.Option(help="Replay in jobs of about a minute over a Snakemake profile: slurm, default …", metavar="P"),
    ] = None,
    no_fetch: Annotated[
        bool, typer.Option("--no-fetch", help="Never open a connection; missing data is exit code 3.")
    ] = False,
) -> None:
    """Replay a config with many settings, rank them by what they did before a date, and show what they did after it.

    Fetches what is missing, as a run does, and reads candles once for many points. Writes output_dir/sweeps/ID/: ranking.csv,
    best.yaml, sweep.json. Every point is the run that `tradewinds run` makes of it, under the same id (docs/sweeps.md).
    """
    from tradewinds.cli import sweep as sweep_command
    from tradewinds.pipeline.runner import RunOptions

    options = sweep_command.SweepOptions(grid, range_, random, seed, rank_by, date_of(split, "--split"), top)
    run_options = RunOptions(fetch="never" if no_fetch else None, profile=profile)
    sweep_command.sweep(config, options, run_options, Console())


@app.command()
def calibrate(
    config: ConfigOption,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
    no_fetch: Annotated[
        bool, typer.Option("--no-fetch", help="Never open a connection; missing data is exit code 3.")
    ] = False,
) -> None:
    """Score a config's probabilities and temperatures against what happened, baselines and the market's price.

    Fetches what is missing, as a run does, and makes no replay. Every run leaves the same scores in its calibration.json
    (docs/forecasts.md).
    """
    from tradewinds.cli import calibrate as calibrate_command
    from tradewinds.pipeline.runner import RunOptions

    options = RunOptions(fetch="never" if no_fetch else None)
    calibrate_command.calibrate(config, options, Console(), as_json=as_json)


@app.command()
def probabilities(
    config: ConfigOption,
    date: Annotated[
        str | None, typer.Option(help="Climate date; default: the config's last.", metavar="YYYY-MM-DD")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
    no_fetch: Annotated[
        bool, typer.Option("--no-fetch", help="Never open a connection; missing data is exit code 3.")
    ] = False,
) -> None:
    """Show one date's forecast and every bracket's probability beside its price at the as-of time.

    Fetches what is missing, as a run does. Edges are probability minus price, without fees.
    """
    from tradewinds.cli import probabilities as probabilities_command
    from tradewinds.pipeline.runner import RunOptions

    if as_json and as_csv:
        raise ConfigError("--json and --csv contradict each other.", remedy="Give one of them.")
    output = "json" if as_json else "csv" if as_csv else "table"
    options = RunOptions(fetch="never" if no_fetch else None)
    probabilities_command.probabilities(config, date_of(date, "--date"), options, Console(), output=output)


@app.command("lookahead-check")
def lookahead_check(
    config: ConfigOption,
    cuts: Annotated[
        int, typer.Option(min=1, max=1000, help="Instants at which the future is changed.", metavar="N")
    ] = 8,
    seed: Annotated[int, typer.Option(help="The same seed, the same instants.", metavar="S")] = 0,
) -> None:
    """Make a run again with another future, and report every decision that comes out differently.

    Reads data/ (missing files: exit code 3 with the list) and changes nothing. Exit code 5 if a decision changed.
    """
    from tradewinds.cli import lookahead_check as lookahead_check_command

    lookahead_check_command.run(config, cuts, seed, Console())


def main(argv: list[str] | None = None) -> None:
    """Entry point: run a command, turn errors into a paragraph and an exit code."""
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
        code = ConfigError.exit_code  # whatever the command line lacks is a usage error
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
