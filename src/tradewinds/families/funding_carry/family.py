"""The market family of funding carry: the object FAMILY, through which all other rooms use this folder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tradewinds.core.text import counted
from tradewinds.families.contract import COMPUTE, FETCH, Findings, Service, Tell, WorkflowRule
from tradewinds.families.early_findings import missing_symbols
from tradewinds.families.funding_carry import carry_findings
from tradewinds.families.funding_carry.carry_config_rules import note_problems
from tradewinds.families.funding_carry.carry_web_tables import RUN_TABLES
from tradewinds.families.funding_carry.fetch.perp_files import files_at
from tradewinds.families.funding_carry.plan import CarryPlan, carry_plan
from tradewinds.families.funding_carry.strategy_settings import DEFAULT_GRIDS, STRATEGIES, is_own
from tradewinds.families.plan import are_newer
from tradewinds.families.symbol_family import SymbolFamily
from tradewinds.results.run_files import CSV, PARQUET, RunFile

if TYPE_CHECKING:
    from types import ModuleType

    import sqlalchemy as sa

    from tradewinds.archive.archive import Archive
    from tradewinds.archive.routes import Route
    from tradewinds.config.problems import Problems
    from tradewinds.engine.result import RunResult, Summary
    from tradewinds.families.contract import Subject
    from tradewinds.families.early_findings import EarlyFinding
    from tradewinds.results.report.run import FamilyReport, ReportRun
    from tradewinds.results.report.unit_page import UnitName, UnitPage

_HERE = "families/funding_carry"
_SELECTS_RECORDS = "it decides which records are replayed, and a sweep compares settings over the same ones"
_SETS_PARAMETERS = "it stands for parameters: sweep these (strategy.parameters…)"

_NOT_SWEPT = {
    **dict.fromkeys(("symbols", "data", "instruments", "on_missing"), _SELECTS_RECORDS),
    **dict.fromkeys(("strategy.name", "strategy.preset"), _SETS_PARAMETERS),
    "risk.currency": "it changes no result",
}


_WITHOUT = "on_missing.data says what a run does without them."


class FundingCarry(SymbolFamily):
    """Funding carry as a market family; the protocol Family in families/contract.py describes the members."""

    name = "funding_carry"
    services: Mapping[str, Service] = {
        "binance_bulk": Service("binance"),
        "binance_futures": Service("binance"),
        "binance_spot": Service("binance"),
        "bybit": Service("bybit"),
        "okx": Service("okx"),
        "hyperliquid": Service("hyperliquid"),
    }
    workflow_rules = (
        WorkflowRule(
            "fetch_perp_month",
            "fetch",
            FETCH,
            wildcards={"perp": "[A-Z0-9-]+", "records": "[a-z]+[A-Za-z0-9_-]*", "month": r"\d{4}-\d{2}"},
        ),
        WorkflowRule("fetch_instruments", "fetch", FETCH),
        WorkflowRule(
            "import_perps",
            "panel",
            COMPUTE,
            (
                f"{_HERE}/exact_columns.py",
                f"{_HERE}/fetch",
                f"{_HERE}/instruments.py",
                f"{_HERE}/schemas.py",
                f"{_HERE}/symbols.py",
                "core",
            ),
        ),
        WorkflowRule(
            "carry_panel",
            "panel",
            COMPUTE,
            (
                f"{_HERE}/carry_panel.py",
                f"{_HERE}/exact_columns.py",
                f"{_HERE}/fetch/perp_files.py",
                f"{_HERE}/instruments.py",
                f"{_HERE}/make_panel.py",
                f"{_HERE}/schemas.py",
                f"{_HERE}/symbols.py",
                "core",
            ),
        ),
    )
    code = (
        "engine/carry",
        "engine/stepwise",
        "families/strategy_file.py",
        "engine/equity.py",
        "engine/journal.py",
        "engine/lots.py",
        "engine/result.py",
        "engine/round_trips.py",
        "engine/run_trades.py",
        "engine/trades.py",
        "results",
        "core",
        f"{_HERE}/carry_config_rules.py",  # it fills in the parameters of presets
        f"{_HERE}/carry_panel.py",
        f"{_HERE}/family.py",
        f"{_HERE}/fee_schedules.py",
        f"{_HERE}/fetch/perp_files.py",
        f"{_HERE}/fetch/perp_stamps.py",
        f"{_HERE}/fetch/source_reach.py",
        f"{_HERE}/instruments.py",
        f"{_HERE}/metrics.py",
        f"{_HERE}/plan.py",
        f"{_HERE}/replay.py",
        f"{_HERE}/run_files.py",
        f"{_HERE}/run_rules.py",
        f"{_HERE}/schemas.py",
        f"{_HERE}/strategy_settings.py",
        f"{_HERE}/symbols.py",
    )
    load_code = (f"{_HERE}/database",)
    run_files = (
        RunFile(
            "round_trips", "positions.csv", CSV, "every position: where its profit came from, and when it broke even"
        ),
        RunFile("round_trips_table", "positions.parquet", PARQUET, "the same positions with exact types"),
        RunFile("funding", "funding.csv", CSV, "every funding payment"),
        RunFile("funding_table", "funding.parquet", PARQUET, "the same payments with exact types"),
        RunFile(
            "carry_series", "carry_series.parquet", PARQUET, "rates, scores and what was held, as the report draws"
        ),
    )
    run_tables = RUN_TABLES
    headlines = (
        ("Funding, {currency}", "funding"),
        ("Price P&L, {currency}", "price_pnl"),
        ("Slippage, {currency}", "slippage"),
        ("Borrow, {currency}", "borrow"),
        ("Liquidation cost, {currency}", "liquidation_cost"),
        ("Payments to break even, median", "breakeven_periods"),
        ("Time in market, %", "time_in_market_pct"),
    )
    units_name = "Symbols"
    days_per_year = 365
    invent_archive = None
    around_the_clock = True
    replay_keys = frozenset(("strategy", "execution", "costs", "margin", "risk"))
    not_swept = _NOT_SWEPT
    strategies = STRATEGIES
    file_bytes: ClassVar[Mapping[str, int]] = {"instruments": 100_000, "records": 24_000}
    unit_bytes = 24_000  # a month of a symbol's records of one kind in the panel

    @property
    def tables(self) -> ModuleType:
        """The module of the tables of positions and payments; imported here, because most jobs need no database."""
        from tradewinds.families.funding_carry.database import carry_tables

        return carry_tables

    def check(self, config: dict[str, Any], problems: Problems) -> None:
        """Note what the schema cannot check, and fill in the strategy's parameters and what follows from other keys.

        Args:
            config: the config with all defaults of the schema.
            problems: collects what is wrong, each with its key.
        """
        note_problems(config, problems)

    def plan(self, config: Mapping[str, Any]) -> CarryPlan:
        """Return the plan of a config: a file per symbol, month and kind of record, and the panel; raises as carry_plan."""
        return carry_plan(config)

    def cost(self, config: Mapping[str, Any], plan: CarryPlan) -> tuple[list[dict[str, Any]], list[str]]:
        """Count the files and requests that a run needs, for the dry run.

        Args:
            config: a resolved config.
            plan: its plan.

        Returns:
            A row per kind of record for the table of the dry run, and the lines below the table.
        """
        return carry_findings.cost(config, plan)

    def parameters(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the parameters of a config's strategy, defaults included: a sweep may set each of them."""
        found: Mapping[str, Any] = config["strategy"]["parameters"]
        return found

    def default_grid(self, config: Mapping[str, Any]) -> Sequence[str]:
        """Return the thresholds that `sweep --grid default` tries, and for the composite strategy a weight.

        A strategy of the user's own has none.
        """
        return () if is_own(config["strategy"]) else DEFAULT_GRIDS[config["strategy"]["name"]]

    def user_files(self, config: Mapping[str, Any]) -> list[str]:
        """Return the paths of the files of records and of the strategy that a config names; of a folder, those in it.

        Args:
            config: resolved, or as the user wrote it.
        """
        data = config.get("data")
        path = data.get("path") if isinstance(data, Mapping) else None
        strategy = config.get("strategy")
        own = strategy.get("file") if isinstance(strategy, Mapping) else None
        return [*(files_at(path) if isinstance(path, str) else []), *([str(own)] if own is not None else [])]

    def replay(self, config: Mapping[str, Any], plan: CarryPlan, threads: int, tell: Tell) -> RunResult:
        """Replay the settlements of a config and write `run_files`.

        Args:
            config: a resolved config.
            plan: its plan.
            threads: number of threads that the replay may use.
            tell: called with (units of work done, units in all).

        Raises:
            SimulationError: as replay.simulate.
        """
        from tradewinds.families.funding_carry import replay

        return replay.simulate(config, plan, threads, tell)

    def replay_many(self, configs: Sequence[Mapping[str, Any]], plan: CarryPlan, workers: int) -> list[Summary]:
        """Replay the points of a sweep and return a summary of each, in order.

        Args:
            configs: resolved configs that differ in keys of `replay_keys` only.
            plan: their plan.
            workers: number of threads that the replays may use.

        Raises:
            SimulationError: as replay.simulate_many.
        """
        from tradewinds.families.funding_carry import replay

        return replay.simulate_many(configs, plan, workers)

    def days(self, config: Mapping[str, Any], plan: CarryPlan) -> list[dt.date]:
        """Return the dates of a config with a settlement of any of its symbols.

        Args:
            config: a resolved config.
            plan: its plan, whose panel exists.
        """
        from tradewinds.families.funding_carry.carry_panel import settlement_dates

        return settlement_dates(plan.files.panel, config)

    def extent(self, plan: CarryPlan) -> str:
        """Return the number of symbols of a run, as text."""
        return counted(len(plan.files.symbols), "symbol")

    def own_inputs(self, config: Mapping[str, Any], plan: CarryPlan) -> Iterable[EarlyFinding]:
        """Compare the symbols of the user's files of records with those of the config, unless the files were imported.

        Raises:
            ConfigError: the files cannot be read, contradict each other, or do not say what they have.
            DataMissing: none has funding rates, spot candles or perpetual candles of the config's symbols.
        """
        if not plan.files.source_files or are_newer(plan.files.records, plan.files.source_files):
            return ()
        from tradewinds.families.funding_carry.fetch.user_perps import symbols_in_files

        present = symbols_in_files(config, plan.files.months)
        wanted = [symbol for symbol in plan.files.symbols if symbol not in plan.files.left_out]
        return missing_symbols(("data", "path"), config["data"]["path"], wanted, present, _WITHOUT)

    def validate(self, config: Mapping[str, Any], plan: CarryPlan) -> Findings:
        """Count the records that are there, quarantined ones by reason, holes, and changes of the funding interval.

        Args:
            config: a resolved config.
            plan: its plan.
        """
        return carry_findings.findings(config, plan)

    def lookahead(self, config: Mapping[str, Any], plan: CarryPlan) -> Subject:
        """Return the run that the look-ahead check repeats on changed rates and candles."""
        from tradewinds.families.funding_carry.lookahead import CarryRun

        return CarryRun.of(config, plan)

    def load_extra(
        self, connection: sa.Connection, run: Mapping[str, Any], recorded: Mapping[str, Sequence[str]]
    ) -> None:
        """Load positions and payments from the run's folder.

        Args:
            connection: to the database.
            run: row of the run.
            recorded: not used: the run's folder has it all.
        """
        from tradewinds.families.funding_carry.database.carry_rows import load_carry_rows

        load_carry_rows(connection, run)

    def report(self) -> FamilyReport:
        """Return the title and the sections of the report."""
        from tradewinds.families.funding_carry.report import REPORT

        return REPORT

    def unit_of(self, trade: Mapping[str, Any]) -> UnitName:
        """Return the position that a fill belongs to."""
        from tradewinds.results.report.unit_page import UnitName

        return UnitName(str(trade["event_ticker"]))

    def unit_names(self, run: ReportRun) -> list[str]:
        """Return the symbols of a run, then the ids of its positions."""
        from tradewinds.families.funding_carry.position_sections import position_rows

        return [*run.config["symbols"], *(row["position_id"] for row in position_rows(run))]

    def unit_page(self, run: ReportRun, name: str, day: dt.date | None) -> UnitPage:
        """Return the page of a position, or of a symbol: rates and what was held, and what the funding had to earn."""
        from tradewinds.families.funding_carry.position_page import position_page

        return position_page(run, name)

    def reason_text(self, code: str) -> str:
        """Return the words for a code of a refusal, an entry or an exit."""
        from tradewinds.families.funding_carry.report_words import reason_text

        return reason_text(code)

    def archive_routes(self, archive: Archive, cutoff: dt.date | None) -> Mapping[str, Route]:
        """Return the routes of the exchanges over an archive. They have one tier each, so `cutoff` is not used."""
        from tradewinds.families.funding_carry import archive_routes

        return archive_routes.routes_of(archive)


FAMILY = FundingCarry()
