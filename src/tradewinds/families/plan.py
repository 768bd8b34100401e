"""The files of a run: which are missing, which have to grow, and what to say of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tradewinds.config import markets, resolve
from tradewinds.core.errors import DataMissing
from tradewinds.core.files import read_meta

if TYPE_CHECKING:
    from tradewinds.families.contract import RunPlan


SHOWN_FILES = 40


def run_plan(conf: resolve.Config) -> RunPlan:
    """The plan of a resolved config, of whichever market family."""
    made: RunPlan = markets.family_of(conf["market"]).plan_of(conf)
    return made


def needed_through(date_end: dt.date, year: int | None = None) -> dt.date:
    """The date that a growing file must reach: the end of the range, or of the file's year."""
    return date_end if year is None else min(date_end, dt.date(year, 12, 31))


def asked_through(path: str, needed: dt.date) -> str:
    """The date for which a growing file (catalog, station-year) is asked, as its rule's parameter.

    A file that reaches far enough repeats the date it was made for, so that no version of Snakemake sees a change. 9.27 sees
    none at all in a parameter that is worked out from an output: a run names the files that must go on (`stale_files`).
    """
    if Path(path).exists():
        meta = read_meta(path)
        if dt.date.fromisoformat(meta["covers_through"]) >= needed:
            return str(meta["asked_through"])
    return needed.isoformat()


def stale_files(plan: RunPlan) -> list[str]:
    """Growing files that are there but do not reach the end of the run's range."""
    return [
        path
        for path, needed in plan.growing.items()
        if Path(path).exists() and dt.date.fromisoformat(read_meta(path)["covers_through"]) < needed
    ]


def refuse_missing(plan: RunPlan) -> None:
    """For commands that read what a run fetched.

    Raises:
        DataMissing: a file is not there, or does not reach the end of the range; names them.
    """
    missing = [path for path in plan.fetched if not Path(path).exists()]
    missing += [f"{path} (ends too early)" for path in stale_files(plan)]
    if missing:
        raise lacking(missing, "fetches")


def lacking(files: Sequence[str], how: str) -> DataMissing:
    """The error that names files that are not there; `how` tradewinds run comes by them (fetches, makes)."""
    shown = "\n".join(f"  {path}" for path in files[:SHOWN_FILES])
    rest = f"\n  … and {len(files) - SHOWN_FILES} more" if len(files) > SHOWN_FILES else ""
    return DataMissing(f"{len(files)} file(s) of this config are missing; tradewinds run {how} them:\n{shown}{rest}")
