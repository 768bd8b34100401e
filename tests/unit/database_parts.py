"""Runs on disk, as `simulate` leaves them: a few trades, or very many."""

import datetime as dt
import json
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.unit.trade_books import books_of, bought
from tests.workflow.harness import CHICAGO
from tradewinds.config import resolve
from tradewinds.core.column_rows import ColumnRows
from tradewinds.engine.equity import Point
from tradewinds.engine.result import Decision, RunResult
from tradewinds.engine.run_trades import Trade, Trades
from tradewinds.families.kalshi_weather.climate_days import DAYS_PER_YEAR
from tradewinds.families.kalshi_weather.metrics import ForecastOutcome, score_metrics
from tradewinds.pipeline.simulate import about_run
from tradewinds.results.artifacts import write_artifacts
from tradewinds.results.manifest import evidence_of, write_manifest

EVENT = "KXHIGHMIA-25JUN01"
DAY = dt.date(2025, 6, 1)
T0 = int(dt.datetime(2025, 6, 1, 3, tzinfo=dt.UTC).timestamp())


def a_trade(n, payout_micro):
    names = ("KXHIGHMIA", EVENT, f"{EVENT}-B8{n}.5", "KMIA")
    order = (T0 + 60 * n, T0, "BUY_YES")
    chances = (333_333_333_333, -1, Fraction(-20_001_000_000_001, 10**6))
    position = bought(names[2], T0 + 60 * n, T0 + 86_400, 1, 351_000, 20_001, payout_micro, leg="YES")
    return Trade(*names, *order, *chances, "EV_THRESHOLD", "yes", T0 + 86_400, position)


def write(folder, payouts=(1_000_000, 0), *, seed=0, created="2025-07-01T00:00:00Z", **metrics):
    """A run of one trade per payout, with some metrics as told; its id."""
    dates = {"date_start_local": DAY, "date_end_local": DAY}
    conf = resolve.resolve(CHICAGO | dates | {"series_tickers": ["KXHIGHMIA"], "seed": seed})
    trades = [a_trade(n, payout) for n, payout in enumerate(payouts)]
    start, end = 10**9, 10**9 + sum(trade.pnl_micro for trade in trades)
    equity = [Point(T0, "start", start, 0), Point(T0 + 86_400, "end", end, 0)]
    counts = {"events_attempted": 1, "events_traded": 1, "events_skipped": {}, "rejections": {}}
    diagnostics = {**counts, "candles_missing_pct": 12.5, "validations": {}, "quarantined": []}
    scored = [ForecastOutcome(EVENT, f"{EVENT}-B80.5", 333_333_333_333, True)]
    how = {"family_metrics": score_metrics(scored), "days_per_year": DAYS_PER_YEAR, "around_the_clock": True}
    made = (Trades.of_rows(trades), equity, ColumnRows.of(Decision, []))
    result = RunResult(start, end, books_of(trades), *made, diagnostics, [], T0, T0, T0 + 86_400, **how)
    run_id = resolve.run_id(conf)
    write_artifacts(folder, run_id, conf, result)
    write_manifest(folder, run_id, conf, about_run(conf), evidence_of([]), result.watermark)
    for name, change in (("metrics.json", metrics), ("run_manifest.json", {"created_at_utc": created})):
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
    return run_id


def write_many(folder, count, **how):
    """A run of very many trades, made from a small one by repeating its rows under other ids; its id."""
    run_id = write(folder, **how)
    small = pq.read_table(folder / "trades.parquet")
    wanted = np.arange(count)
    table = small.take(pa.array(wanted % small.num_rows))
    events = [f"KXHIGHMIA-25JUN{n % 30 + 1:02d}" for n in wanted]
    texts = {
        "trade_id": [f"{run_id[:26]}{n:010d}" for n in wanted],
        "event_ticker": events,
        "market_ticker": [f"{event}-B{n % 97}.5" for n, event in enumerate(events)],
    }
    minutes = pa.array(T0 * 1_000_000 + wanted * 60_000_000, table.schema.field("decision_ts_utc").type)
    columns = {name: pa.array(text) for name, text in texts.items()} | {"decision_ts_utc": minutes}
    for name, column in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, column)
    pq.write_table(table, folder / "trades.parquet", compression="zstd", write_page_checksum=True)
    path = folder / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"num_trades": count}))
    return run_id
