"""Two finished runs of funding carry as one table: figures of each, and their difference."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.table import Table

from tradewinds.config import markets
from tradewinds.core import text
from tradewinds.families.plan import run_plan
from tradewinds.pipeline.screen import Screen

# label, key of metrics.json, decimals; an amount's label gets the currency
_FIGURES = (
    ("Net P&L", "net_pnl", True),
    ("Funding", "funding", True),
    ("Price P&L (basis)", "price_pnl", True),
    ("Fees", "fees", True),
    ("Slippage", "slippage", True),
    ("Borrow", "borrow", True),
    ("Liquidation cost", "liquidation_cost", True),
    ("Positions", "num_trades", False),
    ("Win rate, %", "win_rate_pct", False),
    ("Payments to break even, median", "breakeven_periods", False),
    ("APR, %", "apr_pct", False),
    ("Sharpe", "sharpe", False),
    ("Max drawdown", "max_drawdown_usd", True),
    ("Max drawdown, %", "max_drawdown_pct", False),
    ("Time in market, %", "time_in_market_pct", False),
)


def show_side_by_side(screen: Screen, runs: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Print the figures of two finished runs and the difference of the second to the first.

    Args:
        screen: where to print.
        runs: their configs.
        names: headings of their columns.
    """
    plans = [run_plan(dict(conf)) for conf in runs]
    found = [json.loads(Path(plan.run_dir, "metrics.json").read_text(encoding="utf-8")) for plan in plans]
    currency = markets.family_of(runs[0]["market"]).currency(runs[0])
    table = Table(title="Side by side", title_justify="left")
    table.add_column("")
    for name in (*names, "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    for label, key, is_amount in _FIGURES:
        one, other = (metrics[key] for metrics in found)
        title = f"{label}, {currency}" if is_amount else label
        figures = (one, other, _difference(one, other))
        table.add_row(title, *(text.money_text(v) if is_amount else text.metric_text(key, v) for v in figures))
    screen.print(table)
    for name, plan in zip(names, plans, strict=True):
        screen.print(f"{name:<10}{plan.run_dir}/report.html", soft_wrap=True)
    screen.print(f"compare   tradewinds compare {plans[0].run_id[:8]} {plans[1].run_id[:8]}", soft_wrap=True)


def _difference(one: float | int | None, other: float | int | None) -> float | int | None:
    """Return the second figure less the first, without an error of binary fractions; None if one is undefined."""
    if one is None or other is None:
        return None
    if isinstance(one, int) and isinstance(other, int):
        return other - one
    return float(Decimal(str(other)) - Decimal(str(one)))
