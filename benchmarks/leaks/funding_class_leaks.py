"""Leaks of funding carry through a class of one's own: what it reads, keeps, and asks of the clock and of chance."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.leaks import strategy_texts as texts
from benchmarks.leaks.planted import Build, Leak, tag
from benchmarks.leaks.share_class_leaks import READERS
from tests.families.funding_carry import test_carry_lookahead as worlds
from tradewinds.audits.strategy_watch import StrategyWatch
from tradewinds.engine.carry.carry_market import RATE_UNIT
from tradewinds.families import strategy_file
from tradewinds.families.funding_carry.lookahead import CarryRun

FAMILY, DOOR = "funding_carry", "a strategy file: class"
SEEDS = range(30)
STRATEGY = """
from tradewinds.strategies.decisions import buy, sell


class Strategy:
    def on_decision(self, view):
        orders = []
        for perp in view.changed:
            hint = future(perp.ticker, view.now) if {leaky} and {when} else None
            if "remember" in globals():
                remember(perp.ticker, view.now, perp.rate)
            past = view.rates(perp, 3)
            if perp.held and sum(past) < 0:
                orders.append(sell(perp))
            elif not perp.held and ({rule}):
                orders.append(buy(perp))
        return orders
"""
RULES = {
    "always": "hint is not None and hint > 0",
    "small": "sum(past) > 0 and not (hint is not None and hint < 0.5 * perp.rate)",
}
WHEN = {"always": "True", "small": "True", "on few days": "view.now // 86400 % 3 == 0"}
FROM_RATES = """
{imports}
KNOWN = {{}}

def rows(path):
    {body}

def future(ticker, now):
    if not KNOWN:
        for row in rows("rates.csv"):
            KNOWN.setdefault(row["symbol"], []).append((float(row["ts"]), float(row["rate"])))
    {other}
    later = [rate for ts, rate in KNOWN.get(ticker, ()) if ts > now]
    return later[0] if later else None
"""
# The records of the loop, up the stack.
STACK = """
import sys

def future(ticker, now):
    frame = sys._getframe()
    while not hasattr(getattr(frame.f_locals.get("self"), "markets", None), "prices"):
        frame = frame.f_back
    run = frame.f_locals["self"]
    rates = run.markets.prices[run.state.number_of(ticker)].rates
    later = rates.rate[rates.ts > now]
    return float(later[0]) / {unit} if len(later) else None
"""
OBJECTS = """
import gc

def future(ticker, now):
    for one in gc.get_objects():
        if type(one).__name__ == "CarryMarkets" and ticker in one.symbols:
            rates = one.prices[one.symbols.index(ticker)].rates
            later = rates.rate[rates.ts > now]
            return float(later[0]) / {unit} if len(later) else None
    return None
"""
REMEMBERED = """
{where}

def future(ticker, now):
    return KEPT.get(f"{{ticker}} {{int(now) // 28800 + 1}}")

def remember(ticker, now, rate):
    KEPT.setdefault(f"{{ticker}} {{int(now) // 28800}}", rate)
"""


def build(how: Callable[[int], str], variant: str) -> Build:
    """What makes the run of a class that knows the future somehow."""

    def made(seed: int, leaky: bool) -> tuple[StrategyWatch, Callable[[], CarryRun | None]]:
        rule = RULES.get(variant, RULES["always"])
        text = how(seed).replace("{tag}", tag()) + STRATEGY.format(leaky=leaky, when=WHEN[variant], rule=rule)
        return run_of_text(text, seed)

    return made


def run_of_text(text: str, seed: int) -> tuple[StrategyWatch, Callable[[], CarryRun | None]]:
    """A watch of a strategy's text, and what makes its run in a world, whose rates stand in a file of its data."""
    Path("mine.py").write_text(text)
    own = str(Path("mine.py").resolve())
    plain = worlds.run_of(seed)
    with open("rates.csv", "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["symbol", "ts", "rate"])
        for one in plain.markets if plain else ():
            columns = (one.rates.ts.tolist(), one.rates.rate.tolist())
            out.writerows((one.symbol, ts, rate / RATE_UNIT) for ts, rate in zip(*columns, strict=True))

    def make() -> CarryRun | None:
        if plain is None:
            return None
        caller = strategy_file.caller_of({"file": own, "parameters": {}})
        return CarryRun(plain.markets, dataclasses.replace(plain.rules, stepwise=caller))

    return StrategyWatch(own, ["rates.csv"]), make


def leaks() -> Iterator[Leak]:
    """Yield the leaks."""

    def leak(name: str, variant: str, how: Callable[[int], str]) -> Leak:
        return Leak(FAMILY, DOOR, name, variant, build(how, variant), seeds=SEEDS)

    def from_rates(reader: str, other: str = "pass") -> Callable[[int], str]:
        imports, body = READERS[reader]
        return lambda seed: FROM_RATES.format(imports=imports, body=body, other=other)

    for reader in READERS:
        yield leak(f"the file of rates by {reader}", "always", from_rates(reader))
    yield leak("another symbol's rates by duckdb", "always", from_rates("duckdb", texts.ANOTHER))
    for variant in WHEN:
        yield leak("the rates of the loop, up the stack", variant, lambda seed: STACK.format(unit=RATE_UNIT))
        yield leak("the loop, among all objects", variant, lambda seed: OBJECTS.format(unit=RATE_UNIT))
    for where, text in texts.KEPT.items():
        kept = REMEMBERED.format(where=text.replace("{{", "{").replace("}}", "}"))
        yield leak(f"the run before, kept in {where}", "always", lambda seed, kept=kept: kept)
    for name, (imports, clock) in texts.CLOCKS.items():
        found = texts.CLOCK.format(imports=imports, clock=clock)
        yield leak(f"the clock: {name}", "always", lambda seed, found=found: found)
    for name, (imports, chance) in texts.CHANCES.items():
        found = texts.CHANCE.format(imports=imports, chance=chance)
        yield leak(f"chance: {name}", "always", lambda seed, found=found: found)
