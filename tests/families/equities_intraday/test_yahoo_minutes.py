"""Minute bars from the chart API, answered from an archive as the service answers."""

import datetime as dt
import json
from decimal import Decimal

import pyarrow as pa
import pytest
import time_machine

from tests.families.equities_intraday.minute_worlds import NEW_YORK, session
from tradewinds.archive.archive import ArchiveWriter
from tradewinds.archive.server import running_server
from tradewinds.config import resolve
from tradewinds.core import environment, files
from tradewinds.core.errors import DataMissing, FetchError, RefusedAnswer
from tradewinds.families.equities_intraday import archive_routes
from tradewinds.families.equities_intraday.archive_routes import add_minutes
from tradewinds.families.equities_intraday.fetch import fetch_minutes_job as job
from tradewinds.families.equities_intraday.fetch import minute_reach, yahoo_minutes
from tradewinds.families.equities_intraday.plan import intraday_plan
from tradewinds.families.equities_intraday.session_panel import make_session_panel, read_session_panel
from tradewinds.families.plan import stale_files

OUT = "data/candles/1m/yahoo/SPY/2024-07.parquet"


class World:
    """An archive with SPY and a clock that can be set."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.monkeypatch, self.rows, self.travel = folder, monkeypatch, [], None
        monkeypatch.chdir(folder)

    def at(self, text):
        """Set the clock of service, plan and jobs; a time of New York."""
        if self.travel:
            self.travel.stop()
        self.travel = time_machine.travel(dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))
        self.travel.start()

    def add(self, *dates, price=500.0, minutes=390):
        for date in dates:
            for index, start in enumerate(session(date, minutes=minutes)):
                self.rows.append((int(start.timestamp()), price + index / 100))

    def serve(self):
        table = pa.Table.from_pylist(
            [
                {"ts": ts, "open": p, "high": p and p + 0.05, "low": p and p - 0.05, "close": p, "volume": p and 100}
                for ts, p in self.rows
            ],
            archive_routes.ARCHIVED_MINUTES,
        )
        writer = ArchiveWriter(self.folder / "archive")
        add_minutes(writer, "SPY", table, {"timezone": "America/New_York", "currency": "USD"})
        return running_server(self.folder / "archive")

    def fetch(self, server, symbol="SPY", month="2024-07", out=OUT):
        asked = {"requests_per_second": 1000, "max_connections": 4, "timeout_seconds": 5, "max_retries": 1}
        services = {"yahoo": {"base_url": server.url_of("yahoo"), **asked}}
        self.monkeypatch.setenv(environment.SERVICES, json.dumps(services))
        self.monkeypatch.setenv(environment.FETCH, "auto")
        job.fetch_minutes_job(symbol, month, "XNYS", "2024-07-31", out)
        return files.read_rows(out), files.read_meta(out)


@pytest.fixture
def world(tmp_path, monkeypatch):
    made = World(tmp_path, monkeypatch)
    yield made
    if made.travel:
        made.travel.stop()


def config(**keys):
    base = {
        "market": "equities_intraday",
        "symbols": ["SPY"],
        "date_start_local": "2024-07-02",
        "date_end_local": "2024-07-12",
        "bars": {"source": "yahoo"},
    }
    return resolve.resolve({**base, **keys}, today=dt.date(2026, 11, 27))


def test_a_month_is_fetched_in_requests_of_seven_days(world):
    world.add("2024-07-01", "2024-07-02", "2024-07-05", "2024-07-12")
    world.at("2024-07-15 12:00")
    with world.serve() as server:
        rows, meta = world.fetch(server)
        asked = [dict(item.split("=") for item in seen.query.split("&")) for seen in server.requests]
    assert len(rows) == 4 * 390 and meta["sessions"][0] == "2024-07-01" and meta["sessions"][-1] == "2024-07-12"
    assert meta["covers_through"] == "2024-07-14" and meta["requests"] == 2 == len(asked)
    spans = [int(query["period2"]) - int(query["period1"]) for query in asked]
    assert max(spans) <= 7 * 86_400 and {query["interval"] for query in asked} == {"1m"}


def test_a_running_session_is_not_asked_for_and_the_file_grows(world):
    world.add("2024-07-01", "2024-07-02", "2024-07-03", minutes=210)
    world.at("2024-07-02 10:00")
    with world.serve() as server:
        rows, meta = world.fetch(server)
        assert len(rows) == 210 and meta["covers_through"] == "2024-07-01"
        world.at("2024-07-03 13:20")  # a half day, over at 13:00
        rows, meta = world.fetch(server)
        assert meta["sessions"] == ["2024-07-01", "2024-07-02", "2024-07-03"] and len(rows) == 630
        assert meta["covers_through"] == "2024-07-04", "the next session is on the fifth"
        before = len(server.requests)
        assert world.fetch(server)[0] == rows and len(server.requests) == before, "nothing is asked twice"


def test_a_file_never_loses_what_the_service_forgot(world):
    world.add("2024-07-01", "2024-07-31")
    world.at("2024-07-02 12:00")
    with world.serve() as server:
        world.fetch(server)
        world.at("2024-08-05 12:00")
        rows, meta = world.fetch(server)
    assert len(rows) == 780 and meta["covers_through"] == "2024-07-31"
    assert "2024-07-01" in meta["sessions"] and "2024-07-02" not in meta["sessions"], "out of reach by then"


def test_the_running_minute_is_off_the_minute(world):
    """The last row of a running session is a duplicate of its minute, stamped with the second of its last trade."""
    world.add("2024-07-01")
    world.at("2024-07-01 10:00:25")
    with world.serve() as server:
        answer = archive_routes.minutes(server.archive, "SPY", {"period1": "1719840000", "period2": "1719926400"})
    stamps = json.loads(answer.body)["chart"]["result"][0]["timestamp"]
    assert stamps[-1] - stamps[-2] == 25 and stamps[-2] % 60 == 0


def test_nulls_are_skipped_and_half_day_rows_after_the_close_are_no_session(world):
    world.add("2024-07-03", minutes=240)  # thirty minutes after 13:00
    world.rows[5] = (world.rows[5][0], None)
    world.rows.append((world.rows[100][0] + 20, 500.0))
    world.rows.sort(key=lambda row: row[0])
    world.add("2024-07-05", minutes=2)
    world.at("2024-07-08 12:00")
    with world.serve() as server:
        rows, meta = world.fetch(server)
    assert len(rows) == 242 and meta["quarantined"] == {"OFF_MINUTE": 1}
    conf = config(
        date_start_local="2024-07-03", date_end_local="2024-07-05", bars={"source": "yahoo", "warmup_sessions": 0}
    )
    plan = intraday_plan(conf)
    make_session_panel(conf, plan)
    panel = read_session_panel(plan.files.panel)
    assert panel.first_row.tolist() == [0, 209, 211] and panel.about["quarantined"] == {"SPY": {"OFF_MINUTE": 1}}


def test_prices_lose_the_noise_of_their_floats():
    noisy = {"248.3596954345703": 248_359_700, "1500.0249": 1_500_025_000, "0.00005": 0, "0.00015": 200}
    assert {text: yahoo_minutes._price(Decimal(text)) for text in noisy} == noisy


def test_sessions_out_of_reach_are_named_before_anything_is_fetched(world):
    world.at("2024-08-08 12:00")
    with pytest.raises(DataMissing) as error:
        intraday_plan(config())
    text = str(error.value)
    assert error.value.exit_code == 3 and "from 2024-07-10 on" in text and "5 sessions are out of reach" in text
    assert "2024-07-02, 2024-07-03, 2024-07-05, 2024-07-08, 2024-07-09" in text
    assert "source: files" in text and "--synthetic" in text
    assert intraday_plan(config(date_start_local="2024-07-10")).files.sessions == 3
    world.add("2024-07-02")
    world.at("2024-07-15 12:00")
    with world.serve() as server:
        world.fetch(server)
    world.at("2024-08-08 12:00")
    assert intraday_plan(config()).files.sessions == 8, "a file has them"


def test_a_file_is_stale_when_a_session_is_over_that_it_does_not_have(world):
    world.add("2024-07-01")
    conf = config(
        date_start_local="2024-07-01", date_end_local="2024-07-03", bars={"source": "yahoo", "warmup_sessions": 0}
    )
    world.at("2024-07-01 17:00")
    with world.serve() as server:
        assert intraday_plan(conf).missing() == [OUT]
        world.fetch(server)
        assert stale_files(intraday_plan(conf)) == []
        world.at("2024-07-02 15:00")
        assert stale_files(intraday_plan(conf)) == [], "this session still runs"
        world.at("2024-07-02 17:00")
        assert stale_files(intraday_plan(conf)) == [OUT]


def test_an_unknown_symbol_has_an_empty_file(world):
    world.add("2024-07-01")
    world.at("2024-07-05 12:00")
    with world.serve() as server:
        rows, meta = world.fetch(server, "NONE", out="data/candles/1m/yahoo/NONE/2024-07.parquet")
    assert rows == [] and meta["reason"] == "SYMBOL_NOT_FOUND"


def test_the_service_says_what_it_does_not_serve(world):
    world.add("2024-07-01")
    world.at("2024-07-05 12:00")
    with world.serve() as server:
        day = 86_400
        late = int(dt.datetime(2024, 7, 5, tzinfo=dt.UTC).timestamp())
        wide = archive_routes.minutes(server.archive, "SPY", {"period1": str(late - 8 * day), "period2": str(late)})
        early = archive_routes.minutes(
            server.archive, "SPY", {"period1": str(late - 40 * day), "period2": str(late - 39 * day)}
        )
        assert wide.status == early.status == 422
        assert "Only 7 days worth of 1m granularity data" in wide.body and "within the last 30 days" in early.body
        # a clock that runs ahead of the service's asks too early: its text reaches the user
        world.monkeypatch.setattr(minute_reach, "REACH_DAYS", 60)
        with pytest.raises(FetchError, match="1m data not available for startTime="):
            world.fetch(server, month="2024-05", out="data/candles/1m/yahoo/SPY/2024-05.parquet")


def test_too_many_requests_end_with_a_remedy(world):
    world.add("2024-07-01")
    world.at("2024-07-05 12:00")
    with world.serve() as server:
        server.max_requests_per_second = 0
        with pytest.raises(FetchError, match="status 429"):
            world.fetch(server)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda result: result["meta"].update(dataGranularity="5m"),
        lambda result: result["meta"].update(symbol="QQQ"),
        lambda result: result["timestamp"].pop(),
        lambda result: result["timestamp"].__setitem__(0, "noon"),
        lambda result: result["indicators"]["quote"][0]["open"].__setitem__(0, True),
        lambda result: result["indicators"]["quote"][0].pop("close"),
    ],
)
def test_an_answer_that_cannot_be_right_is_not_stored(world, spoil):
    world.add("2024-07-01")
    world.at("2024-07-05 12:00")
    honest = archive_routes._result

    def spoilt(*arguments):
        result = honest(*arguments)
        if "timestamp" in result:
            spoil(result)
        return result

    world.monkeypatch.setattr(archive_routes, "_result", spoilt)
    with world.serve() as server, pytest.raises(RefusedAnswer):
        world.fetch(server)
    assert not (world.folder / OUT).exists()
