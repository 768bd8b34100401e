"""The weather service, answer by answer as shared/facts/iem-api.md has them; what it never says must not become data."""

import datetime as dt
import json
import math
import re
import tempfile
from urllib.parse import parse_qs, urlsplit

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.service import running_service
from tradewinds.core import environment, files
from tradewinds.core.errors import ConfigError, DataMissing, FetchError
from tradewinds.families.kalshi_weather import climate_days, missing_guidance, schemas
from tradewinds.families.kalshi_weather.fetch import fetch_jobs, weather
from tradewinds.sources.budget import Budget
from tradewinds.sources.endpoint import Endpoint
from tradewinds.sources.http import HttpClient

CHICAGO = climate_days.station_of("KXHIGHCHI")
LOS_ANGELES = climate_days.station_of("KXHIGHLAX")
DES_MOINES = CHICAGO._replace(station_id="KDSM")
NEW_YORK = climate_days.station_of("KXHIGHNY")
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
THROTTLED = "Too many requests from your IP address, slow down."
OOPS = "Oopsy, something failed on our end, but fear not.\n"


def ts(text):
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp())


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))  # where jobs keep the request budget


@pytest.fixture
def service():
    with running_service() as running:
        yield running


@pytest.fixture
def client(service, tmp_path):
    budget = Budget(service.url, 2000, 1, folder=tmp_path / "b")
    return HttpClient(Endpoint(service.url, 2000, 1, 5, 1), texts=weather.TEXTS, budget=budget, sleep=lambda s: None)


def text(body, status=200):
    return status, {"Content-Type": "text/plain"}, body.encode()


HEAD = "runtime,ftime,model,n_x,tmp,dpt"
GFS = f"""{HEAD}
2024-08-02 00:00:00,2024-08-03 00:00:00,GFS,89,86,71
2024-08-02 00:00:00,2024-08-02 21:00:00,GFS,,88,72
2024-08-02 00:00:00,2024-08-03 12:00:00,AVN,64.0,66.0,
2024-08-01 00:00:00,2024-08-02 00:00:00,GFS,-7,,
"""
NBS = """runtime,ftime,model,tmp,txn,xnd,station
2025-03-14 13:00:00,2025-03-16 00:00:00,NBS,73,79.0,2.0,KAUS
2025-03-14 13:00:00,2025-03-16 03:00:00,NBS,70,,,KAUS
"""


def guidance(service, client, *bodies, station="KMDW", model="GFS", year=2024):
    service.answer(weather.MOS, *map(text, bodies))
    return weather.fetch_guidance(client, station, model, year, NOW, None, None)


def test_guidance_is_the_rows_with_an_extreme_or_a_temperature_in_order(service, client):
    table, meta = guidance(service, client, GFS)
    assert table.schema.equals(schemas.guidance_schema("GFS")) and "n_x_sd_f" not in table.column_names
    day1, day2, day3, noon3 = map(ts, ("2024-08-01", "2024-08-02", "2024-08-03", "2024-08-03T12:00"))
    rows = table.to_pylist()
    nine = rows.pop(1)
    assert math.isnan(nine["n_x_f"]) and (nine["ftime_ts"], nine["tmp_f"]) == (ts("2024-08-02T21:00"), 88.0)
    assert [tuple(row.values()) for row in rows] == [
        ("KMDW", "GFS", day1, day2, -7.0, None, day1 + 5 * 3600),
        ("KMDW", "GFS", day2, day3, 89.0, 86.0, day2 + 5 * 3600),
        (
            "KMDW",
            "GFS",
            day2,
            noon3,
            64.0,
            66.0,
            day2 + 5 * 3600,
        ),  # the predecessor's rows count as well
    ]
    assert meta == {"rows": 4, "covers_through": "2024-12-31", "requests": 1}


