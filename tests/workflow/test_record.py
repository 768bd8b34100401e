"""What one person fetched, another replays: a run is recorded, served from the record, and comes out the same."""

import json

import pytest

from tests import warm
from tests.workflow.harness import TEN_DAYS, Desk, candles_of
from tradewinds.archive.server import running_server
from tradewinds.families.kalshi_weather.archive.event_archive import EventArchive

EVENTS = 10


def record(desk, out):
    command = desk.command("record", "--config", "config.yaml", "--out", str(out))
    return warm.run(command, cwd=desk.folder, env=desk.environment(), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def recorded(ten_days, tmp_path_factory):
    """The record of a finished run."""
    out = tmp_path_factory.mktemp("record") / "deep" / "archive"
    asked = len(ten_days.server.requests)
    done = record(ten_days, out)
    assert done.returncode == 0, done.stderr
    assert f"archive of {EVENTS} events" in done.stdout
    assert len(ten_days.server.requests) == asked, "recording fetches nothing"
    return out


def test_a_recorded_run_gives_the_same_trades_and_candles(ten_days, recorded, tmp_path):
    with running_server(recorded) as server:
        desk = Desk(tmp_path, server, **TEN_DAYS)
        done = desk.run()
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("trades.csv", "equity.csv", "metrics.json", "positions_daily.csv"):
        assert (desk.run_folder() / name).read_bytes() == (ten_days.run_folder() / name).read_bytes(), name
    assert len(candles_of(desk)) == EVENTS and candles_of(desk) == candles_of(ten_days)


def test_the_record_has_the_objects_as_they_were_fetched(chicago_archive, recorded):
    mine, original = EventArchive(recorded), EventArchive(chicago_archive)
    assert mine.series["KXHIGHCHI"]["fee_multiplier"] == original.series["KXHIGHCHI"]["fee_multiplier"] == 1
    whole = {row["market_ticker"]: row for row in original.markets}
    assert len(mine.markets) == EVENTS * 6
    for row in mine.markets:
        assert row == whole[row["market_ticker"]]
    assert set(mine.events) == {row["event_ticker"] for row in mine.markets}
    for kind in ("guidance", "climate"):
        assert getattr(mine, kind)("KMDW").num_rows > 300
    assert "KXHIGHCHI, 2025-05-11 to 2025-05-20" in json.loads((recorded / "archive.json").read_text())["note"]


def test_what_is_not_there_or_not_whole_is_refused(ten_days, recorded, tmp_path):
    desk = Desk(tmp_path, None)
    done = record(desk, "archive")
    assert done.returncode == 3
    assert "39 files" in done.stderr and "data/candles/kalshi/full_1m/KXHIGHCHI/2025-05-02.parquet" in done.stderr
    done = record(Desk(tmp_path / "partial", None, candles={"window_policy": "TRADE_WINDOW_ONLY"}), "archive")
    assert done.returncode == 2 and "Run a copy of this config with window_policy: FULL_MARKET_WINDOW" in done.stderr
    assert "Traceback" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"config.yaml", "partial"}, "nothing was made"
    before = {path: path.stat().st_mtime_ns for path in recorded.rglob("*")}
    done = record(ten_days, recorded)
    assert done.returncode == 2 and "is there already" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in recorded.rglob("*")} == before
    assert [path.name for path in recorded.parent.iterdir()] == ["archive"]
