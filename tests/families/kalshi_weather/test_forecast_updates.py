"""The project's own forecast from instant to instant: each run from when it is public, readings, and the table that follows."""

import datetime as dt
import math
import random

import pyarrow as pa
import pytest

from tradewinds.core.files import write_parquet
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.forecasts import event_laws, forecast_files
from tradewinds.families.kalshi_weather.forecasts.current_forecast import (
    NO_COURSE,
    NO_READINGS,
    CurrentForecasts,
    forecast_at,
    readings_of,
)
from tradewinds.families.kalshi_weather.forecasts.forecast_updates import make_updates

CHI = climate_days.station_of("KXHIGHCHI")
DAY = dt.date(2025, 5, 10)
BEGIN, END = climate_days.climate_day_bounds(CHI, DAY)
HOUR = 3600
POLICY = {"mode": "latest", "local_time": "23:00", "days_before": 1}
SECTION = {
    **{"source": "gaussian", "models": ["GFS", "NAM"], "emos_days": None, "trailing_days": 60, "min_days": 20},
    **{"publication_lag_hours": None, "sigma_floor_f": 0.5},
}


def midnight(day):
    return int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())


def weather(days=260):
    """Guidance of two models, four runs and two runs a day, with temperatures every three hours; reports the next morning."""
    rng, guidance, reports = random.Random(3), [], []
    for day in climate_days.date_range(DAY - dt.timedelta(days=days), DAY):
        truth, at = rng.gauss(70, 8), midnight(day)
        for model, befores, error in (("GFS", (36, 30, 24, 18), 2.0), ("NAM", (36, 24), 2.5)):
            for before in befores:
                runtime = at + 24 * HOUR - before * HOUR
                lag = int(schemas.PUBLICATION_LAG_HOURS[model] * HOUR)
                seen = round(truth + rng.gauss(1, error * (0.4 + before / 60)))
                common = {"station_id": "KMDW", "model": model, "runtime_ts": runtime, "known_at_ts": runtime + lag}
                guidance.append(
                    common | {"ftime_ts": at + 24 * HOUR, "n_x_f": float(seen), "tmp_f": None, "n_x_sd_f": None}
                )
                for hour in range(9, 31, 3):
                    tmp = round(seen - abs(hour - 21) * 1.5)
                    hourly = {"ftime_ts": at + hour * HOUR, "n_x_f": math.nan, "tmp_f": float(tmp), "n_x_sd_f": None}
                    if hour != 24:
                        guidance.append(common | hourly)
        issued = at + 31 * HOUR
        report = {"station_id": "KMDW", "climate_date": day, "high_f": round(truth), "low_f": 40, "issued_ts": issued}
        reports.append(report | {"product": "x", "final": True, "known_at_ts": issued + 600})
    return pa.Table.from_pylist(guidance, schemas.GUIDANCE), pa.Table.from_pylist(reports, schemas.CLIMATE)


@pytest.fixture(scope="module")
def tables():
    return weather()


def at(tables, now_ts, observations=None):
    guidance, climate = tables
    return forecast_at(SECTION, CHI, DAY, now_ts, guidance=guidance, climate=climate, observations=observations)


def observed(*hours_and_tmp):
    rows = [
        {"station_id": "KMDW", "valid_ts": BEGIN + h * HOUR - 420, "tmp_f": tmp, "known_at_ts": BEGIN + h * HOUR + 180}
        for h, tmp in hours_and_tmp
    ]
    return pa.Table.from_pylist(rows, schemas.OBSERVATIONS)


def updates(tables, tmp_path):
    paths = [str(tmp_path / name) for name in ("g.parquet", "c.parquet")]
    for path, table in zip(paths, tables, strict=True):
        write_parquet(path, table, {})
    conf = {"asof_policy": POLICY, "probabilities": SECTION}
    return make_updates(conf, CHI, paths[:1], paths[1:], [DAY]).to_pylist(), conf, paths


def test_a_row_for_the_asof_time_and_one_for_every_run_that_becomes_public(tables, tmp_path):
    rows, conf, paths = updates(tables, tmp_path)
    # 23:00 in Chicago is 04:00 UTC, when NAM of 00Z is public; then GFS of 00Z at 05:00 and of 06Z at 11:00
    at_utc = [dt.datetime.fromtimestamp(row["asof_ts"], dt.UTC).strftime("%d %H:%M") for row in rows]
    assert at_utc == ["10 04:00", "10 05:00", "10 11:00"]
    assert [row["known_at_ts"] for row in rows] == [row["asof_ts"] for row in rows]
    assert {row["method"] for row in rows} == {"emos"}
    [fixed] = forecast_files.make_forecasts(conf, CHI, paths[:1], paths[1:], [DAY]).to_pylist()
    assert {name: rows[0][name] for name in fixed} == fixed, "at the as-of time it is the forecast of mode fixed"
    assert rows[0]["mu_f"] != rows[1]["mu_f"] != rows[2]["mu_f"]


