"""The job that fetches a month of one kind of a perpetual's records, or continues it.

A file holds whole days only. One whose month is over is never asked for again; an earlier one is continued from its last day.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from tradewinds.core import files
from tradewinds.core.errors import ConfigError, DataMissing, RefusedAnswer, SimulationError
from tradewinds.families.funding_carry.fetch import month_sources, source_reach
from tradewinds.families.funding_carry.fetch.candle_checks import RawCandle, checked_candles
from tradewinds.families.funding_carry.fetch.month_request import FetchedMonth, MonthRequest, missing_candles
from tradewinds.families.funding_carry.fetch.rate_checks import RawRate, checked_rates
from tradewinds.families.funding_carry.symbols import name_of
from tradewinds.families.plan import month_end
from tradewinds.sources.client import utc_now

NO_FULL_DAY = "NO_FULL_DAY"  # reason of an empty file: no day of its month is over

logger = logging.getLogger(__name__)


def fetch_perp_month_job(
    source: str, symbol: str, kind: str, month: str, minutes: int, through: str, out: str, series: str = ""
) -> None:
    """Fetch the days of a month that are over and in no file yet.

    Args:
        source: name of the source.
        symbol: unified name of the perpetual, such as BTC/USDT:USDT.
        kind: funding, spot, perp or mark.
        month: such as 2024-03.
        minutes: length of the candles.
        through: the date that the file was asked to reach, as ISO 8601.
        out: the file to make.
        series: name of what the file has: of spot candles the pair, "" for the part of the symbol before the colon.

    Raises:
        ConfigError: the source has no records of this kind.
        DataMissing: fetching is off, or the source has forgotten the month.
        FetchError: the source cannot be asked, or its answer cannot be right.
    """
    if kind not in source_reach.KINDS_OF[source]:
        remedy = "Take another source, or files of your own."
        raise ConfigError(f"{source} gives no {kind} records.", where="data.source", remedy=remedy)
    first = dt.date(int(month[:4]), int(month[5:]), 1)
    last = month_end(first.year, first.month)
    with files.only_maker(out):
        now = utc_now()
        full = min(last, source_reach.last_full_day(now))
        kept, about = _kept(out, kind, first)
        due, reach = _day_after(about["covers_through"]), source_reach.first_in_reach(source, kind, now.date())
        wanted = MonthRequest(
            symbol=symbol,
            spot=series if kind == "spot" and series else name_of(symbol).spot,
            kind=kind,
            minutes=minutes,
            month=month,
            first_day=max(due, reach),
            last_day=full,
        )
        if due < reach:  # the days between are lost, so the file is complete from later on
            about.pop("covers_from", None)
        # ask for what is due, and put it together with what is there
        if wanted.first_day > full:
            found = _nothing_due(source, wanted, last, about)
        else:
            found, clients = month_sources.fetch_month(source, wanted, month_sources.is_whole_month(wanted))
            about["requests"] = about.get("requests", 0) + sum(client.requests for client in clients)
            about["retries"] = about.get("retries", 0) + sum(client.retries for client in clients)
        _write(out, _joined(kept, found), wanted, about | _story(source, wanted, now, through, about))
    logger.info("%s: %s through %s", out, kind, full)


def _kept(path: str, kind: str, first: dt.date) -> tuple[FetchedMonth, dict[str, Any]]:
    """Return the records of the file that is there and what it says of itself; without a file nothing.

    Args:
        path: the file.
        kind: of the records.
        first: the first day of the month.
    """
    if not Path(path).exists():
        return FetchedMonth(), {"covers_through": (first - dt.timedelta(days=1)).isoformat(), "quarantined": {}}
    about = files.read_meta(path)
    table = files.read_table(path)
    if kind == "funding":
        return FetchedMonth(rates=_rates_of(table)), about
    return FetchedMonth(candles=_candles_of(table)), about


def _rates_of(table: pa.Table) -> list[RawRate]:
    """Return the rows of a file of funding rates as they came from the source."""
    names = ("rate", "mark_price", "interval_hours")
    columns = [table["raw_ts_utc"].cast(pa.int64()).to_pylist(), *(table[name].to_pylist() for name in names)]
    return [RawRate(*row) for row in zip(*columns, strict=True)]


def _candles_of(table: pa.Table) -> list[RawCandle]:
    """Return the rows of a file of candles as they came from the source."""
    names = ("open", "high", "low", "close", "volume")
    columns = [table["open_ts_utc"].cast(pa.int64()).to_pylist(), *(table[name].to_pylist() for name in names)]
    return [RawCandle(*row) for row in zip(*columns, strict=True)]


def _nothing_due(source: str, wanted: MonthRequest, last: dt.date, about: dict[str, Any]) -> FetchedMonth:
    """Return no records: no further day is over.

    Raises:
        DataMissing: there is no file, and the source has forgotten the month.
    """
    if wanted.first_day > last and about["covers_through"] < last.isoformat():
        what = f"{source} has no {wanted.kind} records of {wanted.month} any more: it gives the last three months only."
        remedy = "Begin later, or take another source."
        raise DataMissing(what, where=wanted.symbol, remedy=remedy)
    kept = ("via", "reason", "sha256", "url_path", "first_month")
    return FetchedMonth(about={"reason": NO_FULL_DAY, **{key: about[key] for key in kept if key in about}})


def _joined(kept: FetchedMonth, found: FetchedMonth) -> FetchedMonth:
    """Return the records of a file and those that continue it."""
    return replace(found, rates=[*kept.rates, *found.rates], candles=[*kept.candles, *found.candles])


def _story(source: str, wanted: MonthRequest, now: dt.datetime, through: str, before: dict[str, Any]) -> dict[str, Any]:
    """Return what a file says of itself beside its records.

    Args:
        source: name of the source.
        wanted: the days that were fetched.
        now: the time.
        through: the date that the file was asked to reach.
        before: what the file said before.
    """
    covered = max(before["covers_through"], wanted.last_day.isoformat())
    return {
        "source": source,
        "symbol": wanted.symbol,
        "spot": wanted.spot,
        "kind": wanted.kind,
        "month": wanted.month,
        "minutes": None if wanted.kind == "funding" else wanted.minutes,
        "covers_from": before.get("covers_from", wanted.first_day.isoformat()),
        "covers_through": covered,
        "asked_through": through,
        "retrieved_at": now.isoformat(),
    }


def _write(out: str, found: FetchedMonth, wanted: MonthRequest, about: dict[str, Any]) -> None:
    """Check the records of a month and write its file.

    Raises:
        RefusedAnswer: records contradict each other, or a number is out of range.
    """
    # the checks are those of all sources; what they refuse is here an answer of the service
    try:
        if wanted.kind == "funding":
            table, counts = checked_rates(wanted.symbol, found.rates, wanted.month)
        else:
            table, counts = checked_candles(wanted.symbol, found.candles, wanted.month, wanted.minutes)
    except SimulationError as error:
        remedy = "Nothing was stored. Take another source, or files of your own (source: files)."
        raise RefusedAnswer(
            error.what, where=f"{about['source']} {wanted.symbol} {wanted.month}", remedy=remedy
        ) from None
    # what the file says: counts of all its parts, and why it has no rows
    about = {key: value for key, value in about.items() if key not in ("reason", "missing", "sha256", "url_path")}
    about |= found.about
    about["quarantined"] = dict(sorted((Counter(about["quarantined"]) + counts).items()))
    if wanted.kind != "funding":
        about["missing"] = missing_candles(found.candles, wanted.minutes)
    if table.num_rows:
        about.pop("reason", None)
    else:
        about.setdefault("reason", month_sources.NO_ROWS)
    files.write_parquet(out, table, about)


def _day_after(day: str) -> dt.date:
    """Return the day after one in ISO 8601."""
    return dt.date.fromisoformat(day) + dt.timedelta(days=1)
