"""Quality of the forecast on years of recorded guidance: CRPS and MAE per station and year, beside baselines.

    python benchmarks/forecasts.py [SHARED_DATA]

writes benchmarks/forecasts.json and prints the tables of docs/forecasts.md.

Every forecast is walk-forward with the default settings, as of 23:00 the evening before, on recorded data: highs of KMDW and
KMIA (GFS and NAM, 12Z run of the day before) from 2012, lows of KMIA from 2015, highs of KNYC (six models) from 2021. The
settings were chosen on days up to 2019 (KNYC: up to 2023); later years are the test and are summarised separately.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewinds.core.units import NEVER
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.calibration.scores import ScoredDay, count_band, temperature_scores
from tradewinds.families.kalshi_weather.forecasts.daily import Forecaster, ForecastSettings
from tradewinds.families.kalshi_weather.forecasts.history import WeatherHistory

ROOT = Path(__file__).resolve().parents[1]
ASOF = ("23:00", 1)
SETTINGS = ForecastSettings(trailing_days=60, min_days=20, sigma_floor_f=0.5, climatology_days=3650)
REPORT_DELAY = 90 * 60  # ASSUME: seconds from the end of the climate day to its final report
MOS = "weather/mos_12z_daily_KMDW_KMIA.parquet"
SIX = "weather/guidance_KNYC_6models_2021_2025.parquet"
LOWS = "weather/daily_high_low_19stations_2015_2026.parquet"
HIGHS = "weather/climate_high_KMDW_KMIA_2007_2025.parquet"
SENTINEL = 998.0  # from this value on a temperature means "none", as in fetched guidance


@dataclass(frozen=True)
class Case:
    """A station and target that is scored.

    Attributes:
        name: name in the tables.
        history: its guidance and observations.
        first_year: first year that is scored.
        chosen_through: last year on which settings were chosen.
    """

    name: str
    history: WeatherHistory
    first_year: int
    chosen_through: int


def main(shared: Path) -> None:
    """Score all cases, write benchmarks/forecasts.json and print the tables; `shared` is the folder of recorded data."""
    started = time.process_time()
    found = {case.name: scores(case) for case in cases(shared)}
    report = {"cpu_seconds": round(time.process_time() - started, 1), "stations": found}
    (ROOT / "benchmarks/forecasts.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(tables(found))
    print(f"{report['cpu_seconds']} s of CPU")


def cases(shared: Path) -> list[Case]:
    """Return all cases; `shared` is the folder of recorded data."""
    mos, highs = pq.read_table(shared / MOS), pq.read_table(shared / HIGHS)
    found = [
        Case(station_id, _mos_history(series, mos, highs), 2012, 2019)
        for series, station_id in (("KXHIGHCHI", "KMDW"), ("KXHIGHMIA", "KMIA"))
    ]
    lows = Case("KMIA low", _mos_history("KXLOWTMIA", mos, _lows(pq.read_table(shared / LOWS))), 2015, 2019)
    return [*found, lows, Case("KNYC", six_history(pq.read_table(shared / SIX)), 2021, 2023)]


def _lows(daily: pa.Table) -> pa.Table:
    """Return Miami's lows with the column names of the highs."""
    rows = daily.filter(pc.equal(daily["station"], "mia"))
    names = {"station": pa.array(["KMIA"] * rows.num_rows), "date": rows["day"].cast(pa.date32())}
    return pa.table(names | {"observed_f": rows["daily_min_f"]})


def _mos_history(series: str, mos: pa.Table, highs: pa.Table) -> WeatherHistory:
    """Return the history of a series from the recorded guidance of GFS and NAM."""
    station = climate_days.station_of(series)
    rows = mos.filter(pc.equal(mos["station"], station.station_id))
    observed = highs.filter(pc.equal(highs["station"], station.station_id))
    days = rows["target_date"].to_pylist()
    first, last = min(days), max(days)
    models = ("GFS", "NAM")
    own, other = ("n_x_max_f", "n_x_min_f") if station.target == "max" else ("n_x_min_f", "n_x_max_f")
    parts = {name: np.full((2, (last - first).days + 1), np.nan) for name in (own, other, "tmp_max_f")}
    places = [
        (models.index(model), (day - first).days) for model, day in zip(rows["model"].to_pylist(), days, strict=True)
    ]
    for name, part in parts.items():
        part[tuple(zip(*places, strict=True))] = rows[name].cast(pa.float64()).to_numpy()
        part[np.abs(part) >= SENTINEL] = np.nan
    if station.target == "min":
        parts["tmp_max_f"][:] = np.nan  # the recordings have only the highest of the run's own temperatures
    truth = dict(zip(observed["date"].to_pylist(), observed[observed.column_names[-1]].to_pylist(), strict=True))
    return _history(series, first, models, *parts.values(), truth)


