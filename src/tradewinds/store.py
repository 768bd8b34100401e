"""The files: where they lie, what columns they have, and how they are written (whole or not at all).

Importing this module costs little on purpose and needs no numpy: one fetch job per event imports it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import itertools
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tradewinds.errors import DamagedFile

PRICE = pa.decimal128(9, 6)  # dollars; the exchange sends up to 6 decimals
COUNT = pa.decimal128(18, 2)  # contracts; the exchange sends 2 decimals
PROB = pa.decimal128(13, 12)
TS = pa.timestamp("us", tz="UTC")

MICRO = 1_000_000  # micro-dollars in a dollar
PICO = 10**12  # units in which a probability is an integer

META_KEY = b"tradewinds"


def _schema(*fields: tuple[str, pa.DataType] | tuple[str, pa.DataType, str]) -> pa.Schema:
    """A schema from (name, type) for required and (name, type, "null") for nullable columns."""
    return pa.schema([pa.field(f[0], f[1], nullable=len(f) == 3) for f in fields])


CATALOG = _schema(
    ("series_ticker", pa.string()),
    ("event_ticker", pa.string()),
    ("market_ticker", pa.string()),
    ("climate_date", pa.date32()),
    ("market_type", pa.string()),
    ("strike_type", pa.string(), "null"),
    ("floor_strike", pa.float64(), "null"),
    ("cap_strike", pa.float64(), "null"),
    ("yes_sub_title", pa.string(), "null"),
    ("title", pa.string(), "null"),
    ("status", pa.string()),
    ("result", pa.string(), "null"),
    ("settlement_value", PRICE, "null"),
    ("expiration_value", pa.string(), "null"),
    ("open_time", TS),
    ("close_time", TS),
    ("settlement_ts", TS, "null"),
    ("volume", COUNT, "null"),
    ("fee_type", pa.string(), "null"),
    ("fee_multiplier", PRICE, "null"),
    ("tier", pa.string()),
    ("raw", pa.string()),
    ("retrieved_at", TS),
)

_OHLC = ("open", "high", "low", "close")
PRICE_COLUMNS = (
    *(f"yes_bid_{k}" for k in _OHLC),
    *(f"yes_ask_{k}" for k in _OHLC),
    *(f"price_{k}" for k in (*_OHLC, "mean", "previous")),
)
CANDLES = pa.schema(
    [
        pa.field("market_ticker", pa.string(), nullable=False),
        pa.field("end_period_ts", pa.int64(), nullable=False),
        *(pa.field(name, PRICE) for name in PRICE_COLUMNS),
        pa.field("volume", COUNT, nullable=False),
        pa.field("open_interest", COUNT, nullable=False),
        pa.field("retrieved_at", TS, nullable=False),
    ]
)

# A row per run and hour with a daily extreme (n_x_f; NaN where the hour carries none) or a temperature (tmp_f).
GUIDANCE = _schema(
    ("station_id", pa.string()),
    ("model", pa.string()),
    ("runtime_ts", pa.int64()),
    ("ftime_ts", pa.int64()),
    ("n_x_f", pa.float64()),
    ("tmp_f", pa.float64(), "null"),
    ("known_at_ts", pa.int64()),
)

CLIMATE = _schema(
    ("station_id", pa.string()),
    ("climate_date", pa.date32()),
    ("high_f", pa.int32(), "null"),
    ("low_f", pa.int32(), "null"),
    ("issued_ts", pa.int64()),
    ("product", pa.string()),
    ("final", pa.bool_()),
    ("known_at_ts", pa.int64()),
)

# Hours between a model's run time and its guidance being public: floors, measured lags are shorter.
PUBLICATION_LAG_HOURS = {"GFS": 5.0, "NAM": 4.0, "MEX": 6.0, "NBS": 2.5, "NBE": 2.5}
# The first year with any of a model's guidance in the weather service's archive (GFS from its predecessor AVN, NAM from ETA).
GUIDANCE_SINCE = {"GFS": 2000, "NAM": 2002, "MEX": 2020, "NBS": 2018, "NBE": 2020}

# The law of a day's extreme: a mixture of normal laws, of one where its shape is not known better.
LAW = pa.list_(pa.struct([pa.field(name, pa.float64(), nullable=False) for name in ("weight", "mu_f", "sigma_f")]))

PROBABILITIES = _schema(
    ("series_ticker", pa.string()),
    ("event_ticker", pa.string()),
    ("market_ticker", pa.string()),
    ("climate_date", pa.date32()),
    ("asof_ts", pa.int64()),
    ("known_at_ts", pa.int64()),
    ("p_yes", PROB),
    ("mu_f", pa.float64(), "null"),
    ("sigma_f", pa.float64(), "null"),
    ("law", LAW, "null"),
    ("method", pa.string()),
    ("reason", pa.string(), "null"),
)

# A forecast per climate date (forecasts/daily.py): `method` is the one that counts, with its law and that law's mean (mu_f) and
# standard deviation (sigma_f); `reason` says what kept a better one out. Beside it those two of every method that was possible.
FORECAST_METHODS = ("emos", "bias_corrected", "climatology", "raw")
FORECASTS = _schema(
    ("station_id", pa.string()),
    ("target", pa.string()),
    ("climate_date", pa.date32()),
    ("asof_ts", pa.int64()),
    ("known_at_ts", pa.int64(), "null"),
    ("method", pa.string(), "null"),
    ("reason", pa.string(), "null"),
    ("mu_f", pa.float64(), "null"),
    ("sigma_f", pa.float64(), "null"),
    ("law", LAW, "null"),
    *((f"{method}_{what}_f", pa.float64(), "null") for method in FORECAST_METHODS for what in ("mu", "sigma")),
    ("coefficients", pa.list_(pa.float64())),
)

SHARE_PRICE = pa.decimal128(18, 6)
BARS = _schema(
    ("symbol", pa.string()),
    ("date", pa.date32()),
    *((name, SHARE_PRICE, "null") for name in ("open", "high", "low", "close", "adj_close")),
    ("volume", pa.int64(), "null"),
    ("quarantine", pa.string(), "null"),  # why the row is not to be believed; null: it is
)

# All bars of a run, by symbol and day: the symbol as its place in the metadata's `names`, days from 1970-01-01, prices in
# micro-units (0: none), and why a row is not to be believed as its place in `faults`, counted from 1 (0: it is).
PANEL = _schema(
    ("number", pa.int32()),
    ("day", pa.int32()),
    *((name, pa.int64()) for name in ("open", "high", "low", "close", "adj_close", "volume")),
    ("fault", pa.int32()),
)


def catalog_path(series_ticker: str) -> str:
    """The catalog of a series: one row per market (schema CATALOG)."""
    return f"data/catalog/kalshi/{series_ticker}.parquet"


def candle_path(window_key: str, series_ticker: str, climate_date: dt.date) -> str:
    """The candles of one event, all its markets (schema CANDLES)."""
    return f"data/candles/kalshi/{window_key}/{series_ticker}/{climate_date.isoformat()}.parquet"


def guidance_path(station_id: str, model: str, year: int) -> str:
    """One year of station guidance (schema GUIDANCE)."""
    return f"data/guidance/iem/{station_id}/{model}/{year}.parquet"


def climate_path(station_id: str, year: int) -> str:
    """One year of climate reports (schema CLIMATE)."""
    return f"data/climate/iem/{station_id}/{year}.parquet"


def forecast_path(digest: str, station_id: str, target: str, through: dt.date) -> str:
    """Forecasts of a station's "max" or "min" from New Year to a date (schema FORECASTS); the digest names their settings."""
    return f"data/forecasts/{digest}/{station_id}/{target}/{through.isoformat()}.parquet"


