"""A server with a clock answers as was known then: what comes later changes no byte of any answer."""

import datetime as dt
import json
import shutil
import signal
import subprocess
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests

from tests.services import small_world
from tests.workflow.harness import Desk
from tradewinds.archive.clock import ServerClock
from tradewinds.archive.server import running_server
from tradewinds.cli.options import instant_of
from tradewinds.core import environment
from tradewinds.core.errors import ConfigError
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.archive.event_archive import EventArchive, EventArchiveWriter
from tradewinds.families.kalshi_weather.damaged_events import is_still_open
from tradewinds.families.kalshi_weather.fetch import fetch_jobs
from tradewinds.sources.endpoint import Endpoint
from tradewinds.sources.http import HttpClient

SERIES = small_world.SERIES
NOON = dt.datetime(2024, 12, 31, 18, 0, tzinfo=dt.UTC)  # noon of the last day of the year in Chicago
MORNING = dt.datetime(2025, 1, 1, 15, 30, tzinfo=dt.UTC)
EVENTS = ("KXHIGHCHI-24DEC30", "KXHIGHCHI-24DEC31", "KXHIGHCHI-25JAN01", "KXHIGHCHI-25JAN02")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return small_world.archive(tmp_path_factory.mktemp("archive") / "a")


@pytest.fixture(scope="module")
def stopped(archive):
    """A server whose clock stands still until a test moves it."""
    clock = ServerClock(NOON, speed=0)
    with running_server(archive, clock=clock) as server:
        yield server, clock


def get(server, path, **query):
    root = server.root if path.startswith(("/json", "/cgi-bin", "/_replay")) else server.url_of("kalshi")
    return requests.get(root + path, params=query, timeout=60)


def questions(archive):
    """One request of every kind that can tell something of a market, of guidance or of a report."""
    tickers = [row["market_ticker"] for row in archive.markets]
    span = {"start_ts": 1_735_300_000, "end_ts": 1_735_600_000}
    for status in ({}, *({"status": word} for word in ("unopened", "open", "paused", "closed", "settled"))):
        yield "/markets", {"series_ticker": SERIES, **status}
        yield "/events", {"series_ticker": SERIES, "with_nested_markets": "true", **(status or {"status": "open"})}
    yield "/historical/markets", {"series_ticker": SERIES}
    yield "/historical/cutoff", {}
    for event in EVENTS:
        yield f"/events/{event}", {}
        yield f"/series/{SERIES}/events/{event}/candlesticks", {**span, "period_interval": 60}
    for ticker in tickers[::5]:
        yield f"/markets/{ticker}", {}
        yield f"/historical/markets/{ticker}", {}
        for period in (1, 60, 1440):
            yield f"/series/{SERIES}/markets/{ticker}/candlesticks", {**span, "period_interval": period}
    yield "/markets/candlesticks", {"market_tickers": ",".join(tickers[:2]), **span, "period_interval": 60}
    for model in ("GFS", "NAM", "NBS"):
        window = {"sts": "2024-12-20T00:00Z", "ets": "2025-12-31T23:59Z"}
        yield "/cgi-bin/request/mos.py", {"station": "KMDW", "model": model, **window}
    for year in (2024, 2025):
        yield "/json/cli.py", {"station": "KMDW", "year": year}


def with_another_future(archive, folder, after):
    """A copy of an archive of which everything that is known only after an instant is something else."""
    ts = int(after.timestamp())
    shutil.copytree(archive.folder, folder)
    writer = EventArchiveWriter(folder)
    markets = []
    for row in archive.markets:
        raw = json.loads(row["raw"])
        if row["settlement_ts"] > after:
            raw |= {"result": "yes", "settlement_value_dollars": "1.0000", "expiration_value": "-99.00"}
            raw |= {"volume_fp": "987654.00", "open_interest_fp": "987654.00", "last_price_dollars": "0.7700"}
        markets.append(row | {"raw": json.dumps(raw)})
    writer.add_markets(pa.Table.from_pylist(markets, archive_schema("MARKETS")))
    for event in EVENTS:
        rows = archive.candles(SERIES, event).to_pylist()
        for row in rows:
            if row["end_period_ts"] > ts:
                row |= {
                    "yes_bid_close": Decimal("0.010000"),
                    "yes_ask_close": Decimal("0.990000"),
                    "volume": Decimal(7),
                }
        writer.add_candles(SERIES, event, pa.Table.from_pylist(rows, archive_schema("CANDLES")))
    guidance = archive.guidance("KMDW").to_pylist()
    for row in guidance:
        if row["runtime_ts"] + schemas.PUBLICATION_LAG_HOURS[row["model"]] * 3600 > ts:
            row["n_x_f"] = -50.0
    writer.add_guidance(pa.Table.from_pylist(guidance, archive_schema("GUIDANCE")))
    reports = archive.climate("KMDW").to_pylist()
    writer.add_climate(
        pa.Table.from_pylist([r | ({"high_f": -50} if r["known_at_ts"] > ts else {}) for r in reports], schemas.CLIMATE)
    )
    return folder