def six_history(rows: pa.Table) -> WeatherHistory:
    """Return New York's history from the recorded guidance of six models."""
    days = [dt.date.fromisoformat(text) for text in rows["target_date_local"].to_pylist()]
    first, last = min(days), max(days)
    names = [name for name in rows.column_names if name.endswith("_tmax_f") and name != "actual_tmax_f"]
    value = np.full((len(names), (last - first).days + 1), np.nan)
    at = [(day - first).days for day in days]
    for i, name in enumerate(names):
        value[i, at] = rows[name].cast(pa.float64()).to_numpy()
    none = np.full_like(value, np.nan)
    truth = dict(zip(days, rows["actual_tmax_f"].to_pylist(), strict=True))
    models = tuple(name.removesuffix("_tmax_f").upper() for name in names)
    return _history("KXHIGHNY", first, models, value, none, none, truth)


def _history(
    series: str,
    first: dt.date,
    models: tuple[str, ...],
    value: np.ndarray,
    other: np.ndarray,
    tmp: np.ndarray,
    truth: dict[dt.date, float | None],
) -> WeatherHistory:
    """Return a history of guidance and observations.

    Args:
        series: ticker of the series.
        first: first date.
        models: names of the models.
        value: forecast extreme in °F, shape (models, days), NaN for none.
        other: the other extreme of the day in °F, same shape.
        tmp: extreme of the run's own temperatures in °F, same shape.
        truth: observed extreme by date in °F.
    """
    station = climate_days.station_of(series)
    days = climate_days.date_range(first, first + dt.timedelta(days=value.shape[1] - 1))
    asof = np.array([climate_days.asof_ts(station, day, *ASOF) for day in days])
    observed = np.array([np.nan if truth.get(day) is None else float(truth[day]) for day in days])
    out = np.array([climate_days.climate_day_bounds(station, day)[1] + REPORT_DELAY for day in days])
    run = (
        np.array([climate_days.climate_day_bounds(station, day - dt.timedelta(days=1))[0] for day in days]) + 12 * 3600
    )
    lag = np.array([[int(schemas.PUBLICATION_LAG_HOURS.get(model, 5) * 3600)] for model in models])
    known = np.where(np.isnan(value), NEVER, run + lag)
    return WeatherHistory(
        first,
        station.target,
        models,
        asof,
        observed,
        np.where(np.isnan(observed), NEVER, out),
        value,
        other,
        tmp,
        known,
        np.full_like(value, np.nan),
    )


def scores(case: Case) -> dict:
    """Score a case on the days that every method forecasts.

    Returns:
        Per year and per period n, CRPS and MAE of every method and every model alone, and the PIT histogram of the regression.
    """
    rows = [i for i in range(len(case.history.asof_ts)) if case.history.day(i).year >= case.first_year]
    days = {day.row: dict(day.distributions) for day in Forecaster(case.history, SETTINGS).forecasts(rows)}
    for m, model in enumerate(case.history.models):
        alone = Forecaster(_only(case.history, m), replace(SETTINGS, emos_days=0))
        for day in alone.forecasts(rows):
            if "bias_corrected" in day.distributions:
                days[day.row][f"{model} alone"] = day.distributions["bias_corrected"]
    needed = {"emos", "bias_corrected", "raw", "climatology", *(f"{model} alone" for model in case.history.models)}
    made = []
    for index, distributions in days.items():
        observed = case.history.observed_f[index]
        if needed <= distributions.keys() and not np.isnan(observed):
            made.append(ScoredDay(case.name, case.history.day(index), 0, float(observed), distributions))
    periods = {f"{case.first_year}-{case.chosen_through}, settings chosen": _until(made, case.chosen_through)}
    periods[f"from {case.chosen_through + 1}, test"] = [d for d in made if d.climate_date.year > case.chosen_through]
    years = sorted({day.climate_date.year for day in made})
    by_year = {str(year): _summary(_until(made, year, year)) for year in years}
    return {"years": by_year, "periods": {name: _summary(found) for name, found in periods.items()}}