def bars_path(source: str, symbol: str, year: int) -> str:
    """One year of a symbol's daily bars (schema BARS)."""
    return f"data/candles/daily/{source}/{symbol}/{year}.parquet"


@contextlib.contextmanager
def only_maker(path: str | Path) -> Iterator[None]:
    """Hold the making of a file: of all processes that share the data folder, one is inside for a path, the others wait.

    One byte of one file is locked per path, so no lock files pile up, and the kernel frees the lock of a killed process.
    Half-written files that killed makers of this path have left are removed.
    """
    target = Path(path)
    byte = int.from_bytes(hashlib.sha256(target.as_posix().encode()).digest()[:6])
    Path("data").mkdir(exist_ok=True)
    with open("data/.making.lock", "a") as handle:
        fcntl.lockf(handle, fcntl.LOCK_EX, 1, byte)
        for torn in target.parent.glob(f".{target.name}.*.part"):
            torn.unlink(missing_ok=True)
        yield


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary name beside `path` that becomes `path` when the block ends well, and vanishes when it does not."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_parquet(path: str | Path, table: pa.Table, meta: dict[str, Any]) -> None:
    """Write a table with its metadata (JSON under the key `tradewinds`) to a temporary name, then rename it."""
    text = json.dumps(meta, sort_keys=True, ensure_ascii=False)
    with replacing(path) as temporary:
        described = table.replace_schema_metadata({META_KEY: text.encode()})
        pq.write_table(described, temporary, compression="zstd", write_page_checksum=True)


