"""One process of benchmarks/scale.py: replays the first days of the year as the simulate job replays a run.

python -m benchmarks.scale_replay FOLDER --days 365 [--cash-usd 10] [--strategy ev_threshold]
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common_results import EXPECTED, Outcome
from benchmarks.peers.process import Stopwatch
from benchmarks.scale import part_of
from tradewinds.config import resolve as configs
from tradewinds.engine.run_trades import Trade
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.plan import plan_of
from tradewinds.families.kalshi_weather.replay import replay_events
from tradewinds.pipeline import jobs

CENT = 10_000  # micro-dollars
# The common workload is the first part of the year; with a balance that never binds, its events have the same trades as alone.
COMMON_SERIES, COMMON_EVENTS, NEVER_BINDS_USD = "KXHIGHCHI", 200, 1_000_000


def replay(days: int, cash_usd: int, strategy: str) -> dict:
    """Replay the year in the working directory and return the result's figures.

    Args:
        days: number of days.
        cash_usd: start balance in dollars.
        strategy: name of the strategy.
    """
    watch = Stopwatch()
    conf = part_of(configs.load("config.yaml"), days)
    conf["risk"]["start_balance_usd"] = cash_usd
    if strategy != conf["strategy"]["name"]:
        conf["strategy"] = {"name": strategy, "file": None, "parameters": None}
    plan = plan_of(conf)
    candles = {(event.series_ticker, event.climate_date): event.path for event in plan.files.events}
    result = replay_events(conf, plan.files.catalogs, candles, plan.files.probabilities, os.cpu_count())
    watch.lap("simulate")
    judged = strategy == "first_side" and cash_usd >= NEVER_BINDS_USD and days >= COMMON_EVENTS
    return {
        "events": result.diagnostics["events_attempted"],
        "skipped": result.diagnostics["events_skipped"],
        "rejections": result.diagnostics["rejections"],
        "trades": len(result.trades),
        "pnl_usd": (result.end_balance_micro - result.start_balance_micro) / 1e6,
        "agreed": as_agreed(result.trades, conf["date_start_local"]) if judged else None,
        **{f"{phase}_s": seconds for phase, seconds in watch.phases.items()},
    }


def as_agreed(trades: Sequence[Trade], first: dt.date) -> bool:
    """Whether the trades of the common workload's events are those of every engine."""
    events = {
        climate_days.event_ticker_of(COMMON_SERIES, first + dt.timedelta(days=number))
        for number in range(COMMON_EVENTS)
    }
    common = [trade for trade in trades if trade.event_ticker in events]
    pnl, fees = (sum(getattr(trade, name) for trade in common) for name in ("pnl_micro", "entry_fee_micro"))
    return Outcome(len(common), pnl / CENT, fees / CENT) == EXPECTED["shared", 100_000]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--cash-usd", type=int, default=10)
    parser.add_argument("--strategy", default="first_side")
    given = parser.parse_args()
    jobs.tune_garbage_collector()
    os.chdir(given.folder)
    print(json.dumps(replay(given.days, given.cash_usd, given.strategy)))
