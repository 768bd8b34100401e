"""Make an archive from recorded Parquet files: 1-minute candles in cents, markets, daily guidance, observed highs and lows.

Columns are those listed in docs/archive.md. What the recordings do not say is assumed, and marked ASSUME in the modules
`recorded_*`. All files are read, and refused, before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.core.errors import ConfigError
from tradewinds.core.text import counted
from tradewinds.families.kalshi_weather.archive import market_objects
from tradewinds.families.kalshi_weather.archive.event_archive import MARKETS, EventArchiveWriter
from tradewinds.families.kalshi_weather.archive.recorded_candles import read_candles, totals_of
from tradewinds.families.kalshi_weather.archive.recorded_markets import read_markets
from tradewinds.families.kalshi_weather.archive.recorded_weather import extremes_of, read_climate, read_guidance


def import_recorded(
    *,
    markets: Iterable[str | Path],
    out: str | Path,
    candles: Iterable[str | Path] = (),
    guidance: Iterable[str | Path] = (),
    climate: Iterable[str | Path] = (),
) -> list[str]:
    """Make an archive from recorded Parquet files.

    Args:
        markets: files of markets.
        out: the archive's folder.
        candles: files of 1-minute candles.
        guidance: files of daily station guidance.
        climate: files of observed daily highs, lows or both.

    Returns:
        A sentence about each kind of rows that was left out.

    Raises:
        ConfigError: a file is missing, lacks a column, or has a cell without a plain meaning; or no candle is of a market.
    """
    market_files, candle_files = list(markets), list(candles)
    reports, runs = read_climate(climate), read_guidance(guidance)
    candle_table = read_candles(candle_files)
    totals = totals_of(candle_table)
    recorded = read_markets(market_files, extremes_of(reports), totals)
    notes = [
        f"left out: {counted(count, 'market')} of {series}, which is no daily temperature series"
        for series, count in sorted(recorded.left_out.items())
    ]
    notes += _without_market(recorded.rows, totals, candle_files)
    rows = [market_objects.market_row(**market) for market in recorded.rows]
    writer = EventArchiveWriter(out, note="imported from recorded files")
    series = sorted({row["series_ticker"] for row in rows})
    writer.add_series(market_objects.series_object(ticker) for ticker in series)
    writer.add_events(_events(rows))
    writer.add_markets(pa.Table.from_pylist(rows, MARKETS))
    _add_candles(writer, candle_table, rows)
    writer.add_guidance(runs)
    writer.add_climate(reports)
    return notes


def _without_market(rows: list[dict[str, Any]], traded: Iterable[str], candle_files: list[str | Path]) -> list[str]:
    """Say which candles are of no market; raise ConfigError if all are.

    Args:
        rows: the markets.
        traded: tickers of the candles.
        candle_files: paths of the candles.
    """
    known = {row["market_ticker"] for row in rows}
    tickers = sorted(traded)
    foreign = [ticker for ticker in tickers if ticker not in known]
    if not foreign:
        return []
    if len(foreign) == len(tickers):
        shown = f"the candles are of {', '.join(tickers[:3])}, the markets are {', '.join(sorted(known)[:3])}"
        what = f"no candle is of a market: {shown}."
        where, remedy = ", ".join(str(path) for path in candle_files), "Give the files of the same markets."
        raise ConfigError(what, where=where, remedy=remedy)
    return [
        f"left out: the candles of {counted(len(foreign), 'market')} that no file of markets has, such as {foreign[0]}"
    ]


def _events(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of some markets, as rows of the archive's events."""
    pairs = sorted({(row["series_ticker"], row["event_ticker"]) for row in rows})
    return [market_objects.event_row(*pair) for pair in pairs]


def _add_candles(writer: EventArchiveWriter, candles: pa.Table, rows: list[dict[str, Any]]) -> None:
    """Add the candles of each event's markets to the archive."""
    members: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        members.setdefault((row["series_ticker"], row["event_ticker"]), []).append(row["market_ticker"])
    for (series, event), tickers in sorted(members.items()):
        part = candles.filter(pc.is_in(candles["market_ticker"], pa.array(tickers)))
        if part.num_rows:
            writer.add_candles(series, event, part)
