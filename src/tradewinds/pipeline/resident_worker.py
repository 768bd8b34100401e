"""Resident workers: processes of a run that do its fetch jobs one after the other, so that a job starts no interpreter.

`python -m tradewinds.pipeline.resident_worker SOCKET FOLDER COUNT SCRIPT…` is the parent. It imports the scripts once, starts
COUNT workers as copies of itself, and replaces one that dies. All workers take jobs from one listening socket, which the
process that started the parent has opened (worker_pool.py); scripts/job.py sends the jobs. Standard input is a pipe from that
process: at its end all workers end, one that is at work once its job is done.

A worker does a job as the script's own process would: in the folder, the environment and with the arguments of the job, with
its log, its lock, its failure record and its exit code. What stays between two jobs are imported modules, connections to
services that are kept open, and what functions remember of files that have not changed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from tradewinds.core import signals
from tradewinds.core.errors import INTERRUPTED
from tradewinds.pipeline import jobs
from tradewinds.sources import client

MOST_REPLACED = 100  # workers that die one after the other have a cause that a new one does not mend
_PIECE = 2**16  # bytes that are read at a time

_heard: list[int] = []  # signals that this process was not started to ignore

Scripts = dict[str, Callable[[], None]]
"""The main functions of scripts by their paths."""


class Job(NamedTuple):
    """A job as scripts/job.py sends it.

    Attributes:
        folder: its working directory.
        script: path of its script.
        arguments: of its command line.
        environment: its environment variables.
    """

    folder: str
    script: str
    arguments: list[str]
    environment: dict[str, str]


def main(arguments: Sequence[str]) -> int:
    """Start the workers and keep their number until standard input ends.

    Args:
        arguments: the file descriptor of the listening socket, the folder that it lies in, the number of workers, and the paths
            of the scripts.

    Returns:
        The exit code.
    """
    handle, folder, count, *paths = arguments
    ended = _quiet_stop_signals()
    listener = socket.socket(fileno=int(handle))
    scripts = {path: _main_of(Path(path)) for path in paths}
    jobs.tune_garbage_collector()
    client.keep_connections()
    workers: set[int] = set()
    replaced = -int(count)
    while True:
        # as many as there were, unless they die all the time
        while len(workers) < int(count) and replaced < MOST_REPLACED:
            replaced += 1
            worker = os.fork()
            if not worker:
                signal.set_wakeup_fd(-1)
                return _take_jobs(listener, scripts)
            workers.add(worker)
        ready, _, _ = select.select([sys.stdin, ended], [], [])
        if ended in ready:
            os.read(ended, 512)
            workers -= _reaped()
        if sys.stdin in ready or (not workers and replaced == MOST_REPLACED):
            break
    # A job that waits in the queue of the socket finds it closed, and runs without a worker.
    listener.close()
    for worker in workers:
        os.waitpid(worker, 0)
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _quiet_stop_signals() -> int:
    """Let stop signals do nothing to this process, and return the read end of a pipe that tells of them and of ended workers.

    Ctrl-C reaches all processes of a terminal. A worker is stopped in a job (`jobs.run_job`), not between two jobs.
    """
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in (*signals.STOP_SIGNALS, signal.SIGCHLD):
        if signal.getsignal(number) != signal.SIG_IGN:  # as `nohup` asks for: jobs leave it like that
            signal.signal(number, _ignore)
            _heard.append(number)
    return read


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing about a signal; other than SIG_IGN it is not taken for the wish of the user."""


def _reaped() -> set[int]:
    """Return the ids of workers that have ended since the last call."""
    ended = set()
    with contextlib.suppress(ChildProcessError):
        while worker := os.waitpid(-1, os.WNOHANG)[0]:
            ended.add(worker)
    return ended


def _main_of(path: Path) -> Callable[[], None]:
    """Import a script and return its main function."""
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[], None] = module.main
    return found


def _take_jobs(listener: socket.socket, scripts: Scripts) -> int:
    """Do the jobs that come, until standard input ends.

    Args:
        listener: the listening socket, which all workers share.
        scripts: what can be done.

    Returns:
        The exit code of the worker.
    """
    listener.setblocking(False)
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            return 0
        try:
            connection, _ = listener.accept()
        except BlockingIOError:  # another worker has it
            continue
        with connection:
            connection.setblocking(True)
            # The other end may be gone at any moment: the job then has no reader, and is done all the same.
            with contextlib.suppress(ConnectionError):
                _serve(connection, scripts)


def _serve(connection: socket.socket, scripts: Scripts) -> None:
    """Do the job of a connection and answer with its exit code and what it printed to standard error.

    A job that is not complete, or of a script that the worker does not have, gets no answer: it then runs without a worker.
    """
    job = _received(connection)
    if job is None or job.script not in scripts:
        return
    connection.sendall(b"%d\n" % os.getpid())
    code, said = _done(job, scripts[job.script])
    connection.sendall(b"%d %d\n" % (code, len(said)) + said)


def _received(connection: socket.socket) -> Job | None:
    """Read a job; None if it does not come whole."""
    head, _, body = connection.recv(_PIECE).partition(b"\n")
    if not head.isdigit():
        return None
    while len(body) < int(head):
        piece = connection.recv(_PIECE)
        if not piece:
            return None
        body += piece
    folder, script, count, *rest = (os.fsdecode(part) for part in body.split(b"\0")[:-1])
    pairs = (variable.partition("=") for variable in rest[int(count) :])
    return Job(folder, script, rest[: int(count)], {name: value for name, _, value in pairs})


def _done(job: Job, main_function: Callable[[], None]) -> tuple[int, bytes]:
    """Do a job, and return its exit code and what it printed to standard error.

    An error that `jobs.run_job` does not turn into an exit code ends the worker. The job then runs as its own process, which
    ends with the same error and says so.
    """
    os.chdir(job.folder)
    if dict(os.environ) != job.environment:
        os.environ.clear()
        os.environ.update(job.environment)
        tempfile.tempdir = None  # found anew, where TMPDIR says
    sys.argv = [job.script, *job.arguments]
    said = io.StringIO()
    code = 0
    try:
        with contextlib.redirect_stderr(said):
            main_function()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if code and end.code != code:  # a text in the place of a code: Python prints it
            print(end.code, file=said)
    except KeyboardInterrupt:  # a second signal, while the job said that it was stopped
        code = INTERRUPTED
    for number in _heard:
        signal.signal(number, _ignore)
    jobs.leave_job()
    return code, said.getvalue().encode("utf-8", "backslashreplace")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
