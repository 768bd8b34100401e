"""How many market decisions a class makes in a second, on the common workload, in one process.

    python -m benchmarks.step_calls FOLDER [--events 200] [--peer PYTHON] [--write]

The class looks at every open market at every minute, and its trades are those that all engines agree on. Seconds are of the
processor. With a Python that has backtesting.py, its `next()` is timed beside a class of daily shares: two means that cross, on
one symbol's bars.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks import common_workload, performance_page
from benchmarks.common_results import EXPECTED, Outcome
from tradewinds.config import resolve
from tradewinds.core.units import MICRO
from tradewinds.engine.shares.bars import Bars, TradingDays
from tradewinds.engine.shares.share_rules import Exits, ShareRules
from tradewinds.engine.shares.step_ledger import StepLedger
from tradewinds.families import strategy_file
from tradewinds.families.kalshi_weather.plan import plan_of
from tradewinds.families.kalshi_weather.replay import replay_events
from tradewinds.families.kalshi_weather.strategies import file_strategy
from tradewinds.pipeline import jobs

CLASS = Path(__file__).parent / "peers" / "first_side_class.py"
CROSSING = Path(__file__).parent / "peers" / "crossing_class.py"
CENT = 10_000  # micro-dollars
PLAIN_STEPS = 5_000_000
BARS = 100_000
HEAD = "## Strategies that are called"
_PEER_RATE = "backtesting_py_bars_per_second"
# The same prices, rule and orders for backtesting.py; its indicators are computed once, ours at every bar.
_PEER = f"""
import time
import numpy as np, pandas as pd
from backtesting import Backtest, Strategy

def mean(values, count):
    return pd.Series(values).rolling(count).mean()

class Crossing(Strategy):
    def init(self):
        self.fast, self.slow = self.I(mean, self.data.Close, 10), self.I(mean, self.data.Close, 50)
    def next(self):
        if self.fast[-1] > self.slow[-1]:
            if not self.position: self.buy(size=10)
        elif self.position: self.position.close()

close = 100 + np.abs(np.cumsum(np.random.default_rng(1).normal(0, 0.1, {BARS})))
index = pd.date_range("2025-01-01", periods={BARS}, freq="min")
frame = pd.DataFrame({{name: close for name in ("Open", "High", "Low", "Close")}}, index=index)
began = time.process_time()
Backtest(frame, Crossing, cash=10_000_000, finalize_trades=True).run()
print({BARS} / (time.process_time() - began))
"""


def bars_per_second() -> float:
    """Return how many bars of one symbol a class is called at in a second, the faster of two passes."""
    close = 100 + np.abs(np.cumsum(np.random.default_rng(1).normal(0, 0.1, BARS)))
    prices = np.round(close * MICRO).astype(np.int64)
    bars = Bars(("A",), np.array([0, BARS]), np.arange(BARS), *[prices] * 4, volume=np.full(BARS, MICRO))
    rules = ShareRules(Exits(), 10_000_000 * MICRO, Fraction(1), 1, commission=Fraction(0), slippage=Fraction(0))
    make = strategy_file.caller_of({"file": str(CROSSING), "parameters": None})
    seconds = []
    for _ in range(2):
        began = time.process_time()
        StepLedger(TradingDays(bars, 0, BARS), rules, make).run()
        seconds.append(time.process_time() - began)
    return BARS / min(seconds)


def plain_seconds() -> float:
    """Return the seconds of a loop of plain steps, which say how busy the machine is."""
    began, total = time.process_time(), 0
    for number in range(PLAIN_STEPS):
        total += number & 3
    return time.process_time() - began


def measure(folder: Path, events: int) -> dict:
    """Replay the common workload twice, and return the figures of the faster replay.

    Args:
        folder: receives the workload, if it is not there.
        events: number of its events.
    """
    if not (folder / "config.yaml").exists():
        common_workload.write(folder, events)
    os.chdir(folder)
    # the agreed balance that never binds, so that the trades of a part are those of the whole
    raw = common_workload.CONFIG | {
        "date_end_local": common_workload.FIRST + (events - 1) * common_workload.dt.timedelta(days=1)
    }
    raw["strategy"] = raw["strategy"] | {"name": "first_side_class", "file": str(CLASS)}
    conf = resolve.resolve(raw)
    conf["risk"]["start_balance_usd"] = 100_000
    files, strategy = plan_of(conf).files, file_strategy.load(str(CLASS))
    runs = []
    for _ in range(2):
        strategy.looks, began = 0, time.process_time()
        result = replay_events(conf, files.catalogs, files.candles, files.probabilities)
        runs.append(time.process_time() - began)
    pnl, fees = (sum(getattr(trade, name) for trade in result.trades) for name in ("pnl_micro", "entry_fee_micro"))
    agreed = Outcome(len(result.trades), pnl / CENT, fees / CENT) == EXPECTED["shared", 100_000]
    return {
        "events": events,
        "decisions": strategy.looks,
        "seconds": min(runs),
        "decisions_per_second": round(strategy.looks / min(runs)),
        "trades": len(result.trades),
        "agreed": agreed if events == common_workload.EVENTS else None,
        "plain_seconds": plain_seconds(),
    }


def section(figures: dict) -> str:
    """Return the section of PERFORMANCE.md.

    Args:
        figures: of one run with a peer.
    """
    rate, ours, theirs = (f"{figures[name]:,}" for name in ("decisions_per_second", "bars_per_second", _PEER_RATE))
    busy = f"a loop of {PLAIN_STEPS:,} plain steps took {figures['plain_seconds']:.2f} s then, at a load of {figures['load']}"
    return f"""{HEAD}

`python -m benchmarks.step_calls FOLDER --peer PYTHON --write` ({figures["date"]}; seconds of the processor, in one run on two
shared cores: {busy}).

| a class that is called | a second | wanted |
|---|---|---|
| markets looked at on the common workload ({figures["events"]} events, {figures["decisions"]:,} looks) | {rate} | ≥ 300,000 |
| bars of one share, two means that cross (100,000 bars) | {ours} | |
| the same by backtesting.py's `next()` | {theirs} | |
| ratio of the two | {figures["ratio"]} | ≥ 10 |

Ten times `next()` is not reached: the strategy's own lines in Python are a good part of a call. Where speed alone is wanted,
take the columnar function of temperature events, or a built-in strategy of shares, which make no call.
"""


def main() -> None:
    """Measure, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=common_workload.EVENTS)
    parser.add_argument("--peer", help="a Python that has backtesting.py")
    parser.add_argument("--write", action="store_true", help="write step_calls.json and PERFORMANCE.md; needs --peer")
    given = parser.parse_args()
    if given.write and not given.peer:
        parser.error("--write needs --peer")
    jobs.tune_garbage_collector()
    home = Path.cwd()
    about = {"date": dt.date.today().isoformat(), "load": round(os.getloadavg()[0], 1)}
    figures = about | measure(given.folder.resolve(), given.events)
    if given.peer:
        said = subprocess.run([given.peer, "-c", _PEER], check=True, capture_output=True, text=True).stdout
        figures["bars_per_second"] = round(bars_per_second())
        figures[_PEER_RATE] = round(float(said))
        figures["ratio"] = round(figures["bars_per_second"] / float(said), 2)
    print(json.dumps(figures, indent=2))
    if given.write:
        os.chdir(home)
        Path(__file__).with_suffix(".json").write_text(json.dumps(figures, indent=2) + "\n")
        performance_page.write_section(HEAD, section(figures))


if __name__ == "__main__":
    main()
