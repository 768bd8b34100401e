"""Reads small tables that a user gives as CSV, with the place of each row for error messages."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from tradewinds.core.errors import ConfigError


def rows_of(path: str, columns: Sequence[str], what: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each row of a CSV file with its place.

    Args:
        path: path of the file.
        columns: the columns that it must have, no others, in any order.
        what: what the file should be, for the error, such as "a universe".

    Yields:
        (place such as "u.csv, line 2", row as a mapping from column to text).

    Raises:
        ConfigError: the file cannot be read, or has other columns.
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
