"""Other processes that draw a report's pictures, so that they take less time on several cores.

The first of them is started while the run is still being replayed, and imports matplotlib meanwhile: this process never does.
When it gets plots on its standard input, it forks one more process for each further core, answers with all pictures on its
standard output, and ends when its input ends: with the process that started it, however that ends. If it ends too early, the
pictures that it owes are drawn here.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

from tradewinds.results.report.parts import Plot

Pictures = dict[str, bytes]  # a plot's picture by format
Draw = Callable[[Plot], Pictures]
FEWEST_PLOTS = 3  # for fewer it is not worth while to start a process
MOST_PROCESSES = 4
_INDEX_BYTES = 4


class Drawers:
    """The processes that draw; the first is started when the block begins, and all have ended when the block has."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Drawers:
        """Start the first process; on a machine with one core there is none."""
        if (os.cpu_count() or 1) > 1:
            command = [sys.executable, "-P", "-m", "tradewinds.results.report.drawers"]
            pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
            # numpy's threads would be started in vain.
            few = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, env=few)
        return self

    def __exit__(self, *_: object) -> None:
        """End the process; those that it forked end with their picture."""
        if self._process:
            self._process.kill()
            # Closes the pipes and waits; what a lost process has not read cannot be written any more.
            with contextlib.suppress(BrokenPipeError), self._process:
                pass

    def draw(self, plots: Sequence[Plot]) -> dict[str, Pictures]:
        """Draw plots.

        Args:
            plots: with different names.

        Returns:
            The pictures of each plot by its name, in the order of the plots.
        """
        found = self._drawn_there(plots)
        return {plot.name: found.get(plot.name) or _draw_here(plot) for plot in plots}

    def _drawn_there(self, plots: Sequence[Plot]) -> dict[str, Pictures]:
        """The pictures that the other processes draw, by the plot's name; all, unless one of them ended too early."""
        if not self._process:
            return {}
        assert self._process.stdin and self._process.stdout
        with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError):
            pickle.dump(list(plots), self._process.stdin)
            self._process.stdin.flush()
            found: dict[str, Pictures] = pickle.load(self._process.stdout)
            return found
        return {}


def draw_plots(plots: Sequence[Plot], drawers: Drawers | None = None) -> dict[str, Pictures]:
    """Draw plots, in several processes if there are enough of them.

    Args:
        plots: with different names.
        drawers: processes that have been started; None: they are started for these plots.

    Returns:
        The pictures of each plot by its name, in the order of the plots.
    """
    if drawers:
        return drawers.draw(plots)
    if len(plots) < FEWEST_PLOTS:
        return {plot.name: _draw_here(plot) for plot in plots}
    with Drawers() as started:
        return started.draw(plots)


def _draw_here(plot: Plot) -> Pictures:
    """Draw a plot in this process."""
    from tradewinds.results.report.pictures import pictures

    return pictures(plot)


def _serve(asked: IO[bytes], answers: IO[bytes]) -> None:
    """Draw the plots that come, until no more come."""
    from tradewinds.results.report.pictures import pictures

    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            pickle.dump(share_out(pickle.load(asked), pictures, min(os.cpu_count() or 1, MOST_PROCESSES)), answers)
            answers.flush()


def share_out(plots: Sequence[Plot], draw: Draw, processes: int) -> dict[str, Pictures]:
    """Draw plots in this process and in others that it forks; each takes the next plot when it has drawn one.

    Args:
        plots: with different names.
        draw: draws a plot.
        processes: how many draw, this one included.

    Returns:
        The pictures by the plot's name. Those that a forked process took and did not draw are missing.
    """
    # A pipe that holds the indexes of all plots is the queue: a read takes one of them.
    queue, into = os.pipe()
    os.write(into, b"".join(index.to_bytes(_INDEX_BYTES, "little") for index in range(len(plots))))
    os.close(into)
    with contextlib.ExitStack() as files:
        others = [_forked(lambda: _taken(queue, plots, draw), files) for _ in range(min(processes, len(plots)) - 1)]
        found = dict(_taken(queue, plots, draw))
        os.close(queue)
        for child, written in others:
            os.waitpid(child, 0)
            written.seek(0)
            with contextlib.suppress(EOFError, pickle.UnpicklingError):
                while True:
                    found.update([pickle.load(written)])
    return found


def _taken(queue: int, plots: Sequence[Plot], draw: Draw) -> Iterator[tuple[str, Pictures]]:
    """Draw the plots whose indexes this process gets from the queue."""
    while index := os.read(queue, _INDEX_BYTES):
        plot = plots[int.from_bytes(index, "little")]
        yield plot.name, draw(plot)


def _forked(pictures: Callable[[], Iterator[Any]], files: contextlib.ExitStack) -> tuple[int, IO[bytes]]:
    """Fork a process that writes pictures to a file; its id and the file, complete once the process has ended."""
    written = files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (the caller's block closes it)
    parent = os.getpid()
    child = os.fork()
    if not child:
        try:  # it leaves by os._exit alone, because all that is open belongs to the other process
            for picture in pictures():
                pickle.dump(picture, written)
                if os.getppid() != parent:
                    break  # the pictures are not wanted any more
            written.flush()
        finally:
            os._exit(0)
    return child, written


if __name__ == "__main__":
    # Ctrl-C goes to all processes of a terminal; this one's input ends then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serve(sys.stdin.buffer, sys.stdout.buffer)
