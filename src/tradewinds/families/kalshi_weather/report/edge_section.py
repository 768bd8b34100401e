"""Whether the edge is real: net expected value at entry against what was realised."""

from __future__ import annotations

import itertools
from typing import Any

from tradewinds.core.text import counted
from tradewinds.families.kalshi_weather.report.profit import LEAST_EVENTS, Group, grouped
from tradewinds.results.report.parts import Cells, Plot, ReportPart, ReportTable, Section, Text, shown, span
from tradewinds.results.report.run import ReportRun

EDGES = ("0", "0.02", "0.04", "0.06", "0.08", "0.10", "0.15", "0.20", "0.30", "0.50")  # of net EV a contract, USD
_BUCKET = " + ".join(f"(ev_net_per_contract >= {edge})::INT" for edge in EDGES)
_RANGES = ("below 0", *itertools.starmap(span, itertools.pairwise(EDGES)), f"{EDGES[-1]} and more")
CENTS = 100


def edge(run: ReportRun) -> Section | None:
    """Per bucket of net EV at entry: what was expected and what came of it, with an interval by event."""
    if not run.metrics["num_trades"]:
        return None
    # The table: a row per bucket, and one for all trades.
    [whole], buckets = grouped(run, "0"), grouped(run, _BUCKET)
    header = (
        "Net EV at entry, USD",
        "events",
        "trades",
        "contracts",
        "expected each",
        "realised each",
        "95 % interval",
    )
    rows = [_row(_RANGES[group.key], group) for group in buckets] + [_row("all", whole)]
    # The plot: a point per bucket, its interval, and how many events stand behind it.
    data: dict[str, list[Any]] = {
        "x": [_cents(g.expected_each) for g in buckets],
        "y": [_cents(g.realised_each) for g in buckets],
        "low": [g.interval and _cents(g.interval[0]) for g in buckets],
        "high": [g.interval and _cents(g.interval[1]) for g in buckets],
        "n": [f"{g.events:,}" for g in buckets],
        "remark": [f"EV {_RANGES[g.key]}: {g.trades:,} trades in {g.events:,} events" for g in buckets],
    }
    # What the reader must know of both, and the section itself: the verdict first.
    axes = ("expected at entry, cents a contract", "realised, cents a contract")
    caption = "On the dashed line trades made what they promised. Bars are 95 % intervals by event, numbers the events."
    note = (
        "Expected is the net expected value at entry, after the fee, by the model's own probability; realised is the P&L; both "
        "per contract. The interval is 1.96 standard errors of a ratio over events, because trades of one event share its "
        f"outcome; below {LEAST_EVENTS:,} events there is none. Events of one day in neighbouring places are not independent "
        "either: take it as the least that chance can do."
    )
    plot = Plot("edge", "Expected value at entry against realised", "points", data, axes, caption)
    parts: list[ReportPart] = [
        Text(verdict(whole), "strong"),
        plot,
        ReportTable(header, rows, "l" + "r" * 6),
        Text(note),
    ]
    return Section("edge", "Is the edge real?", parts)


def overall(run: ReportRun) -> str | None:
    """The verdict over all trades; None without any."""
    return verdict(grouped(run, "0")[0]) if run.metrics["num_trades"] else None


def verdict(group: Group) -> str:
    """What an interval says of the edge, in words."""
    said = (
        f"Expected {_signed(group.expected_each)} a contract at entry, realised {_signed(group.realised_each)}"
        f" over {counted(group.events, 'event')}"
    )
    if group.interval is None:
        return f"{said}: too few to say anything of an edge."
    low, high = group.interval
    said += f" (95 % interval {_signed(low)} to {_signed(high)})"
    if low > 0:
        zero = "more than chance alone explains"
    elif high < 0:
        zero = "a loss that chance alone does not explain"
    else:
        zero = "not distinguishable from zero"
    if high < group.expected_each:
        promise = "less than was promised"
    elif low > group.expected_each:
        promise = "more than was promised"
    else:
        promise = "not at odds with what was promised"
    return f"{said}: {zero}, and {promise}."


def _row(name: str, g: Group) -> Cells:
    interval = "—" if g.interval is None else f"{g.interval[0]:.4f} to {g.interval[1]:.4f}"
    counts = (shown(g.events, 0), shown(g.trades, 0), shown(g.contracts, 0))
    return (name, *counts, shown(g.expected_each, 4), shown(g.realised_each, 4), interval)


def _cents(dollars: float) -> float:
    return round(dollars * CENTS, 4)


def _signed(dollars: float) -> str:
    return f"{dollars * CENTS:+.2f} ¢"
