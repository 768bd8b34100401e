"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from tradewinds.core.errors import ConfigError

ConfigOption = Annotated[Path, typer.Option("--config", help="The YAML file of the backtest.", metavar="FILE")]
NoFetchOption = Annotated[
    bool, typer.Option("--no-fetch", help="Never open a connection; missing data is exit code 3.")
]


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
