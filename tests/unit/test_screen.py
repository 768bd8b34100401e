"""Where a run speaks: bars where they can move, plain lines with rate and time left elsewhere, a log file, colours, silence."""

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from tests.workflow.harness import ROOT
from tradewinds.core.environment import MESSAGES
from tradewinds.core.errors import ConfigError
from tradewinds.pipeline import jobs, progress
from tradewinds.pipeline.screen import Screen

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ "


def screen(terminal=False, **how):
    return Screen(Console(file=io.StringIO(), force_terminal=terminal, width=100, quiet=how.get("quiet", False)), **how)


def shown(on):
    return on.console.file.getvalue()


def test_bars_are_for_terminals_that_can_move_them(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    assert screen(terminal=True).has_bars
    assert not screen(terminal=True, quiet=True).has_bars and not screen().has_bars
    monkeypatch.setenv("TERM", "dumb")
    assert not screen(terminal=True).has_bars


def test_details_are_for_the_verbose_and_for_the_log(tmp_path):
    for how, wanted in (({}, "said\n"), ({"verbose": True}, "said\ndetail [x]\n"), ({"quiet": True}, "")):
        log = tmp_path / "deep" / f"{len(wanted)}.log"
        on = screen(log_file=log, **how)
        on.print("said")
        on.detail("detail [x]")
        on.record("two\nlines")
        assert shown(on) == wanted
        assert re.fullmatch(f"{STAMP}said\n{STAMP}detail \\[x\\]\n{STAMP}two\n{STAMP}lines\n", log.read_text())
    screen(log_file=log).print("again")
    assert log.read_text().count("\n") == 5, "a log is appended to"


def test_what_contradicts_itself_or_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="contradict"):
        screen(quiet=True, verbose=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        screen(log_file=tmp_path / "file" / "log")


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves."""
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_plain_lines_say_rate_and_time_left(tmp_path, clock):
    files = [str(tmp_path / f"{n}.parquet") for n in range(10)]
    on = screen()
    with progress.Watch([("candles", files), ("simulate", [str(tmp_path / "m.json")])], on, tmp_path) as watch:
        watch()
        for n, path in enumerate(files):
            clock[0] += 2
            Path(path).touch()
            watch()
            if n == 3:
                assert shown(on) == "candles: 3 of 10, 0.5/s, 0:00:14 left\n", "a line every five seconds at most"
        assert shown(on).splitlines()[-1] == "candles: 10 of 10"


def test_a_job_says_how_far_it_is(tmp_path, clock, monkeypatch):
    monkeypatch.setenv(MESSAGES, str(tmp_path))
    made, on, log = tmp_path / "out" / "metrics.json", screen(verbose=True), tmp_path / "snakemake.log"
    tell = jobs.progress_writer("simulate")
    assert jobs.read_progress(tmp_path, "simulate") is None
    with progress.Watch([("simulate", [str(made)])], on, tmp_path, log) as watch:
        watch()
        for done in (1000, 2000, 5000):
            clock[0] += 6
            tell(done, 20_000)
            tell(done + 1, 20_000)
            assert jobs.read_progress(tmp_path, "simulate") == (done, 20_000), "some times a second at most"
            watch()
        log.write_bytes(b"first\nsec")
        watch()
        log.write_bytes(b"first\nsecond\n")
        made.parent.mkdir()
        made.touch()
        watch()
    lines = shown(on).splitlines()
    assert lines[0] == "simulate: 1,000 of 20,000, 167/s, 0:01:54 left"
    assert lines[2:] == [
        "simulate: 5,000 of 20,000, 278/s, 0:00:54 left",
        "first",
        "second",
        "simulate: 20,000 of 20,000",
    ]
    assert not jobs.failures(tmp_path), "words are no failures"
    monkeypatch.delenv(MESSAGES)
    jobs.progress_writer("load")(1, 2)
    assert jobs.read_progress(tmp_path, "load") is None, "nobody listens to a job of plain Snakemake"


def test_a_failure_is_told_while_other_jobs_go_on(tmp_path, clock, monkeypatch, capsys):
    """Once, and only if the run does not end soon after it: its end says it again."""
    monkeypatch.setenv(MESSAGES, str(tmp_path))
    on = screen()
    with progress.Watch([("weather", [str(tmp_path / "w.parquet")])], on, tmp_path) as watch:
        watch()
        with pytest.raises(SystemExit):
            jobs._fail("sync_catalog", "KXHIGHMIA: the host name cannot be resolved.", 4, "data/catalog.parquet")
        capsys.readouterr()  # the job's own line
        watch()
        clock[0] += progress.FAILED_SECONDS - 1
        watch()
        assert capsys.readouterr().err == ""
        for _ in range(2):
            clock[0] += 1
            watch()
    told = "failed, while other jobs go on: KXHIGHMIA: the host name cannot be resolved.\n"
    assert capsys.readouterr().err == told


def test_bars_show_rate_and_time_left(tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(MESSAGES, str(tmp_path))
    on = screen(terminal=True)
    with progress.Watch([("load", [str(tmp_path / "receipt")])], on, tmp_path) as watch:
        watch()
        jobs.progress_writer("load")(250, 1000)
        watch()
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown(on)).splitlines()[-1]
    assert re.match(r"load +━+\S* *250/1000 +[\d,.]+/s \d:\d\d:\d\d (\d|-):", last), last


def on_a_terminal(tmp_path, **environment):
    """What `tradewinds strategies` writes to a terminal."""
    ours, theirs = pty.openpty()
    unset = {"NO_COLOR", "FORCE_COLOR"}
    known = {name: value for name, value in os.environ.items() if name not in unset}
    environment = known | {"PYTHONPATH": str(ROOT / "src"), "TERM": "xterm-256color"} | environment
    command = [sys.executable, "-m", "tradewinds.cli", "strategies"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=theirs, stdin=theirs, stderr=theirs)
    os.close(theirs)
    text = b""
    with open(ours, "rb", buffering=0) as terminal:
        try:
            while piece := terminal.read(4096):
                text += piece
        except OSError:  # Linux: the other end is closed
            pass
    assert process.wait() == 0
    return text.decode()


@pytest.mark.slow
def test_colours_are_for_terminals_that_want_them(tmp_path):
    coloured, plain = on_a_terminal(tmp_path), on_a_terminal(tmp_path, NO_COLOR="1")
    assert "ev_threshold" in coloured and "\x1b[32m" in coloured
    assert "ev_threshold" in plain and not re.search(r"\x1b\[[0-9;]*3\dm", plain)


def test_a_log_that_is_deleted_between_two_looks_is_no_error(tmp_path, monkeypatch):
    log, told = tmp_path / "load.log", []
    tail = progress._Tail(log, told.append, since=None)
    tail.show()
    with monkeypatch.context() as patched:  # it was there a moment ago
        patched.setattr(Path, "exists", lambda path: True)
        tail.show()
    with monkeypatch.context() as patched:
        patched.setattr(progress, "_changed", lambda path: 1)
        tail.show()
    log.write_text("begun anew\n")
    tail.show()
    assert told == ["begun anew"]
