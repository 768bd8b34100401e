"""An event whose candles cannot be right: it fails the run, or is left out where the config says so, and never silently."""

import datetime as dt
import json
import tempfile
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.workflow.harness import CHICAGO
from tradewinds.archive.server import running_server
from tradewinds.config import resolve
from tradewinds.core import environment, files
from tradewinds.core.errors import FetchError, RefusedAnswer, SimulationError
from tradewinds.families import plan as plans
from tradewinds.families.kalshi_weather import replay, schemas
from tradewinds.families.kalshi_weather.archive import record as record_module
from tradewinds.families.kalshi_weather.archive.record import record
from tradewinds.families.kalshi_weather.archive.synthetic import make_synthetic
from tradewinds.families.kalshi_weather.fetch import fetch_jobs
from tradewinds.families.kalshi_weather.plan import events_plan
from tradewinds.families.kalshi_weather.run_files import write_event_data

DAYS = [dt.date(2025, 5, day) for day in (2, 3)]
BAD, GOOD = DAYS
CATALOG = schemas.catalog_path("KXHIGHCHI")


def config(damaged=None):
    """A config of both days; `damaged` is what it says of events whose candles cannot be right."""
    on_missing = {"validation": "warn"} | ({"damaged": damaged} if damaged else {})
    raw = CHICAGO | {"date_start_local": str(BAD), "date_end_local": str(GOOD), "on_missing": on_missing}
    return resolve.resolve(raw | {"probabilities": {"source": "file", "path": "mine.csv"}})


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """An archive in which one ask of the first day is 1.2."""
    folder = tmp_path_factory.mktemp("synthetic")
    make_synthetic(folder, first=BAD, last=GOOD, series=("KXHIGHCHI",))
    path = next(folder.glob("kalshi/candles/*/*25MAY02*.parquet"))
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[9] |= {"yes_ask_close": Decimal("1.2"), "yes_ask_high": Decimal("1.2")}
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)
    return folder


