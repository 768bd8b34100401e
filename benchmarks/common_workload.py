"""The common workload: the same rows and the same rule for every engine, kept as this project's own files.

200 events of six markets with a quote every minute for 30 hours: 2.16 million rows, a fifth of them without a quote. There is
an event a day, so neighbouring events overlap for six hours and share the balance. All of it comes from one seed.

The rule: at every minute, event by event and market by market, buy one YES at the ask if p − ask − fee > 5 cents, else one NO
at 100 − bid by the same condition; at most 5 contracts per market and 20 per event, as far as the cash goes; hold to
settlement.

    python benchmarks/common_workload.py FOLDER

makes a folder in which `tradewinds run --config config.yaml --no-fetch` works. `write` also makes longer workloads and
workloads of several series (benchmarks/scale.py).
"""

from __future__ import annotations

import datetime as dt
import itertools
import multiprocessing
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import yaml

from tradewinds.config import resolve
from tradewinds.core import files, units
from tradewinds.families.kalshi_weather import candle_window, climate_days, schemas
from tradewinds.families.kalshi_weather.candle_window import CandleWindow
from tradewinds.families.kalshi_weather.fetch import exchange_requests
from tradewinds.families.kalshi_weather.fetch.event_candles import event_meta
from tradewinds.families.kalshi_weather.plan import plan_of

SERIES = "KXHIGHCHI"
FIRST = dt.date(2025, 1, 1)
SEED = 20_250_101
EVENTS, MARKETS, MINUTES = 200, 6, 1800
WRITTEN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

# The as-of time (noon of the day before, in Chicago) lies before the opening (midnight UTC of the climate date), so every
# minute from the opening to the close is a decision time. The probabilities are whole cents and need not sum to one.
CONFIG = {
    "series_tickers": [SERIES],
    "date_start_local": FIRST,
    "date_end_local": FIRST + dt.timedelta(days=EVENTS - 1),
    "asof_policy": {"local_time": "12:00", "days_before": 1},
    "trade_window_policy": "market_close",
    "cadence_minutes": 1,
    "execution_model": "taker",
    "strategy": {
        "name": "first_side",
        "file": str(Path(__file__).parent / "peers" / "first_side.py"),
        "parameters": {"edge": 0.05},
    },
    "validations": {"probability_sum_tolerance": 0.2},
    "probabilities": {"source": "file", "path": "my_probabilities.parquet"},
    "risk": {
        "start_balance_usd": 10,
        "min_ev_per_contract": 0.05,
        "sizing": "fixed_qty",
        "fixed_qty": 1,
        "max_contracts_per_market": 5,
        "max_contracts_per_event": 20,
        "allow_opposing": "hold",
    },
    "fees": {"rounding": "cent"},
    "fetch": "never",
    "output_dir": "backtests",
}


class Day(NamedTuple):
    """One event.

    Attributes:
        date: its climate date.
        open_ts: its opening in Unix seconds.
        bid: best bid in cents, shape (minutes, markets).
        ask: best ask in cents, shape (minutes, markets).
        silent: whether a row has no quote, shape (minutes, markets).
        p_cents: P(YES) of each market in cents.
        winner: index of the market that settles YES.
    """

    date: dt.date
    open_ts: int
    bid: np.ndarray
    ask: np.ndarray
    silent: np.ndarray
    p_cents: np.ndarray
    winner: int

    @property
    def close_ts(self) -> int:
        """The end of trading and the settlement, in Unix seconds."""
        return self.open_ts + 60 * MINUTES


def days(events: int = EVENTS, seed: int = SEED) -> Iterator[Day]:
    """Yield the events in order of their dates.

    The order of the random draws is part of the workload.

    Args:
        events: number of events.
        seed: seed of the random numbers.
    """
    rng = np.random.default_rng(seed)
    for number in range(events):
        date = FIRST + dt.timedelta(days=number)
        strength = rng.normal(0, 1.0, MARKETS)
        worth = _shares(np.cumsum(rng.normal(0, 0.045, (MINUTES, MARKETS)), axis=0) + strength)
        half_spread = rng.integers(1, 4, (MINUTES, MARKETS)) / 2
        bid = np.clip(np.floor(worth * 100 - half_spread), 1, 98).astype(np.int16)
        ask = np.clip(np.ceil(worth * 100 + half_spread), bid + 1, 99).astype(np.int16)
        silent = rng.random((MINUTES, MARKETS)) < 0.20
        opinion = _shares(strength + rng.normal(0, 0.6, MARKETS))
        chances = 0.65 * worth[-1] + 0.35 * opinion
        winner = int(rng.choice(MARKETS, p=chances / chances.sum()))
        open_ts = int(dt.datetime.combine(date, dt.time(), dt.UTC).timestamp())
        p_cents = np.clip(np.rint(opinion * 100), 1, 99).astype(np.int64)
        yield Day(date, open_ts, bid, ask, silent, p_cents, winner)


