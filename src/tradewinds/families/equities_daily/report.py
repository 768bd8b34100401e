"""The report of a run of daily equities: its sections in order, and the texts of reasons and limits."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from tradewinds.core.text import counted, metric_text
from tradewinds.families.equities_daily.share_reasons import SHARE_REASON_TEXTS, reason_text
from tradewinds.families.equities_daily.symbol_page import noon, price_plot
from tradewinds.families.equities_daily.untradable_section import untradable
from tradewinds.results.report import refusals, sections
from tradewinds.results.report.account_sections import account
from tradewinds.results.report.liquidity_section import LiquidityWords, liquidity_section
from tradewinds.results.report.parts import (
    Cell,
    Cells,
    Panel,
    Plot,
    ReportPart,
    ReportTable,
    Section,
    Text,
    Tiles,
    back_to,
    coded,
    listed,
    shown,
)
from tradewinds.results.report.run import FamilyReport, ReportRun

ADJUSTMENTS = {
    "none": "Prices are unadjusted: a split looks like a fall, a dividend like a loss, and neither is made good. "
    "Give `actions`, or bars with an adjusted close.",
    "adjusted_close": "Prices are adjusted by the bars' adjusted close, in shares of the first trading day.",
    "actions": "Prices are adjusted by the table of splits and dividends, in shares of the first trading day.",
}
OPTIMISTIC = (
    "Optimistic: orders fill at the very close that makes their signal (fill: same_close), which nobody can trade at "
    "after having seen it. next_open is the honest setting."
)
QUARANTINE = {
    "MISSING_VALUE": "a price is missing, or the volume is negative",
    "NON_POSITIVE_PRICE": "a price is not above 0",
    "OHLC_ORDER": "low ≤ open, close ≤ high does not hold",
    "DUPLICATE_DATE": "its symbol has another bar of that date",
    "NO_ADJUSTED_CLOSE": "its symbol's other bars have an adjusted close",
}
LIMITS = (
    "One bar a day: what happened inside it is unknown. Exits are judged on closes and fill at the next open, at its price.",
    "Orders fill at once with a fixed slippage, whatever their size (but risk.max_volume_share), and move no price.",
    "A position in a symbol whose bars end is sold or kept at its last close; a real delisting may pay less, or nothing.",
    "A universe of symbols that are listed today leaves out those that failed; use a file with dates of membership.",
    "One path of history is one sample. A good decade is not an edge; the best of many settings is worth less than it looks.",
)
LIMITS_OF_CLASSES = (
    "Limits of your own strategy fill at their price where a bar's prices went through it, without slippage; that nothing else "
    "waited at that price is assumed, and the order of events inside a bar is unknown.",
)
SYMBOLS_SHOWN = 6  # in the title, and as plots of prices


def _title(run: ReportRun) -> str:
    """Return the title: strategy, universe and dates."""
    universe = run.config["universe"]
    names = listed(universe, SYMBOLS_SHOWN) if isinstance(universe, list) else universe["file"]
    return f"{run.config['strategy']['name']} on {names}, {run.config['date_start_local']} to {run.config['date_end_local']}"


def _subtitle(run: ReportRun) -> str:
    """Return the subtitle: number of trades, symbols and days, P&L and commission."""
    m, d, money = run.metrics, run.diagnostics, run.currency
    return (
        f"{counted(m['num_trades'], 'trade')} in {d['events_traded']:,} of {counted(d['events_attempted'], 'symbol')} over "
        f"{counted(d['trading_days'], 'trading day')}: P&L {shown(m['total_pnl_usd'], 2)} {money} after "
        f"{shown(m['total_fees_usd'], 2)} {money} of commission."
    )


def _summary(run: ReportRun) -> Section:
    """Return the section with the most important figures, warnings and settings."""
    m, money, held = run.metrics, run.currency, run.metrics["benchmark"]
    # what was made, and the figures to judge it by
    tiles = Tiles(
        [
            (f"P&L, {money}", shown(m["total_pnl_usd"], 2), f"{shown(m['total_return_pct'], 2)} %"),
            (
                "A year, %",
                shown(m["annualised_return_pct"], 2),
                f"buy and hold {shown(held['annualised_return_pct'], 2)}",
            ),
            ("Sharpe (√252)", shown(m["sharpe"], 2), f"buy and hold {shown(held['sharpe'], 2)}"),
            (
                "Max drawdown, %",
                shown(m["max_drawdown_pct"], 2),
                "" if m["max_drawdown_days"] is None else f"{counted(m['max_drawdown_days'], 'day')} at longest",
            ),
            ("Win rate, %", shown(m["win_rate_pct"], 2), f"profit factor {shown(m['profit_factor'], 2)}"),
            (
                "Exposure, %",
                shown(m["exposure_pct"], 1),
                f"{shown(m['avg_holding_days'], 1)} days a position",
            ),
        ]
    )
    warned: list[ReportPart] = [Text(OPTIMISTIC, "strong")] if run.diagnostics["optimistic"] else []
    told = _adjusted(run)
    nothing = refusals.why_nothing(run, "symbol", SHARE_REASON_TEXTS.__getitem__, "no bar was an entry signal")
    return Section(
        "summary",
        "Summary",
        [tiles, *nothing, *sections.compared(run), *warned, told, ReportTable(("", ""), _facts(run), "ll")],
    )


def _adjusted(run: ReportRun) -> Text:
    """Return how prices are adjusted; invented bars have no splits and no dividends."""
    if run.config["bars"]["source"] == "synthetic":
        return Text("The bars are invented (bars.source: synthetic): the figures say nothing about a market.", "strong")
    adjustment = run.diagnostics["adjustment"]
    return Text(ADJUSTMENTS[adjustment], "strong" if adjustment == "none" else "")


def _facts(run: ReportRun) -> list[Cells]:
    """Return the settings of the run as rows of a table."""
    c = run.config
    own = ", ".join(f"{key} {value}" for key, value in (c["strategy"].get("parameters") or {}).items())
    risk, costs = c["risk"], c["costs"]
    size = f"{risk['position_size_pct']} % of {risk['start_balance']:,} {run.currency}, at most {risk['max_positions']}"
    least = f"at least {costs['min_commission']} {run.currency}"
    paid = f"commission {costs['commission_pct']} %, {least}; slippage {costs['slippage_pct']} %"
    return [
        ("Strategy", f"{c['strategy']['name']} ({own})" if own else c["strategy"]["name"]),
        ("Bars", c["bars"].get("path", c["bars"]["source"])),
        ("Calendar", _calendar(run)),
        ("Fills", c["fill"]),
        ("Positions", size),
        ("Costs", paid),
    ]


def _calendar(run: ReportRun) -> str:
    """Return the exchange of a run, and how many of its trading days had the usual hours for want of a listed session."""
    days = run.diagnostics.get("trading_days_not_listed", 0)  # reports of earlier runs are written again, too
    return (
        f"{run.config['calendar']} (usual hours on {days} days that it does not list)"
        if days
        else run.config["calendar"]
    )


def _equity(run: ReportRun) -> Section:
    """Return the section of the equity curve, with the benchmark beside it."""
    found = sections.equity(run, "There was no trading day.")
    days = _sessions(run)
    t = [noon(row["date"]) for row in days]
    lines = [(name, [round(float(row[key]), 2) for row in days]) for name, key in _CURVES]
    data = {"t": t, "lines": [{"name": name, "y": y} for name, y in lines], "marks": []}
    caption = (
        "The benchmark buys the universe in equal parts, once, at the run's costs, and holds it. "
        "It holds a delisted symbol too, at its last close, and sells it at that close at the end: nothing is written off."
    )
    against = Plot("benchmark", "Equity against buy and hold", "history", data, ("", run.currency), caption)
    return Section(found.key, found.title, [against, *found.parts])


_CURVES = (("strategy", "equity"), ("buy and hold", "benchmark"))


def _sessions(run: ReportRun) -> list[dict[str, str]]:
    """Return the rows of sessions.csv."""
    with open(run.folder / "sessions.csv", encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _holdings(run: ReportRun) -> Section:
    """Return the section of exposure and number of positions by day."""
    days = _sessions(run)
    t = [noon(row["date"]) for row in days]
    share = [round(float(row["open_value"]) / float(row["equity"]) * 100, 2) for row in days]
    plots: list[ReportPart] = [
        Plot("exposure", "Exposure", "history", _one(t, "in shares", share), ("", "% of equity")),
        Plot(
            "holdings",
            "Positions held",
            "history",
            _one(t, "positions", [int(r["positions"]) for r in days]),
            ("", "positions"),
        ),
    ]
    return Section("holdings", "Exposure and holdings", plots)


def _one(t: list[int], name: str, y: Sequence[float]) -> dict[str, Any]:
    """Return the data of a plot of one line, given its x values, name and y values."""
    return {"t": t, "lines": [{"name": name, "y": list(y)}], "marks": []}


def _result(run: ReportRun) -> Section:
    """Return the section of all metrics, beside those of the benchmark."""
    held = run.metrics["benchmark"]
    rows = [
        (
            sections.titled(run, label, key),
            metric_text(key, run.metrics[key]),
            metric_text(key, held[key]) if key in held else "",
        )
        for label, key in _METRICS
    ]
    table = ReportTable(("", "strategy", "buy and hold"), rows, "lrr", is_open=True)
    return Section("result", "Result", [table, Text(sections.UNDEFINED)])


_METRICS = (
    ("Start balance", "start_balance_usd"),
    ("End balance", "end_balance_usd"),
    ("P&L", "total_pnl_usd"),
    ("Commission", "total_fees_usd"),
    ("Total return, %", "total_return_pct"),
    ("Annualised return, %", "annualised_return_pct"),
    ("Sharpe (√252)", "sharpe"),
    ("Sortino (√252)", "sortino"),
    ("Max drawdown, %", "max_drawdown_pct"),
    ("Longest drawdown, days", "max_drawdown_days"),
    ("Trades", "num_trades"),
    ("Shares", "num_contracts"),
    ("Win rate, %", "win_rate_pct"),
    ("Profit factor", "profit_factor"),
    ("Average win", "avg_profit_usd"),
    ("Average loss", "avg_loss_usd"),
    ("Largest win", "largest_win_usd"),
    ("Largest loss", "largest_loss_usd"),
    ("Days held, mean", "avg_holding_days"),
    ("Exposure, %", "exposure_pct"),
    ("Turnover a year", "turnover_per_year"),
    ("Sold for want of bars", "no_bars_exits"),
    ("Value of those sales", "no_bars_value_usd"),
    ("P&L if each had been worth nothing", "pnl_if_no_bars_worthless_usd"),
    ("Entries above 10 % of the bar's volume", "entries_above_10pct_of_volume"),
    ("Entries above 100 % of it", "entries_above_volume"),
)


def _profit(run: ReportRun) -> Section | None:
    """Return the section of P&L by exit, year and symbol; None without a trade.

    The year is that of the signal: its close is in the same year in UTC as on the exchange, which an open need not be.
    """
    if not run.metrics["num_trades"]:
        return None
    by = (("By reason of the exit", "settled_result"), ("By year", _YEAR))
    panels: list[ReportPart] = [_groups(run, title, key) for title, key in by]
    places = {symbol: f"#{_place(number)}" for number, symbol in enumerate(_drawn(run))}
    best, worst = (
        _groups(run, title, "market_ticker", order, places)
        for title, order in (("Best symbols", "DESC"), ("Worst symbols", "ASC"))
    )
    return Section("profit", "Where the money came from", [*panels, best, worst])


_YEAR = "year(make_timestamp(epoch_us(decision_ts_utc)))::VARCHAR"


def _groups(
    run: ReportRun, title: str, key: str, order: str | None = None, places: Mapping[str, str] = MappingProxyType({})
) -> Panel:
    """Return a table of the trades grouped by a key.

    Args:
        run: the run.
        title: title of the table.
        key: SQL expression of the key.
        order: DESC or ASC for the ten groups of highest or lowest P&L; None for all groups in order of the key.
        places: anchors of charts, by name of a group.
    """
    # a symbol with a gain is none of the worst, one with a loss none of the best
    sign = {"DESC": "HAVING sum(pnl) > 0", "ASC": "HAVING sum(pnl) < 0"}.get(order or "", "")
    limit = f"sum(pnl) {order}, 1 LIMIT 10" if order else "1"
    rows = run.query(
        f"SELECT {key}, count(*), count(*) FILTER (pnl > 0), sum(pnl) FROM trades GROUP BY 1 {sign} ORDER BY {limit}"
    )
    table = [
        (_name(str(name), places), f"{n:,}", shown(wins / n * 100, 1), shown(pnl, 2)) for name, n, wins, pnl in rows
    ]
    header = ("", "trades", "wins, %", f"P&L, {run.currency}")
    return Panel(title, [ReportTable(header, table, "lrrr") if table else Text("None.")])


def _name(name: str, places: Mapping[str, str]) -> str:
    """Return the name of a group in words, which lead to its chart if there is one."""
    return Cell(name, href=places[name]) if name in places else coded(name, reason_text(name))


def _charts(run: ReportRun) -> Section | None:
    """Return the section of charts: bars of the symbols with the largest profit or loss, with every entry and exit."""
    if not run.metrics["num_trades"]:
        return None
    parts: list[ReportPart] = [
        Text(
            "Bars of the symbols that made or lost most; triangles up are entries, triangles down exits. The line joins "
            "closes; bars from low to high, with open and close at their sides, are seen where there is room: drag over some "
            "months."
        )
    ]
    for number, symbol in enumerate(_drawn(run)):
        plot = price_plot(run, f"prices_{number}", symbol)
        parts.append(Panel(symbol, [plot, back_to("profit")], _place(number)))
    return Section("charts", "Trades on prices", parts)


def _drawn(run: ReportRun) -> list[str]:
    """Return the symbols that are drawn, those that made or lost most first."""
    most = run.query(
        f"SELECT market_ticker FROM trades GROUP BY 1 ORDER BY abs(sum(pnl)) DESC, 1 LIMIT {SYMBOLS_SHOWN}"
    )
    return [symbol for (symbol,) in most]


def _place(number: int) -> str:
    """Return the anchor of a chart."""
    return f"chart-{number}"


def _diagnostics(run: ReportRun) -> Section:
    """Return the section of skipped symbols, refused orders and quarantined rows."""
    d = run.diagnostics
    share = shown(d["candles_missing_pct"], 2)
    remark = f"Trading days without a bar between a symbol's first and last one: {share} %."
    found = refusals.diagnostics(run, "symbol", SHARE_REASON_TEXTS.__getitem__, remark)
    rows = [(coded(code, QUARANTINE[code]), f"{count:,}") for code, count in d["quarantined"].items()]
    bad: list[ReportPart] = [ReportTable(("Row quarantined because", "rows"), rows, "lr")] if rows else []
    return Section("diagnostics", "Symbols, refusals and rows", [*found, *bad])


_liquidity = liquidity_section(
    LiquidityWords(
        "the shares bought",
        "was traded at the bar at which they filled",
        "No cap limits an entry there.",
        units="Shares",
    )
)


def _limits(run: ReportRun) -> Section:
    """Return the section of what the run does not model."""
    own = run.config["strategy"].get("file") is not None
    return sections.limits((*LIMITS, *LIMITS_OF_CLASSES) if own else LIMITS)


REPORT = FamilyReport(
    _title,
    _subtitle,
    (
        _summary,
        _equity,
        _holdings,
        _result,
        _liquidity,
        account,
        _profit,
        _charts,
        untradable,
        _diagnostics,
        _limits,
        sections.reproduce,
    ),
)
