"""Runs side by side: figures, settings that differ, and what each made on the days they share."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewinds.config import markets
from tradewinds.core.errors import ConfigError

if TYPE_CHECKING:
    import sqlalchemy as sa


FIGURES = (
    *(
        "start_balance_usd",
        "end_balance_usd",
        "total_pnl_usd",
        "total_fees_usd",
        "roi_pct",
        "num_trades",
        "num_contracts",
    ),
    *("win_rate_pct", "avg_profit_usd", "avg_loss_usd", "profit_factor", "max_drawdown_usd", "max_drawdown_pct"),
    *("sharpe", "sortino", "exposure_time_avg_minutes", "brier", "log_loss"),
)

FAMILY_FIGURES = (  # of runs that have them
    *("total_return_pct", "annualised_return_pct", "max_drawdown_days", "avg_holding_days", "exposure_pct"),
    *("turnover_per_year", "excess_return_pct"),
)

ByDay = Mapping[dt.date, tuple[int, Decimal]]  # trades and their P&L


@dataclass(frozen=True)
class ComparedRun:
    """A run to compare, from the database or from its folder; `days` are those to which its trades belong."""

    run_id: str
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]
    days: ByDay

    @property
    def dates(self) -> tuple[dt.date, dt.date]:
        """First and last date of its range."""
        first, last = (dt.date.fromisoformat(self.config[f"date_{edge}_local"]) for edge in ("start", "end"))
        return first, last

    def between(self, first: dt.date, last: dt.date) -> tuple[int, Decimal]:
        """Trades of some dates, and their P&L."""
        inside = [found for day, found in self.days.items() if first <= day <= last]
        return sum(count for count, _ in inside), sum((pnl for _, pnl in inside), Decimal(0))

    def by_day(self, days: Sequence[dt.date]) -> Iterator[Decimal]:
        """P&L of these dates up to each of them; dates ascend."""
        return itertools.accumulate(self.days.get(day, (0, Decimal(0)))[1] for day in days)


def _by_day(market: str, trades: Iterable[tuple[str, dt.date, int, Decimal]]) -> ByDay:
    """Sums of trades by the day to which they belong.

    Args:
        market: the run's market family, which knows that day.
        trades: (event, UTC date of the decision, number of trades, P&L).
    """
    family, found = markets.family_of(market), dict[dt.date, tuple[int, Decimal]]()
    for event, decision_date, count, pnl in trades:
        day = family.date_of(event, decision_date)
        before, made = found.get(day, (0, Decimal(0)))
        found[day] = before + count, made + pnl
    return found


def from_database(connection: sa.Connection, prefix: str) -> ComparedRun:
    """The run whose id begins so.

    Raises:
        ConfigError: none does, several do, or it was never loaded to its end.
    """
    from tradewinds.database import queries

    ids = queries.runs_named(connection, prefix)
    if len(ids) != 1:
        what = (
            f"{len(ids)} runs begin so: {', '.join(ids[:5])}."
            if ids
            else "no run begins so, and it is no folder of a run."
        )
        raise ConfigError(what, where=prefix, remedy="tradewinds runs --json lists whole ids.")
    row = queries.one_run(connection, ids[0])
    if row is None or row["metrics_json"] is None:
        raise ConfigError("this run was never loaded to its end.", where=ids[0], remedy="Run its config again.")
    days = _by_day(row["config"]["market"], queries.results_by_event(connection, ids[0]))
    return ComparedRun(ids[0], row["config"], row["metrics_json"], days)


def from_folder(folder: Path) -> ComparedRun:
    """The run of a folder.

    Raises:
        ConfigError: its files cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        manifest = json.loads((folder / "run_manifest.json").read_text(encoding="utf-8"))
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        trades = pq.read_table(folder / "trades.parquet", columns=["event_ticker", "decision_ts_utc", "pnl"])
    except (OSError, ValueError) as error:  # pyarrow's ArrowInvalid is a ValueError
        raise ConfigError(f"the run cannot be read ({error}).", where=str(folder), remedy="Run it again.") from None
    dated = trades.append_column("date", trades["decision_ts_utc"].cast(pa.date32()))
    grouped = dated.group_by(["event_ticker", "date"]).aggregate([("pnl", "count"), ("pnl", "sum")]).to_pylist()
    rows = ((row["event_ticker"], row["date"], row["pnl_count"], row["pnl_sum"]) for row in grouped)
    days = _by_day(manifest["config"]["market"], rows)
    return ComparedRun(manifest["run_id"], manifest["config"], metrics, days)


def comparison_of(runs: Sequence[ComparedRun]) -> dict[str, Any]:
    """Everything that the comparison says; lists are in the order of the runs."""
    names = (*FIGURES, *(name for name in FAMILY_FIGURES if any(name in run.metrics for run in runs)))
    first, last = max(run.dates[0] for run in runs), min(run.dates[1] for run in runs)
    days = max(0, (last - first).days + 1)
    common = [run.between(first, last) for run in runs]
    settings = [dict(flat(run.config)) for run in runs]
    keys = dict.fromkeys(key for one in settings for key in one)
    changed = {key: [one.get(key) for one in settings] for key in keys}
    return {
        "runs": [run.run_id for run in runs],
        "metrics": {name: [run.metrics.get(name) for run in runs] for name in names},
        "config_differences": {key: vs for key, vs in changed.items() if any(v != vs[0] for v in vs)},
        "common_days": {
            "first": first if days else None,
            "last": last if days else None,
            "days": days,
            "num_trades": [count for count, _ in common],
            "pnl_usd": [pnl for _, pnl in common],
        },
    }


def flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The settings of a config by their dotted keys."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
