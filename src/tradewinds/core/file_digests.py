"""Digests inside a Parquet file, so that a flipped bit anywhere in it is found: in data, page headers and metadata alike.

Parquet's own checksums cover the data of pages alone. A guarded file has a block between its data and its footer, where
readers of Parquet do not look: a mark, the CRC-32 of all bytes before the block, and the CRC-32 of all bytes after it. Files
that were written before there were guards have no block, and stay valid.

A CRC-32 finds every flipped bit and every damage within four bytes, at 3 GB/s; a SHA-256, at a tenth of that, would be felt in
every replay. What a run read is proved by the SHA-256 of its manifest, not by the guard.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import BinaryIO

from tradewinds.core.errors import DamagedFile
from tradewinds.core.user_files import problem_of

_MARK = b"tradewinds-guard"
_DIGEST = 4  # bytes of a CRC-32
_BLOCK = len(_MARK) + 2 * _DIGEST
_TAIL = 8  # bytes at the end of a Parquet file: the footer's length, and PAR1
_PIECE = 2**20  # bytes that are read at a time
_NEARLY = 16  # flipped bits of the mark that still tell a damaged guard from a file that never had one


def add_digests(path: str | Path) -> None:
    """Put the block of digests into a Parquet file that has none."""
    with open(path, "r+b") as file:
        start = _footer_start(file)
        before = _digest_of(file, start)
        footer = file.read()
        file.seek(start)
        file.write(_MARK + before + _digest(footer) + footer)


def check(path: str | Path, *, footer_only: bool = False) -> None:
    """Compare a file with its digests.

    Args:
        path: a Parquet file; one without a guard is not checked.
        footer_only: read the footer alone, as a reader of metadata does.

    Raises:
        DamagedFile: the file is not what was written.
        OSError: the file cannot be read.
    """
    problem = problem_of(path, permissions=False) if os.path.lexists(path) else None
    if problem:
        raise DamagedFile(path, problem)
    with open(path, "rb") as file:
        start = _footer_start(file)
        if start < _BLOCK:
            return  # too short for a guard; the reader of Parquet says what else is wrong
        file.seek(start - _BLOCK)
        block, footer = file.read(_BLOCK), file.read()
        if not _is_guard(block, path):
            return
        if _digest(footer) != block[-_DIGEST:]:
            raise DamagedFile(path, "its metadata does not match its digest")
        if footer_only:
            return
        if _digest_of(file, start - _BLOCK) != block[len(_MARK) : -_DIGEST]:
            raise DamagedFile(path, "its data does not match its digest")


def _digest(data: bytes) -> bytes:
    """Return the CRC-32 of some bytes, as four bytes."""
    return zlib.crc32(data).to_bytes(_DIGEST, "little")


def _digest_of(file: BinaryIO, size: int) -> bytes:
    """Return the CRC-32 of the first bytes of a file, of which only a piece is in memory at a time."""
    file.seek(0)
    found, left = 0, size
    while left > 0:
        piece = file.read(min(_PIECE, left))
        if not piece:
            break
        found, left = zlib.crc32(piece, found), left - len(piece)
    return found.to_bytes(_DIGEST, "little")


def _footer_start(file: BinaryIO) -> int:
    """Return the offset of a Parquet file's footer; 0 or less for a file that is no Parquet."""
    size = os.fstat(file.fileno()).st_size
    if size < _TAIL:
        return 0
    file.seek(size - _TAIL)
    return size - _TAIL - int.from_bytes(file.read(4), "little")


def _is_guard(block: bytes, path: str | Path) -> bool:
    """Whether a block begins with the mark; raise DamagedFile if it nearly does."""
    mark = block[: len(_MARK)]
    flipped = (int.from_bytes(mark) ^ int.from_bytes(_MARK)).bit_count()
    if 0 < flipped <= _NEARLY:
        raise DamagedFile(path, "the mark of its digest is not what was written")
    return not flipped
