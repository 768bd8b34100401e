"""The report's sections on where R and money came from: distribution, excursions, groups of trades, factors and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from tradewinds.core.text import counted
from tradewinds.engine.bar_sessions.orb_rules import FACTORS
from tradewinds.families.equities_intraday.orb_reasons import reason_text
from tradewinds.families.equities_intraday.trade_records import TradeRecord, rows_of, trade_records
from tradewinds.results.report.parts import Cells, Panel, Plot, ReportPart, ReportTable, Section, Text, coded, shown
from tradewinds.results.report.run import ReportRun

STEP = Decimal("0.5")  # R in a bar of the distribution
LOWEST, HIGHEST = Decimal(-3), Decimal(5)  # R of its outer bars, which have no other end
MOST_POINTS = 3_000  # of the excursions
SYMBOLS_LISTED = 10
FACTOR_TEXTS = {
    "rel_vol": "volume of the last bar above that of those before it",
    "price_action": "engulfing bar, or higher highs and lows (short: lower)",
    "profile": "close beyond the middle half of the session before, or the range beyond its middle",
    "vwap": "close beyond the mean price by volume",
    "adx": "average directional index above its threshold",
}
_GROUPS = (
    ("By half hour of the entry", "by_half_hour", True),
    ("By weekday", "by_weekday", True),
    ("By month", "by_month", True),
    ("By exit", "by_exit_reason", False),
    ("Long and short", "by_direction", False),
)


def distribution(run: ReportRun) -> Section | None:
    """Return the section of the distribution of R, and of worst and best prices; None without a trade that has an R."""
    trades = [_InR(trade, *figures) for trade in trade_records(run) if (figures := _figures_in_r(trade)) is not None]
    return Section("distribution", "R by trade", [_histogram(trades), *_excursions(trades)]) if trades else None


class _InR(NamedTuple):
    """A trade that has an R.

    Attributes:
        of: the trade.
        r: after costs.
        mae_r: worst price of the bars held.
        mfe_r: best price of the bars held.
    """

    of: TradeRecord
    r: Decimal
    mae_r: Decimal
    mfe_r: Decimal


def _figures_in_r(trade: TradeRecord) -> tuple[Decimal, Decimal, Decimal] | None:
    """Return r, mae_r and mfe_r of a trade; None for one without a stop."""
    if trade.r is None or trade.mae_r is None or trade.mfe_r is None:
        return None
    return trade.r, trade.mae_r, trade.mfe_r


def _histogram(trades: Sequence[_InR]) -> Plot:
    """Return the plot of the number of trades by R."""
    buckets = [min(max(trade.r // STEP * STEP, LOWEST - STEP), HIGHEST) for trade in trades]
    buckets = [bucket - STEP if trade.r < bucket else bucket for bucket, trade in zip(buckets, trades, strict=True)]
    low, high = int(min(buckets) / STEP), int(max(buckets) / STEP)
    edges = [place * STEP for place in range(low, high + 1)]
    counts = [buckets.count(edge) for edge in edges]
    names = [_bucket_name(edge) for edge in edges]
    data = {
        "labels": [name.removesuffix(" R") for name in names],
        "value": counts,
        "expected": [],
        "remark": names,
        "names": ["trades", ""],
    }
    return Plot("r_distribution", "Trades by R after costs", "bars", data, ("", "count"))


def _bucket_name(edge: Decimal) -> str:
    """Return the name of a bar of the distribution by its lower end."""
    if edge < LOWEST:
        return f"below {LOWEST} R"
    return f"{HIGHEST} R and more" if edge >= HIGHEST else f"{edge} to {edge + STEP} R"


def _excursions(trades: Sequence[_InR]) -> list[ReportPart]:
    """Return the plot of the worst price against the best one, and what it leaves out."""
    points = sorted(trades[:MOST_POINTS], key=lambda trade: trade.mae_r)
    data = {
        "x": [round(float(trade.mae_r), 4) for trade in points],
        "y": [round(float(trade.mfe_r), 4) for trade in points],
        "up": [trade.r > 0 for trade in points],
        "remark": [f"{of.symbol} {of.session} {of.direction}: {shown(r, 2)} R" for of, r, _, _ in points],
    }
    caption = (
        "How far the price went against a trade and for it while it was held, from its entry. Triangles up are gains after "
        "costs, triangles down losses. A bar counts whole, also that of the entry, so a little of it may lie before."
    )
    if len(points) < len(trades):
        caption += f" Drawn are the first {len(points):,} of {counted(len(trades), 'trade')}."
    axes = ("worst price, R", "best price, R")
    return [Plot("excursions", "Worst and best price of each trade", "scatter", data, axes, caption)]


def groups(run: ReportRun) -> Section | None:
    """Return the section of groups of trades, by time, exit, direction and symbol; None without a trade."""
    if not run.metrics["num_trades"]:
        return None
    panels: list[ReportPart] = [_panel(run, title, key, drawn) for title, key, drawn in _GROUPS]
    if by_symbol := run.metrics.get("symbols"):
        panels.append(_symbols(run, by_symbol))
    return Section("groups", "Where R and money came from", panels)


def _panel(run: ReportRun, title: str, key: str, drawn: bool) -> Panel:
    """Return the table of one kind of groups, beside its plot if it is drawn."""
    found: Mapping[str, Mapping[str, Any]] = run.metrics[key]
    table = ReportTable(
        _header(run), [group_row(coded(name, reason_text(name)), figures) for name, figures in found.items()], "lrrrrr"
    )
    in_r = all(figures["total_r"] is not None for figures in found.values())
    data = {
        "labels": list(found),
        "value": [figures["total_r" if in_r else "total_pnl_usd"] for figures in found.values()],
        "expected": [],
        "remark": [f"{name}: {counted(figures['trades'], 'trade')}" for name, figures in found.items()],
        "names": ["total", ""],
    }
    what, unit = ("Total R", "R") if in_r else ("P&L", run.currency)
    plot: list[ReportPart] = (
        [Plot(key, f"{what} {title[0].lower()}{title[1:]}", "bars", data, ("", unit))] if drawn else []
    )
    return Panel(title, [*plot, table])


def _header(run: ReportRun) -> Cells:
    """Return the header of a table of groups."""
    return ("", "trades", "wins, %", "total R", "R a trade", f"P&L, {run.currency}")


def group_row(name: str, figures: Mapping[str, Any]) -> Cells:
    """Return a group of trades as a row of its table.

    Args:
        name: of the group.
        figures: trades, win_rate, total_r, average_r and total_pnl_usd.
    """
    wins = None if figures["win_rate"] is None else figures["win_rate"] * 100
    return (
        name,
        f"{figures['trades']:,}",
        shown(wins, 1),
        shown(figures["total_r"], 3),
        shown(figures["average_r"], 3),
        shown(figures["total_pnl_usd"], 2),
    )


def _symbols(run: ReportRun, by_symbol: Mapping[str, Mapping[str, Any]]) -> Panel:
    """Return the table of symbols; of many the best and the worst by R."""
    # by R, or by profit where a symbol has no R
    key = "total_pnl_usd" if any(figures["total_r"] is None for figures in by_symbol.values()) else "total_r"
    ordered = sorted(by_symbol.items(), key=lambda item: (-item[1][key], item[0]))
    title = "By symbol"
    if len(ordered) > 2 * SYMBOLS_LISTED:
        title = f"By symbol: the {SYMBOLS_LISTED} best and {SYMBOLS_LISTED} worst of {len(ordered):,}"
        ordered = ordered[:SYMBOLS_LISTED] + ordered[-SYMBOLS_LISTED:]
    rows = [group_row(name, {**figures, "trades": figures["num_trades"]}) for name, figures in ordered]
    return Panel(title, [ReportTable(_header(run), rows, "lrrrrr")])


def factors(run: ReportRun) -> Section | None:
    """Return the section on what each factor of the score was worth; None without a scored decision."""
    decisions = rows_of(run, "factors.csv")
    if not decisions:
        return None
    trades = {trade.trade_id: trade for trade in trade_records(run)}
    on = [name for name in FACTORS if any(row[name] for row in decisions)]
    told = (
        [Text("The score is off (scoring.enabled): it decided nothing.", "strong")]
        if not run.config["scoring"]["enabled"]
        else []
    )
    parts: list[ReportPart] = [*told, Text(_FACTORS_TEXT)]
    if on:
        header = (
            "factor",
            "holds where",
            "trades with",
            "R a trade",
            "trades without",
            "R a trade",
            "held where SCORE refused",
        )
        parts.append(ReportTable(header, [_factor_row(name, decisions, trades) for name in on], "llrrrrr"))
    # the trades by their score
    scores: dict[Decimal, list[TradeRecord]] = {}
    for trade in trades.values():
        scores.setdefault(trade.score, []).append(trade)
    rows = [group_row(f"score {score:f}", figures_of(scores[score])) for score in sorted(scores)]
    parts += [Panel("By score", [ReportTable(_header(run), rows, "lrrrrr")])] if rows else []
    return Section("factors", "Factors and scores", parts)


_FACTORS_TEXT = (
    "Each factor of the score is judged on the bars that were complete at the decision. The table compares the trades at whose "
    "entry it held with the others; a difference of few trades is chance, and factors that hold together share it."
)


def _factor_row(name: str, decisions: Sequence[dict[str, str]], trades: Mapping[str, TradeRecord]) -> Cells:
    """Return what one factor was worth as a row of its table."""
    held, without = (
        [trades[row["trade_id"]] for row in decisions if row["trade_id"] and row[name] == flag] for flag in "10"
    )
    refused = [row[name] == "1" for row in decisions if row["answer"] == "SCORE"]
    share = f"{sum(refused):,} of {len(refused):,}" if refused else "—"
    with_r, without_r = (figures_of(some)["average_r"] for some in (held, without))
    return (
        name,
        FACTOR_TEXTS[name],
        f"{len(held):,}",
        shown(with_r, 3),
        f"{len(without):,}",
        shown(without_r, 3),
        share,
    )


def figures_of(trades: Sequence[TradeRecord]) -> dict[str, Any]:
    """Return number, win rate, R and profit of some trades; None where there is no trade."""
    found = [trade.r for trade in trades if trade.r is not None]
    total = sum(found, Decimal(0))
    return {
        "trades": len(trades),
        "win_rate": sum(trade.pnl > 0 for trade in trades) / len(trades) if trades else None,
        "total_r": total if found or not trades else None,
        "average_r": total / len(found) if found else None,
        "total_pnl_usd": sum((trade.pnl for trade in trades), Decimal(0)),
    }
