"""A run as a report sees it, and what a market family's report is."""

from __future__ import annotations

import functools
import glob
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from tradewinds.config import markets
from tradewinds.core import yaml_text
from tradewinds.results.report.curve import Curve
from tradewinds.results.report.parts import Section


@dataclass(frozen=True)
class ReportRun:
    """A run, by the files of its folder. Trades and equity are read when a section asks for them.

    Attributes:
        folder: the run's folder.
        metrics: its metrics.json.
        manifest: its run_manifest.json.
        config: its config_resolved.yaml.
        currency: of its account.
    """

    folder: Path
    metrics: Mapping[str, Any]
    manifest: Mapping[str, Any]
    config: Mapping[str, Any]
    currency: str

    def query(self, sql: str, *parameters: Any, of: str = "trades") -> list[tuple[Any, ...]]:
        """The rows of a query over a Parquet file of the folder.

        Args:
            sql: the query; the file is the view of its name: `trades` is trades.parquet.
            parameters: of the query.
            of: the file's name without its ending.
        """
        if of not in self._views:
            self._database.read_parquet(glob.escape(str(self.folder / f"{of}.parquet"))).create_view(of)
            self._views.add(of)
        return self._database.execute(sql, parameters).fetchall()

    @functools.cached_property
    def curve(self) -> Curve:
        """Every point of its equity."""
        return read_curve(self.folder / "equity.csv")

    @functools.cached_property
    def _views(self) -> set[str]:
        """Names of the views that `_database` has."""
        return set()

    @functools.cached_property
    def _database(self) -> duckdb.DuckDBPyConnection:
        """A database of the folder's files; opening one takes 50 ms, and a report asks twenty times.

        DuckDB gets one thread, because the order of a sum of floats decides its last digit.
        """
        return duckdb.connect(config={"threads": 1})

    @property
    def diagnostics(self) -> Mapping[str, Any]:
        """What was attempted, skipped and refused."""
        found: Mapping[str, Any] = self.metrics["diagnostics"]
        return found


@dataclass(frozen=True)
class FamilyReport:
    """The report of a market family.

    Attributes:
        title: the heading of a run's report.
        subtitle: the line below it.
        sections: the sections in order; one that has nothing to say of a run is None.
    """

    title: Callable[[ReportRun], str]
    subtitle: Callable[[ReportRun], str]
    sections: Sequence[Callable[[ReportRun], Section | None]]


def read_run(folder: str | Path) -> ReportRun:
    """Read the files of a run's folder; its currency is what its market family says of its config."""
    target = Path(folder)

    def text(name: str) -> str:
        return (target / name).read_text(encoding="utf-8")

    config = yaml_text.load(text("config_resolved.yaml"))
    return ReportRun(
        folder=target,
        metrics=json.loads(text("metrics.json")),
        manifest=json.loads(text("run_manifest.json")),
        config=config,
        currency=markets.family_of(config["market"]).currency(config),
    )


def read_curve(equity_csv: str | Path) -> Curve:
    """Read every point of an equity.csv."""
    columns = {"ts_utc": "TIMESTAMP", "kind": "VARCHAR", "cash_usd": "DOUBLE", "open_value_usd": "DOUBLE"}
    columns |= {"equity_usd": "DOUBLE"}
    with duckdb.connect(config={"threads": 1}) as connection:
        read = connection.read_csv(glob.escape(str(equity_csv)), header=True, dtype=columns)
        found = read.project("epoch(ts_utc)::BIGINT AS t, equity_usd AS equity").fetchnumpy()
    t, equity = np.asarray(found["t"], np.int64), np.asarray(found["equity"], np.float64)
    return Curve(t, equity, equity - np.maximum.accumulate(equity) if len(t) else equity)