@pytest.fixture
def server(archive, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with running_server(archive) as running:
        service = {"base_url": running.url_of("kalshi"), "requests_per_second": 500, "max_connections": 2}
        monkeypatch.setenv(
            environment.SERVICES, json.dumps({"kalshi": service | {"timeout_seconds": 600, "max_retries": 0}})
        )
        monkeypatch.setenv(environment.FETCH, "auto")
        fetch_jobs.sync_catalog_job("KXHIGHCHI", str(GOOD), CATALOG)
        yield running


def path_of(day, window="full_1m"):
    return schemas.candle_path(window, "KXHIGHCHI", day)


def fetch(monkeypatch, day, damaged=None, window="full_1m"):
    """Run the job of an event as a run of a config does."""
    monkeypatch.setenv(environment.ON_MISSING, json.dumps({"damaged": damaged} if damaged else {}))
    fetch_jobs.fetch_candles_job("KXHIGHCHI", str(day), window, CATALOG, path_of(day, window))


@pytest.mark.slow
@pytest.mark.parametrize("damaged", [None, "fail"])
def test_by_default_the_job_fails_and_leaves_no_file(server, monkeypatch, damaged):
    with pytest.raises(
        FetchError, match=r"yes_ask_high is out of range: 1\.2000.*copy of the answer is in data/"
    ) as caught:
        fetch(monkeypatch, BAD, damaged)
    assert caught.value.exit_code == 4 and not Path(path_of(BAD)).exists()


def test_where_the_config_says_skip_the_file_has_no_rows_and_says_why(server, monkeypatch):
    fetch(monkeypatch, BAD, "skip")
    meta = files.read_meta(path_of(BAD))
    assert (pq.read_metadata(path_of(BAD)).num_rows, meta["reason"], meta["windows"]) == (0, "DAMAGED", {})
    assert "yes_ask_high is out of range: 1.2000" in meta["problem"] and "1.2" in Path(meta["saved_answer"]).read_text()
    server.requests.clear()
    fetch(monkeypatch, BAD, "skip")
    assert not server.requests, "what was left out is not asked for again"
    fetch(monkeypatch, GOOD, "skip")
    assert files.read_meta(path_of(GOOD))["reason"] is None


def test_what_was_left_out_fills_no_other_window(server, monkeypatch):
    fetch(monkeypatch, BAD, "skip")
    other = config("skip") | {"candles": {"window_policy": "TRADE_WINDOW_ONLY", "period_interval_minutes": 1}}
    assert path_of(BAD, "trade_2300_d1_1m") in events_plan(other).missing()
    server.requests.clear()
    fetch(monkeypatch, BAD, window="trade_2300_d1_1m")  # the wrong ask is of before this window
    meta = files.read_meta(path_of(BAD, "trade_2300_d1_1m"))
    assert (meta["kept_from"], meta["reason"]) == (None, None) and sum(meta["rows_per_market"].values()) > 100
    assert len(server.requests) == meta["requests"] > 0


def test_a_market_that_the_exchange_does_not_know_is_such_an_answer_and_a_dead_connection_is_not(server, monkeypatch):
    table = pq.read_table(CATALOG)
    rows = [row | {"market_ticker": f"{row['market_ticker']}-GONE"} for row in table.to_pylist()]
    files.write_parquet(CATALOG, pa.Table.from_pylist(rows, table.schema), files.read_meta(CATALOG))
    fetch(monkeypatch, GOOD, "skip")
    assert "neither tier of the exchange knows this market" in files.read_meta(path_of(GOOD))["problem"]
    dead = {"base_url": "http://127.0.0.1:9", "requests_per_second": 500, "max_connections": 2}
    monkeypatch.setenv(environment.SERVICES, json.dumps({"kalshi": dead | {"timeout_seconds": 600, "max_retries": 0}}))
    with pytest.raises(FetchError) as caught:
        fetch(monkeypatch, BAD, "skip")
    assert not isinstance(caught.value, RefusedAnswer) and not Path(path_of(BAD)).exists()


@pytest.mark.slow
def test_a_change_back_to_fail_asks_again(server, monkeypatch, archive):
    for day in DAYS:
        fetch(monkeypatch, day, "skip")
    assert events_plan(config("skip")).missing() == [] and plans.stale_files(events_plan(config("skip"))) == []
    strict = events_plan(config())
    assert strict.missing() == plans.stale_files(strict) == [path_of(BAD)]
    server.requests.clear()
    with pytest.raises(RefusedAnswer):
        fetch(monkeypatch, BAD)
    assert server.requests
    assert [problem for problem in map(str, refused(strict)) if "left out" in problem]


def refused(plan):
    """The error of a command that only reads."""
    try:
        plans.refuse_missing(plan)
    except plans.DataMissing as error:
        yield error


def test_the_run_counts_it_under_its_reason_or_refuses_it(server, monkeypatch, tmp_path):
    for day in DAYS:
        fetch(monkeypatch, day, "skip")
    rows = [row for row in pq.read_table(CATALOG).to_pylist() if row["climate_date"] in DAYS]
    known = {"asof_ts": 0, "known_at_ts": 0, "p_yes": Decimal("0.5"), "method": "file"}
    blank = dict.fromkeys(schemas.PROBABILITIES.names)
    table = [blank | {name: row[name] for name in blank if name in row} | known for row in rows]
    files.write_parquet("p.parquet", pa.Table.from_pylist(table, schemas.PROBABILITIES), {})
    inputs = {"KXHIGHCHI": CATALOG}, {("KXHIGHCHI", day): path_of(day) for day in DAYS}, "p.parquet"
    result = replay.replay_events(config("skip"), *inputs)
    assert result.skipped == [("KXHIGHCHI-25MAY02", "DAMAGED_QUOTES")] and result.trades
    assert result.diagnostics["events_skipped"] == {"DAMAGED_QUOTES": 1}
    write_event_data(tmp_path, events_plan(config("skip")).files.events, dict(result.skipped))
    assert "DAMAGED: GET " in (tmp_path / "events.csv").read_text()
    with pytest.raises(SimulationError, match=r"on_missing\.damaged: the candles of 1 event were left out"):
        replay.replay_events(config(), *inputs)


def test_the_key_alone_changes_the_run(server):
    assert resolve.run_id(config()) != resolve.run_id(config("skip"))
    assert "damaged" not in config()["on_missing"], "runs of configs without the key keep their ids"


@pytest.mark.slow
def test_its_record_is_refused_or_left_out_again(server, monkeypatch, tmp_path):
    """An archive in which it had no candles would say that none of it was traded."""
    for day in DAYS:
        fetch(monkeypatch, day, "skip")
    conf = config("skip") | {"probabilities": {"source": "file", "path": "mine.csv"}}
    plan = events_plan(conf)
    monkeypatch.setattr(record_module, "refuse_missing", lambda plan: None)  # candles are what this is about
    plan.files.climate.clear()
    assert record(conf, plan, "recorded") == 2
    for path in DAYS:
        Path(path_of(path)).unlink()
    with running_server(tmp_path / "recorded") as again:
        service = {"base_url": again.url_of("kalshi"), "requests_per_second": 500, "max_connections": 2}
        monkeypatch.setenv(
            environment.SERVICES, json.dumps({"kalshi": service | {"timeout_seconds": 600, "max_retries": 0}})
        )
        with pytest.raises(FetchError, match=r"is out of range: 1\.2"):
            fetch(monkeypatch, BAD)
        for window in ("full_1m", "trade_2300_d1_1m"):
            fetch(monkeypatch, BAD, "skip", window)
            assert files.read_meta(path_of(BAD, window))["reason"] == "DAMAGED"
        fetch(monkeypatch, GOOD)
        assert sum(files.read_meta(path_of(GOOD))["rows_per_market"].values()) > 100
