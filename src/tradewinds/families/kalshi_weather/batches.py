"""A run's events some at a time, with their candles: each file is read once, and memory holds a few weeks of candles."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from tradewinds.core.units import NEVER
from tradewinds.engine.event_contracts import kernel
from tradewinds.engine.event_contracts.candles import CandleReader, Candles
from tradewinds.families.kalshi_weather.events import MarketEvent
from tradewinds.families.kalshi_weather.validations.candle_facts import CandleFacts, candle_facts

EVENTS_PER_BATCH = 24  # a quarter of a million candles of busy days


@dataclass(frozen=True)
class Batch:
    """Events by date and series with all candles of their files; no market of a later one begins or settles before `until`."""

    events: Sequence[MarketEvent]
    candles: Candles
    facts: CandleFacts
    until: int


class BatchReader:
    """Reads batches in a thread of its own, which opens DuckDB (with so many threads) while events are being listed."""

    def __init__(self, threads: int | None = None) -> None:
        kernel.keep_memory()
        self._ahead = ThreadPoolExecutor(max_workers=1)
        self._reader = self._ahead.submit(CandleReader, threads)

    def close(self) -> None:
        """Give back what it holds."""
        self._ahead.shutdown()
        if self._reader.exception() is None:
            self._reader.result().close()

    def read(self, events: Sequence[MarketEvent], until: int) -> Future[Batch]:
        """Events with a file: a batch in the making."""
        return self._ahead.submit(lambda: _read(self._reader.result(), events, until))


def batches(events: Sequence[MarketEvent], reader: BatchReader) -> Iterator[Batch]:
    """The events that have markets and a file, in order; the next batch is read while one is looked at."""
    with_files = [event for event in events if event.path and event.markets]
    with_files.sort(key=lambda event: (event.climate_date, event.station.series_ticker))
    groups = [with_files[at : at + EVENTS_PER_BATCH] for at in range(0, len(with_files), EVENTS_PER_BATCH)]
    # a market that can no longer trade may settle before it would begin, and that is an instant of the equity, too
    starts = [min(min(m.start_ts, m.settle_ts) for event in group for m in event.markets) for group in groups]
    untils = [*list(itertools.accumulate(starts[::-1], min))[-2::-1], NEVER] if groups else []
    coming = [reader.read(groups[0], untils[0])] if groups else []
    for place in range(len(groups)):
        batch = coming.pop().result()
        if place + 1 < len(groups):
            coming.append(reader.read(groups[place + 1], untils[place + 1]))
        yield batch


def _read(reader: CandleReader, events: Sequence[MarketEvent], until: int) -> Batch:
    files = [event.path for event in events]
    tickers = sorted({market.ticker for event in events for market in event.markets})
    candles = reader.read(files, tickers)
    return Batch(events, candles, candle_facts(candles), until)


class Coverage:
    """How sparse candles are: period ends inside the trade windows that have no candle.

    The exchange leaves out minutes in which nothing changed: this measures sparseness, it is no error.
    """

    def __init__(self, period_minutes: int) -> None:
        self.period_seconds = period_minutes * 60
        self.expected = self.present = 0

    def count(self, events: Sequence[MarketEvent], candles: Candles) -> None:
        """Take in the markets of some events."""
        place = {ticker: i for i, ticker in enumerate(candles.tickers)}
        found = [(place[m.ticker], m.start_ts, m.end_ts) for e in events for m in e.markets if m.start_ts < m.end_ts]
        at, start, end = np.array(found, np.int64).reshape(-1, 3).T.copy()
        period = self.period_seconds
        self.expected += int(((end - 1) // period - (start - 1) // period).sum())
        self.present += kernel.present(candles.e, candles.low[at], candles.end[at], start, end)

    @property
    def missing_share_pct(self) -> float | None:
        """Percentage over all markets of all events; None if no window has a period end."""
        if not self.expected:
            return None
        return round(100 * (self.expected - self.present) / self.expected, 6)
