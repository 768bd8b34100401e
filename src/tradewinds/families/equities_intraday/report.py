"""The report of a run of intraday equities: its sections in order, and the texts of its warnings and limits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from tradewinds.core.text import counted
from tradewinds.families.equities_intraday.config_rules import unread_settings
from tradewinds.families.equities_intraday.group_sections import distribution, factors, groups
from tradewinds.families.equities_intraday.orb_reasons import ORB_REASON_TEXTS
from tradewinds.families.equities_intraday.range_section import ranges
from tradewinds.families.equities_intraday.session_charts import session_charts
from tradewinds.families.equities_intraday.trade_records import query
from tradewinds.families.strategy_file import is_own
from tradewinds.results.report import refusals, sections
from tradewinds.results.report.account_sections import account
from tradewinds.results.report.liquidity_section import LiquidityWords, liquidity_section
from tradewinds.results.report.parts import (
    Cells,
    Plot,
    ReportPart,
    ReportTable,
    Section,
    Text,
    Tiles,
    coded,
    listed,
    shown,
)
from tradewinds.results.report.run import FamilyReport, ReportRun

QUARANTINE_TEXTS = {
    "DUPLICATE": "its symbol has another bar of that minute with other values",
    "MISSING_PRICE": "a price is missing",
    "NON_POSITIVE_PRICE": "a price is not above 0",
    "OHLC_ORDER": "low ≤ open, close ≤ high does not hold",
    "NEGATIVE_VOLUME": "the volume is negative",
    "OFF_MINUTE": "its time is no whole minute",
    "NO_SESSION": "its date is no session of the exchange",
    "ZERO_VOLUME": "no share was traded (bars.zero_volume: drop)",
}
SHORTS = (
    "Short sales are unrestricted and cost no borrow fee; cash bears no interest. A real account has neither for free."
)
ADJUSTED = (
    "The bars are adjusted for splits already (bars.adjusted): fills are not the prices that were paid, and sizes, tick and "
    "commission per share are of adjusted shares."
)
LIMITS = (
    "What happened inside a bar is unknown: the order of its high and low is the choice of trade.intrabar, and the table above "
    "shows how much depends on it.",
    "Orders fill whole with a fixed slippage, whatever their size (but risk.max_volume_share), and move no price. Openings and "
    "news have wider spreads.",
    "Targets fill when the price touches them; a real limit order waits in a queue and may not.",
    SHORTS,
    "Symbols that are chosen today leave out those that were delisted: results of survivors are better than those of all.",
    "Bars of one venue or vendor differ from the consolidated tape in their highs and lows, and so in which orders they touch.",
    "One path of history is one sample. The best of many settings is worth less than it looks.",
)
LIMITS_OF_CLASSES = (
    *LIMITS[:2],
    "A limit fills at its price where a bar's prices went through it, without slippage; that nothing else waited at that price "
    "is assumed.",
)
SYMBOLS_SHOWN = 6  # in the title
MOST_REASONS = 5  # that are named where nothing was traded
POLICY_TEXTS = {
    "pessimistic": "the stop comes before any target",
    "path": "open, the nearer extreme, the farther one, close",
    "optimistic": "targets come before the stop",
}


def title(run: ReportRun) -> str:
    """Return the title: strategy, symbols and dates."""
    c = run.config
    names = listed(c["symbols"], SYMBOLS_SHOWN)
    strategy = c["strategy"]["name"] if is_own(c) else "Opening range"
    return f"{strategy} on {names}, {c['date_start_local']} to {c['date_end_local']}"


def subtitle(run: ReportRun) -> str:
    """Return the subtitle: number of trades and sessions, R, P&L and commission."""
    m, money = run.metrics, run.currency
    in_r = "" if m["total_r"] is None else f"{shown(m['total_r'], 3)} R, "
    return (
        f"{counted(m['num_trades'], 'trade')}, {m['longs']:,} long and {m['shorts']:,} short: {in_r}"
        f"{shown(m['total_pnl_usd'], 2)} {money} after {shown(m['total_fees_usd'], 2)} {money} of commission."
    )


def _summary(run: ReportRun) -> Section:
    """Return the section with warnings, the most important figures and the settings."""
    warned = [Text(text, "strong") for text in _warnings(run)]
    facts = ReportTable(("", ""), _facts(run.config, run.currency), "ll")
    return Section(
        "summary",
        "Summary",
        [*warned, *_nothing(run), tiles(run), *sections.compared(run), Text(SHORTS), facts],
    )


def _warnings(run: ReportRun) -> list[str]:
    """Return what a reader must know before the figures: costs against R first."""
    d, money = run.diagnostics, run.currency
    found = _of_own_strategy(run) if is_own(run.config) else []
    if d["risk_is_small"]:
        found.append(
            f"Costs are not small against R: the median R of a share is {shown(d['median_risk_usd'], 4)} {money}, the median "
            f"slippage of an entry {shown(d['median_slippage_usd'], 4)} {money}. Results in R of so few ticks mean little."
        )
    if d["adjusted"]:
        found.append(ADJUSTED)
    if run.config["bars"]["source"] == "synthetic":
        found.append("The bars are invented (bars.source: synthetic): the figures say nothing about a market.")
    if d["incomplete_ranges"]:
        found.append(
            f"{counted(len(d['incomplete_ranges']), 'opening range', 'lacks', 'lack')} a minute; the section on opening "
            f"ranges lists them."
        )
    return found


def _of_own_strategy(run: ReportRun) -> list[str]:
    """Return what a reader must know of a run of the user's own strategy: trades without an R, settings in vain."""
    found, trades, without = [], run.metrics["num_trades"], run.diagnostics["trades_without_r"]
    if without == trades and trades:
        found.append(f"No trade had a stop, so none has an R: figures are in {run.currency} alone.")
    elif without:
        found.append(
            f"{without:,} of {counted(trades, 'trade')} had no stop, so no R: figures in R are of the others alone, figures in "
            f"{run.currency} of all."
        )
    if unread := unread_settings(run.config):
        found.append(f"Settings of opening_range, which this strategy does not read: {', '.join(unread)}.")
    return found


