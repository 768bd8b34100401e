"""The plan of a run: which files it is made of, which are there, and which have to grow.

One class for all families, so that the Snakefile, the command line and the database agree. What only a family knows of its
files (which event, which symbol and year) is in `Plan.files`, an object of the family's own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tradewinds.config import markets, resolve
from tradewinds.config.places import PlaceOf, place_by_key, placing
from tradewinds.core import files
from tradewinds.core.errors import DamagedFile, DataMissing
from tradewinds.core.text import counted

if TYPE_CHECKING:
    import pyarrow as pa

    from tradewinds.core.damage import RowCheck

SHOWN_FILES = 40
Files = TypeVar("Files")


POINTS_PER_PASS = 64  # points of a sweep that are replayed together, unless a plan is small enough for more


@dataclass(frozen=True)
class DataFile:
    """A data file of a run.

    Attributes:
        path: relative to the working directory.
        schema: its columns.
        fetched: it comes from a service.
        reaches: the date that a file which grows must reach; None for one that is made once.
        row_check: what its rows must keep to beyond the schema, for the check of damaged files.
        held_elsewhere: whether it can be made from files that are there, without a service; asked when it is missing.
        fetched_again: whether the file that is there does not do and is fetched again; None: whatever is there does.
    """

    path: str
    schema: pa.Schema
    fetched: bool = False
    reaches: dt.date | None = None
    row_check: RowCheck | None = None
    held_elsewhere: Callable[[], bool] | None = field(default=None, compare=False)
    fetched_again: Callable[[], bool] | None = field(default=None, compare=False)

    @property
    def unfit(self) -> bool:
        """Whether the file is there and does not do."""
        return bool(self.fetched_again and files.exists(self.path) and self.fetched_again())


@dataclass(frozen=True)
class Plan(Generic[Files]):
    """Every file of a run. All paths are relative to the working directory.

    Attributes:
        run_id: the run's id.
        run_dir: the run's folder.
        date_end: last date of the config.
        stages: what is made before the replay: data files by the name of the step that makes them, in the order of the steps.
        inputs: what the replay reads, by kind: data files and the user's own.
        results: files of the run that are made after the replay and before the report.
        recorded: data files from which the family loads rows into the database, by kind.
        files: what the family knows of its files.
        units: how many events, or files of a symbol and year, the replay goes through: a sweep sizes its jobs by it.
        points_per_pass: how many points of a sweep are replayed together. Files are read once for them, and memory holds the
            accounts of all.
    """

    run_id: str
    run_dir: str
    date_end: dt.date
    stages: Mapping[str, Sequence[DataFile]]
    inputs: Mapping[str, Sequence[str]]
    files: Files
    units: int
    results: Sequence[str] = ()
    recorded: Mapping[str, Sequence[str]] = field(default_factory=dict)
    points_per_pass: int = POINTS_PER_PASS

    @property
    def data_files(self) -> list[DataFile]:
        """All data files, in the order of their stages."""
        return [file for stage in self.stages.values() for file in stage]

    @property
    def replayed_files(self) -> list[DataFile]:
        """The data files that a replay reads; those from which a panel was made are not among them."""
        read = {path for paths in self.inputs.values() for path in paths}
        return [file for file in self.data_files if file.path in read]

    @property
    def groups(self) -> list[tuple[str, list[str]]]:
        """The paths of each stage."""
        return [(name, [file.path for file in stage]) for name, stage in self.stages.items()]

    @property
    def fetched(self) -> list[str]:
        """Paths of all files that come from a service."""
        return [file.path for file in self.data_files if file.fetched]

    @property
    def growing(self) -> dict[str, dt.date]:
        """Files that may have to be asked for again, and the date that each must reach."""
        return {file.path: file.reaches for file in self.data_files if file.reaches is not None}

    def missing(self) -> list[str]:
        """Fetched files that are not there, or do not do, and cannot be made from what is."""
        gone = [file for file in self.data_files if file.fetched and (not files.exists(file.path) or file.unfit)]
        return [file.path for file in gone if not (file.held_elsewhere and file.held_elsewhere())]


def run_plan(conf: resolve.Config, place_of: PlaceOf = place_by_key) -> Plan[Any]:
    """Return the plan of a resolved config.

    Args:
        conf: resolved.
        place_of: says where a key of the config stands, for errors.

    Raises:
        ConfigError, DataMissing: a file that the config names is not there or not what it should be.
    """
    with placing(conf, place_of):
        return markets.family_of(conf["market"]).plan(conf)


def run_folder(conf: Mapping[str, Any], run_id: str) -> str:
    """The folder of a run."""
    return f"{conf['output_dir'].rstrip('/') or '/'}/{run_id}"


def needed_through(date_end: dt.date, year: int | None = None, month: int = 12) -> dt.date:
    """The date that a growing file must reach: the end of the range, or of the file's year or month."""
    return date_end if year is None else min(date_end, month_end(year, month))