def archive_schema(name):
    from tradewinds.families.kalshi_weather.archive import event_archive

    return getattr(event_archive, name)


@pytest.mark.parametrize("now", [NOON, MORNING])
def test_the_future_changes_no_answer(archive, tmp_path, now):
    opened = EventArchive(archive)
    other = with_another_future(opened, tmp_path / "other", now)
    with (
        running_server(archive, clock=ServerClock(now, speed=0)) as one,
        running_server(other, clock=ServerClock(now, speed=0)) as two,
        running_server(other) as all_known,
    ):
        differs_without_clock = False
        for path, query in questions(opened):
            answers = [get(server, path, **query) for server in (one, two)]
            assert answers[0].status_code == answers[1].status_code, path
            assert answers[0].text == answers[1].text, (path, query)
            differs_without_clock |= get(all_known, path, **query).text != answers[0].text
        assert differs_without_clock


def test_a_market_goes_through_its_life(stopped):
    server, clock = stopped
    ticker = next(
        row["market_ticker"] for row in EventArchive(server.archive.folder).markets if EVENTS[2] in row["event_ticker"]
    )
    states = {
        dt.datetime(2024, 12, 31, 9, 0, tzinfo=dt.UTC): None,  # not listed yet
        dt.datetime(2024, 12, 31, 12, 0, tzinfo=dt.UTC): "initialized",
        dt.datetime(2024, 12, 31, 15, 30, tzinfo=dt.UTC): "active",
        dt.datetime(2025, 1, 2, 5, 58, tzinfo=dt.UTC): "active",
        dt.datetime(2025, 1, 2, 6, 0, tzinfo=dt.UTC): "closed",
        dt.datetime(2025, 1, 2, 15, 0, tzinfo=dt.UTC): "finalized",
    }
    for moment, status in states.items():
        clock.move_to(moment)
        answer = get(server, f"/markets/{ticker}")
        assert answer.status_code == (404 if status is None else 200)
        listed = {
            word: ticker in get(server, "/markets", event_ticker=EVENTS[2], status=word).text
            for word in ("open", "settled")
        }
        assert listed == {"open": status == "active", "settled": status == "finalized"}
        if status is None:
            continue
        market = answer.json()["market"]
        assert market["status"] == status
        settled = status == "finalized"
        assert bool(market["result"]) is settled and ("settlement_ts" in market) is settled
        assert bool(market["expiration_value"]) is settled and ("settlement_value_dollars" in market) is settled


def test_open_markets_show_the_last_candle_and_only_what_was_traded(stopped):
    server, clock = stopped
    clock.move_to(NOON)
    rows = EventArchive(server.archive.folder).candles(SERIES, EVENTS[1]).to_pylist()
    markets = get(server, "/markets", event_ticker=EVENTS[1], status="open").json()["markets"]
    assert len(markets) == 6
    for market in markets:
        seen = [r for r in rows if r["market_ticker"] == market["ticker"] and r["end_period_ts"] <= NOON.timestamp()]
        assert Decimal(market["yes_bid_dollars"]) == seen[-1]["yes_bid_close"]
        assert Decimal(market["yes_ask_dollars"]) == seen[-1]["yes_ask_close"]
        assert Decimal(market["no_ask_dollars"]) == 1 - seen[-1]["yes_bid_close"]
        assert Decimal(market["volume_fp"]) == sum(r["volume"] for r in seen)
        assert len(seen) < len([r for r in rows if r["market_ticker"] == market["ticker"]])