def _shares(score: np.ndarray) -> np.ndarray:
    """Convert scores to positive numbers that sum to 1 along the last axis."""
    weight = np.exp(score)
    return weight / weight.sum(axis=-1, keepdims=True)


def tickers(series: str, date: dt.date) -> list[str]:
    """Return the tickers of the six markets of a date, in their order."""
    return [f"{climate_days.event_ticker_of(series, date)}-B{40.5 + 2 * n}" for n in range(MARKETS)]


def write(folder: Path, events: int = EVENTS, seeds: Mapping[str, int] | None = None, processes: int = 1) -> None:
    """Write catalogs, candles, probabilities (the user's file and the project's table) and config below a folder.

    Args:
        folder: the folder.
        events: number of events of each series, from FIRST on.
        seeds: seed of each series, by ticker; by default SERIES and SEED.
        processes: number of processes, each of which writes some of the series.
    """
    seeds = seeds or {SERIES: SEED}
    last = FIRST + dt.timedelta(days=events - 1)
    asked = {**CONFIG, "series_tickers": list(seeds), "date_end_local": last}
    conf = resolve.resolve(asked)
    window = candle_window.wanted_window(conf)
    jobs = [(folder, window, events, series, seed) for series, seed in seeds.items()]
    if processes == 1:
        believed = [row for job in jobs for row in _write_series(*job)]
    else:
        with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
            believed = [row for rows in pool.map(_write_series, *zip(*jobs, strict=True)) for row in rows]
    believed.sort(key=lambda r: (r["climate_date"], r["market_ticker"]))
    write_probabilities(folder, conf, pa.Table.from_pylist(believed, schemas.PROBABILITIES))
    own = {
        "market_ticker": [row["market_ticker"] for row in believed],
        "known_at_utc": [dt.datetime.fromtimestamp(row["known_at_ts"], dt.UTC) for row in believed],
        "p_yes": [float(row["p_yes"]) for row in believed],
    }
    files.write_parquet(folder / CONFIG["probabilities"]["path"], pa.table(own), {})
    files.write_text(folder / "config.yaml", yaml.safe_dump(asked, sort_keys=False))


def write_day(folder: Path, conf: resolve.Config, number: int = 0) -> list[str]:
    """Write the catalog and the candles of one event, where a config's plan has them; returns the tickers of its markets.

    Args:
        folder: the folder.
        conf: resolved; its dates include the event's.
        number: of the event, from FIRST on.
    """
    day = next(itertools.islice(days(number + 1), number, None))
    markets = [_catalog_row(SERIES, day, n, ticker) for n, ticker in enumerate(tickers(SERIES, day.date))]
    _write_candles(folder, candle_window.wanted_window(conf), day, markets)
    meta = _catalog_meta(markets) | {"covers_through": conf["date_end_local"].isoformat()}
    files.write_parquet(folder / schemas.catalog_path(SERIES), pa.Table.from_pylist(markets, schemas.CATALOG), meta)
    return [market["market_ticker"] for market in markets]


def write_probabilities(folder: Path, conf: resolve.Config, table: pa.Table) -> None:
    """Write the probabilities of a resolved config where its plan has them."""
    meta = {"source": "file", "markets": table.num_rows, "events_without": {}, "reasons": {}}
    files.write_parquet(folder / plan_of(conf).files.probabilities, table, meta)


def _write_series(folder: Path, window: CandleWindow, events: int, series: str, seed: int) -> list[dict]:
    """Write the catalog and the candles of a series, and return the probabilities of its markets."""
    listed, believed = [], []
    for day in days(events, seed):
        markets = [_catalog_row(series, day, n, ticker) for n, ticker in enumerate(tickers(series, day.date))]
        _write_candles(folder, window, day, markets)
        listed += markets
        cents = day.p_cents.tolist()
        believed += [_probability_row(market, p) for market, p in zip(markets, cents, strict=True)]
    table = pa.Table.from_pylist(listed, schemas.CATALOG)
    files.write_parquet(folder / schemas.catalog_path(series), table, _catalog_meta(listed))
    return believed


