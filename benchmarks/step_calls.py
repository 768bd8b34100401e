"""How many decisions a class makes in a second: on the common workload, and beside backtesting.py's `next()` on one share.

    python -m benchmarks.step_calls FOLDER [--events 200] [--peer PYTHON] [--write]

Without --peer the workload alone is measured, and the other figures stay as they were written.

On the common workload a class looks at every open market at every minute, and its trades are those that all engines agree on;
another one does nothing with what it is shown. With a Python that has backtesting.py, the same strategies of one share run in
both engines by turns, and must make the same trades to the cent. Seconds are of the processor, the least of all rounds, since
other work on the machine only adds to them.
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
from benchmarks.peers import step_classes
from benchmarks.peers.step_prices import closes
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

PEERS = Path(__file__).parent / "peers"
CLASSES = {"rule": PEERS / "first_side_class.py", "nothing": PEERS / "look_class.py"}
CENT = 10_000  # micro-dollars
PLAIN_STEPS = 5_000_000
BARS, ROUNDS, REPLAYS = 100_000, 9, 6
ROUNDED_OTHERWISE = {"means_once"}  # running means of pandas decide one crossing in a thousand otherwise
HEAD = "## Strategies that are called"
SAID = {
    "means": "two means of 10 and 50 closes, summed at every bar in both",
    "look": "the latest close is looked at, nothing is ordered",
    "nothing": "nothing at all: the call alone",
    "turns": "the close against that of nine bars before: an order at one bar in seven",
    "means_once": "the two means, by backtesting.py computed once for all bars beforehand",
}


def share_run(name: str) -> dict:
    """Run a class of one share, and return seconds of the processor, trades and profit in cents.

    Args:
        name: of the class.
    """
    prices = np.round(closes(BARS) * MICRO).astype(np.int64)
    bars = Bars(("A",), np.array([0, BARS]), np.arange(BARS), *[prices] * 4, volume=np.full(BARS, MICRO))
    rules = ShareRules(Exits(), 10_000_000 * MICRO, Fraction(1), 1, commission=Fraction(0), slippage=Fraction(0))
    made_of, seconds = step_classes.CLASSES[name], strategy_file.CALL_SECONDS
    began = time.process_time()
    result = StepLedger(
        TradingDays(bars, 0, BARS),
        rules,
        lambda: strategy_file.ClassCaller(made_of, {}, step_classes.__file__, seconds),
    ).run()
    took = time.process_time() - began
    return {"seconds": took, "trades": len(result.closed), "cents": sum(one.pnl for one in result.closed) // CENT}


def share_rates(peer: str) -> dict[str, dict]:
    """Return bars a second of both engines by strategy, run by turns in `ROUNDS` rounds.

    Args:
        peer: a Python that has backtesting.py.

    Raises:
        AssertionError: their trades differ.
    """
    command = [peer, "-m", "benchmarks.peers.backtestingpy_steps", str(BARS)]
    found = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as other:
        for name in SAID:
            ours, theirs = [], []
            for _ in range(ROUNDS):
                ours.append(share_run(name))
                print(name, file=other.stdin, flush=True)
                theirs.append(json.loads(other.stdout.readline()))
            made = {(one["trades"], one["cents"]) for one in ours + theirs}
            if len(made) > 1 and name not in ROUNDED_OTHERWISE:
                raise AssertionError(f"{name}: {made}")
            we, they = (min(one["seconds"] for one in runs) for runs in (ours, theirs))
            found[name] = {
                "trades": ours[0]["trades"],
                "bars_per_second": round(BARS / we),
                "backtesting_py_bars_per_second": round(BARS / they),
                "ratio": round(they / we, 1),
            }
        other.stdin.close()
    return found


def busyness() -> dict:
    """Return the date, the load, and the seconds of a loop of plain steps, which say how busy the machine is."""
    load, began, total = round(os.getloadavg()[0], 1), time.process_time(), 0
    for number in range(PLAIN_STEPS):
        total += number & 3
    return {"date": dt.date.today().isoformat(), "load": load, "plain_seconds": round(time.process_time() - began, 3)}


def event_rates(folder: Path, events: int) -> dict:
    """Replay the common workload with each class, and return the figures of the fastest of several replays.

    Args:
        folder: receives the workload, if it is not there.
        events: number of its events.
    """
    if not (folder / "config.yaml").exists():
        common_workload.write(folder, events)
    os.chdir(folder)
    confs = {name: _config(path, events) for name, path in CLASSES.items()}
    seconds: dict[str, list[float]] = {name: [] for name in CLASSES}
    looks, results = {}, {}
    for _ in range(REPLAYS):
        for name, conf in confs.items():
            strategy, files = file_strategy.load(str(CLASSES[name])), plan_of(conf).files
            strategy.looks, began = 0, time.process_time()
            results[name] = replay_events(conf, files.catalogs, files.candles, files.probabilities)
            seconds[name].append(time.process_time() - began)
            looks[name] = strategy.looks
    trades = results["rule"].trades
    pnl, fees = (sum(getattr(trade, name) for trade in trades) for name in ("pnl_micro", "entry_fee_micro"))
    agreed = Outcome(len(trades), pnl / CENT, fees / CENT) == EXPECTED["shared", 100_000]
    return {
        "events": events,
        "decisions": looks["rule"],
        "decisions_per_second": round(looks["rule"] / min(seconds["rule"])),
        "decisions_per_second_without_lines": round(looks["nothing"] / min(seconds["nothing"])),
        "trades": len(trades),
        "agreed": agreed if events == common_workload.EVENTS else None,
    }


def _config(path: Path, events: int) -> dict:
    """Return the config of a class; its balance never binds, so that the trades of a part are those of the whole."""
    raw = common_workload.CONFIG | {"date_end_local": common_workload.FIRST + (events - 1) * dt.timedelta(days=1)}
    raw["strategy"] = raw["strategy"] | {"name": path.stem, "file": str(path)}
    conf = resolve.resolve(raw)
    conf["risk"]["start_balance_usd"] = 100_000
    return conf


def section(figures: dict) -> str:
    """Return the section of PERFORMANCE.md.

    Args:
        figures: of one run with a peer.
    """
    shares, events = figures["shares"], figures["events"]
    busy = [
        f"{one['plain_seconds']:.2f} s ({one['date']}, load {one['load']})" for one in (figures["by_turns"], events)
    ]
    rows = [
        f"| {SAID[name]} ({one['trades']:,} trades) | {one['bars_per_second']:,} "
        f"| {one['backtesting_py_bars_per_second']:,} | {one['ratio']} |"
        for name, one in shares.items()
    ]
    return f"""{HEAD}

