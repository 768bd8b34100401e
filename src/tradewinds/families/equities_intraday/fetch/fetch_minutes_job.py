"""The job that fetches a month of a symbol's minute bars, or continues it."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path
from typing import Any

from tradewinds.core import files
from tradewinds.families.equities_intraday.fetch import minute_checks, minute_files, minute_reach, yahoo_minutes
from tradewinds.families.equities_intraday.fetch.minute_checks import MinuteRows
from tradewinds.families.equities_intraday.schemas import MINUTES
from tradewinds.families.plan import month_end
from tradewinds.reference_data.exchange_calendar import calendar_of
from tradewinds.sources.client import client_for, utc_now

OUT_OF_REACH = "OUT_OF_REACH"  # reason of an empty file: the service does not reach back to that month any more

logger = logging.getLogger(__name__)


def fetch_minutes_job(symbol: str, month: str, calendar_code: str, through: str, out: str) -> None:
    """Fetch the sessions of a month that are over and in no file yet.

    Rows that are there stay: the service forgets minutes after thirty days, and a file never loses any.

    Args:
        symbol: the symbol, as the service has it.
        month: such as 2024-03.
        calendar_code: market identifier code of the exchange.
        through: the date that the file was asked to reach, as ISO 8601.
        out: the file to make.
    """
    first = dt.date(int(month[:4]), int(month[5:]), 1)
    calendar = calendar_of(calendar_code, month_end(first.year, first.month))
    span = calendar.between(first, month_end(first.year, first.month))
    with files.only_maker(out):
        now = utc_now()
        known, kept = _kept(out, symbol)
        reach = minute_reach.first_in_reach(now.date())
        over = [i for i in range(span.start, span.stop) if minute_reach.is_over(calendar, i, now)]
        due = [i for i in over if calendar.date(i) >= reach and calendar.date(i).isoformat() not in known]
        client = client_for("yahoo", texts=yahoo_minutes.TEXTS)
        spans = yahoo_minutes.spans_of(calendar.open_ts[due].tolist(), calendar.close_ts[due].tolist())
        fetched = yahoo_minutes.fetch_spans(client, symbol, spans)
        # put together with the rows that are there
        rows = minute_checks.in_order(minute_files.joined([kept, fetched.rows]))
        fault = minute_checks.faults(rows, calendar, 60)
        about: dict[str, Any] = {
            "source": "yahoo",
            "symbol": symbol,
            "month": month,
            "minutes": 1,
            "calendar": calendar_code,
            "sessions": sorted({*known, *(calendar.date(i).isoformat() for i in due)}),
            "covers_through": minute_reach.covered_through(calendar, span, over).isoformat(),
            "asked_through": through,
            "retrieved_at": now.isoformat(),
            "requests": client.requests,
            "retries": client.retries,
            **({} if due else {"reason": OUT_OF_REACH}),
            **fetched.about,
        }
        minute_files.write_month(out, symbol, rows, fault, about)
    logger.info("%s: %d rows, %d sessions fetched", out, len(rows), len(due))


def _kept(path: str, symbol: str) -> tuple[list[str], MinuteRows]:
    """Return the dates of the sessions that a file has, and its rows; none without a file."""
    if not Path(path).exists():
        return [], minute_files.rows_of(MINUTES.empty_table(), symbol)
    return list(files.read_meta(path)["sessions"]), minute_files.rows_of(files.read_table(path), symbol)
