"""Compare runs: figures, settings that differ, and the P&L of each on the dates that all of them cover."""

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
from tradewinds.config.differences import differing_settings
from tradewinds.core import files
from tradewinds.core.errors import ConfigError, DamagedFile
from tradewinds.core.run_names import read_name

if TYPE_CHECKING:
    import sqlalchemy as sa


# Keys of metrics.json. Amounts are in each run's currency, whatever the keys say.
FIGURES = (
    *(
        "total_pnl_usd",
        "roi_pct",
        "start_balance_usd",
        "end_balance_usd",
        "total_fees_usd",
        "num_trades",
        "num_contracts",
    ),
    *("win_rate_pct", "avg_profit_usd", "avg_loss_usd", "profit_factor", "max_drawdown_usd", "max_drawdown_pct"),
    *("sharpe", "sortino", "exposure_time_avg_minutes", "brier", "log_loss"),
)

# Amounts of FAMILY_FIGURES whose keys do not end in _usd.
_AMOUNTS = frozenset({"funding", "price_pnl", "slippage", "borrow", "liquidation_cost"})

FAMILY_FIGURES = (  # shown where a run has them
    *("total_return_pct", "annualised_return_pct", "max_drawdown_days", "avg_holding_days", "exposure_pct"),
    *("turnover_per_year", "excess_return_pct", "no_bars_exits", "pnl_if_no_bars_worthless_usd"),
    *("num_fills", "funding", "price_pnl", "slippage", "borrow", "liquidation_cost", "breakeven_periods"),
    *("never_broke_even", "apr_pct", "time_in_market_pct"),
)

# Figures of which more is better (1), or less (-1); of others neither.
BETTER = {
    **dict.fromkeys(
        (
            "total_pnl_usd",
            "roi_pct",
            "end_balance_usd",
            "win_rate_pct",
            "avg_profit_usd",
            "avg_loss_usd",
            "profit_factor",
        ),
        1,
    ),
    **dict.fromkeys(
        ("sharpe", "sortino", "total_return_pct", "annualised_return_pct", "excess_return_pct", "funding"), 1
    ),
    **dict.fromkeys(("apr_pct", "price_pnl", "pnl_if_no_bars_worthless_usd"), 1),
    **dict.fromkeys(("max_drawdown_usd", "max_drawdown_pct", "max_drawdown_days", "brier", "log_loss", "slippage"), -1),
    **dict.fromkeys(("breakeven_periods", "never_broke_even", "liquidation_cost", "total_fees_usd", "borrow"), -1),
}

_FILLS = "num_fills"  # key of metrics.json of a run whose trades are fills, and whose num_trades counts positions

ByDay = Mapping[dt.date, tuple[int, Decimal]]  # number of trades, and their P&L in the account's currency


@dataclass(frozen=True)
class ComparedRun:
    """A run to compare, from the database or from its folder.

    Attributes:
        run_id: its id.
        config: its resolved config.
        metrics: its metrics.json.
        days: number and P&L of its trades, by the date to which they belong (Family.date_of); of a run with a row per fill the
            number of positions that were opened.
        series: what it trades (Family.series).
        name: what the user calls it; "" for a run without a name.
    """

    run_id: str
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]
    days: ByDay
    series: Sequence[str] = ()
    name: str = ""

    @property
    def label(self) -> str:
        """What a column of it is called: its name, or how its id begins."""
        return self.name or self.run_id[:8]

    @property
    def dates(self) -> tuple[dt.date, dt.date]:
        """First and last date of the run."""
        first, last = (dt.date.fromisoformat(self.config[f"date_{edge}_local"]) for edge in ("start", "end"))
        return first, last

    def between(self, first: dt.date, last: dt.date) -> tuple[int, Decimal]:
        """Number and P&L of the trades from one date to another, both included."""
        inside = [found for day, found in self.days.items() if first <= day <= last]
        return sum(count for count, _ in inside), sum((pnl for _, pnl in inside), Decimal(0))

    def by_day(self, days: Sequence[dt.date]) -> Iterator[Decimal]:
        """Cumulative P&L over some dates.

        Args:
            days: ascending.

        Yields:
            Per date, the P&L of the trades of all dates up to it.
        """
        return itertools.accumulate(self.days.get(day, (0, Decimal(0)))[1] for day in days)


def _by_day(market: str, trades: Iterable[tuple[str, dt.date, int, Decimal]], of_fills: bool) -> ByDay:
    """Sum trades by the date to which they belong.

    Args:
        market: the run's market, whose family knows that date.
        trades: (event, UTC date of the decision, number of trades, P&L).
        of_fills: each row of the run's trades is a fill of a position, its event. A position then counts once, on the date of
            its first fill; the P&L of each fill stays on the fill's own date.
    """
    family, found = markets.family_of(market), dict[dt.date, tuple[int, Decimal]]()
    rows = list(trades)
    opened: dict[str, dt.date] = {}
    for event, decision_date, _, _ in rows:
        opened[event] = min(decision_date, opened.get(event, decision_date))
    for event, decision_date, count, pnl in rows:
        day = family.date_of(event, decision_date)
        before, made = found.get(day, (0, Decimal(0)))
        number = int(opened[event] == decision_date) if of_fills else count
        found[day] = before + number, made + pnl
    return found


