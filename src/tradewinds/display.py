"""What a run looks like: bars and tables on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from tradewinds import store
from tradewinds.plan import Plan

PLAIN_LINE_SECONDS = 5.0

Group = tuple[str, list[str]]


def show_catalogs(console: Console, paths: list[str]) -> None:
    """What the sync of some catalogs found, a line each."""
    for path in paths:
        meta = store.read_meta(path)
        closes = f", closes {meta['earliest_close'][:10]} to {meta['latest_close'][:10]}" if meta["markets"] else ""
        console.print(
            f"catalog of {meta['series_ticker']}: {meta['fetched']} markets listed, {meta['inserted']} new, "
            f"{meta['updated']} changed{closes}; final through {meta['covers_through']}"
        )


def groups(plan: Plan, loaded: str) -> list[Group]:
    """The files of a run in the order in which they come to be."""
    weather = [*plan.guidance.values(), *plan.climate.values()]
    return [
        ("catalog", list(plan.catalogs.values())),
        ("weather", weather),
        ("candles", [event.path for event in plan.events]),
        ("forecasts", list(plan.forecasts.values())),
        ("probabilities", [plan.probabilities]),
        ("simulate", [f"{plan.run_dir}/metrics.json"]),
        ("calibration", [f"{plan.run_dir}/calibration.json"]),
        ("report", [f"{plan.run_dir}/report.md"]),
        ("load", [loaded]),
    ]


class Watch:
    """Progress of a run, read off the file system at every call.

    Only files that were missing at the start count as work done by this run.
    """

    def __init__(self, file_groups: list[Group], console: Console) -> None:
        self.console = console
        self.pending: dict[str, set[str]] = {}
        self.totals: dict[str, int] = {}
        for name, files in file_groups:
            missing = {path for path in files if not Path(path).exists()}
            if missing:
                self.pending[name], self.totals[name] = missing, len(missing)
        self.progress: Progress | None = None
        self.bars: dict[str, TaskID] = {}
        self.last_line = time.monotonic()

    def __enter__(self) -> Watch:
        """Start the bars on a terminal."""
        if self.console.is_terminal:
            self.progress = Progress(
                TextColumn("{task.description:<14}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=self.console,
            )
            self.bars = {name: self.progress.add_task(name, total=total) for name, total in self.totals.items()}
            self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the bars as they stand."""
        if self.progress:
            self.progress.stop()

    def __call__(self) -> None:
        """Look at the files and show what changed."""
        for name, files in self.pending.items():
            arrived = {path for path in files if Path(path).exists()}
            files.difference_update(arrived)
            if arrived and self.progress:
                self.progress.update(self.bars[name], completed=self.totals[name] - len(files))
            elif arrived and (not files or time.monotonic() - self.last_line > PLAIN_LINE_SECONDS):
                self.last_line = time.monotonic()
                self.console.print(f"{name}: {self.totals[name] - len(files)} of {self.totals[name]}")


def show_plan(console: Console, rows: list[dict[str, Any]], notes: list[str]) -> None:
    """The dry run: one line per kind of file, then what it will cost."""
    table = Table(title="Plan", title_justify="left")
    table.add_column("what", no_wrap=True)
    for column in ("in range", "present", "missing", "requests", "at the limit"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*(str(row[key]) for key in ("what", "total", "present", "missing", "requests", "time")))
    console.print(table)
    for note in notes:
        console.print(note)


def show_summary(console: Console, plan: Plan, database_url: str) -> None:
    """The result of a run and where it lies."""
    metrics = json.loads(Path(plan.run_dir, "metrics.json").read_text(encoding="utf-8"))
    diagnostics = metrics["diagnostics"]
    table = Table(title=f"Run {plan.run_id}", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for label, key in _HEADLINES:
        table.add_row(label, _shown(metrics[key]))
    table.add_row("Events traded / attempted", f"{diagnostics['events_traded']} / {diagnostics['events_attempted']}")
    for title, counts in (("Skipped", diagnostics["events_skipped"]), ("Rejected", diagnostics["rejections"])):
        for reason, count in counts.items():
            table.add_row(f"{title}: {reason}", str(count))
    console.print(table)
    console.print(f"report    {plan.run_dir}/report.md", soft_wrap=True)
    console.print(f"artifacts {plan.run_dir}/", soft_wrap=True)
    console.print(f"database  {database_url}", soft_wrap=True)


_HEADLINES = (
    ("Start balance, USD", "start_balance_usd"),
    ("End balance, USD", "end_balance_usd"),
    ("P&L, USD", "total_pnl_usd"),
    ("Fees, USD", "total_fees_usd"),
    ("Return, %", "roi_pct"),
    ("Trades", "num_trades"),
    ("Contracts", "num_contracts"),
    ("Win rate, %", "win_rate_pct"),
    ("Profit factor", "profit_factor"),
    ("Max drawdown, USD", "max_drawdown_usd"),
    ("Sharpe", "sharpe"),
    ("Brier score", "brier"),
)


def _shown(value: Any) -> str:
    if value is None:
        return "—"
    return (
        f"{value:,.4g}"
        if isinstance(value, float) and abs(value) < 1
        else f"{value:,.2f}"
        if isinstance(value, float)
        else str(value)
    )
