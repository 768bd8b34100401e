"""What a market family must offer to the rooms that know no market by name.

A family is one folder, families/<name>; its module family.py holds one object, FAMILY, that satisfies `Family`. CONTRIBUTING.md
lists what a new family adds, file by file.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import ModuleType

    import sqlalchemy as sa

    from tradewinds.archive.archive import Archive
    from tradewinds.archive.routes import Route
    from tradewinds.config.problems import Problems
    from tradewinds.engine.result import RunResult, Summary
    from tradewinds.families.early_findings import EarlyFinding
    from tradewinds.families.plan import Plan
    from tradewinds.families.strategy_table import StrategyTable
    from tradewinds.results.report.run import FamilyReport, ReportRun
    from tradewinds.results.report.unit_page import UnitName, UnitPage
    from tradewinds.results.run_files import RunFile
    from tradewinds.results.run_tables import RunTable

Tell = Callable[[int, int], None]  # progress callback: (units of work done, units in all)

FETCH, COMPUTE, RESULT, DATABASE = "fetch", "compute", "result", "database"


class Service(NamedTuple):
    """An outside service: a section of the config with its address, rate and connections.

    Attributes:
        resource: the workflow's resource that limits its jobs to the section's `max_connections` at a time.
        parallel: a second resource, limited by `--max-parallel-events` (default `max_connections`); "" if there is none.
    """

    resource: str
    parallel: str = ""


@dataclass(frozen=True)
class WorkflowRule:
    """A rule of the workflow that only this family has.

    Attributes:
        name: of the rule, its script and its log folder.
        file: the file of rules/<family>/ that has it, without its ending.
        kind: fetch (asks a service), compute (makes data), result (makes a file of the run) or database.
        code: sources that its output depends on (files or folders below the package); none for a fetch.
        wildcards: regular expressions of the wildcards in its paths.
    """

    name: str
    file: str
    kind: str
    code: Sequence[str] = ()
    wildcards: Mapping[str, str] = field(default_factory=dict)


class ValidationCount(NamedTuple):
    """How many subjects (events, symbols …) a validation judged.

    Attributes:
        name: of the validation.
        what: what holds where it passes.
        judged: how many it judged; None for one that only a run can judge.
        failed: how many of them fail; None for one that only a run can judge.
    """

    name: str
    what: str
    judged: int | None
    failed: int | None


class ValidationFailure(NamedTuple):
    """A subject that fails a validation.

    Attributes:
        validation: its name.
        subject: the event, symbol or other thing that fails.
        why: what is wrong, without a full stop.
    """

    validation: str
    subject: str
    why: str


@dataclass(frozen=True)
class Findings:
    """What `Family.validate` found in the data that is there.

    Attributes:
        notes: lines about the data: which files are missing, what is left out and why.
        validations: each validation with its counts, in order; none for a family that has no validations.
        failures: what fails, in the order in which it was found.
        verdict: a sentence if failures make `tradewinds validate` fail; else "".
        remedy: what can be done about it.
    """

    notes: Sequence[str]
    validations: Sequence[ValidationCount] = ()
    failures: Sequence[ValidationFailure] = ()
    verdict: str = ""
    remedy: str = ""


class SummaryTable(NamedTuple):
    """A table under the summary of a finished run, as text.

    Attributes:
        title: what it shows.
        heads: names of its columns; the first column holds names, the others figures.
        rows: its rows, each with one text per column.
        total: the last row, which sums up the others; empty for none.
    """

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    total: Sequence[str] = ()


PLANTED = "planted"  # records that a look-ahead check adds after a cut
BOOKS = "entries of the books"  # name of the timelines with the rows of the journal


class Stretch(NamedTuple):
    """The same outcome (in words, exact) at all decision times in [first_ts, end_ts)."""

    first_ts: int
    end_ts: int
    outcome: str


Key = tuple[str, str]  # market, and one of a subject's kinds of decisions
Timelines = dict[Key, list[Stretch]]  # in time order


@dataclass(frozen=True)
class Future:
    """What a look-ahead check does to records known after an instant.

    Attributes:
        cut_ts: the instant, in Unix seconds.
        poisoned: the records get other values; else they are removed.
        kinds: of which kinds.
        apart: files without a record after the instant are copied, too, so that the run opens copies alone.
        ready: called when the copies are made, before anything is decided; what is opened from then on is not the check's.
    """

    cut_ts: int
    poisoned: bool
    kinds: frozenset[str]
    apart: bool = False
    ready: Callable[[], None] = field(default=lambda: None, compare=False)


class Subject(Protocol):
    """A run that can be made again with another future, for the look-ahead check.

    Attributes:
        kinds: kinds of records that can be changed.
        decisions: kinds of decisions; without one of the first kind the check shows nothing.
        step_seconds: between two decisions of a stretch.
    """

    kinds: Sequence[str]
    decisions: Sequence[str]
    step_seconds: int

    def instants(self) -> Mapping[str, Sequence[int]]:
        """Unix seconds at which something happens in the run, by its name (trade, settlement …); cuts are placed there."""

    def past(self, cut_ts: int) -> Timelines:
        """What the run decided up to a cut.

        Args:
            cut_ts: Unix seconds.
        """

    def again(self, future: Future, folder: Path) -> tuple[Timelines, Counter[str]]:
        """Make the run again with other records after a cut; `future.ready` is called between the copies and the run.

        Args:
            future: the change.
            folder: where changed copies of the files go.

        Returns:
            What it decides up to the cut, and how many records known after the cut were changed or planted, by kind.
        """

    def event_of(self, market: str) -> str:
        """The event that a market belongs to; the market itself if it belongs to none."""


class Family(Protocol):
    """A market family.

    Attributes:
        name: the value of the config key `market`.
        services: the services that its jobs may call, by their section of the config.
        workflow_rules: the rules that only it has, in the order in which their files are included.
        code: what a replay depends on, as files or folders below the package: never another family's.
        load_code: what `load_extra` depends on, in the same way.
        run_files: files of a run's folder beyond results.run_files.EVERY_RUN.
        run_tables: those of `run_files` that the web page shows as tables.
        headlines: (label, key of metrics.json) of the summary and the web page beyond the common ones. The label of an amount
            has {currency} where the account's currency stands.
        units_name: what events_attempted and events_traded of a run count, for the summary: Events, Symbols.
        days_per_year: how many daily returns make a year.
        around_the_clock: daily returns are taken at 00:00 UTC; else every point of equity is the close of a trading day.
        replay_keys: top-level keys in which configs may differ and still share one reading of the files, if `reads` is equal.
        not_swept: keys that a sweep refuses, with the reason.
        strategies: the strategies that a config may name.
        file_bytes: usual size of a data file by its stage, for the stages that make a file per unit or per answer.
        unit_bytes: usual size of a unit of Plan.units in the files of all other stages, which hold the whole run.
    """

    name: str
    services: Mapping[str, Service]
    workflow_rules: Sequence[WorkflowRule]
    code: Sequence[str]
    load_code: Sequence[str]
    run_files: Sequence[RunFile]
    run_tables: Sequence[RunTable]
    headlines: Sequence[tuple[str, str]]
    units_name: str
    days_per_year: int
    around_the_clock: bool
    replay_keys: frozenset[str]
    not_swept: Mapping[str, str]
    strategies: StrategyTable
    file_bytes: Mapping[str, int]
    unit_bytes: int

    @property
    def tables(self) -> ModuleType | None:
        """The module that adds the family's tables to database.tables.metadata; None for a family without any."""

    def check(self, config: dict[str, Any], problems: Problems) -> None:
        """Note what the schema cannot say of a config."""

    def currency(self, config: Mapping[str, Any]) -> str:
        """The currency of a config's account, as ISO 4217 or the name of a coin."""

    def fees(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """The settings of a config's costs, for the manifest."""

    def series(self, config: Mapping[str, Any]) -> list[str]:
        """What a run trades, for the database's column of that name."""

    def date_of(self, event: str, decision_date: dt.date) -> dt.date:
        """The day to which a trade belongs.

        Args:
            event: its event_ticker.
            decision_date: the UTC date of its decision.
        """

    def plan(self, config: Mapping[str, Any]) -> Plan[Any]:
        """Every file of a resolved config's run."""

    def cost(self, config: Mapping[str, Any], plan: Plan[Any]) -> tuple[list[dict[str, Any]], list[str]]:
        """Rows of the dry run's table (files, requests and time), and notes under it."""

    def parameters(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a sweep may set in strategy.parameters: names with the values that are in force, sections as mappings."""

    def default_grid(self, config: Mapping[str, Any]) -> Sequence[str]:
        """The values that `sweep --grid default` tries for a config, as texts KEY=VALUES; none for a family without a default.

        Combinations that a config may not have are left out of such a sweep.
        """

    def user_files(self, config: Mapping[str, Any]) -> list[str]:
        """Paths of the user's own files that a config names.

        Args:
            config: resolved, or as the user wrote it (other sections may be missing).
        """

    def reads(self, config: Mapping[str, Any]) -> int:
        """How many earlier bars a config's signals need; sweep points with different values read different files."""

    def replay(self, config: Mapping[str, Any], plan: Plan[Any], threads: int, tell: Tell) -> RunResult:
        """Replay a config on its plan's files, and write those of `run_files` that results.run_files.SIMULATE makes.

        Args:
            config: resolved.
            plan: its plan.
            threads: how many threads the replay may use.
            tell: called with the progress.

        Returns:
            The run. Its diagnostics have at least events_attempted, events_traded (counts), events_skipped and rejections
            (counts by reason).

        Raises:
            DataMissing: there is nothing to replay.
            SimulationError: the replay failed.
        """

    def replay_many(self, configs: Sequence[Mapping[str, Any]], plan: Plan[Any], workers: int) -> list[Summary]:
        """Replay configs that differ in `replay_keys` only; the files are read once.

        Args:
            configs: resolved; all have the same dates.
            plan: the plan of each of them, or that of the same configs over more dates (a walk-forward replays parts of a range
                on the files of the whole). Only the configs' own dates are replayed.
            workers: how many threads the replays may use.

        Returns:
            Fills and equity of each run, in order of the configs.
        """

    def days(self, config: Mapping[str, Any], plan: Plan[Any]) -> list[dt.date]:
        """Return the dates of a config on which there can be trades, by the data that is there, ascending.

        Periods of a walk-forward are counted in them. The dates are those that date_start_local and date_end_local mean.

        Args:
            config: resolved.
            plan: its plan, whose files exist.
        """

    def on_dates(self, config: Mapping[str, Any], first: dt.date, last: dt.date) -> dict[str, Any]:
        """Return a config of a part of its dates that still learns from what the whole config learns from.

        Args:
            config: resolved.
            first: first date of the part.
            last: last date of it.
        """

    def extent(self, plan: Plan[Any]) -> str:
        """Return the size of a run in words: "22 events", "12 symbols"."""

    def own_inputs(self, config: Mapping[str, Any], plan: Plan[Any]) -> Iterable[EarlyFinding]:
        """Look at the user's own files before any job runs: whether they can be read, and how much of them the run can use.

        It is asked when a config is validated or planned, and by a run before its first job, unless what the replay reads was
        found up to date. The files are there.

        Args:
            config: resolved.
            plan: its plan.

        Raises:
            TradewindsError: a file is not what it should be; the run is refused with that error.
        """

    def validate(self, config: Mapping[str, Any], plan: Plan[Any]) -> Findings:
        """Judge the data that is there; files that are missing are noted.

        Raises:
            DamagedFile: a file is not what was written.
        """

    def lookahead(self, config: Mapping[str, Any], plan: Plan[Any]) -> Subject:
        """A run of the data that is there, for the look-ahead check."""

    def load_extra(
        self, connection: sa.Connection, run: Mapping[str, Any], recorded: Mapping[str, Sequence[str]]
    ) -> None:
        """Load rows of the family's own tables, in the transaction that loads the run.

        Args:
            connection: the load's.
            run: its row of backtest_runs.
            recorded: paths of data files by kind (Plan.recorded); a kind that is left out is not loaded.
        """

    def backfill(
        self, config: Mapping[str, Any], plan: Plan[Any], reasons: Callable[[], Mapping[str, str]]
    ) -> AbstractContextManager[None]:
        """Keep the family's record of fetched files in the database while the block makes them, if it has one.

        Args:
            config: the run's.
            plan: its files.
            reasons: called when the block has ended: why a file could not be fetched, by path.
        """

    def fetched_notes(self, plan: Plan[Any], fetched: Sequence[str]) -> Iterable[str]:
        """Lines to show when a run is made: what its services listed; those that begin with "warning: " go to standard error.

        Args:
            plan: the run's files.
            fetched: paths that were missing or ended too early before the run (plan.due_files).
        """

    def summary_tables(self, run_dir: Path) -> Iterable[SummaryTable]:
        """Tables that the terminal shows under the summary of a finished run; none for a family that has no such tables.

        Args:
            run_dir: the run's folder, whose files are all made.
        """

    def result_jobs(self, config: Mapping[str, Any], plan: Plan[Any]) -> Mapping[str, Callable[[], None]]:
        """What makes the files of Plan.results: a function by the rule's name (of kind RESULT), in the order of the rules.

        Args:
            config: resolved.
            plan: of a run that has been replayed.
        """

    def report(self) -> FamilyReport:
        """The report's title and sections."""

    def unit_of(self, trade: Mapping[str, Any]) -> UnitName:
        """The one thing that a trade belongs to, as `unit_page` takes it: an event, a share, a session's trade, a position.

        Args:
            trade: a row of the run's trades, by the columns of trades.csv.
        """

    def unit_names(self, run: ReportRun) -> Collection[str]:
        """Every name of `unit_page`, in order: of events, symbols, trades, positions."""

    def unit_page(self, run: ReportRun, name: str, day: dt.date | None) -> UnitPage:
        """One thing that a run traded, with its chart: an event's quotes, a share's prices, a session, a position's rates.

        Args:
            run: the run.
            name: of the thing, as trades name it (event_ticker, series_ticker, market_ticker or trade_id).
            day: its day, where a name stands for many; None for a name that stands for one.

        Raises:
            ConfigError: the run has no such thing, or no chart of it; the message names some that it has.
            DataMissing: a data file that the chart needs is not in the working folder.
        """

    def market_words(self, folder: Path, markets: Collection[str]) -> Mapping[str, str]:
        """What markets pay on, in words, by ticker: "72° to 73°"; nothing for a family whose tickers are words enough.

        Args:
            folder: the run's folder.
            markets: tickers; one that is not known is left out.
        """

    def reason_text(self, code: str) -> str:
        """A code in plain words: of a skip, a refusal, an entry or an exit; the code itself for one without other words."""

    def refusal_text(self, code: str) -> str:
        """A code of a skip or a refusal in plain words, where the same code may stand for an entry, too."""

    @property
    def invent_archive(self) -> Callable[[Path, int], None] | None:
        """Makes an archive of invented data in a folder from a seed; None where a config itself can name invented data."""

    def archive_routes(self, archive: Archive, cutoff: dt.date | None) -> Mapping[str, Route]:
        """What a server of archives answers in place of this family's services.

        Args:
            archive: an archive, which may have nothing of this family.
            cutoff: the first date of a service's recent data, where the service keeps older data apart.

        Returns:
            The routes by path; a path ending in "/" stands for all paths below it.
        """
