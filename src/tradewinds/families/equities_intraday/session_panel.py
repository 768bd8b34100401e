"""The panel, one file with the session bars of a run: how it is made, and how a replay reads it."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from tradewinds.core import file_digests, files
from tradewinds.core.arrays import Ints
from tradewinds.core.errors import DamagedFile, DataMissing
from tradewinds.core.units import MICRO
from tradewinds.families.equities_intraday.schemas import MINUTE_PANEL, MINUTES, PRICE_COLUMNS, UNKNOWN_VOLUME
from tradewinds.reference_data.exchange_calendar import (
    PACKAGE,
    ExchangeCalendar,
    calendar_of,
    day_number,
    package_version,
)

if TYPE_CHECKING:
    from tradewinds.families.equities_intraday.plan import IntradayPlan

_READ = [name for name in MINUTES.names if name != "symbol"]  # of the files of one symbol
ZERO_VOLUME = "ZERO_VOLUME"  # reason for quarantine beyond those of fetch/minute_checks.py, if bars.zero_volume is drop
SHOWN_SYMBOLS = 40  # in an error message
KEYS = ("symbol", "session")  # columns of a panel that say where a bar belongs
_PANEL_WRITER = {
    "compression": "lz4",
    "use_dictionary": list(KEYS),
}  # fast to read: prices repeat too little for a dictionary

logger = logging.getLogger(__name__)


class SessionPanel(NamedTuple):
    """The session bars of a run; a row is a bar.

    Attributes:
        symbols: names, in alphabetical order.
        days: by session: days since 1970-01-01.
        open_ts: by session: its first instant; Unix s.
        close_ts: by session: the first instant after it; Unix s.
        first_row: rows of symbol i in session k are [first_row[i*S + k], first_row[i*S + k + 1]) with S sessions.
        minute: by row (int32): start of the bar, in minutes after the open.
        open: by row: micro-units.
        high: by row: micro-units.
        low: by row: micro-units.
        close: by row: micro-units.
        volume: by row: shares; UNKNOWN_VOLUME where it is unknown.
        bar_minutes: length of a bar.
        about: the panel's metadata.
    """

    symbols: tuple[str, ...]
    days: Ints
    open_ts: Ints
    close_ts: Ints
    first_row: Ints
    minute: npt.NDArray[np.int32]
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    bar_minutes: int
    about: Mapping[str, Any]


class _SymbolBars(NamedTuple):
    """The session bars of one symbol, and what was left out of them.

    Attributes:
        columns: by name of MINUTE_PANEL.
        quarantined: rows left out, by reason.
        zero_volume: bars without volume among those that are left.
    """

    columns: dict[str, npt.NDArray[Any]]
    quarantined: dict[str, int]
    zero_volume: int


def make_session_panel(config: Mapping[str, Any], plan: IntradayPlan) -> None:
    """Write the panel of a plan: the session bars of its files that are not quarantined.

    Args:
        config: a resolved config.
        plan: its plan, whose files of bars exist.

    Raises:
        DataMissing: no symbol has a bar in the run, or one has none and on_missing.bars is fail.
    """
    calendar = calendar_of(config["calendar"], config["date_end_local"])
    span = calendar.between(plan.files.first, config["date_end_local"])
    start = calendar.between(config["date_start_local"], config["date_end_local"]).start - span.start
    drop_zero_volume = config["bars"]["zero_volume"] == "drop"
    quarantined: dict[str, dict[str, int]] = {}
    zero_volume: dict[str, int] = {}
    lacking: list[str] = []

    def parts() -> Iterator[pa.Table]:
        for number, symbol in enumerate(plan.files.symbols):
            paths = [file.path for file in plan.files.months if file.symbol == symbol]
            bars = _bars_of(paths, number, calendar, span, drop_zero_volume)
            quarantined[symbol], zero_volume[symbol] = bars.quarantined, bars.zero_volume
            if not (bars.columns["session"] >= start).any():
                lacking.append(symbol)
            yield pa.table(bars.columns, schema=MINUTE_PANEL)

    def about() -> dict[str, Any]:
        _refuse_lacking(config, lacking)
        sessions = [
            [calendar.date(index).isoformat(), int(calendar.open_ts[index]), int(calendar.close_ts[index])]
            for index in range(span.start, span.stop)
        ]
        return {
            "symbols": list(plan.files.symbols),
            "calendar": calendar.code,
            "calendar_package": f"{PACKAGE} {package_version()}",
            "minutes": config["bars"]["minutes"],
            "sessions": sessions,
            "quarantined": {name: reasons for name, reasons in quarantined.items() if reasons},
            "zero_volume": {name: count for name, count in zero_volume.items() if count},
            "lacking": lacking,
        }

    # symbol by symbol, because the bars of all of them together are a gigabyte
    files.write_parquet_parts(plan.files.panel, MINUTE_PANEL, parts(), about, **_PANEL_WRITER)


def _bars_of(
    paths: Sequence[str], number: int, calendar: ExchangeCalendar, span: slice, drop_zero_volume: bool
) -> _SymbolBars:
    """Read the files of one symbol and keep its session bars.

    Args:
        paths: its files of bars, in order of their months.
        number: its index among the run's symbols.
        calendar: the exchange's sessions.
        span: the sessions of the run, history included.
        drop_zero_volume: whether bars without volume are left out.
    """
    from tradewinds.families.equities_intraday.fetch.minute_files import micro_of  # a replay does not need it

    table = pa.concat_tables([files.read_table(path, _READ) for path in paths])
    seconds = table["ts_utc"].cast(pa.int64()).to_numpy() // MICRO
    opens, closes = calendar.open_ts[span], calendar.close_ts[span]
    session = np.searchsorted(opens, seconds, side="right") - 1
    in_session = (session >= 0) & (seconds < closes[np.maximum(session, 0)])
    # the days of the run, rows outside of sessions included: their quarantined rows are counted
    in_run = (seconds >= opens[0] - 12 * 3600) & (seconds < closes[-1] + 12 * 3600)
    reasons = table["quarantine"].combine_chunks().dictionary_encode()
    codes = reasons.indices.fill_null(-1).to_numpy()
    counts = np.bincount(codes[in_run] + 1, minlength=len(reasons.dictionary) + 1)[1:].tolist()
    quarantined = {name: n for name, n in zip(reasons.dictionary.to_pylist(), counts, strict=True) if n}
    kept = in_session & (codes < 0)
    volume = table["volume"].fill_null(UNKNOWN_VOLUME).to_numpy()
    zero = kept & (volume == 0)
    if drop_zero_volume and zero.any():
        quarantined[ZERO_VOLUME] = int(zero.sum())
        kept &= ~zero
    rows = np.flatnonzero(kept)
    prices = {name: micro_of(table[name])[rows] for name in PRICE_COLUMNS}
    columns = {
        "symbol": np.full(len(rows), number, np.int32),
        "session": session[rows].astype(np.int32),
        "minute": ((seconds[rows] - opens[session[rows]]) // 60).astype(np.int32),
        **prices,
        "volume": volume[rows],
    }
    return _SymbolBars(columns, dict(sorted(quarantined.items())), int((columns["volume"] == 0).sum()))


def _refuse_lacking(config: Mapping[str, Any], lacking: Sequence[str]) -> None:
    """Warn of symbols without a bar in the run; raise DataMissing if it is all of them, or on_missing.bars is fail."""
    if not lacking:
        return
    more = f" and {len(lacking) - SHOWN_SYMBOLS} more" if len(lacking) > SHOWN_SYMBOLS else ""
    shown = ", ".join(lacking[:SHOWN_SYMBOLS]) + more
    what = f"no bar from {config['date_start_local']} to {config['date_end_local']} of {shown}."
    if len(lacking) == len(config["symbols"]):
        raise DataMissing(
            what, where="bars", remedy="Check symbols and dates, and the files or the service of the bars."
        )
    if config["on_missing"]["bars"] == "fail":
        raise DataMissing(what, where="bars", remedy="Remove them from symbols, or set on_missing.bars to skip.")
    logger.warning("%s They are skipped.", what)


def read_session_panel(path: str) -> SessionPanel:
    """Read a panel.

    Args:
        path: a file that `make_session_panel` wrote.

    Raises:
        DamagedFile: it is not as it was written.
    """
    meta = files.read_meta(path)
    file_digests.check(path)
    sessions = meta["sessions"]
    counts = np.zeros((len(meta["symbols"]), len(sessions)), np.int64)
    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.remove_metadata().equals(MINUTE_PANEL):
                raise DamagedFile(path, "its columns are not those of such a file")
            columns = _columns(file, path, counts)
    except (pa.ArrowException, OSError) as error:
        raise DamagedFile(path, str(error).splitlines()[0]) from None
    days = [day_number(dt.date.fromisoformat(date)) for date, _, _ in sessions]
    return SessionPanel(
        symbols=tuple(meta["symbols"]),
        days=np.array(days, np.int64),
        open_ts=np.array([opens for _, opens, _ in sessions], np.int64),
        close_ts=np.array([closes for _, _, closes in sessions], np.int64),
        first_row=np.concatenate([[0], np.cumsum(counts)]),
        bar_minutes=int(meta["minutes"]),
        about=meta,
        **columns,
    )


def _columns(file: pq.ParquetFile, path: str, counts: Ints) -> dict[str, npt.NDArray[Any]]:
    """Read a panel's bars into arrays, one group of rows after the other, so that no column is in memory twice.

    Args:
        file: the panel; each group of rows is one symbol's.
        path: its path.
        counts: by symbol (row) and session (column): the number of bars, which is filled in.

    Raises:
        DamagedFile: the bars are not in order.
    """
    names = [field for field in MINUTE_PANEL if field.name not in KEYS]
    found = {field.name: np.empty(file.metadata.num_rows, field.type.to_pandas_dtype()) for field in names}
    at, last = 0, -1
    for group in range(file.num_row_groups):
        table = file.read_row_group(group)
        rows = slice(at, at + table.num_rows)
        for name, values in found.items():
            values[rows] = table[name].to_numpy()
        if not table.num_rows:  # a symbol without bars
            continue
        symbol, session = (table[name].to_numpy() for name in KEYS)
        # in order of symbol, session and minute
        step, number = np.diff(session), int(symbol[0])
        is_one = (symbol == number).all() and last < number < len(counts)
        if not is_one or (step < 0).any() or (np.diff(found["minute"][rows])[step == 0] <= 0).any():
            raise DamagedFile(path, "its bars are not in order")
        if not 0 <= session[0] <= session[-1] < counts.shape[1]:
            raise DamagedFile(path, "it has bars of a session that is not in its metadata")
        counts[number] = np.bincount(session, minlength=counts.shape[1])
        at, last = at + table.num_rows, number
    return found
