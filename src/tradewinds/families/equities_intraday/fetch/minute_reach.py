"""How far the chart API reaches back for minute bars, and which sessions of a run it cannot give any more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewinds.core import files
from tradewinds.core.errors import DataMissing
from tradewinds.reference_data.exchange_calendar import ExchangeCalendar

if TYPE_CHECKING:
    from tradewinds.families.equities_intraday.plan import MonthFile

REACH_DAYS = 29  # the service serves minutes of the last 30 days, today included
SHOWN_SESSIONS = 40  # in an error message


def first_in_reach(today: dt.date) -> dt.date:
    """Return the first date whose minutes the service still serves."""
    return today - dt.timedelta(days=REACH_DAYS)


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
    if not early:
        return
    lost: dict[dt.date, list[str]] = {}
    for file in months:
        of_month = [date for date in early if f"{date:%Y-%m}" == file.month]
        if not of_month:
            continue
        first, last = _covered(file.path)
        for date in of_month:
            if not first <= date <= last:
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
        f"{len(dates)} session(s) are out of reach: the service has minutes of the last 30 days only, from {reach} on, and no "
        f"file has those of {', '.join(symbols[:SHOWN_SESSIONS])} for {shown}{more}."
    )


def _covered(path: str) -> tuple[dt.date, dt.date]:
    """Return the first and the last date of which a file has all that the service had; an empty span without a file."""
    if not Path(path).exists():
        return dt.date.max, dt.date.min
    meta = files.read_meta(path)
    return dt.date.fromisoformat(meta["covers_from"]), dt.date.fromisoformat(meta["covers_through"])
