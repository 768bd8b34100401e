"""A run's replay from its files to its artifacts: what the workflow's job does, and what `tradewinds reproduce` does again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tradewinds import __version__
from tradewinds.config import markets
from tradewinds.config.resolve import Config
from tradewinds.core.damage import naming_damage
from tradewinds.families.contract import Tell
from tradewinds.families.plan import Plan
from tradewinds.results.artifacts import write_artifacts
from tradewinds.results.manifest import AboutRun, write_manifest


def _nobody(done: int, total: int) -> None:
    """Nobody listens."""


def simulate(conf: Config, plan: Plan[Any], inputs: Iterable[str], threads: int, tell: Tell = _nobody) -> None:
    """Replay a run's events and write its tables, metrics and manifest into `plan.run_dir`.

    Args:
        inputs: every file that the run is made from, for the manifest; threads: that DuckDB may use; tell: hears of events
            done, of how many.

    Raises:
        DataMissing: there is nothing to replay. SimulationError: the simulation failed, or a file is damaged.
    """
    with naming_damage(plan.data_files):
        result = markets.family_of(conf["market"]).replay(conf, plan, threads, tell)
    write_artifacts(plan.run_dir, plan.run_id, conf, result)
    write_manifest(plan.run_dir, plan.run_id, conf, about_run(conf), inputs, result.watermark)


def about_run(conf: Config) -> AboutRun:
    """What the market family of a config says of it in the manifest."""
    family, name = markets.family_of(conf["market"]), conf["strategy"]["name"]
    own = family.strategies.find(name).version if name in family.strategies else ""
    return AboutRun(family.fees(conf), family.series(conf), own or __version__)
