"""The probabilities of a run: a market that cannot be read gets none, its event is left out, and the others are replayed."""

import datetime as dt

import pyarrow as pa
import pytest

from tests.families.kalshi_weather.test_validations import DAYS, EVENTS, FIRST, SERIES, STATION, Month, failed
from tradewinds.core import files
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.forecasts.market_probabilities import forecast_probabilities

HOUR = 3600
FORECAST = {"source": "gaussian", "models": ["GFS"], "trailing_days": 8, "min_days": 3}
UNREADABLE = {"strike_type": None, "floor_strike": None, "cap_strike": None, "yes_sub_title": "a warm day"}


def weather(folder):
    """Guidance of 51 °F for every day, and reports that miss it by a degree or hit it."""
    guidance, climate = [], []
    for day in climate_days.date_range(DAYS[0] - dt.timedelta(days=10), DAYS[-1]):
        midnight = int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())
        about = {"station_id": STATION.station_id, "known_at_ts": midnight - 6 * HOUR}
        run = {"model": "GFS", "runtime_ts": midnight - 12 * HOUR, "ftime_ts": midnight + 24 * HOUR}
        guidance.append(about | run | {"n_x_f": 51.0, "tmp_f": None})
        report = {"climate_date": day, "high_f": 50 + day.day % 2, "low_f": 30, "product": "made", "final": True}
        climate.append(about | report | {"issued_ts": 0, "known_at_ts": midnight + 31 * HOUR})
    paths = str(folder / "guidance.parquet"), str(folder / "reports.parquet")
    for path, rows, schema in zip(paths, (guidance, climate), (schemas.GUIDANCE, schemas.CLIMATE), strict=True):
        files.write_parquet(path, pa.Table.from_pylist(rows, schema), {})
    return paths


def forecast(month):
    """Make the month's probabilities by the forecast; their metadata."""
    catalog = str(month.folder / "listed.parquet")
    rows = [market for day in DAYS for market in month.markets[day]]
    files.write_parquet(catalog, pa.Table.from_pylist(rows, schemas.CATALOG), {})
    guidance, climate = ({STATION.station_id: [path]} for path in weather(month.folder))
    table, meta = forecast_probabilities(month.conf, {SERIES: catalog}, guidance, climate)
    for day in DAYS:
        month.known[day] = [row for row in table.to_pylist() if row["climate_date"] == day]
    return meta


@pytest.mark.parametrize(
    ("unread", "reason", "without"),
    [
        ((0,), "VALIDATION:strikes_tile", {}),
        ((0, 2), "VALIDATION:strikes_tile", {}),
        ((0, 1, 2), "MISSING_PROBABILITIES", {FIRST: "UNREADABLE_STRIKES"}),
    ],
)
def test_unreadable_strikes_cost_their_event_and_no_other(tmp_path, caplog, unread, reason, without):
    month = Month(tmp_path, probabilities=FORECAST)
    for index in unread:
        month.set("markets", index, **UNREADABLE)
    meta = forecast(month)
    problem = "no strikes, and 'a warm day' does not name a range of degrees"
    tickers = sorted(month.markets[DAYS[0]][index]["market_ticker"] for index in unread)
    assert meta["markets_without"] == dict.fromkeys(tickers, problem) and meta["events_without"] == without
    assert [record.getMessage() for record in caplog.records] == [f"{t} has no probability: {problem}" for t in tickers]
    result = month.simulate()
    assert result.skipped == [(FIRST, reason)]
    assert {trade.event_ticker for trade in result.trades} == {EVENTS[1]}, "the other event is replayed"


def test_where_strikes_only_warn_the_readable_markets_are_replayed(tmp_path):
    month = Month(tmp_path, probabilities=FORECAST, on_missing={"validation": {"strikes_tile": "warn"}})
    month.set("markets", 0, **UNREADABLE)
    forecast(month)
    result = month.simulate()
    assert not result.skipped and failed(result) == {"strikes_tile": 1}
    assert result.diagnostics["rejections"]["NO_PROBABILITY"] == 1
    assert {trade.event_ticker for trade in result.trades} == set(EVENTS)


def test_readable_strikes_leave_nothing_out(tmp_path):
    month = Month(tmp_path, probabilities=FORECAST)
    meta = forecast(month)
    assert (meta["markets"], meta["markets_without"], meta["events_without"]) == (6, {}, {})
    assert not month.simulate().skipped
