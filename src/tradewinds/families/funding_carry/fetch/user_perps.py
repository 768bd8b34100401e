"""Import of funding rates and candles from a user's own file or folder of files."""

from __future__ import annotations

import functools
import json
import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tradewinds.config import resolve as configs
from tradewinds.core import user_files
from tradewinds.core.arrays import Ints
from tradewinds.core.errors import ConfigError, DataMissing, SimulationError
from tradewinds.core.safe_text import shortened
from tradewinds.core.text import counted
from tradewinds.core.units import MICRO
from tradewinds.families.funding_carry.exact_columns import Exact, narrowed, quotient
from tradewinds.families.funding_carry.fetch import candle_clocks, perp_clocks, perp_evidence
from tradewinds.families.funding_carry.fetch.candle_checks import CandleColumns, checked_candle_rows
from tradewinds.families.funding_carry.fetch.perp_files import (
    FILES_REMEDY,
    NOT_IN_FILES,
    covers_through,
    is_made_from,
    present_files,
    touch,
    write_month,
)
from tradewinds.families.funding_carry.fetch.perp_layouts import SymbolForms
from tradewinds.families.funding_carry.fetch.perp_stamps import clock_named, instants_on_clock
from tradewinds.families.funding_carry.fetch.perp_tables import UNCLEAR, ReadFile, SeriesPiece, read_perp_file
from tradewinds.families.funding_carry.fetch.rate_checks import (
    MOST_LATE_SECONDS,
    RateRows,
    checked_rate_rows,
    settlement_hours,
    utc_text,
)

if TYPE_CHECKING:
    from tradewinds.families.funding_carry.plan import PerpMonth

FORMAT = 1  # version of the files that an import makes; another number makes all of them again
KNOWN_EXCHANGES = (
    "binance",
    "bybit",
    "okx",
    "hyperliquid",
    "bitmex",
    "kraken",
    "coinbase",
    "deribit",
    "bitget",
    "gate",
)
SHOWN = 10  # symbols in an error message
SHOWN_ASIDE = 20  # files that are not used, in the log and in the metadata
SHOWN_HINTS = 3  # files in an error message, with the reason why they are not used
_NOUNS = {"funding": "funding rates", "spot": "spot candles", "perp": "perpetual candles", "mark": "mark prices"}

logger = logging.getLogger(__name__)
Series = Mapping[tuple[str, str], RateRows | CandleColumns]  # by kind and unified name


def import_perps(conf: Mapping[str, Any], targets: Sequence[PerpMonth]) -> None:
    """Make one file per symbol, month and kind from a user's files.

    A file that was made from the same bytes in the same way stays as it is, but gets a new modification time, because Snakemake
    compares it with the time of the user's files.

    Args:
        conf: a resolved config.
        targets: the files to make.

    Raises:
        ConfigError: the files cannot be read, contradict each other, or do not say what they have.
        DataMissing: there are no files, or none has funding rates or spot candles of the run's symbols.
        SimulationError: records of one time differ.
    """
    digest = _digest(conf)
    stale = [target for target in targets if not is_made_from(target.path, digest)]
    for target in set(targets) - set(stale):
        touch(target.path)
    if not stale:
        return
    series, said = _read(json.dumps(dict(conf), default=str, sort_keys=True), _pairs(targets), digest)
    for line in said:
        logger.info("%s", line)
    minutes = conf["data"]["candle_minutes"]
    # a month of which there is no record is a file without rows
    for target in stale:
        rows = series.get((target.kind, target.series))
        try:
            table, quarantined = _checked(target, rows, minutes)
        except SimulationError as error:
            where = f"{conf['data']['path']}: {error.where}"
            raise SimulationError(error.what, where=where, remedy=error.remedy) from None
        about = {
            "source": "files",
            "made_from": digest,
            "symbol": target.symbol,
            "series": target.series,
            "kind": target.kind,
            "month": target.month,
            "found": said,
            **covers_through(target.month),
            **({"reason": NOT_IN_FILES} if rows is None else {}),
        }
        write_month(target.path, table, quarantined, about)
    logger.info("%s: %d files made of %d", conf["data"]["path"], len(stale), len(targets))


def symbols_in_files(conf: Mapping[str, Any], targets: Sequence[PerpMonth]) -> list[str]:
    """Return the symbols of a config of which its files have rates and both legs.

    Args:
        conf: a resolved config.
        targets: the files that are made of them.

    Raises:
        TradewindsError: as `import_perps`.
    """
    pairs = _pairs(targets)
    series, _ = _read(json.dumps(dict(conf), default=str, sort_keys=True), pairs, _digest(conf))
    return [
        symbol for symbol, pair in pairs if {("funding", symbol), ("perp", symbol), ("spot", pair)} <= series.keys()
    ]


def _pairs(targets: Sequence[PerpMonth]) -> tuple[tuple[str, str], ...]:
    """Return the symbols of some files with the pair of their spot leg, in order of the symbols."""
    return tuple(sorted({target.symbol: target.series for target in targets if target.kind == "spot"}.items()))


