"""Random small worlds from a seed: files of a few events, and a config to run on them.

Books are sparse, empty or crossed, days are around changes of the clocks, cash is short. The strikes of an event tile the
degrees. Its probabilities mostly do not sum to 1, so that there are trades; `ladder_sums_to_one` then warns. Every third event
has a defect that a validation must find (defects.py).
"""

import copy
import datetime as dt
import functools
import random
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests.reference.defects import plant, validation_policy
from tests.reference.parquet_rows import rows_of
from tradewinds.config import resolve
from tradewinds.core import files
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.pooling.probability_sources import complete_asof_policy

# an ordinary day, and days around both changes of the clocks
DAYS = [dt.date(2025, 5, 10), dt.date(2025, 3, 8), dt.date(2025, 3, 9), dt.date(2025, 11, 1), dt.date(2025, 11, 2)]
SERIES = ["KXHIGHCHI", "KXHIGHMIA", "KXHIGHLAX", "KXHIGHTPHX"]
LOWEST_F = 70
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@dataclass
class World:
    """A resolved config and the files of its run.

    Attributes:
        config: the config.
        catalogs: path of each series' catalog.
        candles: path of each (series, date)'s candle file.
        probabilities: path of the table of probabilities.
        climate: paths of the climate reports.
    """

    config: dict[str, Any]
    catalogs: dict[str, str] = field(default_factory=dict)
    candles: dict[tuple[str, dt.date], str] = field(default_factory=dict)
    probabilities: str = ""
    climate: list[str] = field(default_factory=list)

    @property
    def inputs(self):
        """The positional arguments that the product's replay and NaiveRun share."""
        return self.config, self.catalogs, self.candles, self.probabilities


def make_world(folder: Path, seed: int) -> World:
    """Write the files of a random world into a folder: those that `_new_world` made of the seed, once in a process."""
    world, contents = _kept_world(seed)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return World(
        copy.deepcopy(world.config),
        catalogs={series: str(folder / name) for series, name in world.catalogs.items()},
        candles={event: str(folder / name) for event, name in world.candles.items()},
        probabilities=str(folder / world.probabilities),
        climate=[str(folder / name) for name in world.climate],
    )


@functools.cache
def _kept_world(seed: int) -> tuple[World, dict[str, bytes]]:
    """Make a random world; its paths are names, and the content of each of these files is the second value."""
    with tempfile.TemporaryDirectory() as folder:
        world = _new_world(Path(folder), seed)
        contents = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    world.catalogs = {series: Path(path).name for series, path in world.catalogs.items()}
    world.candles = {event: Path(path).name for event, path in world.candles.items()}
    world.probabilities, world.climate = Path(world.probabilities).name, [Path(path).name for path in world.climate]
    return world, contents


def _new_world(folder: Path, seed: int) -> World:
    """Write the files of a random world into a folder."""
    # dates, series and settings
    rng = random.Random(seed)
    first = rng.choice(DAYS)
    series = rng.sample(SERIES, rng.choice([1, 1, 2]))
    last = first + dt.timedelta(days=rng.choice([0, 1, 1]))
    world = World(_config(rng, series, first, last))
    trouble = random.Random(f"{seed} trouble")  # a separate generator: defects do not change the rest of a world
    world.config["on_missing"]["validation"] = validation_policy(trouble)
    p_rows, reports = [], []
    for ticker in series:
        rows = []
        for day in climate_days.date_range(first, last):
            # an event: markets, probabilities and candles, each of which may be absent
            markets = [] if rng.random() < 0.05 else _markets(rng, ticker, day)
            p_found = _probabilities(rng, ticker, day, markets)
            silent = rng.random() < 0.05
            found = [] if silent else [c for m in markets for c in _candles(rng, world.config, m)]
            found.sort(key=lambda c: (c["market_ticker"], c["end_period_ts"]))
            for m in markets:
                m["volume"] = sum((c["volume"] for c in found if c["market_ticker"] == m["market_ticker"]), Decimal(0))
            # metadata and climate report that fit, then perhaps a defect
            counts = Counter(c["market_ticker"] for c in found)
            meta = {"markets": [m["market_ticker"] for m in markets], "rows_per_market": dict(counts)}
            report = _report(ticker, day, markets)
            plant(trouble, markets, p_found, found, meta, report)
            rows += markets
            p_rows += p_found
            reports.append(report)
            path = folder / f"{ticker}-{day}.parquet"
            files.write_parquet(path, pa.Table.from_pylist(found, schemas.CANDLES), meta)
            world.candles[ticker, day] = str(path)
        world.catalogs[ticker] = str(folder / f"{ticker}.parquet")
        files.write_parquet(world.catalogs[ticker], pa.Table.from_pylist(rows, schemas.CATALOG), {})
    world.climate = [str(folder / "climate.parquet")]
    files.write_parquet(world.climate[0], pa.Table.from_pylist(reports, schemas.CLIMATE), {})
    world.probabilities = str(folder / "p.parquet")
    files.write_parquet(world.probabilities, pa.Table.from_pylist(p_rows, schemas.PROBABILITIES), {})
    return world


