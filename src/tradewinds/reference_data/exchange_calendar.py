"""Sessions of an exchange: dates, opens and closes, from the package exchange-calendars.

Importing that package and building a calendar takes seconds, and a replay starts in a fraction of one. So the sessions of an
exchange are kept in a small file of the data folder, whose name has the package's version: another version makes another file.
The file only saves time. It is made again when a date beyond it is asked for, and neither a folder that may not be written
nor a command that writes nothing makes one.
"""

from __future__ import annotations

import datetime as dt
import functools
import importlib.metadata
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from tradewinds.core import files
from tradewinds.core.arrays import Ints
from tradewinds.core.errors import ConfigError, DamagedFile
from tradewinds.core.units import DAY_SECONDS

PACKAGE = "exchange-calendars"
FIRST_DATE = dt.date(1990, 1, 1)  # sessions before are not made: no source of minutes reaches back so far
LONGEST_SESSION = 16 * 3600  # seconds; markets that close for an hour a day have no session of a day
SESSIONS = files.schema_of(("day", pa.int32()), ("open_ts", pa.int64()), ("close_ts", pa.int64()))
_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True)
class ExchangeCalendar:
    """The sessions of an exchange, in order.

    Attributes:
        code: market identifier code, such as XNYS.
        timezone: name in the time-zone database.
        first: first date of which the calendar knows whether it is a session.
        last: last such date.
        day: by session: days since 1970-01-01.
        open_ts: by session: first instant; Unix s.
        close_ts: by session: first instant after it; Unix s.
    """

    code: str
    timezone: str
    first: dt.date
    last: dt.date
    day: Ints
    open_ts: Ints
    close_ts: Ints

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the exchange."""
        return ZoneInfo(self.timezone)

    def between(self, first: dt.date, last: dt.date) -> slice:
        """Return the indices of the sessions from one date to another, both included."""
        start, stop = np.searchsorted(self.day, [day_number(first), day_number(last) + 1])
        return slice(int(start), int(stop))

    def date(self, index: int) -> dt.date:
        """Return the date of a session."""
        return _EPOCH + dt.timedelta(days=int(self.day[index]))


def day_number(date: dt.date) -> int:
    """Return the days since 1970-01-01."""
    return (date - _EPOCH).days


def package_version() -> str:
    """Return the version of the package that calendars come from."""
    return importlib.metadata.version(PACKAGE)


def calendar_of(code: str, last: dt.date) -> ExchangeCalendar:
    """Return the calendar of an exchange.

    Args:
        code: its market identifier code.
        last: a date that the calendar must reach.

    Raises:
        ConfigError: there is no such exchange, it has no sessions with an open and a close, or its calendar ends before `last`.
    """
    found = _kept(code, Path.cwd())
    if found is None or found.last < last:
        found = _made(code, last)
    if found.last < last:
        what = f"the calendar of {code} ends with {found.last}, before {last}."
        remedy = (
            f"Its sessions come from {PACKAGE} {package_version()}: end the range earlier, or install a later version."
        )
        raise ConfigError(what, where="calendar", remedy=remedy)
    return found


@functools.lru_cache(maxsize=8)
def _kept(code: str, folder: Path) -> ExchangeCalendar | None:
    """Return the calendar that the data folder of a working directory holds; None without one that can be read."""
    path = folder / _file_of(code)
    if not path.is_file():
        return None
    try:
        table, meta = files.read_table(path), files.read_meta(path)
    except (DamagedFile, OSError):
        return None  # it is made again
    if not table.schema.equals(SESSIONS) or not {"timezone", "first", "last"} <= meta.keys():
        return None
    columns = {name: table[name].to_numpy().astype(np.int64) for name in SESSIONS.names}
    first, last = (dt.date.fromisoformat(meta[edge]) for edge in ("first", "last"))
    return ExchangeCalendar(code, meta["timezone"], first, last, **columns)


def _made(code: str, last: dt.date) -> ExchangeCalendar:
    """Make the calendar of an exchange and keep it in the data folder; raises as `calendar_of`."""
    made = _built(code, last)
    table = pa.table({name: getattr(made, name) for name in SESSIONS.names}).cast(SESSIONS)
    meta = {"calendar": code, "timezone": made.timezone, "package": f"{PACKAGE} {package_version()}"}
    path = Path.cwd() / _file_of(code)
    if files.writes_caches():
        files.write_parquet(path, table, {**meta, "first": made.first.isoformat(), "last": made.last.isoformat()})
        _kept.cache_clear()
    return made


def _file_of(code: str) -> str:
    """Return the path of the file that keeps an exchange's sessions, relative to the working directory."""
    return f"data/calendars/{code}-{package_version()}.parquet"


@functools.lru_cache(maxsize=8)
def _built(code: str, last: dt.date) -> ExchangeCalendar:
    """Build the calendar of an exchange through the end of the year after a date; raises as `calendar_of`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of functions of pandas that the package uses and a later pandas will not have
        import exchange_calendars

        names = sorted(name for name in exchange_calendars.get_calendar_names(include_aliases=False) if name.isalnum())
        if code not in names:
            remedy = f"Known: {', '.join(names)}."
            raise ConfigError(f"unknown calendar {code!r}.", where="calendar", remedy=remedy)
        # a calendar knows no dates before and after its bounds, if it has any
        factory = exchange_calendars.calendar_utils._default_calendar_factories[code]
        low, high = factory.bound_min(), factory.bound_max()
        first = max([FIRST_DATE, *([] if low is None else [low.date()])])
        end = min([dt.date(last.year + 1, 12, 31), *([] if high is None else [high.date()])])
        calendar = exchange_calendars.get_calendar(code, start=first, end=end)
        day, open_ts, close_ts = (_seconds(times) for times in (calendar.sessions, calendar.opens, calendar.closes))
    if (close_ts - open_ts).max() > LONGEST_SESSION:
        what = f"{code} trades around the clock: it has no sessions with an open and a close."
        raise ConfigError(what, where="calendar", remedy="Name an exchange of shares, such as XNYS.")
    return ExchangeCalendar(code, str(calendar.tz), first, end, day // DAY_SECONDS, open_ts, close_ts)


def _seconds(times: Any) -> Ints:
    """Return time stamps of pandas, without a zone or in UTC, as Unix seconds."""
    import pandas

    found: Ints = pandas.DatetimeIndex(times).tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)
    return found
