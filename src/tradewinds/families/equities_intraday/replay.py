"""Replays the sessions of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tradewinds.core.errors import SimulationError
from tradewinds.engine.result import RunResult, Summary
from tradewinds.families.contract import Tell
from tradewinds.families.equities_intraday.plan import IntradayPlan


def simulate(config: Mapping[str, Any], plan: IntradayPlan, threads: int, tell: Tell) -> RunResult:
    """Raise SimulationError: the replay is not built yet."""
    raise SimulationError("not built yet.")


def simulate_many(configs: Sequence[Mapping[str, Any]], plan: IntradayPlan, workers: int) -> list[Summary]:
    """Raise SimulationError: the replay is not built yet."""
    raise SimulationError("not built yet.")
