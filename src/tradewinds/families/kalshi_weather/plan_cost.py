"""Cost of a plan before it is run: files present and missing, requests, and time at the rate limit."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

from tradewinds.config.resolve import Config
from tradewinds.core import files
from tradewinds.core.text import counted
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.candle_window import CandleWindow
from tradewinds.families.kalshi_weather.fetch import exchange_requests
from tradewinds.families.kalshi_weather.fetch.kept_candles import best_kept
from tradewinds.families.kalshi_weather.plan import EventsPlan, PlannedEvent
from tradewinds.families.kalshi_weather.schemas import climate_range
from tradewinds.families.plan import stale_files

# For the estimate of a catalog that was never synced.
_MARKETS_PER_PAGE, _MARKETS_PER_DATE = 1000, 6


def plan_rows(conf: Config, plan: EventsPlan) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of the dry run's table, one per series and one for each kind of weather, and notes under it.

    Requests are exact for a series whose catalog exists, because it lists the markets and their tier. For another series they
    are an estimate with six markets per event in the archive tier, as a note tells.

    Args:
        conf: resolved.
        plan: of the config.

    Returns:
        Rows with the keys what, total, present, missing (numbers of files), requests, and time (at the rate limit).
        Notes, one sentence each.
    """
    rows, notes = [], []
    rate = conf["kalshi"]["requests_per_second"]
    stale = set(stale_files(plan))
    total_requests = 0

    # One row per series: its candles, and its catalog where that must be synced.
    for series, catalog in plan.files.catalogs.items():
        wanted = (*plan.files.training, *plan.files.events)
        events = [event for event in wanted if event.series_ticker == series]
        missing = [event for event in events if not Path(event.path).exists() or event.path in stale]
        requests = _candle_requests(plan, series, missing)
        if not Path(catalog).exists() or catalog in stale:
            requests += _catalog_requests(series, catalog, plan.date_end)
            state = "does not reach the end of the range" if catalog in stale else "is not there yet"
            notes.append(f"The catalog of {series} {state}: its requests are an estimate until it is synced.")
        total_requests += requests
        rows.append(_row(f"{series} events", len(events), len(missing), requests, rate))

    # One row for each kind of weather: one request per station-year, or per station and day.
    for what, paths in (
        ("weather station-years", list(plan.files.weather)),
        ("observed station-days", list(plan.files.observations.values())),
    ):
        if paths:
            missing_files = sum(not Path(path).exists() or path in stale for path in paths)
            rows.append(_row(what, len(paths), missing_files, missing_files, conf["iem"]["requests_per_second"]))

    if total_requests:
        time = _duration(total_requests, rate)
        notes.append(f"{counted(total_requests, 'request')} to the exchange: at least {time} at {rate:g} a second.")
    done = Path(plan.run_dir, "metrics.json").exists()
    notes.append(f"Run {plan.run_id}: {'its results are there' if done else 'not yet simulated'} ({plan.run_dir}/).")
    return rows, notes


def _row(what: str, total: int, missing: int, requests: int, rate: float) -> dict[str, Any]:
    """A row of the table.

    Args:
        what: kind of files.
        total: number of files of the run.
        missing: number of files that must be fetched.
        requests: for them.
        rate: requests per second.
    """
    return {
        "what": what,
        "total": total,
        "present": total - missing,
        "missing": missing,
        "requests": requests,
        "time": _duration(requests, rate),
    }


def _duration(requests: int, rate: float) -> str:
    """Time of some requests at a rate per second, as H:MM:SS."""
    return str(dt.timedelta(seconds=math.ceil(requests / rate)))


def _catalog_requests(series: str, catalog: str, date_end: dt.date) -> int:
    """Requests of a sync: as many as the last one made, else an estimate.

    The first sync asks for the series object, one page of the live tier, and the pages of all markets listed up to `date_end`.
    """
    if Path(catalog).exists():
        return int(files.read_meta(catalog)["requests"])
    first_date = climate_days.station_of(series).first_date
    days = (date_end - first_date).days if first_date else 1
    return 1 + 1 + max(1, math.ceil(days * _MARKETS_PER_DATE / _MARKETS_PER_PAGE))


def _candle_requests(plan: EventsPlan, series: str, missing: list[PlannedEvent]) -> int:
    """Requests for the candles of the series' missing events."""
    catalog = Path(plan.files.catalogs[series])
    if not missing or not catalog.exists():
        return exchange_requests.ASSUMED_MARKETS * len(missing)
    days = _markets_by_date(catalog, plan)
    return sum(_event_requests(plan.files.window, event, days.get(event.climate_date, [])) for event in missing)


def _event_requests(window: CandleWindow, event: PlannedEvent, markets: list[exchange_requests.CatalogMarket]) -> int:
    """Requests for the candles of one event that no file of another window has."""
    period = window.period_minutes
    asof_ts = window.asof_ts(climate_days.station_of(event.series_ticker), event.climate_date)
    market_windows = exchange_requests.windows_of(markets, window.policy, period, asof_ts)
    missing_windows = best_kept(event.path, market_windows, period).left(market_windows, period)
    return exchange_requests.plan_requests(markets, missing_windows, period)


def _markets_by_date(catalog: Path, plan: EventsPlan) -> dict[dt.date, list[exchange_requests.CatalogMarket]]:
    """Markets of a catalog up to the end of the run, by climate date."""
    table = files.read_table(
        catalog, ["climate_date", *exchange_requests.MARKET_COLUMNS], climate_range(dt.date.min, plan.date_end)
    )
    days: dict[dt.date, list[exchange_requests.CatalogMarket]] = {}
    for day, market in zip(table["climate_date"].to_pylist(), exchange_requests.markets_in_order(table), strict=True):
        days.setdefault(day, []).append(market)
    return days