def test_candles_runs_and_reports_come_with_the_clock(stopped):
    server, clock = stopped
    span = {"start_ts": int(NOON.timestamp()) - 7200, "end_ts": int(NOON.timestamp()) + 7200, "period_interval": 1}

    def last_candle():
        _, rows, _ = get(server, f"/series/{SERIES}/events/{EVENTS[1]}/candlesticks", **span).json().values()
        return max(row["end_period_ts"] for market in rows for row in market)

    def runs(model):
        window = {"sts": "2024-12-30T00:00Z", "ets": "2025-01-02T00:00Z"}
        lines = get(server, "/cgi-bin/request/mos.py", station="KMDW", model=model, **window).text.splitlines()[1:]
        return {line.split(",")[0] for line in lines}

    clock.move_to(NOON)
    assert NOON.timestamp() - 120 < last_candle() <= NOON.timestamp()
    clock.move_to(NOON + dt.timedelta(minutes=30))
    assert NOON.timestamp() < last_candle() <= NOON.timestamp() + 1800
    # the 12Z run of a model is public after its lag, not before
    for model, hours in (("GFS", 17), ("NAM", 16), ("NBS", 14.5)):
        public = dt.datetime(2024, 12, 31, tzinfo=dt.UTC) + dt.timedelta(hours=hours)
        clock.move_to(public - dt.timedelta(seconds=1))
        assert "2024-12-31 12:00:00" not in runs(model) and "2024-12-30 12:00:00" in runs(model)
        clock.move_to(public)
        assert "2024-12-31 12:00:00" in runs(model)
    # the report of a day is issued 35 minutes after it, and read ten minutes later
    known = dt.datetime(2024, 12, 31, 6, 45, tzinfo=dt.UTC)
    for moment, last in ((known - dt.timedelta(seconds=1), "2024-12-29"), (known, "2024-12-30")):
        clock.move_to(moment)
        assert get(server, "/json/cli.py", station="KMDW", year=2024).json()["results"][-1]["valid"] == last


def test_the_clock_is_told_by_every_answer(stopped):
    server, clock = stopped
    clock.move_to(NOON)
    assert get(server, "/exchange/status").headers["Date"] == "Tue, 31 Dec 2024 18:00:00 GMT"
    assert get(server, "/_replay/clock").json() == {"now_utc": "2024-12-31T18:00:00Z", "speed": 0}
    client = HttpClient(Endpoint(server.url_of("kalshi"), 100, 1, 5, 0))
    assert client.answered_at is None and client.no_later(MORNING) == MORNING
    client.get_json("/exchange/status")
    assert client.answered_at == NOON and client.no_later(MORNING) == NOON
    assert client.no_later(NOON - dt.timedelta(hours=1)) == NOON - dt.timedelta(hours=1)


def test_the_clock_runs_at_its_speed():
    seconds = iter([100.0, 100.0, 101.5, 102.0, 103.0, 103.0])
    clock = ServerClock(NOON, speed=60, monotonic=lambda: next(seconds))
    assert clock.moment == NOON
    assert clock.moment == NOON + dt.timedelta(seconds=90)
    clock.move_to(MORNING)
    assert clock.moment == MORNING + dt.timedelta(seconds=60)


def test_the_tiers_move_with_the_clock(archive):
    old = dt.datetime(2025, 3, 5, tzinfo=dt.UTC)
    with running_server(archive, clock=ServerClock(old, speed=0)) as server:
        assert get(server, "/historical/cutoff").json()["market_settled_ts"] == "2025-01-04T00:00:00Z"
        assert len(get(server, "/historical/markets", series_ticker=SERIES).json()["markets"]) == 24
    with running_server(archive, clock=ServerClock(NOON, speed=0), cutoff=dt.date(2026, 1, 1)) as server:
        # a border in the future is none: what is not settled is live
        assert get(server, "/historical/cutoff").json()["market_settled_ts"] == "2024-12-31T00:00:00Z"


def test_services_that_know_no_time_are_not_served(archive):
    with running_server(archive, clock=ServerClock(NOON)) as server:
        answer = requests.get(server.root + "/v8/finance/chart/SPY", timeout=60)
        assert answer.status_code == 501 and "--now" in answer.text
        assert {service for service, _ in server.served()} == {"kalshi", "iem"}


