"""Events of a run in batches, with their candles.

Each candle file is read once, and memory holds a few weeks of candles at a time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from tradewinds.core.units import NEVER
from tradewinds.engine.event_contracts import kernel
from tradewinds.engine.event_contracts.candles import CandleReader, Candles
from tradewinds.families.kalshi_weather.events import ReplayEvent
from tradewinds.families.kalshi_weather.validations.candle_facts import CandleFacts, candle_facts

EVENTS_PER_BATCH = 24  # of a few series; about 250,000 candles on busy days
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


class BatchReader:
    """Reads batches in a thread of its own, which opens DuckDB while the caller lists the events.

    Args:
        threads: of DuckDB; None for its default.
        ranges: read what decides about resting orders (candle_files.RANGES), too.
    """

    def __init__(self, threads: int | None = None, *, ranges: bool = False) -> None:
        kernel.keep_memory()
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._candle_reader = self._thread.submit(lambda: CandleReader(threads, ranges=ranges))

    def close(self) -> None:
        """Stop the thread and close DuckDB."""
        self._thread.shutdown()
        if self._candle_reader.exception() is None:
            self._candle_reader.result().close()

    def read(self, events: Sequence[ReplayEvent], until: int) -> Future[Batch]:
        """Start to read a batch, and return the future of it.

        Args:
            events: with markets and a candle file.
            until: Unix seconds, see Batch.until.
        """
        return self._thread.submit(lambda: _read(self._candle_reader.result(), events, until))


def batches(events: Sequence[ReplayEvent], reader: BatchReader, accounts: int = 1) -> Iterator[Batch]:
    """Batches of the events that have markets and a candle file, by climate date and series.

    While the caller works on one batch, the next one is read.

    Args:
        events: in any order.
        reader: of this run; the caller closes it.
        accounts: that are replayed together.
    """
    with_files = [event for event in events if event.path and event.markets]
    with_files.sort(key=lambda event: (event.climate_date, event.station.series_ticker))
    # A batch has several days of every series, because events that live on from one batch to the next are copied; and it is
    # larger for many accounts, because each call of the compiled loop takes longer in Python than a day of candles takes in C.
    series = len({event.station.series_ticker for event in with_files})
    size = EVENTS_PER_BATCH * max(1, series // 6, 8 if accounts >= MANY_ACCOUNTS else 1)
    groups = [with_files[i : i + size] for i in range(0, len(with_files), size)]
    if not groups:
        return

    # starts[i]: when the first market of group i starts. A market that can no longer trade may settle before its window would
    # start, and its settlement is an instant of the equity curve, too.
    starts = [min(min(m.start_ts, m.settle_ts) for event in group for m in event.markets) for group in groups]
    # untils[i]: the earliest start of any later group
    earliest_from_last = list(itertools.accumulate(reversed(starts), min))
    untils = [*reversed(earliest_from_last[:-1]), NEVER]

    coming = reader.read(groups[0], untils[0])
    for next_group in range(1, len(groups) + 1):
        batch = coming.result()
        if next_group < len(groups):
            coming = reader.read(groups[next_group], untils[next_group])
        yield batch


def _read(reader: CandleReader, events: Sequence[ReplayEvent], until: int) -> Batch:
    files = [event.path for event in events]
    tickers = sorted({market.ticker for event in events for market in event.markets})
    candles = reader.read(files, tickers)
    return Batch(events=events, candles=candles, facts=candle_facts(candles), until=until)


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
