"""The sentence that stands beside the P&L of a run, whatever its market: what was claimed, or what a benchmark made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradewinds.results.edge.against_benchmark import benchmark_words
from tradewinds.results.edge.edge_words import claimed_words


def beside_pnl(metrics: Mapping[str, Any]) -> str:
    """What the trades of a run claimed, or how it compares with its benchmark; "" for a run that has neither.

    Args:
        metrics: its metrics.json.
    """
    if "edge" in metrics:
        return claimed_words(metrics["edge"])
    return benchmark_words(metrics["against_benchmark"]) if "against_benchmark" in metrics else ""
