"""Binance's files of finished months: a zip with one CSV for each symbol, kind and month, and its SHA-256 beside it.

- Candles: open time, open, high, low, close, volume, close time and five more columns. Older files have no header line.
- Funding: calc_time, funding_interval_hours, last_funding_rate; no mark price.
- Stamps are milliseconds, those of spot microseconds from 2025 on.
- The index lists the files below a prefix, as an object store does. What is in no file before the first one that it lists
  was not traded yet.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import NoReturn

from tradewinds.core import strict
from tradewinds.families.funding_carry.fetch.binance_names import interval_name, market_name
from tradewinds.families.funding_carry.fetch.candle_checks import RawCandle
from tradewinds.families.funding_carry.fetch.month_request import (
    FIRST_MICROS,
    MILLI,
    FetchedMonth,
    MonthRequest,
    missing_candles,
    stamp_ms,
)
from tradewinds.families.funding_carry.fetch.rate_checks import RawRate
from tradewinds.sources.http import HttpClient, NotFound

SECTION, LISTING_URL = "binance_bulk", "listing_url"
FOLDERS = {
    "funding": "data/futures/um/monthly/fundingRate",
    "perp": "data/futures/um/monthly/klines",
    "mark": "data/futures/um/monthly/markPriceKlines",
    "spot": "data/spot/monthly/klines",
}
FUNDING_HEADER = ["calc_time", "funding_interval_hours", "last_funding_rate"]
CANDLE_COLUMNS, FIRST_CANDLE_COLUMN = 12, "open_time"
MOST_CSV_BYTES = 2**28  # of a month of minutes, 5 MB
MOST_PAGES = 50  # of the index, of a thousand names each

_CHECKSUM = re.compile(rb"([0-9a-f]{64})[ \t]+\*?([A-Za-z0-9._-]+)\s*")
_KEY = re.compile(r"<Key>([^<]*)</Key>")
_INTERVAL_HOURS = range(1, 25)


def file_path(asked: MonthRequest) -> str:
    """Return the path of a month's file below the root of the files."""
    name, minutes = market_name(asked), interval_name(asked.minutes)
    if asked.kind == "funding":
        return f"{FOLDERS['funding']}/{name}/{name}-fundingRate-{asked.month}.zip"
    return f"{FOLDERS[asked.kind]}/{name}/{minutes}/{name}-{minutes}-{asked.month}.zip"


def fetch_file(client: HttpClient, asked: MonthRequest) -> FetchedMonth | None:
    """Fetch a month's file.

    Args:
        client: of the files.
        asked: the month.

    Returns:
        Its records; None if there is no such file.

    Raises:
        FetchError: the file cannot be fetched, has no checksum, another one than it should, or cannot be right.
    """
    path = file_path(asked)
    try:
        body = client.get_bytes(f"/{path}", None, _is_zip)
    except NotFound:
        return None
    digest = hashlib.sha256(body).hexdigest()
    _check_digest(client, path, digest)
    rows = _rows(client, path, body)
    about = {"via": "bulk", "sha256": digest, "url_path": f"/{path}"}
    try:
        if asked.kind == "funding":
            return FetchedMonth(rates=[_rate(row) for row in rows], about=about)
        candles = [_candle(row, asked.kind) for row in rows]
    except (ValueError, IndexError) as error:
        client.refuse(f"a row of its CSV is no record ({error})", f"/{path}", f"{error}")
    return FetchedMonth(candles=candles, about={**about, "missing": missing_candles(candles, asked.minutes)})


def first_listed_month(client: HttpClient, asked: MonthRequest) -> str | None:
    """Return the first month of which there is a file of a symbol and kind, such as 2024-03; None if there is none.

    Args:
        client: of the index.
        asked: a month of the symbol and kind.

    Raises:
        FetchError: the index cannot be read.
    """
    prefix = file_path(asked).rpartition("/")[0] + "/"
    months: list[str] = []
    marker = ""
    for _ in range(MOST_PAGES):
        query = {"prefix": prefix, **({"marker": marker} if marker else {})}
        text = client.get_bytes("", query, _is_index).decode("utf-8")
        keys = _KEY.findall(text)
        months += [found[1] for key in keys if (found := re.fullmatch(r".*-(\d{4}-\d{2})\.zip", key))]
        if "<IsTruncated>true</IsTruncated>" not in text:
            return min(months, default=None)
        if not keys or keys[-1] <= marker:
            client.refuse("a page of the index brings nothing new", "", text)
        marker = keys[-1]
    client.refuse(f"the index of {prefix} does not end", "", prefix)


