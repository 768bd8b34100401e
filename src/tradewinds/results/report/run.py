"""A run as a report sees it: its folder's files and nothing else."""

from __future__ import annotations

import glob
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from tradewinds.core import yaml_text
from tradewinds.results.report.parts import Section


@dataclass(frozen=True)
class Run:
    """The files of a run's folder; trades and equity stay in theirs until somebody asks (`query`).

    `scores` is calibration.json, or None where a run has none.
    """

    folder: Path
    metrics: Mapping[str, Any]
    manifest: Mapping[str, Any]
    config: Mapping[str, Any]
    scores: Mapping[str, Any] | None

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of a query over the view `trades`. One thread: the order of a sum decides its last digit."""
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.read_parquet(glob.escape(str(self.folder / "trades.parquet"))).create_view("trades")
            return connection.execute(sql, parameters).fetchall()

    @property
    def diagnostics(self) -> Mapping[str, Any]:
        """What was attempted, skipped and refused."""
        found: Mapping[str, Any] = self.metrics["diagnostics"]
        return found


@dataclass(frozen=True)
class Family:
    """What a market family's report is: title, the line below it, and sections in order; one with nothing to say is None."""

    title: Callable[[Run], str]
    subtitle: Callable[[Run], str]
    sections: Sequence[Callable[[Run], Section | None]]


def read_run(folder: str | Path) -> Run:
    """Read the files of a run's folder."""
    target = Path(folder)

    def text(name: str) -> str:
        return (target / name).read_text(encoding="utf-8")

    scores = json.loads(text("calibration.json")) if (target / "calibration.json").exists() else None
    config = yaml_text.load(text("config_resolved.yaml"))
    return Run(target, json.loads(text("metrics.json")), json.loads(text("run_manifest.json")), config, scores)