def _until(days: Iterable[ScoredDay], last: int, first: int = 0) -> list[ScoredDay]:
    """Return the days of the years from `first` to `last`."""
    return [day for day in days if first <= day.climate_date.year <= last]


def _only(history: WeatherHistory, model: int) -> WeatherHistory:
    """Return a history with one of its models."""
    parts = {
        name: getattr(history, name)[[model]]
        for name in ("value_f", "other_f", "hourly_extreme_f", "known_ts", "own_spread_f")
    }
    return replace(history, models=(history.models[model],), **parts)


def _summary(days: list[ScoredDay]) -> dict:
    """Return the scores of some days."""
    found = temperature_scores(days)
    singles = {name: one["crps_f"] for name, one in found.items() if name.endswith(" alone")}
    best = min(singles, key=singles.__getitem__)
    emos = found["emos"]
    expected = emos["n"] / len(emos["pit"])
    low, high = count_band(np.full(emos["n"], 1 / len(emos["pit"])), 0.95)
    return {
        "n": emos["n"],
        "crps_f": {name: round(one["crps_f"], 3) for name, one in found.items()},
        "mae_f": {name: round(one["mae_f"], 3) for name, one in found.items()},
        "best_single": best,
        "better_than_best_single_pct": round(100 * (1 - emos["crps_f"] / singles[best]), 1),
        "better_than_each_single_pct": {n: round(100 * (1 - emos["crps_f"] / c), 1) for n, c in singles.items()},
        "pit": [round(count, 1) for count in emos["pit"]],
        "pit_band": [low, high],
        "pit_outside": sum(not low <= count <= high for count in emos["pit"]),
        "pit_chi2_9": round(sum((count - expected) ** 2 / expected for count in emos["pit"]), 1),
    }


def table(report: dict) -> str:
    """Return the test periods as Markdown rows for PERFORMANCE.md."""
    rows = []
    for station, one in report["stations"].items():
        name, part = list(one["periods"].items())[-1]
        crps = part["crps_f"]
        cells = (crps[key] for key in ("climatology", "raw", part["best_single"], "emos"))
        figures = " | ".join(f"{cell:.3f}" for cell in cells)
        rows.append(
            f"| {station}, {name} | {part['n']:,} | {figures} | {part['better_than_best_single_pct']} % | ≥ 10 % |"
        )
    return "\n".join(rows)


def tables(found: dict) -> str:
    """Return the tables of docs/forecasts.md: one of CRPS / MAE per station, and one of the periods."""
    # a table per station
    lines = []
    names = ("climatology", "raw", "bias_corrected", "emos")
    for station, one in found.items():
        lines += ["", f"**{station}**: CRPS / MAE in °F", ""]
        lines += [
            "| year | days | climatology | raw guidance | mean, bias-corrected | best single model | EMOS | EMOS better by |"
        ]
        lines += ["|---|---:|---:|---:|---:|---:|---:|---:|"]
        for name, part in [*one["years"].items(), *one["periods"].items()]:
            cells = {
                key: f"{part['crps_f'][key]:.2f} / {part['mae_f'][key]:.2f}" for key in (*names, part["best_single"])
            }
            single = f"{cells[part['best_single']]} ({part['best_single'].removesuffix(' alone')})"
            order = [cells[key] for key in names[:3]] + [single, cells["emos"]]
            lines.append(
                f"| {name} | {part['n']:,} | " + " | ".join(order) + f" | {part['better_than_best_single_pct']} % |"
            )
    # the table of periods
    lines += [
        "",
        "| station, period | better than each model alone | PIT columns outside the 95 % band | χ² (9; 95 %: 16.9) |",
    ]
    lines += ["|---|---|---:|---:|"]
    for station, one in found.items():
        for name, part in one["periods"].items():
            each = ", ".join(
                f"{n.removesuffix(' alone')} {p} %" for n, p in part["better_than_each_single_pct"].items()
            )
            lines.append(f"| {station}, {name} | {each} | {part['pit_outside']} of 10 | {part['pit_chi2_9']} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared/data")
