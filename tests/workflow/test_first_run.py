"""One command from a YAML file to a settled backtest, on a recorded month of Chicago."""

import csv
import json
import re
import sqlite3
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from tests.workflow.harness import TEN_DAYS, Desk, candle_requests, candles_of

MARKETS_PER_EVENT = 6
EVENTS = 29


def test_the_month_is_fetched_replayed_and_published(finished):
    assert len(finished.candle_files()) == EVENTS
    assert not finished.leftovers()
    folder = finished.run_folder()
    for name in ("run_manifest.json", "trades.csv", "metrics.json", "report.md", "report.html"):
        assert (folder / name).stat().st_size > 0
    metrics = finished.metrics()
    assert metrics["diagnostics"]["events_attempted"] == EVENTS
    assert metrics["num_trades"] > 100
    assert "report.html" in finished.first_output and "tradewinds.db" in finished.first_output
    assert "Traceback" not in finished.first_output


def test_each_thing_was_asked_for_once(finished):
    requests = finished.server.requests
    assert all(count == 1 for count in candle_requests(finished.server).values())
    assert sum(candle_requests(finished.server).values()) == EVENTS * MARKETS_PER_EVENT
    weather = [seen for seen in requests if "/cgi-bin/" in seen.path or seen.path == "/json/cli.py"]
    assert len(weather) == 9  # two models and the reports of a station's year and the two before it
    assert len(requests) == EVENTS * MARKETS_PER_EVENT + 9 + 3
    assert {seen.status for seen in requests} == {200}


def test_the_database_says_what_the_files_say(finished):
    with sqlite3.connect(finished.folder / "backtests/tradewinds.db") as database:
        [(run_id, status)] = database.execute("SELECT run_id, status FROM backtest_run").fetchall()
        trades = database.execute("SELECT count(*), sum(qty) FROM backtest_trade").fetchone()
        [(pnl,)] = database.execute("SELECT total_pnl_usd FROM v_backtest_leaderboard").fetchall()
        [(markets,)] = database.execute("SELECT count(*) FROM kalshi_market").fetchall()
        candles = "SELECT file_path, num_rows, requests FROM kalshi_backfill_checkpoint WHERE status = 'SUCCESS'"
        checkpoints = sorted(database.execute(candles).fetchall())
    metrics = finished.metrics()
    assert (run_id, status) == (finished.run_folder().name, "SUCCESS")
    assert trades == (metrics["num_trades"], metrics["num_contracts"])
    assert Decimal(str(pnl)) == Decimal(str(metrics["total_pnl_usd"]))
    assert markets == EVENTS * MARKETS_PER_EVENT
    files = [(path, pq.read_metadata(path).num_rows) for path in finished.candle_files()]
    assert checkpoints == [(str(p.relative_to(finished.folder)), rows, MARKETS_PER_EVENT) for p, rows in files]


def test_asking_again_does_nothing(finished):
    before = len(finished.server.requests)
    stamps = stamps_of(finished.run_folder())
    done = finished.run()
    assert done.returncode == 0 and "nothing to be done" in done.stdout
    plain = finished.snakemake()
    assert plain.returncode == 0 and "Nothing to be done" in plain.stderr
    assert len(finished.server.requests) == before
    assert stamps_of(finished.run_folder()) == stamps


def stamps_of(folder):
    """When each file of a run's folder was written; its log tells of every command, also of one that does nothing."""
    return {path: path.stat().st_mtime_ns for path in folder.iterdir() if path.name != "run.log"}


