"""How the compiled reader of candle files decompresses pages: by zstd's own library, or by pyarrow's copy of it."""

from __future__ import annotations

import contextlib
import ctypes
import functools
from collections.abc import Iterator
from typing import Any

_LIBRARIES = ("libzstd.so.1", "libzstd.1.dylib")  # the first is part of nearly every Linux system
_CALLED = ctypes.CFUNCTYPE(
    ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t
)
_DAMAGED = (1 << 64) - 1  # instead of a number of bytes


@contextlib.contextmanager
def decompression() -> Iterator[tuple[Any, ctypes.c_void_p]]:
    """Give a function that decompresses as `Decompress` of parquet.c, and its context, for one thread.

    zstd's library is called without Python, and one context serves all pages. pyarrow has the same library inside, but calls it
    only from Python and makes a context for every page: a machine without the library reads in twice the time.
    """
    library = zstd_library()
    if library is None:
        yield _by_pyarrow(), ctypes.c_void_p(None)
        return
    context = ctypes.c_void_p(library.ZSTD_createDCtx())
    if not context:
        raise MemoryError("no memory for the context of zstd")
    try:
        yield library.ZSTD_decompressDCtx, context
    finally:
        library.ZSTD_freeDCtx(context)


@functools.cache
def zstd_library() -> ctypes.CDLL | None:
    """Return zstd's library; None where the machine has none."""
    for name in _LIBRARIES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        library.ZSTD_createDCtx.restype = ctypes.c_void_p
        return library
    return None


@functools.cache
def _by_pyarrow() -> Any:
    """Return a function of C that asks pyarrow."""
    import pyarrow as pa  # here: with zstd's library nothing of candle files needs it

    codec = pa.Codec("zstd")

    def decompress(_context: int | None, out: int, room: int, data: int, size: int) -> int:
        try:
            page: bytes = codec.decompress(ctypes.string_at(data, size), decompressed_size=room, asbytes=True)
        except (OSError, pa.ArrowException):
            return _DAMAGED
        ctypes.memmove(out, page, len(page))
        return len(page)

    return _CALLED(decompress)
