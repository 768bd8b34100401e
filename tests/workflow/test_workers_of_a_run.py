"""When a run has resident workers: for fetch jobs on this machine, never in a dry run or for another executor."""

import shlex

import pytest

from tests.services.small_world import archive
from tests.workflow.harness import Desk
from tradewinds.archive.server import running_server

EVENT = {"series_tickers": ["KXHIGHCHI"], "date_start_local": "2024-12-30", "date_end_local": "2024-12-31"}
# Python imports this module first: each process notes its command line.
NOTES = """
import os, sys
with open(os.environ["STARTED"], "a") as file:
    print(" ".join(sys.orig_argv), file=file)
"""
ELSEWHERE = ["--executor", "cluster-generic", "--cluster-generic-submit-cmd", "false", "--jobs", "4"]


@pytest.fixture
def started(tmp_path, monkeypatch):
    """A function that gives the command lines of the Python processes that were started since its last call."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(NOTES)
    notes = tmp_path / "started.txt"
    monkeypatch.setenv("STARTED", str(notes))
    known = Desk.environment

    def environment(desk):
        found = known(desk)
        return found | {"PYTHONPATH": f"{tmp_path / 'site'}:{found['PYTHONPATH']}"}

    monkeypatch.setattr(Desk, "environment", environment)

    def since():
        lines = [shlex.split(line) for line in notes.read_text().splitlines()]
        notes.unlink()
        return lines

    return since


def count(lines: list[list[str]], what: str) -> int:
    return sum(any(what in word for word in line) for line in lines)


def made(desk: Desk) -> list[str]:
    return sorted(str(path.relative_to(desk.folder)) for path in desk.folder.glob("data/**/*.parquet"))


def test_workers_do_the_fetch_jobs_of_this_machine_and_no_others(started, tmp_path):
    with running_server(archive(tmp_path / "archive")) as server:
        desk = Desk(tmp_path / "desk", server, **EVENT)
        fetched = ["--until", "fetch_candles", "fetch_guidance", "fetch_climate"]
        # what is only planned or touched, and what runs elsewhere, has none
        assert desk.snakemake("-n").returncode == 0
        assert count(lines := started(), "-m") and not count(lines, "resident_worker")
        elsewhere = Desk(tmp_path / "elsewhere", server, **EVENT)
        done = elsewhere.snakemake(*fetched, *ELSEWHERE)
        assert done.returncode == 0, done.stderr
        lines = started()
        assert not count(lines, "resident_worker") and count(lines, "fetch_candles.py") == 2
        # on this machine the workers do all of them, with the same files
        done = desk.snakemake(*fetched)
        assert done.returncode == 0, done.stderr
        lines = started()
        assert count(lines, "resident_worker") == 1 and not count(
            [line[:4] for line in lines], "scripts/kalshi_weather"
        )
        names = [
            sorted(path.relative_to(each.folder) for path in each.folder.glob("data/**/*.parquet"))
            for each in (desk, elsewhere)
        ]
        assert names[0] == names[1] and len(names[0]) > 4
        assert len(list((desk.folder / "logs/fetch_candles").rglob("*.log"))) == 2
        # nothing to fetch: none
        assert desk.run().returncode == 0
        assert not count(started(), "resident_worker")
