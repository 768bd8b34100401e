"""A forecast of Chicago's highs made by hand from the recorded guidance, as a user would: a CSV of probabilities.

Plain Python over lists, none of the project's code: for each day the mean of the GFS and NAM values of the 12Z run of the
day before, corrected by the mean error of the last 60 days whose report was out at 23:00 the evening before, with those
errors' spread.
"""

import csv
import datetime as dt
import math
import statistics
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq

CHICAGO = ZoneInfo("America/Chicago")
HOUR = dt.timedelta(hours=1)
LAG = {"GFS": 5 * HOUR, "NAM": 4 * HOUR}  # from a model's run to its being public
REPORT_OUT = dt.time(7, 30, tzinfo=dt.UTC)  # on the next day, when the recorded reports are taken to be known
TRAILING_DAYS = 60


def asof(day):
    return dt.datetime.combine(day - dt.timedelta(days=1), dt.time(23), CHICAGO).astimezone(dt.UTC)


def guidance(rows, day):
    """(mean over the models, when the last of them was known); None without any that was known in time."""
    known = [(r["n_x_max_f"], r["runtime_utc"].to_pydatetime() + LAG[r["model"]]) for r in rows.get(day, [])]
    known = [(value, at) for value, at in known if at <= asof(day)]
    return (statistics.fmean(v for v, _ in known), max(at for _, at in known)) if known else None


def forecast(rows, highs, day):
    """(mean, spread, when the last input was known)."""
    mean, at = guidance(rows, day)
    errors, known = [], [at]
    for back in range(1, TRAILING_DAYS + 1):
        past = day - dt.timedelta(days=back)
        out = dt.datetime.combine(past + dt.timedelta(days=1), REPORT_OUT)
        then = guidance(rows, past)
        if past in highs and then and out <= asof(day):
            errors.append(highs[past] - then[0])
            known.append(out)
    return mean + statistics.fmean(errors), max(statistics.stdev(errors), 0.5), max(known)


def up_to(x, mean, spread):
    return 0.5 * math.erfc((mean - x) / (spread * math.sqrt(2)))


def p_yes(market, mean, spread):
    """The mass of the whole degrees on which a market pays YES."""
    if market["strike_type"] == "less":  # than the cap
        return up_to(market["cap_strike"] - 0.5, mean, spread)
    if market["strike_type"] == "greater":  # than the floor
        return up_to(-(market["floor_strike"] + 0.5), -mean, spread)
    assert market["strike_type"] == "between"
    return up_to(market["cap_strike"] + 0.5, mean, spread) - up_to(market["floor_strike"] - 0.5, mean, spread)


def write_probabilities(shared_data: Path, first: dt.date, last: dt.date, out: Path) -> None:
    """The user's file for the recorded month of KXHIGHCHI."""
    rows = {}
    for row in pq.read_table(shared_data / "weather/mos_12z_daily_KMDW_KMIA.parquet").to_pylist():
        if row["station"] == "KMDW" and row["n_x_max_f"] is not None and not math.isnan(row["n_x_max_f"]):
            rows.setdefault(row["target_date"], []).append(row)
    climate = pq.read_table(shared_data / "weather/climate_high_6stations_2023_2025.parquet").to_pylist()
    highs = {r["date_local"].date(): r["high_f"] for r in climate if r["station"] == "KMDW" and r["high_f"] is not None}
    with open(out, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["market_ticker", "known_at_utc", "p_yes"])
        for market in pq.read_table(shared_data / "kalshi/markets_KXHIGHCHI_2025-05.parquet").to_pylist():
            day = dt.datetime.strptime(market["event_ticker"].split("-")[-1], "%y%b%d").date()
            if first <= day <= last:
                mean, spread, known = forecast(rows, highs, day)
                probability = p_yes(market, mean, spread)
                writer.writerow([market["market_ticker"], known.isoformat(), f"{probability:.12f}"])
