"""A run's folder as the rows that the database wants. Nothing is computed here that is not in the files."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tradewinds import config
from tradewinds.database.tables import backtest_metrics
from tradewinds.errors import DatabaseError

Row = dict[str, Any]


@dataclass(frozen=True)
class RunFiles:
    """What a run left behind: its manifest, its metrics (parsed, decimals exact; and as text), its trades."""

    folder: Path
    manifest: dict[str, Any]
    metrics: dict[str, Any]
    metrics_text: str
    trades: pa.Table

    @property
    def run_id(self) -> str:
        """The run's UUID."""
        return str(self.manifest["run_id"])

    def strategy_row(self) -> Row:
        """The strategy with its parameters; its version is Tradewinds' own."""
        strategy = dict(self.manifest["config"]["strategy"])
        name = strategy.pop("name")
        return {
            "name": name,
            "version": self.manifest["tradewinds_version"],
            "parameters_sha256": config.digest(strategy),
            "parameters": json.dumps(strategy, sort_keys=True, ensure_ascii=False),
            "is_active": True,
            "created_at_utc": now(),
        }

    def run_row(self) -> Row:
        """The run, without its status."""
        manifest = self.manifest
        conf = manifest["config"]
        return {
            "run_id": self.run_id,
            "market": conf["market"],
            "series_tickers": ",".join(conf["series_tickers"]),
            "date_start_local": dt.date.fromisoformat(conf["date_start_local"]),
            "date_end_local": dt.date.fromisoformat(conf["date_end_local"]),
            "config": json.dumps(conf, ensure_ascii=False),
            "seed": manifest["seed"],
            "git_sha": manifest["git_sha"],
            "tradewinds_version": manifest["tradewinds_version"],
            "data_watermark_utc": instant(manifest["data_watermark_utc"]),
            "artifact_path": self.folder.as_posix(),
            "simulated_at_utc": instant(manifest["created_at_utc"]),
            "loaded_at_utc": now(),
        }

    def metrics_row(self) -> Row:
        """The run's metrics under the columns of backtest_metrics; the nested ones as JSON text."""
        document = json.loads(self.metrics_text)
        nested = {key: json.dumps(document[key], ensure_ascii=False) for key in ("calibration_bins", "diagnostics")}
        columns = [name for name in backtest_metrics.columns.keys() if name not in ("run_id", *nested)]
        return {"run_id": self.run_id, **{name: self._metric(name) for name in columns}, **nested}

    def _metric(self, name: str) -> Any:
        value = self.metrics[name]
        return float(value) if isinstance(value, Decimal) and not name.endswith("_usd") else value

    def trade_rows(self, chunk: int) -> Iterator[list[Row]]:
        """The trades in execution order, `chunk` at a time."""
        for start in range(0, self.trades.num_rows, chunk):
            rows = self.trades.slice(start, chunk).to_pylist()
            yield [{"run_id": self.run_id, "seq": start + n, **row} for n, row in enumerate(rows, start=1)]


def read_run(folder: str | Path) -> RunFiles:
    """Read the files of a run.

    Raises:
        DatabaseError: a file is missing, unreadable, or of another run than the rest.
    """
    folder = Path(folder)
    try:
        manifest = json.loads((folder / "run_manifest.json").read_text(encoding="utf-8"))
        text = (folder / "metrics.json").read_text(encoding="utf-8")
        trades = pq.read_table(folder / "trades.parquet")
        metrics = json.loads(text, parse_float=Decimal)
    except (OSError, pa.ArrowInvalid, ValueError) as error:
        remedy = "Simulate the run again, then load it."
        raise DatabaseError(f"the run cannot be read ({error}).", where=str(folder), remedy=remedy) from error
    files = RunFiles(folder, manifest, metrics, text, trades)
    if trades.num_rows != metrics["num_trades"]:
        what = f"trades.parquet has {trades.num_rows} trades, metrics.json counts {metrics['num_trades']}."
        raise DatabaseError(what, where=str(folder), remedy="The files are of different runs: simulate again.")
    return files


def now() -> dt.datetime:
    """The present in whole seconds (DATETIME keeps no more)."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def instant(text: str | None) -> dt.datetime | None:
    """ISO 8601 with Z as an aware instant."""
    return None if text is None else dt.datetime.fromisoformat(text)
