"""The report of a run of daily temperature events: its sections in order, and its own words for reasons and limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradewinds.core.text import counted
from tradewinds.families.kalshi_weather.levels_key import levels_path
from tradewinds.families.kalshi_weather.report.calibration_section import calibration
from tradewinds.families.kalshi_weather.report.edge_section import edge, overall
from tradewinds.families.kalshi_weather.report.price_section import beside_price, price_sentences
from tradewinds.families.kalshi_weather.report.profit_section import best_and_worst, city, profit
from tradewinds.families.kalshi_weather.report.reasons import because
from tradewinds.families.kalshi_weather.report.validations_section import validations
from tradewinds.results.edge.beside_pnl import beside_pnl
from tradewinds.results.report import refusals, sections
from tradewinds.results.report.account_sections import account
from tradewinds.results.report.liquidity_section import LiquidityWords, liquidity_section
from tradewinds.results.report.parts import Cells, ReportPart, ReportTable, Section, Text, Tiles, listed, shown
from tradewinds.results.report.run import FamilyReport, ReportRun

METRICS = (
    ("Start balance", "start_balance_usd"),
    ("End balance", "end_balance_usd"),
    ("P&L", "total_pnl_usd"),
    ("Fees", "total_fees_usd"),
    ("Return, %", "roi_pct"),
    ("Trades", "num_trades"),
    ("Contracts", "num_contracts"),
    ("Win rate, %", "win_rate_pct"),
    ("Average profit", "avg_profit_usd"),
    ("Average loss", "avg_loss_usd"),
    ("Profit factor", "profit_factor"),
    ("Max drawdown", "max_drawdown_usd"),
    ("Max drawdown, %", "max_drawdown_pct"),
    ("Sharpe (√365)", "sharpe"),
    ("Sortino (√365)", "sortino"),
    ("Decision to settlement, minutes", "exposure_time_avg_minutes"),
    ("Brier score", "brier"),
    ("Log loss", "log_loss"),
)
STRATEGY_CALLS = "strategy_calls"  # in the diagnostics of a strategy that is called at decision times
DEPTH_LIMIT = (
    "No depth: an order is assumed to fill whole at that ask, whatever its size. "
    "risk.max_volume_share bounds it by traded volume."
)
TAKER_LIMIT = "Taker only: no resting orders, no queue, no partial fills, no delay between decision and fill."
RESTING_LIMIT = (
    "Orders at once have no delay between decision and fill. Resting orders are filled where a candle proves it "
    "(`tradewinds docs trading-rules`): whole if the market went through their price, whatever their size; at their price "
    "for a share of the volume."
)
LIMITS = (
    "Top of the book only: quotes are the best bid and ask at the close of 1-minute candles, carried forward until the next. "
    "What happened inside a minute is unknown.",
    DEPTH_LIMIT,
    TAKER_LIMIT,
    "No impact: orders of this run do not move the market they replay, and nobody reacts to them.",
    "The exchange's recorded result is the truth; costs are its published fees.",
    "One path of history is one sample. A good month is not an edge; the best of many settings is worth less than it looks.",
)
SERIES_SHOWN = 6  # in the title
BOOKS_LIMIT = (
    "Depth: in markets of your order books (liquidity.levels) an order fills for no more than the last book showed, and what "
    "it took comes back with the next book; nobody is assumed to have been faster. In other markets it fills whole at the "
    "ask, and risk.max_volume_share bounds it by traded volume."
)
NO_SIGNAL = "no visible quote left an expected value above risk.min_ev_per_contract after the fee"


def _title(run: ReportRun) -> str:
    names = listed(run.config["series_tickers"], SERIES_SHOWN)
    return f"{names}, {run.config['date_start_local']} to {run.config['date_end_local']}"


def _subtitle(run: ReportRun) -> str:
    m, d = run.metrics, run.diagnostics
    return (
        f"Strategy {run.config['strategy']['name']} on probabilities from {run.config['probabilities']['source']}: "
        f"{counted(m['num_trades'], 'trade')} in {d['events_traded']:,} of {counted(d['events_attempted'], 'event')}, "
        f"P&L {shown(m['total_pnl_usd'], 2)} USD after {shown(m['total_fees_usd'], 2)} USD of fees."
    )


def _summary(run: ReportRun) -> Section:
    said = [*filter(None, [overall(run)]), *price_sentences(run)]
    words: list[ReportPart] = [Text(one, "strong") for one in said]
    words += [Text(one) for one in _resting_sentences(run)]
    facts = ReportTable(("", ""), _facts(run.config), "ll")
    nothing = refusals.why_nothing(run, "event", because, NO_SIGNAL)
    return Section("summary", "Summary", [_tiles(run), *nothing, *words, facts])


def _resting_sentences(run: ReportRun) -> list[str]:
    """What the resting orders of a run made, and what they would have made by the optimistic rule."""
    touched = run.diagnostics.get("if_touched")
    if touched is None:
        return []

    def said(figures: Mapping[str, Any]) -> str:
        fills, contracts = counted(figures["num_trades"], "fill"), counted(figures["num_contracts"], "contract")
        return f"{fills} of {contracts}, P&L {shown(figures['total_pnl_usd'], 2)} USD"

    return [
        f"Orders rested and were filled where a candle proves it: {said(run.metrics)}. "
        f"Had each been filled as soon as its price was reached: {said(touched)}."
    ]


_liquidity = liquidity_section(
    LiquidityWords("the contracts", "the market traded in the minute of their quote", "", units="Contracts")
)


def _tiles(run: ReportRun) -> Tiles:
    """The figures one looks at first."""
    m = run.metrics
    traded, attempted = run.diagnostics["events_traded"], run.diagnostics["events_attempted"]
    return Tiles(
        [
            (
                "P&L, USD",
                shown(m["total_pnl_usd"], 2),
                "; ".join(filter(None, [beside_pnl(m), f"{shown(m['roi_pct'], 2)} % of the start balance"])),
            ),
            ("Trades", shown(m["num_trades"], 0), f"in {traded:,} of {counted(attempted, 'event')}"),
            ("Win rate, %", shown(m["win_rate_pct"], 2), f"profit factor {shown(m['profit_factor'], 2)}"),
            ("Max drawdown, %", shown(m["max_drawdown_pct"], 2), f"{shown(m['max_drawdown_usd'], 2)} USD"),
            ("Sharpe (√365)", shown(m["sharpe"], 2), f"Sortino {shown(m['sortino'], 2)}"),
            ("Fees, USD", shown(m["total_fees_usd"], 2), f"on {counted(m['num_contracts'], 'contract')}"),
        ]
    )


def _facts(config: Mapping[str, Any]) -> list[Cells]:
    asof, risk, candles = config["asof_policy"], config["risk"], config["candles"]
    # settings that are off are not shown
    own = {key: value for key, value in config["strategy"].items() if key != "name" and value is not None}
    source = {key: value for key, value in config["probabilities"].items() if key != "source" and value is not None}
    bounds = {key: value for key, value in risk.items() if key.startswith("max_") and value is not None}
    size = {"fixed_qty": "fixed_qty", "ev_proportional": "contracts_per_dollar_ev", "kelly": "kelly_fraction"}[
        risk["sizing"]
    ]
    return [
        ("Markets", ", ".join(f"{series} ({city(series)[0]})" for series in config["series_tickers"])),
        ("Strategy", _named(config["strategy"]["name"], own)),
        ("Probabilities", _named(config["probabilities"]["source"], source)),
        (
            "As of",
            f"{asof['local_time']} on the station's clock, {counted(asof['days_before'], 'day')} before the climate date",
        ),
        (
            "Trading",
            f"every {config['cadence_minutes']} min until {config['trade_window_policy']}, {config['execution_model']}",
        ),
        (
            "Orders",
            f"{risk['sizing']} ({size} {risk[size]}), net EV above {risk['min_ev_per_contract']} USD a contract",
        ),
        ("Limits", ", ".join(f"{key} {value}" for key, value in bounds.items()) or "none"),
        ("Fees", f"{config['fees']['rounding']} rounding"),
        ("Quotes", f"{candles['period_interval_minutes']}-minute candles, {candles['window_policy']}"),
        *([("Order books", path)] if (path := levels_path(config)) else []),
    ]


def _named(name: str, settings: Mapping[str, Any]) -> str:
    words = ", ".join(f"{key} {_plain(value)}" for key, value in settings.items())
    return f"{name} ({words})" if words else name


def _plain(value: Any) -> str:
    if isinstance(value, dict):  # a section: settings that are off are not shown
        return " ".join(f"{key} {_plain(item)}" for key, item in value.items() if item is not None)
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _result(run: ReportRun) -> Section:
    return sections.result(run, METRICS)


def _equity(run: ReportRun) -> Section:
    return sections.equity(run, "No event was open.")


def _diagnostics(run: ReportRun) -> Section:
    share = shown(run.diagnostics["candles_missing_pct"], 2)
    remark = (
        f"Minutes of the trade windows without a candle: {share} % (nothing changed in them). "
        "events.csv says of each event which candles it has and how they were fetched."
    )
    return Section("diagnostics", "Events and refusals", refusals.diagnostics(run, "event", because, remark))


def _limits(run: ReportRun) -> Section:
    of_run = {}
    if run.diagnostics.get(STRATEGY_CALLS) is not None:
        of_run[TAKER_LIMIT] = RESTING_LIMIT
    if levels_path(run.config) is not None:
        of_run[DEPTH_LIMIT] = BOOKS_LIMIT
    return sections.limits(tuple(of_run.get(one, one) for one in LIMITS))


REPORT = FamilyReport(
    _title,
    _subtitle,
    (
        _summary,
        _equity,
        _result,
        _liquidity,
        account,
        profit,
        edge,
        beside_price,
        calibration,
        best_and_worst,
        _diagnostics,
        validations,
        _limits,
        sections.reproduce,
    ),
)
