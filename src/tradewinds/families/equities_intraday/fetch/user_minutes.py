"""Import of minute bars from a user's own file or folder of files."""

from __future__ import annotations

import datetime as dt
import functools
import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewinds.config import resolve as configs
from tradewinds.core import files, user_files
from tradewinds.core.errors import ConfigError, DataMissing
from tradewinds.core.safe_text import shortened
from tradewinds.core.units import DAY_SECONDS
from tradewinds.families.equities_intraday.fetch import minute_checks, minute_files, minute_tables, price_evidence
from tradewinds.families.equities_intraday.fetch.clock_evidence import starts_of_bars
from tradewinds.families.equities_intraday.fetch.minute_checks import MinuteRows
from tradewinds.families.plan import month_end
from tradewinds.reference_data.exchange_calendar import ExchangeCalendar, calendar_of, package_version

if TYPE_CHECKING:
    from tradewinds.families.equities_intraday.plan import MonthFile

FORMAT = 1  # version of the files that an import makes; another number makes all of them again
_REMEDY = "Give the path of a CSV or Parquet file of minute bars, or of a folder of such files, in bars.path."

logger = logging.getLogger(__name__)


def files_at(path: str) -> list[str]:
    """Return the files of bars at a path: the file itself, or all files of a folder and its folders, in order of their names.

    A path that does not exist is returned as it is.

    Args:
        path: `bars.path` of a config.
    """
    if not Path(path).is_dir():
        return [path]
    found = (
        file for file in Path(path).rglob("*") if file.is_file() and file.name.lower().endswith(minute_tables.ENDINGS)
    )
    return sorted(file.as_posix() for file in found if not any(part.startswith(".") for part in file.parts[1:]))


def first_date(conf: Mapping[str, Any]) -> dt.date:
    """Return the first date of the bars of a config's symbols in its files, on the exchange's clock.

    The answer is kept in the data folder, because a plan is made many times and reading millions of rows takes seconds. It is
    that of the files' names, sizes and times of change.

    Raises:
        ConfigError: the files cannot be read or are not what the config says.
        DataMissing: there are no files, or they have no bars.
    """
    kept = Path("data/user_files") / f"{_state(conf)}.json"
    if kept.is_file():
        return dt.date.fromisoformat(json.loads(kept.read_text(encoding="utf-8"))["first_date"])
    rows, _ = _read(conf)
    calendar = calendar_of(conf["calendar"], conf["date_end_local"])
    if len(rows):
        day = int(minute_checks.local_days(np.array([rows.ts.min()]), calendar)[0])
        found = dt.date(1970, 1, 1) + dt.timedelta(days=day)
    else:
        found = conf["date_start_local"]  # none of its symbols: the panel says so
    if files.writes_caches():
        files.write_text(kept, json.dumps({"first_date": found.isoformat(), "path": conf["bars"]["path"]}) + "\n")
    return found


def import_minutes(conf: Mapping[str, Any], targets: Sequence[MonthFile]) -> None:
    """Make one file per symbol and month from a user's files of bars.

    A file that was made from the same bytes in the same way stays as it is, but gets a new modification time, because Snakemake
    compares it with the time of the user's files.

    Args:
        conf: a resolved config.
        targets: the files to make.

    Raises:
        ConfigError: the files cannot be read or are not what the config says.
        DataMissing: there are no files, or they have no bars.
    """
    digest = _digest(conf)
    stale = [target for target in targets if not _is_made_from(target.path, digest)]
    for target in set(targets) - set(stale):
        os.utime(target.path)
    if not stale:
        return
    calendar = calendar_of(conf["calendar"], conf["date_end_local"])
    rows, said = _read(conf)
    for line in said:
        logger.info("%s", line)
    about = {"source": "files", "made_from": digest, "calendar": conf["calendar"], "found": said}
    write_months(rows, calendar, conf["bars"]["minutes"], stale, about)
    logger.info("%s: %d rows, %d files made of %d", conf["bars"]["path"], len(rows), len(stale), len(targets))


def symbols_in_files(conf: Mapping[str, Any]) -> list[str]:
    """Return the symbols of a config that its files have a bar of; raises as `import_minutes`."""
    rows, _ = _read(conf)
    return [rows.symbols[number] for number in np.unique(rows.symbol).tolist()]


