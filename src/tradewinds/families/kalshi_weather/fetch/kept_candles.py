"""Candles that another window's file already holds: they are taken from there, and only the rest is fetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tradewinds.core import files
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.candle_window import siblings
from tradewinds.families.kalshi_weather.fetch.exchange_requests import Span


@dataclass(frozen=True)
class Kept:
    """A candle file of the same event and the spans it covers, by ticker."""

    path: Path
    spans: Mapping[str, Span]

    def left(self, windows: Mapping[str, Span], period_minutes: int) -> dict[str, Span]:
        """What of these windows the file does not cover. A file can spare the end of a window, or all of it."""
        rest = {}
        for ticker, (start, end) in windows.items():
            first, last = self.spans.get(ticker, (end + 1, end))
            if last < end or first > end:
                rest[ticker] = (start, end)
            elif first > start:
                rest[ticker] = (start, first - period_minutes * 60)
        return rest

    def with_rows(self, fetched: pa.Table, windows: Mapping[str, Span]) -> pa.Table:
        """The file's rows inside the windows together with the fetched ones, in the order of a candle file."""
        import pyarrow.compute as pc  # rare, and not light

        tables = [fetched]
        held = files.read_table(self.path).cast(schemas.CANDLES)
        tickers, ends = held["market_ticker"], held["end_period_ts"]
        for ticker, (start, end) in windows.items():
            inside = pc.and_(pc.greater_equal(ends, start), pc.less_equal(ends, end))
            tables.append(held.filter(pc.and_(pc.equal(tickers, ticker), inside)))
        table = pa.concat_tables(tables)
        order = [("market_ticker", "ascending"), ("end_period_ts", "ascending")]
        return table.take(pc.sort_indices(table, order))


NOTHING_KEPT = Kept(Path(), {})


def best_kept(path: str, windows: Mapping[str, Span], period_minutes: int) -> Kept:
    """The sibling of a candle file that leaves the least to fetch; NOTHING_KEPT when none helps."""
    best, least = NOTHING_KEPT, _length(windows)
    if not windows:
        return best
    for _, sibling in siblings(path):
        spans = {ticker: (span[0], span[1]) for ticker, span in files.read_meta(sibling)["windows"].items()}
        kept = Kept(sibling, spans)
        rest = _length(kept.left(windows, period_minutes))
        if rest < least:
            best, least = kept, rest
    return best


def _length(windows: Mapping[str, Span]) -> int:
    return sum(end - start + 1 for start, end in windows.values())