def test_the_blend_names_its_extreme_txn_and_a_request_is_a_year_with_zones(service, client):
    table, _ = guidance(service, client, NBS, station="KAUS", model="NBS", year=2025)
    assert table["n_x_f"].to_pylist() == [79.0, pytest.approx(math.nan, nan_ok=True)]
    assert table["tmp_f"].to_pylist() == [73.0, 70.0]
    assert table["n_x_sd_f"].to_pylist() == [2.0, None] and table.schema.equals(schemas.GUIDANCE)
    assert table["known_at_ts"].to_pylist() == [ts("2025-03-14T15:30")] * 2, "two and a half hours after the run"
    assert table["runtime_ts"].to_pylist() == [ts("2025-03-14T13:00")] * 2
    [(_, path, _)] = service.seen
    query = {key: value for key, [value] in parse_qs(urlsplit(path).query).items()}
    assert query.pop("sts") == "2025-01-01T00:00Z" and query.pop("ets") == "2025-12-31T23:59Z"
    assert query == {"station": "KAUS", "model": "NBS", "format": "csv"}


@pytest.mark.parametrize("sentinel", ["999", "998.0", "-99", "-98", "nan", ""])
def test_sentinels_are_no_temperatures(service, client, sentinel):
    line = "2024-08-02 00:00:00,2024-08-03 00:00:00,GFS"
    table, _ = guidance(
        service, client, f"{GFS}{line},{sentinel},70,\n".replace("08-03 00:00:00,GFS,89", "08-04 00:00:00,GFS,89")
    )
    [row] = [row for row in table.to_pylist() if row["ftime_ts"] == ts("2024-08-03")]
    assert math.isnan(row["n_x_f"]) and row["tmp_f"] == 70 and table.num_rows == 5


def test_a_line_that_says_nothing_is_no_row(service, client):
    assert guidance(service, client, f"{GFS}2024-08-02 00:00:00,2024-08-04 12:00:00,GFS,,999,\n")[0].num_rows == 4


def test_bulletins_stored_twice_are_one_row(service, client):
    assert guidance(service, client, GFS + GFS.split("\n", 1)[1])[0].num_rows == 4


def test_an_empty_answer_is_no_coverage(service, client):
    with pytest.raises(FetchError, match=r"no guidance of GFS for KMDW in 2024\. Leave the model out"):
        guidance(service, client, HEAD + "\n")
    with pytest.raises(FetchError, match="no climate reports of KDSM in 2024"):
        climate(service, client)


@pytest.mark.parametrize("sentinel", ["999", "998.0", "-99", "-1", "nan", ""])
def test_a_sentinel_is_no_spread(service, client, sentinel):
    table, _ = guidance(
        service, client, NBS.replace("79.0,2.0", f"79.0,{sentinel}"), station="KAUS", model="NBS", year=2025
    )
    assert table["n_x_f"].to_pylist()[0] == 79.0 and table["n_x_sd_f"].to_pylist() == [None, None]


def test_a_file_of_an_earlier_version_goes_on_without_its_spreads(service, client):
    """Files of the blend that have no column of spreads are continued, not fetched anew."""
    spring = dt.datetime(2025, 3, 20, tzinfo=dt.UTC)
    old, _ = guidance(service, client, NBS, station="KAUS", model="NBS", year=2025)
    service.queue[weather.MOS] = [text(NBS.replace("03-1", "04-1"))]
    table, _ = weather.fetch_guidance(
        client, "KAUS", "NBS", 2025, spring + dt.timedelta(days=40), old.drop_columns("n_x_sd_f"), "2025-03-19"
    )
    assert table["n_x_sd_f"].to_pylist() == [None, None, 2.0, None] and "sts=2025-03-17" in service.seen[-1][1]


def test_a_running_year_goes_on_from_the_date_it_reaches(service, client):
    summer = dt.datetime(2024, 8, 2, 12, tzinfo=dt.UTC)
    service.answer(weather.MOS, text(GFS), text(f"{HEAD}\n{LINE.replace('08-0', '09-0')}{LINE.replace('89', '90')}"))
    first, meta = weather.fetch_guidance(client, "KMDW", "GFS", 2024, summer, None, None)
    assert meta["covers_through"] == "2024-08-01", "the day of asking is not over"
    autumn = summer + dt.timedelta(days=60)
    second, meta = weather.fetch_guidance(client, "KMDW", "GFS", 2024, autumn, first, "2024-08-01")
    assert "sts=2024-07-30T00%3A00Z" in service.seen[-1][1]
    extremes = [value for value in second["n_x_f"].to_pylist() if not math.isnan(value)]
    assert extremes == [-7, 90, 64, 89], "what came again replaces, the rest stays"
    assert meta["covers_through"] == "2024-09-30"


