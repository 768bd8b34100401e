"""What a market family is: the functions and tables that its module offers to everything that knows no market by name."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tradewinds.config.problems import Problems

if TYPE_CHECKING:
    from rich.console import Console

    from tradewinds.engine.result import RunResult, Summary

    pass
    from tradewinds.results.report.run import Family as Report


Tell = Callable[[int, int], None]


class RunPlan(Protocol):
    """Every file of a run. All paths are relative to the working directory."""

    @property
    def run_id(self) -> str:
        """The run's id."""

    @property
    def run_dir(self) -> str:
        """The run's folder."""

    @property
    def date_end(self) -> dt.date:
        """Last date of the config."""

    @property
    def fetched(self) -> list[str]:
        """All files that come from a service."""

    @property
    def groups(self) -> list[tuple[str, list[str]]]:
        """Everything that is made before the replay, by kind, in the order in which it is made."""

    @property
    def growing(self) -> dict[str, dt.date]:
        """Fetched files that may have to be asked for again, and the date that each must reach."""

    @property
    def schemas(self) -> dict[str, Any]:
        """The schema of every data file."""

    @property
    def inputs(self) -> dict[str, list[str]]:
        """What the replay reads, by kind."""

    @property
    def recorded(self) -> dict[str, list[str]]:
        """Catalogs, and candle files whose checkpoints the database keeps."""

    @property
    def results(self) -> list[str]:
        """Files of the run that are made after the replay and before the report."""

    def missing(self) -> list[str]:
        """Fetched files that are not there and cannot be made from what is."""


class Family(Protocol):
    """A market family's module.

    REPLAY_KEYS: keys of a config that change neither what is read nor what is replayed. NOT_SWEPT: keys that a sweep
    refuses, with the reason. DAYS_PER_YEAR: as in RunResult. BY_EVENT: a trade belongs
    to the date of its event, else to that of its decision. RULES: files of rules/ that make what the replay reads.
    FILES: what `simulate` writes into the run's folder beyond what every run has, by kind. HEADLINES: (label, key of
    metrics.json) of the summary beyond the common ones.
    """

    REPLAY_KEYS: frozenset[str]
    NOT_SWEPT: Mapping[str, str]
    DAYS_PER_YEAR: int | None
    BY_EVENT: bool
    RULES: Sequence[str]
    FILES: Mapping[str, str]
    HEADLINES: Sequence[tuple[str, str]]

    def check(self, config: dict[str, Any], problems: Problems) -> None:
        """Note what the schema cannot say of a config."""

    def plan_of(self, conf: Mapping[str, Any]) -> Any:
        """The plan (a RunPlan) of a resolved config."""

    def plan_rows(self, conf: Mapping[str, Any], plan: Any) -> tuple[list[dict[str, Any]], list[str]]:
        """Rows of the dry run's table, and notes under it."""

    def resources(self, conf: Mapping[str, Any], parallel: int | None) -> dict[str, int]:
        """Limits of the workflow's resources; `parallel` is the user's wish for event jobs at once."""

    def series(self, conf: Mapping[str, Any]) -> list[str]:
        """What a run trades, for the database's column of that name."""

    def reads(self, conf: Mapping[str, Any]) -> int:
        """What of REPLAY_KEYS decides after all which files are read."""

    def simulate(self, conf: Mapping[str, Any], plan: Any, threads: int, tell: Tell) -> RunResult:
        """Replay a config and write FILES into the run's folder."""

    def simulate_many(self, configs: Sequence[Mapping[str, Any]], plan: Any, workers: int) -> list[Summary]:
        """The runs of configs that differ in REPLAY_KEYS only, in short."""

    def validate(self, conf: Mapping[str, Any], plan: Any, where: str, console: Console) -> None:
        """Judge the data that is there, and say so."""

    def lookahead(self, conf: Mapping[str, Any], plan: Any) -> Subject:
        """A run of the data that is there, for the look-ahead check."""

    def report(self) -> Report:
        """What the family's report is made of."""


PLANTED = "planted"
BOOKS = "entries of the books"  # what every family compares beside its decisions


class Stretch(NamedTuple):
    """The same outcome (in words, exact) at all decision times in [first_ts, end_ts)."""

    first_ts: int
    end_ts: int
    outcome: str


Key = tuple[str, str]  # market, and one of a subject's kinds of decisions
Timelines = dict[Key, list[Stretch]]  # in time order


@dataclass(frozen=True)
class Future:
    """What is done to records known after `cut_ts` (Unix seconds): they are removed, or poisoned; `kinds` says to which."""

    cut_ts: int
    poisoned: bool
    kinds: frozenset[str]


class Subject(Protocol):
    """A run that can be made again with another future.

    `kinds` of records and of `decisions`, of which the first are the ones without which nothing is shown; `step_seconds` lie
    between two decisions of a stretch.
    """

    kinds: Sequence[str]
    decisions: Sequence[str]
    step_seconds: int

    def instants(self) -> Mapping[str, Sequence[int]]:
        """Where something happens in the run, by what it is: there it is cut."""

    def past(self, cut_ts: int) -> Timelines:
        """What the run decided by a cut."""

    def again(self, future: Future, folder: Path) -> tuple[Timelines, Counter[str]]:
        """What it decides by the cut under another future, and how many records known after it were changed, by kind, and how
        many were planted; changed files go into the folder."""

    def event_of(self, market: str) -> str:
        """The event that a market belongs to; the market itself if it belongs to none."""
