"""What a plan will cost before anything is asked: files present and missing, requests, time at the rate limit."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

from tradewinds.config.resolve import Config
from tradewinds.core import files
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.candle_window import CandleWindow
from tradewinds.families.kalshi_weather.fetch import exchange_requests
from tradewinds.families.kalshi_weather.fetch.kept_candles import best_kept
from tradewinds.families.kalshi_weather.plan import Event, EventsPlan
from tradewinds.families.plan import stale_files

# Markets listed per page and per climate date, for the estimate of a catalog that was never synced.
_PAGE, _PER_DATE = 1000, 6


def plan_rows(conf: Config, plan: EventsPlan) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of the plan's table (one per series, then the weather) and notes to print under it.

    Requests are exact where a series' catalog is there (its markets and their tier are known), else estimated for
    six markets per event in the archive tier; the notes say which.
    """
    rows, notes = [], []
    rate = conf["kalshi"]["requests_per_second"]
    stale = set(stale_files(plan))
    total = 0
    for series, catalog in plan.files.catalogs.items():
        events = [event for event in plan.files.events if event.series_ticker == series]
        missing = [event for event in events if not Path(event.path).exists()]
        sync = not Path(catalog).exists() or catalog in stale
        requests = _candle_requests(plan, series, missing) + (
            _catalog_requests(series, catalog, plan.date_end) if sync else 0
        )
        total += requests
        rows.append(_row(f"{series} events", len(events), len(missing), requests, rate))
        if sync:
            state = "does not reach the end of the range" if catalog in stale else "is not there yet"
            notes.append(f"The catalog of {series} {state}: its requests are an estimate until it is synced.")
    weather = plan.files.weather
    if weather:
        gone = sum(not Path(path).exists() or path in stale for path in weather)
        rows.append(_row("weather station-years", len(weather), gone, gone, conf["iem"]["requests_per_second"]))
    if total:
        notes.append(f"{total} requests to the exchange: at least {_duration(total, rate)} at {rate:g} a second.")
    done = Path(plan.run_dir, "metrics.json").exists()
    notes.append(f"Run {plan.run_id}: {'its results are there' if done else 'not yet simulated'} ({plan.run_dir}/).")
    return rows, notes


def _row(what: str, total: int, missing: int, requests: int, rate: float) -> dict[str, Any]:
    return {
        "what": what,
        "total": total,
        "present": total - missing,
        "missing": missing,
        "requests": requests,
        "time": _duration(requests, rate),
    }


def _duration(requests: int, rate: float) -> str:
    return str(dt.timedelta(seconds=math.ceil(requests / rate)))


def _catalog_requests(series: str, catalog: str, date_end: dt.date) -> int:
    """What the last sync took; before the first, the series object and the pages of what must have been listed."""
    if Path(catalog).exists():
        return int(files.read_meta(catalog)["requests"])
    first = climate_days.station_of(series).first_date
    days = (date_end - first).days if first else 1
    return 1 + 1 + max(1, math.ceil(days * _PER_DATE / _PAGE))  # the live tier's listing fits a page


def _candle_requests(plan: EventsPlan, series: str, missing: list[Event]) -> int:
    catalog = Path(plan.files.catalogs[series])
    if not missing or not catalog.exists():
        return exchange_requests.ASSUMED_MARKETS * len(missing)
    days = _markets_by_date(catalog, plan)
    return sum(_event_requests(plan.files.window, event, days.get(event.climate_date, [])) for event in missing)


def _event_requests(wanted: CandleWindow, event: Event, markets: list[exchange_requests.Market]) -> int:
    period = wanted.period_minutes
    asof = wanted.asof_ts(climate_days.station_of(event.series_ticker), event.climate_date)
    windows = exchange_requests.windows_of(markets, wanted.policy, period, asof)
    left = best_kept(event.path, windows, period).left(windows, period)
    return exchange_requests.plan_requests(markets, left, period)


def _markets_by_date(catalog: Path, plan: EventsPlan) -> dict[dt.date, list[exchange_requests.Market]]:
    table = files.read_table(catalog, ["climate_date", *exchange_requests.MARKET_COLUMNS], (dt.date.min, plan.date_end))
    days: dict[dt.date, list[exchange_requests.Market]] = {}
    for day, market in zip(table["climate_date"].to_pylist(), exchange_requests.markets_in_order(table), strict=True):
        days.setdefault(day, []).append(market)
    return days
