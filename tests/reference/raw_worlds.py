"""Random worlds whose probabilities are still to be made: from rows of a user's file, or from guidance and climate reports."""

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.reference.parquet_rows import rows_of
from tests.reference.worlds import make_world
from tradewinds.config import resolve
from tradewinds.core import files, units
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.lookahead.changed_inputs import Inputs

HOUR = 3600
PAST_DAYS = (12, 130)  # days of history: too few for the regression, and enough


def make_inputs(
    folder: Path, seed: int, source: str | None = None, latest: bool | None = None, *, books: bool = False
) -> Inputs:
    """Make the inputs of a run.

    Args:
        folder: an existing folder for the files.
        seed: seed of the world.
        source: source of the probabilities: file, distribution or gaussian; None draws file or gaussian.
        latest: whether decisions use the last probability known at their own time; None draws it.
        books: whether most markets have order books.
    """
    rng, late = random.Random(seed), random.Random(f"{seed} latest")
    world = make_world(folder, seed)
    if books:
        world.config["liquidity"] = {"levels": order_books(random.Random(f"{seed} books"), folder, world.candles)}
    if latest or (latest is None and late.random() < 0.5):
        world.config["asof_policy"]["mode"] = "latest"
    source = source or rng.choice(["file", "gaussian"])
    if source == "file":
        path = folder / "mine.parquet"
        pq.write_table(_user_rows(rng, world), path)
        forecast = {"source": "file", "path": str(path)}
        conf = _with(world.config, forecast)
        return Inputs(conf, world.catalogs, world.candles, {}, {}, str(path))
    if source == "distribution":
        for path in world.catalogs.values():
            _add_strikes(rng, path)
        path = folder / "mine.csv"
        path.write_text(_user_distributions(rng, world))
        conf = _with(world.config, {"source": "distribution", "path": str(path)})
        return Inputs(conf, world.catalogs, world.candles, {}, {}, str(path))
    lag = rng.choice([None, {"GFS": 2.5}, {"NAM": 0, "GFS": 9}])
    forecast = {"source": "gaussian", "models": ["GFS", "NAM", "NBS"], "trailing_days": 8, "min_days": 3}
    conf = _with(world.config, forecast | ({"publication_lag_hours": lag} if lag else {}))
    guidance, climate, observations = {}, {}, {}
    for series, path in world.catalogs.items():
        _add_strikes(rng, path)
        station = climate_days.station_of(series)
        guidance[station.station_id], climate[station.station_id] = _weather(rng, folder, station, conf)
        if "mode" in conf["asof_policy"]:
            observations |= _readings(late, folder, station, conf)
    return Inputs(conf, world.catalogs, world.candles, guidance, climate, None, observations)


def _with(conf, forecast):
    """Return a config with another section `probabilities`, and with a full audit."""
    raw = {**conf, "probabilities": forecast, "audit": "full"}
    return resolve.resolve({key: value for key, value in raw.items() if value is not None})