def _check_digest(client: HttpClient, path: str, digest: str) -> None:
    """Raise RefusedAnswer if a file's digest is not the one that the service names for it."""
    name = path.rpartition("/")[2]
    try:
        line = client.get_bytes(f"/{path}.CHECKSUM", None, lambda body: _CHECKSUM.fullmatch(body) is not None)
    except NotFound:
        client.refuse(f"{name} has no checksum beside it", f"/{path}.CHECKSUM", digest)
    found = _CHECKSUM.fullmatch(line)
    if found is None or found[2].decode() != name:
        client.refuse(f"the checksum beside {name} is of another file", f"/{path}.CHECKSUM", line.decode())
    if found[1].decode() != digest:
        what = f"{name} has the SHA-256 {digest}, and its checksum says {found[1].decode()}"
        client.refuse(what, f"/{path}", line.decode())


def _rows(client: HttpClient, path: str, body: bytes) -> list[list[str]]:
    """Return the rows of the one CSV in a zip, without its header; raise RefusedAnswer if it holds anything else."""
    wanted = path.rpartition("/")[2].removesuffix(".zip") + ".csv"
    refuse = _refuser(client, path)
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            if archive.namelist() != [wanted]:
                refuse(f"it holds {', '.join(archive.namelist()[:5])} and not {wanted} alone")
            if archive.getinfo(wanted).file_size > MOST_CSV_BYTES:
                refuse(f"its CSV is larger than {MOST_CSV_BYTES // 2**20} MB")
            text = archive.read(wanted).decode("ascii")
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        refuse(f"it cannot be unpacked ({type(error).__name__}: {error})")
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    # a header line, if there is one, is known by its first field
    if rows and not rows[0][0].isdigit():
        header = rows.pop(0)
        if header[0] == FUNDING_HEADER[0]:
            if header != FUNDING_HEADER:
                refuse(f"its columns are {', '.join(header)}, not {', '.join(FUNDING_HEADER)}")
        elif header[0] != FIRST_CANDLE_COLUMN or len(header) != CANDLE_COLUMNS:
            refuse(f"its columns are {', '.join(header)}")
    return rows


def _refuser(client: HttpClient, path: str) -> Callable[[str], NoReturn]:
    """Return a function that refuses a file because of what it is called with."""

    def refuse(what: str) -> NoReturn:
        client.refuse(what, f"/{path}", what)

    return refuse


def _rate(row: Sequence[str]) -> RawRate:
    """Return a settlement of a row; raise ValueError if it is none."""
    if len(row) != len(FUNDING_HEADER):
        raise ValueError(f"{','.join(row)[:80]!a} has {len(row)} columns and not {len(FUNDING_HEADER)}")
    hours = int(strict.decimal(row[1]))
    if hours not in _INTERVAL_HOURS:
        raise ValueError(f"an interval of {row[1]} hours")
    return RawRate(raw_us=_micros(row[0]), rate=strict.decimal(row[2]), mark=None, interval_hours=hours)


def _candle(row: Sequence[str], kind: str) -> RawCandle:
    """Return a candle of a row; raise ValueError if it is none. A mark price has no volume, whatever the column says."""
    if len(row) != CANDLE_COLUMNS:
        raise ValueError(f"{','.join(row)[:80]!a} has {len(row)} columns and not {CANDLE_COLUMNS}")
    opened, high, low, close, volume = (strict.decimal(text) for text in row[1:6])
    volume = Decimal(0) if kind == "mark" else volume
    return RawCandle(open_us=_micros(row[0]), open=opened, high=high, low=low, close=close, volume=volume)


def _micros(text: str) -> int:
    """Return a stamp of milli- or microseconds in microseconds, by its size; raise ValueError if it is none."""
    if text.isascii() and text.isdigit() and len(text) <= 16 and int(text) >= FIRST_MICROS:
        stamp_ms(int(text) // MILLI)
        return int(text)
    return stamp_ms(text) * MILLI


def _is_zip(body: bytes) -> bool:
    """Whether bytes begin as a zip does and have its end."""
    return body.startswith(b"PK") and b"PK\x05\x06" in body[-65_600:]


def _is_index(body: bytes) -> bool:
    """Whether bytes are a whole index in UTF-8."""
    try:
        text = body.decode("utf-8").strip()
    except UnicodeDecodeError:
        return False
    return "<ListBucketResult" in text and text.endswith("</ListBucketResult>")