def test_a_run_stores_no_window_that_the_server_has_not_seen_whole(archive, tmp_path):
    """This machine's clock is years ahead of the server's: the service's own counts. Later the rest is asked for."""
    clock = ServerClock(NOON, speed=0)
    with running_server(archive, clock=clock) as server:
        dates = {"date_start_local": "2024-12-31", "date_end_local": "2024-12-31"}
        probabilities = {"source": "file", "path": "mine.csv"}
        desk = Desk(tmp_path / "desk", server, series_tickers=[SERIES], probabilities=probabilities, **dates)
        listed = get(server, "/markets", event_ticker=EVENTS[1]).json()["markets"]
        chances = zip((0.5, 0.1, 0.1, 0.1, 0.1, 0.1), sorted(market["ticker"] for market in listed), strict=True)
        rows = "".join(f"{ticker},2024-12-30T12:00Z,{p}\n" for p, ticker in chances)
        (desk.folder / "mine.csv").write_text(f"market_ticker,known_at_utc,p_yes\n{rows}")
        during = desk.run()
        assert during.returncode == 0, during.stderr
        assert "still open, left out as UNSETTLED" in " ".join(during.stdout.split())
        [path] = desk.candle_files()
        assert pq.read_table(path).num_rows == 0 and desk.metrics()["num_trades"] == 0
        clock.move_to(dt.datetime(2025, 1, 2, tzinfo=dt.UTC))
        after = desk.run()
        assert after.returncode == 0, after.stderr
        assert pq.read_table(path).num_rows > 1000 and desk.metrics()["num_trades"] > 0
        asked = len(server.requests)
        assert "nothing to be done" in desk.run().stdout and len(server.requests) == asked


def test_readings_of_a_day_that_is_not_over_at_the_server_are_asked_for_again(archive, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clock = ServerClock(NOON, speed=0)
    with running_server(archive, clock=clock) as server:
        endpoint = {"base_url": server.urls["iem"], "requests_per_second": 400, "max_connections": 1}
        monkeypatch.setenv(
            environment.SERVICES, json.dumps({"iem": endpoint | {"timeout_seconds": 60, "max_retries": 0}})
        )
        path = schemas.observation_path("KMDW", dt.date(2024, 12, 31))
        fetch_jobs.fetch_observations_job("KMDW", "2024-12-31", path)
        assert is_still_open(path) and pq.read_table(path).num_rows == 0
        clock.move_to(dt.datetime(2025, 1, 1, 10, 0, tzinfo=dt.UTC))
        fetch_jobs.fetch_observations_job("KMDW", "2024-12-31", path)
        assert not is_still_open(path) and pq.read_table(path).num_rows >= 24
        asked = len(server.requests)
        fetch_jobs.fetch_observations_job("KMDW", "2024-12-31", path)
        assert len(server.requests) == asked


def test_a_reading_is_served_ten_minutes_after_it_was_taken(stopped):
    server, clock = stopped
    begin = {"year1": 2024, "month1": 12, "day1": 31, "hour1": 6, "minute1": 0}
    end = {"year2": 2025, "month2": 1, "day2": 1, "hour2": 6, "minute2": 0}

    def last():
        answer = get(server, "/cgi-bin/request/asos.py", station="MDW", data="tmpf", tz="Etc/UTC", **begin, **end)
        return dt.datetime.fromisoformat(answer.text.splitlines()[-1].split(",")[1]).replace(tzinfo=dt.UTC)

    clock.move_to(NOON)
    taken = last()
    assert NOON - dt.timedelta(minutes=71) < taken <= NOON - dt.timedelta(minutes=10)
    clock.move_to(taken + dt.timedelta(minutes=70, seconds=-1))
    assert last() == taken
    clock.move_to(taken + dt.timedelta(minutes=70))
    assert last() == taken + dt.timedelta(hours=1)


@pytest.mark.parametrize("text", ["yesterday", "2025-13-01T00:00Z", ""])
def test_an_instant_that_is_none_is_refused(text):
    with pytest.raises(ConfigError, match="Write it as 2025-05-10T12:00Z"):
        instant_of(text, "--now")
    assert instant_of("2025-05-10T14:00+02:00", "--now") == dt.datetime(2025, 5, 10, 12, tzinfo=dt.UTC)
    assert instant_of("2025-05-10", "--now") == dt.datetime(2025, 5, 10, tzinfo=dt.UTC)


def test_the_command_serves_with_its_clock(archive, tmp_path):
    desk = Desk(tmp_path / "desk", None)
    command = desk.command(
        "replay", "--archive", str(archive), "--port", "0", "--now", "2024-12-31T18:00Z", "--speed", "0"
    )
    with desk.started(command, stdout=subprocess.PIPE) as process:
        line = process.stdout.readline()
        assert "as known at 2024-12-31T18:00:00Z, 0 s a second" in line and "yahoo" not in line
        url = line.split("kalshi.base_url ")[1].split()[0]
        assert len(requests.get(f"{url}/markets", params={"status": "open"}, timeout=60).json()["markets"]) == 12
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    refused = desk._call(desk.command("replay", "--archive", str(archive), "--speed", "60"))
    assert refused.returncode == 2 and "--now" in refused.stderr