def order_books(rng, folder, candles):
    """Write order books of most markets near the quotes of their candles, some seconds after them; return the path."""
    lines = ["market_ticker,known_at_utc,side,price,size"]
    for path in candles.values():
        rows = rows_of(path)
        left_out = {ticker for ticker in sorted({row["market_ticker"] for row in rows}) if rng.random() < 0.2}
        for row in rows:
            bid, ask = row["yes_bid_close"], row["yes_ask_close"]
            if row["market_ticker"] in left_out or bid is None or ask is None or bid > ask or rng.random() < 0.4:
                continue
            known_at = dt.datetime.fromtimestamp(row["end_period_ts"] + rng.choice([0, 1, 20, 59]), dt.UTC)
            bids = sorted({int(bid * 100) - rng.choice([0, 0, 1, 3]) for _ in range(3)})
            asks = sorted({-int(-ask * 100 // 1) + rng.choice([0, 0, 1, 3]) for _ in range(3)})
            start = f"{row['market_ticker']},{known_at:%Y-%m-%dT%H:%M:%SZ}"
            lines += [
                f"{start},yes,{cents / 100:.2f},{rng.choice([1, 3, 9.5, 40])}" for cents in bids if 0 < cents < 100
            ]
            lines += [
                f"{start},no,{(100 - cents) / 100:.2f},{rng.choice([1, 3, 9.5, 40])}"
                for cents in asks
                if 0 < cents < 100
            ]
    path = folder / "levels.csv"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def _user_rows(rng, world):
    """Return a table of a user's probabilities: a few rows per market, known before, at or after the as-of time."""
    policy, rows = world.config["asof_policy"], []
    for row in rows_of(world.probabilities):
        station = climate_days.station_of(row["series_ticker"])
        asof = climate_days.asof_ts(station, row["climate_date"], policy["local_time"], policy["days_before"])
        for late in sorted(rng.sample([-30, -2, 0, 1, 9, 40], rng.randint(1, 4))):
            known_at = dt.datetime.fromtimestamp(asof + late * HOUR, dt.UTC)
            p = row["p_yes"] if late == 0 else Decimal(rng.randint(0, 100)) / 100
            rows.append({"market_ticker": row["market_ticker"], "known_at_utc": known_at, "p_yes": p})
    schema = pa.schema([("market_ticker", pa.string()), ("known_at_utc", units.TS), ("p_yes", units.PROB)])
    return pa.Table.from_pylist(rows, schema)


def _user_distributions(rng, world):
    """Return a CSV of a user's distributions: normal ones, known before, at or after the as-of time."""
    policy, lines = world.config["asof_policy"], ["series_ticker,climate_date,known_at_utc,mu_f,sigma_f,model"]
    for series, day in world.candles:
        asof = climate_days.asof_ts(climate_days.station_of(series), day, policy["local_time"], policy["days_before"])
        for late in sorted(rng.sample([-30, -2, 0, 1, 9, 20, 40], rng.randint(1, 5))):
            known_at = dt.datetime.fromtimestamp(asof + late * HOUR, dt.UTC)
            lines.append(
                f"{series},{day},{known_at:%Y-%m-%dT%H:%M:%SZ},{rng.gauss(68, 6):.2f},{rng.uniform(1, 5):.2f},mine"
            )
    return "\n".join(lines) + "\n"


def _readings(rng, folder, station, conf):
    """Write readings of the climate days of a config, some of them missing; return their paths by station and date."""
    found = {}
    for day in climate_days.date_range(conf["date_start_local"], conf["date_end_local"]):
        begin, _ = climate_days.climate_day_bounds(station, day)
        warmest, rows = rng.randint(58, 82), []
        for hour in range(1, 25):
            if rng.random() < 0.8:
                valid = begin + hour * HOUR - 420
                tmp = float(warmest - abs(hour - 15) + rng.choice([-1, 0, 1]))
                rows.append(
                    {"station_id": station.station_id, "valid_ts": valid, "tmp_f": tmp, "known_at_ts": valid + 600}
                )
        path = folder / f"{station.station_id}-{day}-readings.parquet"
        files.write_parquet(path, pa.Table.from_pylist(rows, schemas.OBSERVATIONS), {})
        found[station.station_id, day] = str(path)
    return found


def _add_strikes(rng, path):
    """Write strikes into a catalog: brackets of two degrees, from a random degree on."""
    table, low = pq.read_table(path), rng.randint(55, 75)
    rows = [
        row | {"strike_type": "between", "floor_strike": low + 2.0 * n, "cap_strike": low + 2.0 * n + 1}
        for row in table.to_pylist()
        for n in [int(row["market_ticker"].rsplit("-B")[-1])]
    ]
    files.write_parquet(path, pa.Table.from_pylist(rows, schemas.CATALOG), files.read_meta(path))


def _weather(rng, folder, station, conf):
    """Write guidance and climate reports of a station: runs of three models around random temperatures, some of them missing.

    Returns:
        ([path of the guidance], [path of the climate reports]).
    """
    guidance, climate = [], []
    first, last = (conf[f"date_{edge}_local"] for edge in ("start", "end"))
    past = dt.timedelta(days=rng.choice(PAST_DAYS))
    for day in climate_days.date_range(first - past, last + dt.timedelta(days=2)):
        truth = rng.randint(55, 80)
        midnight = int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())
        ftime = midnight + 24 * HOUR if station.target == "max" else midnight + 12 * HOUR
        for model in ("GFS", "NAM"):
            for before in (48, 36, 30, 24, 18, 12, 6):
                if rng.random() < 0.7:
                    guidance.append(_run(station, model, ftime - before * HOUR, ftime, truth + rng.gauss(1, 3)))
        blend = random.Random(
            f"{station.station_id} {day} {truth}"
        )  # of its own: the others' numbers stay what they were
        for before in (47, 41, 35, 29, 23, 17, 11):
            if blend.random() < 0.7:
                run = _run(station, "NBS", ftime - before * HOUR, ftime, truth + blend.gauss(1, 2))
                guidance.append(run | {"n_x_sd_f": blend.uniform(1, 4)})
        if rng.random() < 0.9:
            issued = midnight + (24 - station.lst_offset_hours + rng.choice([1, 7, 30])) * HOUR
            climate.append(_report(station, day, truth, issued, rng.random() < 0.95))
    paths = folder / f"{station.station_id}-guidance.parquet", folder / f"{station.station_id}-climate.parquet"
    for path, rows, schema in zip(paths, (guidance, climate), (schemas.GUIDANCE, schemas.CLIMATE), strict=True):
        files.write_parquet(path, pa.Table.from_pylist(rows, schema), {})
    return [str(paths[0])], [str(paths[1])]


def _run(station, model, runtime, ftime, value):
    """Return a row of guidance."""
    known_at = runtime + int(schemas.PUBLICATION_LAG_HOURS[model] * HOUR)
    common = {"station_id": station.station_id, "model": model, "tmp_f": None, "n_x_f": round(value, 1)}
    return common | {"runtime_ts": runtime, "ftime_ts": ftime, "known_at_ts": known_at}


def _report(station, day, truth, issued, final):
    """Return a climate report, known ten minutes after it was issued."""
    common = {"station_id": station.station_id, "climate_date": day, "high_f": truth, "low_f": truth, "product": "x"}
    return common | {"issued_ts": issued, "final": final, "known_at_ts": issued + 600}
