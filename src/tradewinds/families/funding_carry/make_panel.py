"""How the panel is made, two files with all records of a run that carry_panel.py reads."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tradewinds.core import files
from tradewinds.core.arrays import Ints
from tradewinds.core.errors import DataMissing, SimulationError
from tradewinds.core.units import MICRO
from tradewinds.engine.carry.carry_market import UNIT
from tradewinds.families.funding_carry.carry_panel import PRICES, Window, window_of
from tradewinds.families.funding_carry.exact_columns import MOST_INT, Exact, quotient, scaled_up, units_of
from tradewinds.families.funding_carry.fetch.perp_files import NOT_IN_FILES
from tradewinds.families.funding_carry.instruments import fetched_filters, spot_multiplier_of
from tradewinds.families.funding_carry.plan import CarryPlan, PerpMonth
from tradewinds.families.funding_carry.schemas import CANDLES, KINDS, PANEL_CANDLES, PANEL_RATES
from tradewinds.families.funding_carry.symbols import NO_DATA, NO_PERP_CANDLES, NO_SPOT_LEG, SHOWN_SYMBOLS

SERIES = KINDS[1:]  # of candles
ONE_SERIES_FROM = 20  # different closes from which on two equal series are taken for one
# fast to read: prices that follow each other differ little
_WRITER: Mapping[str, Any] = {
    "compression": "none",
    "use_dictionary": False,
    "write_statistics": False,
    "column_encoding": "DELTA_BINARY_PACKED",
}

logger = logging.getLogger(__name__)


class _SymbolRecords(NamedTuple):
    """The records of one symbol within the window.

    Attributes:
        rates: columns of PANEL_RATES.
        candles: columns of PANEL_CANDLES by series.
        volume_units: by series: units of its volumes in one coin; UNIT, or less where they do not fit 64 bits.
        quarantined: records that were left out of its files, by reason.
        in_range: number of its settlements that may be decided.
        is_absent: no file of the user has a settlement of it, of any time.
    """

    rates: tuple[Ints, ...]
    candles: Mapping[str, tuple[Ints, ...]]
    volume_units: Mapping[str, int]
    quarantined: Mapping[str, int]
    in_range: int
    is_absent: bool

    @property
    def fault(self) -> str | None:
        """Why the symbol is left out; None if it is not."""
        if not self.in_range:
            return NO_DATA
        if not len(self.candles["spot"][0]):
            return NO_SPOT_LEG
        return None if len(self.candles["perp"][0]) else NO_PERP_CANDLES


def make_carry_panel(config: Mapping[str, Any], plan: CarryPlan) -> None:
    """Write the panel of a plan: what its month files have within the run and its warm-up.

    Args:
        config: a resolved config.
        plan: its plan, whose month files exist.

    Raises:
        DataMissing: no symbol has a spot leg, or one has no data and on_missing.data is fail.
        SimulationError: a price or volume does not fit, or both legs of a symbol are one series.
    """
    window, filters = window_of(config), fetched_filters(plan.files.instruments)
    left_out = dict(plan.files.left_out)
    rows: dict[str, list[int]] = {}
    volume_units: dict[str, list[int]] = {}
    quarantined: dict[str, Mapping[str, int]] = {}
    absent: list[str] = []
    rate_columns: list[pa.Table] = []

    def parts() -> Iterator[pa.Table]:
        """Yield the candles of each symbol, and collect all else on the way."""
        for symbol in plan.files.symbols:
            if symbol in plan.files.left_out:
                continue
            records = _records_of(config, [file for file in plan.files.months if file.symbol == symbol], window)
            if records.quarantined:
                quarantined[symbol] = records.quarantined
            if records.is_absent:
                absent.append(symbol)
            if records.fault is not None:
                left_out[symbol] = records.fault
                continue
            _refuse_one_series(symbol, records.candles)
            rows[symbol] = [len(records.rates[0]), *(len(records.candles[kind][0]) for kind in SERIES)]
            volume_units[symbol] = [records.volume_units[kind] for kind in SERIES]
            rate_columns.append(pa.table(list(records.rates), schema=PANEL_RATES))
            for kind in SERIES:
                yield pa.table(list(records.candles[kind]), schema=PANEL_CANDLES)

    def about() -> dict[str, Any]:
        """Return the metadata, or raise DataMissing."""
        if absent and len(left_out) == len(config["symbols"]):
            what = f"funding rates missing: no file has those of {', '.join(absent[:SHOWN_SYMBOLS])}."
            raise DataMissing(
                what, where="data.path", remedy="Give files that have them, or write symbols as the files do."
            )
        _refuse_left_out(config, left_out)
        return {
            "rows": rows,
            "volume_units": volume_units,
            "left_out": dict(sorted(left_out.items())),
            "quarantined": quarantined,
            "instruments": {symbol: filters[symbol] for symbol in rows if symbol in filters},
            "minutes": config["data"]["candle_minutes"],
            "first": window.first,
            "end": window.end,
        }

    # symbol by symbol, because the candles of all of them together are half a gigabyte
    files.write_parquet_parts(plan.files.panel.candles, PANEL_CANDLES, parts(), about, **_WRITER)
    files.write_parquet_parts(plan.files.panel.rates, PANEL_RATES, rate_columns, lambda: {"rows": rows}, **_WRITER)


def _records_of(config: Mapping[str, Any], months: Sequence[PerpMonth], window: Window) -> _SymbolRecords:
    """Read the month files of one symbol and keep what lies in the window."""
    symbol, multiplier = months[0].symbol, spot_multiplier_of(config, months[0].symbol)
    quarantined: Counter[str] = Counter()
    is_absent = True
    read: dict[str, list[pa.Table]] = {kind: [] for kind in KINDS}
    for month in months:
        meta = files.read_meta(month.path)
        read[month.kind].append(files.read_table(month.path))
        quarantined.update(meta["quarantined"])
        is_absent &= month.kind != "funding" or meta.get("reason") == NOT_IN_FILES
    rates = pa.concat_tables(read["funding"])
    ts = _seconds(rates["ts_utc"])
    kept = np.flatnonzero((ts >= window.first) & (ts < window.end))
    columns = [_fitting(symbol, "funding", units_of(rates[name])[kept]) for name in ("rate", "mark_price")]
    # candles, of the spot leg in units of the perpetual
    candles: dict[str, tuple[Ints, ...]] = {}
    volume_units: dict[str, int] = {}
    for kind in SERIES:
        table = pa.concat_tables(read[kind] or [CANDLES.empty_table()])
        factor = multiplier if kind == "spot" else 1
        candles[kind], volume_units[kind] = _candle_columns(symbol, kind, table, window, factor)
    return _SymbolRecords(
        rates=(ts[kept], *columns),
        candles=candles,
        volume_units=volume_units,
        quarantined=dict(sorted(quarantined.items())),
        in_range=int((ts[kept] >= window.start).sum()),
        is_absent=is_absent,
    )


def _candle_columns(
    symbol: str, kind: str, table: pa.Table, window: Window, factor: int
) -> tuple[tuple[Ints, ...], int]:
    """Return the columns of PANEL_CANDLES of one series, and the units of its volumes in one coin.

    Args:
        symbol: the symbol, for messages.
        kind: the series.
        table: its candles.
        window: which of them are kept.
        factor: coins of the series in one unit of the perpetual: prices are multiplied, volumes divided by it, half to even.
    """
    openings = _seconds(table["open_ts_utc"])
    kept = np.flatnonzero((openings >= window.first) & (openings < window.end))
    prices = [scaled_up(units_of(table[name])[kept], factor) for name in PRICES]
    volume, unit = quotient(units_of(table["volume"])[kept], factor), UNIT
    while volume.dtype == object and len(volume) and max(volume) > MOST_INT:
        volume, unit = quotient(volume, 10), unit // 10
    return (openings[kept], *(_fitting(symbol, kind, column) for column in (*prices, volume))), unit


def _seconds(stamps: pa.ChunkedArray) -> Ints:
    """Return time stamps as Unix seconds."""
    found: Ints = stamps.cast(pa.int64()).to_numpy() // MICRO
    return found


def _fitting(symbol: str, kind: str, units: Exact) -> Ints:
    """Return integers of 64 bits, or raise SimulationError."""
    if units.dtype == np.int64:
        return units
    try:
        return units.astype(np.int64)
    except OverflowError:
        what = f"a price or volume of its {kind} records is above what a replay can hold (9.2e10)."
        remedy = "Take a contract of many coins, such as 1000PEPE, with spot_symbol and spot_multiplier in instruments."
        raise SimulationError(what, where=symbol, remedy=remedy) from None


def _refuse_one_series(symbol: str, candles: Mapping[str, tuple[Ints, ...]]) -> None:
    """Raise DataMissing if the candles of both legs are the same to the last digit: then no spot price is known."""
    spot, perp = candles["spot"], candles["perp"]
    is_one = all(np.array_equal(a, b) for a, b in zip(spot, perp, strict=True))
    if is_one and len(np.unique(spot[4])) >= ONE_SERIES_FROM:
        what = f"spot candles missing: the candles of {symbol} and of its spot leg are one series."
        raise DataMissing(
            what, where="data", remedy="Give candles of the spot pair, too: the basis is their difference."
        )


def _refuse_left_out(config: Mapping[str, Any], left_out: Mapping[str, str]) -> None:
    """Warn of symbols that are left out; raise DataMissing if none is left for want of prices, or on_missing.data is fail."""
    for reason, what, remedy in (
        (NO_SPOT_LEG, "spot candles missing", "Give candles of the spot pair, or leave these symbols out."),
        (NO_PERP_CANDLES, "candles of the perpetual missing", "Give its candles, or leave these symbols out."),
        (NO_DATA, "no settlement from {start} to {end}", "Choose other dates, or set on_missing.data to skip."),
    ):
        names = sorted(symbol for symbol, why in left_out.items() if why == reason)
        if not names:
            continue
        more = f" and {len(names) - SHOWN_SYMBOLS} more" if len(names) > SHOWN_SYMBOLS else ""
        span = what.format(start=config["date_start_local"], end=config["date_end_local"])
        said = f"{span} ({reason}): {', '.join(names[:SHOWN_SYMBOLS])}{more}."
        nothing_left = len(left_out) == len(config["symbols"]) and reason != NO_DATA
        if nothing_left or config["on_missing"]["data"] == "fail":
            raise DataMissing(said, where="data", remedy=remedy)
        logger.warning("%s They are left out.", said)