def test_reports_of_a_running_year_reach_to_the_last_final_one(service, client):
    now = dt.datetime(2024, 4, 10, 12, tzinfo=dt.UTC)
    early = report(valid="2024-04-10", product="202404102133-KDMX-CDUS43-CLIDSM")
    service.json(weather.CLI, {"results": [report(), early]}, {"results": [early]}, {"results": [early]})
    first, meta = weather.fetch_climate(client, DES_MOINES, 2024, now, None)
    assert meta["covers_through"] == "2024-04-09", "a preliminary report does not count"
    second, meta = weather.fetch_climate(client, DES_MOINES, 2024, now, first)
    assert second.equals(first), "a day that the service forgets stays"
    _, meta = weather.fetch_climate(client, DES_MOINES, 2024, now + dt.timedelta(days=40), first)
    assert meta["covers_through"] == "2024-05-10", "nobody waits for older reports"


LINE = "2024-08-02 00:00:00,2024-08-03 00:00:00,GFS,89,86,71\n"
GOOD = f"{HEAD}\n{LINE}"


NO_TABLE = ["", "[]", OOPS, "runtime,model,n_x\n2024-08-02 00:00:00,GFS,89\n", THROTTLED]
BAD_LINES = ["2024-08-02 00:00:00\n", OOPS, LINE.replace("89", "warm"), LINE.replace("2024-08-03", "17226432"), HEAD]
REFUSALS = [text("Missing sts and/or ets", 422), text("not here", 404)]


@pytest.mark.slow
@pytest.mark.parametrize("answer", [*map(text, NO_TABLE), *(text(GOOD + line) for line in BAD_LINES), *REFUSALS])
def test_what_is_no_guidance_names_the_request(service, client, answer):
    service.answer(weather.MOS, answer)
    with pytest.raises(FetchError, match=re.escape(weather.MOS)) as caught:
        weather.fetch_guidance(client, "KMDW", "GFS", 2024, NOW, None, None)
    assert caught.value.exit_code == 4


APRIL_9 = dt.date(2024, 4, 9)


def report(**changes):
    row = {"station": "KDSM", "valid": "2024-04-09", "product": "202404100633-KDMX-CDUS43-CLIDSM", "high": 68}
    return row | {"low": 38, "high_time": "342 PM", "high_record_years": [1977], "precip": 0.0, "snow": "T"} | changes


def climate(service, client, *reports, station=DES_MOINES, year=2024):
    service.json(weather.CLI, {"results": list(reports), "generated_at": "2026-07-25T00:00:00Z"})
    return weather.fetch_climate(client, station, year, NOW, None)


def test_climate_reports_are_read_with_their_issue_time(service, client):
    later = report(valid="2024-04-10", product="202404110633-KDMX-CDUS43-CLIDSM-CCA", high="M", low=-2)
    table, meta = climate(service, client, later, report())
    assert table.schema.equals(schemas.CLIMATE) and meta == {"rows": 2, "covers_through": "2024-12-31", "requests": 1}
    first, second = table.to_pylist()
    assert (first["station_id"], first["climate_date"], first["high_f"], first["low_f"]) == ("KDSM", APRIL_9, 68, 38)
    assert (first["product"], first["issued_ts"]) == ("202404100633-KDMX-CDUS43-CLIDSM", ts("2024-04-10T06:33"))
    assert first["final"] is True and first["known_at_ts"] == ts("2024-04-10T06:43"), "ten minutes to arrive"
    assert (second["high_f"], second["low_f"]) == (None, -2), "a missing value is none, a report of it remains"
    assert parse_qs(urlsplit(service.seen[0][1]).query) == {"station": ["KDSM"], "year": ["2024"]}


