"""The doors of minute bars for `door_fuzz`: a config, files of a user in CSV and Parquet, and the chart API's answers."""

import datetime as dt
import io
import json
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.csv
import yaml

from tests.workflow.door_inputs import parquet_of
from tradewinds.config import resolve
from tradewinds.families.equities_intraday.fetch import minute_checks, user_minutes, yahoo_minutes
from tradewinds.families.equities_intraday.session_panel import make_session_panel
from tradewinds.families.plan import run_plan
from tradewinds.reference_data.exchange_calendar import calendar_of
from tradewinds.sources.http import HttpClient

CONFIG = """market: equities_intraday
symbols: [AAA, BBB]
date_start_local: 2024-07-09
date_end_local: 2024-07-10
bars: {source: files, path: m.csv, label: start, timezone: America/New_York}
orb: {base_minutes: 15, adaptive: false}
trade: {stop_mode: or_mid, partials: false, primary_r: 2}
governance: {max_signals_per_day: 1, time_cutoff: null}
risk: {start_balance: 100000, sizing: fixed_shares, fixed_shares: 100}
output_dir: backtests
"""
OPENS = [dt.datetime(2024, 7, day, 9, 30, tzinfo=ZoneInfo("America/New_York")) for day in (8, 9, 10)]
STARTS = [opened + dt.timedelta(minutes=minute) for opened in OPENS for minute in range(0, 390, 13)]
PRICES = [100 + n % 7 / 4 for n in range(len(STARTS))]
BARS = "symbol,datetime,open,high,low,close,volume\n" + "".join(
    f"{symbol},{at:%Y-%m-%d %H:%M:%S},{price},{price + 0.5},{price - 0.5},{price + 0.25},1200\n"
    for symbol in ("AAA", "BBB")
    for at, price in zip(STARTS, PRICES, strict=True)
)


def bars_table() -> pa.Table:
    """BARS with times and numbers."""
    return pa.csv.read_csv(io.BytesIO(BARS.encode()))


def chart() -> bytes:
    """A good answer of the chart API."""
    stamps = [int(at.timestamp()) for at in STARTS]
    quote = {"open": PRICES, "high": [p + 0.5 for p in PRICES], "low": [p - 0.5 for p in PRICES], "close": PRICES}
    quote |= {"volume": [1200] * len(PRICES)}
    meta = {"symbol": "AAA", "dataGranularity": "1m", "exchangeTimezoneName": "America/New_York", "currency": "USD"}
    result = {"meta": meta, "timestamp": stamps, "indicators": {"quote": [quote]}}
    return json.dumps({"chart": {"result": [result], "error": None}}).encode()


def enter_bars(name: str) -> Callable[[bytes], int]:
    """A door: bars in a file of this name, put into months and into the panel of a run."""

    def enter(data: bytes) -> int:
        Path(name).write_bytes(data)
        raw = yaml.safe_load(CONFIG)
        conf = resolve.resolve({**raw, "bars": {**raw["bars"], "path": name}})
        plan = run_plan(conf)
        user_minutes.import_minutes(conf, plan.files.months)
        make_session_panel(conf, plan)
        return 0

    return enter


def enter_chart(client: HttpClient) -> int:
    """The sessions of a share's minutes from an answer that a client gives."""
    opens = [int(opened.timestamp()) for opened in OPENS]
    spans = yahoo_minutes.spans_of(opens, [opened + 23_400 for opened in opens])
    rows = yahoo_minutes.fetch_spans(client, "AAA", spans).rows
    minute_checks.faults(minute_checks.in_order(rows), calendar_of("XNYS", OPENS[-1].date()), 60)
    return 0


def parquet() -> bytes:
    """BARS as a Parquet file."""
    return parquet_of(bars_table())
