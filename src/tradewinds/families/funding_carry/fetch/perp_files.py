"""The files of funding rates and candles: one per symbol, month and kind, and the user's own that they are made from."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from tradewinds.core import files
from tradewinds.core.errors import DataMissing
from tradewinds.families.plan import month_end

ENDINGS = (".parquet", ".csv", ".csv.gz", ".feather")  # of a user's files
NO_RECORDS = "NO_RECORDS"  # reason of an empty file: the source has no record of that month
NOT_IN_FILES = "NOT_IN_FILES"  # reason of an empty file: no file of the user has any record of that series
FILES_REMEDY = "Give the path of a folder with funding rates, spot candles and perpetual candles in data.path."
# integers are written and read several times as fast as bytes, and prices repeat too little for a dictionary
_WRITER: Mapping[str, Any] = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": False,
    "store_decimal_as_integer": True,
}


def write_month(path: str, table: pa.Table, quarantined: Counter[str], about: Mapping[str, Any]) -> None:
    """Write the file of one symbol, month and kind.

    Args:
        path: path of the file.
        table: its records (schema FUNDING or CANDLES); none makes a file without rows, with the reason in its metadata.
        quarantined: records that were left out, by reason.
        about: metadata of the file: at least source, symbol, kind, month and covers_through; of an empty file also reason, by
            default NO_RECORDS.
    """
    shown = {
        "rows": table.num_rows,
        "quarantined": dict(sorted(quarantined.items())),
        "reason": None if table.num_rows else about.get("reason", NO_RECORDS),
    }
    files.write_parquet_parts(path, table.schema, [table], lambda: {**about, **shown}, **_WRITER)


def files_at(path: str) -> list[str]:
    """Return the files of records at a path: the file itself, or all files of a folder and its folders, by name.

    A path that does not exist is returned as it is.

    Args:
        path: `data.path` of a config.
    """
    if not Path(path).is_dir():
        return [path]
    found = (file for file in Path(path).rglob("*") if file.is_file() and file.name.lower().endswith(ENDINGS))
    inside = len(Path(path).parts)
    return sorted(file.as_posix() for file in found if not any(part.startswith(".") for part in file.parts[inside:]))


def present_files(path: str) -> list[str]:
    """Return the files of records at a path, as files_at, of which there is at least one.

    Args:
        path: `data.path` of a config.

    Raises:
        DataMissing: the path does not exist, or is a folder without a file of records.
    """
    if not Path(path).exists():
        raise DataMissing(f"there are no records: no file {path}.", where="data.path", remedy=FILES_REMEDY)
    found = files_at(path)
    if not found:
        what = f"there are no records: the folder {path} has no file that ends in {', '.join(ENDINGS)}."
        raise DataMissing(what, where="data.path", remedy=FILES_REMEDY)
    return found


def covers_through(month: str) -> dict[str, str]:
    """Return the dates in the metadata of a file that has all of its month.

    Args:
        month: such as 2024-03.
    """
    end = month_end(int(month[:4]), int(month[5:])).isoformat()
    return {"covers_through": end, "asked_through": end}


def is_made_from(path: str, made_from: str) -> bool:
    """Whether a file exists and was made from the same bytes or seed in the same way."""
    return Path(path).exists() and files.read_meta(path).get("made_from") == made_from


def touch(path: str) -> None:
    """Give a file a new modification time: Snakemake compares it with the time of the files that it is made from."""
    os.utime(path)
