"""Worlds on disk for tests of walk-forward: files where the plan of a config has them, so that points can be replayed."""

import csv
import datetime as dt
import random
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from tests.reference import worlds
from tests.reference.naive_shares import Bar
from tests.unit.share_worlds import weekdays
from tradewinds.config import resolve
from tradewinds.core import files
from tradewinds.families import plan
from tradewinds.families.equities_daily.bar_panel import make_panel
from tradewinds.families.equities_daily.fetch import user_bars
from tradewinds.families.kalshi_weather import climate_days, schemas

MONDAY = dt.date(2024, 1, 1)
SHARES = {
    "market": "equities_daily",
    "date_start_local": "2024-02-05",
    "date_end_local": "2024-06-28",
    "strategy": {"name": "Mean Reversion"},
    "bars": {"source": "files", "path": "bars.csv"},
    "calendar": "XNYS",
    "risk": {"currency": "USD"},
    "on_missing": {"bars": "skip"},
}
EVENTS = {
    "series_tickers": ["KXHIGHCHI"],
    "date_start_local": "2025-05-05",
    "date_end_local": "2025-05-16",
    "asof_policy": {"local_time": "23:00", "days_before": 1},
    "trade_window_policy": "market_close",
    "cadence_minutes": 5,
    "execution_model": "taker",
    "risk": {"start_balance_usd": 100, "fixed_qty": 2},
    "probabilities": {"source": "file", "path": "mine.csv"},
    "on_missing": {"validation": "warn"},
    "output_dir": "backtests",
}


def share_world(seed, symbols=5, days=130):
    """Prices that fall and recover often, some days without a bar of any symbol, some without one of a few."""
    rng = random.Random(seed)
    closed = {date for date in weekdays(MONDAY, days) if rng.random() < 0.04}
    world = {}
    for number in range(symbols):
        price, rows = rng.uniform(5, 30), []
        for date in weekdays(MONDAY, days):
            opened = price * (1 + rng.gauss(0, 0.01))
            price = max(0.5, opened * (1 + rng.gauss(0.0005, 0.03)))
            high, low = max(opened, price) * 1.005, min(opened, price) * 0.995
            if date not in closed and rng.random() > 0.03:
                prices = (Decimal(f"{value:.3f}") for value in (opened, high, low, price))
                rows.append(Bar(date, *prices, int(400_000 * rng.lognormvariate(0, 0.5))))
        world[f"S{number}"] = rows
    return world


def write_shares(world, **changes):
    """Write the bars of a world, and what a replay reads of them, into the working folder; returns the resolved config."""
    with open("bars.csv", "w", encoding="utf-8", newline="") as handle:
        out = csv.writer(handle)
        out.writerow(["symbol", "date", "open", "high", "low", "close", "volume"])
        for symbol, rows in world.items():
            out.writerows([symbol, bar.date, bar.open, bar.high, bar.low, bar.close, bar.volume] for bar in rows)
    conf = resolve.resolve({**SHARES, "universe": sorted(world), **changes})
    made = plan.run_plan(conf)
    user_bars.import_bars(
        "bars.csv", conf["bars"]["columns"], [(file.name, file.year, file.path) for file in made.files.years]
    )
    make_panel(made)
    return conf


def write_events(seed, poisoned_from=None, turned=None, **changes):
    """Write the events of a random world into the working folder; returns the resolved config.

    Args:
        seed: of the world.
        poisoned_from: prices, probabilities and results of events from this date on are others.
        turned: the event of this date has another winner, and all else is the same.
        changes: of the config.
    """
    conf = resolve.resolve({**EVENTS, **changes})
    made = plan.run_plan(conf)
    Path("mine.csv").touch()
    rows, p_rows = [], []
    for event in made.files.events:
        day = event.climate_date
        rng = random.Random(f"{seed} {day} {poisoned_from is not None and day >= poisoned_from}")
        markets = _markets(random.Random(f"{seed} {day}"), rng, day, shift=int(day == turned))
        found = [candle for market in markets for candle in worlds._candles(rng, conf, market)]
        found.sort(key=lambda candle: (candle["market_ticker"], candle["end_period_ts"]))
        for market in markets:
            own = (c["volume"] for c in found if c["market_ticker"] == market["market_ticker"])
            market["volume"] = sum(own, Decimal(0))
        counts = Counter(candle["market_ticker"] for candle in found)
        meta = {"markets": [m["market_ticker"] for m in markets], "rows_per_market": dict(counts)}
        files.write_parquet(event.path, pa.Table.from_pylist(found, schemas.CANDLES), meta)
        rows += markets
        p_rows += worlds._probabilities(rng, event.series_ticker, day, markets)
    for path in made.files.catalogs.values():
        files.write_parquet(path, pa.Table.from_pylist(rows, schemas.CATALOG), {})
    files.write_parquet(made.files.probabilities, pa.Table.from_pylist(p_rows, schemas.PROBABILITIES), {})
    return conf


def _markets(calendar, rng, day, shift):
    """The rows of one event: four brackets; times from `calendar`, the winner from `rng`, moved by `shift` brackets."""
    series = EVENTS["series_tickers"][0]
    event = climate_days.event_ticker_of(series, day)
    start, end = climate_days.climate_day_bounds(climate_days.station_of(series), day)
    opened, closed = start - 14 * 3600, end - 60
    settled = closed + calendar.choice([9, 9, 9, 30]) * 3600
    tickers = [f"{event}-B{n}" for n in range(4)]
    winner = tickers[(rng.randrange(4) + shift) % 4]
    return [
        worlds._market(random.Random(0), series, day, event, ticker, opened, closed, settled, ticker == winner, False)
        | worlds._strikes(n, len(tickers))
        | {"result": "yes" if ticker == winner else "no", "fee_multiplier": None}
        for n, ticker in enumerate(tickers)
    ]
