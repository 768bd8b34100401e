"""The plan of a run of daily equities: one file of bars per symbol and year, and one panel of all of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from tradewinds.config import resolve as configs
from tradewinds.core.errors import DataMissing
from tradewinds.families.equities_daily.schemas import BARS, PANEL, bars_path
from tradewinds.families.equities_daily.strategies import share_strategies
from tradewinds.families.plan import DataFile, Plan, needed_through, run_folder
from tradewinds.reference_data.exchange_calendar import known_calendar
from tradewinds.reference_data.universe import Universe, active_within, universe_of


class BarFile(NamedTuple):
    """The file of one symbol's daily bars of one year.

    Attributes:
        symbol: the symbol as the config has it.
        name: the symbol as the source has it, with the source's suffix.
        year: the calendar year.
        path: the path of the file (schema BARS).
    """

    symbol: str
    name: str
    year: int
    path: str


@dataclass(frozen=True)
class SharesFiles:
    """The files of a run of daily equities.

    Attributes:
        years: one file per symbol and year.
        panel: path of one file with all bars, because opening thousands of files takes longer than replaying them.
        source: files, yahoo or synthetic.
        source_file: path of the user's file that bars are imported from; None for other sources.
        side_files: paths of the user's universe and corporate actions, as far as the config has them.
        user_strategy: path of the user's own strategy; None without one.
        universe: spans of membership by symbol.
    """

    years: tuple[BarFile, ...]
    panel: str
    source: str
    source_file: str | None
    side_files: tuple[str, ...]
    user_strategy: str | None
    universe: Universe

    @property
    def bars(self) -> list[str]:
        """Paths of all files of bars, in the order of `years`."""
        return [file.path for file in self.years]


SharesPlan = Plan[SharesFiles]


def shares_plan(conf: Mapping[str, Any]) -> SharesPlan:
    """Return the plan of a resolved config.

    Raises:
        ConfigError: the universe file cannot be read.
        DataMissing: the user's file of bars does not exist.
    """
    run_id, share_files = configs.run_id(dict(conf)), _files_of(conf)
    known_calendar(conf["calendar"], conf["date_end_local"])  # kept in the data folder, for the jobs of the run
    is_fetched, date_end = share_files.source == "yahoo", conf["date_end_local"]
    bars = [
        DataFile(
            path=file.path,
            schema=BARS,
            fetched=is_fetched,
            reaches=needed_through(date_end, file.year) if is_fetched else None,
        )
        for file in share_files.years
    ]
    return Plan(
        run_id=run_id,
        run_dir=run_folder(conf, run_id),
        date_end=date_end,
        stages={"bars": bars, "panel": [DataFile(share_files.panel, PANEL)]},
        inputs={
            "panel": [share_files.panel],
            "side_files": list(share_files.side_files),
            **({} if share_files.user_strategy is None else {"user_strategy": [share_files.user_strategy]}),
        },
        units=len(share_files.years),
        files=share_files,
    )


def with_files(plan: SharesPlan, **changes: Any) -> SharesPlan:
    """Return a copy of a plan with other files, which the look-ahead check reads in place of the run's own.

    Args:
        plan: the plan of the run.
        changes: new values of attributes of SharesFiles.
    """
    return replace(plan, files=replace(plan.files, **changes))


def _files_of(conf: Mapping[str, Any]) -> SharesFiles:
    """List the files of a resolved config; raises as shares_plan."""
    if conf["bars"]["source"] == "files" and not Path(conf["bars"]["path"]).exists():
        what = f"there are no prices: no file {conf['bars']['path']}."
        raise DataMissing(
            what, where="bars.path", remedy="Give the path of a CSV or Parquet file of daily bars in bars.path."
        )
    universe, source = universe_of(conf), conf["bars"]["source"]
    universe_file = conf["universe"]["file"] if isinstance(conf["universe"], dict) else None
    years = tuple(_years(conf, universe))
    return SharesFiles(
        years=years,
        panel=f"data/panels/{configs.digest([file.path for file in years])[:20]}.parquet",
        source=source,
        source_file=conf["bars"]["path"] if source == "files" else None,
        side_files=tuple(path for path in (universe_file, conf["actions"]) if path is not None),
        user_strategy=conf["strategy"]["file"],
        universe=universe,
    )


def _years(conf: Mapping[str, Any], universe: Universe) -> list[BarFile]:
    """List the years in which a symbol is active in the run, and the years before them that its first signals need."""
    history_bars = share_strategies.history_of(conf)
    # twice as many calendar days and two weeks: bars are weekdays without holidays, and thinly traded shares miss some
    lookback = dt.timedelta(days=2 * history_bars + 14)
    folder, suffix = _source_folder(conf), conf["bars"].get("suffix", "")
    found = []
    for symbol, spans in universe.items():
        active = active_within(spans, conf["date_start_local"], conf["date_end_local"])
        if active is None:
            continue
        first, last = active
        name = f"{symbol}{suffix}"
        for year in range((first - lookback).year, last.year + 1):
            found.append(BarFile(symbol, name, year, bars_path(folder, name, year)))
    return found


def _source_folder(conf: Mapping[str, Any]) -> str:
    """Name the folder of a source by everything that defines the bytes of its files, so that no two sources share one."""
    bars = conf["bars"]
    if bars["source"] == "files":
        return f"files-{configs.digest([bars['path'], bars['columns']])[:8]}"
    return f"synthetic-{conf['seed']}" if bars["source"] == "synthetic" else "yahoo"
