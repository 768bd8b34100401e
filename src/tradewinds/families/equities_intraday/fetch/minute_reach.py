"""How far the chart API reaches back for minute bars, and which sessions of a run it cannot give any more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewinds.core import files
from tradewinds.core.errors import DataMissing
from tradewinds.core.text import counted
from tradewinds.families.plan import month_end
from tradewinds.reference_data.exchange_calendar import ExchangeCalendar

if TYPE_CHECKING:
    from tradewinds.families.equities_intraday.plan import MonthFile

REACH_DAYS = 29  # the service serves minutes of the last 30 days, today included
SETTLED_SECONDS = 900  # after the close: the last minutes come late
SHOWN_SESSIONS = 40  # in an error message


def first_in_reach(today: dt.date) -> dt.date:
    """Return the first date whose minutes the service still serves."""
    return today - dt.timedelta(days=REACH_DAYS)


def is_over(calendar: ExchangeCalendar, session: int, now: dt.datetime) -> bool:
    """Whether a session ended long enough ago that its bars do not change any more.

    Args:
        calendar: the exchange.
        session: index of the session.
        now: the time, with a zone.
    """
    return int(calendar.close_ts[session]) + SETTLED_SECONDS <= now.timestamp()


def covered_through(calendar: ExchangeCalendar, span: slice, over: Sequence[int]) -> dt.date:
    """Return the date through which all sessions of a month are over: its last one, if all are.

    Args:
        calendar: the exchange.
        span: the sessions of the month.
        over: those of them that are over.
    """
    running = next((index for index in range(span.start, span.stop) if index not in set(over)), span.stop)
    return calendar.date(running) - dt.timedelta(days=1) if running < span.stop else _month_end(calendar, span)


def _month_end(calendar: ExchangeCalendar, span: slice) -> dt.date:
    """Return the last date of the month of some sessions."""
    date = calendar.date(span.start)
    return month_end(date.year, date.month)


def finished_through(calendar: ExchangeCalendar, last: dt.date) -> dt.date:
    """Return the last date up to another one through which all sessions are over.

    Args:
        calendar: the exchange.
        last: the other date.
    """
    now = dt.datetime.now(dt.UTC)
    span = calendar.between(now.date() - dt.timedelta(days=3), last)
    running = [index for index in range(span.start, span.stop) if not is_over(calendar, index, now)]
    return min(last, calendar.date(running[0]) - dt.timedelta(days=1)) if running else last


def refuse_out_of_reach(conf: Mapping[str, Any], calendar: ExchangeCalendar, months: Sequence[MonthFile]) -> None:
    """Raise DataMissing if sessions of a run are out of the service's reach and in no file that is there.

    Args:
        conf: a resolved config.
        calendar: the exchange.
        months: the files of the run.
    """
    reach = first_in_reach(dt.datetime.now(dt.UTC).date())
    span = calendar.between(conf["date_start_local"], min(conf["date_end_local"], reach - dt.timedelta(days=1)))
    early = [calendar.date(index) for index in range(span.start, span.stop)]
    lost: dict[dt.date, list[str]] = {}
    for file in months:
        of_month = [date for date in early if f"{date:%Y-%m}" == file.month]
        if not of_month:
            continue
        known = _sessions_in(file.path)
        for date in of_month:
            if date.isoformat() not in known:
                lost.setdefault(date, []).append(file.symbol)
    if lost:
        raise DataMissing(_lost(lost, reach), where="bars", remedy=_REMEDY)


_REMEDY = (
    "Give files of your own (bars: {source: files, path: …}), take invented prices (bars: {source: synthetic}, "
    "or --synthetic), or begin later."
)


def _lost(lost: Mapping[dt.date, Sequence[str]], reach: dt.date) -> str:
    """Say which sessions are out of reach, and of which symbols."""
    dates = sorted(lost)
    shown = ", ".join(date.isoformat() for date in dates[:SHOWN_SESSIONS])
    more = f" and {len(dates) - SHOWN_SESSIONS} more" if len(dates) > SHOWN_SESSIONS else ""
    symbols = sorted({symbol for date in dates for symbol in lost[date]})
    return (
        f"{counted(len(dates), 'session', 'is', 'are')} out of reach: the service has minutes of the last 30 days only, from "
        f"{reach} on, and no "
        f"file has those of {', '.join(symbols[:SHOWN_SESSIONS])} for {shown}{more}."
    )


def _sessions_in(path: str) -> frozenset[str]:
    """Return the dates of the sessions of which a file has all that the service had; none without a file."""
    return frozenset(files.read_meta(path)["sessions"]) if Path(path).exists() else frozenset()