def with_changes(folder: Path, seed: int) -> World:
    """Write a random world whose probabilities change: decisions use the last one known at their own time.

    Some markets have their first one after their window has begun; some changes come inside a minute, some at one instant.
    """
    world, rng = make_world(folder, seed), random.Random(f"{seed} changes")
    policy = {"mode": "latest"} if rng.random() < 0.3 else {**world.config["asof_policy"], "mode": "latest"}
    world.config["asof_policy"] = policy
    complete_asof_policy(policy)
    opens = {
        row["market_ticker"]: (int(row["open_time"].timestamp()), int(row["close_time"].timestamp()))
        for path in world.catalogs.values()
        for row in rows_of(path)
    }
    rows = []
    for row in rows_of(world.probabilities):
        opened, closed = opens[row["market_ticker"]]
        found = [row | {"known_at_ts": rng.choice([0, 0, opened, rng.randint(opened, closed)])}]
        for _ in range(rng.choice([0, 1, 3, 8])):
            known_at = rng.randint(opened - 600, closed + 600)
            known_at -= rng.choice([0, known_at % 60, known_at % 60 - 30])
            p = Decimal(rng.randint(0, 100)) / 100 if rng.random() < 0.8 else row["p_yes"]
            found.append(row | {"known_at_ts": known_at, "p_yes": p})
        rows += sorted(found, key=lambda one: one["known_at_ts"])
    table = pa.Table.from_pylist(rows, schemas.LATEST_PROBABILITIES)
    files.write_parquet(world.probabilities, table, {})
    return world


def _config(rng, series, first, last):
    """Return a resolved config with random settings."""

    def maybe(*choices):
        """One of the choices, or None more often than each of them."""
        return rng.choice([None, None, *choices])

    # sizes and limits
    risk = {
        "start_balance_usd": rng.choice([1000, 3, 1.5, 20]),
        "min_ev_per_contract": rng.choice([0, 0.01, 0.05, 0.1]),
        "sizing": rng.choice(["fixed_qty", "fixed_qty", "ev_proportional", "kelly"]),
        "fixed_qty": rng.choice([1, 2, 10, 10]),
        "contracts_per_dollar_ev": rng.choice([10, 33.3, 100]),
        "kelly_fraction": rng.choice([0.1, 0.25, 1]),
        "max_contracts_per_market": maybe(1, 5, 11, 21),
        "max_contracts_per_event": maybe(4, 20),
        "max_total_open_contracts": maybe(6, 30),
        "max_notional_per_event_usd": maybe(1, 2.75, 10),
        "max_trades_per_event_per_day": maybe(1, 3, 10),
        "max_volume_share": maybe(0.1, 0.5),
        "allow_opposing": rng.choice([False, False, True, True, "hold"]),
    }
    # sometimes room for a few contracts only, whose fee per contract is above that of the whole order: EV_THRESHOLD occurs
    if rng.random() < 0.25:
        risk |= {"sizing": "fixed_qty", "fixed_qty": 10, "max_contracts_per_market": 11, "min_ev_per_contract": 0.01}
        risk |= {"max_volume_share": None, "max_trades_per_event_per_day": None, "start_balance_usd": 1000}
    raw = {
        "series_tickers": series,
        "date_start_local": first,
        "date_end_local": last,
        "asof_policy": {
            "local_time": rng.choice(["23:00", "02:30", "01:30", "12:00"]),
            "days_before": rng.choice([0, 1]),
        },
        "trade_window_policy": rng.choice(["market_close", "station_day_end"]),
        "cadence_minutes": rng.choice([1, 5, 7, 60]),
        "execution_model": "taker",
        "risk": risk,
        "candles": {"window_policy": rng.choice(["FULL_MARKET_WINDOW", "TRADE_WINDOW_ONLY"])},
        "max_quote_age_minutes": maybe(10, 90),
        "output_dir": "backtests",
    }
    return resolve.resolve(raw)


def _markets(rng, series, day):
    """Return the rows of the catalog of one event: two to five markets, one of which wins."""
    event = climate_days.event_ticker_of(series, day)
    start, end = climate_days.climate_day_bounds(climate_days.station_of(series), day)
    # instants with fractions of a second, some of them the last microsecond before a decision time
    part = [0, 0, 0.5, -0.000001, 0.000001, 0.999999]
    opened = start - rng.choice([14, 10, -3]) * 3600 + rng.choice(part)
    closed = end - rng.choice([60, 0, -3600, 8 * 3600])
    settled = rng.choice([closed + 9 * 3600 + rng.choice(part), closed + 30 * 3600, closed, None])
    closed += rng.choice(part)
    tickers = [f"{event}-B{n}" for n in range(rng.randint(2, 5))]
    winner, scalar = rng.choice(tickers), rng.random() < 0.1
    return [
        _market(rng, series, day, event, t, opened, closed, settled, t == winner, scalar) | _strikes(n, len(tickers))
        for n, t in enumerate(tickers)
    ]


