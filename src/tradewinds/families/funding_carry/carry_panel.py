"""The panel, two files with all records of a run, and how a replay reads it. make_panel.py makes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tradewinds.core import file_digests, files
from tradewinds.core.arrays import Ints
from tradewinds.core.errors import DamagedFile
from tradewinds.core.units import DAY_SECONDS
from tradewinds.engine.carry.carry_market import LegCandles, Rates, SymbolMarket
from tradewinds.families.funding_carry.instruments import instrument_of
from tradewinds.families.funding_carry.schemas import PANEL_CANDLES, PANEL_RATES

PRICES = ("open", "high", "low", "close")


class PanelPaths(NamedTuple):
    """Where the panel of a run lies.

    Attributes:
        rates: settlements of all symbols (schema PANEL_RATES).
        candles: candles of all symbols (schema PANEL_CANDLES), with the metadata of both.
    """

    rates: str
    candles: str


class Window(NamedTuple):
    """Instants of a run; Unix s.

    Attributes:
        first: of the first record that may be loaded, warm-up included.
        start: of the first settlement that may be decided.
        end: the first instant after the run.
    """

    first: int
    start: int
    end: int


def window_of(config: Mapping[str, Any]) -> Window:
    """Return the instants of a resolved config's run."""
    start = _midnight(config["date_start_local"])
    end = _midnight(config["date_end_local"]) + DAY_SECONDS
    return Window(start - config["data"]["warmup_days"] * DAY_SECONDS, start, end)


def read_carry_panel(paths: PanelPaths, config: Mapping[str, Any]) -> list[SymbolMarket]:
    """Read a panel: the records of each symbol within a config's range and warm-up, sorted by symbol.

    Args:
        paths: files that `make_carry_panel` wrote, for these dates or for more.
        config: a resolved config.

    Returns:
        The symbols that are not left out (`read_left_out`); none if there is no settlement in the range.

    Raises:
        DamagedFile: a file is not as it was written.
    """
    meta, window = files.read_meta(paths.candles), window_of(config)
    counts: dict[str, list[int]] = meta["rows"]
    rates = _groups(paths.rates, PANEL_RATES, [lengths[0] for lengths in counts.values()])
    candles = _groups(paths.candles, PANEL_CANDLES, [count for lengths in counts.values() for count in lengths[1:]])
    whole = window.first <= meta["first"] and window.end >= meta["end"]
    found = []
    for (symbol, units), of_rates in zip(meta["volume_units"].items(), rates, strict=True):
        spot, perp, mark = (LegCandles(**next(candles), volume_unit=unit) for unit in units)
        market = SymbolMarket(
            symbol,
            instrument_of(config, symbol, meta["instruments"].get(symbol, {})),
            Rates(**of_rates),
            *(_on_clock_of(perp, candles_of) for candles_of in (spot, perp, mark)),
        )
        found.append(market if whole else within(market, window))
    return found


def _on_clock_of(other: LegCandles, candles: LegCandles) -> LegCandles:
    """Return candles that share what is equal: openings with another series, volumes of nothing with all of their rows.

    It saves a sixth of the memory for each column.
    """
    openings = other.open_ts if np.array_equal(candles.open_ts, other.open_ts) else candles.open_ts
    volume = candles.volume if candles.volume.any() else np.broadcast_to(np.int64(0), len(openings))
    return replace(candles, open_ts=openings, volume=volume)


def read_left_out(paths: PanelPaths) -> dict[str, str]:
    """Return the symbols of a run that are left out of its panel, with the reason: NO_DATA, NO_SPOT_LEG, NO_PERP_CANDLES."""
    found: dict[str, str] = files.read_meta(paths.candles)["left_out"]
    return found


def settlement_dates(paths: PanelPaths, config: Mapping[str, Any]) -> list[dt.date]:
    """Return the dates of a config with a settlement of any symbol of a panel, ascending, UTC.

    Args:
        paths: files that `make_carry_panel` wrote.
        config: a resolved config.

    Raises:
        DamagedFile: as `read_carry_panel`.
    """
    start = window_of(config).start
    found = {
        int(day) for market in read_carry_panel(paths, config) for day in np.unique(market.rates.ts // DAY_SECONDS)
    }
    return [dt.date(1970, 1, 1) + dt.timedelta(days=day) for day in sorted(found) if day * DAY_SECONDS >= start]


def within(market: SymbolMarket, window: Window) -> SymbolMarket:
    """Return the records of a symbol that a run of some instants may see.

    Args:
        market: the symbol.
        window: the instants.
    """
    rates = market.rates
    kept = slice(*np.searchsorted(rates.ts, (window.first, window.end)).tolist())
    series = []
    for candles in (market.spot, market.perp, market.mark):
        rows = slice(*np.searchsorted(candles.open_ts, (window.first, window.end)).tolist())
        series.append(
            LegCandles(candles.open_ts[rows], *(getattr(candles, name)[rows] for name in (*PRICES, "volume")))
        )
    cut = Rates(rates.ts[kept], rates.rate[kept], rates.mark[kept])
    return SymbolMarket(market.symbol, market.instrument, cut, *series)


def _groups(path: str, schema: pa.Schema, lengths: Sequence[int]) -> Iterator[dict[str, Ints]]:
    """Yield the columns of each group of rows of a file of the panel; raises DamagedFile."""
    file_digests.check(path)
    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.remove_metadata().equals(schema):
                raise DamagedFile(path, "its columns are not those of such a file")
            groups = [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]
            if groups != list(lengths):
                raise DamagedFile(path, "its rows are not those of its metadata")
            for index in range(len(groups)):
                table = file.read_row_group(index, use_threads=False)
                yield {name: _ints(table[name]) for name in schema.names}
    except (pa.ArrowException, OSError) as error:
        raise DamagedFile(path, str(error).splitlines()[0]) from None


def _ints(column: pa.ChunkedArray) -> Ints:
    """Return a column as integers, copied: Arrow's allocator keeps twice the memory of many large columns.

    Arrow's own conversion would import pandas.
    """
    pieces = [
        np.frombuffer(chunk.buffers()[1], np.int64)[chunk.offset : chunk.offset + len(chunk)]
        for chunk in column.chunks
        if len(chunk)
    ]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int64)


def _midnight(date: dt.date) -> int:
    """Return the first instant of a date, UTC; Unix s."""
    return int(dt.datetime(date.year, date.month, date.day, tzinfo=dt.UTC).timestamp())
