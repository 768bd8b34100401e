"""The report of a run of daily temperature events: its sections in order, and its own words for reasons and limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.report.calibration_section import calibration
from tradewinds.families.kalshi_weather.report.edge_section import edge, overall
from tradewinds.results.report import refusals, sections
from tradewinds.results.report.parts import Part, Row, Section, Table, Text, listed, shown, span
from tradewinds.results.report.run import Family, Run

REASONS = refusals.REASONS | {
    "EMPTY_WINDOW": "the market has no time to trade in",
    "CROSSED_QUOTE": "bid above ask: no quote",
    "NO_PROBABILITY": "no probability at the as-of time",
    "NO_EVENT": "the exchange lists no such event",
    "UNSETTLED": "a market has no final result",
    "MISSING_QUOTES": "no candle",
    "MISSING_PROBABILITIES": "no probability for any market",
    "DATE_MAPPING": "date or station cannot be told",
}
METRICS = (*sections.METRICS, ("Brier score", "brier", 4), ("Log loss", "log_loss", 4))
LIMITS = (
    "Top of the book only: quotes are the best bid and ask at the close of 1-minute candles, carried forward until the next. "
    "What happened inside a minute is unknown.",
    "No depth: an order is assumed to fill whole at that ask, whatever its size. "
    "risk.max_volume_share bounds it by traded volume.",
    "Taker only: no resting orders, no queue, no partial fills, no delay between decision and fill.",
    "No impact: orders of this run do not move the market they replay, and nobody reacts to them.",
    "The exchange's recorded result is the truth; costs are its published fees.",
    "One path of history is one sample. A good month is not an edge; the best of many settings is worth less than it looks.",
)
SERIES_SHOWN = 6  # in the title
_LOCAL = "make_timestamp(epoch_us(decision_ts_utc))"  # UTC as a plain timestamp: no time zone tables are needed


def _title(run: Run) -> str:
    names = listed(run.config["series_tickers"], SERIES_SHOWN)
    return f"{names}, {run.config['date_start_local']} to {run.config['date_end_local']}"


def _subtitle(run: Run) -> str:
    m, d = run.metrics, run.diagnostics
    return (
        f"Strategy {run.config['strategy']['name']} on probabilities from {run.config['probabilities']['source']}: "
        f"{shown(m['num_trades'], 0)} trades in {d['events_traded']:,} of {d['events_attempted']:,} events, "
        f"P&L {shown(m['total_pnl_usd'], 2)} USD after {shown(m['total_fees_usd'], 2)} USD of fees."
    )


def _summary(run: Run) -> Section:
    said = overall(run)
    words: list[Part] = [Text(said, "strong")] if said else []
    facts = Table(("", ""), _facts(run.config), "ll")
    return Section("summary", "Summary", [sections.tiles(run), *refusals.why_nothing(run, REASONS), *words, facts])


def _facts(config: Mapping[str, Any]) -> list[Row]:
    asof, risk, candles = config["asof_policy"], config["risk"], config["candles"]
    own = {key: value for key, value in config["strategy"].items() if key != "name" and value is not None}
    source = {key: value for key, value in config["probabilities"].items() if key != "source" and value is not None}
    bounds = {key: value for key, value in risk.items() if key.startswith("max_") and value is not None}
    size = {"fixed_qty": "fixed_qty", "ev_proportional": "contracts_per_dollar_ev", "kelly": "kelly_fraction"}[
        risk["sizing"]
    ]
    return [
        ("Markets", ", ".join(f"{series} ({_city(series)[0]})" for series in config["series_tickers"])),
        ("Strategy", _named(config["strategy"]["name"], own)),
        ("Probabilities", _named(config["probabilities"]["source"], source)),
        ("As of", f"{asof['local_time']} on the station's clock, {asof['days_before']} day(s) before the climate date"),
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
    ]


def _named(name: str, settings: Mapping[str, Any]) -> str:
    words = ", ".join(f"{key} {_plain(value)}" for key, value in settings.items())
    return f"{name} ({words})" if words else name


def _plain(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _result(run: Run) -> Section:
    return sections.result(run, METRICS)


def _profit(run: Run) -> Section | None:
    if not run.metrics["num_trades"]:
        return None
    by = (
        ("pnl_by_city", "City", "series_ticker", _city),
        ("pnl_by_month", "Month (UTC)", f"strftime({_LOCAL}, '%Y-%m')", _same),
        ("pnl_by_side", "Side", "side", _same),
        ("pnl_by_price", "Entry price, USD", "least(floor(entry_price * 10), 9)::INT", _tenth),
        ("pnl_by_hour", "Hour of the decision (UTC)", f"hour({_LOCAL})", _hour),
    )
    note = Text(
        "Bars are the P&L, diamonds what the net EV at entry promised. Each is per contract; times are the decision's."
    )
    return Section("profit", "Where the money came from", [note, *(sections.profit_panel(run, *group) for group in by)])


def _city(series: str) -> tuple[str, str]:
    station = climate_days.stations().get(series)
    if station is None:  # of a table that has forgotten it since
        return series, series
    extreme = {"max": "high", "min": "low"}[station.target]
    return f"{station.city} {extreme}", f"{station.cli_code.removeprefix('CLI')} {extreme}"


def _same(name: str) -> tuple[str, str]:
    return name, name


def _tenth(low: int) -> tuple[str, str]:
    words = span(f"{low / 10:.1f}", f"{(low + 1) / 10:.1f}")
    return words, words


def _hour(hour: int) -> tuple[str, str]:
    return f"{hour:02d}:00", f"{hour:02d}"


def _diagnostics(run: Run) -> Section:
    share = shown(run.diagnostics["candles_missing_pct"], 2)
    remark = (
        f"Minutes of the trade windows without a candle: {share} % (nothing changed in them). "
        "events.csv says of each event which candles it has and how they were fetched."
    )
    return refusals.diagnostics(run, REASONS, remark)


def _limits(_: Run) -> Section:
    return sections.limits(LIMITS)


REPORT = Family(
    _title,
    _subtitle,
    (
        _summary,
        sections.equity,
        _result,
        _profit,
        edge,
        calibration,
        sections.best_and_worst,
        _diagnostics,
        refusals.validations,
        _limits,
        sections.reproduce,
    ),
)