def _checked(target: PerpMonth, rows: RateRows | CandleColumns | None, minutes: int) -> tuple[pa.Table, Counter[str]]:
    """Return a month's records of a series, and the counts of those that were left out; raises as the checks."""
    if isinstance(rows, CandleColumns) or (rows is None and target.kind != "funding"):
        return checked_candle_rows(target.series, _no_candles() if rows is None else rows, target.month, minutes)
    return checked_rate_rows(target.series, _no_rates() if rows is None else rows, target.month)


@functools.lru_cache(maxsize=1)
def _read(config_text: str, pairs: tuple[tuple[str, str], ...], digest: str) -> tuple[Series, list[str]]:
    """Read all series of a config's symbols, once while its files stay as they are.

    Args:
        config_text: the resolved config as JSON.
        pairs: the symbols with the pair of their spot leg.
        digest: of the files' bytes.

    Returns:
        The rows of each series, in UTC, and what was found in each file.
    """
    data = json.loads(config_text)["data"]
    forms = SymbolForms([symbol for symbol, _ in pairs], [pair for _, pair in pairs])
    read: list[ReadFile] = []
    for path in present_files(data["path"]):
        inside = Path(path).relative_to(data["path"]).as_posix() if path != data["path"] else Path(path).name
        if fault := _other_exchange(inside, data["exchange"]):
            read.append(ReadFile(path, [], fault))
            continue
        read.append(read_perp_file(path, inside, forms, data["exchange"]))
    read = [_without_several_exchanges(file) for file in read]
    said = [f"{file.path}: {file.aside}." for file in read if file.aside][:SHOWN_ASIDE]
    hints = [f"{file.path}: {file.aside}." for file in read if file.aside and not file.others]
    # what is there, its clock and its unit
    found = [piece for file in read for piece in file.pieces]
    unclear = [(piece.path, piece.symbol) for piece in found if piece.kind == UNCLEAR]
    perp_evidence.refuse_unclear(unclear, {piece.kind for piece in found})
    in_utc = [_in_utc(piece, data) for piece in found]
    said += _lines(in_utc)
    for piece in found:
        if piece.without_rate:
            said.append(f"{piece.path}: {counted(piece.without_rate, 'row')} of {piece.symbol} left out: no rate.")
            logger.warning("%s", said[-1])
    pieces = []
    for whole in in_utc:
        if fault := _other_length(whole, data["candle_minutes"]):
            said.append(f"{whole.path}: {fault}, so they are not used.")
            hints.append(said[-1])
            continue
        pieces.append(whole)
    _refuse_lacking(pieces, pairs, hints, read)
    series = _joined(pieces)
    perp_clocks.refuse_wrong_clocks(series, pairs, {(p.kind, p.symbol): p.path for p in pieces}, data["candle_minutes"])
    return series, said


def _without_several_exchanges(file: ReadFile) -> ReadFile:
    """Return a file without its rows if they are of several exchanges: each would have another rate for a settlement."""
    exchanges = sorted({piece.exchange for piece in file.pieces if piece.exchange})
    if len(exchanges) < 2:
        return file
    aside = f"it has rows of {', '.join(exchanges)}, and data.exchange names none of them, so it is not used"
    return ReadFile(file.path, [], aside)


def _other_exchange(inside: str, exchange: str | None) -> str:
    """Return why a file is not used: its name says another exchange than the one that is wanted; "" if it does not."""
    found = next((name for name in KNOWN_EXCHANGES if name in inside.lower().split("/")[-1].split("_")[0]), "")
    if exchange is None or not found or found == exchange.lower():
        return ""
    return f"its name says {found}, and data.exchange is {exchange}"


def _in_utc(piece: SeriesPiece, data: Mapping[str, Any]) -> SeriesPiece:
    """Return a piece with stamps in UTC and rates as fractions; raises ConfigError for a clock or unit that is not known."""
    rows, is_rates = piece.rows, isinstance(piece.rows, RateRows)
    if piece.naive:
        zone = clock_named(data["timezone"]) if data["timezone"] is not None else None
        if zone is None:
            perp_evidence.refuse_naive(piece.path, piece.symbol, rows if isinstance(rows, RateRows) else None)
            raise AssertionError("the clock is not known")
        stamps = instants_on_clock(piece.stamps, zone)
        rows = rows._replace(raw_us=stamps) if isinstance(rows, RateRows) else rows._replace(open_us=stamps)
    if is_rates and isinstance(rows, RateRows):
        rows = rows._replace(rate=narrowed(rows.rate))
        if data["rates"] == "percent":
            rows = rows._replace(rate=quotient(rows.rate, 100))
        elif data["rates"] is None:
            perp_evidence.refuse_percent(piece.path, piece.symbol, rows.rate)
        perp_evidence.refuse_off_grid(piece.path, piece.symbol, rows.raw_us, 60, MOST_LATE_SECONDS * MICRO)
        perp_evidence.refuse_local_clock(piece.path, piece.symbol, rows.raw_us)
    elif isinstance(rows, CandleColumns):
        perp_evidence.refuse_off_grid(piece.path, piece.symbol, rows.open_us, min(data["candle_minutes"], 60), 0)
        candle_clocks.refuse_summer_time(piece.path, piece.symbol, rows.open_us)
    return SeriesPiece(piece.path, piece.kind, piece.symbol, rows, False, piece.written, piece.exchange)


