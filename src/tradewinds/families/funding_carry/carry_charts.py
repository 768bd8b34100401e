"""The report's plots over time: what the profit is made of, rates and positions, and the score with its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.core import files
from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.text import counted
from tradewinds.families.funding_carry.metrics import PARTS
from tradewinds.families.funding_carry.strategy_settings import WEIGHTS
from tradewinds.results.report.curve import Curve, thinned
from tradewinds.results.report.parts import Plot, ReportPart, Section, Text
from tradewinds.results.report.run import ReportRun

PART_NAMES = {
    "funding": "funding",
    "price_pnl": "price P&L",
    "fees": "fees",
    "slippage": "slippage",
    "borrow": "borrow interest",
    "liquidation_cost": "liquidation cost",
}
_SCORE_PARTS = dict(zip(("level", "trend", "persistence", "basis"), WEIGHTS, strict=True))
_SCORE_NAMES = {"level": "rate level", "trend": "trend", "persistence": "persistence", "basis": "basis"}


class PartsOverTime(NamedTuple):
    """What the account's profit is made of at instants; cumulative, in the account's currency, with the sign of the sum.

    Attributes:
        t: Unix s.
        parts: by name in PARTS.
        net: their sum, equity less the start balance.
    """

    t: Ints
    parts: dict[str, Floats]
    net: Floats


def parts_at(run: ReportRun, t: Ints, equity: Floats) -> PartsOverTime:
    """Return what the profit is made of at some instants.

    Prices count at their last closes, for open positions too: the price P&L is what is left of the change of equity.

    Args:
        run: the run.
        t: instants, ascending; Unix s.
        equity: at each of them.
    """
    journal = files.read_table(run.folder / "journal.parquet", ["ts_utc", "kind", "cash_change"])
    fills = files.read_table(run.folder / "trades.parquet", ["settled_ts_utc", "slippage"])
    net = equity - float(run.metrics["start_balance_usd"])
    kinds = {"funding": "funding", "fees": "fee", "borrow": "borrow", "liquidation_cost": "liquidation"}
    found = {
        name: _sum_until(t, journal.filter(pc.equal(journal["kind"], kind)), "ts_utc", "cash_change")
        for name, kind in kinds.items()
    }
    found["slippage"] = -_sum_until(t, fills, "settled_ts_utc", "slippage")
    found["price_pnl"] = net - np.sum(list(found.values()), axis=0)
    return PartsOverTime(t, {name: found[name] for name in PARTS}, net)


def _sum_until(t: Ints, rows: pa.Table, time: str, amount: str) -> Floats:
    """Return the sum of the amounts of rows up to each instant."""
    instants = seconds(rows[time])
    order = np.argsort(instants, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(rows[amount].cast(pa.float64()).to_numpy()[order])])
    found: Floats = sums[np.searchsorted(instants[order], t, side="right")]
    return found


def seconds(stamps: pa.ChunkedArray) -> Ints:
    """Return a column of times in Unix seconds."""
    found: Ints = stamps.cast(pa.int64()).to_numpy() // 1_000_000
    return found


def where_from(run: ReportRun) -> Plot | None:
    """Return the plot of the parts of the profit over time; None without a point of equity."""
    curve = run.curve
    if len(curve.t) < 2:
        return None
    drawn = thinned(curve)
    found = parts_at(run, drawn.t, drawn.equity)
    layers = [
        {"name": PART_NAMES[name], "y": np.round(found.parts[name], 8).tolist()}
        for name in PARTS
        if np.abs(found.parts[name]).max() > 0
    ]
    data = {"t": found.t.tolist(), "layers": layers, "total": "net P&L", "levels": []}
    caption = (
        "Gains above zero, losses and costs below it; the line is their sum, equity less the start balance. Price P&L "
        "is what the two legs made against each other, with open positions at their last closes: the change of the basis."
    )
    return Plot("parts", "What the profit is made of", "stack", data, ("", run.currency), caption)


def rates(run: ReportRun) -> Section | None:
    """Return the section of funding rates and of what was held; None without a settlement."""
    tables = series_of(run)
    if not tables:
        return None
    parts: list[ReportPart] = [
        Text(
            "Each line is the settled funding rate, as a rate of 8 hours. Shaded: a position was held. Triangles up are "
            "openings, triangles down are closings."
        ),
        *(rate_plot(number, symbol, rows) for number, (symbol, rows) in enumerate(tables.items())),
    ]
    return Section("rates", "Funding rates and positions", parts)


def series_of(run: ReportRun) -> dict[str, pa.Table]:
    """Return the series of each drawn symbol."""
    table = files.read_table(run.folder / "carry_series.parquet")
    names = table["symbol"].unique().to_pylist()
    return {name: table.filter(pc.equal(table["symbol"], name)) for name in names}


def rate_plot_name(number: int) -> str:
    """Return the name of the plot of the rates of a symbol, by its place among the drawn ones."""
    return f"rates_{number}"


def rate_plot(number: int, symbol: str, rows: pa.Table) -> Plot:
    """Return the plot of one symbol's rates."""
    ts, rate = rows["ts"].to_numpy(), rows["rate_8h"].to_numpy() * 100
    held = rows["held"].to_numpy()
    # where what is held changes, a position was opened or closed
    changes = np.flatnonzero(np.diff(held, prepend=0))
    openings = [row for row in changes.tolist() if held[row]]
    closings = [row for row in changes.tolist() if row and held[row - 1]]
    spans = [
        {"from": int(ts[first]), "to": int(ts[min([row for row in changes.tolist() if row > first] or [len(ts) - 1])])}
        for first in openings
    ]
    kept = _kept_rows(ts, rate, {*openings, *closings})
    marks = [
        {"t": int(ts[row]), "y": round(float(rate[row]), 8), "up": up, "remark": remark}
        for rows_of, up, remark in ((openings, True, "opened"), (closings, False, "closed"))
        for row in rows_of
    ]
    data = {
        "t": ts[kept].tolist(),
        "lines": [{"name": "rate", "y": np.round(rate[kept], 8).tolist()}],
        "marks": marks,
        "spans": spans,
    }
    return Plot(
        rate_plot_name(number),
        f"{symbol}: funding rate of 8 hours",
        "history",
        data,
        ("", "%"),
        f"{symbol}, {counted(len(openings), 'position')}.",
    )