def _nothing(run: ReportRun) -> list[ReportPart]:
    """Return why nothing was traded: the most frequent reasons; nothing for a run with trades."""
    if run.metrics["num_trades"]:
        return []
    counts = sorted(run.diagnostics["rejections"].items(), key=lambda item: (-item[1], item[0]))[:MOST_REASONS]
    reasons = [f"{count:,} × {reason} ({ORB_REASON_TEXTS[reason]})" for reason, count in counts]
    otherwise = "the strategy asked for nothing" if is_own(run.config) else "no price left an opening range"
    return [Text(f"Nothing was traded: {'; '.join(reasons) or otherwise}.", "strong")]


def tiles(run: ReportRun) -> Tiles:
    """Return the main figures."""
    m, money = run.metrics, run.currency
    wins = None if m["win_rate"] is None else m["win_rate"] * 100
    return Tiles(
        [
            ("Total R", shown(m["total_r"], 3), f"before costs {shown(m['total_r_gross'], 3)}"),
            (f"P&L, {money}", shown(m["total_pnl_usd"], 2), f"commission {shown(m['total_fees_usd'], 2)}"),
            ("R a trade", shown(m["average_r"], 3), f"median {shown(m['median_r'], 3)}"),
            ("Win rate, %", shown(wins, 2), f"profit factor {shown(m['profit_factor'], 2)}"),
            ("Max drawdown, R", shown(m["max_drawdown_r"], 3), f"{shown(m['max_drawdown_pct'], 2)} % of equity"),
            ("Sharpe (√252)", shown(m["sharpe"], 2), f"Sortino {shown(m['sortino'], 2)}"),
        ]
    )


def _facts(config: Mapping[str, Any], currency: str) -> list[Cells]:
    """Return the settings of a run as rows of a table."""
    orb, entry, trade, risk, costs = (config[key] for key in ("orb", "entry", "trade", "risk", "costs"))
    adaptive = f", or {orb['short_or_minutes']} or {orb['long_or_minutes']} by volatility" if orb["adaptive"] else ""
    targets = (
        f"{trade['t1_r']}, {trade['t2_r']}, {trade['runner_r']} R in parts"
        if trade["partials"]
        else f"{trade['primary_r']} R"
    )
    # how large a position is, by risk.sizing
    sizes = {
        "risk_pct": f"{risk['risk_pct']} % of equity at risk",
        "risk_usd": f"{risk['risk_usd']} {currency} at risk",
        "fixed_shares": f"{risk['fixed_shares']} shares",
    }
    paid = (
        "none"
        if costs == "none"
        else f"{costs['slippage_ticks']} ticks of {costs['tick']} and {costs['slippage_bps']} basis points of slippage, "
        f"{costs['commission_per_share']} {currency} a share, at least {costs['min_commission']}"
    )
    without_size = "of an order that says none: " if is_own(config) else ""
    of_range = [
        ("Opening range", f"{counted(orb['base_minutes'], 'minute')}{adaptive}"),
        ("Entry", f"{entry['mode']}, {entry['direction']}"),
        ("Stop", trade["stop_mode"]),
        ("Targets", targets),
    ]
    given = ", ".join(f"{key} {value}" for key, value in (config["strategy"].get("parameters") or {}).items())
    own = [("Strategy", f"{config['strategy']['file']}{f' ({given})' if given else ''}")]
    return [
        ("Bars", str(config["bars"].get("path", config["bars"]["source"]))),
        ("Calendar", config["calendar"]),
        *(own if is_own(config) else of_range),
        ("Inside a bar", f"{trade['intrabar']}: {POLICY_TEXTS[trade['intrabar']]}"),
        (
            "Size",
            f"{without_size}{sizes[risk['sizing']]}, {risk['account']} account of {risk['start_balance']:,} {currency}",
        ),
        ("Costs", paid),
    ]


