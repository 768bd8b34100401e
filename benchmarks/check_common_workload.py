"""Check the common workload: its rows against their SHA-256, and the result of the simplest possible replay.

    python benchmarks/check_common_workload.py FOLDER [--against ROWS]

It reads everything back from the project's files, one object per value, and counts in whole cents. ROWS is a folder of the
same workload in another form: markets.parquet (ticker, event_idx, market_idx, p_cents, result, end_ts) and events/*.parquet
(ticker, ts, yes_bid, yes_ask).
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import sys
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common_results import EXPECTED, Outcome

ROWS_SHA256 = "d23fb19ffd9b7b274c9dbe0c69f836245e86b5c2e2d98d98049774e628de8a5f"


class Market(NamedTuple):
    """A market of the workload.

    Attributes:
        event: number of its event.
        number: its number in the event.
        p_cents: P(YES) in cents.
        won: whether YES wins.
        end_ts: instant of settlement in Unix seconds.
    """

    event: int
    number: int
    p_cents: int
    won: bool
    end_ts: int


class Row(NamedTuple):
    """One minute of a market; prices in cents, None without a quote. Rows are in the rule's order."""

    ts: int
    event: int
    number: int
    bid: int | None
    ask: int | None


def read_project(folder: Path) -> tuple[list[Market], list[Row]]:
    """Read the workload from the files of the project: its markets, and its rows in order."""
    catalog = pq.read_table(next(folder.glob("data/catalog/*/*.parquet"))).to_pylist()
    believed = pq.read_table(next(folder.glob("data/probabilities/*.parquet"))).to_pylist()
    p_yes = {row["market_ticker"]: row["p_yes"] for row in believed}
    dates = sorted({row["climate_date"] for row in catalog})
    place, markets = {}, []
    for row in sorted(catalog, key=lambda r: (r["climate_date"], r["market_ticker"])):
        event = dates.index(row["climate_date"])
        number = len([m for m in markets if m.event == event])
        place[row["market_ticker"]] = event, number
        p_cents, end_ts = _cents(p_yes[row["market_ticker"]]), int(row["settlement_ts"].timestamp())
        markets.append(Market(event, number, p_cents, row["result"] == "yes", end_ts))
    rows = []
    for path in sorted(folder.glob("data/candles/*/*/*/*.parquet")):
        for candle in pq.read_table(path).select(_CANDLE).to_pylist():
            bid, ask = _cents(candle["yes_bid_close"]), _cents(candle["yes_ask_close"])
            rows.append(Row(candle["end_period_ts"], *place[candle["market_ticker"]], bid, ask))
    return markets, sorted(rows, key=lambda r: r[:3])


_CANDLE = ["market_ticker", "end_period_ts", "yes_bid_close", "yes_ask_close"]


def _cents(dollars):
    """Convert dollars to whole cents; None stays None."""
    if dollars is None:
        return None
    if dollars * 100 != int(dollars * 100):
        raise ValueError(f"{dollars} is not in whole cents")
    return int(dollars * 100)


def read_rows(folder: Path) -> tuple[list[Market], list[Row]]:
    """Read the workload from a folder of its other form: its markets, and its rows in order."""
    listed = pq.read_table(folder / "markets.parquet").to_pylist()
    listed.sort(key=lambda m: (m["event_idx"], m["market_idx"]))
    place = {m["ticker"]: (m["event_idx"], m["market_idx"]) for m in listed}
    markets = [Market(*place[m["ticker"]], m["p_cents"], m["result"] == 1, m["end_ts"]) for m in listed]
    rows = []
    for path in sorted((folder / "events").glob("*.parquet")):
        for row in pq.read_table(path).to_pylist():
            ts = row["ts"].replace(tzinfo=dt.UTC).timestamp()
            rows.append(Row(int(ts), *place[row["ticker"]], row["yes_bid"], row["yes_ask"]))
    return markets, sorted(rows, key=lambda r: r[:3])


def sha256_of(markets: list[Market], rows: list[Row]) -> str:
    """Return the SHA-256 of all markets and rows."""
    digest = hashlib.sha256()
    for item in (*markets, *rows):
        digest.update(repr(tuple(item)).encode())
    return digest.hexdigest()


def fee_cents(price: int) -> int:
    """Return the fee of one contract in cents: 0.07 × P × (1 − P), rounded up."""
    return -(-7 * price * (100 - price) // 10_000)


def replay(markets: list[Market], rows: list[Row], cash: int, *, best_first: bool = False) -> Outcome:
    """Replay all rows in order against one balance.

    Args:
        markets: the markets.
        rows: the rows in the rule's order.
        cash: start balance in cents.
        best_first: place the orders of one minute by expected value, instead of by event and market.

    Returns:
        Trades, P&L and fees.
    """
    start, paid = cash, 0
    market_of = {(m.event, m.number): m for m in markets}
    bought: Counter = Counter()  # (event, number, side)
    to_settle = sorted(markets, key=lambda m: m.end_ts, reverse=True)

    def settle(now: float) -> int:
        back = 0
        while to_settle and to_settle[-1].end_ts <= now:
            market = to_settle.pop()
            back += 100 * bought[market.event, market.number, "YES" if market.won else "NO"]
        return back

    for now, minute in groupby(rows, key=lambda r: r.ts):
        cash += settle(now)
        for _, event, number, side, price in _orders(minute, market_of, best_first):
            fee = fee_cents(price)
            of_market = bought[event, number, "YES"] + bought[event, number, "NO"]
            of_event = sum(bought[event, n, s] for n in range(6) for s in ("YES", "NO"))
            if of_market < 5 and of_event < 20 and cash >= price + fee:
                cash -= price + fee
                paid += fee
                bought[event, number, side] += 1
    cash += settle(float("inf"))
    return Outcome(sum(bought.values()), cash - start, paid)


def _orders(minute, market_of, best_first: bool) -> list[tuple]:
    """Return the orders of one minute in the order in which they are placed."""
    wanted = []
    for row in minute:
        if row.bid is None or row.ask is None:
            continue
        p = market_of[row.event, row.number].p_cents
        for side, price, worth in (("YES", row.ask, p), ("NO", 100 - row.bid, 100 - p)):
            gain = worth - price - fee_cents(price)
            if gain > 5:
                wanted.append((-gain, row.event, row.number, side, price))
                break
    return sorted(wanted) if best_first else wanted


def main() -> None:
    """Check the workload of the folder on the command line; exit 1 if something differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--against", type=Path)
    given = parser.parse_args()
    markets, rows = read_project(given.folder)
    found = sha256_of(markets, rows)
    problems = [] if found == ROWS_SHA256 else [f"the rows are others: {found}"]
    if given.against and read_rows(given.against) != (markets, rows):
        problems.append(f"{given.against} has other rows")
    for question, cash in EXPECTED:
        if question in ("shared", "best_first"):
            outcome = replay(markets, rows, cash, best_first=question == "best_first")
            print(json.dumps({"question": question, "cash_cents": cash, **outcome._asdict()}))
            if outcome != EXPECTED[question, cash]:
                problems.append(f"{question} with {cash} cents: {EXPECTED[question, cash]} was expected")
    sys.exit("\n".join(problems) or None)


if __name__ == "__main__":
    main()
