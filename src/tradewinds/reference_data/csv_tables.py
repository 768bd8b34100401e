"""Small tables that a user brings as CSV: read whole, with the place of each row for messages."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from tradewinds.core.errors import ConfigError


def rows_of(path: str, columns: Sequence[str], what: str) -> Iterator[tuple[str, dict[str, str]]]:
    """(where, row) of each line of a CSV that has just these columns, in any order.

    Raises:
        ConfigError: it cannot be read, or has other columns; `what` is what it ought to be.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        remedy = f"Give the path of a CSV with the columns {', '.join(columns)}."
        raise ConfigError(f"cannot be read ({error}).", where=path, remedy=remedy) from None
    reader = csv.DictReader(text.splitlines())
    if set(reader.fieldnames or ()) != set(columns):
        raise ConfigError(f"these are not the columns of {what}.", where=path, remedy=f"Use {', '.join(columns)}.")
    for row in reader:
        yield f"{path}, line {reader.line_num}", row
