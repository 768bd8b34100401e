"""Reads small tables that a user gives as CSV, with the place of each row for error messages."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from tradewinds.core import user_files
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
    remedy = f"Give the path of a CSV with the columns {', '.join(columns)}."
    text = user_files.read_text(path, what, remedy)
    user_files.refuse_other_separator(text.partition("\n")[0], path, what)
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, restval="")
    try:
        if sorted(reader.fieldnames or ()) != sorted(columns):
            raise ConfigError(f"these are not the columns of {what}.", where=path, remedy=f"Use {', '.join(columns)}.")
        for row in reader:
            where = f"{path}, line {reader.line_num}"
            if None in row:
                wanted = f"A row has {len(columns)} cells."
                raise ConfigError("this row has too many cells.", where=where, remedy=wanted)
            yield where, row
    except csv.Error as error:
        where = f"{path}, line {reader.line_num}"
        raise ConfigError(f"this is no CSV ({error}).", where=where, remedy="Check the quotes.") from None
