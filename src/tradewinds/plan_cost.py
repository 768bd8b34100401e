"""What a plan will cost before anything is asked: files present and missing, requests, time at the rate limit."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewinds import calendars
from tradewinds.config import Config
from tradewinds.plan import Event, Plan, stale_catalogs
from tradewinds.sources import kalshi

# The series object and at least one page of each tier's listing.
CATALOG_REQUESTS = 3


def plan_rows(conf: Config, plan: Plan) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of the plan's table (one per series, then the weather) and notes to print under it.

    Requests are exact where a series' catalog is there (its markets and their tier are known), else estimated for
    six markets per event in the archive tier; the notes say which.
    """
    rows, notes = [], []
    rate = conf["kalshi"]["requests_per_second"]
    stale = set(stale_catalogs(plan))
    total = 0
    for series, catalog in plan.catalogs.items():
        events = [event for event in plan.events if event.series_ticker == series]
        missing = [event for event in events if not Path(event.path).exists()]
        sync = not Path(catalog).exists() or catalog in stale
        requests = _candle_requests(conf, plan, series, missing) + (CATALOG_REQUESTS if sync else 0)
        total += requests
        rows.append(_row(f"{series} events", len(events), len(missing), requests, rate))
        if sync:
            state = "does not reach the end of the range" if catalog in stale else "is not there yet"
            notes.append(f"The catalog of {series} {state}: its requests are an estimate until it is synced.")
    weather = [*plan.guidance.values(), *plan.climate.values()]
    if weather:
        gone = sum(not Path(path).exists() for path in weather)
        rows.append(_row("weather station-years", len(weather), gone, gone, conf["iem"]["requests_per_second"]))
    done = Path(plan.run_dir, "metrics.json").exists()
    notes.append(f"Run {plan.run_id}: {'its results are there' if done else 'not yet simulated'} ({plan.run_dir}/).")
    return rows, notes


def _row(what: str, total: int, missing: int, requests: int, rate: float) -> dict[str, Any]:
    seconds = dt.timedelta(seconds=math.ceil(requests / rate))
    return {
        "what": what,
        "total": total,
        "present": total - missing,
        "missing": missing,
        "requests": requests,
        "time": str(seconds),
    }


def _candle_requests(conf: Config, plan: Plan, series: str, missing: list[Event]) -> int:
    catalog = Path(plan.catalogs[series])
    if not missing or not catalog.exists():
        return kalshi.ASSUMED_MARKETS * len(missing)
    days = _markets_by_date(catalog, plan)
    station = calendars.station_of(series)
    asof = conf["asof_policy"]
    return sum(
        kalshi.plan_requests(
            days.get(event.climate_date, []),
            conf["candles"]["window_policy"],
            conf["candles"]["period_interval_minutes"],
            calendars.asof_ts(station, event.climate_date, asof["local_time"], asof["days_before"]),
        )
        for event in missing
    )


def _markets_by_date(catalog: Path, plan: Plan) -> dict[dt.date, list[kalshi.Market]]:
    table = pq.read_table(catalog, columns=["climate_date", *kalshi.MARKET_COLUMNS])
    table = table.filter(pc.field("climate_date") <= plan.date_end)
    days: dict[dt.date, list[kalshi.Market]] = {}
    for day, market in zip(table["climate_date"].to_pylist(), kalshi.markets_in_order(table), strict=True):
        days.setdefault(day, []).append(market)
    return days
