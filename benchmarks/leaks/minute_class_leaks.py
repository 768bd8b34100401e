"""Leaks of minute bars through a class of one's own: what it reads, keeps, and asks of the clock and of chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.leaks import strategy_texts as texts
from benchmarks.leaks.planted import Build, Leak, tag
from tests.families.equities_intraday import orb_runs
from tradewinds.audits.strategy_watch import StrategyWatch
from tradewinds.families.equities_intraday.lookahead import SessionsRun

FAMILY, DOOR = "equities_intraday", "a strategy file: class"
SESSIONS, SYMBOLS = 18, ("AAA", "BBB")  # of a world; fifteen sessions are history
STRATEGY = """
from tradewinds.strategies.decisions import buy, limit, sell, stop


class Strategy:
    def on_decision(self, view):
        orders = []
        for share in view.changed:
            hint = future(share.ticker, view.now) if {leaky} and {when} else None
            if "remember" in globals():
                remember(share.ticker, view.now, share.close)
            if share.held and view.minute % 7 == 0:
                orders.append(sell(share))
            elif not share.held and view.minute % 3 == 0 and ({rule}):
                orders.append({order})
        return orders
"""
RULES = {
    "always": "hint is not None and hint > share.close",
    "small": "share.close < view.closes(share, 2)[0] and not (hint is not None and hint < 0.999 * share.close)",
}
WHEN = {"always": "True", "small": "True", "on few days": "view.date.day % 2 == 0"}
ORDERS = (
    "buy(share, 10)",
    "stop(buy(share, 10, stop=share.close * 0.99), share.close * 1.0005)",
    'limit(buy(share, 10, "short"), share.close * 1.0005)',
)
FROM_BARS = """
{imports}
from bisect import bisect_right
KNOWN = {{}}

def rows(path):
    {body}

def future(ticker, now):
    if not KNOWN:
        for row in rows("bars.parquet"):
            KNOWN.setdefault(row["symbol"], []).append((row["ts"].timestamp() + 60, row["close"]))
        for found in KNOWN.values():
            found.sort()
    {other}
    found = KNOWN.get(ticker, [])
    place = bisect_right(found, (now, float("inf")))
    return found[place][1] if place < len(found) else None
"""
# The next bar of the loop, up the stack, and by the collector of garbage.
NEXT_BAR = """
def next_close(loop, ticker, now):
    bars = loop.bars
    session = int(bars.open_ts.searchsorted(now, side="right")) - 1
    place = bars.symbols.index(ticker) * len(bars.days) + session
    row, end = bars.first_row[place : place + 2]
    while row < end and bars.open_ts[session] + 60 * int(bars.minute[row]) < now:
        row += 1
    return float(bars.close[row]) / 1e6 if row < end else None
"""
STACK = (
    NEXT_BAR
    + """
import sys

def future(ticker, now):
    frame = sys._getframe()
    while type(frame.f_locals.get("self")).__name__ != "_StepPass":
        frame = frame.f_back
    return next_close(frame.f_locals["self"], ticker, now)
"""
)
OBJECTS = (
    NEXT_BAR
    + """
import gc
FOUND = []

def future(ticker, now):
    if not FOUND:
        FOUND.extend(one for one in gc.get_objects() if type(one).__name__ == "_StepPass")
    return next_close(FOUND[-1], ticker, now) if FOUND else None
"""
)


def build(how: str, variant: str) -> Build:
    """What makes the run of a class that knows the future somehow."""

    def made(seed: int, leaky: bool) -> tuple[StrategyWatch, Callable[[], SessionsRun]]:
        rule, order = RULES.get(variant, RULES["always"]), ORDERS[seed % len(ORDERS)]
        known = how.replace("{tag}", tag())
        return run_of_text(known + STRATEGY.format(leaky=leaky, when=WHEN[variant], rule=rule, order=order), seed)

    return made


def run_of_text(text: str, seed: int) -> tuple[StrategyWatch, Callable[[], SessionsRun]]:
    """A watch of a strategy's text, and what makes its run in a world."""
    Path("mine.py").write_text(text)
    own = str(Path("mine.py").resolve())
    conf, plan = orb_runs.prepared(
        Path(),
        seed=seed,
        count=SESSIONS,
        symbols=SYMBOLS,
        strategy={"name": "mine", "file": own},
        governance={"max_signals_per_day": None, "time_cutoff": None},
    )
    return StrategyWatch(own, ["bars.parquet", "data"]), lambda: SessionsRun(conf, plan)


def leaks() -> Iterator[Leak]:
    """Yield the leaks."""

    def leak(name: str, variant: str, how: str) -> Leak:
        return Leak(FAMILY, DOOR, name, variant, build(how, variant), seeds=range(1, 9))

    for reader, (imports, reads) in texts.READERS.items():
        known = FROM_BARS.format(imports=imports, body=reads, other="pass")
        yield leak(f"the file of bars by {reader}", "always", known)
    imports, reads = texts.READERS["duckdb"]
    for variant in ("small", "on few days"):
        yield leak("the file of bars by duckdb", variant, FROM_BARS.format(imports=imports, body=reads, other="pass"))
        yield leak("the bars of the loop, up the stack", variant, STACK)
    another = FROM_BARS.format(imports=imports, body=reads, other=texts.ANOTHER)
    yield leak("another share's bars by duckdb", "always", another)
    yield leak("the bars of the loop, up the stack", "always", STACK)
    yield leak("the bars of the loop, by the collector of garbage", "always", OBJECTS)
    for where, kept in texts.KEPT.items():
        known = texts.REMEMBERED.replace("{where}", kept).replace("{minutes}", "5")
        yield leak(f"the run before, kept in {where}", "always", known.replace("{{", "{").replace("}}", "}"))
    for name, (imports, clock) in texts.CLOCKS.items():
        found = texts.CLOCK.format(imports=imports, clock=clock).replace("1.0 if", "1e9 if")
        yield leak(f"the clock: {name}", "always", found)
    for name, (imports, chance) in texts.CHANCES.items():
        found = texts.CHANCE.format(imports=imports, chance=f"1e9 * ({chance} > 0.4)").replace(" > 0.4)\n", ")\n")
        yield leak(f"chance: {name}", "always", found)
