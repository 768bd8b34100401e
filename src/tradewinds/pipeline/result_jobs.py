"""The jobs that make a run's results: simulate, the family's own, report, load. The workflow's rules do the same."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tradewinds.config import markets
from tradewinds.config.resolve import Config
from tradewinds.core import database_urls, files, yaml_text
from tradewinds.core.errors import DatabaseError, SimulationError, TradewindsError
from tradewinds.families.contract import Tell
from tradewinds.families.plan import Plan
from tradewinds.pipeline import verdicts
from tradewinds.results.report.drawers import Drawers
from tradewinds.results.run_files import REPORT, RUN_LOG, SIMULATE

THREADS = 8  # of a replay, at most; as in rules/simulate.smk
IN_RUN_LOG = (SIMULATE, REPORT, verdicts.LOAD)  # jobs whose log lines the run's own log gets, too


class ResultJob(NamedTuple):
    """A job that makes results of a run.

    Attributes:
        rule: its rule of the workflow.
        make: does it; is given a progress callback.
        outputs: the files and folders that it makes.
        log: its log.
        run_log: the run's own log, to which its lines are appended; None for a job whose lines are not.
        refused: the error whose exit code the job has if the file system refuses to write.
    """

    rule: str
    make: Callable[[Tell], None]
    outputs: Sequence[str]
    log: Path
    run_log: Path | None
    refused: type[TradewindsError]


def result_jobs(conf: Config, plan: Plan[Any], drawers: Drawers | None = None) -> list[ResultJob]:
    """List the jobs that make a run's results, in the order in which they run.

    Args:
        conf: resolved.
        plan: of the config; what the replay reads exists.
        drawers: processes that draw the report's plots, if they have been started.
    """
    family, folder = markets.family_of(conf["market"]), Path(plan.run_dir)
    own = family.result_jobs(conf, plan)
    makers: dict[str, Callable[[Tell], None]] = {
        SIMULATE: lambda tell: _simulate(conf, plan, tell),
        **{rule: _untold(make) for rule, make in own.items()},
        REPORT: lambda tell: write_run_report(folder, drawers),
        verdicts.LOAD: lambda tell: load(
            folder, conf["database"]["url"], plan.recorded, verdicts.receipt_path(conf, plan), tell
        ),
    }
    return [
        ResultJob(
            rule=rule,
            make=makers[rule],
            outputs=outputs,
            log=Path("logs", rule, f"{plan.run_id}.log"),
            run_log=folder / RUN_LOG if rule in IN_RUN_LOG else None,
            refused=DatabaseError if rule == verdicts.LOAD else SimulationError,
        )
        for rule, outputs in verdicts.made_by(conf, plan).items()
    ]


def _untold(make: Callable[[], None]) -> Callable[[Tell], None]:
    """A maker that reports no progress."""
    return lambda tell: make()


def _simulate(conf: Config, plan: Plan[Any], tell: Tell) -> None:
    """Replay the run."""
    from tradewinds.pipeline import simulate  # imported here: the report's and the load's jobs need no engine

    inputs = [path for paths in plan.inputs.values() for path in paths]
    simulate.simulate(conf, plan, inputs, min(THREADS, os.cpu_count() or 1), tell)


def write_run_report(folder: Path, drawers: Drawers | None = None) -> None:
    """Write the report of the run in `folder`, with the sections of its market family.

    Args:
        folder: the run's folder.
        drawers: processes that draw, if they have been started.
    """
    from tradewinds.results.report.write import write_report

    config = yaml_text.load((folder / "config_resolved.yaml").read_text(encoding="utf-8"))
    write_report(folder, markets.family_of(config["market"]).report(), drawers)


def load(folder: Path, url: str, recorded: Mapping[str, Sequence[str]], receipt: str, tell: Tell) -> None:
    """Load a run into its database and write the receipt.

    Args:
        folder: the run's folder.
        url: URL of the database.
        recorded: paths of the data files of which the family loads rows, by kind.
        receipt: path of the receipt.
        tell: called with (trades loaded, trades in all).
    """
    from tradewinds.database.load import load_run

    rows = load_run(folder, url, recorded, tell=tell)
    files.write_text(
        receipt, json.dumps({"database": database_urls.masked(url), "trades": rows}, sort_keys=True) + "\n"
    )
