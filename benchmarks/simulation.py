"""Rows per second of the simulation in a warm process, beside a bare DuckDB scan of the same files."""

import contextlib
import datetime as dt
import time
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks import common_workload
from benchmarks.common_results import EXPECTED
from benchmarks.peers.tradewinds_engine import CENT, inputs
from tradewinds.archive.server import running_server
from tradewinds.config import resolve
from tradewinds.core import units
from tradewinds.core.files import write_parquet
from tradewinds.engine.result import RunResult
from tradewinds.families.kalshi_weather import climate_days, replay, schemas
from tradewinds.families.kalshi_weather.archive.event_archive import EventArchive
from tradewinds.families.kalshi_weather.archive.synthetic import make_synthetic
from tradewinds.families.kalshi_weather.batches import BatchReader, EventBatches
from tradewinds.families.kalshi_weather.events import load_events
from tradewinds.families.kalshi_weather.fetch import exchange_requests
from tradewinds.families.kalshi_weather.fetch.catalog import sync_catalog
from tradewinds.families.kalshi_weather.fetch.event_candles import event_meta
from tradewinds.families.kalshi_weather.forecasts.bracket_probability import bracket_probability
from tradewinds.families.kalshi_weather.forecasts.distribution import Distribution
from tradewinds.families.kalshi_weather.strikes import strike_bounds
from tradewinds.families.kalshi_weather.validations.judge import Judge
from tradewinds.pipeline import jobs
from tradewinds.sources.budget import Budget
from tradewinds.sources.endpoint import Endpoint
from tradewinds.sources.http import HttpClient

SERIES = ("KXHIGHCHI", "KXHIGHMIA")
FIRST, LAST = dt.date(2025, 1, 1), dt.date(2025, 4, 10)
BALANCES = {"never_binds": 100_000, "binds": 1000}  # of the common workload, in cents
SCAN = """SELECT count(*), sum(yes_bid_close), sum(yes_ask_close), max(end_period_ts), max(market_ticker)
          FROM read_parquet(?)"""


