"""What was fetched is never fetched again, whatever happens to the code, the catalog or the process."""

import contextlib
import shutil
import subprocess
import sys
import threading

import pyarrow.parquet as pq
import pytest

from tests.workflow.harness import (
    PATIENCE_SECONDS,
    ROOT,
    TEN_DAYS,
    Desk,
    but_for_candles,
    candle_requests,
    candles_of,
    no_client,
    wait_until,
)
from tradewinds.core.files import read_meta, write_parquet

EVENTS = 10


@pytest.fixture
def hold(server):
    """Let candle requests wait, from when a condition holds until the returned event is set."""
    free = threading.Event()

    def from_when(condition):
        def wait(handler, path):
            if path.endswith("/candlesticks") and condition():
                free.wait(PATIENCE_SECONDS)
            return False

        server.middleware = wait
        return free

    server.http.handle_error = lambda *arguments: None  # clients go away
    yield from_when
    free.set()


def patient(server, rate):
    """A client that waits for an answer as long as a test holds it back: it must not ask a second time."""
    return {"base_url": server.urls["kalshi"], "requests_per_second": rate, "timeout_seconds": 600}


def copied(done, folder, *more):
    """The fetched data and results in another folder; with ".snakemake" also Snakemake's own records of them."""
    for name in ("data", "backtests", *more):
        shutil.copytree(done.folder / name, folder / name)
    return folder


@pytest.fixture
def checkout(tmp_path):
    """A fresh copy of the repository's files and of the compiled loops, younger than any data."""
    target = tmp_path / "checkout"
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in [
        *files.stdout.splitlines(),
        *(str(path.relative_to(ROOT)) for path in ROOT.glob("src/tradewinds/engine/*/*.so")),
    ]:
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    return target


def test_a_fresh_checkout_fetches_nothing(ten_days, server, checkout, tmp_path):
    desk = Desk(copied(ten_days, tmp_path / "desk"), server, root=checkout, **TEN_DAYS)
    for call in (desk.run, desk.snakemake):
        done = call()
        assert done.returncode == 0, done.stdout + done.stderr
    assert not server.requests


def test_edited_scripts_fetch_nothing(ten_days, server, checkout, tmp_path):
    """A script, what it calls and the rule that names it, in one run: each alone would make candles anew."""
    desk = Desk(copied(ten_days, tmp_path / "desk", ".snakemake"), server, root=checkout, **TEN_DAYS)
    for edited in (
        "scripts/kalshi_weather/fetch_candles.py",
        "src/tradewinds/families/kalshi_weather/fetch/exchange_requests.py",
        "rules/kalshi_weather/candles.smk",
    ):
        with open(checkout / edited, "a") as file:
            file.write("\n# edited\n")
    done = desk.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert not candle_requests(server)


def test_edited_engine_code_replays_and_fetches_nothing(ten_days, server, checkout, tmp_path):
    desk = Desk(copied(ten_days, tmp_path / "desk", ".snakemake"), server, root=checkout, **TEN_DAYS)
    before = (desk.run_folder() / "trades.csv").stat().st_mtime_ns
    with open(checkout / "src/tradewinds/engine/event_contracts/replay.py", "a") as file:
        file.write("\n# edited\n")
    assert desk.run().returncode == 0
    assert (desk.run_folder() / "trades.csv").stat().st_mtime_ns > before
    assert not server.requests


def test_a_catalog_synced_again_fetches_no_candle(ten_days, server, tmp_path):
    desk = Desk(copied(ten_days, tmp_path), server, **TEN_DAYS)
    done = desk.snakemake("--forcerun", "sync_catalog")
    assert done.returncode == 0, done.stderr
    assert [seen.path for seen in server.requests if seen.path.endswith("/markets")]
    assert not candle_requests(server)


@pytest.mark.parametrize("by", ["tradewinds run", "plain snakemake"])
def test_a_longer_range_fetches_only_its_new_events(ten_days, server, tmp_path, by):
    desk = Desk(copied(ten_days, tmp_path), server, **TEN_DAYS | {"date_end_local": "2025-05-21"})
    done = desk.run() if by == "tradewinds run" else desk.snakemake()
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.split("/")[5][:17] for path in candle_requests(server)} == {"KXHIGHCHI-25MAY21"}


