"""Give a finished run another name or note: beside its results, in its report and in its database."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

from tradewinds.config import resolve
from tradewinds.core.errors import TradewindsError
from tradewinds.core.run_names import RunName, write_name
from tradewinds.families.plan import Plan, run_plan
from tradewinds.pipeline import runner, verdicts
from tradewinds.pipeline.result_jobs import write_run_report


def rename_folder(folder: Path, url: str, name: RunName) -> None:
    """Write a run's name and note beside its results, and its report with them.

    The receipts of loads become as new as the report, and what was found up to date before still is: the next run of the config
    has nothing to do.

    Args:
        folder: the run's.
        url: of the database into which the run was loaded.
        name: of the run.

    Raises:
        ConfigError: the folder cannot be written.
    """
    if not (folder / "report.html").exists():
        write_name(folder, name)
        return
    conf = resolve.load(folder / "config_resolved.yaml")
    conf["database"] = {**conf["database"], "url": url}
    plan = _plan_here(conf, folder)
    with runner.folder_lock(_say) if plan else contextlib.nullcontext():
        asked = verdicts.question_of(conf, plan, verdicts.user_states(conf)) if plan else None
        held = asked is not None and verdicts.inputs_hold(asked) and verdicts.run_holds(asked)
        write_name(folder, name)
        write_run_report(folder)
        for receipt in (folder / "loaded").glob("*.json"):
            receipt.touch()
        if asked and held:
            verdicts.keep_run(asked, made_here=True)


def _plan_here(conf: resolve.Config, folder: Path) -> Plan[Any] | None:
    """Return the plan of a run whose folder belongs to this working folder; None for any other."""
    with contextlib.suppress(TradewindsError):  # a file of the user's is gone: then the next run decides by itself
        plan = run_plan(conf)
        if Path(plan.run_dir).resolve() == folder.resolve():
            return plan
    return None


def _say(line: str) -> None:
    """Tell on the standard error output why the work waits."""
    print(line, file=sys.stderr)