def write_months(
    rows: MinuteRows,
    calendar: ExchangeCalendar,
    minutes: int,
    targets: Sequence[MonthFile],
    about: Mapping[str, Any],
) -> None:
    """Check rows and write the files of the months that are to be made.

    Args:
        rows: bars, in order.
        calendar: the exchange's sessions.
        minutes: length of a bar.
        targets: the files to make.
        about: metadata of each file beyond what this function knows.
    """
    fault = minute_checks.faults(rows, calendar, 60 * minutes)
    months = (
        (minute_checks.local_days(rows.ts, calendar) * DAY_SECONDS).astype("datetime64[s]").astype("datetime64[M]")
    ).astype(np.int64)
    # rows are in order of symbol and time, so those of a symbol and month are neighbours
    keys = rows.symbol.astype(np.int64) * 10**6 + months
    found, offsets, counts = np.unique(keys, return_index=True, return_counts=True)
    spans = {int(key): slice(int(at), int(at + n)) for key, at, n in zip(found, offsets, counts, strict=True)}
    number_of = {name: number for number, name in enumerate(rows.symbols)}
    for target in targets:
        year, month = int(target.month[:4]), int(target.month[5:])
        key = number_of.get(target.symbol, -1) * 10**6 + 12 * (year - 1970) + month - 1
        span = spans.get(key, slice(0, 0)) if target.symbol in number_of else slice(0, 0)
        end = month_end(year, month).isoformat()
        meta = {"symbol": target.symbol, "month": target.month, "minutes": minutes, "covers_through": end}
        minute_files.write_month(
            target.path, target.symbol, rows.take(span), fault[span], {**about, **meta, "asked_through": end}
        )


def _read(conf: Mapping[str, Any]) -> tuple[MinuteRows, list[str]]:
    """Return the rows of a config's symbols in its files, and what was found of each file; raises as `import_minutes`."""
    return _read_as(_state(conf), json.dumps(dict(conf), default=str, sort_keys=True))


@functools.lru_cache(maxsize=1)
def _read_as(state: str, config_text: str) -> tuple[MinuteRows, list[str]]:
    """Read the rows of a config, once while its files stay as they are; raises as `import_minutes`."""
    conf = json.loads(config_text)
    end = dt.date.fromisoformat(conf["date_end_local"])
    calendar = calendar_of(conf["calendar"], end)
    read = [minute_tables.read_minutes(path, conf["symbols"]) for path in _paths(conf)]
    _refuse_others(read, conf)
    tables, said = starts_of_bars(read, conf["bars"], calendar)
    tables = [
        price_evidence.without_noise(rows) if source.layout.vendor == "yfinance" else rows
        for source, rows in zip(read, tables, strict=True)
    ]
    rows = minute_checks.in_order(minute_files.joined(tables))
    rows = price_evidence.in_units(rows, conf["bars"]["prices"], conf["bars"]["path"])
    price_evidence.refuse_two_vendors(rows, conf["bars"]["path"])
    return rows, said


def _refuse_others(tables: Sequence[minute_tables.MinuteTable], conf: Mapping[str, Any]) -> None:
    """Raise DataMissing if no file has a row of a symbol of the config; it names symbols that the files have."""
    if any(len(table.rows) for table in tables):
        return
    others = sorted({name for table in tables for name in table.others})[: minute_tables.SHOWN_SYMBOLS]
    names = ", ".join(conf["symbols"][: minute_tables.SHOWN_SYMBOLS])
    what = f"no bar of {names}. Symbols of these files: {', '.join(shortened(name, 20) for name in others)}."
    raise DataMissing(what, where=conf["bars"]["path"], remedy="Write symbols as the files do.")


def _paths(conf: Mapping[str, Any]) -> list[str]:
    """Return the files of bars of a config, or raise DataMissing."""
    path = conf["bars"]["path"]
    if not Path(path).exists():
        raise DataMissing(f"there are no bars: no file {path}.", where="bars.path", remedy=_REMEDY)
    found = files_at(path)
    if not found:
        what = f"there are no bars: the folder {path} has no file that ends in {', '.join(minute_tables.ENDINGS)}."
        raise DataMissing(what, where="bars.path", remedy=_REMEDY)
    return found


def _state(conf: Mapping[str, Any]) -> str:
    """Return a digest of the names, sizes and times of change of a config's files, and of how they are read."""
    stats = [(path, Path(path).stat()) for path in _paths(conf)]
    seen = [[path, stat.st_size, stat.st_mtime_ns] for path, stat in stats]
    return configs.digest([FORMAT, seen, dict(conf["bars"]), sorted(conf["symbols"]), conf["calendar"]])[:20]


def _digest(conf: Mapping[str, Any]) -> str:
    """Hash the bytes of a config's files and how they are read; raises as `import_minutes`."""
    digests = []
    for path in _paths(conf):
        user_files.check_plain(path, "the file of bars", _REMEDY)
        digests.append(files_digest(path))
    bars = {key: value for key, value in conf["bars"].items() if key != "warmup_sessions"}
    return configs.digest([FORMAT, digests, bars, conf["calendar"], package_version()])


def files_digest(path: str) -> str:
    """Return the SHA-256 of a file, hex."""
    import hashlib

    try:
        with open(path, "rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"the file of bars cannot be read ({error.strerror}).", where=path, remedy=_REMEDY) from None


def _is_made_from(path: str, digest: str) -> bool:
    """Whether a file exists and its metadata has a digest of what it was made from."""
    return Path(path).exists() and files.read_meta(path).get("made_from") == digest
