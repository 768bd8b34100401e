"""The common workload in vectorbt: `Portfolio.from_order_func` over a grid of minutes × legs (mode isolated).

Columns are the YES and the NO leg of every market, with one group of shared cash per event. Rows are the minutes of an event
from its opening, all events side by side, and a last row that settles at 100 or 0. The limits need a compiled callback. One
balance over overlapping events would need every minute of 200 days as a row: 288,360 × 2,400 cells, 5.5 GB for each of its
arrays. So each event has its own $10.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import vectorbt as vbt
from numba import njit
from vectorbt.portfolio import nb

from benchmarks.peers.process import Stopwatch, arguments, tell
from benchmarks.peers.workload import FEES, MIN_EDGE, PER_EVENT, PER_MARKET, Workload

MINUTES = 1800


@njit(cache=True)
def rule(context, price, probability, fees, in_market, in_event, last, edge, per_market, per_event):
    """The common workload's rule for one leg at one minute, as the engine's callback."""
    row, leg = context.i, context.col
    cents = price[row, leg]
    if row == last:
        if context.position_now > 0:
            return nb.order_nb(size=-context.position_now, price=max(cents, 1e-9), fees=0.0)
        return nb.order_nothing_nb()
    if np.isnan(cents):
        return nb.order_nothing_nb()
    fee = fees[int(cents)]
    if probability[leg] - cents - fee <= edge:
        return nb.order_nothing_nb()
    full = in_market[leg // 2] >= per_market or in_event[context.group] >= per_event
    if full or context.cash_now < cents + fee:
        return nb.order_nothing_nb()
    in_market[leg // 2] += 1
    in_event[context.group] += 1
    return nb.order_nb(size=1.0, price=cents, fixed_fees=fee)


def grid(work: Workload) -> np.ndarray:
    """Return the prices of both legs in cents, shape (minutes + settlement, 2 × markets), NaN without a quote."""
    prices = np.full((MINUTES + 1, 2 * len(work.markets)), np.nan)
    tickers = pa.array([market.ticker for market in work.markets])
    opened = np.array([market.open_ts for market in work.markets])
    for event in range(len(work.files)):
        quotes = work.quotes(event)
        market = pc.index_in(quotes["ticker"], value_set=tickers).to_numpy()
        minute = (quotes["ts"].to_numpy() - opened[market]) // 60
        bid, ask = (quotes[name].cast(pa.float64()).fill_null(np.nan).to_numpy() for name in ("bid", "ask"))
        prices[minute, 2 * market] = ask
        prices[minute, 2 * market + 1] = 100 - bid
    won = np.array([market.won for market in work.markets])
    prices[-1, 0::2], prices[-1, 1::2] = 100.0 * won, 100.0 * ~won
    return prices


def portfolio(work: Workload, prices: np.ndarray, cash: int) -> vbt.Portfolio:
    """Run the engine over the grid; `cash` is the balance of each event in cents."""
    p_yes = np.array([market.p_cents for market in work.markets], float)
    groups = np.repeat([market.event for market in work.markets], 2)
    counts = np.zeros(len(work.markets), np.int64), np.zeros(groups.max() + 1, np.int64)
    return vbt.Portfolio.from_order_func(
        pd.DataFrame(prices),
        rule,
        prices,
        np.column_stack([p_yes, 100 - p_yes]).ravel(),
        np.array(FEES, float),
        *counts,
        MINUTES,
        MIN_EDGE,
        PER_MARKET,
        PER_EVENT,
        init_cash=float(cash),
        cash_sharing=True,
        group_by=groups,
        freq="1min",
    )


def simulate(folder: Path, cash: int, events: int | None, twice: bool) -> None:
    """Replay the workload, twice if asked, and print the figures; `events` is the number of events, None for all."""
    watch = Stopwatch()
    work = Workload(folder, events)
    prices = grid(work)
    watch.lap("load")
    result = portfolio(work, prices, cash)
    watch.lap("simulate")
    if twice:
        portfolio(work, prices, cash)
        watch.lap("simulate_compiled")
    orders, final = result.order_records, result.final_value()
    bought = orders[orders["side"] == 0]
    pnl = round(float(final.sum()) - cash * len(final), 3)  # a leg that pays 0 is settled at 1e-9
    tell(vbt.__version__, work.rows, len(bought), pnl, float(orders["fees"].sum()), watch)


if __name__ == "__main__":
    given = arguments(__doc__)
    if given.mode != "isolated":
        raise SystemExit("a shared balance does not fit this engine's grid: --mode isolated")
    simulate(given.folder, given.cash, given.events, given.twice)
