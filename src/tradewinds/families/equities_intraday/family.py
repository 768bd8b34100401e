"""The market family of intraday equities: the object FAMILY, through which all other rooms use this folder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tradewinds.core.errors import ConfigError
from tradewinds.core.text import counted
from tradewinds.families.contract import COMPUTE, FETCH, Findings, Service, Tell, WorkflowRule
from tradewinds.families.early_findings import missing_symbols
from tradewinds.families.equities_intraday import minute_findings
from tradewinds.families.equities_intraday.config_rules import note_problems
from tradewinds.families.equities_intraday.fetch.user_minutes import files_at
from tradewinds.families.equities_intraday.plan import IntradayPlan, intraday_plan
from tradewinds.families.equities_intraday.session_web_tables import RUN_TABLES
from tradewinds.families.plan import are_newer
from tradewinds.families.strategy_file import is_own
from tradewinds.families.strategy_table import Strategy, StrategyTable
from tradewinds.families.symbol_family import SymbolFamily
from tradewinds.reference_data.exchange_calendar import TRADING_DAYS_PER_YEAR
from tradewinds.results.run_files import CSV, FOLDER, JSON, PARQUET, RunFile

if TYPE_CHECKING:
    from tradewinds.archive.archive import Archive
    from tradewinds.archive.routes import Route
    from tradewinds.config.problems import Problems
    from tradewinds.engine.result import RunResult, Summary
    from tradewinds.families.contract import Subject, SummaryTable
    from tradewinds.families.early_findings import EarlyFinding
    from tradewinds.results.report.run import FamilyReport, ReportRun
    from tradewinds.results.report.unit_page import UnitName, UnitPage

_HERE = "families/equities_intraday"
_SELECTS_BARS = "it decides which bars are replayed, and a sweep compares settings over the same ones"

_NOT_SWEPT = {
    **dict.fromkeys(("symbols", "bars", "actions", "on_missing", "calendar"), _SELECTS_BARS),
    "risk.currency": "it changes no result",
    "governance.second_chance_minutes": "it does nothing",
    "governance.flatten_at_session_end": "this family knows only one value",
}
_STRATEGIES = StrategyTable(
    [
        Strategy(
            "opening_range",
            "tradewinds.families.equities_intraday.replay",
            "Enter when price leaves the range of a session's first minutes; out at targets, stop or the session's end.",
            "1.0",
        )
    ]
)


class EquitiesIntraday(SymbolFamily):
    """Intraday equities as a market family; the protocol Family in families/contract.py describes the members."""

    name = "equities_intraday"
    services: Mapping[str, Service] = {"yahoo": Service("chart")}
    workflow_rules = (
        WorkflowRule(
            "fetch_minutes",
            "minutes",
            FETCH,
            wildcards={"symbol": "[A-Z0-9][A-Z0-9.-]*", "month": r"\d{4}-\d{2}"},
        ),
        WorkflowRule(
            "import_minutes",
            "minutes",
            COMPUTE,
            (f"{_HERE}/fetch", f"{_HERE}/schemas.py", "reference_data/exchange_calendar.py", "core"),
        ),
        WorkflowRule(
            "session_panel",
            "minutes",
            COMPUTE,
            (f"{_HERE}/session_panel.py", f"{_HERE}/schemas.py", "reference_data/exchange_calendar.py", "core"),
        ),
    )
    code = (
        "engine/bar_sessions",
        "engine/stepwise",
        "engine/equity.py",
        "engine/journal.py",
        "engine/run_trades.py",
        "engine/trades.py",
        "engine/lots.py",
        "engine/result.py",
        "engine/round_trips.py",
        "reference_data",
        "results",
        "core",
        "families/strategy_file.py",
        "engine/shares/bars.py",  # of the corporate actions
        f"{_HERE}/attribution.py",
        f"{_HERE}/config_rules.py",
        f"{_HERE}/family.py",
        f"{_HERE}/fetch",  # the plan asks it for the first date of the user's files
        f"{_HERE}/minute_findings.py",
        f"{_HERE}/decision_factors.py",
        f"{_HERE}/factor_lines.py",
        f"{_HERE}/metrics.py",
        f"{_HERE}/plan.py",
        f"{_HERE}/r_values.py",
        f"{_HERE}/replay.py",
        f"{_HERE}/run_files.py",
        f"{_HERE}/schemas.py",
        f"{_HERE}/session_panel.py",
        f"{_HERE}/session_rules.py",
    )
    load_code = ()
    run_files = (
        RunFile("trades_r", "trades_r.csv", CSV, "every trade with its opening range, stop, targets and results in R"),
        RunFile("legs", "legs.csv", CSV, "every fill: entries, partial exits, stops"),
        RunFile(
            "sessions", "sessions.csv", CSV, "each session of each symbol: opening range, and why it was not traded"
        ),
        RunFile("factors", "factors.csv", CSV, "each scored decision with the factors that held"),
        RunFile("attribution", "attribution.csv", CSV, "what the trades made with and without each factor"),
        RunFile("chart_bars", "chart_bars.parquet", PARQUET, "bars of the sessions that the report draws"),
        RunFile("all_trades", "all_trades.parquet", PARQUET, "every trade in one row, in money and in R"),
        RunFile("all_trades_csv", "all_trades.csv", CSV, "the same trades as text"),
        RunFile(
            "combined_equity", "combined_equity.parquet", PARQUET, "equity and summed R of all symbols, by session"
        ),
        RunFile("config_json", "config.json", JSON, "the config with all its defaults, as JSON"),
        RunFile("symbols", "symbols", FOLDER, "trades, metrics and equity of each symbol by itself"),
    )
    run_tables = RUN_TABLES
    headlines = (
        ("Total R", "total_r"),
        ("Expectancy, R a trade", "expectancy_r"),
        ("Max drawdown, R", "max_drawdown_r"),
    )
    units_name = "Symbols"
    days_per_year = TRADING_DAYS_PER_YEAR
    invent_archive = None
    around_the_clock = False
    replay_keys = frozenset(
        ("orb", "buffers", "entry", "trade", "risk", "costs", "governance", "factors", "scoring", "filter", "strategy")
    )
    not_swept = _NOT_SWEPT
    strategies = _STRATEGIES
    file_bytes: ClassVar[Mapping[str, int]] = {"bars": 130_000}
    unit_bytes = 130_000  # a month of a symbol's bars in the panel
    tables = None

    def check(self, config: dict[str, Any], problems: Problems) -> None:
        """Note what the schema cannot check: numbers that contradict each other, decimals, calendar, the user's table.

        Args:
            config: the config with all defaults filled in.
            problems: collects what is wrong, each with its key.
        """
        if not is_own(config):
            try:
                _STRATEGIES.find(config["strategy"]["name"], "Your own one needs strategy.file.")
            except ConfigError as error:
                problems.add(("strategy", "name"), error.what, error.remedy)
        note_problems(config, problems)

    def fees(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the commission and slippage of a config, its section `costs`; empty for none."""
        return {} if config["costs"] == "none" else dict(config["costs"])

    def plan(self, config: Mapping[str, Any]) -> IntradayPlan:
        """Return the plan of a config: a file of bars per symbol and month, and the panel; raises as intraday_plan."""
        return intraday_plan(config)

    def cost(self, config: Mapping[str, Any], plan: IntradayPlan) -> tuple[list[dict[str, Any]], list[str]]:
        """Count the files of bars and the requests that a run needs, for the dry run.

        Args:
            config: a resolved config.
            plan: its plan.

        Returns:
            One row for the table of the dry run, and the lines below the table.
        """
        return minute_findings.cost(config, plan)

    def parameters(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a strategy of the user's own is given; opening_range's numbers are sections, which a sweep may set."""
        return dict(config["strategy"]["parameters"] or {})

    def user_files(self, config: Mapping[str, Any]) -> list[str]:
        """Return the paths of the files of bars, corporate actions and strategy that a config names; of a folder, those in it.

        Args:
            config: resolved, or as the user wrote it.
        """
        bars = config.get("bars")
        path = bars.get("path") if isinstance(bars, Mapping) else None
        found = files_at(path) if isinstance(path, str) else []
        strategy = config.get("strategy")
        own = strategy.get("file") if isinstance(strategy, Mapping) else None
        return [*found, *(str(named) for named in (config.get("actions"), own) if named is not None)]

    def replay(self, config: Mapping[str, Any], plan: IntradayPlan, threads: int, tell: Tell) -> RunResult:
        """Replay the sessions of a config and write `run_files`.

        Args:
            config: a resolved config.
            plan: its plan.
            threads: number of threads that the replay may use.
            tell: called with (units of work done, units in all).

        Raises:
            DataMissing: as replay.simulate.
            SimulationError: as replay.simulate.
        """
        from tradewinds.families.equities_intraday import replay

        return replay.simulate(config, plan, threads, tell)

    def replay_many(self, configs: Sequence[Mapping[str, Any]], plan: IntradayPlan, workers: int) -> list[Summary]:
        """Replay the points of a sweep and return a summary of each, in order.

        Args:
            configs: resolved configs that differ in keys of `replay_keys` only.
            plan: their plan.
            workers: number of threads that the replays may use.

        Raises:
            DataMissing: as replay.simulate_many.
            SimulationError: as replay.simulate_many.
        """
        from tradewinds.families.equities_intraday import replay

        return replay.simulate_many(configs, plan, workers)

    def days(self, config: Mapping[str, Any], plan: IntradayPlan) -> list[dt.date]:
        """Return the dates of a config's sessions.

        Args:
            config: a resolved config.
            plan: its plan, whose panel exists.
        """
        from tradewinds.families.equities_intraday import replay

        return replay.run_dates(config, plan)

    def extent(self, plan: IntradayPlan) -> str:
        """Return the number of symbols and sessions of a run, as text."""
        return f"{counted(len(plan.files.symbols), 'symbol')}, {counted(plan.files.sessions, 'session')}"

    def own_inputs(self, config: Mapping[str, Any], plan: IntradayPlan) -> Iterable[EarlyFinding]:
        """Compare the symbols of the user's files of bars with those of the config, unless the files were imported.

        Raises:
            ConfigError: the files cannot be read or are not what the config says.
            DataMissing: none has a bar of the config's symbols.
        """
        if not plan.files.source_files or are_newer(plan.files.bars, plan.files.source_files):
            return ()
        from tradewinds.families.equities_intraday.fetch.user_minutes import symbols_in_files

        present = symbols_in_files(config)
        return missing_symbols(("bars", "path"), config["bars"]["path"], plan.files.symbols, present)

    def validate(self, config: Mapping[str, Any], plan: IntradayPlan) -> Findings:
        """Count the bars and sessions that are there, quarantined rows by reason, and incomplete opening ranges.

        Args:
            config: a resolved config.
            plan: its plan.
        """
        return minute_findings.findings(config, plan)

    def lookahead(self, config: Mapping[str, Any], plan: IntradayPlan) -> Subject:
        """Return the run that the look-ahead check repeats on changed bars and corporate actions."""
        from tradewinds.families.equities_intraday.lookahead import SessionsRun

        return SessionsRun(config, plan)

    def fetched_notes(self, plan: IntradayPlan, fetched: Sequence[str]) -> Iterable[str]:
        """Return what looks wrong in the user's files, as it was found when they were imported."""
        return minute_findings.import_warnings(plan)

    def summary_tables(self, run_dir: Path) -> Iterable[SummaryTable]:
        """Return one table with the figures of each symbol and of all of them.

        Args:
            run_dir: the run's folder.
        """
        from tradewinds.families.equities_intraday.symbol_table import symbol_table

        return (symbol_table(run_dir),)

    def report(self) -> FamilyReport:
        """Return the title and the sections of the report."""
        from tradewinds.families.equities_intraday.report import REPORT

        return REPORT

    def unit_of(self, trade: Mapping[str, Any]) -> UnitName:
        """Return the trade itself: a session may have several."""
        from tradewinds.results.report.unit_page import UnitName

        return UnitName(str(trade["trade_id"]))

    def unit_names(self, run: ReportRun) -> list[str]:
        """Return the symbols of a run, then the ids of its trades."""
        from tradewinds.families.equities_intraday.trade_records import trade_records

        return [*run.config["symbols"], *(trade.trade_id for trade in trade_records(run))]

    def unit_page(self, run: ReportRun, name: str, day: dt.date | None) -> UnitPage:
        """Return the page of a trade, by its id or by its symbol and session: the session's bars with its fills."""
        from tradewinds.families.equities_intraday.session_page import session_page

        return session_page(run, name, day)

    def reason_text(self, code: str) -> str:
        """Return the words for a code of a refusal, an entry or an exit."""
        from tradewinds.families.equities_intraday.orb_reasons import reason_text

        return reason_text(code)

    def archive_routes(self, archive: Archive, cutoff: dt.date | None) -> Mapping[str, Route]:
        """Return the route of the chart API over an archive. The API has one tier, so `cutoff` is not used."""
        from tradewinds.families.equities_intraday import archive_routes

        return archive_routes.routes_of(archive)


FAMILY = EquitiesIntraday()
