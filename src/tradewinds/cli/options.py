"""What several commands' options have in common."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from tradewinds.core.errors import ConfigError

ConfigOption = Annotated[Path, typer.Option("--config", help="The YAML file of the backtest.", metavar="FILE")]


def date_of(text: str | None, option: str) -> dt.date | None:
    """The date that an option was given; None if it was not given.

    Args:
        text: the option's value.
        option: its name, for the message.

    Raises:
        ConfigError: the text is no date.
    """
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise ConfigError(f"{text!r} is not a date.", where=option, remedy="Write it as YYYY-MM-DD.") from None
