"""What is not the user's fault: full and read-only disks, damaged files, names that do not resolve. One paragraph each."""

import contextlib
import datetime as dt
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from tests import warm
from tests.workflow.harness import Desk, candle_requests, candles_of

FILLER = "filler"
THREE_DAYS = {"date_start_local": "2025-05-02", "date_end_local": "2025-05-04"}


@pytest.fixture
def desk(finished, server, tmp_path):
    """Three days whose data is there, not yet simulated."""
    shutil.copytree(finished.folder / "data", tmp_path / "data")
    for path in tmp_path.glob("data/candles/kalshi/*/*/*"):
        if path.name > "2025-05-05":
            path.unlink()
    return Desk(tmp_path, server, **THREE_DAYS)


def said(done, code, *words):
    """The one paragraph of a failure."""
    text = " ".join(done.stderr.split())
    assert done.returncode == code, text
    assert "Traceback" not in done.stderr and all(word in text for word in words), text


def check(desk, *flags):
    command = desk.command("check", "--config", "config.yaml", *flags)
    return warm.run(command, cwd=desk.folder, env=desk.environment(), capture_output=True, text=True, check=False)


def at(desk, clock, *command):
    """Run a command, with all its jobs, while the machine's clock shows another time (and goes on from there)."""
    start = "import os, time_machine\ntime_machine.travel(os.environ['SHOWN_TIME'], tick=True).start()\n"
    (desk.folder / "clock").mkdir(exist_ok=True)
    (desk.folder / "clock" / "sitecustomize.py").write_text(start)
    environment = {**desk.environment(), "SHOWN_TIME": clock}
    environment["PYTHONPATH"] = f"{desk.folder / 'clock'}{os.pathsep}{environment['PYTHONPATH']}"
    shown = desk.command(*command)
    return warm.run(shown, cwd=desk.folder, env=environment, capture_output=True, text=True, check=False)


def test_a_clock_that_is_set_back(desk, server):
    """Before the range nothing is asked; while its last event is open nothing half is stored; afterwards all is as it was."""
    before = at(desk, "2025-04-01T12:00Z", "run", "--config", "config.yaml")
    said(before, 2, "date_end_local: 2025-05-04 is in the future", "(2025-04-01)")
    last = desk.candle_files()[-1]
    last.unlink()
    during = at(desk, "2025-05-04T12:00Z", "run", "--config", "config.yaml")
    said(during, 4, "still open (it closes 2025-05-05 04:59Z; it is 2025-05-04 12:", "run again after the close")
    assert not last.exists() and not server.requests
    assert desk.run().returncode == 0
    asked = len(server.requests)
    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    back = at(desk, yesterday.isoformat(), "run", "--config", "config.yaml")
    assert back.returncode == 0 and "nothing to be done" in back.stdout and len(server.requests) == asked


def flip(path, where=0.5):
    data = bytearray(path.read_bytes())
    data[int(len(data) * where)] ^= 0xFF
    path.write_bytes(data)


def test_a_flipped_byte_is_found_named_and_fetched_again_on_request(desk, server):
    before = candles_of(desk)
    assert check(desk).returncode == 0
    flip(desk.candle_files()[1])
    said(check(desk), 5, "1 damaged file")
    found = check(desk, "--delete-damaged")
    assert found.returncode == 0 and "2025-05-03.parquet: the file is damaged" in found.stdout
    assert desk.run().returncode == 0
    assert len(server.requests) == sum(candle_requests(server).values()) == 6, "one event, and nothing else"
    assert candles_of(desk) == before


def test_a_torn_candle_file_stops_the_simulation_and_is_named(desk):
    torn = desk.candle_files()[2]
    torn.write_bytes(torn.read_bytes()[:-100])
    said(desk.run(), 5, "2025-05-04.parquet: the file is damaged", "tradewinds check --delete-damaged")


def test_a_torn_catalog_is_named_whoever_asks(desk):
    (desk.folder / "data/catalog/kalshi/KXHIGHCHI.parquet").write_bytes(b"")
    said(desk.run(), 5, "KXHIGHCHI.parquet: the file is damaged (Parquet file size is 0 bytes)")
    plain = desk.snakemake("-n")
    assert plain.returncode == 1 and "KXHIGHCHI.parquet: the file is damaged" in plain.stdout + plain.stderr


def test_a_host_that_does_not_resolve(tmp_path):
    nowhere = {"base_url": "http://no-such-host.invalid/trade-api/v2", "requests_per_second": 100, "max_retries": 1}
    desk = Desk(tmp_path, None, **THREE_DAYS, kalshi=nowhere, probabilities={"source": "file", "path": "p.csv"})
    (tmp_path / "p.csv").write_text("market_ticker,known_at_utc,p_yes\nKXHIGHCHI-25MAY02-B70.5,2025-05-01,0.5\n")
    said(desk.run(), 4, "no-such-host.invalid", "the host name cannot be resolved", "run the same command again")


@contextlib.contextmanager
def mounted(folder: Path, options: str):
    """A small file system of its own at a folder; needs root."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a small file system: run the tests as root with the right to mount (CAP_SYS_ADMIN)")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextlib.contextmanager
def filled_up(folder, when):
    """Fill the disk of a folder as soon as something holds."""
    over = threading.Event()

    def fill():
        while not when() and not over.wait(0.005):
            pass
        with contextlib.suppress(OSError), open(folder / FILLER, "wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    filling = threading.Thread(target=fill)
    filling.start()
    try:
        yield
    finally:
        over.set()
        filling.join()


def test_a_disk_that_is_too_small_for_the_plan_is_told_before_the_first_request(server, tmp_path):
    desk = Desk(tmp_path, server, **THREE_DAYS)
    with mounted(tmp_path / "data", "size=160k"):
        said(desk.run(), 2, "the disk is too small for the plan", "Make room")
        assert not server.requests
    assert desk.run().returncode == 0


def test_a_disk_that_fills_up_costs_nothing_that_was_finished(server, tmp_path):
    desk = Desk(tmp_path, server, **THREE_DAYS)
    with mounted(tmp_path / "data", "size=20m"):
        # There is room when the run begins, and none from its first request for candles on.
        with filled_up(tmp_path / "data", when=lambda: candle_requests(server)):
            done = desk.run()
        said(done, 4, "cannot be written (No space left on device)", "Make room", "what is finished stays")
        finished = {path.name for path in desk.candle_files()}
        assert len(finished) < 3 and not desk.leftovers()
        (tmp_path / "data" / FILLER).unlink()
        done = desk.run()
        assert done.returncode == 0, done.stderr
    asked = candle_requests(server)
    twice = {path.split("/")[-2].split("-")[1] for path, count in asked.items() if count > 1}
    assert len(twice) == 3 - len(finished), "only what could not be stored was asked for again"


def test_a_folder_that_may_not_be_written(server, tmp_path):
    desk = Desk(tmp_path, server, **THREE_DAYS)
    for place in ("data", "data/candles", "backtests"):
        with mounted(tmp_path / place, "ro,size=64k"):
            done = desk.run()
        said(done, 2, place, "cannot be written")
        assert not server.requests, "nothing was asked for that could not be stored"
    assert desk.run().returncode == 0
