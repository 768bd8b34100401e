"""Events of a run in batches, with their candles.

Each candle file is read once, and memory holds a few weeks of candles at a time.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tradewinds.core.units import NEVER
from tradewinds.engine.event_contracts import kernel
from tradewinds.engine.event_contracts.candles import CandleReader, Candles
from tradewinds.families.kalshi_weather.events import ReplayEvent
from tradewinds.families.kalshi_weather.validations.candle_facts import CandleFacts, candle_facts

EVENTS_PER_BATCH = 24  # of a few series; about 250,000 candles on busy days
BATCHES_AHEAD = 6  # that are read before they are needed: a batch takes some tens of MB
MANY_ACCOUNTS = 50


@dataclass(frozen=True)
class Batch:
    """Consecutive events of a run.

    Attributes:
        events: in order of climate date and series.
        candles: all candles of the events' markets.
        facts: of these candles, by market ticker.
        until: Unix seconds before which no market of a later batch starts or settles; NEVER for the last batch.
    """

    events: Sequence[ReplayEvent]
    candles: Candles
    facts: CandleFacts
    until: int


class BatchCandles(NamedTuple):
    """The candles of a batch and their facts, as in Batch."""

    candles: Candles
    facts: CandleFacts


class BatchReader:
    """Reads candles in a thread of its own, while the caller lists events or works on an earlier batch.

    Args:
        threads: of DuckDB; None for its default.
        ranges: read what decides about resting orders (candle_files.RANGES), too.
    """

    def __init__(self, threads: int | None = None, *, ranges: bool = False) -> None:
        kernel.keep_memory()
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._reader = CandleReader(threads, ranges=ranges)

    def close(self) -> None:
        """Leave unread what no thread has begun to read, stop the thread and close DuckDB."""
        self._thread.shutdown(cancel_futures=True)
        self._reader.close()

    def read(self, events: Sequence[ReplayEvent]) -> Future[BatchCandles]:
        """Start to read the candles of some events, and return the future of them.

        Args:
            events: with markets and a candle file.
        """
        return self._thread.submit(lambda: _read(self._reader, events))


class EventBatches:
    """The events of a run that have markets and a candle file, in batches; iterating reads each batch once.

    A batch is read once all its events are known, while the caller works on earlier ones; a few at most are read ahead.

    Args:
        reader: of this run; the caller closes it.
        series: number of series of the run.
        accounts: that are replayed together.
    """

    def __init__(self, reader: BatchReader, series: int, accounts: int = 1) -> None:
        # A batch has several days of every series, because events that live on from one batch to the next are copied; and it is
        # larger for many accounts, because each call of the compiled loop takes longer in Python than a day of candles in C.
        many = 8 if accounts >= MANY_ACCOUNTS else 1
        self._reader, self._size = reader, EVENTS_PER_BATCH * max(1, series // 6, many)
        self._ahead = max(1, BATCHES_AHEAD // many)
        self._groups: list[list[ReplayEvent]] = []
        self._coming: deque[Future[BatchCandles]] = deque()
        self._started = 0  # groups of which candles are read, or were

    def add(self, events: Sequence[ReplayEvent]) -> None:
        """Add the events of a climate date, after those of earlier dates; start to read the batches that they complete."""
        with_files = [event for event in events if event.path and event.markets]
        for event in sorted(with_files, key=lambda event: event.station.series_ticker):
            if not self._groups or len(self._groups[-1]) == self._size:
                self._groups.append([])
            self._groups[-1].append(event)
        self._read_ahead(len(self._groups) - 1)  # the last one may grow

    def _read_ahead(self, complete: int) -> None:
        """Start to read groups, as long as few are ahead of the caller.

        Args:
            complete: number of groups that grow no more.
        """
        while self._started < complete and len(self._coming) < self._ahead:
            self._coming.append(self._reader.read(self._groups[self._started]))
            self._started += 1

    def __iter__(self) -> Iterator[Batch]:
        """Batches by climate date and series, once all events were added."""
        for group, until in zip(self._groups, _untils(self._groups), strict=True):
            self._read_ahead(len(self._groups))
            candles, facts = self._coming.popleft().result()
            self._read_ahead(len(self._groups))
            yield Batch(events=group, candles=candles, facts=facts, until=until)


def _untils(groups: Sequence[Sequence[ReplayEvent]]) -> list[int]:
    """Return Batch.until of each group: the earliest start of any later one."""
    if not groups:
        return []
    # A market that can no longer trade may settle before its window would start, and its settlement is an instant of the equity
    # curve, too.
    starts = [min(min(m.start_ts, m.settle_ts) for event in group for m in event.markets) for group in groups]
    earliest_from_last = list(itertools.accumulate(reversed(starts), min))
    return [*reversed(earliest_from_last[:-1]), NEVER]


def _read(reader: CandleReader, events: Sequence[ReplayEvent]) -> BatchCandles:
    tickers = sorted({market.ticker for event in events for market in event.markets})
    candles = reader.read([event.path for event in events], tickers)
    return BatchCandles(candles, candle_facts(candles))


class CandleCoverage:
    """Counts the period ends inside trade windows that have a candle.

    The exchange leaves out minutes in which nothing changed, so a missing candle is no error.

    Args:
        period_minutes: of the candles.

    Attributes:
        expected: period ends in all windows counted so far.
        present: those of them with a candle.
    """

    def __init__(self, period_minutes: int) -> None:
        self.period_seconds = period_minutes * 60
        self.expected = self.present = 0

    def count(self, events: Sequence[ReplayEvent], candles: Candles) -> None:
        """Add the markets of some events.

        Args:
            events: each counted once in a run.
            candles: all candles of their markets.
        """
        # Per market with a window: its index in the candles, start and end of the window.
        index_of = {ticker: i for i, ticker in enumerate(candles.tickers)}
        windows = [
            (index_of[market.ticker], market.start_ts, market.end_ts)
            for event in events
            for market in event.markets
            if market.start_ts < market.end_ts
        ]
        index, start, end = np.array(windows, np.int64).reshape(-1, 3).T.copy()
        period = self.period_seconds
        self.expected += int(((end - 1) // period - (start - 1) // period).sum())
        self.present += kernel.count_candles(
            candles.end_ts, candles.first_row[index], candles.end_row[index], start, end
        )

    @property
    def missing_share_pct(self) -> float | None:
        """Percentage of period ends without a candle; None if no window has a period end."""
        if not self.expected:
            return None
        return round(100 * (self.expected - self.present) / self.expected, 6)
