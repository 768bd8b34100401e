"""Print a run's plan before its work and its result after it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.panel import Panel
from rich.table import Table

from tradewinds.core import text
from tradewinds.core.text import CURRENCY, labelled
from tradewinds.families.contract import SummaryTable
from tradewinds.families.plan import Plan
from tradewinds.pipeline.screen import Screen
from tradewinds.results.edge.beside_pnl import beside_pnl

if TYPE_CHECKING:
    from tradewinds.pipeline.preflight import Preflight


def show_plan(screen: Screen, rows: list[dict[str, Any]], notes: list[str]) -> None:
    """Print a dry run: a table with a row per kind of file, then notes.

    Args:
        screen: where to print.
        rows: from Family.cost: what, total, present, missing, requests and time.
        notes: lines under the table.
    """
    table = Table(title="Plan", title_justify="left")
    table.add_column("what", no_wrap=True)
    for column in ("in range", "present", "missing", "requests", "at the limit"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*(str(row[key]) for key in ("what", "total", "present", "missing", "requests", "time")))
    screen.print(table)
    for note in notes:
        screen.print(note)


def show_preflight(screen: Screen, found: Preflight) -> None:
    """Print what was found before a run's first job, warnings on standard error.

    Args:
        screen: where to print.
        found: what was found.

    Raises:
        TradewindsError: a run would be refused.
    """
    for note in found.notes:
        screen.print(note, soft_wrap=True)
    for warning in found.warnings:
        screen.warn(f"warning: {warning}", soft_wrap=True)
    found.refuse()


REASONS_SHOWN = 5  # of a run without a trade


def show_summary(
    screen: Screen,
    plan: Plan[Any],
    database_url: str,
    currency: str,
    headlines: Sequence[tuple[str, str]],
    units_name: str,
    because: Callable[[str], str],
    tables: Iterable[SummaryTable] = (),
) -> None:
    """Print the main figures of a finished run, and where its results are.

    Args:
        screen: where to print.
        plan: the run's files.
        database_url: the database, without its password.
        currency: of the account.
        headlines: (label, key of metrics.json) that only the run's market family has.
        units_name: what the run's counts of attempted and traded events count.
        because: the code of a skip or a refusal in plain words.
        tables: further tables of the run's market family.
    """
    metrics = json.loads(Path(plan.run_dir, "metrics.json").read_text(encoding="utf-8"))
    diagnostics = metrics["diagnostics"]
    table = Table.grid(padding=(0, 3))
    table.add_column()
    table.add_column(justify="right", no_wrap=True)  # reasons may be broken, figures may not
    for label, key in (*_HEADLINES, *headlines):
        shown = text.money_text(metrics[key]) if CURRENCY in label else text.metric_text(key, metrics[key])
        # a run with a row per fill counts positions
        counts_positions = key == "num_trades" and "num_fills" in metrics
        table.add_row("Positions" if counts_positions else labelled(label, currency), shown)
        if key == "total_pnl_usd" and "edge" in metrics:
            table.add_row("", beside_pnl(metrics))
    traded, attempted = diagnostics["events_traded"], diagnostics["events_attempted"]
    table.add_row(f"{units_name} traded / attempted", f"{traded} / {attempted}")
    for title, counts in (("Skipped", diagnostics["events_skipped"]), ("Rejected", diagnostics["rejections"])):
        for reason, count in counts.items():
            table.add_row(f"{title}: {text.with_code(reason, because(reason))}", f"{count:,}")
    screen.print(Panel.fit(table, title=f"Run {plan.run_id}", title_align="left"))
    if "edge" not in metrics and (compared := beside_pnl(metrics)):
        screen.print(compared, soft_wrap=True)
    for each in tables:
        screen.print(_drawn(each))
    if not metrics["num_trades"]:
        screen.print(_why_nothing(diagnostics, because), soft_wrap=True)
    screen.print(f"report    {plan.run_dir}/report.html", soft_wrap=True)
    screen.print(f"artifacts {plan.run_dir}/", soft_wrap=True)
    screen.print(f"database  {database_url}", soft_wrap=True)


def _drawn(made: SummaryTable) -> Table:
    """Return a family's table as one of the terminal: the first column on the left, figures on the right."""
    table = Table(title=made.title, title_justify="left", show_footer=bool(made.total), box=None, padding=(0, 1, 0, 0))
    totals = made.total or [""] * len(made.heads)
    for number, (head, total) in enumerate(zip(made.heads, totals, strict=True)):
        # a heading may be broken, a figure may not
        width = max(len(text) for text in (total, *(row[number] for row in made.rows)))
        table.add_column(head, total, justify="right" if number else "left", min_width=max(width, _longest(head)))
    for row in made.rows:
        table.add_row(*row)
    return table


def _longest(words: str) -> int:
    """Return the length of the longest of some words."""
    return max(map(len, words.split()))


def _why_nothing(diagnostics: Mapping[str, Any], because: Callable[[str], str]) -> str:
    """Return a line with the most frequent reasons why a run has no trade."""
    reasons = Counter(diagnostics["events_skipped"]) + Counter(diagnostics["rejections"])
    frequent = reasons.most_common(REASONS_SHOWN)
    shown = "; ".join(f"{text.with_code(reason, because(reason))}: {count:,}" for reason, count in frequent)
    if not shown:
        return "no trade, and nothing was refused: no entry was signalled."
    return f"no trade; the most frequent reasons: {shown}."


# what was made comes first
_HEADLINES = (
    ("P&L, {currency}", "total_pnl_usd"),
    ("Return, %", "roi_pct"),
    ("Start balance, {currency}", "start_balance_usd"),
    ("End balance, {currency}", "end_balance_usd"),
    ("Fees, {currency}", "total_fees_usd"),
    ("Trades", "num_trades"),
    ("Win rate, %", "win_rate_pct"),
    ("Profit factor", "profit_factor"),
    ("Max drawdown, {currency}", "max_drawdown_usd"),
    ("Sharpe", "sharpe"),
)
