"""Show a run whose work has failed in its database, with the reason."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tradewinds import __version__
from tradewinds.config import markets, resolve
from tradewinds.core.errors import ConfigError, DatabaseError, DataMissing, TradewindsError
from tradewinds.core.run_names import read_name
from tradewinds.families.plan import Plan


@contextlib.contextmanager
def failures_recorded(conf: resolve.Config, plan: Plan[Any]) -> Iterator[None]:
    """Record the error that stops the block, which is passed on.

    A run that the user interrupts has not failed, nor has one that is refused because its config or its data do not do (exit
    codes 2 and 3): nothing of it was made.

    Args:
        conf: resolved.
        plan: of the run that the block makes.
    """
    try:
        yield
    except TradewindsError as error:
        # the error that stopped the run is the one to report, also where the database cannot be written
        if error.exit_code not in (ConfigError.exit_code, DataMissing.exit_code):
            with contextlib.suppress(DatabaseError):
                _record(conf, plan, str(error))
        raise


def _record(conf: resolve.Config, plan: Plan[Any], reason: str) -> None:
    """Write the row of a failed run."""
    from tradewinds.database.failed_runs import record_failure
    from tradewinds.pipeline.simulate import about_run
    from tradewinds.results.manifest import git_sha

    family, about, name = markets.family_of(conf["market"]), about_run(conf), read_name(plan.run_dir)
    row = {
        "run_id": plan.run_id,
        "strategy": conf["strategy"]["name"],
        "market": conf["market"],
        "series": family.series(conf),
        "date_start": conf["date_start_local"],
        "date_end": conf["date_end_local"],
        "config": json.loads(json.dumps(resolve.question(conf), default=str)),  # as the manifest has it
        "git_sha": git_sha(),
        "tradewinds_version": __version__,
        "seed": conf["seed"],
        "artifact_path": Path(plan.run_dir).as_posix(),
        "created_at_utc": dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0),
        "name": name.name or None,
        "note": name.note or None,
    }
    has_results = Path(plan.run_dir, "metrics.json").exists()
    record_failure(conf["database"]["url"], row, about.strategy_version, reason, has_results=has_results)
