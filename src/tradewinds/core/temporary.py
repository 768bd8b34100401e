"""Temporary folders that do not outlive their process for long: what a killed one left goes when the next one is made."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def temporary_folder(prefix: str, parent: str | Path | None = None) -> Iterator[Path]:
    """Give the block a new folder that only this user can read, and remove it afterwards.

    Folders of this user and prefix whose processes are gone are removed first: a process that is killed with -9 removes
    nothing, and what it left may be a config with a password, or copies of much data. The folder's name has the process's
    id, and its process holds a lock of the folder, which the kernel frees when that ends, however it ends.

    Args:
        prefix: of the folder's name.
        parent: where the folder lies; None for the system's folder of temporary files.
    """
    place = Path(parent or tempfile.gettempdir())
    remove_abandoned(prefix, place)
    with tempfile.TemporaryDirectory(prefix=f"{prefix}{os.getpid()}-", dir=place, ignore_cleanup_errors=True) as name:
        handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield Path(name)
        finally:
            os.close(handle)


def remove_abandoned(prefix: str, place: Path) -> None:
    """Remove the folders that `temporary_folder` made in a place and whose processes are gone.

    Args:
        prefix: of their names.
        place: where they lie.
    """
    for name in os.listdir(place):  # noqa: PTH208 (quicker than glob in a folder that can have many others)
        owner = re.fullmatch(r"(\d+)-\w+", name.removeprefix(prefix)) if name.startswith(prefix) else None
        if owner and not _is_running(int(owner[1])):
            # what another user owns, or a process in another container still holds, stays
            with contextlib.suppress(OSError), _locked(place / name):
                shutil.rmtree(place / name, ignore_errors=True)


def _is_running(process: int) -> bool:
    """Whether there is a process with an id."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder of this user; raises OSError if it is not this user's, or another process holds it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(handle).st_uid != os.getuid():
            raise PermissionError(folder)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)
