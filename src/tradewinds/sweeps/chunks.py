"""A sweep in pieces for other machines: some points per job, near a minute's work; what comes back is figures, not equity.

Which points go together follows from the points and the number of events alone, so the same sweep has the same pieces, and a
piece that is there is not made again. Per piece there are two files, named by a digest of what it is to do: the order
(`{digest}.yaml`: settings and run ids) and the figures (`{digest}.json`).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tradewinds.config import resolve
from tradewinds.core import files
from tradewinds.core.errors import SimulationError
from tradewinds.sweeps.grid import SweepPoint
from tradewinds.sweeps.keys import with_settings
from tradewinds.sweeps.outcomes import Part
from tradewinds.sweeps.ranking import Judged, Row, Trial
from tradewinds.sweeps.replays import POINTS_PER_PASS

JOB_SECONDS = 60
# CPU seconds per event of six markets and 30 hours (benchmarks/sweep_fan_out.py measures them; docs/scaling.md).
READ_SECONDS = 0.0013  # once for each pass of POINTS_PER_PASS points
REPLAY_SECONDS = 0.00005  # for each point


@dataclass(frozen=True)
class Chunk:
    """Some points that read the same files, and where their order and their figures are."""

    points: Sequence[SweepPoint]
    order: Path
    figures: Path


def points_per_chunk(events: int) -> int:
    """How many points make a job of about JOB_SECONDS; whole passes over the candles if one is shorter than that."""
    reading, replaying = events * READ_SECONDS, events * REPLAY_SECONDS
    passes = int(JOB_SECONDS / (reading + POINTS_PER_PASS * replaying))
    return passes * POINTS_PER_PASS or max(1, int((JOB_SECONDS - reading) / replaying))


def chunks(points: Sequence[SweepPoint], events: int, split: dt.date, folder: Path) -> list[Chunk]:
    """The pieces of one group of points (see `replays.groups`), in order."""
    size = points_per_chunk(events)
    parts = [points[at : at + size] for at in range(0, len(points), size)]
    names = [resolve.digest([[point.run_id for point in part], split])[:20] for part in parts]
    return [
        Chunk(part, folder / f"{name}.yaml", folder / f"{name}.json") for part, name in zip(parts, names, strict=True)
    ]


def write_order(chunk: Chunk, split: dt.date) -> None:
    """Say what is to be done; a file that says so already keeps its time stamp."""
    points = [{"run_id": point.run_id, "settings": point.settings} for point in chunk.points]
    text = yaml.safe_dump({"split": split, "points": points}, sort_keys=False)
    if not chunk.order.exists() or chunk.order.read_text(encoding="utf-8") != text:
        files.write_text(chunk.order, text)


def read_order(path: str | Path, base: resolve.Config) -> tuple[list[SweepPoint], dt.date]:
    """The points of an order, as settings of a resolved config, and the first date that is out of sample.

    Raises:
        SimulationError: a point is not the run it was ordered as: this machine has another version of the project.
    """
    order = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    points = []
    for ordered in order["points"]:
        conf = resolve.resolve(with_settings(base, ordered["settings"]), source=str(path))
        if resolve.run_id(conf) != ordered["run_id"]:
            raise SimulationError(
                f"{path}: the point {ordered['run_id']} is the run {resolve.run_id(conf)} on this machine. "
                "Install the same version of Tradewinds here as where the sweep was started."
            )
        points.append(SweepPoint(ordered["settings"], conf, ordered["run_id"]))
    return points, order["split"]


def write_figures(path: str | Path, judged: Sequence[Judged]) -> None:
    """What came out, in order of the points. JSON keeps every float to its last digit."""
    rows = [
        {
            "run_id": one.row.run_id,
            "in_sample": dataclasses.asdict(one.row.in_sample),
            "out_of_sample": dataclasses.asdict(one.row.out_of_sample),
            "trial": dataclasses.asdict(one.trial) if one.trial else None,
        }
        for one in judged
    ]
    files.write_text(path, json.dumps(rows, indent=0) + "\n")


def read_figures(path: str | Path, settings: Mapping[str, dict[str, Any]]) -> Iterator[Judged]:
    """What came out at the points of one piece; `settings` by run id."""
    for one in json.loads(Path(path).read_text(encoding="utf-8")):
        row = Row(settings[one["run_id"]], one["run_id"], Part(**one["in_sample"]), Part(**one["out_of_sample"]))
        yield Judged(row, Trial(**one["trial"]) if one["trial"] else None)
