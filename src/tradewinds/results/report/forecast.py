"""Whether the probabilities were right: expected value at entry against realised, and the reliability of the forecasts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from tradewinds.results.report.parts import Part, Plot, Row, Section, Table, Text, shown, span
from tradewinds.results.report.profit import INTERVAL, LEAST_EVENTS, Group, grouped
from tradewinds.results.report.run import Run

EDGES = ("0", "0.02", "0.04", "0.06", "0.08", "0.10", "0.15", "0.20", "0.30", "0.50")  # of net EV a contract, USD
_BUCKET = " + ".join(f"(ev_net_per_contract >= {edge})::INT" for edge in EDGES)
_RANGES = ("below 0", *itertools.starmap(span, itertools.pairwise(EDGES)), f"{EDGES[-1]} and more")
CENTS = 100


def edge(run: Run) -> Section | None:
    """Per bucket of net EV at entry: what was expected and what came of it, with an interval by event."""
    if not run.metrics["num_trades"]:
        return None
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
    data: dict[str, list[Any]] = {
        "x": [_cents(g.expected_each) for g in buckets],
        "y": [_cents(g.realised_each) for g in buckets],
        "low": [g.interval and _cents(g.interval[0]) for g in buckets],
        "high": [g.interval and _cents(g.interval[1]) for g in buckets],
        "n": [f"{g.events:,}" for g in buckets],
        "remark": [f"EV {_RANGES[g.key]}: {g.trades:,} trades in {g.events:,} events" for g in buckets],
    }
    axes = ("expected at entry, cents a contract", "realised, cents a contract")
    caption = "On the dashed line trades made what they promised. Bars are 95 % intervals by event, numbers the events."
    note = (
        "Expected is the net expected value at entry, after the fee, by the model's own probability; realised is the P&L; both "
        "per contract. The interval is 1.96 standard errors of a ratio over events, because trades of one event share its "
        f"outcome; below {LEAST_EVENTS} events there is none. Events of one day in neighbouring places are not independent "
        "either: take it as the least that chance can do."
    )
    plot = Plot("edge", "Expected value at entry against realised", "points", data, axes, caption)
    parts: list[Part] = [Text(verdict(whole), "strong"), plot, Table(header, rows, "l" + "r" * 6), Text(note)]
    return Section("edge", "Is the edge real?", parts)


def overall(run: Run) -> str | None:
    """The verdict over all trades; None without any."""
    return verdict(grouped(run, "0")[0]) if run.metrics["num_trades"] else None


def verdict(group: Group) -> str:
    """What an interval says of the edge, in words."""
    said = (
        f"Expected {_signed(group.expected_each)} a contract at entry, realised {_signed(group.realised_each)}"
        f" over {group.events:,} events"
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
        zero = "not to be told from zero"
    if high < group.expected_each:
        promise = "less than was promised"
    elif low > group.expected_each:
        promise = "more than was promised"
    else:
        promise = "not at odds with what was promised"
    return f"{said}: {zero}, and {promise}."


def _row(name: str, g: Group) -> Row:
    interval = "—" if g.interval is None else f"{g.interval[0]:.4f} to {g.interval[1]:.4f}"
    counts = (shown(g.events, 0), shown(g.trades, 0), shown(g.contracts, 0))
    return (name, *counts, shown(g.expected_each, 4), shown(g.realised_each, 4), interval)


def _cents(dollars: float) -> float:
    return round(dollars * CENTS, 4)


def _signed(dollars: float) -> str:
    return f"{dollars * CENTS:+.2f} ¢"


def calibration(run: Run) -> Section:
    """How often what was given a probability came true: the scores of calibration.json, and its plots or the run's own bins."""
    m, scores = run.metrics, run.scores or {}
    parts: list[Part] = [
        Text(
            f"Brier score {shown(m['brier'], 4)}, log loss {shown(m['log_loss'], 4)}, over every market of an attempted event."
        )
    ]
    if scores.get("scores"):
        parts.append(_records(scores["scores"]))
    theirs = [_their_plot(number, plot) for number, plot in enumerate(scores.get("plots", []), start=1)]
    return Section("calibration", "Calibration", [*parts, *(theirs or _reliability(m["calibration"]))])


def _records(records: Sequence[Mapping[str, Any]]) -> Table:
    """Flat records as a table; a column for every key that one of them has."""
    columns = list(dict.fromkeys(key for record in records for key in record))
    numeric = [all(isinstance(record.get(key), int | float | None) for record in records) for key in columns]
    rows = [tuple(_cell(record.get(key)) for key in columns) for record in records]
    return Table(tuple(columns), rows, "".join("r" if is_number else "l" for is_number in numeric))


def _cell(value: Any) -> str:
    return shown(value, 4) if value is None or isinstance(value, float) else str(value)


def _their_plot(number: int, plot: Mapping[str, Any]) -> Plot:
    """A plot of calibration.json: x, y, and if it likes low, high, n, title, x_label and y_label."""
    nothing = [None] * len(plot["x"])
    columns: dict[str, list[Any]] = {name: plot.get(name) or nothing for name in ("x", "y", "low", "high", "n")}
    order = sorted(range(len(nothing)), key=lambda i: columns["x"][i])
    data = {name: [values[i] for i in order] for name, values in columns.items()}
    data["n"] = ["" if n is None else f"{n:,}" for n in data["n"]]
    data["remark"] = [f"n = {n}" if n else "" for n in data["n"]]
    axes = (str(plot.get("x_label", "")), str(plot.get("y_label", "")))
    return Plot(f"calibration_{number}", str(plot.get("title", "Calibration")), "points", data, axes)


def _reliability(bins: Sequence[Mapping[str, Any]]) -> list[Part]:
    header = ("Probability", "markets", "mean", "came true", "95 % interval")
    rows, filled = [], []
    for b in bins:
        interval = wilson(b["frequency"], b["n"]) if b["n"] else None
        within = "—" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"
        name = span(f"{b['from']:.1f}", f"{b['to']:.1f}")
        rows.append((name, shown(b["n"], 0), shown(b["mean_p"], 3), shown(b["frequency"], 3), within))
        filled += [(name, b, interval)] if interval else []
    data = {
        "x": [round(b["mean_p"], 6) for _, b, _ in filled],
        "y": [round(b["frequency"], 6) for _, b, _ in filled],
        "low": [round(interval[0], 6) for *_, interval in filled],
        "high": [round(interval[1], 6) for *_, interval in filled],
        "n": [f"{b['n']:,}" for _, b, _ in filled],
        "remark": [f"P(YES) {name}: {b['n']:,} markets" for name, b, _ in filled],
    }
    caption = "On the dashed line forecasts came true as often as they said; bars are 95 % intervals (Wilson), numbers markets."
    plot = Plot("calibration", "Reliability", "points", data, ("forecast probability", "came true"), caption)
    table = Table(header, rows, "lrrrr")
    note = "Markets of one event are not independent (one of them comes true), so the intervals are rough."
    return [plot, table, Text(note)] if filled else [table]


def wilson(frequency: float, n: int) -> tuple[float, float]:
    """95 % score interval of a frequency among n (Wilson, JASA 1927)."""
    z2 = INTERVAL**2
    centre = (frequency + z2 / (2 * n)) / (1 + z2 / n)
    half = INTERVAL / (1 + z2 / n) * math.sqrt(frequency * (1 - frequency) / n + z2 / (4 * n * n))
    return max(centre - half, 0.0), min(centre + half, 1.0)
