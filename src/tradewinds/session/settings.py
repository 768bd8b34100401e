"""A config as an object: read it, change keys, look at its plan."""

from __future__ import annotations

import copy
import datetime as dt
import functools
import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewinds.config import markets, resolve
from tradewinds.config.problems import KeyPath, place
from tradewinds.core import files
from tradewinds.families.plan import Plan, run_plan

if TYPE_CHECKING:
    import pandas as pd

    from tradewinds.pipeline.preflight import Preflight


@dataclass(frozen=True, eq=False)
class Config:
    """A config, checked. It is never changed: `with_` returns another one.

    Make one with `Config.load(file)` or `Config.of(mapping)`.

    Attributes:
        written: the keys that were written, as in a YAML file.
        source: where they are from, for messages.
    """

    written: Mapping[str, Any]
    source: str = "config"
    _lines: Mapping[Any, int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Check the config; raises ConfigError with a paragraph for each problem."""
        object.__setattr__(self, "written", copy.deepcopy(dict(self.written)))
        _ = self.resolved

    @classmethod
    def load(cls, path: str | Path) -> Config:
        """Read a config file.

        Args:
            path: of the YAML file.

        Raises:
            ConfigError: it cannot be read, or is wrong; names file, line, key and remedy.
        """
        raw, lines = resolve.read(path)
        return cls(raw, str(path), lines)

    @classmethod
    def of(cls, settings: Mapping[str, Any], source: str = "config") -> Config:
        """Make a config of a mapping with the keys of a config file.

        Args:
            settings: keys and sections, as in YAML.
            source: where they are from, for messages.

        Raises:
            ConfigError: it is wrong; names key and remedy.
        """
        return cls(settings, source)

    def with_(self, changes: Mapping[str, Any] | None = None, /, **sections: Any) -> Config:
        """Return this config with other settings.

        `cfg.with_({"risk.fixed_qty": 10})` and `cfg.with_(risk={"fixed_qty": 10})` are the same: a mapping changes the keys
        that it names and leaves the others of its section.

        Args:
            changes: values by dotted key.
            **sections: values by top-level key.

        Raises:
            ConfigError: the changed config is wrong.
        """
        changed = copy.deepcopy(dict(self.written))
        for key, value in {**(changes or {}), **sections}.items():
            *parts, name = key.split(".")
            section = changed
            for part in parts:
                if not isinstance(section.get(part), dict):
                    section[part] = {}
                section = section[part]
            _put(section, name, value)
        source = self.source if self.source.endswith(", changed") else f"{self.source}, changed"
        return Config(changed, source)

    @functools.cached_property
    def resolved(self) -> resolve.Config:
        """Every key with its value, defaults included; dates as `datetime.date`."""
        return resolve.resolve(dict(self.written), source=self.source, lines=dict(self._lines))

    @property
    def market(self) -> str:
        """The market family."""
        return str(self.resolved["market"])

    @property
    def run_id(self) -> str:
        """The id of the run that this config asks for; the same as the command line's."""
        return resolve.run_id(self.resolved)

    def __getitem__(self, key: str) -> Any:
        """Return the value of a dotted key, such as `risk.fixed_qty`, defaults included."""
        value: Any = self.resolved
        for part in key.split("."):
            value = value[part]
        return copy.deepcopy(value)

    def save(self, path: str | Path) -> Path:
        """Write the config as YAML, for `tradewinds run --config FILE`.

        Args:
            path: of the file, whose folder is made if need be.
        """
        import yaml

        files.write_text(path, yaml.safe_dump(dict(self.written), sort_keys=False, allow_unicode=True))
        return Path(path)

    def plan(self) -> PlannedRun:
        """Return every file of the run that this config asks for, and what getting the missing ones costs."""
        return PlannedRun(self)

    def __repr__(self) -> str:
        """Return what the config asks for in one line."""
        dates = f"{self['date_start_local']} to {self['date_end_local']}"
        return f"<Config {self.source}: {self.market}, {dates}, run {self.run_id[:8]}>"


def _put(section: dict[str, Any], name: str, value: Any) -> None:
    """Set a key of a section; a mapping is merged into the mapping that is there."""
    if isinstance(value, Mapping) and isinstance(section.get(name), dict):
        for key, inner in value.items():
            _put(section[name], key, inner)
    else:
        section[name] = copy.deepcopy(dict(value)) if isinstance(value, Mapping) else value


def place_in(config: Config) -> Callable[[KeyPath], str]:
    """Return what says where a key of a config stands, for an error: file, line and key."""
    return functools.partial(place, config.source, dict(config._lines))


class PlannedRun:
    """The files of a run, as of now.

    Args:
        config: which asks for the run.

    Attributes:
        config: the config.
        run_id: of the run.
        folder: of the run, relative to the working folder.
        notes: lines on the plan.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        with files.without_caches():
            self._plan: Plan[Any] = run_plan(config.resolved, place_in(config))
            rows, self.notes = markets.family_of(config.market).cost(config.resolved, self._plan)
        self._rows = rows
        self.run_id, self.folder = self._plan.run_id, Path(self._plan.run_dir)

    @property
    def cost(self) -> pd.DataFrame:
        """What is there, what is missing, and requests and time for it, a row per kind of file; as `run --dry-run` shows it."""
        import pandas as pd

        return pd.DataFrame(self._rows).set_index("what")

    @property
    def files(self) -> pd.DataFrame:
        """Every data file: stage, path, whether a service has it, and whether it is there."""
        import pandas as pd

        rows = [
            (stage, file.path, file.fetched, Path(file.path).exists())
            for stage, found in self._plan.stages.items()
            for file in found
        ]
        return pd.DataFrame(rows, columns=["stage", "path", "fetched", "there"])

    @property
    def missing(self) -> list[str]:
        """Paths of the files that a run has to fetch."""
        return self._plan.missing()

    @functools.cached_property
    def preflight(self) -> Preflight:
        """What can be known before the first job: `errors` for which a run is refused, `warnings` and `notes`.

        It reads the user's own files and asks the database, as `tradewinds validate` does.
        """
        from tradewinds.pipeline.preflight import preflight

        with files.without_caches():
            return preflight(self.config.resolved, self._plan, place_in(self.config))

    def __repr__(self) -> str:
        """Return how many files there are and how many are missing."""
        return f"<PlannedRun {self.run_id}: {len(self._plan.data_files)} data files, {len(self.missing)} to fetch>"

    def _repr_html_(self) -> str:
        """Return the table of costs and what is wrong, for a notebook."""
        said = [*map(str, self.preflight.errors), *self.preflight.warnings]
        return str(self.cost.to_html()) + "".join(f"<p>{html.escape(line)}</p>" for line in said)


def dated(day: str | dt.date) -> dt.date:
    """Return a date that is given as one or as ISO text.

    Raises:
        ConfigError: the text is no date.
    """
    from tradewinds.core.errors import ConfigError

    if isinstance(day, dt.datetime):
        return day.date()
    if isinstance(day, dt.date):
        return day
    try:
        return dt.date.fromisoformat(str(day))
    except ValueError:
        raise ConfigError(f"{day!r} is no date.", where="date", remedy="Write it like 2025-03-07.") from None
