"""A run's replay from its files to its artifacts: what the workflow's job does, and what `tradewinds reproduce` does again."""

from __future__ import annotations

from collections.abc import Iterable

from tradewinds.config import markets
from tradewinds.config.resolve import Config
from tradewinds.core.damage import naming_damage
from tradewinds.families.contract import RunPlan, Tell
from tradewinds.results.artifacts import write_artifacts
from tradewinds.results.manifest import write_manifest


def _nobody(done: int, total: int) -> None:
    """Nobody listens."""


def simulate(conf: Config, plan: RunPlan, inputs: Iterable[str], threads: int, tell: Tell = _nobody) -> None:
    """Replay a run's events and write its tables, metrics and manifest into `plan.run_dir`.

    Args:
        inputs: every file that the run is made from, for the manifest; threads: that DuckDB may use; tell: hears of events
            done, of how many.

    Raises:
        DataMissing: there is nothing to replay.
        SimulationError: the simulation failed, its books do not add up, or a file is damaged.
    """
    with naming_damage(plan):
        result = markets.family_of(conf["market"]).simulate(conf, plan, threads, tell)
    result.check_books()
    write_artifacts(plan.run_dir, plan.run_id, conf, result)
    write_manifest(plan.run_dir, plan.run_id, conf, inputs, result.watermark)
