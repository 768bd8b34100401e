"""Sessions of an exchange: dates, opens and closes, from the package exchange-calendars.

A date that is no session of the calendar can still have a bar: a session that was announced late, or a date before or after
those that the calendar knows. Its open and close are the usual ones of that time, which the package knows too.

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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from tradewinds.core import files
from tradewinds.core.arrays import Ints
from tradewinds.core.errors import ConfigError, DamagedFile
from tradewinds.core.near_names import meant
from tradewinds.core.safe_text import shortened
from tradewinds.core.units import DAY_SECONDS

PACKAGE = "exchange-calendars"
TRADING_DAYS_PER_YEAR = 252
FIRST_DATE = dt.date(1990, 1, 1)  # sessions before are not made: no source of minutes reaches back so far
LAST_DATE = dt.date(2100, 12, 31)  # nor sessions after: today's rules of holidays say nothing of them
LONGEST_SESSION = 16 * 3600  # seconds; markets that close for an hour a day have no session of a day
SESSIONS = files.schema_of(("day", pa.int32()), ("open_ts", pa.int64()), ("close_ts", pa.int64()))
_META = {"timezone", "first", "last", "is_whole", "usual_opens", "usual_closes"}  # keys of such a file's metadata
_EPOCH = dt.date(1970, 1, 1)
_SHOWN_ERROR = 200  # characters of an error of the package


class UsualTime(NamedTuple):
    """A time of day at which an exchange usually opens, or closes.

    Attributes:
        since: first date on which it holds.
        time: on the exchange's clock.
    """

    since: dt.date
    time: dt.time


@dataclass(frozen=True)
class ExchangeCalendar:
    """The sessions of an exchange, in order.

    Attributes:
        code: market identifier code, such as XNYS.
        timezone: name in the time-zone database.
        first: first date of which the calendar knows whether it is a session.
        last: last such date.
        is_whole: whether the package knows no date after `last`.
        usual_opens: usual times of the open, in order of `since`.
        usual_closes: usual times of the close, in order of `since`.
        day: by session: days since 1970-01-01.
        open_ts: by session: first instant; Unix s.
        close_ts: by session: first instant after it; Unix s.
    """

    code: str
    timezone: str
    first: dt.date
    last: dt.date
    is_whole: bool
    usual_opens: Sequence[UsualTime]
    usual_closes: Sequence[UsualTime]
    day: Ints
    open_ts: Ints
    close_ts: Ints

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the exchange."""
        return ZoneInfo(self.timezone)

    def lists(self, date: dt.date) -> bool:
        """Whether a date is a session of the calendar."""
        return day_number(date) in self._session_of

    def opens(self, date: dt.date) -> int:
        """Return the open of a date's session in Unix seconds; of a date that is no session, its usual open."""
        session = self._session_of.get(day_number(date))
        return self._usual_ts(self.usual_opens, date) if session is None else int(self.open_ts[session])

    def closes(self, date: dt.date) -> int:
        """Return the close of a date's session in Unix seconds; of a date that is no session, its usual close."""
        session = self._session_of.get(day_number(date))
        return self._usual_ts(self.usual_closes, date) if session is None else int(self.close_ts[session])

    @functools.cached_property
    def _session_of(self) -> Mapping[int, int]:
        """The index of each session, by its day number."""
        return {day: index for index, day in enumerate(self.day.tolist())}

    def _usual_ts(self, times: Sequence[UsualTime], date: dt.date) -> int:
        """Return the last of some usual times that holds on a date, in Unix seconds."""
        clock = [usual.time for usual in times if usual.since <= date][-1]
        return int(dt.datetime.combine(date, clock, self.zone).timestamp())

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


def known_calendar(code: str, last: dt.date) -> ExchangeCalendar:
    """Return the calendar of an exchange as far as its package knows it.

    Args:
        code: its market identifier code.
        last: a date that the calendar reaches if its package does.

    Raises:
        ConfigError: there is no such exchange, or it has no sessions with an open and a close.
    """
    if (found := _kept_until(code, last)) is not None:
        return found
    if not files.writes_caches():
        return _built(code, _last_built(last))
    # of several processes that need it one makes it, and removes what one that was killed has left of it
    with files.only_maker(_file_of(code)):
        _kept.cache_clear()
        return _kept_until(code, last) or _made(code, last)


def _kept_until(code: str, last: dt.date) -> ExchangeCalendar | None:
    """Return the kept calendar of an exchange if it reaches a date, or all that the package knows; else None."""
    found = _kept(code, Path.cwd())
    return None if found is None or (found.last < last and not found.is_whole) else found


def _last_built(last: dt.date) -> dt.date:
    """Return the last date of the calendar that is built for one: that of its year is the same for all its days."""
    return last.replace(month=12, day=31)


