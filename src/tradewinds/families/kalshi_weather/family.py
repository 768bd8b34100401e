"""Daily temperature events as a market family: the seam between them and everything that knows no market by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tradewinds.config.problems import Problems
from tradewinds.core.errors import ConfigError
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.plan import Plan, kalshi_plan

if TYPE_CHECKING:
    from rich.console import Console

    from tradewinds.engine.result import RunResult, Summary
    from tradewinds.families.contract import Subject, Tell
    from tradewinds.results.report.run import Family as Report

# What a config may change without other candles or events: the keys that decide about orders and the clock.
REPLAY_KEYS = frozenset({"risk", "strategy", "fees", "cadence_minutes", "max_quote_age_minutes", "audit"})
_EVENTS = "it decides which events are replayed, and a sweep compares settings over the same events"
NOT_SWEPT = {
    **dict.fromkeys(("series_tickers", "on_missing", "validations"), _EVENTS),
    "audit": "it changes no result",
    "probabilities.source": "the sources have different keys, so each needs its own config",
}
DAYS_PER_YEAR = None
BY_EVENT = True
RULES = ("catalog", "candles", "weather", "forecasts", "probabilities", "calibration", "mirror")
FILES = {"events": "events.csv", "markets": "markets.csv"}
HEADLINES = (("Contracts", "num_contracts"), ("Brier score", "brier"))

plan_of = kalshi_plan


def check(config: dict[str, Any], problems: Problems) -> None:
    """Known series and strategies, exact money, a forecast that can be."""
    for index, series in enumerate(config["series_tickers"]):
        try:
            climate_days.station_of(series)
        except ConfigError as error:
            problems.add(("series_tickers", index), error.what, error.remedy)
    from tradewinds import strategies  # here, because fetch jobs never need one

    try:
        strategies.check(config["strategy"])
    except ConfigError as error:
        own = config["strategy"]["file"]
        what = f"{own}: {error.what}" if own else error.what
        problems.add(("strategy", "file" if own else "name"), what, error.remedy)
    for key in ("start_balance_usd", "max_notional_per_event_usd"):
        value = config["risk"][key]
        if value is not None and Decimal(str(value)).as_tuple().exponent < -6:  # type: ignore[operator]
            problems.add(
                ("risk", key), f"{value} has more than 6 decimals.", "Money is exact to a millionth of a dollar."
            )
    forecast = config["probabilities"]
    if forecast["source"] == "gaussian" and forecast["min_days"] > forecast["trailing_days"]:
        problems.add(
            ("probabilities", "min_days"), "is above trailing_days.", "No day could ever have a forecast; lower it."
        )


def plan_rows(conf: Mapping[str, Any], plan: Plan) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of the dry run: see plan_cost."""
    from tradewinds.families.kalshi_weather.plan_cost import plan_rows as rows

    return rows(dict(conf), plan)


def resources(conf: Mapping[str, Any], parallel: int | None) -> dict[str, int]:
    """Connections to the services, and event jobs at once."""
    api = conf["kalshi"]["max_connections"]
    return {"api": api, "weather": conf["iem"]["max_connections"], "events": parallel or api}


def series(conf: Mapping[str, Any]) -> list[str]:
    """The series of a config."""
    return list(conf["series_tickers"])


def reads(conf: Mapping[str, Any]) -> int:
    """No key of REPLAY_KEYS decides what is read."""
    return 0


def simulate(conf: Mapping[str, Any], plan: Plan, threads: int, tell: Tell) -> RunResult:
    """Replay all events, and write events.csv and markets.csv; raises as kalshi_weather.simulate."""
    from tradewinds.families.kalshi_weather import replay
    from tradewinds.families.kalshi_weather.run_files import write_event_data, write_market_names

    climate = list(plan.climate.values())
    result = replay.simulate(conf, plan.catalogs, _candles(plan), plan.probabilities, threads, climate, tell)
    write_event_data(plan.run_dir, plan.events, dict(result.skipped))
    write_market_names(plan.run_dir, plan.catalogs.values(), {trade.market_ticker for trade in result.trades})
    return result


def simulate_many(configs: Sequence[Mapping[str, Any]], plan: Plan, workers: int) -> list[Summary]:
    """The runs of a sweep's points; raises as kalshi_weather.simulate_many."""
    from tradewinds.families.kalshi_weather import replay

    climate = list(plan.climate.values())
    return replay.simulate_many(
        configs, plan.catalogs, _candles(plan), plan.probabilities, workers, climate, workers=workers
    )


def _candles(plan: Plan) -> dict[Any, str]:
    return {(event.series_ticker, event.climate_date): event.path for event in plan.events}


def validate(conf: Mapping[str, Any], plan: Plan, where: str, console: Console) -> None:
    """Every validation that the data in the folder allows: see validate_command."""
    from tradewinds.families.kalshi_weather.validations.show import validate_events

    validate_events(dict(conf), plan, where, console)


def lookahead(conf: Mapping[str, Any], plan: Plan) -> Subject:
    """Forecast and replay, made again on changed copies of all that was fetched."""
    from tradewinds.families.kalshi_weather.lookahead.changed_inputs import inputs_of
    from tradewinds.families.kalshi_weather.lookahead.subject import EventsRun

    return EventsRun(inputs_of(conf, plan))


def report() -> Report:
    """The report's sections."""
    from tradewinds.families.kalshi_weather.report.sections import REPORT

    return REPORT
