"""Figures, tables and plots of the pages, made of the parts of a report and drawn by its script."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tradewinds.core.text import CURRENCY, counted, labelled, metric_text, money_text
from tradewinds.database.comparison import ComparedRun
from tradewinds.results.edge.beside_pnl import beside_pnl
from tradewinds.results.report.curve import Curve, thinned
from tradewinds.results.report.parts import Plot, ReportTable, Tiles, coded
from tradewinds.results.report.parts import shown as rounded
from tradewinds.serve.folder import Folder
from tradewinds.serve.words import shared, titled


def tiles(
    row: Mapping[str, Any], metrics: Mapping[str, Any], headlines: Sequence[tuple[str, str]], currency: str
) -> Tiles:
    """The figures one looks at first: the common ones, then the market family's own that the run has.

    Args:
        row: the run's row of backtest_metrics.
        metrics: its metrics.json.
        headlines: (label, key of metrics.json) of the family's own.
        currency: of the account.
    """
    start, fees = row["start_balance_usd"], row["total_fees_usd"]
    fall = (
        f"{metric_text('max_drawdown_pct', row['max_drawdown_pct'])} %" if row["max_drawdown_pct"] is not None else ""
    )
    common = [
        (
            titled("P&L", currency),
            money_text(row["total_pnl_usd"]),
            "; ".join(filter(None, [f"on {money_text(start)}, after {money_text(fees)} fees", _claimed(metrics)])),
        ),
        ("Return, %", metric_text("roi_pct", row["roi_pct"]), ""),
        _number_of_trades(row, metrics),
        (
            "Wins, %",
            metric_text("win_rate_pct", row["win_rate_pct"]),
            f"profit factor {metric_text('profit_factor', row['profit_factor'])}",
        ),
        (titled("Drawdown", currency), money_text(row["max_drawdown_usd"]), fall),
        ("Sharpe", metric_text("sharpe", row["sharpe"]), f"Sortino {metric_text('sortino', row['sortino'])}"),
    ]
    # The quantity stands beside the number of trades already.
    known = {key: metrics[key] for _, key in headlines if metrics.get(key) is not None and key != "num_contracts"}
    own = [
        (labelled(label, currency), _headline(label, key, known[key]), "") for label, key in headlines if key in known
    ]
    return Tiles([*common, *own])


def _claimed(metrics: Mapping[str, Any]) -> str:
    """What the trades claimed and made; "" for a run without such claims."""
    return beside_pnl(metrics) if "edge" in metrics else ""


def against_benchmark(metrics: Mapping[str, Any]) -> str:
    """How a run compares with its benchmark, a sentence; "" for one without a benchmark."""
    return "" if "edge" in metrics else beside_pnl(metrics)


def _number_of_trades(row: Mapping[str, Any], metrics: Mapping[str, Any]) -> tuple[str, str, str]:
    """The number of trades with their quantity; of a run with a row per fill, that of positions and fills."""
    count = rounded(row["num_trades"], 0)
    if "num_fills" in metrics:
        return "Positions", count, counted(metrics["num_fills"], "fill")
    return "Trades", count, f"quantity {row['num_contracts']:,}"


def _headline(label: str, key: str, value: float | int) -> str:
    """A figure as every page shows it, an amount as one whatever its key is called."""
    return money_text(value) if CURRENCY in label else metric_text(key, value)


def pairs(found: Mapping[str, Any]) -> ReportTable:
    """Names and values as a table."""
    return ReportTable(("", ""), [(name, _text(value)) for name, value in found.items()], "lr")


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_text, value))
    return value if isinstance(value, str) else json.dumps(value)


def counts(found: Mapping[str, int], because: Callable[[str], str]) -> ReportTable:
    """Reasons in words as a table, each with its count.

    Args:
        found: counts by code.
        because: a code in words.
    """
    return ReportTable(("", ""), [(coded(code, because(code)), f"{count:,}") for code, count in found.items()], "lr")


def drawn_by_script(plots: Sequence[Plot]) -> list[dict[str, Any]]:
    """Plots as the page's script takes them."""
    return [{"name": p.name, "kind": p.kind, "data": p.data, "axes": p.axes, "title": p.title} for p in plots]


def equity(folder: Folder, currency: str) -> dict[str, Any] | None:
    """The equity curve, thinned to what a screen can show, as a plot of the report; None without a point.

    Args:
        folder: the run's folder.
        currency: of the account.

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
    data |= {"start": float(worth[0]), "currency": currency}
    return {"name": "equity", "kind": "equity", "title": "Equity and drawdown", "axes": ["", currency], "data": data}


def days_together(
    runs: Sequence[ComparedRun], currencies: Sequence[str], common: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What each run made since the first day that all of them cover, by the day to which each trade belongs.

    Args:
        runs: the runs that are compared.
        currencies: of their accounts; where these differ, the lines' labels name them and the axis does not.
        common: `common_days` of the comparison.

    Returns:
        One plot, or none if the runs share no day.
    """
    if not common["days"]:
        return []
    days = [common["first"] + dt.timedelta(days=n) for n in range(common["days"])]
    unit = shared(currencies)
    labels = [run.label if unit else f"{run.label}, {own}" for run, own in zip(runs, currencies, strict=True)]
    made = [
        {"label": label, "values": [float(value) for value in run.by_day(days)]}
        for label, run in zip(labels, runs, strict=True)
    ]
    t = [int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()) for day in days]
    title = "P&L over the days that all runs cover"
    data = {"t": t, "series": made}
    return [{"name": "compare", "kind": "lines", "title": title, "axes": ["", titled("P&L", unit)], "data": data}]
