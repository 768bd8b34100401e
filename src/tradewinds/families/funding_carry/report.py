"""The report of a run of funding carry: net P&L and break-even come first, a yearly rate last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradewinds.core.text import counted, metric_text
from tradewinds.families.funding_carry import carry_charts
from tradewinds.families.funding_carry.carry_charts import PART_NAMES
from tradewinds.families.funding_carry.metrics import PARTS
from tradewinds.families.funding_carry.position_sections import (
    breakeven,
    liquidations,
    months,
    positions,
)
from tradewinds.families.funding_carry.report_words import LIMITS, OPTIMISTIC, REASON_TEXTS, SOURCE_TEXTS
from tradewinds.results.report import refusals, sections
from tradewinds.results.report.account_sections import account
from tradewinds.results.report.liquidity_section import LiquidityWords, liquidity_section
from tradewinds.results.report.parts import Cells, ReportPart, ReportTable, Section, Text, Tiles, listed, shown
from tradewinds.results.report.run import FamilyReport, ReportRun

SYMBOLS_SHOWN = 4  # in the title


def title(run: ReportRun) -> str:
    """Return the title: strategy, symbols and dates."""
    c = run.config
    names = listed(sorted(c["symbols"]), SYMBOLS_SHOWN)
    return f"{c['strategy']['name']} on {names}, {c['date_start_local']} to {c['date_end_local']}"


def subtitle(run: ReportRun) -> str:
    """Return the subtitle: net P&L, what it is made of, and how many positions broke even."""
    m, money = run.metrics, run.currency
    costs = m["fees"] + m["slippage"] + m["borrow"] + m["liquidation_cost"]
    return (
        f"Net {shown(m['net_pnl'], 2)} {money}: {shown(m['funding'], 2)} of funding, {shown(m['price_pnl'], 2)} of prices, "
        f"{shown(costs, 2)} of costs. {m['num_trades'] - m['never_broke_even']:,} of {counted(m['num_trades'], 'position')} "
        "earned their costs by funding."
    )


def _summary(run: ReportRun) -> Section:
    """Return the section with warnings, the most important figures and the settings."""
    warned = [Text(text, "strong") for text in _warnings(run)]
    nothing = refusals.why_nothing(run, "symbol", _because, "no rate or score was high enough for an entry.")
    facts = ReportTable(("", ""), _facts(run), "ll")
    return Section("summary", "Summary", [*warned, *nothing, tiles(run), *sections.compared(run), facts])


def _warnings(run: ReportRun) -> list[str]:
    """Return what a reader must know before the figures: optimistic options first."""
    found = [OPTIMISTIC[name] for name in run.metrics["optimistic"]]
    if run.config["data"]["source"] == "synthetic":
        found.append("Rates and prices are invented (data.source: synthetic): the figures say nothing about a market.")
    return [*found, *run.metrics["warnings"]]


def tiles(run: ReportRun) -> Tiles:
    """Return the figures that a reader looks at first."""
    m, money = run.metrics, run.currency
    costs = m["fees"] + m["slippage"] + m["borrow"] + m["liquidation_cost"]
    # what was made and what it took to make it, before anything else
    return Tiles(
        [
            (
                f"Net P&L, {money}",
                shown(m["net_pnl"], 2),
                f"{shown(m['roi_pct'], 2)} % of {shown(m['start_balance_usd'], 2)}",
            ),
            (
                "Payments to break even",
                metric_text("breakeven_periods", m["breakeven_periods"]),
                f"median; {m['never_broke_even']:,} of {counted(m['num_trades'], 'position')} never did",
            ),
            (f"Funding, {money}", shown(m["funding"], 2), counted(m["payments"], "payment")),
            (f"Costs, {money}", shown(costs, 2), f"fees {shown(m['fees'], 2)}, slippage {shown(m['slippage'], 2)}"),
            (f"Price P&L, {money}", shown(m["price_pnl"], 2), "change of the basis"),
            (
                f"Drawdown, {money}",
                shown(m["max_drawdown_usd"], 2),
                "" if m["max_drawdown_pct"] is None else f"{shown(m['max_drawdown_pct'], 2)} %",
            ),
            ("Positions", shown(m["num_trades"], 0), f"{shown(m['win_rate_pct'], 2)} % with a gain"),
            ("Time in market", shown(m["time_in_market_pct"], 1), "% of the range"),
        ]
    )


def _facts(run: ReportRun) -> list[Cells]:
    """Return the settings of a run as rows of a table."""
    c, money = run.config, run.currency
    data, costs, margin, risk = c["data"], c["costs"], c["margin"], c["risk"]
    parameters = c["strategy"]["parameters"]
    # what the strategy enters and leaves at
    thresholds = ("min_funding_rate", "exit_funding_rate", "entry_threshold", "exit_threshold")
    own = c["strategy"].get("file") is not None
    told = [f"{key} {parameters[key]}" for key in (parameters if own else thresholds) if key in parameters]
    preset = f", preset {c['strategy']['preset']}" if c["strategy"].get("preset") else ""
    impact = f" and {costs['impact_bps_per_volume_pct']} for each % of volume"
    return [
        ("Records", f"{data.get('path') or data['source']}, candles of {counted(data['candle_minutes'], 'minute')}"),
        (
            "Strategy",
            f"{c['strategy']['name']}{preset}: {', '.join(told if own else [*told, parameters['direction']])}",
        ),
        (
            "Fills",
            f"{c['execution']['fill']}, prices at most {counted(c['execution']['max_price_age_minutes'], 'minute')} old",
        ),
        ("Fees", _fees(costs["fees"])),
        (
            "Slippage",
            f"{costs['slippage_bps']} basis points{impact if costs['impact_bps_per_volume_pct'] else ''}, each fill and leg",
        ),
        ("Borrowing", f"{shown(costs['borrow_apr'] * 100, 2)} % a year, for positions short of spot"),
        (
            "Margin",
            f"{margin['capital_rule']}, leverage {margin['leverage']}, maintenance {margin['maintenance_margin_rate']}, "
            f"rebalance {margin['rebalance']['mode']}",
        ),
        ("Account", f"{risk['start_balance']:,} {money}, {counted(risk['max_positions'], 'position')} at a time"),
    ]


def _fees(fees: Any) -> str:
    """Return the fees of a config as text."""
    found = [fees] if isinstance(fees, Mapping) else fees
    texts = []
    for section in found:
        rates = [
            f"{key} {section[key]}" for key in section if key not in ("from", "schedule", "liquidity") and section[key]
        ]
        since = f"from {section['from']}: " if section.get("from") else ""
        texts.append(
            since + ", ".join([str(section.get("schedule") or "given"), section.get("liquidity") or "taker", *rates])
        )
    return "; ".join(texts)


def _sources(run: ReportRun) -> Section:
    """Return the section of what the profit is made of: over time, and in the end."""
    plot = carry_charts.where_from(run)
    rows = [(PART_NAMES[name], shown(sign * run.metrics[name], 8), SOURCE_TEXTS[name]) for name, sign in PARTS.items()]
    rows.append(("net", shown(run.metrics["net_pnl"], 8), "the sum, which is the change of the account's cash"))
    table = ReportTable(("part", run.currency, ""), rows, "lrl")
    return Section("parts", "Where the profit came from", [*([plot] if plot else []), table])


def _equity(run: ReportRun) -> Section:
    """Return the section of the equity curve."""
    return sections.equity(run, "There was no settlement.")


def _result(run: ReportRun) -> Section:
    """Return the section of all metrics; the yearly rate is the last of them."""
    return sections.result(run, _METRICS)


_METRICS = (
    ("Net P&L", "total_pnl_usd"),
    ("Return, %", "roi_pct"),
    ("Start balance", "start_balance_usd"),
    ("End balance", "end_balance_usd"),
    ("Positions", "num_trades"),
    ("Fills", "num_fills"),
    ("Wins, %", "win_rate_pct"),
    ("Mean gain", "avg_profit_usd"),
    ("Mean loss", "avg_loss_usd"),
    ("Profit factor", "profit_factor"),
    ("Payments to break even, median", "breakeven_periods"),
    ("Positions that never broke even", "never_broke_even"),
    ("Liquidations", "liquidations"),
    ("Time in market, %", "time_in_market_pct"),
    ("Max drawdown", "max_drawdown_usd"),
    ("Max drawdown, %", "max_drawdown_pct"),
    ("Sharpe (√365)", "sharpe"),
    ("Sortino (√365)", "sortino"),
    ("Net return a year, %, not compounded", "apr_pct"),
)


def _diagnostics(run: ReportRun) -> Section:
    """Return the section of symbols, refusals, mark prices and gaps."""
    d = run.diagnostics
    sources: list[ReportPart] = []
    if d["mark_source"]:
        counts = ", ".join(f"{name} {count:,}" for name, count in d["mark_source"].items())
        sources = [Text(f"Payments by where their mark price is from: {counts}.")]
    remark = (
        f"{counted(d['settlements'], 'settlement')}; {counted(d['funding_gaps'], 'record')} whose gap to the one before is "
        "no known interval (the interval before stays)."
    )
    found = refusals.diagnostics(run, "symbol", _because, remark)
    return Section("diagnostics", "Symbols, refusals and records", [*found, *sources])


def _because(code: str) -> str:
    """Return a reason code in words."""
    return REASON_TEXTS[code]


_liquidity = liquidity_section(
    LiquidityWords(
        "the value entered",
        "the last candle of its leg before the entry traded",
        "Under a cap nothing can be entered there.",
    )
)


def _limits(_: ReportRun) -> Section:
    """Return the section of what the run does not model."""
    return sections.limits(LIMITS)


REPORT = FamilyReport(
    title,
    subtitle,
    (
        _summary,
        _sources,
        breakeven,
        months,
        _equity,
        carry_charts.rates,
        carry_charts.scores,
        positions,
        liquidations,
        _result,
        _liquidity,
        account,
        _diagnostics,
        _limits,
        sections.reproduce,
    ),
)