def month_end(year: int, month: int) -> dt.date:
    """The last date of a month."""
    return dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)


def asked_through(path: str, needed: dt.date) -> str:
    """The date for which a growing file (catalog, station-year) is asked, as its rule's parameter.

    A file that reaches far enough repeats the date it was made for, so that no version of Snakemake sees a change. Snakemake
    9.27 ignores changes of a parameter that depends on an output, so the workflow forces the files that must go on
    (`stale_files`, rules/common.smk).
    """
    if Path(path).exists():
        meta = files.read_meta(path)
        if dt.date.fromisoformat(meta["covers_through"]) >= needed:
            return str(meta["asked_through"])
    return needed.isoformat()


def stale_files(plan: Plan[Any]) -> list[str]:
    """Files that are there but do not reach the end of the run's range, or do not do for another reason.

    Raises:
        DamagedFile: such a file is damaged, or a link to no file lies where a fetched file belongs.
    """
    for path in plan.fetched:
        if not files.exists(path) and Path(path).is_symlink():
            raise DamagedFile(path, "it is a link to no file")
    early = [
        path
        for path, needed in plan.growing.items()
        if Path(path).exists() and dt.date.fromisoformat(files.read_meta(path)["covers_through"]) < needed
    ]
    return list(dict.fromkeys([*early, *(file.path for file in plan.data_files if file.unfit)]))


def are_newer(made: Sequence[str], sources: Sequence[str]) -> bool:
    """Whether files are all there, and none is older than any of the files that they are made of, as far as those are there."""
    if not made or not all(Path(path).exists() for path in made):
        return False
    times = [Path(path).stat().st_mtime_ns for path in sources if Path(path).exists()]
    return min(Path(path).stat().st_mtime_ns for path in made) >= max(times, default=0)


def due_files(plan: Plan[Any]) -> list[str]:
    """Fetched files that a run has to ask for: first those that are not there, then those that do not do (`stale_files`)."""
    return [path for path in plan.fetched if not files.exists(path)] + stale_files(plan)


def refuse_missing(plan: Plan[Any]) -> None:
    """Raise DataMissing if a fetched file is absent or ends too early; for commands that read what a run fetched.

    Raises:
        DataMissing: names the files.
    """
    missing = [path for path in plan.fetched if not Path(path).exists()]
    unfit = {file.path for file in plan.data_files if file.unfit}
    for path in stale_files(plan):
        if path not in plan.growing:
            missing.append(f"{path} (is of an event that was left out)")
        elif path in unfit:
            missing.append(f"{path} (the service had none of it)")
        elif not _complete(path, plan.growing[path]):
            missing.append(f"{path} (ends too early)")
    if missing:
        raise lacking(missing, "fetches")


def _complete(path: str, needed: dt.date) -> bool:
    """Whether a growing file has everything through a date, though some of it may still change: a market without a result."""
    return dt.date.fromisoformat(files.read_meta(path).get("listed_through", dt.date.min.isoformat())) >= needed


def lacking(paths: Sequence[str], how: str) -> DataMissing:
    """Return the error that names files that are not there.

    Args:
        paths: the files.
        how: verb for what `tradewinds run` does to get them: "fetches" or "makes".
    """
    verb = "is" if len(paths) == 1 else "are"
    what = f"{counted(len(paths), 'file')} of this config {verb} missing; tradewinds run {how} them:"
    return DataMissing(f"{what}\n{shown_paths(paths)}")


def shown_paths(paths: Sequence[str]) -> str:
    """The first paths, one per line, and how many more there are."""
    lines = [f"  {path}" for path in paths[:SHOWN_FILES]]
    rest = len(paths) - SHOWN_FILES
    return "\n".join([*lines, *([f"  … and {rest} more"] if rest > 0 else [])])