def _lines(pieces: Sequence[SeriesPiece]) -> list[str]:
    """Return what was found of each series, for the log."""
    series: dict[tuple[str, ...], list[SeriesPiece]] = defaultdict(list)
    for piece in pieces:
        series[piece.kind, piece.symbol, piece.exchange, piece.written].append(piece)
    lines = []
    for (kind, symbol, exchange, written), parts in series.items():
        noun, venue = _NOUNS[kind], f" of {exchange}" if exchange else ""
        first, last = min(int(part.stamps.min()) for part in parts), max(int(part.stamps.max()) for part in parts)
        where = parts[0].path if len(parts) == 1 else f"{parts[0].path} and {len(parts) - 1} more"
        span = " to ".join(utc_text(edge // MICRO * MICRO) for edge in (first, last))
        count = sum(len(part.stamps) for part in parts)
        lines.append(f"{where}: {count:,} {noun} of {symbol}{venue}, {span} (stamps: {written}).")
    return lines


def _other_length(piece: SeriesPiece, minutes: int) -> str:
    """Return why candles are not used: they are of another length than the config says; "" if they are not."""
    steps = np.diff(np.unique(piece.stamps))
    if piece.kind == "funding" or not len(steps):
        return ""
    values, counts = np.unique(steps, return_counts=True)
    usual = int(values[counts.argmax()]) // MICRO
    return "" if usual == minutes * 60 else f"candles of {usual / 60:g} minutes, and data.candle_minutes is {minutes}"


def _refuse_lacking(
    pieces: Sequence[SeriesPiece], pairs: Sequence[tuple[str, str]], hints: Sequence[str], read: Sequence[ReadFile]
) -> None:
    """Raise DataMissing if no symbol of the run has funding rates, perpetual candles, or spot candles in the files."""
    have = {(piece.kind, piece.symbol) for piece in pieces}
    for kind, noun in (("funding", "funding rates"), ("perp", "perpetual candles"), ("spot", "spot candles")):
        wanted = [pair if kind == "spot" else symbol for symbol, pair in pairs]
        if any((kind, name) in have for name in wanted):
            continue
        others = sorted({name for file in read for name in file.others})[:SHOWN]
        shown = f" Other symbols of these files: {', '.join(shortened(name, 24) for name in others)}." if others else ""
        unused = " ".join(hints[:SHOWN_HINTS])
        what = f"{noun} missing: no file has those of {', '.join(wanted[:SHOWN])}.{shown} {unused}"
        raise DataMissing(what.strip(), where="data.path", remedy=FILES_REMEDY)


def _joined(pieces: Sequence[SeriesPiece]) -> Series:
    """Return the rows of each series over all files; raises ConfigError for files that contradict each other."""
    of_series: dict[tuple[str, str], list[SeriesPiece]] = defaultdict(list)
    for piece in pieces:
        of_series[piece.kind, piece.symbol].append(piece)
    found: dict[tuple[str, str], RateRows | CandleColumns] = {}
    for key, parts in of_series.items():
        if len(parts) > 1:
            numbers = [(part.path, _times(part.rows), _number(part.rows)) for part in parts]
            perp_evidence.refuse_contradiction(_NOUNS[key[0]], key[1], numbers)
        columns = [np.concatenate(column) for column in zip(*(part.rows for part in parts), strict=True)]
        found[key] = RateRows(*columns) if key[0] == "funding" else CandleColumns(*columns)
    return found


def _times(rows: RateRows | CandleColumns) -> Ints:
    """Return the times of records: settlements rounded to their hour, or openings."""
    return settlement_hours(rows.raw_us) if isinstance(rows, RateRows) else rows.open_us


def _number(rows: RateRows | CandleColumns) -> Exact:
    """Return the number of each record that exchanges differ in: the rate, or the close."""
    return rows.rate if isinstance(rows, RateRows) else rows.close


def _no_rates() -> RateRows:
    """Return no settlements."""
    return RateRows(*(np.zeros(0, np.int64) for _ in RateRows._fields))


def _no_candles() -> CandleColumns:
    """Return no candles."""
    return CandleColumns(*(np.zeros(0, np.int64) for _ in CandleColumns._fields))


def _digest(conf: Mapping[str, Any]) -> str:
    """Hash the bytes of a config's files and how they are read; raises as `import_perps`.

    Symbols and the length of candles are no part of it: the path of a month file says them.
    """
    import hashlib

    digests = []
    for path in present_files(conf["data"]["path"]):
        user_files.check_plain(path, "the file of records", FILES_REMEDY)
        try:
            with open(path, "rb") as handle:
                digests.append(hashlib.file_digest(handle, "sha256").hexdigest())
        except OSError as error:
            what = f"the file of records cannot be read ({error.strerror})."
            raise ConfigError(what, where=path, remedy=FILES_REMEDY) from None
    return configs.digest([FORMAT, digests, [conf["data"][key] for key in ("timezone", "exchange", "rates")]])
