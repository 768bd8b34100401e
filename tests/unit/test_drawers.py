"""A report's pictures are drawn by several processes; whatever becomes of those, each picture is there, and the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tradewinds.results.report.drawers import Drawers, draw_plots, share_out
from tradewinds.results.report.parts import Plot
from tradewinds.results.report.pictures import pictures

PLOTS = [
    Plot(
        name=f"bars_{n}",
        title=f"Bars {n}",
        kind="bars",
        axes=("price", "USD"),
        data={"labels": ["a", "b"], "value": [n, -1.5], "expected": [], "names": ["P&L"]},
    )
    for n in range(5)
]


@pytest.fixture(scope="module")
def drawn_here() -> dict[str, dict[str, bytes]]:
    return {plot.name: pictures(plot) for plot in PLOTS}


def test_several_processes_draw_the_same_pictures(drawn_here):
    found = draw_plots(PLOTS)
    assert list(found) == list(drawn_here)
    assert found == drawn_here


def test_a_process_that_draws_does_not_wait_for_what_reads_tables():
    listing = "import sys, tradewinds.results.report.drawers, tradewinds.results.report.pictures; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-P", "-c", listing], capture_output=True, text=True, check=True).stdout
    assert "matplotlib.figure" in loaded.split()
    assert not {"pyarrow", "duckdb", "pandas"} & set(loaded.split())


def test_pictures_are_drawn_here_when_the_process_has_ended(drawn_here, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    with Drawers() as drawers:
        assert drawers._process
        os.kill(drawers._process.pid, signal.SIGKILL)
        drawers._process.wait()
        assert drawers.draw(PLOTS) == drawn_here


def test_on_one_core_no_process_is_started(drawn_here, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with Drawers() as drawers:
        assert drawers._process is None
        assert drawers.draw(PLOTS) == drawn_here


@pytest.mark.parametrize("processes", [1, 2, 4, 9])
def test_each_plot_is_taken_by_one_process(processes, tmp_path):
    def draw(plot: Plot) -> dict[str, bytes]:
        with open(tmp_path / "taken", "a") as taken:  # a line is appended whole
            taken.write(f"{plot.name}\n")
        return {"svg": plot.title.encode()}

    found = share_out(PLOTS, draw, processes)
    assert found == {plot.name: {"svg": plot.title.encode()} for plot in PLOTS}
    assert sorted((tmp_path / "taken").read_text().split()) == [plot.name for plot in PLOTS]


def test_what_a_lost_process_took_is_missing_and_no_process_is_left(monkeypatch):
    own, fork, forked = os.getpid(), os.fork, []

    def noted_fork() -> int:
        forked.append(fork())
        return forked[-1]

    monkeypatch.setattr(os, "fork", noted_fork)

    def draw(plot: Plot) -> dict[str, bytes]:
        if os.getpid() != own:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"svg": b""}

    found = share_out(PLOTS, draw, 3)
    assert len(PLOTS) - 2 <= len(found) <= len(PLOTS)
    assert len(forked) == 2
    for child in forked:
        with pytest.raises(ChildProcessError):  # it has been waited for
            os.waitpid(child, os.WNOHANG)
