"""Switching windows: what another file holds is taken from it, the rest is fetched, and the result is the same."""

import datetime as dt
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.archive.server import running_server
from tradewinds.core import environment, files
from tradewinds.core.errors import DataMissing
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.archive.synthetic import make_synthetic
from tradewinds.families.kalshi_weather.candle_window import CandleWindow
from tradewinds.families.kalshi_weather.fetch import fetch_jobs
from tradewinds.families.kalshi_weather.fetch.kept_candles import Kept

pytestmark = pytest.mark.slow  # most of it

DAY = dt.date(2025, 3, 9)  # the clocks change
FULL, EVENING, NOON, HOUR_LATER = "full_1m", "trade_2200_d1_1m", "trade_1200_d1_1m", "trade_2300_d1_1m"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic")
    make_synthetic(folder, first=dt.date(2025, 3, 8), last=dt.date(2025, 3, 10), series=("KXHIGHCHI",))
    return folder


@pytest.fixture(params=[None, dt.date(2025, 1, 1)], ids=["historical", "live"])
def server(archive, request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with running_server(archive, cutoff=request.param) as running:
        service = {"base_url": running.url_of("kalshi"), "requests_per_second": 500, "max_connections": 2}
        services = {"kalshi": service | {"timeout_seconds": 600, "max_retries": 0}}
        monkeypatch.setenv(environment.SERVICES, json.dumps(services))
        monkeypatch.setenv(environment.FETCH, "auto")
        fetch_jobs.sync_catalog_job("KXHIGHCHI", "2025-03-10", schemas.catalog_path("KXHIGHCHI"))
        running.requests.clear()
        yield running


def fetched(key):
    """The table of a window's file without retrieval times, and its metadata."""
    path = schemas.candle_path(key, "KXHIGHCHI", DAY)
    fetch_jobs.fetch_candles_job("KXHIGHCHI", DAY.isoformat(), key, schemas.catalog_path("KXHIGHCHI"), path)
    return pq.read_table(path).drop_columns("retrieved_at"), files.read_meta(path)


def alone(key, tmp_path, monkeypatch):
    """The same without any other file there."""
    with monkeypatch.context() as patch:
        (tmp_path / "alone" / "data").mkdir(parents=True, exist_ok=True)
        (tmp_path / "alone" / "data" / "catalog").symlink_to(tmp_path / "data" / "catalog")
        patch.chdir(tmp_path / "alone")
        return fetched(key)


def test_a_shorter_window_is_cut_from_a_longer_one_without_asking(server, monkeypatch):
    fetched(FULL)
    server.requests.clear()
    monkeypatch.setenv(environment.FETCH, "never")
    table, meta = fetched(EVENING)
    assert (
        not server.requests and meta["requests"] == 0 and meta["kept_from"].startswith("data/candles/kalshi/full_1m/")
    )
    asof = climate_days.asof_ts(climate_days.station_of("KXHIGHCHI"), DAY, "22:00", 1)
    assert min(table["end_period_ts"].to_pylist()) >= asof and table.num_rows > 100
    Path(schemas.candle_path(FULL, "KXHIGHCHI", DAY)).unlink()
    with pytest.raises(DataMissing):
        fetched(NOON)


def test_a_longer_window_asks_only_for_its_head(server, tmp_path, monkeypatch):
    expected, _ = alone(NOON, tmp_path, monkeypatch)
    _, first = fetched(HOUR_LATER)
    server.requests.clear()
    table, meta = fetched(NOON)
    assert table.equals(expected)
    assert meta["kept_from"].split("/")[3] == HOUR_LATER and meta["requests"] == len(server.requests) > 0
    starts = {ticker: span[0] for ticker, span in first["windows"].items()}
    for seen in server.requests:
        query = dict(pair.split("=") for pair in seen.query.split("&"))
        assert int(query["end_ts"]) == min(starts.values()) - 60, "up to the minute before what is there"
    assert meta["rows_per_market"] == alone_meta(expected)


def alone_meta(table):
    counts: dict[str, int] = {}
    for ticker in table["market_ticker"].to_pylist():
        counts[ticker] = counts.get(ticker, 0) + 1
    return counts


def test_a_market_listed_since_is_fetched_whole():
    kept = Kept(None, {"A": (600, 1200)})
    assert kept.left({"A": (600, 1200), "B": (600, 1200)}, 1) == {"B": (600, 1200)}


def test_windows_hold_one_another_by_their_asof_times():
    station = climate_days.station_of("KXHIGHCHI")
    ordered = [
        CandleWindow.parse(key) for key in (FULL, "trade_2300_d2_1m", NOON, EVENING, HOUR_LATER, "trade_0100_d0_1m")
    ]
    for n, early in enumerate(ordered):
        assert [early.holds(late, station, DAY) for late in ordered] == [m >= n for m in range(len(ordered))]
        assert CandleWindow.parse(early.key) == early
    assert not CandleWindow.parse(FULL).holds(CandleWindow.parse("full_60m"), station, DAY)


spans = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda s: (60 * min(s), 60 * max(s)))


@given(st.dictionaries(st.sampled_from("ABC"), spans), st.dictionaries(st.sampled_from("ABC"), spans))
def test_kept_and_left_make_the_window_and_do_not_overlap(held, windows):
    """A minute of a window is either fetched or, if not, in the file."""
    kept = Kept(None, held)
    left = kept.left(windows, 1)
    assert left.keys() <= windows.keys()
    for ticker, (start, end) in windows.items():
        wanted = set(range(start, end + 1, 60))
        asked = set(range(left[ticker][0], left[ticker][1] + 1, 60)) if ticker in left else set()
        there = set(range(held[ticker][0], held[ticker][1] + 1, 60)) if ticker in held else set()
        assert asked <= wanted <= asked | there
        assert asked == wanted or not asked & there


def test_the_lock_lets_one_process_make_a_file(server, tmp_path):
    """Two jobs for one event at once ask once."""
    code = (
        "import sys; from tradewinds.families.kalshi_weather.fetch import fetch_jobs; "
        "catalog = 'data/catalog/kalshi/KXHIGHCHI.parquet'; "
        "fetch_jobs.fetch_candles_job('KXHIGHCHI', sys.argv[1], 'full_1m', catalog, sys.argv[2])"
    )
    path = schemas.candle_path(FULL, "KXHIGHCHI", DAY)
    command = [sys.executable, "-c", code, DAY.isoformat(), path]
    both = [subprocess.Popen(command, cwd=tmp_path) for _ in range(3)]
    assert [process.wait(60) for process in both] == [0, 0, 0]
    assert len(server.requests) == files.read_meta(path)["requests"]
