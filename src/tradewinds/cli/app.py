"""The `tradewinds` command: `main`, which runs a command of commands.py and turns its end into an exit code.

Exit codes: 0 done · 2 config or usage error (nothing touched) · 3 data missing under --no-fetch · 4 fetch failed ·
5 simulation or validation failed · 6 database failed · 130 interrupted.

The module of a command is imported when the command is asked for, and imports numpy, pyarrow, DuckDB, SQLAlchemy, PyYAML and
rich inside its functions. So `tradewinds --help` and every command import only what they use
(tests/unit/test_command_imports.py).
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from tradewinds import __version__
from tradewinds.cli.commands import LazyGroup
from tradewinds.cli.usage_errors import usage_error_text
from tradewinds.core.errors import INTERRUPTED, ConfigError, TradewindsError
from tradewinds.core.safe_text import allow_any_text, printable
from tradewinds.core.signals import interrupt_on_stop_signals
from tradewinds.core.url_secrets import masked

app = typer.Typer(
    cls=LazyGroup,
    help="Reproducible backtests as a graph of files: one YAML file in, a settled backtest out.",
    no_args_is_help=True,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


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
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks; also after a command.", is_eager=True)
    ] = False,
) -> None:
    """Options of every command."""


def main(argv: list[str] | None = None) -> None:
    """Run a command and end the process; an error becomes one paragraph and an exit code.

    Args:
        argv: the arguments after the program's name; None for those of this process.
    """
    allow_any_text()
    arguments = sys.argv[1:] if argv is None else argv
    debug = "--debug" in arguments
    if debug and arguments != ["--debug"]:  # typer would take it before the command only
        arguments = [argument for argument in arguments if argument != "--debug"]
    code: Any = 0
    interrupt_on_stop_signals()
    try:
        code = app(args=arguments, prog_name="tradewinds", standalone_mode=False)
        if code == INTERRUPTED:  # typer turns Ctrl-C into this result
            raise KeyboardInterrupt
    except typer.Exit as done:
        code = done.exit_code
    except TyperException as error:
        print(usage_error_text(error), file=sys.stderr)
        code = ConfigError.exit_code  # a command line that typer refuses is a usage error
    except (typer.Abort, KeyboardInterrupt):
        print("interrupted; what is finished stays, run the same command to go on.", file=sys.stderr)
        code = INTERRUPTED
    except TradewindsError as error:
        if debug:
            raise
        print(error, file=sys.stderr)
        code = error.exit_code
    except Exception as error:  # the outermost frame: a bug is reported as one, without a traceback
        if debug:
            raise
        print(
            masked(f"unexpected {type(error).__name__}: {printable(str(error))}. This is a bug; --debug shows where."),
            file=sys.stderr,
        )
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
