"""Events that are left out: the exchange's answer about their candles cannot be right, or their window is not over yet.

The file of such an event has no rows, and says so in its metadata. Of a damaged one (on_missing.damaged: skip) it says what was
wrong with the answer, and where a copy of it is kept; where the config says fail, it counts as missing and is asked for again.
That of an open event always counts as missing: the next run asks whether it has closed.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tradewinds.core import files
from tradewinds.core.errors import DamagedFile, RefusedAnswer

DAMAGED, STILL_OPEN = "DAMAGED", "STILL_OPEN"  # `reason` of such a file
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


def still_open_meta(closes: str) -> dict[str, Any]:
    """Metadata of the file of an open event, or of readings of a running day, beyond those of every such file.

    Args:
        closes: when its last market closes, or the day ends, as ISO 8601.
    """
    return {"reason": STILL_OPEN, "closes": closes}


def is_left_out(path: str | Path) -> bool:
    """Whether an existing candle file is that of a damaged event; one that cannot be read is none of these."""
    return _reason_of(path) == DAMAGED


def is_still_open(path: str | Path) -> bool:
    """Whether an existing candle file is that of an event that was open when it was asked for."""
    return _reason_of(path) == STILL_OPEN


def has_no_window(path: str | Path) -> bool:
    """Whether an existing candle file holds no window, because its event is left out."""
    return _reason_of(path) is not None


def _reason_of(path: str | Path) -> str | None:
    """Why an event is left out by its existing file, None if it is not."""
    found = os.stat(path)  # noqa: PTH116 (pathlib takes twice as long, and there can be 10,000 files)
    return _said_reason(str(path), found.st_mtime_ns, found.st_size) if found.st_size <= _LARGEST_FILE else None


@functools.lru_cache(maxsize=65_536)
def _said_reason(path: str, time_ns: int, size: int) -> str | None:
    """The reason in a file's metadata. A run asks three times, of 10,000 files perhaps; time and size tell another file.

    The reason stands in the file as it is, so a file without its letters need not be read as Parquet, which takes ten times as
    long.
    """
    data = Path(path).read_bytes()
    if not any(reason.encode() in data for reason in (DAMAGED, STILL_OPEN)):
        return None
    try:
        reason = files.read_meta(path).get("reason")
    except DamagedFile:  # the reader of its rows reports it
        return None
    return reason if reason in (DAMAGED, STILL_OPEN) else None
