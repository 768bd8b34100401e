"""The common workload in Tradewinds: its own files and market family, called as the simulate job calls them.

The rule is a user's strategy. Beyond trades it makes all that a run has: validations, equity curve, refusals by reason.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import tradewinds
from benchmarks.peers.process import Stopwatch, arguments, tell
from tradewinds.config import resolve as configs
from tradewinds.engine.event_contracts.candle_files import footer_facts
from tradewinds.families.kalshi_weather import replay
from tradewinds.families.kalshi_weather.plan import plan_of
from tradewinds.pipeline import jobs

CENT = 10_000  # micro-dollars


def inputs(folder: Path, cash: int = 1000, events: int | None = None) -> tuple:
    """Return the arguments of the market family's replay: config, catalogs, candles, probabilities.

    Args:
        folder: made by benchmarks/common_workload.py.
        cash: start balance in cents.
        events: number of events; None for all.
    """
    conf = configs.load(folder / "config.yaml")
    conf["risk"]["start_balance_usd"] = float(Decimal(cash) / 100)
    planned = plan_of(conf)
    if events is not None:
        conf["date_end_local"] = planned.files.events[events - 1].climate_date
    candles = {(e.series_ticker, e.climate_date): str(folder / e.path) for e in planned.files.events[:events]}
    catalogs = {series: str(folder / path) for series, path in planned.files.catalogs.items()}
    return conf, catalogs, candles, str(folder / planned.files.probabilities)


def run_workload(folder: Path, cash: int = 1000, events: int | None = None) -> dict:
    """Replay the workload; returns trades, P&L and fees in cents, and rows read. Arguments as for `inputs`."""
    conf, catalogs, candles, probabilities = inputs(folder, cash, events)
    result = replay.replay_events(conf, catalogs, candles, probabilities)
    return {
        "rows": sum(facts.rows for facts in footer_facts([*candles.values()], (), "") if facts),
        "trades": len(result.trades),
        "pnl_cents": (result.end_balance_micro - result.start_balance_micro) / CENT,
        "fees_cents": int(result.trades.positions.columns["entry_fee"].sum()) / CENT,
    }


if __name__ == "__main__":
    watch = Stopwatch()
    jobs.tune_garbage_collector()
    given = arguments(__doc__)
    found = run_workload(given.folder, given.cash, given.events)
    watch.lap("simulate")
    tell(tradewinds.__version__, watch=watch, **found)
