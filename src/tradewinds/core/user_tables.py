"""Read a table that a user brings, CSV or Parquet, to its last byte: what follows meets whole columns of known types."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tradewinds.core import user_files
from tradewinds.core.errors import ConfigError, TradewindsError
from tradewinds.core.safe_text import shortened

_PARQUET = b"PAR1"  # the first bytes of such a file; all others are CSV, unless their name says otherwise


def read_table(
    path: str | Path, what: str, remedy: str, refused: type[TradewindsError] = ConfigError, texts: Sequence[str] = ()
) -> pa.Table:
    """Read a CSV with a header, in UTF-8, or a Parquet file.

    Args:
        path: the file.
        what: what it should be, such as "the file of bars".
        remedy: what the user can do.
        refused: the class of the error.
        texts: names of columns that a CSV's values are kept of as text.

    Raises:
        TradewindsError: of class `refused`; the file is no plain file, or is not such a table throughout.
    """
    data = user_files.read_bytes(path, what, remedy, refused)
    try:
        if data.startswith(_PARQUET) or Path(path).suffix == ".parquet":
            with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
                table = file.read()
            table.validate(full=True)  # texts that are no UTF-8, offsets that point outside
        else:
            from pyarrow import csv  # here: few processes read a CSV

            header = user_files.decoded(data, path, what, refused).partition("\n")[0]
            user_files.refuse_other_separator(header, path, what, refused)
            options = csv.ConvertOptions(column_types=dict.fromkeys(texts, pa.string()))
            table = csv.read_csv(pa.BufferReader(data), convert_options=options)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        problem = shortened((str(error).splitlines() or [type(error).__name__])[0], 200)
        raise refused(f"{what} cannot be read ({problem}).", where=str(path), remedy=remedy) from None
    return table
