"""A user's own forecast of Chicago's highs, made from the recorded guidance: it writes a CSV of probabilities.

It uses no code of the product. For each day the mean of the distribution is the mean of GFS and NAM (12Z run of the day before)
plus the mean error of the last 60 days whose report was published by 23:00 of the evening before; the standard deviation is
that of those errors.
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
LAG = {"GFS": 5 * HOUR, "NAM": 4 * HOUR}  # from the start of a model's run to its publication
REPORT_OUT = dt.time(7, 30, tzinfo=dt.UTC)  # ASSUME: a recorded report is published at this time of the next day
TRAILING_DAYS = 60


def asof(day):
    """Return the as-of time of a day: 23:00 in Chicago on the evening before."""
    return dt.datetime.combine(day - dt.timedelta(days=1), dt.time(23), CHICAGO).astimezone(dt.UTC)


def guidance(rows, day):
    """Return the guidance for a day that was known by its as-of time; None without any.

    Args:
        rows: rows of the recorded guidance by target date.
        day: the date.

    Returns:
        (mean of the models in °F, instant at which the last of them was known).
    """
    known = [(r["n_x_max_f"], r["runtime_utc"].to_pydatetime() + LAG[r["model"]]) for r in rows.get(day, [])]
    known = [(value, at) for value, at in known if at <= asof(day)]
    return (statistics.fmean(v for v, _ in known), max(at for _, at in known)) if known else None


def forecast(rows, highs, day):
    """Return (mean, standard deviation, instant at which the last input was known) of a day's high, in °F.

    Args:
        rows: rows of the recorded guidance by target date.
        highs: reported high by date.
        day: the date.
    """
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
    """Return the distribution function of a normal distribution at x."""
    return 0.5 * math.erfc((mean - x) / (spread * math.sqrt(2)))


def p_yes(market, mean, spread):
    """Return the probability of the whole degrees on which a market pays YES."""
    if market["strike_type"] == "less":  # YES below the cap
        return up_to(market["cap_strike"] - 0.5, mean, spread)
    if market["strike_type"] == "greater":  # YES above the floor
        return up_to(-(market["floor_strike"] + 0.5), -mean, spread)
    assert market["strike_type"] == "between"
    return up_to(market["cap_strike"] + 0.5, mean, spread) - up_to(market["floor_strike"] - 0.5, mean, spread)


def write_probabilities(shared_data: Path, first: dt.date, last: dt.date, out: Path) -> None:
    """Write the probabilities of the recorded markets of KXHIGHCHI as a user's CSV.

    Args:
        shared_data: folder of recorded data.
        first: first climate date.
        last: last climate date.
        out: path of the CSV.
    """
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