def read_meta(path: str | Path) -> dict[str, Any]:
    """The metadata that `write_parquet` stored with a file.

    Raises:
        DamagedFile: the file is no Parquet, or was not written by `write_parquet`.
    """
    try:
        metadata = pq.read_metadata(path).metadata or {}
    except (pa.ArrowInvalid, OSError) as error:
        if getattr(error, "errno", None) is not None:  # the file system's word, not the content's
            raise
        raise DamagedFile(path, str(error).splitlines()[0]) from None
    if META_KEY not in metadata:
        raise DamagedFile(path, "it carries no Tradewinds metadata")
    loaded: dict[str, Any] = json.loads(metadata[META_KEY])
    return loaded


def read_table(
    path: str | Path, columns: Sequence[str] | None = None, days: tuple[dt.date, dt.date] | None = None
) -> pa.Table:
    """A Parquet file's table, or some of its columns; `days` keeps the climate dates from the first to the last of them.

    pq.read_table would import pyarrow.dataset and make a dataset of one file: dear for a process this short.

    Raises:
        DamagedFile: the file lacks one of the columns.
    """
    wanted = None if columns is None else sorted({*columns, *(["climate_date"] if days else [])})
    with pq.ParquetFile(path) as file:
        table = file.read(columns=wanted)
    if missing := [name for name in wanted or () if name not in table.column_names]:
        raise DamagedFile(path, f"it has no column {missing[0]}")
    if days:
        import pyarrow.compute as pc  # not light, and fetch jobs need none

        dates = table["climate_date"]
        table = table.filter(pc.and_(pc.greater_equal(dates, days[0]), pc.less_equal(dates, days[1])))
    return table if columns is None else table.select(columns)


def read_rows(
    path: str | Path, columns: Sequence[str] | None = None, days: tuple[dt.date, dt.date] | None = None
) -> list[dict[str, Any]]:
    """The rows of `read_table`."""
    rows: list[dict[str, Any]] = read_table(path, columns, days).to_pylist()
    return rows


def seconds_of(times: pa.ChunkedArray) -> list[Any]:
    """Times as Unix seconds, rounded down, nulls as None; thirty times as fast as by `to_pylist`."""
    exact = times if times.type == TS else times.cast(TS)
    micros = itertools.chain.from_iterable(chunk.view(pa.int64()).to_pylist() for chunk in exact.chunks)
    return [None if value is None else value // MICRO for value in micros]


def write_text(path: str | Path, text: str) -> None:
    """Write a text file to a temporary name, then rename it."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
