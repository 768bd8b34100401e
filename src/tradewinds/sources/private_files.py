"""A folder that all jobs of a user share, and that no other user of this machine can prepare, read or change.

Its name is known to all, since jobs must find it without being told. So what lies at that name is not believed: a link, a
folder of another user or one that others may write to is refused, and no file in it is opened through a link.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import IO

from tradewinds.core.errors import ConfigError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO  # what members of the group and others may do


def private_folder() -> Path:
    """The folder of this user: in XDG_RUNTIME_DIR, if that is the user's own; else in the temporary folder."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "-")
    if runtime.is_absolute() and runtime.is_dir() and _problem(runtime) is None:
        return make_private(runtime / "tradewinds")
    return make_private(Path(tempfile.gettempdir(), f"tradewinds-rates-{os.getuid()}"))


def make_private(folder: Path) -> Path:
    """Make a folder that only this user can enter, and return it; one that is there must be like that.

    Args:
        folder: below another private folder, or in a temporary folder.

    Raises:
        ConfigError: it cannot be made, or what is there is a link or is open to others.
    """
    remedy = "Remove it, or let XDG_RUNTIME_DIR or TMPDIR name a folder of your own."
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        problem = _problem(folder)
    except OSError as error:
        raise ConfigError(f"cannot be made ({error.strerror}).", where=str(folder), remedy=remedy) from None
    if problem:
        what = f"{problem}, so the rate that jobs share cannot be kept there."
        raise ConfigError(what, where=str(folder), remedy=remedy)
    return folder


def open_private(path: Path, mode: str) -> IO[str]:
    """Open a file of a private folder, which is made if it is not there; never through a link.

    Args:
        path: the file.
        mode: `a` or `r+`, as for `open`.

    Raises:
        ConfigError: what is there is no plain file of this user's.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.EACCES, errno.EPERM):
            raise
        raise _refusal(path) from None
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or found.st_nlink != 1:
        os.close(handle)
        raise _refusal(path)
    return open(handle, mode, encoding="ascii")


def _refusal(path: Path) -> ConfigError:
    return ConfigError(
        "this is no plain file of your own.", where=str(path), remedy=f"Remove the folder {path.parent}."
    )


def _problem(folder: Path) -> str | None:
    """Why a folder is not this user's alone; None if it is."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        return "it is a link or a file and no folder"
    if found.st_uid != os.getuid():
        return f"it belongs to another user (id {found.st_uid})"
    if stat.S_IMODE(found.st_mode) & _OTHERS:
        return f"it is open to other users (mode {stat.S_IMODE(found.st_mode):o})"
    return None
