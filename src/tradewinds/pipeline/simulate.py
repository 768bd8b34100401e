"""Replay a run from its files and write its results: the job `simulate`, and the work of `tradewinds reproduce`."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tradewinds import __version__
from tradewinds.config import markets
from tradewinds.config.resolve import Config
from tradewinds.core.damage import naming_damage
from tradewinds.families.contract import Tell
from tradewinds.families.plan import Plan
from tradewinds.results.artifacts import resolved_yaml, write_artifacts
from tradewinds.results.manifest import AboutRun, evidence_of, write_manifest

logger = logging.getLogger(__name__)


def _ignore_progress(done: int, total: int) -> None:
    """Ignore progress: the default callback."""


def simulate(conf: Config, plan: Plan[Any], inputs: Iterable[str], threads: int, tell: Tell = _ignore_progress) -> None:
    """Replay a run and write its tables, metrics and manifest into `plan.run_dir`.

    Args:
        conf: resolved.
        plan: the files of the run.
        inputs: paths of all files that the run is made from, for the manifest.
        threads: how many threads the replay may use.
        tell: called with (units done, units in all).

    Raises:
        DataMissing: there is nothing to replay.
        SimulationError: the simulation failed, its books do not add up, or a file is damaged.
    """
    family, began = markets.family_of(conf["market"]), time.perf_counter()
    logger.debug("config: %s", resolved_yaml(conf).rstrip())
    logger.debug("run %s: %s", plan.run_id, family.extent(plan))
    with ThreadPoolExecutor(max_workers=1) as pool:
        evidence = pool.submit(evidence_of, inputs)
        with naming_damage(plan.replayed_files):
            result = family.replay(conf, plan, threads, tell)
    result.check_books()
    logger.debug("replayed in %.3f s: %d trades", time.perf_counter() - began, len(result.trades))
    logger.debug("diagnostics: %s", result.diagnostics)
    write_artifacts(plan.run_dir, plan.run_id, conf, result)
    write_manifest(plan.run_dir, plan.run_id, conf, about_run(conf), evidence.result(), result.watermark)
    logger.debug("results written in %.3f s", time.perf_counter() - began)


def about_run(conf: Config) -> AboutRun:
    """Collect the fees, the series and the strategy's version that the market family states for a run's manifest."""
    family, name = markets.family_of(conf["market"]), conf["strategy"]["name"]
    own = family.strategies.find(name).version if name in family.strategies else ""
    return AboutRun(family.fees(conf), family.series(conf), own or __version__)
