"""Events that are left out because the exchange's answer about their candles cannot be right (on_missing.damaged: skip).

The file of such an event has no rows, and says so in its metadata: the reason, what was wrong with the answer, and where a copy
of it is kept. It is made only where the config says skip. Where it says fail, it counts as missing and is asked for again.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tradewinds.core import files
from tradewinds.core.errors import DamagedFile, RefusedAnswer

DAMAGED = "DAMAGED"  # `reason` of such a file
_LONGEST_PROBLEM = 2_000  # characters
_LARGEST_FILE = 32_000  # bytes: a file without rows is smaller, its footer is read for the reason


def skips_damaged(on_missing: Mapping[str, Any]) -> bool:
    """Whether events whose candles cannot be right are left out.

    Args:
        on_missing: section of the config; it may lack the key, which then means fail.
    """
    return bool(on_missing.get("damaged", "fail") == "skip")


def left_out_meta(error: RefusedAnswer) -> dict[str, Any]:
    """Metadata of the file of an event that is left out, beyond those of every candle file.

    Args:
        error: why the answer was refused.
    """
    problem = f"{error.where}: {error.what}" if error.where else error.what
    return {"reason": DAMAGED, "problem": problem[:_LONGEST_PROBLEM], "saved_answer": error.copy}


def is_left_out(path: str | Path) -> bool:
    """Whether an existing candle file is that of an event that was left out; one that cannot be read is none of these."""
    found = os.stat(path)  # noqa: PTH116 (pathlib takes twice as long, and there can be 10,000 files)
    return found.st_size <= _LARGEST_FILE and _says_left_out(str(path), found.st_mtime_ns, found.st_size)


@functools.lru_cache(maxsize=65_536)
def _says_left_out(path: str, time_ns: int, size: int) -> bool:
    """Whether a file's metadata say so. A run asks three times, of 10,000 files perhaps; time and size tell another file.

    The reason stands in the file as it is, so a file without its letters need not be read as Parquet, which takes ten times as
    long.
    """
    if DAMAGED.encode() not in Path(path).read_bytes():
        return False
    try:
        return bool(files.read_meta(path).get("reason") == DAMAGED)
    except DamagedFile:  # the reader of its rows reports it
        return False
