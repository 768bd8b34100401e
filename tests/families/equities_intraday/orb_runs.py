"""Runs of the opening-range family on disk, as the workflow leaves them: bars from a Parquet file, replay, files, report."""

import contextlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.families.equities_intraday.replayed_worlds import SYMBOLS, days, random_bars
from tradewinds.config import markets, resolve
from tradewinds.families import plan
from tradewinds.families.equities_intraday.fetch import user_minutes
from tradewinds.families.equities_intraday.session_panel import make_session_panel
from tradewinds.pipeline.simulate import simulate
from tradewinds.results.report.write import write_report

WARM_UP = 15


def bars_table(bars):
    """Return a world's bars as a table that a user might have: symbol, ts (UTC), prices, volume."""
    sessions = len(bars.days)
    counts = np.diff(bars.first_row)
    starts = np.repeat(np.tile(bars.open_ts, len(bars.symbols)), counts) + 60 * bars.minute.astype(np.int64)
    names = np.repeat(np.array(bars.symbols, object), counts.reshape(-1, sessions).sum(axis=1))
    columns = {"symbol": pa.array(names, pa.string()), "ts": pa.array(starts * 10**6).cast(pa.timestamp("us", "UTC"))}
    columns |= {name: getattr(bars, name) / 10**6 for name in ("open", "high", "low", "close")}
    return pa.table(columns | {"volume": np.maximum(bars.volume, 0)})


def raw_config(dates, symbols=SYMBOLS, bars_changes=None, **changes):
    """Return a config as a user writes it, lenient enough to trade."""
    raw = {
        "market": "equities_intraday",
        "symbols": list(symbols),
        "date_start_local": dates[WARM_UP],
        "date_end_local": dates[-1],
        "bars": {"source": "files", "path": "bars.parquet", "label": "start", **(bars_changes or {})},
        "orb": {"min_atr_mult": 0, "max_atr_mult": 100},
        "scoring": {"base_required": 1},
        "governance": {"max_signals_per_day": 5},
    }
    for name, value in changes.items():
        raw[name] = {**raw[name], **value} if isinstance(raw.get(name), dict) and isinstance(value, dict) else value
    return raw


def prepared(folder: Path, seed=1, count=24, bars=None, symbols=SYMBOLS, dates=None, **changes):
    """Write a world's bars and the panel of a config into a folder; return config and plan. Call it inside the folder."""
    dates = dates or days(count)
    pq.write_table(bars_table(bars or random_bars(seed, dates, symbols)), folder / "bars.parquet")
    conf = resolve.resolve(raw_config(dates, symbols, **changes))
    made = plan.run_plan(conf)
    user_minutes.import_minutes(conf, made.files.months)
    make_session_panel(conf, made)
    return conf, made


def write(folder: Path, report=True, **how) -> Path:
    """Run a config in a folder; the run's own folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.chdir(folder):
        conf, made = prepared(Path(), **how)
        simulate(conf, made, [], 1)
        if report:
            write_report(made.run_dir, markets.family_of(conf["market"]).report())
    return folder / made.run_dir
