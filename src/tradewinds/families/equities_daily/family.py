"""The market family of daily equities: the object FAMILY, through which all other rooms use this folder."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tradewinds.core import files
from tradewinds.core.errors import ConfigError
from tradewinds.core.text import counted
from tradewinds.families import strategy_file
from tradewinds.families.contract import COMPUTE, FETCH, Findings, Service, Tell, WorkflowRule
from tradewinds.families.early_findings import missing_symbols
from tradewinds.families.equities_daily.plan import SharesPlan, shares_plan
from tradewinds.families.equities_daily.share_web_tables import RUN_TABLES
from tradewinds.families.equities_daily.strategies import share_strategies
from tradewinds.families.plan import are_newer, stale_files
from tradewinds.families.symbol_family import SymbolFamily
from tradewinds.reference_data.corporate_actions import read_actions
from tradewinds.reference_data.exchange_calendar import TRADING_DAYS_PER_YEAR, known_calendar
from tradewinds.reference_data.universe import universe_of
from tradewinds.results.run_files import CSV, PARQUET, RunFile

if TYPE_CHECKING:
    from tradewinds.archive.archive import Archive
    from tradewinds.archive.routes import Route
    from tradewinds.config.problems import Problems
    from tradewinds.engine.result import RunResult, Summary
    from tradewinds.families.contract import Subject
    from tradewinds.families.early_findings import EarlyFinding
    from tradewinds.results.report.run import FamilyReport, ReportRun
    from tradewinds.results.report.unit_page import UnitName, UnitPage

_HERE = "families/equities_daily"
_SELECTS_SYMBOLS = "it decides which symbols are replayed, and a sweep compares settings over the same ones"

_SERVICES = {"yahoo": Service("chart")}
_NOT_SWEPT = {
    **dict.fromkeys(("universe", "bars", "actions", "adjust", "on_missing", "calendar"), _SELECTS_SYMBOLS),
    "risk.currency": "it changes no result",
}


class EquitiesDaily(SymbolFamily):
    """Daily equities as a market family; the protocol Family in families/contract.py describes the members."""

    name = "equities_daily"
    services = _SERVICES
    workflow_rules = (
        WorkflowRule("fetch_bars", "bars", FETCH, wildcards={"symbol": "[A-Z0-9][A-Z0-9.-]*", "year": r"\d{4}"}),
        WorkflowRule(
            "import_bars",
            "bars",
            COMPUTE,
            (f"{_HERE}/fetch", f"{_HERE}/schemas.py", "reference_data/written_dates.py", "core"),
        ),
        WorkflowRule("panel", "bars", COMPUTE, (f"{_HERE}/bar_panel.py", f"{_HERE}/schemas.py", "core")),
    )
    code = (
        "engine/equity.py",
        "engine/journal.py",
        "engine/run_trades.py",
        "engine/trades.py",
        "engine/lots.py",
        "engine/result.py",
        "engine/round_trips.py",
        "engine/shares",
        "engine/stepwise",
        "families/strategy_file.py",
        "reference_data",
        "results",
        "core",
        f"{_HERE}/family.py",
        f"{_HERE}/plan.py",
        f"{_HERE}/replay.py",
        f"{_HERE}/bar_panel.py",
        f"{_HERE}/buy_and_hold.py",
        f"{_HERE}/metrics.py",
        f"{_HERE}/run_files.py",
        f"{_HERE}/schemas.py",
        f"{_HERE}/strategies",
    )
    load_code = ()
    run_files = (
        RunFile("positions_closed", "positions_closed.csv", CSV, "every closed position with its exit"),
        RunFile("sessions", "sessions.csv", CSV, "the account and the benchmark at the close of every trading day"),
        RunFile("prices", "prices.parquet", PARQUET, "bars of the symbols that were traded"),
    )
    run_tables = RUN_TABLES
    headlines = (
        ("Annualised return, %", "annualised_return_pct"),
        ("Exposure, %", "exposure_pct"),
        ("Days held, mean", "avg_holding_days"),
        ("Above buy and hold, %", "excess_return_pct"),
    )
    units_name = "Symbols"
    days_per_year = TRADING_DAYS_PER_YEAR
    invent_archive = None
    around_the_clock = False
    replay_keys = frozenset({"risk", "strategy", "costs", "fill"})
    not_swept = _NOT_SWEPT
    strategies = share_strategies.STRATEGIES
    file_bytes: ClassVar[Mapping[str, int]] = {"bars": 8_000}
    unit_bytes = 8_000  # a year of a symbol's bars in the panel
    tables = None

    def check(self, config: dict[str, Any], problems: Problems) -> None:
        """Note what the schema cannot check: names of strategy and calendar, the user's tables, decimals of amounts.

        Args:
            config: the config with all defaults filled in.
            problems: collects what is wrong, each with its key.
        """
        if share_strategies.is_own(config):
            strategy_file.note_problems(config["strategy"], problems)
        else:
            _note_error(problems, ("strategy", "name"), lambda: share_strategies.chosen(config))
            if config["strategy"]["history_bars"] is not None:
                what = "is for a strategy of your own: the market's own strategies know how many bars they need."
                problems.add(("strategy", "history_bars"), what, "Leave it out, or name your file in strategy.file.")
        last = dt.date.fromisoformat(config["date_end_local"])
        with files.without_caches():  # a config that is refused leaves no file; the plan keeps the calendar
            _note_error(problems, ("calendar",), lambda: known_calendar(config["calendar"], last))
        if isinstance(config["universe"], dict):
            _note_error(problems, ("universe", "file"), lambda: universe_of(config), in_file=True)
        if config["actions"] is not None:
            _note_error(problems, ("actions",), lambda: read_actions(config["actions"]), in_file=True)
        amounts = (("risk", "start_balance"), ("costs", "min_commission"))
        problems.check_decimals(config, amounts, 6, "Money is exact to a millionth.")

    def series(self, config: Mapping[str, Any]) -> list[str]:
        """Return the symbols of a config, or the path of its universe file as the only entry."""
        return list(config["universe"]) if isinstance(config["universe"], list) else [config["universe"]["file"]]

    def plan(self, config: Mapping[str, Any]) -> SharesPlan:
        """Return the plan of a config: a file of bars per symbol and year, and the panel; raises as shares_plan."""
        return shares_plan(config)

    def cost(self, config: Mapping[str, Any], plan: SharesPlan) -> tuple[list[dict[str, Any]], list[str]]:
        """Count the files of bars and the requests that a run needs, for the dry run.

        Args:
            config: a resolved config.
            plan: its plan.

        Returns:
            One row for the table of the dry run, and the lines below the table.
        """
        missing = [path for path in plan.files.bars if not Path(path).exists()]
        requests = len({*plan.missing(), *stale_files(plan)})  # one per file that is fetched or continued
        row = {
            "what": "symbol-years of bars",
            "total": len(plan.files.bars),
            "present": len(plan.files.bars) - len(missing),
            "missing": len(missing),
            "requests": requests,
            "time": str(dt.timedelta(seconds=math.ceil(requests / config["yahoo"]["requests_per_second"]))),
        }
        source = plan.files.source_file or plan.files.source
        status = "its results are there" if Path(plan.run_dir, "metrics.json").exists() else "not yet simulated"
        notes = [
            f"{counted(len(plan.files.universe), 'symbol')}, bars from {source}.",
            f"Run {plan.run_id}: {status} ({plan.run_dir}/).",
        ]
        return [row], notes

    def parameters(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the parameters of a config's strategy, defaults included: a sweep may set each of them."""
        return share_strategies.parameter_numbers(config)

    def user_files(self, config: Mapping[str, Any]) -> list[str]:
        """Return the paths of the files of bars, universe, corporate actions and strategy that a config names.

        Args:
            config: resolved, or as the user wrote it.
        """
        sections = {"bars": "path", "universe": "file", "strategy": "file"}
        named = [config[name].get(key) for name, key in sections.items() if isinstance(config.get(name), Mapping)]
        return [str(path) for path in (*named, config.get("actions")) if path is not None]

    def reads(self, config: Mapping[str, Any]) -> int:
        """Return how many bars a signal looks back: configs with different numbers read different files."""
        return share_strategies.history_of(config)

    def replay(self, config: Mapping[str, Any], plan: SharesPlan, threads: int, tell: Tell) -> RunResult:
        """Replay the trading days of a config and write `run_files`.

        Args:
            config: a resolved config.
            plan: its plan.
            threads: number of threads that the replay may use.
            tell: called with (units of work done, units in all).

        Raises:
            DataMissing: as replay.replay_shares.
            SimulationError: as replay.replay_shares.
        """
        from tradewinds.families.equities_daily import replay

        return replay.replay_shares(config, plan, threads, tell)

    def replay_many(self, configs: Sequence[Mapping[str, Any]], plan: SharesPlan, workers: int) -> list[Summary]:
        """Replay the points of a sweep and return a summary of each, in order.

        Args:
            configs: resolved configs that differ in keys of `replay_keys` only.
            plan: their plan.
            workers: number of threads that the replays may use; this family uses one.

        Raises:
            DataMissing: as replay.replay_shares_many.
            SimulationError: as replay.replay_shares_many.
        """
        from tradewinds.families.equities_daily import replay

        return replay.replay_shares_many(configs, plan, workers)

    def days(self, config: Mapping[str, Any], plan: SharesPlan) -> list[dt.date]:
        """Return the trading days of a config: the dates on which any of its symbols has a bar.

        Args:
            config: a resolved config.
            plan: its plan, whose panel exists.

        Raises:
            DataMissing: as replay.simulate.
            SimulationError: as replay.simulate.
        """
        from tradewinds.families.equities_daily import replay

        return replay.trading_days(config, plan)

    def extent(self, plan: SharesPlan) -> str:
        """Return the number of symbols of a run, as text."""
        return counted(len(plan.files.universe), "symbol")

    def own_inputs(self, config: Mapping[str, Any], plan: SharesPlan) -> Iterable[EarlyFinding]:
        """Compare the symbols of the user's file of bars with those of the config, unless the file was imported.

        Raises:
            ConfigError: the file cannot be read or lacks a column.
        """
        if plan.files.source_file is None or are_newer(plan.files.bars, [plan.files.source_file]):
            return ()
        from tradewinds.families.equities_daily.fetch.user_bars import check_columns

        present = check_columns(plan.files.source_file, config["bars"]["columns"])
        return missing_symbols(("bars", "path"), plan.files.source_file, list(plan.files.universe), present)

    def validate(self, config: Mapping[str, Any], plan: SharesPlan) -> Findings:
        """Count the files of bars that exist and their quarantined rows by reason.

        Args:
            config: a resolved config.
            plan: its plan.
        """
        present = [path for path in plan.files.bars if Path(path).exists()]
        rows: Counter[str] = Counter()
        for path in present:
            rows.update(files.read_meta(path)["quarantined"])
        quarantined = [f"{counted(count, 'row')} quarantined: {reason}" for reason, count in sorted(rows.items())]
        return Findings([f"{len(present)} of {len(plan.files.bars)} symbol-years of bars are there.", *quarantined])

    def lookahead(self, config: Mapping[str, Any], plan: SharesPlan) -> Subject:
        """Return the run that the look-ahead check repeats on changed bars, corporate actions and universe."""
        from tradewinds.families.equities_daily.lookahead import SharesRun

        return SharesRun(config, plan)

    def report(self) -> FamilyReport:
        """Return the title and the sections of the report."""
        from tradewinds.families.equities_daily.report import REPORT

        return REPORT

    def unit_of(self, trade: Mapping[str, Any]) -> UnitName:
        """Return the trade's symbol."""
        from tradewinds.results.report.unit_page import UnitName

        return UnitName(str(trade["market_ticker"]))

    def unit_names(self, run: ReportRun) -> list[str]:
        """Return the symbols that have prices in a run."""
        return [name for (name,) in run.query("SELECT DISTINCT symbol FROM prices ORDER BY 1", of="prices")]

    def unit_page(self, run: ReportRun, name: str, day: dt.date | None) -> UnitPage:
        """Return the page of a share: its closes with every entry and exit, whatever the day."""
        from tradewinds.families.equities_daily.symbol_page import symbol_page

        return symbol_page(run, name)

    def reason_text(self, code: str) -> str:
        """Return the words for a code of a skip, a refusal or an exit."""
        from tradewinds.families.equities_daily.share_reasons import reason_text

        return reason_text(code)

    def archive_routes(self, archive: Archive, cutoff: dt.date | None) -> Mapping[str, Route]:
        """Return the route of the chart API over an archive. The API has one tier, so `cutoff` is not used."""
        from tradewinds.families.equities_daily import archive_routes

        return archive_routes.routes_of(archive)


def _note_error(
    problems: Problems, path: tuple[str | int, ...], check: Callable[[], Any], *, in_file: bool = False
) -> None:
    """Run a check and note the ConfigError that it raises.

    Args:
        problems: collects what is wrong, each with its key.
        path: the key that is checked.
        check: raises ConfigError for a wrong value.
        in_file: the error names a place in a file, which may look like a key (actions.csv); else a key, or nothing.
    """
    try:
        check()
    except ConfigError as error:
        if in_file:
            problems.add(path, str(error), "")
        else:
            problems.add(tuple(error.where.split(".")) if error.where else path, error.what, error.remedy)


FAMILY = EquitiesDaily()
