"""Open the files that a user names: plain files alone, and text in UTF-8 alone.

A FIFO would make a program wait for ever and a device may never end. So what is no plain file is refused before it is opened.
"""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path

from tradewinds.core.errors import ConfigError, TradewindsError
from tradewinds.core.safe_text import printable

_KINDS = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a FIFO"),
    (stat.S_ISSOCK, "it is a socket"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def problem_of(path: str | Path, *, permissions: bool = True) -> str | None:
    """Say why a path cannot be opened as a plain file; None if it can.

    Args:
        path: the file.
        permissions: whether a file that may not be read is a problem, too.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 (pathlib takes twice as long, and there can be 10,000 files)
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    if not stat.S_ISREG(mode):
        return next((kind for is_kind, kind in _KINDS if is_kind(mode)), "it is no plain file")
    return None if not permissions or os.access(path, os.R_OK) else "Permission denied"


def check_plain(path: str | Path, what: str, remedy: str, refused: type[TradewindsError] = ConfigError) -> None:
    """Refuse a path that is no plain file or cannot be read.

    Args:
        path: the file.
        what: what the file should be, such as "a CSV of bars".
        remedy: what the user can do.
        refused: the class of the error.

    Raises:
        TradewindsError: of class `refused`; names the path and what it is.
    """
    if problem := problem_of(path):
        raise refused(f"{what} cannot be read ({problem}).", where=printable(str(path), lines=False), remedy=remedy)


def read_bytes(
    path: str | Path,
    what: str,
    remedy: str,
    refused: type[TradewindsError] = ConfigError,
    most: int | None = None,
) -> bytes:
    """Read a user's file.

    Args:
        path: the file.
        what: what the file should be, such as "the config file".
        remedy: what the user can do.
        refused: the class of the error.
        most: the most bytes that the file may have; None for no limit.

    Raises:
        TradewindsError: of class `refused`; the file cannot be read, or is larger than `most`.
    """
    check_plain(path, what, remedy, refused)
    try:
        with open(path, "rb") as file:
            found = file.read(-1 if most is None else most + 1)
    except OSError as error:
        raise refused(f"{what} cannot be read ({error.strerror}).", where=str(path), remedy=remedy) from None
    if most is not None and len(found) > most:
        raise refused(f"{what} is larger than {most:,} bytes.", where=str(path), remedy=remedy)
    return found


def read_text(
    path: str | Path,
    what: str,
    remedy: str,
    refused: type[TradewindsError] = ConfigError,
    most: int | None = None,
) -> str:
    """Read a user's text file, which must be UTF-8, with or without a byte order mark; arguments and errors as `read_bytes`."""
    return decoded(read_bytes(path, what, remedy, refused, most), path, what, refused)


def refuse_other_separator(
    header: str, path: str | Path, what: str, refused: type[TradewindsError] = ConfigError
) -> None:
    """Refuse a CSV whose columns something else than commas separates, as spreadsheets of many countries write it.

    Args:
        header: its first line.
        path: the file, for the error.
        what: what the file should be, for the error.
        refused: the class of the error.

    Raises:
        TradewindsError: of class `refused`; names the separator.
    """
    for sign, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars (|)")):
        if "," not in header and sign in header:
            said = f"{what} separates its columns with {name}, not with commas."
            remedy = "Save it as CSV with commas between columns and points in numbers (0.35)."
            raise refused(said, where=f"{path}, line 1", remedy=remedy)


def decoded(data: bytes, path: str | Path, what: str, refused: type[TradewindsError] = ConfigError) -> str:
    """Decode the bytes of a user's text file.

    Args:
        data: all bytes of the file.
        path: the file, for the error.
        what: what the file should be, for the error.
        refused: the class of the error.

    Raises:
        TradewindsError: of class `refused`; the bytes are not UTF-8; names the line.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        other = "it looks like UTF-16" if data.startswith(_UTF_16) else f"byte {error.start + 1} is none of it"
        what = f"{what} is not text in UTF-8 ({other})."
        raise refused(what, where=f"{path}, line {line}", remedy="Save it as UTF-8.") from None