def prepare(work: Path) -> tuple:
    """Make 200 synthetic events and return the simulation's arguments."""
    archive = work / "archive-100-days"
    if not archive.exists():
        make_synthetic(archive, first=FIRST, last=LAST, series=SERIES)
    conf = resolve.resolve(
        {
            "series_tickers": list(SERIES),
            "date_start_local": FIRST,
            "date_end_local": LAST,
            "asof_policy": {"local_time": "23:00", "days_before": 1},
            "trade_window_policy": "market_close",
            "cadence_minutes": 1,
            "execution_model": "taker",
            "risk": {"max_contracts_per_market": 5, "max_contracts_per_event": 20},
            "output_dir": "backtests",
            "validations": {"probability_sum_tolerance": 1},  # a rule of thumb, not a forecast
        }
    )
    stored = EventArchive(archive)
    catalogs, candles = {}, {}
    with running_server(archive) as server:
        for series in SERIES:
            station = climate_days.station_of(series)
            service = Endpoint(server.url_of("kalshi"), 1000, 4, 30, 1)
            client = HttpClient(service, budget=Budget(server.root, 1000, 4, folder=work / "budget"))
            table, meta = sync_catalog(client, station, None, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
            catalogs[series] = str(work / f"{series}.parquet")
            write_parquet(catalogs[series], table, meta)
            for day in climate_days.date_range(FIRST, LAST):
                path = work / "candles" / series / f"{day}.parquet"
                candles[series, day] = str(path)
                if not path.exists():
                    rows = stored.candles(series, climate_days.event_ticker_of(series, day))
                    stamp = pa.array([dt.datetime(2026, 1, 1, tzinfo=dt.UTC)] * rows.num_rows, units.TS)
                    candle_table = rows.append_column("retrieved_at", stamp).cast(schemas.CANDLES)
                    markets = exchange_requests.markets_of(table.filter(pc.field("climate_date") == day))
                    windows = exchange_requests.windows_of(markets, "FULL_MARKET_WINDOW", 1, 0)
                    meta = event_meta(station, day, markets, windows, candle_table, 1)
                    write_parquet(path, candle_table, meta)
    return conf, catalogs, candles, _probabilities(work, catalogs)


def _probabilities(work: Path, catalogs: dict[str, str]) -> str:
    """Write P(YES) of every market, from a normal distribution around the middle of the event's strikes.

    A rough forecast is enough to make orders.
    """
    rows = []
    for path in catalogs.values():
        # the markets of each event
        by_event: dict[str, list] = {}
        for row in duckdb.sql(f"FROM '{path}'").fetch_arrow_table().to_pylist():
            by_event.setdefault(row["event_ticker"], []).append(row)
        for markets in by_event.values():
            # a rough mean: the average of the lower bounds
            bounds = {
                m["market_ticker"]: strike_bounds(m["strike_type"], m["floor_strike"], m["cap_strike"], None)
                for m in markets
            }
            centre = sum(low for low, _ in bounds.values() if low is not None) / 5
            rows += [
                {
                    **{k: m[k] for k in ("series_ticker", "event_ticker", "market_ticker", "climate_date")},
                    "asof_ts": 0,
                    "known_at_ts": 0,
                    "p_yes": bracket_probability(*bounds[m["market_ticker"]], Distribution.normal(centre, 2.5)),
                    "mu_f": None,
                    "sigma_f": None,
                    "method": "file",
                }
                for m in markets
            ]
    path = str(work / "p.parquet")
    write_parquet(path, pa.Table.from_pylist(rows, schemas.PROBABILITIES), {})
    return path


class Pair(NamedTuple):
    """A scan and a simulation of the same rows.

    Attributes:
        rows: number of rows.
        scan_s: least seconds of a scan.
        simulation_s: least seconds of a simulation.
        result: what the simulation resulted in.
    """

    rows: int
    scan_s: float
    simulation_s: float
    result: RunResult


def measure(work: Path) -> dict:
    """Return the best of three of both, on warm files."""
    conf, catalogs, candles, probabilities = prepare(work)
    found = _side_by_side((conf, catalogs, candles, probabilities), 3)
    return {
        "events": len(candles),
        "rows": found.rows,
        "trades": len(found.result.trades),
        "scan_rows_per_s": found.rows / found.scan_s,
        "simulation_rows_per_s": found.rows / found.simulation_s,
        "simulation_over_scan": found.simulation_s / found.scan_s,
    }


def measure_common(folder: Path) -> dict:
    """Replay the common workload under both balances, from files and from memory, best of five in this warm process.

    Raises:
        SystemExit: a result is not the agreed one.
    """
    jobs.tune_garbage_collector()
    if not (folder / "config.yaml").exists():
        common_workload.write(folder)
    pairs = {name: _side_by_side(inputs(folder, cash), 5) for name, cash in BALANCES.items()}
    for name, cash in BALANCES.items():
        result = pairs[name].result
        came_to = len(result.trades), (result.end_balance_micro - result.start_balance_micro) / CENT
        if came_to != EXPECTED["shared", cash][:2]:
            raise SystemExit(f"the common workload with {cash} cents came to (trades, cents) {came_to}")
    rows = pairs["binds"].rows
    scan_s = min(pair.scan_s for pair in pairs.values())
    memory = {f"{name}_in_memory": rows / _in_memory(inputs(folder, cash), 5) for name, cash in BALANCES.items()}
    return (
        {"rows": rows, "scan": rows / scan_s}
        | memory
        | {name: rows / pair.simulation_s for name, pair in pairs.items()}
    )


class KeptBatches:
    """The events of a run, and its batches, in memory.

    Args:
        arguments: of the replay.
    """

    def __init__(self, arguments: tuple) -> None:
        self.config = arguments[0]
        with contextlib.closing(BatchReader()) as reader:
            coming = EventBatches(reader, len(self.config["series_tickers"]))
            self.events = load_events(*arguments, coming.add)
            self.batches = list(coming)

    def replay(self) -> None:
        """Replay the events: all that a run does between reading files and writing results."""
        run = replay._JointReplay([self.config], self.events, Judge(self.config, []), counted=True)
        run.run(self.batches)
        run.result()


def _in_memory(arguments: tuple, times: int) -> float:
    """Return the least seconds of a replay of candles and events that are in memory, after one that warms up."""
    kept, seconds = KeptBatches(arguments), []
    kept.replay()
    for _ in range(times):
        started = time.perf_counter()
        kept.replay()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def _side_by_side(arguments: tuple, times: int) -> Pair:
    """Scan and simulate in turn, after a first simulation that warms up."""
    files = sorted(arguments[2].values())
    scans, runs = [], []
    result = replay.replay_events(*arguments)
    for _ in range(times):
        started = time.perf_counter()
        rows = duckdb.connect().execute(SCAN, [files]).fetchall()[0][0]
        scans.append(time.perf_counter() - started)
        started = time.perf_counter()
        result = replay.replay_events(*arguments)
        runs.append(time.perf_counter() - started)
    return Pair(rows, min(scans), min(runs), result)