@pytest.mark.parametrize(
    ("station", "valid", "product", "final"),
    [
        (CHICAGO, "2026-06-15", "202606152149-KLOT-CDUS43-CLIMDW", False),  # the recorded preliminary of 4:49 pm
        (CHICAGO, "2026-05-12", "202605130632-KLOT-CDUS43-CLIMDW", True),
        (NEW_YORK, "2025-04-01", "202504020619-KOKX-CDUS41-CLINYC", True),
        (LOS_ANGELES, "2026-06-15", "202606160030-KLOX-CDUS46-CLILAX", False),  # the next day in UTC, not in Pacific
        (CHICAGO, "2026-06-15", "202606160559-KLOT-CDUS43-CLIMDW", False),  # 00:59 of the next day, in daylight time
        (CHICAGO, "2026-06-15", "202606160600-KLOT-CDUS43-CLIMDW", True),  # midnight of local standard time
    ],
)
def test_a_report_issued_on_its_own_day_is_preliminary(service, client, station, valid, product, final):
    year = int(valid[:4])
    made = report(valid=valid, product=product, station=station.station_id)
    table, _ = climate(service, client, made, station=station, year=year)
    assert table["final"].to_pylist() == [final]


WRONG_PAYLOADS = [[], {"detail": "x"}, {"results": None}, {"results": {}}, {"results": ["row"]}]
WRONG_FIELDS = [{"valid": "2019-04-09"}, {"valid": "09.04.2024"}]  # asked without a year, the service answers 2019
WRONG_FIELDS += [
    {"station": "KORD"},
    {"product": None},
    {"product": "CLIDSM"},
    {"high": "T"},
    {"high": 68.9},
    {"low": [38]},
]


@pytest.mark.parametrize("payload", [*WRONG_PAYLOADS, *({"results": [report(**wrong)]} for wrong in WRONG_FIELDS)])
def test_what_is_no_list_of_reports_names_the_request(service, client, payload):
    service.json(weather.CLI, payload)
    with pytest.raises(FetchError, match=re.escape(f"{service.url}{weather.CLI}: the answer is not what it should be")):
        weather.fetch_climate(client, DES_MOINES, 2024, NOW, None)


def test_the_copy_of_a_refused_answer_is_the_answer(service, client, tmp_path):
    service.json(weather.CLI, {"results": [report(product=None)]})
    with pytest.raises(FetchError) as caught:
        weather.fetch_climate(client, DES_MOINES, 2024, NOW, None)
    [copy] = (tmp_path / "data/failed_responses").iterdir()
    assert copy.name in str(caught.value) and json.loads(copy.read_text())["results"][0]["high"] == 68


def job_environment(monkeypatch, service, allowed="auto"):
    settings = {"base_url": service.url, "requests_per_second": 500, "max_connections": 1}
    services = {"iem": settings | {"timeout_seconds": 600, "max_retries": 0}}
    monkeypatch.setenv(environment.SERVICES, json.dumps(services))
    monkeypatch.setenv(environment.FETCH, allowed)
    (service.queue[weather.MOS], service.queue[weather.CLI]) = (
        [text(GFS)],
        [text(json.dumps({"results": [report(station="KMDW")]}))],
    )


def test_weather_jobs_write_a_file_that_says_where_it_came_from(service, monkeypatch):
    job_environment(monkeypatch, service)
    fetch_jobs.fetch_guidance_job("KMDW", "GFS", 2024, "2024-08-01", "g.parquet")
    fetch_jobs.fetch_climate_job("KMDW", 2024, "2024-08-01", "c.parquet")
    for path, rows, extra in (("g.parquet", 4, {"model": "GFS"}), ("c.parquet", 1, {})):
        meta = files.read_meta(path)
        age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(meta.pop("retrieved_at"))
        assert dt.timedelta() <= age < dt.timedelta(minutes=5)
        known = {"station_id": "KMDW", "year": 2024, "rows": rows, "requests": 1}
        known |= {"asked_through": "2024-08-01", "covers_through": "2024-12-31"}
        assert meta == known | extra and pq.read_table(path).num_rows == rows