def test_every_row_is_what_is_forecast_at_its_instant(tables, tmp_path):
    rows, _, _ = updates(tables, tmp_path)
    for row in rows[1:]:
        found = at(tables, row["asof_ts"])
        assert (round(found.mu_f, 6), round(found.sigma_f, 6)) == (row["mu_f"], row["sigma_f"])
        assert found.known_at_ts == row["known_at_ts"] and found.reasons == ()


def test_nothing_that_becomes_public_later_counts(tables):
    guidance, climate = tables
    for now_ts in (BEGIN - 2 * HOUR, BEGIN + 5 * HOUR - 1, BEGIN + 5 * HOUR):
        early = [table.filter(pa.compute.less_equal(table["known_at_ts"], now_ts)) for table in (guidance, climate)]
        honest = forecast_at(SECTION, CHI, DAY, now_ts, guidance=early[0], climate=early[1], observations=observed())
        full = at(tables, now_ts, observed((8, 90.0), (20, 99.0)) if now_ts < BEGIN + 8 * HOUR else observed())
        assert (full.daily.distributions, full.running, full.inputs) == (
            honest.daily.distributions,
            None,
            honest.inputs,
        )


def test_inputs_say_when_they_became_public(tables):
    found = at(tables, BEGIN + 15 * HOUR, observed((13, 70.0), (14, 72.0)))
    by_name = {one.name: one for one in found.inputs}
    assert set(by_name) == {"GFS", "NAM", "climate reports", "observations"}
    assert by_name["GFS"].known_at_ts == BEGIN + 5 * HOUR and by_name["GFS"].made_at_ts == BEGIN
    assert by_name["observations"].age_seconds(found.now_ts) == HOUR - 180
    assert by_name["observations"].value_f == 72 == found.running.reached_f
    assert found.known_at_ts == BEGIN + 14 * HOUR + 180
    # the bracket below what was reached is out
    assert found.probability((None, 71)) == 0 < found.probability((72, None))


def test_what_is_missing_has_its_reason(tables):
    guidance, climate = tables
    without = guidance.filter(pa.compute.equal(guidance["model"], "GFS"))
    settings = {**SECTION, "models": ["GFS", "NAM"]}
    found = forecast_at(
        settings, CHI, DAY, BEGIN + 12 * HOUR, guidance=without, climate=climate, observations=observed()
    )
    assert found.reasons == ("MODEL_MISSING:NAM", NO_READINGS)
    bare = without.filter(pa.compute.is_null(without["tmp_f"]))
    seen = forecast_at(
        settings, CHI, DAY, BEGIN + 12 * HOUR, guidance=bare, climate=climate, observations=observed((11, 70.0))
    )
    assert seen.reasons == ("MODEL_MISSING:NAM", NO_COURSE)
    nothing = schemas.GUIDANCE.empty_table(), schemas.CLIMATE.empty_table()
    none = at(nothing, BEGIN + 12 * HOUR, observed((11, 70.0)))
    assert none.law is None and none.probability((70, 71)) is None and "NO_HISTORY" in none.reasons[0]
    over = at(nothing, END + HOUR, observed((11, 70.0), (24, 60.0)))
    assert over.probability((70, 71)) > 0.99


def test_laws_follow_updates_and_readings(tables, tmp_path):
    rows, _, _ = updates(tables, tmp_path)
    readings = readings_of(observed((14, 60.0), (15, 80.0), (24, 60.0)))
    laws = event_laws.of_updates(CHI, DAY, rows, readings, END, 0.5)
    instants = [
        rows[0]["asof_ts"],
        *(row["asof_ts"] for row in rows[1:]),
        BEGIN + 14 * HOUR + 180,
        BEGIN + 15 * HOUR + 180,
    ]
    assert [law.known_at_ts for law in laws] == instants, "what becomes known when trading is over does not count"
    assert [law.columns.get("reached_f") for law in laws] == [None, None, None, 60, 80]
    assert laws[-1].law.cdf(79.5) == 0
    # the warmest hour of the guidance is 21 UTC, 15 hours after the day's begin: until then nothing is lost
    assert [law.columns.get("short_f") for law in laws[-2:]] == [0, 0]


def test_one_history_serves_many_days(tables):
    guidance, climate = tables
    forecasts = CurrentForecasts(SECTION, CHI, guidance, climate)
    days = climate_days.date_range(DAY - dt.timedelta(days=3), DAY)
    alone = [forecasts.daily(day, climate_days.climate_day_bounds(CHI, day)[0] + 5 * HOUR) for day in days]
    forecasts.prepare(5 * HOUR, days[0], days[-1])
    together = [forecasts.daily(day, climate_days.climate_day_bounds(CHI, day)[0] + 5 * HOUR) for day in days]
    assert [one.distributions for one in alone] == [one.distributions for one in together]
