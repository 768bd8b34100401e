"""The common workload as a plain Python loop over lists, read with pyarrow: a script without an engine."""

from __future__ import annotations

import heapq
import platform
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow.compute as pc

from benchmarks.peers.process import Stopwatch, arguments, tell
from benchmarks.peers.workload import FEES, MIN_EDGE, PER_EVENT, PER_MARKET, Market, Workload

Row = tuple[int, int, int | None, int | None]  # time, index of the market, bid, ask
Columns = tuple[list[int], list[int], list[int | None], list[int | None]]


class Account:
    """Cash, positions and counts, in cents and contracts."""

    def __init__(self, markets: list[Market], cash: int, *, per_event: float = PER_EVENT) -> None:
        self.markets, self.cash, self.start, self.per_event = markets, cash, cash, per_event
        self.yes = [0] * len(markets)
        self.no = [0] * len(markets)
        self.in_event = [0] * (markets[-1].event + 1)
        self.trades = self.fees = 0
        ends = sorted({(m.end_ts, m.event) for m in markets}, reverse=True)
        self.to_settle = [(end, [i for i, m in enumerate(markets) if m.event == event]) for end, event in ends]

    def settle(self, now: float) -> None:
        """Pay out every event that has ended at an instant."""
        while self.to_settle and self.to_settle[-1][0] <= now:
            for i in self.to_settle.pop()[1]:
                self.cash += 100 * (self.yes[i] if self.markets[i].won else self.no[i])

    def replay(self, rows: Iterable[Row]) -> None:
        """Buy by the rule, row by row, and settle everything at the end."""
        markets, yes, no, in_event = self.markets, self.yes, self.no, self.in_event
        next_end = self.to_settle[-1][0]
        for ts, i, bid, ask in rows:
            if ts >= next_end:
                self.settle(ts)
                next_end = self.to_settle[-1][0]
            if bid is None or ask is None:
                continue
            market = markets[i]
            price, held = ask, yes
            if market.p_cents - ask - FEES[ask] <= MIN_EDGE:
                price, held = 100 - bid, no
                if 100 - market.p_cents - price - FEES[price] <= MIN_EDGE:
                    continue
            cost = price + FEES[price]
            if yes[i] + no[i] < PER_MARKET and in_event[market.event] < self.per_event and self.cash >= cost:
                self.cash -= cost
                self.fees += FEES[price]
                self.trades += 1
                in_event[market.event] += 1
                held[i] += 1
        self.settle(float("inf"))


def read(work: Workload) -> list[Columns]:
    """Return the rows of each event as columns, by time and market."""
    place = {market.ticker: i for i, market in enumerate(work.markets)}
    events = []
    for event in range(len(work.files)):
        quotes = work.quotes(event)
        quotes = quotes.take(pc.sort_indices(quotes["ts"]))  # a stable sort: markets stay in order within a minute
        ts, tickers, bids, asks = (quotes[name].to_pylist() for name in ("ts", "ticker", "bid", "ask"))
        events.append((ts, [place[ticker] for ticker in tickers], bids, asks))
    return events


def replays(work: Workload, events: list[Columns], mode: str, cash: int) -> Iterator[Account]:
    """Replay a mode and yield its accounts.

    Mode isolated has an account per event. The other modes have one account; in per_market its cash and the limit per event
    never bind.
    """
    if mode != "isolated":
        in_order = heapq.merge(*(zip(*columns, strict=True) for columns in events))
        endless = mode == "per_market"
        account = Account(work.markets, 10**12 if endless else cash, per_event=10**9 if endless else PER_EVENT)
        account.replay(in_order)
        yield account
        return
    for event, (ts, places, bids, asks) in enumerate(events):
        first = event * 6
        account = Account([m._replace(event=0) for m in work.markets[first : first + 6]], cash)
        account.replay(zip(ts, [i - first for i in places], bids, asks, strict=True))
        yield account


def simulate(folder: Path, mode: str, cash: int, events: int | None) -> None:
    """Replay the workload and print the figures; `events` is the number of events, None for all."""
    watch = Stopwatch()
    work = Workload(folder, events)
    columns = read(work)
    watch.lap("load")
    accounts = list(replays(work, columns, mode, cash))
    watch.lap("simulate")
    pnl = sum(account.cash - account.start for account in accounts)
    trades, fees = (sum(getattr(account, name) for account in accounts) for name in ("trades", "fees"))
    tell(platform.python_version(), work.rows, trades, pnl, fees, watch)


if __name__ == "__main__":
    given = arguments(__doc__)
    simulate(given.folder, given.mode, given.cash, given.events)
