"""A second process that draws pictures, so that a report's plots take half as long on two cores.

The process imports matplotlib while the run is still being replayed. It gets plots on its standard input, answers with their
pictures on its standard output, and ends when its input ends: with the process that started it, however that ends. If it ends
too early, the pictures that it owes are drawn here.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from typing import BinaryIO

from tradewinds.results.report.parts import Plot

Pictures = dict[str, bytes]  # a plot's picture by format
FEWEST_PLOTS = 3  # for fewer it is not worth while to start a process


class SecondDrawer:
    """The second process; it is started when the block begins, and has ended when the block has."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> SecondDrawer:
        """Start the process; on a machine with one core there is none."""
        if (os.cpu_count() or 1) > 1:
            command = [sys.executable, "-P", "-m", "tradewinds.results.report.second_drawer"]
            pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere)
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        if self._process:
            self._process.kill()
            with self._process:  # closes the pipes and waits
                pass

    def draw(self, plots: Sequence[Plot]) -> dict[str, Pictures]:
        """Draw plots in both processes.

        Args:
            plots: with different names.

        Returns:
            The pictures of each plot by its name, in the order of the plots.
        """
        waiting, found = deque(plots), dict[str, Pictures]()
        other = threading.Thread(target=self._draw_there, args=(waiting, found), daemon=True)
        other.start()  # it draws while this process imports matplotlib
        from tradewinds.results.report.pictures import pictures

        # The other process takes plots from the end, this one from the front.
        while waiting:
            with contextlib.suppress(IndexError):  # the other was faster
                plot = waiting.popleft()
                found[plot.name] = pictures(plot)
        other.join()
        # What the other process took and did not draw.
        return {plot.name: found.get(plot.name) or pictures(plot) for plot in plots}

    def _draw_there(self, waiting: deque[Plot], found: dict[str, Pictures]) -> None:
        """Let the other process draw plots until none waits or it has ended."""
        if not self._process:
            return
        assert self._process.stdin and self._process.stdout
        with contextlib.suppress(IndexError, EOFError, OSError, pickle.UnpicklingError):
            while True:
                plot = waiting.pop()
                pickle.dump(plot, self._process.stdin)
                self._process.stdin.flush()
                found[plot.name] = pickle.load(self._process.stdout)


def draw_plots(plots: Sequence[Plot], drawer: SecondDrawer | None = None) -> dict[str, Pictures]:
    """Draw plots, in two processes if there are enough of them.

    Args:
        plots: with different names.
        drawer: a second process that has been started; None: one is started for these plots.

    Returns:
        The pictures of each plot by its name, in the order of the plots.
    """
    if drawer:
        return drawer.draw(plots)
    if len(plots) < FEWEST_PLOTS:
        from tradewinds.results.report.pictures import pictures

        return {plot.name: pictures(plot) for plot in plots}
    with SecondDrawer() as started:
        return started.draw(plots)


def _serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Draw the plots that come, until no more come."""
    from tradewinds.results.report.pictures import pictures

    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            pickle.dump(pictures(pickle.load(asked)), answers)
            answers.flush()


if __name__ == "__main__":
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C goes to all processes of a terminal; this one's input ends then
    _serve(sys.stdin.buffer, sys.stdout.buffer)