@pytest.mark.parametrize("by", ["tradewinds run", "plain snakemake"])
def test_a_catalog_that_ends_too_early_is_continued_once(ten_days, server, tmp_path, by):
    """Snakemake cannot see that a file that is there has to grow."""
    desk = Desk(copied(ten_days, tmp_path, ".snakemake"), server, **TEN_DAYS)
    path = tmp_path / "data/catalog/kalshi/KXHIGHCHI.parquet"
    about = read_meta(path) | {"covers_through": "2025-05-19", "listed_through": "2025-05-19"}
    write_parquet(path, pq.read_table(path).replace_schema_metadata(None), about)
    call = desk.run if by == "tradewinds run" else desk.snakemake
    done = call()
    assert done.returncode == 0, done.stdout + done.stderr
    assert [seen.path for seen in server.requests if seen.path.endswith("/markets")]
    assert read_meta(path)["covers_through"] > "2025-05-19" and not candle_requests(server)
    server.requests.clear()
    assert call().returncode == 0 and not server.requests


def test_kill_9_while_fetching(ten_days, server, tmp_path, hold):
    desk = Desk(but_for_candles(ten_days, tmp_path), server, rate=60, kalshi=patient(server, 60), **TEN_DAYS)
    free = hold(lambda: len(desk.candle_files()) >= 3)
    desk.run_and_kill(lambda: len(desk.candle_files()) >= 3)
    free.set()
    wait_until(lambda: no_client(server))
    done_before = {path.stem for path in desk.candle_files()}
    seen_before = candle_requests(server)
    assert 3 <= len(done_before) < EVENTS
    assert len(desk.checkpoints()["RUNNING"]) == EVENTS, "what a killed run was at"
    done = desk.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert [(status, len(dates)) for status, dates in desk.checkpoints().items()] == [("SUCCESS", EVENTS)]
    again = candle_requests(server) - seen_before
    repeated = set(again) & set(seen_before)
    finished_markets = {path for path in repeated if _date(path) in done_before}
    assert not finished_markets, "an event that was finished before the kill was fetched again"
    assert len({_date(path) for path in repeated}) <= 4, "more events than jobs that were under way were begun again"
    assert candles_of(desk) == candles_of(ten_days)
    assert (desk.run_folder() / "trades.csv").read_bytes() == (ten_days.run_folder() / "trades.csv").read_bytes()


def _date(path: str) -> str:
    from tradewinds.families.kalshi_weather.climate_days import climate_date_of

    ticker = path.split("/")[5]
    return climate_date_of(ticker.rsplit("-", 1)[0]).isoformat()


def test_kill_9_while_simulating(ten_days, server, tmp_path):
    data = copied(ten_days, tmp_path)
    shutil.rmtree(data / "backtests")
    desk = Desk(data, server, **TEN_DAYS)
    logs = tmp_path / "logs" / "simulate"
    desk.run_and_kill(lambda: logs.exists() and any(logs.iterdir()))
    runs = list((tmp_path / "backtests").glob("*/loaded/*"))
    assert not runs
    done = desk.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert not server.requests
    for name in ("trades.csv", "metrics.json", "equity.csv"):
        assert (desk.run_folder() / name).read_bytes() == (ten_days.run_folder() / name).read_bytes()


@pytest.mark.parametrize("other", ["tradewinds run", "plain snakemake"])
def test_two_runs_at_once_do_not_fetch_twice(ten_days, server, tmp_path, other, hold):
    """Candles are held back until one of them waits for the other: one that starts late would find all done."""
    desk = Desk(but_for_candles(ten_days, tmp_path), server, rate=100, kalshi=patient(server, 100), **TEN_DAYS)
    free = hold(lambda: True)
    run = desk.command("run", "--config", "config.yaml")
    plain = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--configfile", "config.yaml"]
    commands = [run, run if other == "tradewinds run" else [*plain, "-j", "4"]]
    logs = [tmp_path / "one.txt", tmp_path / "other.txt"]

    def outputs():
        return [log.read_text() for log in logs]

    with contextlib.ExitStack() as running:
        files = [running.enter_context(open(log, "w")) for log in logs]
        processes = [
            running.enter_context(desk.started(command, fork=True, stdout=file, stderr=subprocess.STDOUT))
            for command, file in zip(commands, files, strict=True)
        ]
        wait_until(lambda: any("waiting" in output for output in outputs()), *processes)
        free.set()
        for process in processes:
            process.wait(PATIENCE_SECONDS)
    assert [process.returncode for process in processes] == [0, 0], outputs()
    assert max(candle_requests(server).values()) == 1
    assert candles_of(desk) == candles_of(ten_days)
