"""The plan of a run of shares: a file of bars per symbol and year, and what they are made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tradewinds import strategies
from tradewinds.config import resolve as configs
from tradewinds.core.errors import DataMissing
from tradewinds.families.equities_daily.schemas import BARS, PANEL, bars_path
from tradewinds.reference_data.universe import Universe, universe_of, within


class BarFile(NamedTuple):
    """A year of a symbol, the name under which its source has it, and the file of its bars."""

    symbol: str
    name: str
    year: int
    path: str


@dataclass(frozen=True)
class EquitiesPlan:
    """Every file of a run. All paths are relative to the working directory.

    `panel` is all bars in one file: opening thousands takes longer than replaying them. `source_file` is what bars are imported
    from, if it is a file; `side_files` are the user's universe and corporate actions.
    """

    run_id: str
    run_dir: str
    date_end: dt.date
    files: tuple[BarFile, ...]
    panel: str
    source: str
    source_file: str | None
    side_files: tuple[str, ...]
    universe: Universe

    @property
    def bars(self) -> list[str]:
        """All files of bars."""
        return [file.path for file in self.files]

    @property
    def fetched(self) -> list[str]:
        """All files that come from a service."""
        return self.bars if self.source == "yahoo" else []

    @property
    def groups(self) -> list[tuple[str, list[str]]]:
        """What the replay reads, in the order in which it is made."""
        return [("bars", self.bars), ("panel", [self.panel])]

    @property
    def growing(self) -> dict[str, dt.date]:
        """Files that may have to be asked for again, and the date that each must reach."""
        return {file.path: min(self.date_end, dt.date(file.year, 12, 31)) for file in self.files if self.fetched}

    @property
    def schemas(self) -> dict[str, Any]:
        """The schema of every data file."""
        return dict.fromkeys(self.bars, BARS) | {self.panel: PANEL}

    @property
    def inputs(self) -> dict[str, list[str]]:
        """What the replay reads, by kind."""
        return {"panel": [self.panel], "side_files": list(self.side_files)}

    @property
    def recorded(self) -> dict[str, list[str]]:
        """Nothing that the database keeps a book of."""
        return {"catalogs": [], "candles": []}

    @property
    def results(self) -> list[str]:
        """Files of the run that are made after the replay and before the report."""
        return []

    def missing(self) -> list[str]:
        """Fetched files that are not there."""
        return [path for path in self.fetched if not Path(path).exists()]


def plan_of(conf: Mapping[str, Any]) -> EquitiesPlan:
    """The plan of a resolved config.

    Raises:
        ConfigError: the universe file cannot be read. DataMissing: the file of bars is not there.
    """
    if conf["bars"]["source"] == "files" and not Path(conf["bars"]["path"]).is_file():
        what = f"there are no prices: no file {conf['bars']['path']}."
        raise DataMissing(what, remedy="Give the path of a CSV or Parquet file of daily bars in bars.path.")
    universe, source = universe_of(conf), conf["bars"]["source"]
    files = tuple(_files(conf, universe))
    run = configs.run_id(dict(conf))
    given = conf["universe"]["file"] if isinstance(conf["universe"], dict) else None
    return EquitiesPlan(
        run_id=run,
        run_dir=f"{conf['output_dir'].rstrip('/') or '/'}/{run}",
        date_end=conf["date_end_local"],
        files=files,
        panel=f"data/panels/{configs.digest([file.path for file in files])[:20]}.parquet",
        source=source,
        source_file=conf["bars"]["path"] if source == "files" else None,
        side_files=tuple(path for path in (given, conf["actions"]) if path is not None),
        universe=universe,
    )


def _files(conf: Mapping[str, Any], universe: Universe) -> list[BarFile]:
    """The years in which a symbol is active in the run, and those before it that its first signals look back to."""
    needed = strategies.history_of(conf)
    back = dt.timedelta(
        days=2 * needed + 14
    )  # bars are weekdays without holidays, and thinly traded shares leave out some
    folder, suffix = _folder(conf), conf["bars"].get("suffix", "")
    found = []
    for symbol, spans in universe.items():
        active = within(spans, conf["date_start_local"], conf["date_end_local"])
        for year in range((active[0] - back).year, active[1].year + 1) if active else ():
            name = f"{symbol}{suffix}"
            found.append(BarFile(symbol, name, year, bars_path(folder, name, year)))
    return found


def _folder(conf: Mapping[str, Any]) -> str:
    """The folder of a source: it names what defines the bytes of its files, so that no two sources share one."""
    bars = conf["bars"]
    if bars["source"] == "files":
        return f"files-{configs.digest([bars['path'], bars['columns']])[:8]}"
    return f"synthetic-{conf['seed']}" if bars["source"] == "synthetic" else "yahoo"
