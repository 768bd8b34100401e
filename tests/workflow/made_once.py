"""Folders that all workers of a test session share: the first that asks for one makes it, and each works on its own copy."""

import fcntl
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workflow.harness import Desk
from tradewinds.archive.server import ArchiveServer


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make` has filled, in this worker or another. Not to be changed: copy it."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, whole = shared / f"made_{name}", shared / f"made_{name}.whole"
    with open(shared / f"made_{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # closing it, also by the end of the process, gives it back
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed
            folder.mkdir()
            make(folder)
            whole.touch()
    return folder


def run_once(factory: pytest.TempPathFactory, name: str, running: ArchiveServer, **changes: str) -> Desk:
    """A copy of a desk whose run is done; what it said is its `first_output`, and its server has seen what it asked for."""

    def make(folder: Path) -> None:
        desk = Desk(folder / "desk", running, **changes)
        done = desk.run()
        assert done.returncode == 0, done.stdout + done.stderr
        (folder / "story.pickle").write_bytes(pickle.dumps((done.stdout, running.requests)))

    made = made_once(factory, name, make)
    copy = factory.mktemp(name) / "desk"
    shutil.copytree(made / "desk", copy)
    desk = Desk(copy, running, **changes)
    desk.first_output, running.requests[:] = pickle.loads((made / "story.pickle").read_bytes())
    return desk
