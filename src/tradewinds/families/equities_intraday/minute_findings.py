"""What can be said of a run's minute bars before it is replayed: files, requests, sessions, quarantined rows."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tradewinds.core import files
from tradewinds.families.contract import Findings
from tradewinds.families.equities_intraday.plan import IntradayPlan
from tradewinds.families.plan import stale_files


def cost(config: Mapping[str, Any], plan: IntradayPlan) -> tuple[list[dict[str, Any]], list[str]]:
    """Count the files of bars and the requests that a run needs.

    Args:
        config: a resolved config.
        plan: its plan.

    Returns:
        One row for the table of the dry run, and the lines below the table.
    """
    missing = [path for path in plan.files.bars if not Path(path).exists()]
    due = {*plan.missing(), *stale_files(plan)}
    requests = 5 * len(due)  # of at most seven days each
    row = {
        "what": "symbol-months of bars",
        "total": len(plan.files.bars),
        "present": len(plan.files.bars) - len(missing),
        "missing": len(missing),
        "requests": requests,
        "time": str(dt.timedelta(seconds=math.ceil(requests / config["yahoo"]["requests_per_second"]))),
    }
    source = config["bars"]["path"] if plan.files.source == "files" else plan.files.source
    status = "its results are there" if Path(plan.run_dir, "metrics.json").exists() else "not yet simulated"
    notes = [
        f"{len(plan.files.symbols)} symbols, {plan.files.sessions} sessions of {plan.files.calendar}, bars from {source}.",
        f"Run {plan.run_id}: {status} ({plan.run_dir}/).",
    ]
    return [row], notes


def findings(config: Mapping[str, Any], plan: IntradayPlan) -> Findings:
    """Count what the files of bars hold.

    Args:
        config: a resolved config.
        plan: its plan.
    """
    present = [path for path in plan.files.bars if Path(path).exists()]
    rows: Counter[str] = Counter()
    for path in present:
        rows.update(files.read_meta(path)["quarantined"])
    quarantined = [f"{count:,} row(s) quarantined: {reason}" for reason, count in sorted(rows.items())]
    return Findings([f"{len(present)} of {len(plan.files.bars)} symbol-months of bars are there.", *quarantined])
