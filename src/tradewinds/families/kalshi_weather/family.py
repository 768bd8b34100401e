"""Daily temperature events as a market family: what the rest of the program sees of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tradewinds.core.errors import ConfigError
from tradewinds.families.contract import COMPUTE, DATABASE, FETCH, RESULT, RunFile, Service, Stage, Tell
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.plan import MARKET, EventsPlan, events_plan
from tradewinds.families.kalshi_weather.strategies import table

if TYPE_CHECKING:
    from rich.console import Console

    from tradewinds.archive.archive import Archive
    from tradewinds.archive.routes import Route
    from tradewinds.config.problems import Problems
    from tradewinds.engine.result import RunResult, Summary
    from tradewinds.families.contract import Subject
    from tradewinds.results.report.run import Family as Report

_HERE = "families/kalshi_weather"
_FORECAST_CODE = (
    f"{_HERE}/forecasts",
    f"{_HERE}/climate_days.py",
    f"{_HERE}/stations.csv",
    f"{_HERE}/schemas.py",
    "core",
)
_DATE = r"\d{4}-\d\d-\d\d"
_CSV = "text/csv; charset=utf-8"
_EVENTS = "it decides which events are replayed, and a sweep compares settings over the same events"

_SERVICES = {"kalshi": Service("api", parallel="events"), "iem": Service("weather")}
_NOT_SWEPT = {
    **dict.fromkeys(("series_tickers", "on_missing", "validations"), _EVENTS),
    "audit": "it changes no result",
    "probabilities.source": "the sources have different keys, so each needs its own config",
}


class KalshiWeather:
    """The contract (families/contract.py) for daily temperature events."""

    name = MARKET
    services = _SERVICES
    stages = (
        Stage("sync_catalog", "catalog", FETCH, wildcards={"series": "[A-Z0-9]+"}),
        Stage(
            "fetch_candles", "candles", FETCH, wildcards={"window": r"full_\d+m|trade_\d{4}_d\d+_\d+m", "date": _DATE}
        ),
        Stage("fetch_guidance", "weather", FETCH, wildcards={"station": "[A-Z0-9]{4}", "model": "[A-Z]+"}),
        Stage("fetch_climate", "weather", FETCH, wildcards={"year": r"\d{4}"}),
        Stage(
            "forecast",
            "forecasts",
            COMPUTE,
            _FORECAST_CODE,
            {"digest": "[0-9a-f]{20}", "target": "max|min", "through": _DATE},
        ),
        Stage("probabilities", "probabilities", COMPUTE, (*_FORECAST_CODE, f"{_HERE}/strikes.py")),
        Stage("calibration", "calibration", RESULT, (*_FORECAST_CODE, f"{_HERE}/strikes.py", f"{_HERE}/calibration")),
        Stage("mirror_candles", "mirror", DATABASE),
    )
    code = (
        *("engine/equity.py", "engine/result.py", "engine/event_contracts", "results", "core"),
        *(f"{_HERE}/{name}.py" for name in ("family", "replay", "batches", "events", "trade_windows", "strikes")),
        *(f"{_HERE}/{name}" for name in ("climate_days.py", "stations.csv", "schemas.py", "run_files.py")),
        *(f"{_HERE}/validations", f"{_HERE}/strategies"),
    )
    run_files = (
        RunFile("events", "events.csv", _CSV, "the data that each event was replayed on"),
        RunFile("markets", "markets.csv", _CSV, "what the exchange calls the markets that were traded"),
    )
    headlines = (("Contracts", "num_contracts"), ("Brier score", "brier"))
    days_per_year = None
    # What a config may change without other candles or events: the keys that decide about orders and the clock.
    replay_keys = frozenset({"risk", "strategy", "fees", "cadence_minutes", "max_quote_age_minutes", "audit"})
    not_swept = _NOT_SWEPT
    strategies = table.STRATEGIES

    def check(self, config: dict[str, Any], problems: Problems) -> None:
        """Known series and strategies, exact money, a forecast that can be."""
        for index, series in enumerate(config["series_tickers"]):
            try:
                climate_days.station_of(series)
            except ConfigError as error:
                problems.add(("series_tickers", index), error.what, error.remedy)
        try:
            table.check(config["strategy"])
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

    def currency(self, config: Mapping[str, Any]) -> str:
        """The exchange's accounts are in US dollars."""
        return "USD"

    def fees(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """How the exchange's fee is rounded."""
        return dict(config["fees"])

    def series(self, config: Mapping[str, Any]) -> list[str]:
        """The series of a config."""
        return list(config["series_tickers"])

    def date_of(self, event: str, decision_date: dt.date) -> dt.date:
        """The climate date of the trade's event."""
        return climate_days.climate_date_of(event)

    def plan(self, config: Mapping[str, Any]) -> EventsPlan:
        """The files of a config's events."""
        return events_plan(dict(config))

    def cost(self, config: Mapping[str, Any], plan: EventsPlan) -> tuple[list[dict[str, Any]], list[str]]:
        """Rows of the dry run: see plan_cost."""
        from tradewinds.families.kalshi_weather.plan_cost import plan_rows

        return plan_rows(dict(config), plan)

    def parameters(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Those that the config gives a user's strategy; a built-in one has none."""
        strategy = config["strategy"]
        return (strategy["parameters"] or {}) if strategy["file"] is not None else {}

    def reads(self, config: Mapping[str, Any]) -> int:
        """Signals look at no earlier bars."""
        return 0

    def replay(self, config: Mapping[str, Any], plan: EventsPlan, threads: int, tell: Tell) -> RunResult:
        """Replay all events, and write events.csv and markets.csv; raises as replay.simulate."""
        from tradewinds.families.kalshi_weather import replay, run_files

        made, climate = plan.files, list(plan.files.climate.values())
        result = replay.simulate(config, made.catalogs, made.candles, made.probabilities, threads, climate, tell)
        run_files.write_event_data(plan.run_dir, made.events, dict(result.skipped))
        traded = {trade.market_ticker for trade in result.trades}
        run_files.write_market_names(plan.run_dir, made.catalogs.values(), traded)
        return result

    def replay_many(self, configs: Sequence[Mapping[str, Any]], plan: EventsPlan, workers: int) -> list[Summary]:
        """The runs of a sweep's points; raises as replay.simulate_many."""
        from tradewinds.families.kalshi_weather import replay

        made, climate = plan.files, list(plan.files.climate.values())
        return replay.simulate_many(
            configs, made.catalogs, made.candles, made.probabilities, workers, climate, workers=workers
        )

    def validate(self, config: Mapping[str, Any], plan: EventsPlan, where: str, console: Console) -> None:
        """Every validation that the data in the folder allows: see validations.show."""
        from tradewinds.families.kalshi_weather.validations.show import validate_events

        validate_events(dict(config), plan, where, console)

    def lookahead(self, config: Mapping[str, Any], plan: EventsPlan) -> Subject:
        """Forecast and replay, made again on changed copies of all that was fetched."""
        from tradewinds.families.kalshi_weather.lookahead.changed_inputs import inputs_of
        from tradewinds.families.kalshi_weather.lookahead.subject import EventsRun

        return EventsRun(inputs_of(config, plan))

    def report(self) -> Report:
        """The report's sections."""
        from tradewinds.families.kalshi_weather.report.sections import REPORT

        return REPORT

    def archive_routes(self, archive: Archive, cutoff: dt.date | None) -> Mapping[str, Route]:
        """The routes of the exchange and of the weather service."""
        from tradewinds.families.kalshi_weather.archive import exchange_routes, weather_routes
        from tradewinds.families.kalshi_weather.archive.event_archive import EventArchive

        events = EventArchive(archive.folder)
        return {**exchange_routes.routes_of(events, cutoff), **weather_routes.routes_of(events)}


FAMILY = KalshiWeather()
