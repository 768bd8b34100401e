"""A sweep in chunks, which are jobs for other machines: each replays some points in about a minute and writes their figures.

Which points are in a chunk follows from the points and the plan's size alone. So the same sweep has the same chunks, and a
chunk whose figures are there is not replayed again. A chunk has two files, named by a digest of its points: the
points (`{digest}.yaml`: settings and run ids) and the figures (`{digest}.json`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tradewinds.config import resolve
from tradewinds.core import files
from tradewinds.core.errors import SimulationError
from tradewinds.core.temporary import remove_abandoned, temporary_folder
from tradewinds.core.url_secrets import without_secrets
from tradewinds.families.plan import POINTS_PER_PASS
from tradewinds.sweeps.grid import SweepPoint
from tradewinds.sweeps.keys import with_settings
from tradewinds.sweeps.outcomes import FailedPoint, PeriodFigures
from tradewinds.sweeps.ranking import JudgedPoint, RankedPoint, Trial

JOB_SECONDS = 60  # that a chunk takes, about
OWN = "sweep-"  # at the start of the name of the folder with the config of a sweep that is under way
# CPU seconds per unit of a plan (Plan.units). They are measured for events of six markets and 30 hours
# (benchmarks/sweep_fan_out.py; docs/scaling.md). ASSUME: a unit of another market family takes no longer; else its jobs do.
READ_SECONDS = 0.0013  # once for each pass of POINTS_PER_PASS points
REPLAY_SECONDS = 0.00005  # for each point


@dataclass(frozen=True)
class Chunk:
    """Points of one job, which read the same files.

    Attributes:
        points: the points, in order.
        points_file: the file that says what to replay.
        figures: the file that the job writes.
    """

    points: Sequence[SweepPoint]
    points_file: Path
    figures: Path


def points_per_chunk(units: int) -> int:
    """Return how many points make a job of about JOB_SECONDS.

    A pass over the candles replays POINTS_PER_PASS points; a job is whole passes, unless one pass takes longer.

    Args:
        units: how many units of the plan one point replays.
    """
    reading, replaying = units * READ_SECONDS, units * REPLAY_SECONDS
    passes = int(JOB_SECONDS / (reading + POINTS_PER_PASS * replaying))
    return passes * POINTS_PER_PASS or max(1, int((JOB_SECONDS - reading) / replaying))


def chunks(points: Sequence[SweepPoint], units: int, split: dt.date, folder: Path) -> list[Chunk]:
    """Divide a group of points into chunks, in order.

    Args:
        points: one group of `replays.groups`.
        units: how many units of the plan one point replays.
        split: first date that is out of sample.
        folder: where the chunks' files lie.
    """
    size = points_per_chunk(units)
    parts = [points[at : at + size] for at in range(0, len(points), size)]
    names = [resolve.digest([[point.run_id for point in part], split])[:20] for part in parts]
    return [
        Chunk(part, folder / f"{name}.yaml", folder / f"{name}.json") for part, name in zip(parts, names, strict=True)
    ]


def write_points(chunk: Chunk, split: dt.date) -> None:
    """Write a chunk's points; a file with the same content is left alone, so that its time stamp stays."""
    points = [{"run_id": point.run_id, "settings": point.settings} for point in chunk.points]
    text = yaml.safe_dump({"split": split, "points": points}, sort_keys=False)
    if not chunk.points_file.exists() or chunk.points_file.read_text(encoding="utf-8") != text:
        files.write_text(chunk.points_file, text)


@contextlib.contextmanager
def shared_config(config: resolve.Config, folder: Path) -> Iterator[Path]:
    """Write the config that all jobs of a sweep read, for the time of the block, and give its file.

    The folder may be shared with other users, so only this user can read the file, and no password of the database is in it:
    jobs of a sweep load nothing. The file lies in a folder of its own: another sweep of the same points removes its own file
    alone, and that of a sweep that was killed.

    Args:
        config: resolved.
        folder: which other machines see.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = {**config, "database": without_secrets(config["database"])}
    for place in folder.parent.parent.glob(f"*/{folder.name}"):  # of other sweeps, whose points were others
        remove_abandoned(OWN, place)
    with temporary_folder(OWN, folder) as own:
        path = own / "sweep.config.yaml"
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            yaml.safe_dump(written, file, sort_keys=False)
        yield path


def read_points(path: str | Path, base: resolve.Config) -> tuple[list[SweepPoint], dt.date]:
    """Read a chunk's points.

    Args:
        path: the file.
        base: the resolved config that is swept.

    Returns:
        The points, and the first date that is out of sample.

    Raises:
        SimulationError: a point makes another run here than where the points were written: the versions differ.
    """
    written = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    points = []
    for point in written["points"]:
        conf = resolve.resolve(with_settings(base, point["settings"]), source=str(path))
        if resolve.run_id(conf) != point["run_id"]:
            raise SimulationError(
                f"{path}: the point {point['run_id']} is the run {resolve.run_id(conf)} on this machine. "
                "Install the same version of Tradewinds here as where the sweep was started."
            )
        points.append(SweepPoint(point["settings"], conf, point["run_id"]))
    return points, written["split"]


def write_figures(path: str | Path, judged: Sequence[JudgedPoint | FailedPoint]) -> None:
    """Write the figures of a chunk's points, in their order; of one that failed its reason.

    JSON keeps every float to its last digit.
    """
    files.write_text(path, json.dumps([_figures(one) for one in judged], indent=0) + "\n")


def _figures(one: JudgedPoint | FailedPoint) -> dict[str, Any]:
    """A point as it stands in a file of figures."""
    if isinstance(one, FailedPoint):
        return {"run_id": one.run_id, "failed": one.reason}
    return {
        "run_id": one.row.run_id,
        "in_sample": dataclasses.asdict(one.row.in_sample),
        "out_of_sample": dataclasses.asdict(one.row.out_of_sample),
        "trial": dataclasses.asdict(one.trial) if one.trial else None,
    }


def read_figures(path: str | Path, settings: Mapping[str, dict[str, Any]]) -> Iterator[JudgedPoint | FailedPoint]:
    """Read the figures of a chunk's points, in their order.

    Args:
        path: the file.
        settings: the points' settings by run id.
    """
    for one in json.loads(Path(path).read_text(encoding="utf-8")):
        if "failed" in one:
            yield FailedPoint(settings[one["run_id"]], one["run_id"], one["failed"])
            continue
        before, after = (PeriodFigures(**one[period]) for period in ("in_sample", "out_of_sample"))
        row = RankedPoint(settings[one["run_id"]], one["run_id"], in_sample=before, out_of_sample=after)
        yield JudgedPoint(row, Trial(**one["trial"]) if one["trial"] else None)
