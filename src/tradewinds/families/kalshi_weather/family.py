"""Daily temperature events as a market family: the object FAMILY by which all other rooms use it."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tradewinds.core.errors import ConfigError
from tradewinds.core.text import counted
from tradewinds.families.contract import COMPUTE, DATABASE, FETCH, RESULT, Service, Tell, WorkflowRule
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.event_web_tables import RUN_TABLES
from tradewinds.families.kalshi_weather.plan import CALIBRATION, CURRENCY, MARKET, EventsPlan, events_plan
from tradewinds.families.kalshi_weather.pooling.probability_sources import (
    DISTRIBUTION,
    POOLED,
    base_of,
    complete_asof_policy,
    is_latest,
    on_dates,
    pool_of,
)
from tradewinds.families.kalshi_weather.strategies import weather_strategies
from tradewinds.results.run_files import CSV, JSON, RunFile

if TYPE_CHECKING:
    from types import ModuleType

    import sqlalchemy as sa

    from tradewinds.archive.archive import Archive
    from tradewinds.archive.routes import Route
    from tradewinds.config.problems import Problems
    from tradewinds.engine.result import RunResult, Summary
    from tradewinds.families.contract import Findings, Subject, SummaryTable
    from tradewinds.families.early_findings import EarlyFinding
    from tradewinds.results.report.run import FamilyReport, ReportRun
    from tradewinds.results.report.unit_page import UnitName, UnitPage

FIRST_MARKET = dt.date(2010, 1, 1)  # the first ones were listed in 2021
_HERE = "families/kalshi_weather"
_FORECAST_CODE = (
    f"{_HERE}/forecasts",
    f"{_HERE}/climate_days.py",
    f"{_HERE}/stations.csv",
    f"{_HERE}/schemas.py",
    "core",
)
_POOLING_CODE = (*(f"{_HERE}/{name}" for name in ("strikes.py", "listed_markets.py", "pooling")), "results/edge")
_CALIBRATION_CODE = (
    *_POOLING_CODE,
    *(f"{_HERE}/{name}" for name in ("metrics.py", "calibration", "validations")),
    "results/metrics.py",
)
_DATE = r"\d{4}-\d\d-\d\d"
_EVENTS = "it decides which events are replayed, and a sweep compares settings over the same events"

_MOST_DECIMALS = 18  # of a share: the kernel multiplies with its denominator, which is below 2^63 then
_SERVICES = {"kalshi": Service("api", parallel="events"), "iem": Service("weather")}
_NOT_SWEPT = {
    **dict.fromkeys(("series_tickers", "on_missing", "validations"), _EVENTS),
    "audit": "it changes no result",
    "probabilities.source": "the sources have different keys, so each needs its own config",
}


def _check_training(config: Mapping[str, Any], problems: Problems) -> None:
    """Note dates from which a pool cannot be fitted."""
    named = config["probabilities"][POOLED]["train_from"]
    if named is not None and not FIRST_MARKET.isoformat() <= named <= config["date_end_local"]:
        what = f"{named} is not between {FIRST_MARKET} and date_end_local {config['date_end_local']}."
        problems.add(("probabilities", POOLED, "train_from"), what, "Begin where there are events to fit to.")


class KalshiWeather:
    """Daily temperature events, by the contract of families/contract.py."""

    name = MARKET
    services = _SERVICES
    workflow_rules = (
        WorkflowRule("sync_catalog", "catalog", FETCH, wildcards={"series": "[A-Z0-9]+"}),
        WorkflowRule(
            "fetch_candles", "candles", FETCH, wildcards={"window": r"full_\d+m|trade_\d{4}_d\d+_\d+m", "date": _DATE}
        ),
        WorkflowRule("fetch_guidance", "weather", FETCH, wildcards={"station": "[A-Z0-9]{4}", "model": "[A-Z]+"}),
        WorkflowRule("fetch_climate", "weather", FETCH, wildcards={"year": r"\d{4}"}),
        WorkflowRule("fetch_observations", "weather", FETCH),
        WorkflowRule(
            "forecast",
            "forecasts",
            COMPUTE,
            _FORECAST_CODE,
            {"digest": "[0-9a-f]{20}", "target": "max|min", "through": _DATE},
        ),
        WorkflowRule("probabilities", "probabilities", COMPUTE, (*_FORECAST_CODE, *_POOLING_CODE)),
        WorkflowRule("calibration", "calibration", RESULT, (*_FORECAST_CODE, *_CALIBRATION_CODE)),
        WorkflowRule("mirror_candles", "mirror", DATABASE),
    )
    code = (
        "engine/equity.py",
        "engine/journal.py",
        "engine/run_trades.py",
        "engine/trades.py",
        "engine/lots.py",
        "engine/result.py",
        "engine/round_trips.py",
        "engine/event_contracts",
        "engine/stepwise",
        "families/strategy_file.py",
        "results",
        "core",
        f"{_HERE}/family.py",
        f"{_HERE}/replay.py",
        f"{_HERE}/batches.py",
        f"{_HERE}/events.py",
        f"{_HERE}/damaged_events.py",
        f"{_HERE}/fee_schedule.py",
        f"{_HERE}/traded_volume.py",
        f"{_HERE}/trades_of_fills.py",
        f"{_HERE}/order_book_file.py",
        f"{_HERE}/levels_key.py",
        f"{_HERE}/listed_markets.py",
        f"{_HERE}/tradable_markets.py",
        f"{_HERE}/trade_windows.py",
        f"{_HERE}/strikes.py",
        f"{_HERE}/pooling/probability_sources.py",
        f"{_HERE}/climate_days.py",
        f"{_HERE}/stations.csv",
        f"{_HERE}/schemas.py",
        f"{_HERE}/run_files.py",
        f"{_HERE}/metrics.py",
        f"{_HERE}/validations",
        f"{_HERE}/strategies",
    )
    load_code = tuple(f"{_HERE}/{name}" for name in ("database", "schemas.py", "climate_days.py", "stations.csv"))
    run_files = (
        RunFile("events", "events.csv", CSV, "the data that each event was replayed on"),
        RunFile("markets", "markets.csv", CSV, "what the exchange calls the markets that were traded"),
        RunFile(
            "calibration", CALIBRATION, JSON, "how good probabilities and temperatures were", made_by="calibration"
        ),
    )
    run_tables = RUN_TABLES
    headlines = (("Contracts", "num_contracts"), ("Brier score", "brier"))
    units_name = "Events"
    days_per_year = climate_days.DAYS_PER_YEAR
    around_the_clock = True
    # Keys of orders and of the clock of decisions: they change neither the candles nor the events that are read.
    replay_keys = frozenset(
        {"risk", "strategy", "fees", "cadence_minutes", "max_quote_age_minutes", "audit", "execution_model", "resting"}
    )
    not_swept = _NOT_SWEPT
    strategies = weather_strategies.STRATEGIES
    file_bytes: ClassVar[Mapping[str, int]] = {
        "catalog": 500_000,
        "weather": 15_000,
        "candles": 57_000,
        "forecasts": 62_000,
    }
    unit_bytes = 400  # an event's rows in the table of probabilities

    @property
    def tables(self) -> ModuleType:
        """The module of the tables of events, markets, checkpoints and mirrored candles.

        It is imported here, because most jobs need no database.
        """
        from tradewinds.families.kalshi_weather.database import kalshi_tables

        return kalshi_tables

    def check(self, config: dict[str, Any], problems: Problems) -> None:
        """Note unknown series and strategies, amounts with too many decimals, and windows too short for any forecast.

        Args:
            config: resolved.
            problems: to which problems are added.
        """
        complete_asof_policy(config["asof_policy"])
        if dt.date.fromisoformat(config["date_start_local"]) < FIRST_MARKET:
            what = f"is before {FIRST_MARKET}: the exchange had no market of temperatures."
            problems.add(("date_start_local",), what, "Begin where there is data.")
        for index, series in enumerate(config["series_tickers"]):
            if problems.are_enough:
                problems.not_shown += len(config["series_tickers"]) - index
                break  # an error fits a screen, and finding the nearest names takes time
            try:
                climate_days.station_of(series)
            except ConfigError as error:
                problems.add(("series_tickers", index), error.what, error.remedy)
        try:
            weather_strategies.check(config["strategy"], config["execution_model"])
        except ConfigError as error:
            users_file = config["strategy"]["file"]
            what = f"{users_file}: {error.what}" if users_file else error.what
            problems.add(("strategy", "file" if users_file else "name"), what, error.remedy)
        built_in_maker = config["execution_model"] == "maker" and config["strategy"]["file"] is None
        if built_in_maker and config["risk"]["sizing"] == "kelly":
            problems.add(("risk", "sizing"), "is kelly, and resting orders have no Kelly stake.", "Use fixed_qty.")
        amounts = (("risk", "start_balance_usd"), ("risk", "max_notional_per_event_usd"))
        problems.check_decimals(config, amounts, 6, "Money is exact to a millionth of a dollar.")
        values = (("risk", "min_ev_per_contract"),)
        problems.check_decimals(config, values, 12, "Expected values are exact to 12 decimals; give it fewer.")
        shares = (("risk", "kelly_fraction"), ("risk", "max_volume_share"))
        problems.check_decimals(
            config, shares, _MOST_DECIMALS, "Contracts are counted exactly with that many; give it fewer."
        )
        forecast = base_of(config["probabilities"])
        if forecast["source"] == "gaussian" and forecast["min_days"] > forecast["trailing_days"]:
            problems.add(
                ("probabilities", "min_days"), "is above trailing_days.", "No day could ever have a forecast; lower it."
            )
        if pool_of(config["probabilities"]):
            _check_training(config, problems)
            if is_latest(config):
                what = "is latest, and a pool shrinks the forecast towards the price of one time."
                problems.add(("asof_policy", "mode"), what, "Use fixed, or another source of probabilities.")

    def currency(self, config: Mapping[str, Any]) -> str:
        """USD, the currency of the exchange's accounts."""
        return CURRENCY

    def fees(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """The config's section `fees`: how the exchange's fee is rounded."""
        return dict(config["fees"])

    def series(self, config: Mapping[str, Any]) -> list[str]:
        """Tickers of a config's series."""
        return list(config["series_tickers"])

    def date_of(self, event: str, decision_date: dt.date) -> dt.date:
        """Climate date of a trade's event; the date of the decision is not used."""
        return climate_days.climate_date_of(event)

    def plan(self, config: Mapping[str, Any]) -> EventsPlan:
        """The plan of a config's events and files."""
        return events_plan(dict(config))

    def cost(self, config: Mapping[str, Any], plan: EventsPlan) -> tuple[list[dict[str, Any]], list[str]]:
        """Rows of the dry run's table and notes under it, as `plan_cost.plan_rows`."""
        from tradewinds.families.kalshi_weather.plan_cost import plan_rows

        return plan_rows(dict(config), plan)

    def parameters(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Parameters that the config gives to a user's strategy; a built-in strategy has none."""
        strategy = config["strategy"]
        return (strategy["parameters"] or {}) if strategy["file"] is not None else {}

    def default_grid(self, config: Mapping[str, Any]) -> Sequence[str]:
        """Return no values: this family has no default grid."""
        return ()

    def user_files(self, config: Mapping[str, Any]) -> list[str]:
        """Return the paths of the files of probabilities, of the strategy and of order books that a config names.

        Args:
            config: resolved, or as the user wrote it.
        """
        sections = {"probabilities": "path", "strategy": "file", "liquidity": "levels"}
        named = [config[name].get(key) for name, key in sections.items() if isinstance(config.get(name), Mapping)]
        return [str(path) for path in named if path is not None]

    def reads(self, config: Mapping[str, Any]) -> int:
        """0: strategies of this family use no earlier bars."""
        return 0

    def replay(self, config: Mapping[str, Any], plan: EventsPlan, threads: int, tell: Tell) -> RunResult:
        """Replay all events, and write events.csv and markets.csv into the run's folder.

        Args:
            config: resolved.
            plan: of the config; its data files exist.
            threads: of DuckDB.
            tell: called with the numbers of events done and of all events.

        Raises:
            SimulationError: as from `replay.replay_events`.
        """
        from tradewinds.families.kalshi_weather import replay, run_files

        event_files = plan.files
        result = replay.replay_events(
            config,
            event_files.catalogs,
            event_files.candles,
            event_files.probabilities,
            threads=threads,
            climate=list(event_files.climate.values()),
            tell=tell,
            variants=True,
        )
        run_files.write_event_data(plan.run_dir, event_files.events, dict(result.skipped))
        traded = {trade.market_ticker for trade in result.trades}
        run_files.write_market_names(plan.run_dir, event_files.catalogs.values(), traded)
        return result

    def replay_many(self, configs: Sequence[Mapping[str, Any]], plan: EventsPlan, workers: int) -> list[Summary]:
        """Summaries of the runs of a sweep's points, which share one plan.

        Args:
            configs: resolved; they differ in `replay_keys` only.
            plan: of any of them.
            workers: threads, of DuckDB and of the replays.

        Raises:
            SimulationError: as from `replay.replay_events_many`.
        """
        from tradewinds.families.kalshi_weather import replay

        event_files = plan.files
        return replay.replay_events_many(
            configs,
            event_files.catalogs,
            event_files.candles,
            event_files.probabilities,
            threads=workers,
            climate=list(event_files.climate.values()),
            workers=workers,
        )

    def days(self, config: Mapping[str, Any], plan: EventsPlan) -> list[dt.date]:
        """Climate days of the config on which its catalogs list an event.

        Args:
            config: resolved.
            plan: of the config; its catalogs exist.
        """
        from tradewinds.families.kalshi_weather.listed_markets import listed_markets

        return sorted({day for path in plan.files.catalogs.values() for day in listed_markets(path, config)})

    def on_dates(self, config: Mapping[str, Any], first: dt.date, last: dt.date) -> dict[str, Any]:
        """The config of a part of its dates, whose pool is fitted to what the whole config fits it to."""
        return on_dates(config, first, last)

    def extent(self, plan: EventsPlan) -> str:
        """Number of a run's events, as text."""
        return counted(len(plan.files.events), "event")

    def own_inputs(self, config: Mapping[str, Any], plan: EventsPlan) -> Iterator[EarlyFinding]:
        """Say how many rows of the user's probabilities and order books the run can use.

        Raises:
            SimulationError: a file cannot be read, or a row is wrong.
        """
        if plan.files.user_probabilities is not None:
            from tradewinds.families.kalshi_weather import probability_coverage

            if base_of(config["probabilities"])["source"] == DISTRIBUTION:
                yield from probability_coverage.look_at_distributions(config, plan)
            else:
                yield from probability_coverage.look_at_probabilities(config, plan)
        if plan.files.order_books is not None:
            from tradewinds.families.kalshi_weather import order_book_coverage

            yield from order_book_coverage.look_at_order_books(config, plan)

    def validate(self, config: Mapping[str, Any], plan: EventsPlan) -> Findings:
        """Findings of every validation for which the data exists, as from `validate_data.validate_events`.

        Raises:
            DamagedFile: a file is not what was written.
        """
        from tradewinds.families.kalshi_weather.validate_data import validate_events

        return validate_events(dict(config), plan)

    def lookahead(self, config: Mapping[str, Any], plan: EventsPlan) -> Subject:
        """The run for the look-ahead check, which repeats forecast and replay on changed copies of the fetched data."""
        from tradewinds.families.kalshi_weather.lookahead.changed_inputs import inputs_of
        from tradewinds.families.kalshi_weather.lookahead.subject import EventsRun

        return EventsRun(inputs_of(config, plan))

    def load_extra(
        self, connection: sa.Connection, run: Mapping[str, Any], recorded: Mapping[str, Sequence[str]]
    ) -> None:
        """Load events and markets from the catalogs, and the checkpoints of candle files, as `run_rows.load_rows`.

        Args:
            connection: to the database.
            run: the run's row.
            recorded: data files by kind.
        """
        from tradewinds.families.kalshi_weather.database import run_rows

        run_rows.load_rows(connection, (run["date_start"], run["date_end"]), recorded)

    def result_jobs(self, config: Mapping[str, Any], plan: EventsPlan) -> Mapping[str, Callable[[], None]]:
        """Return what scores a run's probabilities.

        Args:
            config: resolved.
            plan: of a run that has been replayed.
        """
        from tradewinds.families.kalshi_weather.calibration.inputs import write_scores  # imports DuckDB

        return {"calibration": lambda: write_scores(dict(config), plan, plan.results[0])}

    def backfill(
        self, config: Mapping[str, Any], plan: EventsPlan, reasons: Callable[[], Mapping[str, str]]
    ) -> contextlib.AbstractContextManager[None]:
        """A block in which the missing candle files are fetched; it updates their checkpoints, as `checkpoints.backfill`.

        Args:
            config: resolved.
            plan: of the config.
            reasons: called at the end of the block; why files could not be fetched, by path.
        """
        missing = [event.path for event in (*plan.files.training, *plan.files.events) if not Path(event.path).exists()]
        if not missing:
            return contextlib.nullcontext()  # opens no database
        from tradewinds.families.kalshi_weather.database import checkpoints

        return checkpoints.backfill(config["database"]["url"], missing, reasons)

    def fetched_notes(self, plan: EventsPlan, fetched: Sequence[str]) -> Iterable[str]:
        """One sentence per synced catalog about what it lists, per model that the weather service lacks, and on open events.

        Args:
            plan: of the run.
            fetched: paths of the files that were fetched.
        """
        from tradewinds.families.kalshi_weather import missing_guidance
        from tradewinds.families.kalshi_weather.fetch import catalog_notes

        catalogs = set(plan.files.catalogs.values())
        listed = [catalog_notes.note_of(path) for path in fetched if path in catalogs]
        return [*listed, *missing_guidance.notes_of(plan.files.guidance), *_open_notes(plan)]

    def summary_tables(self, run_dir: Path) -> Iterable[SummaryTable]:
        """Return no tables below the summary of a run."""
        return ()

    def report(self) -> FamilyReport:
        """Title and sections of the family's report."""
        from tradewinds.families.kalshi_weather.report.event_sections import REPORT

        return REPORT

    def unit_of(self, trade: Mapping[str, Any]) -> UnitName:
        """Return the trade's event."""
        from tradewinds.results.report.unit_page import UnitName

        return UnitName(str(trade["event_ticker"]))

    def unit_names(self, run: ReportRun) -> list[str]:
        """Return the series of a run, the tickers of its events, and those of the markets that were traded."""
        from tradewinds.families.kalshi_weather.report.event_data import events_by_ticker, plan_of

        traded = run.query("SELECT DISTINCT market_ticker FROM trades ORDER BY 1")
        return [*run.config["series_tickers"], *events_by_ticker(plan_of(run)), *(ticker for (ticker,) in traded)]

    def unit_page(self, run: ReportRun, name: str, day: dt.date | None) -> UnitPage:
        """Return the page of an event: quotes of its markets, probabilities, fills, refusals and settlement."""
        from tradewinds.families.kalshi_weather.report.event_chart import event_page

        return event_page(run, name, day)

    def market_words(self, folder: Path, markets: Collection[str]) -> Mapping[str, str]:
        """Return the brackets of markets, from the run's markets.csv."""
        from tradewinds.families.kalshi_weather.run_files import bracket_names

        return bracket_names(folder, markets)

    def reason_text(self, code: str) -> str:
        """Return the words for a code of a skip, a refusal or an entry."""
        from tradewinds.families.kalshi_weather.report.reasons import reason_text

        return reason_text(code)

    def refusal_text(self, code: str) -> str:
        """A code of a skip or a refusal in plain words; see contract.Family.refusal_text."""
        from tradewinds.families.kalshi_weather.report.reasons import refusal_text

        return refusal_text(code)

    def invent_archive(self, folder: Path, seed: int) -> None:
        """Make an archive of invented temperature events: the same seed makes the same bytes."""
        from tradewinds.families.kalshi_weather.archive.synthetic import make_synthetic

        make_synthetic(folder, seed=seed)

    def archive_routes(self, archive: Archive, cutoff: dt.date | None) -> Mapping[str, Route]:
        """Routes of the exchange and of the weather service, for the archive's server.

        Args:
            archive: of recorded data.
            cutoff: markets settled before midnight UTC of this date are in the historical tier; None: all markets are.
        """
        from tradewinds.families.kalshi_weather.archive import exchange_routes, weather_routes
        from tradewinds.families.kalshi_weather.archive.event_archive import EventArchive

        events = EventArchive(archive.folder, archive.clock)
        return {**exchange_routes.routes_of(events, cutoff), **weather_routes.routes_of(events)}


def _open_notes(plan: EventsPlan) -> Iterable[str]:
    """Say which events are left out because they are open."""
    from tradewinds.families.kalshi_weather.damaged_events import is_still_open

    found = [
        f"{event.series_ticker} {event.climate_date}"
        for event in plan.files.events
        if Path(event.path).exists() and is_still_open(event.path)
    ]
    if found:
        them = "it" if len(found) == 1 else "them"
        remedy = f"`tradewinds today` shows {them} now; run again after the close."
        yield f"{', '.join(found)}: still open, left out as UNSETTLED. {remedy}"


FAMILY = KalshiWeather()
