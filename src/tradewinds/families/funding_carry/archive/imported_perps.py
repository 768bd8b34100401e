"""Archives of perpetuals that were not fetched: a user's own records, or invented ones, served as an exchange's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from tradewinds.archive.archive import ArchiveWriter, made_whole
from tradewinds.config import resolve
from tradewinds.core import files
from tradewinds.core.errors import ConfigError, DataMissing
from tradewinds.core.temporary import temporary_folder
from tradewinds.core.units import DAY_SECONDS, MICRO
from tradewinds.families.funding_carry.archive_routes import add_month
from tradewinds.families.funding_carry.fetch import synthetic_perps, user_perps
from tradewinds.families.funding_carry.fetch.source_reach import KINDS_OF
from tradewinds.families.funding_carry.plan import PerpMonth, carry_plan
from tradewinds.families.funding_carry.symbols import name_of
from tradewinds.families.plan import month_end

SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT")  # of an invented archive
EXCHANGE = "binance"  # in whose place an archive is served if nothing else is said
FIRST, LAST = dt.date(2024, 2, 1), dt.date(2024, 6, 30)  # the warm-up of such a range begins on January 2


class ImportedMonths(NamedTuple):
    """What was written into an archive.

    Attributes:
        months: the number of month files.
        notes: lines for people: series that end early.
    """

    months: int
    notes: Sequence[str]


def make_synthetic_perps(
    out: str | Path,
    *,
    seed: int = 7,
    symbols: Sequence[str] = SYMBOLS,
    first: dt.date = FIRST,
    last: dt.date = LAST,
    exchange: str = EXCHANGE,
) -> ImportedMonths:
    """Write an archive of invented perpetuals: those that `data.source: synthetic` has with the same seed.

    Args:
        out: the folder to make.
        seed: the same seed makes the same records.
        symbols: unified names.
        first: first date of the runs that the archive can serve; their warm-up lies before it.
        last: last date.
        exchange: the exchange in whose place they are served.

    Returns:
        What was written.

    Raises:
        ConfigError: a name is none, the dates are none of a run, or `out` is not empty.
    """
    config = {
        "market": "funding_carry",
        "symbols": list(symbols),
        "date_start_local": first.isoformat(),
        "date_end_local": last.isoformat(),
        "strategy": {"preset": "balanced"},
        "data": {"source": "synthetic"},
        "risk": {"currency": _settle_coin(symbols)},
        "seed": seed,
    }
    return import_perps_archive(resolve.resolve(config, source="tradewinds archive synthetic"), out, exchange)


def import_perps_archive(conf: Mapping[str, Any], out: str | Path, exchange: str) -> ImportedMonths:
    """Write an archive of the records of a config that are not fetched. Its folder appears when it is whole.

    Args:
        conf: a resolved config whose data.source is files or synthetic; range, warm-up, clock and unit are its.
        out: the folder to make.
        exchange: the exchange in whose place the records are served.

    Returns:
        What was written.

    Raises:
        ConfigError: the records are an exchange's, the exchange is not known, or `out` is not empty.
        DataMissing: the files have nothing for the config, or nothing that the exchange gives.
        SimulationError: records of one time differ.
    """
    source = conf["data"]["source"]
    if source in KINDS_OF:
        remedy = "Use tradewinds record, which writes what was fetched as an archive."
        raise ConfigError(f"the records are fetched from {source}, not imported.", where="data.source", remedy=remedy)
    if exchange not in KINDS_OF:
        raise ConfigError(f"{exchange!r} is no exchange.", where="--exchange", remedy=f"One of {', '.join(KINDS_OF)}.")
    with made_whole(out) as part, temporary_folder("tradewinds-") as folder:
        plan = carry_plan({**conf, "cache_dir": str(folder)})
        make = user_perps.import_perps if source == "files" else synthetic_perps.make_perps
        make(conf, plan.files.months)
        writer = ArchiveWriter(part, note=f"imported from {source}, served as {exchange}'s")
        served = [month for month in plan.files.months if month.kind in KINDS_OF[exchange]]
        tables = [(month, files.read_table(month.path)) for month in served]
        found = [(month, table) for month, table in tables if table.num_rows]
        for month, table in found:
            _add(writer, month, table, (exchange, plan.files.minutes))
        if not found:
            what = f"no month has a record of what {exchange} gives ({', '.join(KINDS_OF[exchange])})."
            raise DataMissing(what, where="data", remedy="Choose dates that the files have.")
    return ImportedMonths(len(found), _early_ends(found))


def _add(writer: ArchiveWriter, month: PerpMonth, table: pa.Table, served: tuple[str, int]) -> None:
    """Write a month into an archive, as a whole one: what is missing at its end was missing in the files.

    Args:
        writer: of the archive.
        month: the month.
        table: its records.
        served: the exchange, and the length of candles in minutes.
    """
    exchange, minutes = served
    about = {
        "source": exchange,
        "symbol": month.symbol,
        "spot": month.spot,
        "kind": month.kind,
        "month": month.month,
        "minutes": None if month.kind == "funding" else minutes,
        "covers_through": _end_of(month).isoformat(),
        "via": "bulk",
    }
    add_month(writer, table, about)


def _early_ends(found: Sequence[tuple[PerpMonth, pa.Table]]) -> list[str]:
    """Return a line for each series whose records end more than a day before its last month does.

    The archive serves that month as a whole one, so that a run of the recorded part finds it.
    """
    last = {(month.kind, month.series): (month, table) for month, table in found}  # in order of the months
    lines = []
    for (kind, name), (month, table) in last.items():
        stamp = int(table.column(0).cast(pa.int64())[table.num_rows - 1].as_py()) // MICRO
        end = dt.date(1970, 1, 1) + dt.timedelta(days=stamp // DAY_SECONDS)
        if end < _end_of(month):
            lines.append(f"{kind} records of {name} end on {end}: the archive serves none after that.")
    return lines


def _end_of(month: PerpMonth) -> dt.date:
    """Return the last day of a file's month."""
    return month_end(int(month.month[:4]), int(month.month[5:]))


def _settle_coin(symbols: Sequence[str]) -> str:
    """Return the coin in which the first symbol settles; USDT if it is no name, which the config's check says."""
    try:
        return name_of(symbols[0]).settle
    except ValueError:
        return "USDT"