def from_database(connection: sa.Connection, prefix: str) -> ComparedRun:
    """Read a run from the database.

    Args:
        connection: one that can read.
        prefix: how the run's id begins.

    Raises:
        ConfigError: no id or more than one begins so, or the run's load never ended.
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
    found = queries.results_by_event(connection, ids[0])
    days = _by_day(row["config"]["market"], found, _FILLS in row["metrics_json"])
    return ComparedRun(ids[0], row["config"], row["metrics_json"], days, row["series"], row["name"] or "")


def from_folder(folder: Path) -> ComparedRun:
    """Read a run from its folder.

    Raises:
        ConfigError: its files cannot be read.
    """
    import pyarrow as pa

    try:
        manifest = json.loads((folder / "run_manifest.json").read_text(encoding="utf-8"))
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        trades = files.read_table(folder / "trades.parquet", ["event_ticker", "decision_ts_utc", "pnl"])
        if not {"run_id", "config"} <= set(manifest) or not isinstance(metrics, dict):
            raise ValueError("its manifest or metrics are none")
    except (OSError, ValueError, TypeError, DamagedFile) as error:
        raise ConfigError(f"the run cannot be read ({error}).", where=str(folder), remedy="Run it again.") from None
    dated = trades.append_column("date", trades["decision_ts_utc"].cast(pa.date32()))
    grouped = dated.group_by(["event_ticker", "date"]).aggregate([("pnl", "count"), ("pnl", "sum")]).to_pylist()
    rows = ((row["event_ticker"], row["date"], row["pnl_count"], row["pnl_sum"]) for row in grouped)
    days = _by_day(manifest["config"]["market"], rows, _FILLS in metrics)
    own = read_name(folder).name
    return ComparedRun(manifest["run_id"], manifest["config"], metrics, days, manifest.get("series", ()), own)


def is_amount(key: str) -> bool:
    """Return whether a figure of metrics.json is an amount in the account's currency, by its key."""
    return key.endswith("_usd") or key in _AMOUNTS


def best_of(key: str, values: Sequence[Any]) -> frozenset[int]:
    """Return the places of the best of some figures: none if they are all the same, or if neither more nor less is better.

    Args:
        key: of metrics.json.
        values: of the runs; None where it is undefined.
    """
    known = [value for value in values if value is not None]
    if key not in BETTER or len(known) < 2 or len(set(known)) < 2:
        return frozenset()
    best = max(known, key=lambda value: value * BETTER[key])
    return frozenset(place for place, value in enumerate(values) if value == best)


def counted_as(runs: Sequence[ComparedRun]) -> str:
    """Return what the numbers of trades of some runs count: trades, or positions of runs that have a row per fill."""
    kinds = ["positions" if _FILLS in run.metrics else "trades" for run in runs]
    return " or ".join(sorted(set(kinds), reverse=True))


def warnings_of(runs: Sequence[ComparedRun]) -> list[str]:
    """Return sentences on what makes a comparison of runs unfair: they trade different things, or on different dates."""
    traded = [", ".join(run.series) for run in runs]
    dates = [f"{first} to {last}" for first, last in (run.dates for run in runs)]
    found = []
    for what, values in (("trade different symbols", traded), ("are of different dates", dates)):
        if len(set(values)) > 1:
            named = "; ".join(f"{run.run_id[:8]}: {value}" for run, value in zip(runs, values, strict=True))
            found.append(f"the runs {what} ({named}).")
    return found


def comparison_of(runs: Sequence[ComparedRun]) -> dict[str, Any]:
    """Compare some runs.

    Args:
        runs: two or more.

    Returns:
        `runs` (ids), `metrics` (values by figure), `config_differences` (values by dotted key, for keys that differ) and
        `common_days` (the dates that all runs cover, with each run's number of trades and P&L in its own currency). Lists
        are in the order of the runs.
    """
    names = (*FIGURES, *(name for name in FAMILY_FIGURES if any(name in run.metrics for run in runs)))
    first, last = max(run.dates[0] for run in runs), min(run.dates[1] for run in runs)
    days = max(0, (last - first).days + 1)
    common = [run.between(first, last) for run in runs]
    return {
        "runs": [run.run_id for run in runs],
        "metrics": {name: [run.metrics.get(name) for run in runs] for name in names},
        "config_differences": differing_settings([run.config for run in runs]),
        "common_days": {
            "first": first if days else None,
            "last": last if days else None,
            "days": days,
            "num_trades": [count for count, _ in common],
            "pnl_usd": [pnl for _, pnl in common],
        },
    }