def _catalog_row(series: str, day: Day, number: int, ticker: str) -> dict:
    """Return the row of the catalog of market `number` of a day."""
    opened, closed = (dt.datetime.fromtimestamp(ts, dt.UTC) for ts in (day.open_ts, day.close_ts))
    won = number == day.winner
    return {
        **dict.fromkeys(schemas.CATALOG.names),
        "series_ticker": series,
        "event_ticker": climate_days.event_ticker_of(series, day.date),
        "market_ticker": ticker,
        "climate_date": day.date,
        "market_type": "binary",
        **_strikes(number),
        "status": "finalized",
        "result": "yes" if won else "no",
        "settlement_value": Decimal(int(won)),
        "open_time": opened,
        "close_time": closed,
        "settlement_ts": closed,
        "volume": Decimal(0),
        "fee_type": "quadratic",
        "fee_multiplier": Decimal(1),
        "tier": "historical",
        "raw": "{}",
        "retrieved_at": WRITTEN,
    }


def _strikes(number: int) -> dict:
    """Return the strike fields of market `number`: 41 °F or below, brackets of two degrees, 50 °F or above."""
    if number == 0:
        return {"strike_type": "less", "floor_strike": None, "cap_strike": 42.0}
    if number == MARKETS - 1:
        return {"strike_type": "greater", "floor_strike": 39.0 + 2 * number, "cap_strike": None}
    return {"strike_type": "between", "floor_strike": 40.0 + 2 * number, "cap_strike": 41.0 + 2 * number}


def _catalog_meta(rows: list[dict]) -> dict:
    """Return the metadata of a catalog."""
    last = max(row["climate_date"] for row in rows).isoformat()
    covers = {"series_ticker": rows[0]["series_ticker"], "covers_through": last, "asked_through": last}
    return covers | {"markets": len(rows), "nonfinal": 0}


def _probability_row(market: dict, cents: int) -> dict:
    """Return a market's row of the table of probabilities."""
    asof = climate_days.asof_ts(climate_days.station_of(market["series_ticker"]), market["climate_date"], "12:00", 1)
    return {
        **{key: market[key] for key in ("series_ticker", "event_ticker", "market_ticker", "climate_date")},
        "asof_ts": asof,
        "known_at_ts": asof,
        "p_yes": Decimal(cents).scaleb(-2).quantize(Decimal("1e-12")),
        "mu_f": None,
        "sigma_f": None,
        "method": "file",
    }


def _write_candles(folder: Path, window: CandleWindow, day: Day, markets: Sequence[dict]) -> None:
    """Write one event's file: a row per minute and market; a minute without a quote is a row without prices."""
    ends = day.open_ts + 60 * np.arange(MINUTES, dtype=np.int64)
    names, count = np.array([market["market_ticker"] for market in markets], dtype=object), MINUTES * MARKETS
    columns = {
        "market_ticker": pa.array(np.repeat(names, MINUTES)),
        "end_period_ts": pa.array(np.tile(ends, MARKETS)),
        **dict.fromkeys(schemas.PRICE_COLUMNS, pa.nulls(count, units.PRICE)),
        **dict.fromkeys(("volume", "open_interest"), pa.array([Decimal(0)] * count, units.COUNT)),
        "retrieved_at": pa.array([WRITTEN] * count, units.TS),
    }
    for side, cents in (("bid", day.bid), ("ask", day.ask)):
        prices = _dollars(cents.T.ravel(), day.silent.T.ravel())
        columns |= {f"yes_{side}_{moment}": prices for moment in ("open", "high", "low", "close")}
    table = pa.table(columns).select(schemas.CANDLES.names).cast(schemas.CANDLES)
    plain = exchange_requests.markets_of(pa.Table.from_pylist(markets, schemas.CATALOG))
    windows = exchange_requests.windows_of(plain, window.policy, window.period_minutes, asof_ts=0)
    station = climate_days.station_of(markets[0]["series_ticker"])
    meta = event_meta(station, day.date, plain, windows, table, window.period_minutes)
    told = {"window_policy": window.policy, "tier": "historical", "requests": 0, "retries": 0, "kept_from": None}
    path = schemas.candle_path(window.key, station.series_ticker, day.date)
    files.write_parquet(folder / path, table, meta | told | {"retrieved_at": WRITTEN.isoformat()})


_DOLLARS_OF_CENTS = pa.array([Decimal(c).scaleb(-2) for c in range(101)], units.PRICE)


def _dollars(cents: np.ndarray, silent: np.ndarray) -> pa.Array:
    """Convert cents to a column of dollars, null where a row has no quote."""
    return _DOLLARS_OF_CENTS.take(pa.array(cents, mask=silent))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
