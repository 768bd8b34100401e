"""What the pages show of a run besides its rows: tiles of figures, and curves as the report's script draws them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tradewinds.database.comparison import ComparedRun
from tradewinds.results.report.curve import Curve, thinned
from tradewinds.results.report.parts import Table, Tiles
from tradewinds.results.report.parts import shown as rounded
from tradewinds.serve.folder import Folder


def tiles(found: Mapping[str, Any], money: str) -> Tiles:
    """The figures one looks at first, of a row of backtest_metrics in some currency."""
    start, fees = found["start_balance_usd"], found["total_fees_usd"]
    fall = f"{rounded(found['max_drawdown_pct'], 2)} %" if found["max_drawdown_pct"] is not None else ""
    figures = [
        (f"P&L, {money}", rounded(found["total_pnl_usd"], 2), f"on {rounded(start, 2)}, after {rounded(fees, 2)} fees"),
        ("Return, %", rounded(found["roi_pct"], 2), ""),
        ("Trades", rounded(found["num_trades"], 0), f"quantity {found['num_contracts']:,}"),
        ("Wins, %", rounded(found["win_rate_pct"], 1), f"profit factor {rounded(found['profit_factor'], 2)}"),
        (f"Drawdown, {money}", rounded(found["max_drawdown_usd"], 2), fall),
        ("Sharpe", rounded(found["sharpe"], 2), f"Sortino {rounded(found['sortino'], 2)}"),
    ]
    if found["brier"] is not None:
        figures.append(("Brier", rounded(found["brier"], 4), f"log loss {rounded(found['log_loss'], 4)}"))
    return Tiles(figures)


def pairs(found: Mapping[str, Any]) -> Table:
    """Names and values."""
    return Table(("", ""), [(name, _text(value)) for name, value in found.items()], "lr")


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_text, value))
    return value if isinstance(value, str) else json.dumps(value)


def counts(found: Mapping[str, int]) -> Table:
    """Reasons and how often."""
    return pairs({reason: f"{count:,}" for reason, count in found.items()})


def equity(folder: Folder, money: str) -> dict[str, Any] | None:
    """The equity curve for eyes, in some currency, as a plot of the report; None without a point.

    Raises:
        NotThere: the run's folder or its equity.csv is not there, or damaged.
    """
    points = [
        (dt.datetime.fromisoformat(point.ts_utc).timestamp(), float(point.equity_usd)) for point in folder.equity()
    ]
    if not points:
        return None
    t, worth = np.array([ts for ts, _ in points], np.int64), np.array([amount for _, amount in points])
    curve = thinned(Curve(t, worth, worth - np.maximum.accumulate(worth)))
    data = {name: values.tolist() for name, values in curve._asdict().items()}
    data |= {"start": float(worth[0]), "currency": money}
    return {"name": "equity", "kind": "equity", "title": "Equity and drawdown", "axes": ["", money], "data": data}


def days_together(runs: Sequence[ComparedRun], common: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What each run made since the first day that all of them cover, by the day of its events."""
    if not common["days"]:
        return []
    days = [common["first"] + dt.timedelta(days=n) for n in range(common["days"])]
    made = [{"label": run.run_id[:8], "values": [float(v) for v in run.by_day(days)]} for run in runs]
    t = [int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()) for day in days]
    title = "P&L over the days that all runs cover"
    data = {"t": t, "series": made}
    return [{"name": "compare", "kind": "lines", "title": title, "axes": ["", "P&L, USD"], "data": data}]