def calendar_of(code: str, last: dt.date) -> ExchangeCalendar:
    """Return the calendar of an exchange, which knows all dates up to one.

    Args:
        code: its market identifier code.
        last: a date that the calendar must reach.

    Raises:
        ConfigError: there is no such exchange, it has no sessions with an open and a close, or its calendar ends before `last`.
    """
    found = known_calendar(code, last)
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
    if not table.schema.equals(SESSIONS) or not meta.keys() >= _META:
        return None
    return ExchangeCalendar(
        code=code,
        timezone=meta["timezone"],
        first=dt.date.fromisoformat(meta["first"]),
        last=dt.date.fromisoformat(meta["last"]),
        is_whole=meta["is_whole"],
        usual_opens=_usual_times(meta["usual_opens"]),
        usual_closes=_usual_times(meta["usual_closes"]),
        **{name: _integers(table[name]) for name in SESSIONS.names},
    )


def _integers(column: pa.ChunkedArray) -> Ints:
    """Return a column of integers without nulls.

    `to_numpy` would import pandas, which takes longer than all else that a command does before its work.
    """
    kind = np.dtype(f"i{column.type.bit_width // 8}")
    parts = [np.frombuffer(chunk.buffers()[1], kind)[chunk.offset :][: len(chunk)] for chunk in column.chunks]
    return np.concatenate([np.zeros(0, np.int64), *parts])


def _usual_times(kept: Sequence[Sequence[str]]) -> tuple[UsualTime, ...]:
    """Convert usual times from the text in a file's metadata."""
    return tuple(UsualTime(dt.date.fromisoformat(since), dt.time.fromisoformat(time)) for since, time in kept)


def _made(code: str, last: dt.date) -> ExchangeCalendar:
    """Make the calendar of an exchange and keep it in the data folder; raises as `calendar_of`."""
    made = _built(code, _last_built(last))
    table = pa.table({name: getattr(made, name) for name in SESSIONS.names}).cast(SESSIONS)
    meta = {
        "calendar": code,
        "package": f"{PACKAGE} {package_version()}",
        "timezone": made.timezone,
        "first": made.first.isoformat(),
        "last": made.last.isoformat(),
        "is_whole": made.is_whole,
        "usual_opens": [[usual.since.isoformat(), usual.time.isoformat()] for usual in made.usual_opens],
        "usual_closes": [[usual.since.isoformat(), usual.time.isoformat()] for usual in made.usual_closes],
    }
    files.write_parquet(_file_of(code), table, meta)
    _kept.cache_clear()
    return made


def _file_of(code: str) -> str:
    """Return the path of the file that keeps an exchange's sessions, relative to the working directory."""
    return f"data/calendars/{code}-{package_version()}.parquet"


@functools.lru_cache(maxsize=8)
def _built(code: str, last: dt.date) -> ExchangeCalendar:
    """Build the calendar of an exchange through the end of the year after a date; raises as `known_calendar`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of functions of pandas that the package uses and a later pandas will not have
        import exchange_calendars

        names = sorted(name for name in exchange_calendars.get_calendar_names() if name.isalnum())
        if code not in names:
            near = meant(code, names, most=3)  # codes are short and much alike
            remedy = f"{near} Known: {', '.join(names)}.".strip()
            raise ConfigError(f"unknown calendar {code!r}.", where="calendar", remedy=remedy)
        # exchanges with the same sessions share a calendar; it knows no dates before and after its bounds, if it has any
        own_code = exchange_calendars.resolve_alias(code)
        factory = exchange_calendars.calendar_utils._default_calendar_factories[own_code]
        low, high = factory.bound_min(), factory.bound_max()
        first = max([FIRST_DATE, *([] if low is None else [low.date()])])
        most = min([LAST_DATE, *([] if high is None else [high.date()])])
        end = min(most, dt.date(min(max(last, first).year + 1, LAST_DATE.year), 12, 31))
        try:
            calendar = exchange_calendars.get_calendar(own_code, start=first, end=end)
        except (
            NotImplementedError,
            ValueError,
        ) as error:  # in this version of pandas; the others do not suffer from it
            what = f"{PACKAGE} {package_version()} cannot make the calendar of {code}"
            text = f"{what} ({type(error).__name__}: {shortened(str(error), _SHOWN_ERROR)})."
            remedy = "Name another exchange with the same hours, or install another version of the package."
            raise ConfigError(text, where="calendar", remedy=remedy) from None
        day, open_ts, close_ts = (_seconds(times) for times in (calendar.sessions, calendar.opens, calendar.closes))
    if (close_ts - open_ts).max() > LONGEST_SESSION:
        what = f"{code} trades around the clock: it has no sessions with an open and a close."
        raise ConfigError(what, where="calendar", remedy="Name an exchange of shares, such as XNYS.")
    return ExchangeCalendar(
        code=code,
        timezone=str(calendar.tz),
        first=first,
        last=end,
        is_whole=end == most,
        usual_opens=_usual_of(calendar.open_times),
        usual_closes=_usual_of(calendar.close_times),
        day=day // DAY_SECONDS,
        open_ts=open_ts,
        close_ts=close_ts,
    )


def _usual_of(times: Sequence[tuple[Any, dt.time]]) -> tuple[UsualTime, ...]:
    """Convert usual times of the package: (first date as a time stamp of pandas, None for always; time)."""
    return tuple(UsualTime(dt.date.min if since is None else since.date(), time) for since, time in times)


def _seconds(times: Any) -> Ints:
    """Return time stamps of pandas, without a zone or in UTC, as Unix seconds."""
    import pandas

    found: Ints = pandas.DatetimeIndex(times).tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)
    return found
