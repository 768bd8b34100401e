"""The table of a finished run on the terminal: each symbol's figures, and those of all of them together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tradewinds.families.contract import SummaryTable

MOST_ROWS = 40  # symbols that are shown; a longer table does not fit a screen
_FIGURES = (  # heading, key of metrics.json, factor, decimals
    ("trades", "num_trades", 1, 0),
    ("wins, %", "win_rate", 100, 1),
    ("total R", "total_r", 1, 2),
    ("R a trade", "expectancy_r", 1, 3),
    ("profit factor", "profit_factor", 1, 2),
    ("P&L", "total_pnl_usd", 1, 2),
    ("max DD, R", "max_drawdown_r", 1, 2),
    ("valid OR, %", "or_valid_rate", 100, 1),
)


def symbol_table(run_dir: Path) -> SummaryTable:
    """Return the figures of each symbol of a run and of all of them, from the run's metrics.json.

    Args:
        run_dir: the run's folder.
    """
    metrics = json.loads((run_dir / "metrics.json").read_text(encoding="utf-8"))
    symbols = metrics["symbols"]
    rows = [(name, *_texts(symbols[name])) for name in sorted(symbols)]
    hidden = len(rows) - MOST_ROWS
    if hidden > 0:
        rows = [*rows[:MOST_ROWS], (f"… and {hidden:,} more", *[""] * len(_FIGURES))]
    heads = [f"{head}, {metrics['currency']}" if head == "P&L" else head for head, *_ in _FIGURES]
    return SummaryTable("By symbol", ("symbol", *heads), rows, ("all", *_texts(metrics)))


def _texts(figures: Mapping[str, Any]) -> list[str]:
    """Return the figures of a symbol or of the run as text, a dash for one that is not defined."""
    found = [(figures[key], factor, decimals) for _, key, factor, decimals in _FIGURES]
    return ["—" if value is None else f"{value * factor:,.{decimals}f}" for value, factor, decimals in found]
