"""Which of some files are opened, by whatever library or program: asked of the kernel (inotify, Linux)."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

_OPENED, _OF_A_FOLDER = 0x20, 0x40000000
_NONBLOCKING_CLOEXEC = 0o2004000
_HEAD = struct.Struct("iIII")


class FileOpens:
    """Hears of files that are opened; of none on a system without inotify.

    Args:
        paths: files, and folders whose files are all watched; what does not exist is left out.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._folders: dict[int, str] = {}
        libc = ctypes.CDLL(None)
        self._handle = libc.inotify_init1(_NONBLOCKING_CLOEXEC) if hasattr(libc, "inotify_init1") else -1
        if self._handle < 0:
            return
        for folder in sorted({folder for path in paths for folder in _folders_of(path)}):
            number = libc.inotify_add_watch(self._handle, os.fsencode(folder), _OPENED)
            if number >= 0:
                self._folders[number] = folder

    def names(self) -> list[str]:
        """Return the paths that were opened since the last call, each once."""
        found: dict[str, None] = {}
        while self._handle >= 0:
            try:
                heard = os.read(self._handle, 1 << 16)
            except BlockingIOError:
                break
            place = 0
            while place < len(heard):
                number, mask, _, length = _HEAD.unpack_from(heard, place)
                place += _HEAD.size
                name = heard[place : place + length].rstrip(b"\0")
                place += length
                if name and not mask & _OF_A_FOLDER and number in self._folders:
                    found[f"{self._folders[number]}/{os.fsdecode(name)}"] = None
        return list(found)

    def close(self) -> None:
        """Hear no more."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _folders_of(path: str) -> list[str]:
    """The folders to watch for a path: that of a file, and a folder with all below it."""
    if Path(path).is_dir():
        return [folder for folder, _, _ in os.walk(path)]
    parent = Path(path).parent
    return [str(parent)] if parent.is_dir() else []
