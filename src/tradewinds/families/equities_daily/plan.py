"""The plan of a run of shares: a file of bars per symbol and year, and what they are made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from tradewinds.config import resolve as configs
from tradewinds.core.errors import DataMissing
from tradewinds.families.equities_daily.schemas import BARS, PANEL, bars_path
from tradewinds.families.equities_daily.strategies import table
from tradewinds.families.plan import DataFile, Plan, needed_through, run_folder
from tradewinds.reference_data.universe import Universe, universe_of, within


class BarFile(NamedTuple):
    """A year of a symbol, the name under which its source has it, and the file of its bars."""

    symbol: str
    name: str
    year: int
    path: str


@dataclass(frozen=True)
class BarFiles:
    """The files of a run of shares.

    Attributes:
        years: one file per symbol and year.
        panel: all bars in one file, because opening thousands takes longer than replaying them.
        source: files, yahoo or synthetic.
        source_file: what bars are imported from, if it is a file.
        side_files: the user's universe and corporate actions.
        universe: spans of membership by symbol.
    """

    years: tuple[BarFile, ...]
    panel: str
    source: str
    source_file: str | None
    side_files: tuple[str, ...]
    universe: Universe

    @property
    def bars(self) -> list[str]:
        """Paths of all files of bars."""
        return [file.path for file in self.years]


SharesPlan = Plan[BarFiles]


def shares_plan(conf: Mapping[str, Any]) -> SharesPlan:
    """The plan of a resolved config.

    Raises:
        ConfigError: the universe file cannot be read.
        DataMissing: the file of bars is not there.
    """
    run, made = configs.run_id(dict(conf)), _bar_files(conf)
    fetched, date_end = made.source == "yahoo", conf["date_end_local"]
    return Plan(
        run_id=run,
        run_dir=run_folder(conf, run),
        date_end=date_end,
        stages={
            "bars": [
                DataFile(file.path, BARS, fetched, needed_through(date_end, file.year) if fetched else None)
                for file in made.years
            ],
            "panel": [DataFile(made.panel, PANEL)],
        },
        inputs={"panel": [made.panel], "side_files": list(made.side_files)},
        units=len(made.years),
        files=made,
    )


def with_files(plan: SharesPlan, **changes: Any) -> SharesPlan:
    """The plan with some of its files changed: what a look-ahead check reads in their place."""
    return replace(plan, files=replace(plan.files, **changes))


def _bar_files(conf: Mapping[str, Any]) -> BarFiles:
    if conf["bars"]["source"] == "files" and not Path(conf["bars"]["path"]).is_file():
        what = f"there are no prices: no file {conf['bars']['path']}."
        raise DataMissing(what, remedy="Give the path of a CSV or Parquet file of daily bars in bars.path.")
    universe, source = universe_of(conf), conf["bars"]["source"]
    years = tuple(_years(conf, universe))
    given = conf["universe"]["file"] if isinstance(conf["universe"], dict) else None
    return BarFiles(
        years=years,
        panel=f"data/panels/{configs.digest([file.path for file in years])[:20]}.parquet",
        source=source,
        source_file=conf["bars"]["path"] if source == "files" else None,
        side_files=tuple(path for path in (given, conf["actions"]) if path is not None),
        universe=universe,
    )


def _years(conf: Mapping[str, Any], universe: Universe) -> list[BarFile]:
    """The years in which a symbol is active in the run, and those before it that its first signals look back to."""
    needed = table.history_of(conf)
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
