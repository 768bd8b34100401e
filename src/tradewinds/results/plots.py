"""Plots of a run, as pictures a person looks at. The same run gives the same picture."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure


def equity_plot(equity_csv: str | Path, out: str | Path) -> None:
    """Equity over drawdown, PNG."""
    with open(equity_csv, newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    times = [dt.datetime.fromisoformat(row["ts_utc"]) for row in rows]
    equity = [float(row["equity_usd"]) for row in rows]
    peaks: list[float] = []
    for value in equity:
        peaks.append(max(value, peaks[-1]) if peaks else value)
    figure = Figure(figsize=(9, 5), dpi=110, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    upper.step(times, equity, where="post", color="#0b5d8f", linewidth=1.4)
    upper.set_ylabel("Equity, USD")
    if equity:
        upper.axhline(equity[0], color="#999999", linewidth=0.8, linestyle="--")
    lower.fill_between(
        times, [v - p for v, p in zip(equity, peaks, strict=True)], step="post", color="#b3472f", alpha=0.7
    )
    lower.set_ylabel("Drawdown, USD")
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    lower.xaxis.set_major_locator(locator)
    lower.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    for axes in (upper, lower):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(out, format="png", metadata={"Software": None})