def _kept_rows(ts: Ints, values: Floats, besides: set[int]) -> Ints:
    """Return the rows of a series that a screen can show: ends and extremes of stretches of time, and some more.

    Args:
        ts: ascending; Unix s.
        values: of the series.
        besides: further rows.
    """
    drawn = thinned(Curve(ts, values, values - np.maximum.accumulate(values)))
    rows: Ints = np.union1d(np.searchsorted(ts, drawn.t), np.array(sorted(besides), np.int64))
    return rows


def scores(run: ReportRun) -> Section | None:
    """Return the section of the score and its parts; None for a strategy without a score."""
    tables = {name: rows for name, rows in series_of(run).items() if not rows["score"].null_count}
    if not tables:
        return None
    symbol, rows = max(tables.items(), key=lambda item: int(np.count_nonzero(item[1]["held"].to_numpy())))
    parameters = run.config["strategy"]["parameters"]
    weights = _weights(parameters)
    ts, score = rows["ts"].to_numpy(), rows["score"].to_numpy()
    kept = _kept_rows(ts, score, set())
    layers = [
        {"name": _SCORE_NAMES[name], "y": np.round(rows[name].to_numpy()[kept] * weight, 6).tolist()}
        for name, weight in weights.items()
    ]
    levels = [
        {"name": f"enter at {parameters['entry_threshold']}", "y": parameters["entry_threshold"]},
        {"name": f"leave below {parameters['exit_threshold']}", "y": parameters["exit_threshold"]},
    ]
    data = {"t": ts[kept].tolist(), "layers": layers, "total": "score", "levels": levels}
    caption = (
        "Each part times its weight; the line is the score. It is judged only where the rate is above zero as seen from the "
        "position's direction."
    )
    plot = Plot("score", f"{symbol}: score and its parts", "stack", data, ("", "score"), caption)
    return Section("scores", "Score", [plot, Text(_parts_text(weights, rows))])


def _weights(parameters: Mapping[str, Any]) -> dict[str, float]:
    """Return the weight of each part of the score as it counts."""
    given = {name: float(parameters[key]) for name, key in _SCORE_PARTS.items()}
    total = sum(given.values()) if parameters["normalise_weights"] else 1.0
    return {name: weight / total for name, weight in given.items()}


def _parts_text(weights: Mapping[str, float], rows: pa.Table) -> str:
    """Return a sentence with the mean of each part, which shows a part that decides nothing."""
    means: Sequence[str] = [
        f"{_SCORE_NAMES[name]} {np.mean(rows[name].to_numpy()) * weight:.3f} of {weight:.2f}"
        for name, weight in weights.items()
    ]
    return f"Mean points of each part, of the most that it can give: {', '.join(means)}."
