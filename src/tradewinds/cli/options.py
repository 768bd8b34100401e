"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from tradewinds.core.errors import ConfigError

DEFAULT_CONFIG = "config.yaml"
FileArgument = Annotated[
    Path | None,
    typer.Argument(help=f"The YAML file of the backtest; {DEFAULT_CONFIG} if it is not given.", metavar="[FILE]"),
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="The same as FILE.", metavar="FILE", show_default=False)
]
NoFetchOption = Annotated[
    bool, typer.Option("--no-fetch", help="Never open a connection; missing data is exit code 3.")
]


def config_file(file: Path | None, config: Path | None) -> Path:
    """Return the config that a command line names: as an argument, with --config, or config.yaml of this folder.

    Args:
        file: the argument.
        config: the value of --config.

    Raises:
        ConfigError: both are given, or neither and there is no config.yaml.
    """
    if file is not None and config is not None and file != config:
        raise ConfigError(f"two configs are given, {file} and {config}.", where="FILE", remedy="Give one of them.")
    found = file or config
    if found is not None:
        return found
    if not Path(DEFAULT_CONFIG).is_file():
        remedy = "Name one, or make one: `tradewinds init` writes a config that runs at once."
        raise ConfigError(f"no config is given, and this folder has no {DEFAULT_CONFIG}.", where="FILE", remedy=remedy)
    return Path(DEFAULT_CONFIG)


def date_of(text: str, flag: str) -> dt.date:
    """Read a date that was given with a flag.

    Args:
        text: the date as YYYY-MM-DD.
        flag: the flag's name, for the error message.

    Raises:
        ConfigError: the text is no date.
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is not a date.", where=flag, remedy="Write it as YYYY-MM-DD.") from None


def instant_of(text: str, flag: str) -> dt.datetime:
    """Read an instant that was given with a flag.

    Args:
        text: the instant in ISO 8601, such as 2025-05-10T12:00Z; UTC without a zone.
        flag: the flag's name, for the error message.

    Raises:
        ConfigError: the text is no instant.
    """
    try:
        found = dt.datetime.fromisoformat(text)
        in_utc = (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        remedy = "Write it as 2025-05-10T12:00Z."
        raise ConfigError(f"{text!r} is not an instant.", where=flag, remedy=remedy) from None
    return in_utc