def job_of_the_blend(monkeypatch, service, word, *answers):
    job_environment(monkeypatch, service)
    monkeypatch.setenv(environment.ON_MISSING, json.dumps({} if word is None else {"guidance": word}))
    service.queue[weather.MOS] = [text(answer) for answer in answers]
    fetch_jobs.fetch_guidance_job("KAUS", "NBS", 2025, "2025-12-31", "n.parquet")


EMPTY = f"{HEAD}\n"


def test_a_year_that_the_service_does_not_have_is_a_file_that_says_so_where_the_model_may_be_missing(
    service, monkeypatch
):
    job_of_the_blend(monkeypatch, service, None, EMPTY)
    assert files.read_meta("n.parquet")["reason"] == "NOT_ARCHIVED" and files.read_table("n.parquet").num_rows == 0
    assert missing_guidance.is_not_archived("n.parquet")
    job_environment(monkeypatch, service)
    service.queue[weather.MOS] = [text(EMPTY)]
    with pytest.raises(FetchError, match="no guidance of GFS"):
        fetch_jobs.fetch_guidance_job("KAUS", "GFS", 2025, "2025-12-31", "g.parquet")


def test_what_was_missing_is_asked_for_from_new_year_on_where_the_config_wants_it(service, monkeypatch):
    job_of_the_blend(monkeypatch, service, "skip", EMPTY)
    with pytest.raises(FetchError, match="no guidance of NBS for KAUS in 2025"):
        job_of_the_blend(monkeypatch, service, "fail", EMPTY)
    job_of_the_blend(monkeypatch, service, "fail", NBS)
    assert "sts=2025-01-01T00%3A00Z" in service.seen[-1][1]
    assert "reason" not in files.read_meta("n.parquet") and not missing_guidance.is_not_archived("n.parquet")


@given(st.sampled_from([None, "skip", "fail"]), st.sampled_from(["GFS", "NAM", "MEX", "NBS", "NBE"]))
def test_which_models_may_be_missing(word, model):
    section = {} if word is None else {"guidance": word}
    assert missing_guidance.may_be_missing(section, model) == (word == "skip" or (word is None and model == "NBS"))


def test_a_station_without_any_guidance_is_no_climatology(service, monkeypatch):
    job_of_the_blend(monkeypatch, service, None, EMPTY)
    alone = {("NBS", 2025): "n.parquet"}
    with pytest.raises(FetchError, match="no guidance of NBS for KAUS in 2025"):
        missing_guidance.refuse_none("KAUS", alone, {})
    missing_guidance.refuse_none("KAUS", alone, {"guidance": "skip"})
    job_environment(monkeypatch, service)
    fetch_jobs.fetch_guidance_job("KMDW", "GFS", 2024, "2024-08-01", "g.parquet")
    missing_guidance.refuse_none("KAUS", alone | {("GFS", 2025): "g.parquet"}, {})


def test_a_weather_job_that_may_not_or_cannot_leaves_no_file(service, monkeypatch, tmp_path):
    with pytest.raises(ConfigError, match="TRADEWINDS_SERVICES is not set"):
        fetch_jobs.fetch_guidance_job("KMDW", "GFS", 2024, "2024-08-01", "out.parquet")
    job_environment(monkeypatch, service, allowed="never")
    with pytest.raises(DataMissing, match="fetching is off"):
        fetch_jobs.fetch_climate_job("KMDW", 2024, "2024-08-01", "out.parquet")
    job_environment(monkeypatch, service)
    with pytest.raises(ConfigError, match="no series settles on station KORD"):
        fetch_jobs.fetch_climate_job("KORD", 2024, "2024-08-01", "out.parquet")
    assert not service.seen, "no connection was opened so far"
    with pytest.raises(FetchError, match="asked for 2025, got 2024-04-09"):
        fetch_jobs.fetch_climate_job("KMDW", 2025, "2025-08-01", "out.parquet")
    assert service.seen and not list(tmp_path.glob("**/*.parquet*"))
