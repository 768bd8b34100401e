"""A series of daily lows by itself, from recorded files to the books: its climate file has no column of highs."""

import datetime as dt

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.workflow.harness import Desk
from tradewinds.archive.server import running_server
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.archive.import_recorded import import_recorded
from tradewinds.families.kalshi_weather.schemas import PRICE_COLUMNS

SERIES, STATION = "KXLOWTNYC", "KNYC"
FIRST, LAST = dt.date(2026, 3, 10), dt.date(2026, 3, 12)
LOWS = {FIRST + dt.timedelta(days=n): 30 + n % 4 for n in range(-440, 3)}  # a forecast looks back over years
PROBABILITIES = "market_ticker,known_at_utc,p_yes\n"


def of(day):
    """Markets and candles of an event: that its low is below T, which holds, asks 20 cents."""
    station = climate_days.station_of(SERIES)
    event = climate_days.event_ticker_of(SERIES, day)
    start, end = climate_days.climate_day_bounds(station, day)
    low = LOWS[day]
    kinds = [("less", f"T{low + 1}", None, low + 1), ("greater", f"T{low}", low, None)]
    times = {
        "open_time": dt.datetime.fromtimestamp(start - 14 * 3600, dt.UTC),
        "close_time": dt.datetime.fromtimestamp(end - 60, dt.UTC),
        "settlement_ts": dt.datetime.fromtimestamp(end + 8 * 3600, dt.UTC),
    }
    names = {"series_ticker": SERIES, "event_ticker": event}
    markets = [
        {**names, "market_ticker": f"{event}-{strike}", "strike_type": kind, "floor_strike": floor, "cap_strike": cap}
        | {"result": "yes" if kind == "less" else "no", **times}
        for kind, strike, floor, cap in kinds
    ]
    cents = {f"{name}_cents": 18.0 if "bid" in name else 20.0 for name in PRICE_COLUMNS}
    candles = [
        {"market_ticker": markets[0]["market_ticker"], "end_period_ts": ts, **cents, "volume": 9, "open_interest": 9}
        for ts in range(start - 13 * 3600, end - 3600, 3600)
    ]
    return markets, candles


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """An archive of lows: three events with their candles, and guidance and reports of the days before."""
    folder = tmp_path_factory.mktemp("lows")
    worlds = [of(day) for day in LOWS if day >= FIRST]
    rows = {
        "markets": [row for markets, _ in worlds for row in markets],
        "candles": [row for _, candles in worlds for row in candles],
        "climate": [{"station": STATION, "date": day, "low_f": low} for day, low in LOWS.items()],
        "guidance": [
            {"station": STATION, "model": model, "runtime_utc": dt.datetime.combine(day, dt.time(12)) - dt.timedelta(1)}
            | {"target_date": day, "n_x_min_f": low + 0.5 * (day.day % 3 - 1)}
            for day, low in LOWS.items()
            for model in ("GFS", "NAM")
        ],
    }
    files = {}
    for name, table in rows.items():
        files[name] = [folder / f"{name}.parquet"]
        pq.write_table(pa.Table.from_pylist(table), files[name][0])
    import_recorded(**files, out=folder / "archive")
    with running_server(folder / "archive") as server:
        yield server


def desk(folder, server, **changes):
    """A desk with the three events."""
    forecast = {"source": "gaussian", "emos_days": 0, "trailing_days": 10, "min_days": 5}
    asof = {"local_time": "17:00", "days_before": 1}
    dates = {"date_start_local": FIRST.isoformat(), "date_end_local": LAST.isoformat()}
    keys = {"series_tickers": [SERIES], **dates, "asof_policy": asof, "cadence_minutes": 60, "probabilities": forecast}
    return Desk(folder, server, **{**keys, **changes})


def test_lows_are_forecast_traded_settled_and_checked_without_any_high(recorded, tmp_path):
    mine = desk(tmp_path, recorded)
    done = mine.run()
    assert done.returncode == 0, done.stdout + done.stderr
    found = mine.metrics()
    assert found["num_trades"] > 0 and found["win_rate_pct"] == 100 and found["total_pnl_usd"] > 0
    checks = found["diagnostics"]["validations"]
    assert not any(checks.values()), checks
    validated = mine._call(mine.command("validate", "--config", "config.yaml"))
    assert validated.returncode == 0, validated.stdout + validated.stderr


def forecasts(desk):
    return pa.concat_tables(map(pq.read_table, sorted(desk.folder.glob("data/forecasts/**/*.parquet")))).to_pylist()


def test_a_service_without_the_blend_is_asked_once_and_the_forecasts_say_so(recorded, tmp_path):
    """The default's third model is missing here: the run goes on with two, asks no year twice, and can be made to want it."""
    mine = desk(tmp_path, recorded)
    done = mine.run()
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert (
        "guidance of KNYC: the weather service has no NBS in 2024, 2025, 2026; forecasts use the other models" in said
    )
    assert {row["reason"] for row in forecasts(mine)[-3:]} == {"MODEL_MISSING:NBS"}
    # the next run asks for nothing, and says it again
    asked = len(recorded.requests)
    again = mine.run()
    assert again.returncode == 0 and len(recorded.requests) == asked and "has no NBS" in again.stdout
    planned = mine.snakemake("-n")
    assert "fetch_" not in planned.stdout + planned.stderr
    # the two models by name forecast the same, and need nothing more
    named = {**mine.config["probabilities"], "models": ["GFS", "NAM"]}
    two = desk(tmp_path, recorded, probabilities=named)
    done = two.run()
    assert done.returncode == 0 and len(recorded.requests) == asked and "has no NBS" not in done.stdout
    laws = [(row["climate_date"], row["law"]) for row in forecasts(two)]
    assert len(laws) == 2 * len({day for day, _ in laws}) and all(laws.count(law) == 2 for law in laws)
    # wanted, each of its years is asked for again, and the run fails
    wanted = desk(tmp_path, recorded, on_missing={"guidance": "fail"})
    plan = wanted._call(wanted.command("run", "--config", "config.yaml", "--dry-run"))
    assert "weather station-years" in plan.stdout and plan.returncode == 0
    done = wanted.run()
    assert done.returncode == 4 and "no guidance of NBS for KNYC in 2024" in done.stderr + done.stdout


def test_a_config_of_a_model_that_is_nowhere_fails(recorded, tmp_path):
    alone = desk(tmp_path, recorded, probabilities={"source": "gaussian", "emos_days": 0, "models": ["NBS"]})
    done = alone.run()
    assert (
        done.returncode == 4
        and "the weather service has no guidance of NBS for KNYC in 2024, 2025, 2026" in done.stderr
    )


def test_a_probability_file_with_a_header_alone_is_refused(recorded, tmp_path):
    mine = desk(tmp_path, recorded, probabilities={"source": "file", "path": "p.csv"})
    (tmp_path / "p.csv").write_text(PROBABILITIES)
    done = mine.run()
    assert done.returncode == 2 and "p.csv" in done.stderr and "no rows" in done.stderr
