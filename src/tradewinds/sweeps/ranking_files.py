"""The files of a ranked sweep: ranking.csv, sweep.json and best.yaml; and the folder they lie in."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tradewinds.config import resolve
from tradewinds.core import files
from tradewinds.core.safe_text import cell
from tradewinds.results.artifacts import resolved_yaml
from tradewinds.sweeps import perturbation_files
from tradewinds.sweeps.grid import SweepPoint
from tradewinds.sweeps.keys import setting_text
from tradewinds.sweeps.outcomes import PeriodFigures
from tradewinds.sweeps.perturbation import Perturbation
from tradewinds.sweeps.ranking import Ranking

_NAMESPACE = uuid.UUID("0d3c6c5f-5f5f-5e0b-9a53-3d0a4b8f7f21")


def sweep_id(points: Sequence[SweepPoint], rank_by: str, split: dt.date, *, perturbed: bool = False) -> str:
    """Return the id of a sweep: the same points, ranked in the same way, have the same id.

    Args:
        points: all points, in their order.
        rank_by: the metric of the ranking.
        split: first date that is out of sample.
        perturbed: whether the best point is perturbed.
    """
    asked = [[point.run_id for point in points], rank_by, split]
    return str(uuid.uuid5(_NAMESPACE, resolve.digest([*asked, "perturbed"] if perturbed else asked)))


def write_ranking(
    folder: Path, ranking: Ranking, points: Sequence[SweepPoint], verdict: str, found: Perturbation | None = None
) -> None:
    """Write what a sweep found.

    Args:
        folder: where to write ranking.csv (a row per ranked point), failed.csv (a row per point that failed), sweep.json (what
            was judged, and how) and best.yaml (the config of the first point).
        ranking: the ranked points.
        points: the same points with their configs, in any order.
        verdict: sentences on the result.
        found: the perturbation of the first point, which adds perturbation.csv and perturbation.md; None without one.
    """
    files.write_text(folder / "ranking.csv", _ranking_csv(ranking))
    files.write_text(folder / "failed.csv", _failed_csv(ranking))
    best = next(point for point in points if point.run_id == ranking.rows[0].run_id)
    files.write_text(folder / "best.yaml", resolved_yaml(best.config))
    summary = dict(_summary(ranking, verdict))
    if found:
        perturbation_files.write_perturbation(folder, found)
        summary["perturbation"] = perturbation_files.summary(found)
    files.write_text(folder / "sweep.json", json.dumps(summary, indent=2, ensure_ascii=False, default=str) + "\n")


def _ranking_csv(ranking: Ranking) -> str:
    """The text of ranking.csv: rank, run id, settings, figures before and after the split."""
    keys = list(ranking.rows[0].settings)
    figures = [field.name for field in dataclasses.fields(PeriodFigures)]
    parts = ("in_sample", "out_of_sample")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["rank", "run_id", *keys, *(f"{part}_{name}" for part in parts for name in figures)])
    for rank, row in enumerate(ranking.rows, 1):
        settings = [cell(setting_text(value)) for value in row.settings.values()]
        values = [getattr(getattr(row, part), name) for part in parts for name in figures]
        writer.writerow([rank, row.run_id, *settings, *("" if value is None else value for value in values)])
    return out.getvalue()


def _failed_csv(ranking: Ranking) -> str:
    """The text of failed.csv: run id, settings and the reason of each point that failed; only a head if none did."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["run_id", *ranking.rows[0].settings, "reason"])
    for point in ranking.failed:
        writer.writerow([point.run_id, *map(setting_text, point.settings.values()), point.reason])
    return out.getvalue()


def _summary(ranking: Ranking, verdict: str) -> Mapping[str, Any]:
    """The content of sweep.json."""
    return {
        "ranked_by": ranking.by,
        "split": ranking.split.isoformat(),
        "points": len(ranking.rows),
        "failed": len(ranking.failed),
        "luck": dataclasses.asdict(ranking.luck),
        "rank_correlation": ranking.correlation,
        "verdict": verdict,
    }