def _strikes(n, of):
    """Return the strike fields of bracket n of `of`: two degrees each from 70 °F on, the first and the last one open-ended."""
    floor, cap = LOWEST_F + 2 * n, LOWEST_F + 2 * n + 1
    if n == 0:
        return {"strike_type": "less", "cap_strike": cap + 1.0}
    if n == of - 1:
        return {"strike_type": "greater", "floor_strike": floor - 1.0}
    return {"strike_type": "between", "floor_strike": float(floor), "cap_strike": float(cap)}


def _report(series, day, markets):
    """Return a final climate report with the lowest degree of the winner's bracket as the high."""
    value = next((LOWEST_F + 2 * n for n, m in enumerate(markets) if m["result"] == "yes"), LOWEST_F)
    return {
        "station_id": climate_days.station_of(series).station_id,
        "climate_date": day,
        "high_f": value,
        "low_f": value - 20,
        "issued_ts": 0,
        "product": "invented",
        "final": True,
        "known_at_ts": 0,
    }


def _market(rng, series, day, event, ticker, opened, closed, settled, won, scalar):
    """Return a row of the catalog without strikes; times in Unix seconds."""

    def moment(ts):
        whole = None if ts is None else dt.datetime.fromtimestamp(int(ts), dt.UTC)
        return whole and whole + dt.timedelta(microseconds=round((ts - int(ts)) * 10**6))

    result = "scalar" if scalar else "yes" if won else "no"
    return {
        **dict.fromkeys(schemas.CATALOG.names),
        "series_ticker": series,
        "event_ticker": event,
        "market_ticker": ticker,
        "climate_date": day,
        "market_type": "binary",
        "status": "finalized",
        "result": None if rng.random() < 0.02 else result,
        "settlement_value": Decimal(rng.choice(["0.24", "0.5", "0.01"])) if scalar else None,
        "open_time": moment(opened),
        "close_time": moment(closed),
        "settlement_ts": moment(settled),
        "fee_multiplier": rng.choice([None, Decimal(1), Decimal("0.5"), Decimal(0)]),
        "tier": "historical",
        "raw": "{}",
        "retrieved_at": NOW,
    }


def _probabilities(rng, series, day, markets):
    """Return random probabilities of most markets, as rows of schema PROBABILITIES."""
    rows = []
    for m in markets:
        if rng.random() < 0.9:
            p = Decimal(repr(rng.choice([rng.randint(0, 100) / 100, round(rng.random(), 12)])))
            rows.append(
                {
                    "series_ticker": series,
                    "event_ticker": m["event_ticker"],
                    "market_ticker": m["market_ticker"],
                    "climate_date": day,
                    "asof_ts": 0,
                    "known_at_ts": 0,
                    "p_yes": p.quantize(Decimal("1e-12")),
                    "method": "file",
                    "mu_f": None,
                    "sigma_f": None,
                }
            )
    return rows


def _candles(rng, conf, market):
    """Return sparse random candles from just before a market's open to just after its close, as rows of schema CANDLES."""
    opened, closed = (int(market[k].timestamp()) for k in ("open_time", "close_time"))
    # prices in cents: a random walk of the middle, and a spread that is sometimes negative (a crossed book)
    mid, rows = rng.randint(5, 95), []
    density = rng.choice([0.004, 0.02, 0.08])
    for end in range(opened - 120, closed + 180, 60):
        if rng.random() > density:
            continue
        mid = min(99, max(1, mid + rng.randint(-6, 6)))
        bid, ask = mid - rng.randint(0, 3), mid + rng.randint(-1 if rng.random() < 0.1 else 1, 4)
        bid, ask = max(0, bid), min(100, max(0, ask))
        # a side may be empty; prices may have up to 6 decimals
        cents = {"bid": None if rng.random() < 0.05 else bid, "ask": None if rng.random() < 0.05 else ask}
        sub = Decimal("0.0025") if rng.random() < 0.1 and bid > 1 else Decimal(0)
        row = dict.fromkeys(schemas.CANDLES.names)
        for side, value in cents.items():
            price = None if value is None else Decimal(value) / 100 - (sub if side == "bid" else 0)
            row |= {f"yes_{side}_{k}": price for k in ("open", "high", "low", "close")}
        row |= {"market_ticker": market["market_ticker"], "end_period_ts": end, "retrieved_at": NOW}
        rows.append(row | {"volume": Decimal(rng.choice([0, 3, 10, 57])), "open_interest": Decimal(0)})
    return rows
