"""Run a fetch script with its arguments: in a resident worker of the run, or as a process of its own where there is none.

`python -I -S job.py SCRIPT ARGUMENT…` runs the script of that name in the folder TRADEWINDS_SCRIPTS. With a worker this process
only waits for it (src/tradewinds/pipeline/resident_worker.py), and prints what it says; the exit code is the job's either way.
Without a worker, or if it ends before it has answered, this process becomes the script.

It runs once for each job, so it imports nothing but parts of the interpreter: `socket` and `signal` would double its CPU time.
"""

import _signal
import _socket
import os
import sys

INTERRUPTED = 130
STOP_SIGNALS = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP)


class Worker:
    """The worker that does the job; it gets the stop signals of this process, too."""

    def __init__(self) -> None:
        self.process = 0  # its id, once it has the job
        self.stopped = False

    def pass_on(self, number, frame):
        """Hand a stop signal to the worker; without one the job has not begun."""
        self.stopped = True
        if not self.process:
            os._exit(INTERRUPTED)
        try:  # noqa: SIM105 (contextlib is slow to import)
            os.kill(self.process, number)
        except ProcessLookupError:  # it has ended meanwhile
            pass

    def answer(self, request: bytes):
        """Send a job to a worker and wait for its end.

        Args:
            request: the job, as `request` makes it.

        Returns:
            (exit code, what it printed to standard error); None if there is no worker, or it has ended before it answered.
        """
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            connection.connect(os.environ["TRADEWINDS_WORKERS"])
            connection.send(b"%d\n" % len(request))
            left = memoryview(request)
            while left:
                left = left[connection.send(left) :]
            # The worker's id, a line; then nothing until the job is done.
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
                if not self.process and b"\n" in answer:
                    self.process = int(answer.split(b"\n")[0])
        except OSError:
            return None
        lines = answer.split(b"\n", 2)
        if len(lines) < 3:
            return None
        code, size = lines[1].split()
        return (int(code), lines[2]) if len(lines[2]) == int(size) else None


def request(script: str, arguments: list) -> bytes:
    """A job as bytes: folder, script, number of arguments, the arguments and the environment, with a zero after each."""
    parts = [os.getcwd(), script, str(len(arguments)), *arguments]  # noqa: PTH109 (pathlib is slow to import)
    environment = [name + b"=" + value for name, value in os.environb.items()]
    return b"".join(part + b"\0" for part in [*map(os.fsencode, parts), *environment])


def main() -> None:
    """Have the job done, and end as it ends."""
    script = os.path.join(os.environ["TRADEWINDS_SCRIPTS"], sys.argv[1] + ".py")  # noqa: PTH118
    if "TRADEWINDS_WORKERS" in os.environ:
        worker = Worker()
        for number in STOP_SIGNALS:
            if _signal.getsignal(number) != _signal.SIG_IGN:
                _signal.signal(number, worker.pass_on)
        answer = worker.answer(request(script, sys.argv[2:]))
        if answer:
            os.write(2, answer[1])
            os._exit(answer[0])
        if worker.stopped:
            os._exit(INTERRUPTED)
    os.execv(sys.executable, [sys.executable, script, *sys.argv[2:]])


if __name__ == "__main__":
    main()
