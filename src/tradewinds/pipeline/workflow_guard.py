"""Guard a workflow: the process between `tradewinds run` and Snakemake, because of which no job outlives the run.

`python workflow_guard.py LOCK COMMAND…` starts the command and ends with its exit code. LOCK is the open file that locks
the working folder: it stays locked as long as the guard works, whatever becomes of the run. Standard input is a pipe from
the run. Each byte in it asks for the next step of stopping; its end says that the run is gone, by kill -9 for example.

The steps of stopping, each STOP_SECONDS after the one before, or when it is asked for:
1. SIGTERM to Snakemake alone: it starts no new job and lets those under way finish, so that no work is lost.
2. SIGINT to Snakemake and its jobs, at which Snakemake also cancels its jobs in a cluster.
3. SIGKILL to all of them.
After step 2 the guard, too, cancels the run's jobs in a Slurm cluster: Snakemake forgets those that it is just submitting and
those whose state it is just asking for.

Runs without the package, so that it starts at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import psutil

STOP_SECONDS = 10.0
ASKED_TO_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_KILLED = 128  # a shell's exit code of a process that a signal ended is this and the signal's number
# Of Linux's prctl: a process gets a signal when its parent dies; orphans below a process become its children.
_PARENT_DEATH_SIGNAL, _CHILD_SUBREAPER = 1, 36
_EXIT_SECONDS = 0.1  # between two looks at what is left of killed jobs, which send no signal where there is no prctl
_SLURM_RUN = re.compile(rb"SLURM run ID: (\S+)")  # what Snakemake says is the name of all jobs that it submits
_SLURM_SECONDS = 60.0  # in which a busy cluster should take a cancellation


class _Guard:
    """A command and all processes below it.

    Args:
        command: the command line.
        lock: file descriptor of the folder's lock, which the command inherits.
    """

    def __init__(self, command: Sequence[str], lock: int) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            pass_fds=[lock],
            process_group=0,
            preexec_fn=lambda: _prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM),  # noqa: PLW1509 (the guard has one thread)
        )
        self.exit_code: int | None = None  # of the command, once it has ended
        self.step, self.next_step_at = 0, 0.0

    def reap(self) -> None:
        """Note how the command ended, and forget the processes below it that have ended."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self.process.pid:
                    code = os.waitstatus_to_exitcode(ended[1])
                    self.exit_code = self.process.returncode = code if code >= 0 else _KILLED - code

    def working(self) -> list[psutil.Process]:
        """The processes below this one that still work."""
        return [process for process in psutil.Process().children(recursive=True) if _works(process)]

    def stop_harder(self) -> None:
        """Take the next step of stopping."""
        self.step = min(self.step + 1, 3)
        self.next_step_at = time.monotonic() + STOP_SECONDS
        if self.step == 1 and self.exit_code is None:
            self.process.send_signal(signal.SIGTERM)
        elif self.step > 1:
            # The group at once, then who has left it: a list of processes may be old when it is gone through.
            number = signal.SIGINT if self.step == 2 else signal.SIGKILL
            group = self.process.pid
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, number)
            for process in self.working():
                with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                    if self.step == 3 or os.getpgid(process.pid) != group:
                        process.send_signal(number)

    def cancel_in_cluster(self) -> None:
        """Cancel all jobs of the run in a Slurm cluster, if it had any; those that have ended stay as they are."""
        size = os.fstat(sys.stdout.fileno()).st_size
        runs = _SLURM_RUN.findall(os.pread(sys.stdout.fileno(), size, 0)) if self.step >= 2 else []
        for name in sorted({run.decode() for run in runs}):
            try:
                subprocess.run(
                    ["scancel", f"--name={name}"], stdin=subprocess.DEVNULL, timeout=_SLURM_SECONDS, check=True
                )
            except (OSError, subprocess.SubprocessError) as error:
                print(
                    f"jobs of Slurm run {name} may still be in the cluster: {error}; scancel --name={name}", flush=True
                )

    def wait_seconds(self) -> float | None:
        """How long to wait for events; None: until one comes."""
        if not self.step and self.exit_code is None:
            return None
        left = self.next_step_at - time.monotonic()
        return max(0.0, min(left, _EXIT_SECONDS))


def _works(process: psutil.Process) -> bool:
    """Whether a process still runs."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _prctl(option: int, value: int) -> None:
    """Set an attribute of this process; elsewhere than on Linux there is none, and the pipe from the run has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _wake_up_pipe() -> int:
    """Read end of a pipe that gets the number of each stop signal, and of SIGCHLD, as a byte."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in (*ASKED_TO_STOP, signal.SIGCHLD):  # handlers also end the ignoring of signals, for the children too
        signal.signal(number, lambda received, frame: None)
    return read


def main(arguments: Sequence[str]) -> int:
    """Guard a command until it and all processes below it have ended.

    Standard output is the log to which the command writes, open for reading, too.

    Args:
        arguments: the file descriptor of the lock, and the command line.

    Returns:
        The command's exit code; 128 and the number of the signal that ended it.
    """
    _prctl(_CHILD_SUBREAPER, 1)
    signals = _wake_up_pipe()
    guard = _Guard(arguments[1:], int(arguments[0]))
    listened = {signals, sys.stdin.fileno()}
    while True:
        guard.reap()
        # Done: the command has ended, and nothing of it works any more.
        if guard.exit_code is not None and not guard.working():
            guard.cancel_in_cluster()
            return guard.exit_code
        if guard.exit_code is not None and not guard.step:
            guard.step = 1  # it was killed, and cannot end its jobs
            guard.stop_harder()
        # Wait for a signal, a wish of the run or its end, or the time of the next step.
        ready, _, _ = select.select(listened, [], [], guard.wait_seconds())
        wishes = 0
        if signals in ready:
            wishes += any(number in ASKED_TO_STOP for number in os.read(signals, 512))
        if sys.stdin.fileno() in ready:
            asked = os.read(sys.stdin.fileno(), 512)
            wishes += len(asked) if asked else not guard.step
            listened -= set() if asked else {sys.stdin.fileno()}
        wishes += not wishes and guard.step > 0 and time.monotonic() >= guard.next_step_at
        for _ in range(wishes):
            guard.stop_harder()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
