"""The plan of a run of intraday equities: one file of minute bars per symbol and month, and one panel of all of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from tradewinds.config import resolve as configs
from tradewinds.families.equities_intraday.fetch import minute_reach, user_minutes
from tradewinds.families.equities_intraday.schemas import MINUTE_PANEL, MINUTES, month_path
from tradewinds.families.plan import DataFile, Plan, needed_through, run_folder
from tradewinds.reference_data.exchange_calendar import ExchangeCalendar, calendar_of, package_version

WARMUP_SESSIONS = 30  # of a source that has no first bar: twice the usual period of the average true range


class MonthFile(NamedTuple):
    """The file of one symbol's minute bars of one month.

    Attributes:
        symbol: the symbol.
        month: the month on the exchange's clock, such as 2024-03.
        path: the path of the file (schema MINUTES).
    """

    symbol: str
    month: str
    path: str


@dataclass(frozen=True)
class MinuteFiles:
    """The files of a run of intraday equities.

    Attributes:
        months: one file per symbol and month, in order of symbol and month.
        cache_dir: folder in which they are kept.
        folder: name of the source's folder.
        panel: path of one file with the session bars of all of them.
        source: files, yahoo or synthetic.
        source_files: paths of the user's files that bars are imported from; none for other sources.
        side_files: path of the user's corporate actions, if the config has them.
        symbols: the symbols of the run, in alphabetical order.
        calendar: market identifier code of the exchange.
        first: date of the first session whose bars are read, history included.
        sessions: number of sessions of the run, without history.
    """

    months: tuple[MonthFile, ...]
    cache_dir: str
    folder: str
    panel: str
    source: str
    source_files: tuple[str, ...]
    side_files: tuple[str, ...]
    symbols: tuple[str, ...]
    calendar: str
    first: dt.date
    sessions: int

    @property
    def bars(self) -> list[str]:
        """Paths of all files of bars, in the order of `months`."""
        return [file.path for file in self.months]


IntradayPlan = Plan[MinuteFiles]


def intraday_plan(conf: Mapping[str, Any]) -> IntradayPlan:
    """Return the plan of a resolved config.

    Raises:
        ConfigError: the user's files of bars cannot be read or are not what the config says.
        DataMissing: there are no such files, they have no bars, or sessions are out of the service's reach.
    """
    run_id, calendar = configs.run_id(dict(conf)), calendar_of(conf["calendar"], conf["date_end_local"])
    minute_files = _files_of(conf, calendar)
    is_fetched, date_end = minute_files.source == "yahoo", conf["date_end_local"]
    if is_fetched:
        date_end = minute_reach.finished_through(calendar, date_end)
    bars = [
        DataFile(
            path=file.path,
            schema=MINUTES,
            fetched=is_fetched,
            reaches=needed_through(date_end, int(file.month[:4]), int(file.month[5:])) if is_fetched else None,
        )
        for file in minute_files.months
    ]
    if is_fetched:
        minute_reach.refuse_out_of_reach(conf, calendar, minute_files.months)
    return Plan(
        run_id=run_id,
        run_dir=run_folder(conf, run_id),
        date_end=date_end,
        stages={"bars": bars, "panel": [DataFile(minute_files.panel, MINUTE_PANEL)]},
        inputs=_inputs(conf, minute_files),
        units=len(minute_files.months),
        files=minute_files,
    )


def _inputs(conf: Mapping[str, Any], minute_files: MinuteFiles) -> dict[str, list[str]]:
    """Return what a replay reads: the panel, and the user's own files beside the bars."""
    own = conf["strategy"]["file"]
    return {
        "panel": [minute_files.panel],
        "side_files": list(minute_files.side_files),
        **({} if own is None else {"user_strategy": [own]}),
    }


def with_minute_files(plan: IntradayPlan, **changes: Any) -> IntradayPlan:
    """Return a copy of a plan with other files, which the look-ahead check reads in place of the run's own.

    Args:
        plan: the plan of the run.
        changes: new values of attributes of MinuteFiles.
    """
    return replace(plan, files=replace(plan.files, **changes))


def _files_of(conf: Mapping[str, Any], calendar: ExchangeCalendar) -> MinuteFiles:
    """List the files of a resolved config; raises as intraday_plan."""
    source, symbols = conf["bars"]["source"], tuple(sorted(conf["symbols"]))
    first = _first_date(conf, calendar)
    folder, minutes = _source_folder(conf), conf["bars"]["minutes"]
    cache_dir = Path(conf["cache_dir"]).as_posix()  # without ./ at its start, of which Snakemake warns
    months = tuple(
        MonthFile(symbol, month, month_path(cache_dir, folder, minutes, symbol, month))
        for symbol in symbols
        for month in months_between(first, conf["date_end_local"])
    )
    of_panel = [
        [file.path for file in months],
        [first, conf["date_end_local"], conf["calendar"], package_version(), conf["bars"]["zero_volume"]],
    ]
    run_sessions = calendar.between(conf["date_start_local"], conf["date_end_local"])
    return MinuteFiles(
        months=months,
        cache_dir=cache_dir,
        folder=folder,
        panel=f"{cache_dir}/panels/{configs.digest(of_panel)[:20]}.parquet",
        source=source,
        source_files=tuple(user_minutes.files_at(conf["bars"]["path"])) if source == "files" else (),
        side_files=() if conf["actions"] is None else (conf["actions"],),
        symbols=symbols,
        calendar=conf["calendar"],
        first=first,
        sessions=run_sessions.stop - run_sessions.start,
    )


def _first_date(conf: Mapping[str, Any], calendar: ExchangeCalendar) -> dt.date:
    """Return the date of the first session whose bars are read; raises as intraday_plan."""
    start, wanted = conf["date_start_local"], conf["bars"]["warmup_sessions"]
    if wanted is None and conf["bars"]["source"] == "files":
        first: dt.date = min(user_minutes.first_date(conf), start)
        return first
    wanted = WARMUP_SESSIONS if wanted is None else wanted
    index = calendar.between(start, start).start
    return calendar.date(max(0, index - wanted)) if wanted else start


def months_between(first: dt.date, last: dt.date) -> list[str]:
    """Return the months from one date to another, such as 2024-03."""
    count = 12 * (last.year - first.year) + last.month - first.month + 1
    numbers = [12 * first.year + first.month - 1 + index for index in range(count)]
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in numbers]


def _source_folder(conf: Mapping[str, Any]) -> str:
    """Name the folder of a source by everything that defines the bytes of its files, so that no two sources share one."""
    bars = conf["bars"]
    if bars["source"] == "files":
        read_as = [bars[key] for key in ("path", "label", "timezone", "prices", "minutes")]
        return f"files-{configs.digest([*read_as, conf['calendar']])[:8]}"
    calendar = "" if conf["calendar"] == "XNYS" else f"-{conf['calendar']}"
    return f"synthetic-{conf['seed']}{calendar}" if bars["source"] == "synthetic" else f"yahoo{calendar}"
