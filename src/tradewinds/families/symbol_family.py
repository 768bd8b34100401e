"""What market families have in common that trade symbols, with `symbols` and `risk.currency` in their configs."""

from __future__ import annotations

import contextlib
import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa

    from tradewinds.families.contract import SummaryTable
    from tradewinds.families.plan import Plan


class SymbolFamily(ABC):
    """Members of `contract.Family` that most families of symbols share, and the others override."""

    def currency(self, config: Mapping[str, Any]) -> str:
        """Return the currency of a config's account, its key `risk.currency`."""
        return str(config["risk"]["currency"])

    def fees(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the costs of a config, its section `costs`."""
        return dict(config["costs"])

    def series(self, config: Mapping[str, Any]) -> list[str]:
        """Return the symbols of a config, in alphabetical order."""
        return sorted(config["symbols"])

    def date_of(self, event: str, decision_date: dt.date) -> dt.date:
        """Return the date to which a trade or a fill belongs: the UTC date of its decision."""
        return decision_date

    def default_grid(self, config: Mapping[str, Any]) -> Sequence[str]:
        """Return no values: there is no default grid."""
        return ()

    def reads(self, config: Mapping[str, Any]) -> int:
        """Return 0: every config of the same symbols and dates reads the same files."""
        return 0

    def on_dates(self, config: Mapping[str, Any], first: dt.date, last: dt.date) -> dict[str, Any]:
        """Return the config of a part of its dates; nothing is learned from earlier runs."""
        return {**config, "date_start_local": first, "date_end_local": last}

    # not abstract: a family without tables of its own loads nothing
    def load_extra(  # noqa: B027
        self, connection: sa.Connection, run: Mapping[str, Any], recorded: Mapping[str, Sequence[str]]
    ) -> None:
        """Load nothing: the common tables have all of a run."""

    def result_jobs(self, config: Mapping[str, Any], plan: Plan[Any]) -> Mapping[str, Callable[[], None]]:
        """Return nothing: all results are made by the replay, the report and the load."""
        return {}

    def backfill(
        self, config: Mapping[str, Any], plan: Plan[Any], reasons: Callable[[], Mapping[str, str]]
    ) -> contextlib.AbstractContextManager[None]:
        """Record nothing: the database has no list of fetched files."""
        return contextlib.nullcontext()

    def fetched_notes(self, plan: Plan[Any], fetched: Sequence[str]) -> Iterable[str]:
        """Return no lines below the summary of a run."""
        return ()

    def summary_tables(self, run_dir: Path) -> Iterable[SummaryTable]:
        """Return no tables below the summary of a run."""
        return ()

    def market_words(self, folder: Path, markets: Collection[str]) -> Mapping[str, str]:
        """Return nothing: symbols are words enough."""
        return {}

    @abstractmethod
    def reason_text(self, code: str) -> str:
        """Return a reason code in plain words; see `contract.Family.reason_text`."""

    def refusal_text(self, code: str) -> str:
        """Return a code of a skip or a refusal in plain words: they are reason codes."""
        return self.reason_text(code)
