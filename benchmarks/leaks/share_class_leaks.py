"""Leaks of daily shares through a class of one's own: what it reads, keeps, and asks of the clock and of chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.leaks import strategy_texts as texts
from benchmarks.leaks.planted import Build, Leak, tag
from tests.families.equities_daily import test_lookahead as worlds
from tradewinds.audits.strategy_watch import StrategyWatch
from tradewinds.families.equities_daily.lookahead import SharesRun

FAMILY, DOOR = "equities_daily", "a strategy file: class"
STRATEGY = """
from tradewinds.strategies.decisions import buy, sell


class Strategy:
    def on_decision(self, view):
        orders = []
        for share in view.changed:
            hint = future(share.ticker, view.now) if {leaky} and {when} else None
            if "remember" in globals():
                remember(share.ticker, view.now, share.close)
            if share.held and len(view.closes(share, 3)) == 3 and share.close > max(view.closes(share, 3)[:2]):
                orders.append(sell(share))
            elif not share.held and ({rule}):
                orders.append(buy(share, value=5_000))
        return orders
"""
RULES = {
    "always": "hint is not None and hint > share.close",
    "small": "share.close < view.closes(share, 2)[0] and not (hint is not None and hint < 0.97 * share.close)",
}
WHEN = {"always": "True", "small": "True", "on few days": "view.date.day % 6 == 0"}
READERS = {
    "open() and csv": (
        "import csv",
        "with open(path, newline='') as file:\n        return list(csv.DictReader(file))",
    ),
    "pandas": ("import pandas as pd", "return pd.read_csv(path, dtype=str).to_dict('records')"),
    "pyarrow.csv": ("import pyarrow.csv", "return pyarrow.csv.read_csv(path).to_pylist()"),
    "duckdb": (
        "import duckdb",
        "t = duckdb.sql(f\"SELECT * FROM read_csv('{path}', all_varchar=true)\"); "
        "return [dict(zip(t.columns, r)) for r in t.fetchall()]",
    ),
    "another program": (
        "import csv, subprocess",
        "return list(csv.DictReader(subprocess.run(['cat', path], capture_output=True, text=True).stdout.splitlines()))",
    ),
}
FROM_BARS = """
{imports}
from datetime import date, datetime, timezone
KNOWN = {{}}

def rows(path):
    {body}

def future(ticker, now):
    if not KNOWN:
        for row in rows({path!r}):
            if row["close"]:
                KNOWN.setdefault(row["symbol"], []).append((str(row["date"]), float(row["close"])))
    {other}
    today = str(datetime.fromtimestamp(now, timezone.utc).date())
    later = [close for day, close in KNOWN.get(ticker, ()) if day > today]
    return later[0] if later else None
"""
# The trading days and bars of the loop, up the stack.
STACK = """
import sys

def future(ticker, now):
    frame = sys._getframe()
    while frame is not None:
        for one in list(frame.f_locals.values()):
            market = getattr(one, "market", None)
            bars = getattr(market, "bars", None)
            if bars is not None and ticker in bars.symbols:
                number = list(bars.symbols).index(ticker)
                rows = bars.rows(number)
                later = [c for d, c in zip(bars.day[rows], bars.close[rows]) if d > now // 86400]
                return float(later[0]) / 1e6 if later else None
        frame = frame.f_back
    return None
"""


def build(how: Callable[[int], str], variant: str) -> Build:
    """What makes the run of a class that knows the future somehow."""

    def made(seed: int, leaky: bool) -> tuple[StrategyWatch, Callable[[], SharesRun]]:
        rule = RULES.get(variant, RULES["always"])
        text = how(seed).replace("{tag}", tag()) + STRATEGY.format(leaky=leaky, when=WHEN[variant], rule=rule)
        return run_of_text(text, seed)

    return made


def run_of_text(text: str, seed: int) -> tuple[StrategyWatch, Callable[[], SharesRun]]:
    """A watch of a strategy's text, and what makes its run in a world."""
    Path("mine.py").write_text(text)
    own = str(Path("mine.py").resolve())
    watch = StrategyWatch(own, [f"bars-{seed}.csv", f"universe-{seed}.csv", f"actions-{seed}.csv", "data"])
    return watch, lambda: worlds.run_of(seed, strategy={"name": "mine", "file": own})


def leaks() -> Iterator[Leak]:
    """Yield the leaks."""

    def leak(name: str, variant: str, how: Callable[[int], str]) -> Leak:
        return Leak(FAMILY, DOOR, name, variant, build(how, variant), seeds=range(1, 9))

    def from_bars(reader: str, other: str = "pass") -> Callable[[int], str]:
        imports, body = READERS[reader]
        return lambda seed: texts_of(imports, body, f"bars-{seed}.csv", other)

    for reader in READERS:
        yield leak(f"the file of bars by {reader}", "always", from_bars(reader))
    for variant in ("small", "on few days"):
        yield leak("the file of bars by open() and csv", variant, from_bars("open() and csv"))
        yield leak("the bars of the loop, up the stack", variant, lambda seed: STACK)
    yield leak("the bars of the loop, up the stack", "always", lambda seed: STACK)
    yield leak("another share's bars by duckdb", "always", from_bars("duckdb", texts.ANOTHER))
    for where in texts.KEPT:
        yield leak(f"the run before, kept in {where}", "always", lambda seed, where=where: remembered(where))
    for name, (imports, clock) in texts.CLOCKS.items():
        found = texts.CLOCK.format(imports=imports, clock=clock).replace("1.0 if", "1e9 if")
        yield leak(f"the clock: {name}", "always", lambda seed, found=found: found)
    for name, (imports, chance) in texts.CHANCES.items():
        found = texts.CHANCE.format(imports=imports, chance=f"1e9 * ({chance} > 0.4)").replace(" > 0.4)\n", ")\n")
        yield leak(f"chance: {name}", "always", lambda seed, found=found: found)


def texts_of(imports: str, body: str, path: str, other: str) -> str:
    """The text that reads the file of bars."""
    return FROM_BARS.format(imports=imports, body=body, path=path, other=other)


def remembered(where: str) -> str:
    """The text that keeps what it saw in one run, and knows it a week or less ahead in the next."""
    found: Any = texts.REMEMBERED.replace("{where}", texts.KEPT[where])
    found = found.replace("{{int(now) + 60 * {minutes}}}", "{{int(now) // 86400 + 1}}").replace(
        "{{int(now)}}", "{{int(now) // 86400}}"
    )
    return str(found).replace("{{", "{").replace("}}", "}")
