"""The page of one position, or of a symbol: funding rates with what was held, and the funding beside what it had to earn."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow.compute as pc

from tradewinds.core import files
from tradewinds.core.errors import ConfigError
from tradewinds.core.text import counted
from tradewinds.families.funding_carry.carry_charts import rate_plot, seconds, series_of
from tradewinds.families.funding_carry.position_sections import position_rows
from tradewinds.families.funding_carry.report_words import reason_text
from tradewinds.results.report.parts import Plot, listed, shown
from tradewinds.results.report.run import ReportRun
from tradewinds.results.report.trade_words import clock, outcome
from tradewinds.results.report.unit_page import UnitPage, refusals_of, refusals_panel

_AROUND = 14 * 86_400  # seconds of rates before and after a position
_COSTS = ("fees", "slippage", "borrow")  # what the funding has to earn


def position_page(run: ReportRun, name: str) -> UnitPage:
    """Return the page of a position, or that of a symbol with all its positions.

    Raises:
        ConfigError: the run has no such position, and no rates of such a symbol.
    """
    row = next((row for row in position_rows(run) if row["position_id"] == name), None)
    if row is not None:
        return _of_position(run, row)
    tables = series_of(run)
    if name not in tables:
        remedy = f"It has those of {listed(list(tables), 20) or 'none'}, and positions of positions.csv."
        raise ConfigError("the run has no rates of this symbol.", where=name, remedy=remedy)
    own = [row for row in position_rows(run) if row["symbol"] == name]
    net = sum((row["net_pnl"] for row in own), Decimal(0))
    remark = f"{counted(len(own), 'position')}, net {shown(net, 2)} {run.currency}."
    refused = refusals_panel(refusals_of(run, [name]), reason_text, {}, run.currency)
    return UnitPage(name, remark, [rate_plot(0, name, tables[name])], [refused])


def _of_position(run: ReportRun, row: dict[str, Any]) -> UnitPage:
    """Return the page of a position: what its funding had to earn first, then the rates around it."""
    symbol, opened, closed = row["symbol"], *(int(row[f"{edge}_time"].timestamp()) for edge in ("open", "close"))
    plots = [earned] if (earned := _earned(run, row)) else []
    if symbol in (tables := series_of(run)):
        table = tables[symbol]
        ts = table["ts"].to_numpy()
        first, last = np.searchsorted(ts, [opened - _AROUND, closed + _AROUND]).tolist()
        if last > first:
            plots.append(rate_plot(0, symbol, table.slice(first, last - first)))
    if not plots:
        what = "the run has kept no rates and no payments of this position."
        raise ConfigError(what, where=row["position_id"], remedy="Choose another position.")
    remark = (
        f"{symbol}, {row['direction'].replace('_', ' ')}, {clock(opened)} to {clock(closed)} UTC: "
        f"{outcome(row['net_pnl'])} {shown(row['net_pnl'], 2)} {run.currency}. Closed: {reason_text(row['exit_reason'])}."
    )
    refused = refusals_panel(refusals_of(run, [symbol], (opened - _AROUND, closed)), reason_text, {}, run.currency)
    return UnitPage(f"Position {row['position_id']}", remark, plots, [refused])


def _earned(run: ReportRun, row: dict[str, Any]) -> Plot | None:
    """Return the plot of a position's running sum of funding beside its costs; None without a payment."""
    payments = files.read_table(run.folder / "funding.parquet")
    own = payments.filter(pc.equal(payments["position_id"], row["position_id"]))
    if not own.num_rows:
        return None
    sums = [Decimal(0), *itertools.accumulate(own["payment"].to_pylist())]
    times = [int(row["open_time"].timestamp()), *seconds(own["time"]).tolist()]
    level = sum((row[name] for name in _COSTS), Decimal(0))
    reached = next((place for place, value in enumerate(sums) if place and value >= level), None)
    marks = (
        []
        if reached is None
        else [{"t": times[reached], "y": float(sums[reached]), "up": True, "remark": "broke even"}]
    )
    lines = [
        {"name": "funding received", "y": [float(value) for value in sums]},
        {"name": "fees, slippage and interest", "y": [float(level)] * len(sums)},
    ]
    title = "Funding, and what it had to earn"
    return Plot("earned", title, "history", {"t": times, "lines": lines, "marks": marks}, ("", run.currency))