def test_events_csv_tells_what_each_event_was_replayed_on(finished):
    with open(finished.run_folder() / "events.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["climate_date"] for row in rows] == [path.stem for path in finished.candle_files()]
    for row, path in zip(rows, finished.candle_files(), strict=True):
        counts = dict(pair.split("=") for pair in row["candles_per_market"].split())
        assert sum(map(int, counts.values())) == int(row["candles"]) == pq.read_metadata(path).num_rows
        assert (row["markets"], row["requests"], row["retries"], row["tier"]) == ("6", "6", "0", "historical")
        assert int(row["missing_minutes"]) > 0 and not row["skipped"]


@pytest.mark.usefixtures("drawn_anew")
def test_plain_snakemake_gives_the_same_bytes(ten_days, server, tmp_path):
    desk = Desk(tmp_path, server, **TEN_DAYS)
    done = desk.snakemake()
    assert done.returncode == 0, done.stderr
    assert desk.run_folder().name == ten_days.run_folder().name
    for name in (
        "trades.csv",
        "metrics.json",
        "equity.csv",
        "positions_daily.csv",
        "markets.csv",
        "report.md",
        "report.html",
    ):
        mine, other = (d.run_folder() / name for d in (desk, ten_days))
        texts = [re.sub(r"\b[0-9a-f]{40}(-dirty)?\b", "commit", path.read_text()) for path in (mine, other)]
        assert texts[0] == texts[1], name
    books = [pq.read_table(d.run_folder() / "journal.parquet") for d in (desk, ten_days)]
    assert books[0].equals(books[1]) and books[0].num_rows > 100
    pictures = [{p.name: p.read_bytes() for p in d.run_folder().glob("plots/*.*g")} for d in (desk, ten_days)]
    assert pictures[0] == pictures[1] and {"equity.svg", "edge.png"} <= pictures[0].keys()
    assert candles_of(desk) == candles_of(ten_days)


def test_the_plan_is_whole_before_anything_is_fetched(server, tmp_path):
    desk = Desk(tmp_path, server)
    plan = desk.snakemake("-n")
    assert plan.returncode == 0
    assert re.search(rf"fetch_candles\s+{EVENTS}\b", plan.stdout)
    done = desk.run("--dry-run")
    assert done.returncode == 0
    assert re.search(rf"KXHIGHCHI events\D+{EVENTS}\D+0\D+{EVENTS}\b", done.stdout)
    assert not server.requests
    assert {path.name for path in tmp_path.iterdir()} <= {"config.yaml", ".snakemake", "logs"}


def test_the_plan_of_a_known_catalog_is_what_the_server_then_counts(ten_days, server, tmp_path):
    desk = Desk(tmp_path, server, **TEN_DAYS)
    catalog = tmp_path / "data/catalog/kalshi/KXHIGHCHI.parquet"
    catalog.parent.mkdir(parents=True)
    catalog.write_bytes((ten_days.folder / "data/catalog/kalshi/KXHIGHCHI.parquet").read_bytes())
    planned = int(re.search(r"KXHIGHCHI events\D+10\D+0\D+10\D+(\d+)", desk.run("--dry-run").stdout)[1])
    assert desk.run().returncode == 0
    assert sum(candle_requests(server).values()) == planned
    assert not [seen for seen in server.requests if seen.path.endswith("/markets")], "the catalog was there"


def test_an_event_the_exchange_does_not_list_is_an_empty_file_with_its_reason(server, tmp_path):
    desk = Desk(tmp_path, server, date_start_local="2025-04-28", date_end_local="2025-05-03")
    done = desk.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(desk.candle_files()) == 6
    assert desk.metrics()["diagnostics"]["events_skipped"]["NO_EVENT"] == 2
    report = (desk.run_folder() / "report.md").read_text()
    assert "NO_EVENT" in report and "KXHIGHCHI-25APR28, KXHIGHCHI-25APR29" in report


def test_manifest_hashes_are_those_of_the_files(finished):
    from tradewinds.results.manifest import sha256

    manifest = json.loads((finished.run_folder() / "run_manifest.json").read_text())
    assert len(manifest["inputs"]) == EVENTS + 11
    for path, digest in manifest["inputs"].items():
        assert sha256(finished.folder / path) == digest