def _equity(run: ReportRun) -> Section:
    """Return the section of the equity curve and of the running sum of R."""
    found = sections.equity(run, "There was no session.")
    return Section(found.key, found.title, [*found.parts, *running_r(run, "combined_equity.parquet")])


def running_r(run: ReportRun, name: str) -> list[ReportPart]:
    """Return the plot of the running sum of R by session, from a table of equity; nothing where no trade has an R."""
    rows = query(
        run, name, "SELECT session, cumulative_r::DOUBLE FROM rows WHERE cumulative_r IS NOT NULL ORDER BY session"
    )
    if not rows and run.metrics["num_trades"]:
        return []
    t = [int(dt.datetime.combine(date, dt.time(12), dt.UTC).timestamp()) for date, _ in rows]
    lines = [{"name": "R", "y": [r for _, r in rows]}]
    return [Plot("cumulative_r", "Sum of R by session", "history", {"t": t, "lines": lines, "marks": []}, ("", "R"))]


def metrics_table(run: ReportRun) -> Section:
    """Return the section of all metrics."""
    return sections.result(run, [*_ACCOUNT, *_METRICS])


_ACCOUNT = (
    ("Start balance", "start_balance_usd"),
    ("End balance", "end_balance_usd"),
    ("P&L", "total_pnl_usd"),
    ("Commission", "total_fees_usd"),
    ("Max drawdown", "max_drawdown_usd"),
    ("Max drawdown, %", "max_drawdown_pct"),
    ("Sharpe (√252)", "sharpe"),
    ("Sortino (√252)", "sortino"),
)
_METRICS = (
    ("Trades", "num_trades"),
    ("Total R", "total_r"),
    ("Total R before costs", "total_r_gross"),
    ("R a trade", "average_r"),
    ("Median R", "median_r"),
    ("Best R", "best_r"),
    ("Worst R", "worst_r"),
    ("Max drawdown, R", "max_drawdown_r"),
    ("Profit factor", "profit_factor"),
    ("Average win / average loss", "payoff"),
    ("Largest win", "largest_win_usd"),
    ("Largest loss", "largest_loss_usd"),
    ("Gains in a row", "max_win_streak"),
    ("Losses in a row", "max_loss_streak"),
    ("Minutes held, mean", "avg_minutes"),
)


def _policies(run: ReportRun) -> Section:
    """Return the section of the result under each order of events inside a bar."""
    m, d = run.metrics, run.diagnostics
    rows = [
        (
            f"{name} (this run)" if name == run.config["trade"]["intrabar"] else name,
            text,
            shown(m["total_r_by_policy"][name], 6),
            shown(m["total_pnl_by_policy_usd"][name], 2),
        )
        for name, text in POLICY_TEXTS.items()
    ]
    table = ReportTable(("inside a bar", "order of events", "total R", f"P&L, {run.currency}"), rows, "llrr")
    text = (
        f"In {counted(d['ambiguous_bars'], 'bar')} of this run the result depends on the order of events inside the bar, which "
        "bars do not show."
    )
    return Section("policies", "What happens inside a bar", [Text(text), table])


def _diagnostics(run: ReportRun) -> Section:
    """Return the section of refusals, quarantined rows and exits at an early last bar."""
    d = run.diagnostics
    remark = (
        f"{counted(d['bars'], 'bar')} in {counted(d['trading_days'], 'session')}; {d['zero_volume']:,} of those that are used "
        f"without volume. {counted(d['stale_exits'], 'position')} left at a last bar more than five minutes before the "
        f"close: a halt, or missing bars."
    )
    found = refusals.diagnostics(run, "symbol", ORB_REASON_TEXTS.__getitem__, remark)
    rows = [(coded(code, QUARANTINE_TEXTS[code]), f"{count:,}") for code, count in d["quarantined"].items()]
    bad: list[ReportPart] = [ReportTable(("Row quarantined because", "rows"), rows, "lr")] if rows else []
    return Section("diagnostics", "Symbols, refusals and rows", [*found, *bad])


_liquidity = liquidity_section(
    LiquidityWords(
        "the shares entered",
        "was traded in the bar in which they filled",
        "No cap limits an entry there.",
        units="Shares",
    )
)


def limits(run: ReportRun) -> Section:
    """Return the section of what the run does not model."""
    return sections.limits([*LIMITS_OF_CLASSES, *LIMITS[3:]] if is_own(run.config) else LIMITS)


REPORT = FamilyReport(
    title,
    subtitle,
    (
        _summary,
        _equity,
        metrics_table,
        _liquidity,
        account,
        _policies,
        distribution,
        groups,
        factors,
        ranges,
        session_charts,
        _diagnostics,
        limits,
        sections.reproduce,
    ),
)