`python -m benchmarks.step_calls FOLDER --peer PYTHON --write`: seconds of the processor on two shared cores. A loop of
{PLAIN_STEPS:,} plain steps, which takes 0.24 s on an idle core, took {busy[0]} before the runs of shares, and
{busy[1]} before those of events.

The common workload ({events["events"]} events, files read included): a class that is called at every minute and looks at every
open market, {events["decisions"]:,} looks.

| a class of events | markets a second | wanted |
|---|---:|---:|
| the common workload's rule: both sides valued with fees | {events["decisions_per_second"]:,} | ≥ 300,000 |
| nothing is done with what is shown | {events["decisions_per_second_without_lines"]:,} | |

One share, {BARS:,} bars. Both engines run the same strategies line by line (`benchmarks/peers/step_classes.py`,
`backtestingpy_steps.py`) by turns, the least seconds of {ROUNDS} rounds, and make the same trades to the cent. backtesting.py's
statistics are left out; our preparation of the bars and our books are in. Wanted: ≥ 10 times `next()`.

| a class of one share, bars a second | Tradewinds | backtesting.py | ratio |
|---|---:|---:|---:|
{chr(10).join(rows)}

{_verdict(shares)}
"""


def _verdict(shares: dict[str, dict]) -> str:
    """Return what the ratios say, in words."""
    looks = [shares[name]["ratio"] for name in ("nothing", "look", "means")]
    reached = "is" if min(looks) >= 10 else "is not"
    call, turns, look, once = (shares[name] for name in ("nothing", "turns", "look", "means_once"))
    # two orders a trade; what a bar costs beyond a look at the close, by the orders of a bar
    seconds = (1 / turns["bars_per_second"] - 1 / look["bars_per_second"]) * BARS / (2 * turns["trades"])
    order = f"{seconds * 1e6:.0f} µs, as much as some {round(seconds * call['bars_per_second'])} calls"
    return f"""Ten times `next()` {reached} reached by strategies that look at every bar and trade now and then: they are
{min(looks)} to {max(looks)} times as fast. At a bar without orders the loop only shows the bar and calls, and our histories are
lists of floats, which are cheap to cut and to add up. An order with its books costs {order}, so
that a strategy with an order at one bar in seven is {turns["ratio"]} times as fast; means that backtesting.py computes
beforehand for all bars are summed at every bar here ({once["ratio"]} times). Where speed alone is wanted, take the columnar
function of temperature events, or a built-in strategy of shares, which make no call."""


def main() -> None:
    """Measure, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=common_workload.EVENTS)
    parser.add_argument("--peer", help="a Python that has backtesting.py")
    parser.add_argument("--write", action="store_true", help="write step_calls.json and PERFORMANCE.md")
    given = parser.parse_args()
    jobs.tune_garbage_collector()
    home, folder, kept = Path.cwd(), given.folder.resolve(), Path(__file__).with_suffix(".json")
    figures = json.loads(kept.read_text(encoding="utf-8"))
    if given.peer:
        figures["by_turns"] = busyness()
        figures["shares"] = share_rates(given.peer)
    figures["events"] = busyness() | event_rates(folder, given.events)
    print(json.dumps(figures, indent=2))
    if given.write:
        os.chdir(home)
        kept.write_text(json.dumps(figures, indent=2) + "\n")
        performance_page.write_section(HEAD, section(figures))


if __name__ == "__main__":
    main()
