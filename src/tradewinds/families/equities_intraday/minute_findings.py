"""What can be said of a run's minute bars before it is replayed: files, requests, sessions, quarantined rows."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tradewinds.core import files
from tradewinds.core.text import counted
from tradewinds.families.contract import Findings
from tradewinds.families.equities_intraday.plan import IntradayPlan
from tradewinds.families.equities_intraday.session_panel import read_session_panel
from tradewinds.families.plan import stale_files
from tradewinds.families.strategy_file import is_own
from tradewinds.reference_data.exchange_calendar import day_number

REQUESTS_PER_MONTH = 5  # of at most seven days each
SHOWN_MONTHS = 20  # with quarantined rows


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
    requests = REQUESTS_PER_MONTH * len(due)
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
        f"{counted(len(plan.files.symbols), 'symbol')}, {counted(plan.files.sessions, 'session')} of {plan.files.calendar}, "
        f"bars from {source}.",
        f"Run {plan.run_id}: {status} ({plan.run_dir}/).",
    ]
    return [row], notes


def findings(config: Mapping[str, Any], plan: IntradayPlan) -> Findings:
    """Count what the files of bars and the panel hold.

    Args:
        config: a resolved config.
        plan: its plan.

    Raises:
        DamagedFile: a file is not what was written.
    """
    present = [path for path in plan.files.bars if Path(path).exists()]
    notes = [f"{len(present)} of {len(plan.files.bars)} symbol-months of bars are there."]
    rows: Counter[str] = Counter()
    of_month: dict[tuple[str, str, str], int] = {}
    found: dict[str, None] = {}  # each line once, in order
    for path in present:
        meta = files.read_meta(path)
        rows.update(meta["quarantined"])
        of_month |= {(meta["symbol"], meta["month"], reason): count for reason, count in meta["quarantined"].items()}
        found |= dict.fromkeys(meta.get("found", ()))
    notes += found
    notes += [f"{counted(count, 'row')} quarantined: {reason}" for reason, count in sorted(rows.items())]
    worst = sorted(of_month.items(), key=lambda item: (-item[1], item[0]))
    notes += [f"{symbol} {month}: {count:,} {reason}" for (symbol, month, reason), count in worst[:SHOWN_MONTHS]]
    if len(worst) > SHOWN_MONTHS:
        notes.append(f"… and {len(worst) - SHOWN_MONTHS} more months with quarantined rows.")
    return Findings([*notes, *(_of_panel(config, plan) if Path(plan.files.panel).exists() else ())])


def import_warnings(plan: IntradayPlan) -> list[str]:
    """Return the warnings that the import of a user's files wrote into the files that it made."""
    first = next(iter(plan.files.bars), None)  # all of an import's files have the same
    found = files.read_meta(first).get("found", ()) if first and plan.files.source == "files" else ()
    return [line for line in found if line.startswith("warning: ")]


def _of_panel(config: Mapping[str, Any], plan: IntradayPlan) -> Iterator[str]:
    """Yield lines about the session bars of a run: how many, and which opening ranges lack minutes."""
    panel = read_session_panel(plan.files.panel)
    minutes, bar = config["orb"]["base_minutes"], panel.bar_minutes
    first = int(np.searchsorted(panel.days, day_number(config["date_start_local"])))
    per_day = np.diff(panel.first_row).reshape(len(panel.symbols), len(panel.days))
    traded = per_day[:, first:]
    yield (
        f"{counted(int(traded.sum()), 'session bar')} of {counted(len(panel.symbols), 'symbol')} on "
        f"{counted(traded.shape[1], 'session')}, and {int(per_day[:, :first].sum()):,} of the {counted(first, 'session')} of "
        f"history before."
    )
    zero = sum(panel.about["zero_volume"].values())
    if zero:
        yield f"{counted(zero, 'bar', 'has', 'have')} no volume."
    # bars of each symbol and session in the opening range
    inside = np.concatenate([[0], np.cumsum(panel.minute < minutes)])[panel.first_row]
    in_range = np.diff(inside).reshape(per_day.shape)[:, first:]
    incomplete = (traded > 0) & (in_range < minutes // bar)
    if not is_own(config):  # a strategy of the user's own needs no opening range
        yield (
            f"{int(incomplete.sum()):,} of {counted(int((traded > 0).sum()), 'opening range')} of {minutes} minutes are "
            f"incomplete, {int(((traded > 0) & (in_range == 0)).sum()):,} of them empty."
        )
    for index in np.flatnonzero((traded == 0).all(axis=1)).tolist():
        yield f"{panel.symbols[index]} has no bar from {config['date_start_local']} to {config['date_end_local']}."
