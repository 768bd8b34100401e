"""What can be known before a run's first job: the user's own files, the room on the disk, and whether the database takes a run.

One mechanism for `validate`, `run --dry-run`, the start of `run`, sweeps and Python. A family contributes what it knows of the
user's files (`Family.own_inputs`) and of sizes (`file_bytes`, `unit_bytes`).
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tradewinds.config import markets, resolve
from tradewinds.config.places import PlaceOf, placing
from tradewinds.config.problems import dotted
from tradewinds.core.errors import ConfigError, DataMissing, TradewindsError
from tradewinds.core.text import byte_text, counted
from tradewinds.families.early_findings import EarlyFinding
from tradewinds.families.plan import Plan

RUN_BYTES = 10_000_000  # of a run's folder with its report, and of its rows in a database file


@dataclass
class Preflight:
    """What was found before a run's first job.

    Attributes:
        errors: for each of them the run is refused.
        warnings: sentences on what should be known before the run.
        notes: sentences on what was found.
    """

    errors: list[TradewindsError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self) -> None:
        """Raise what was found wrong: one error, or several as one of the class with the lowest exit code."""
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            first = min(self.errors, key=lambda error: error.exit_code)
            kind = next(kind for kind in (ConfigError, DataMissing, type(first)) if isinstance(first, kind))
            raise kind("\n".join(map(str, self.errors)))


def preflight(
    conf: resolve.Config,
    plan: Plan[Any],
    place_of: PlaceOf,
    *,
    inputs: bool = True,
    database: bool = True,
) -> Preflight:
    """Look at all that can be known before a run's first job.

    Args:
        conf: resolved.
        plan: its files.
        place_of: says where a key of the config stands.
        inputs: look at the user's files and the disk; a run whose inputs were found up to date need not.
        database: look at the database; what loads nothing need not.
    """
    found = Preflight()
    if inputs:
        _look_at_files(conf, plan, place_of, found)
    if database:
        from tradewinds.database.write_access import check_write_access  # SQLAlchemy, which a sweep does not need

        try:
            check_write_access(conf["database"]["url"])
        except TradewindsError as error:
            found.errors.append(_placed(error, place_of(("database", "url"))))
    return found


def _look_at_files(conf: resolve.Config, plan: Plan[Any], place_of: PlaceOf, found: Preflight) -> None:
    """Look at the user's files and at the disk."""
    family = markets.family_of(conf["market"])
    missing = [path for path in family.user_files(conf) if not os.path.lexists(path)]
    for path in missing:
        remedy = "Give the path of a file that is there; a relative one starts in the working folder."
        where = place_of(resolve.key_of(path, conf))
        found.errors.append(DataMissing(f"there is no file {path}.", where=where, remedy=remedy))
    if not missing:
        try:
            with placing(conf, place_of):
                for finding in family.own_inputs(conf, plan):
                    _add(finding, place_of, found)
        except TradewindsError as error:
            found.errors.append(_refusal(error))
    found.errors.extend(_too_large(plan, conf))


def _add(finding: EarlyFinding, place_of: PlaceOf, found: Preflight) -> None:
    """Add what a family has found."""
    if finding.refused is not None:
        found.errors.append(finding.refused(finding.what, where=place_of(finding.key), remedy=finding.remedy))
    elif finding.is_warning:
        found.warnings.append(f"{place_of(finding.key)}: {finding.what} {finding.remedy}".strip())
    else:
        found.notes.append(f"{dotted(finding.key)}: {finding.what}")


def _refusal(error: TradewindsError) -> TradewindsError:
    """Return an error of a user's file as one that has touched nothing: a job raises the same as a failed simulation."""
    if isinstance(error, ConfigError | DataMissing):
        return error
    return ConfigError(error.what, where=error.where, remedy=error.remedy)


def _placed(error: TradewindsError, where: str) -> TradewindsError:
    """Return an error of the database with the place of its key before its own."""
    own = "" if not error.where or error.where in where else f"{error.where}: "
    return type(error)(f"{own}{error.what}", where=where, remedy=error.remedy)


def _too_large(plan: Plan[Any], conf: Mapping[str, Any]) -> Iterator[ConfigError]:
    """Yield an error for each disk on which the files that are to be made find no room."""
    needed: Counter[Path] = Counter()
    counts: Counter[Path] = Counter()
    family = markets.family_of(conf["market"])
    folders: dict[Path, Path] = {}
    for stage, files in plan.stages.items():
        size = family.file_bytes.get(stage, family.unit_bytes * plan.units)
        for file in files:
            if not os.path.exists(file.path):  # noqa: PTH110 (pathlib takes twice as long, and there can be 10,000 files)
                folder = Path(file.path).parent
                if folder not in folders:
                    folders[folder] = _existing(folder)
                needed[folders[folder]] += size
                counts[folders[folder]] += 1
    needed[_existing(Path(plan.run_dir))] += RUN_BYTES
    # folders of one disk share its room
    disks: dict[int, list[Path]] = {}
    for folder in needed:
        disks.setdefault(folder.stat().st_dev, []).append(folder)
    for shared in disks.values():
        total, files_made = sum(needed[folder] for folder in shared), sum(counts[folder] for folder in shared)
        free = shutil.disk_usage(shared[0]).free
        if total > free:
            what = (
                f"the disk is too small for the plan: about {byte_text(total)} are needed for "
                f"{counted(files_made, 'data file')} and the run's results, and {byte_text(free)} are free."
            )
            remedy = "Make room, take a shorter range or fewer series, or work in a folder of another disk."
            yield ConfigError(what, where=f"{shared[0].absolute()}", remedy=remedy)


def _existing(folder: Path) -> Path:
    """Return the nearest folder that is there: the folder itself or one above it."""
    return next(place for place in (folder, *folder.parents, Path()) if place.exists())
