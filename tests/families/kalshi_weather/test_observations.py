"""Readings of a climate day: what the service answers, what becomes a file, and the server that answers from an archive."""

import datetime as dt
import json
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pytest

from tests.fakes.service import running_service
from tradewinds.archive.server import running_server
from tradewinds.core import environment, files
from tradewinds.core.errors import FetchError
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.archive.event_archive import (
    MARKETS,
    OBSERVATIONS,
    EventArchive,
    EventArchiveWriter,
)
from tradewinds.families.kalshi_weather.fetch import fetch_jobs, weather
from tradewinds.sources.budget import Budget
from tradewinds.sources.endpoint import Endpoint
from tradewinds.sources.http import HttpClient

CHICAGO = climate_days.station_of("KXHIGHCHI")
DAY = dt.date(2025, 5, 10)
BEGIN, END = climate_days.climate_day_bounds(CHICAGO, DAY)  # 06:00 UTC to 06:00 UTC
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HEAD = "station,valid,tmpf\n"
ROWS = "MDW,2025-05-10 06:53,61.00\nMDW,2025-05-10 20:53,75.92\nMDW,2025-05-10 21:10,M\nMDW,2025-05-11 05:53,60.08\n"


def ts(text):
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp())


@pytest.fixture
def service():
    with running_service() as running:
        yield running


def client_of(url, folder):
    budget = Budget(url, 2000, 1, folder=folder / "b")
    return HttpClient(Endpoint(url, 2000, 1, 5, 1), texts=weather.TEXTS, budget=budget, sleep=lambda s: None)


def fetched(service, tmp_path, body, status=200):
    service.answer(weather.ASOS, (status, {"Content-Type": "text/plain"}, body.encode()))
    return weather.fetch_observations(client_of(service.url, tmp_path), CHICAGO, DAY, NOW)


def test_a_request_is_a_climate_day_and_a_reading_is_known_ten_minutes_later(service, tmp_path):
    outside = "MDW,2025-05-10 05:53,99.00\nMDW,2025-05-11 06:00,99.00\n"
    table, meta = fetched(service, tmp_path, HEAD + ROWS + outside)
    assert table.schema.equals(schemas.OBSERVATIONS)
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("KMDW", ts(at), tmp, ts(at) + 600)
        for at, tmp in (("2025-05-10T06:53", 61.0), ("2025-05-10T20:53", 75.92), ("2025-05-11T05:53", 60.08))
    ]
    assert meta == {"rows": 3, "from_ts": BEGIN, "to_ts": END, "is_over": True, "requests": 1}
    [(_, path, _)] = service.seen
    query = {key: value for key, [value] in parse_qs(urlsplit(path).query).items()}
    moments = [int(query[name + number]) for number in "12" for name in ("year", "month", "day", "hour", "minute")]
    assert moments == [2025, 5, 10, 6, 0, 2025, 5, 11, 6, 0]
    assert (query["station"], query["data"], query["tz"], query["report_type"]) == ("MDW", "tmpf", "Etc/UTC", "3,4")


def test_a_day_without_a_reading_is_an_answer_that_says_so(service, tmp_path):
    table, meta = fetched(service, tmp_path, HEAD)
    assert table.num_rows == 0 and meta["reason"] == "NO_OBSERVATIONS"


@pytest.mark.parametrize(
    "body",
    [
        "Too many requests from your IP address, slow down.",
        "<html>moved</html>",
        "station,valid\nMDW,2025-05-10 06:53\n",
        HEAD + "ORD,2025-05-10 06:53,61.00\n",
        HEAD + "MDW,yesterday,61.00\n",
        HEAD + "MDW,2025-05-10 06:53,1e9\n",
        HEAD + "MDW,2025-05-10 06:53,warm\n",
        HEAD + "MDW,2025-05-10 06:53,999.00\n",
    ],
)
def test_what_is_no_table_of_readings_does_not_become_data(service, tmp_path, body):
    with pytest.raises(FetchError):
        fetched(service, tmp_path, body)


def test_a_job_makes_one_file_and_one_without_rows_of_a_day_that_is_not_over(service, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = {"base_url": service.url, "requests_per_second": 500, "max_connections": 1}
    services = {"iem": settings | {"timeout_seconds": 60, "max_retries": 0}}
    monkeypatch.setenv(environment.SERVICES, json.dumps(services))
    monkeypatch.setenv(environment.FETCH, "auto")
    service.answer(weather.ASOS, (200, {"Content-Type": "text/plain"}, (HEAD + ROWS).encode()))
    path = schemas.observation_path("KMDW", DAY)
    fetch_jobs.fetch_observations_job("KMDW", DAY.isoformat(), path)
    meta = files.read_meta(path)
    assert (meta["station_id"], meta["climate_date"], meta["rows"]) == ("KMDW", "2025-05-10", 3)
    fetch_jobs.fetch_observations_job("KMDW", DAY.isoformat(), path)
    assert len(service.seen) == 1, "what is there is not asked for again"
    monkeypatch.setattr(fetch_jobs, "utc_now", lambda: dt.datetime.fromtimestamp(END + 3 * 3600 - 1, dt.UTC))
    fetch_jobs.fetch_observations_job("KMDW", DAY.isoformat(), "other.parquet")
    meta = files.read_meta("other.parquet")
    assert (meta["reason"], len(service.seen)) == ("STILL_OPEN", 1), "it stands for readings that are asked for later"
    with pytest.raises(FetchError, match="are not all in before 2025-05-11 09:00 UTC"):
        weather.refuse_running_day(climate_days.station_of("KXHIGHCHI"), DAY, fetch_jobs.utc_now())


def test_the_archive_answers_as_the_service_does(tmp_path):
    """What is written into an archive comes back through its server: the rows of the climate day, to the second."""
    rows = [
        {"station_id": "KMDW", "valid_ts": at, "tmp_f": tmp}
        for at, tmp in ((BEGIN - 420, 50.0), (BEGIN, 51.08), (END - 420, 60.8), (END, 61.0))
    ]
    writer = EventArchiveWriter(tmp_path / "archive", note="made for a test")
    writer.add_observations(pa.Table.from_pylist(rows, OBSERVATIONS))
    for add in (writer.add_series, writer.add_events):
        add([])
    writer.add_markets(pa.Table.from_pylist([], MARKETS))
    assert EventArchive(tmp_path / "archive").observations("KMDW").num_rows == 4
    with running_server(tmp_path / "archive") as server:
        client = client_of(server.urls["iem"], tmp_path)
        table, _ = weather.fetch_observations(client, CHICAGO, DAY, NOW)
        assert [tuple(row.values())[1:3] for row in table.to_pylist()] == [(BEGIN, 51.08), (END - 420, 60.8)]
        nowhere = climate_days.station_of("KXHIGHNY")
        assert weather.fetch_observations(client, nowhere, DAY, NOW)[1]["reason"] == "NO_OBSERVATIONS"
        with pytest.raises(FetchError, match="422"):
            client.get_text(weather.ASOS, {"station": "MDW", "data": "tmpf", "tz": "Etc/UTC", "year1": 2025})
