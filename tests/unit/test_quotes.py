"""Visible quotes: what DuckDB says is in force at each decision time, against reading the candles minute by minute."""

import dataclasses
import datetime as dt
import random
from decimal import Decimal

import pyarrow as pa
import pytest

from tests.unit.engine_parts import LATER, MINUTE, contract, micro, pico
from tradewinds import store
from tradewinds.engine.quotes import NO_AGE_LIMIT, NOT_QUOTED, Clock, QuoteView

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def candle(ticker, minute, bid, ask, volume=0, *, seconds=0):
    """A candle that ends at a minute with bid and ask at its close; everything else of it is a trap."""
    row = dict.fromkeys(store.CANDLES.names, Decimal("0.77"))
    row |= {"market_ticker": ticker, "end_period_ts": minute * MINUTE + seconds, "retrieved_at": NOW}
    row |= {"yes_bid_close": bid and Decimal(bid), "yes_ask_close": ask and Decimal(ask)}
    return row | {"volume": Decimal(volume), "open_interest": Decimal(0)}


def written(folder, name, rows):
    ordered = sorted(rows, key=lambda row: (row["market_ticker"], row["end_period_ts"]))
    store.write_parquet(folder / name, pa.Table.from_pylist(ordered, store.CANDLES), {})
    return str(folder / name)


@pytest.fixture
def view(tmp_path):
    def make(rows, contracts, step=1, age=None, threads=None):
        clock = Clock(step * MINUTE, NO_AGE_LIMIT if age is None else age * MINUTE)
        return QuoteView([written(tmp_path, "candles.parquet", rows)], contracts, clock, threads)

    return make


def intervals(view, min_ev="0"):
    """Candidates in minutes: (idx, candle, first, last, YES ask, NO ask)."""
    return [
        (idx, e // MINUTE, first // MINUTE, last // MINUTE, *(None if ask == NOT_QUOTED else ask for ask in asks))
        for idx, e, first, last, _, *asks in view.candidates(pico(min_ev)).rows()
    ]


def test_a_candle_is_seen_from_its_end_until_the_next_one(view):
    rows = [candle("A", 10, "0.30", "0.40"), candle("A", 13, "0.20", "0.50")]
    found = intervals(view(rows, [contract("A", end=20)]))
    assert found == [(0, 10, 10, 12, 400_000, 700_000), (0, 13, 13, 19, 500_000, 800_000)]


def test_a_candle_that_ends_within_a_minute_is_seen_at_the_next_decision(view):
    rows = [candle("A", 10, "0.30", "0.40", seconds=1), candle("A", 13, "0.20", "0.50", seconds=59)]
    assert [row[2:4] for row in intervals(view(rows, [contract("A", end=20)]))] == [(11, 13), (14, 19)]


def test_candles_before_the_window_carry_in_if_they_count(view):
    rows = [candle("A", 3, "0.30", "0.40"), candle("A", 5, "0.30", "0.41"), candle("A", 9, "0.30", "0.42")]
    late = contract("A", start=10, end=20)
    assert intervals(view(rows, [late])) == []  # quotes count from minute 10 on
    for since, seen in ((0, 9), (9, 9), (10, None)):
        counted = [dataclasses.replace(late, quotes_from_ts=since * MINUTE)]
        assert [row[1:4] for row in intervals(view(rows, counted))] == ([(seen, 10, 19)] if seen else [])


def test_decision_times_are_multiples_of_the_cadence_in_the_window(view):
    rows = [candle("A", 1, "0.30", "0.40"), candle("A", 15, "0.30", "0.41"), candle("A", 16, "0.30", "0.42")]
    what = contract("A", start=3, end=28)
    what = dataclasses.replace(what, quotes_from_ts=0)
    # times 7, 14, 21; the candle of minute 15 is replaced before anybody decides, and 28 is the window's end
    assert [row[1:4] for row in intervals(view(rows, [what], step=7))] == [(1, 7, 14), (16, 21, 21)]


def test_quotes_too_old_are_unusable(view):
    rows = [candle("A", 10, "0.30", "0.40"), candle("A", 50, "0.60", "0.55")]
    what = contract("A", end=60)
    assert [row[2:4] for row in intervals(view(rows, [what], age=5))] == [(10, 15)]
    assert view(rows, [what], age=5).crossed_decisions() == 6
    assert view(rows, [what]).crossed_decisions() == 10


@pytest.mark.parametrize(
    ("bid", "ask", "yes", "no"),
    [
        ("0.30", "0.40", "0.40", "0.70"),
        ("0.40", "0.40", "0.40", "0.60"),  # bid = ask is fine
        ("0.41", "0.40", None, None),  # crossed: no quote at all
        ("0", "0.40", "0.40", None),  # nobody bids
        ("0.30", "1", None, "0.70"),  # nobody asks: NO is never 1 - ask
        ("0", "1", None, None),
        (None, "0.40", "0.40", None),
        ("0.30", None, None, "0.70"),
        (None, None, None, None),
        ("0.000001", "0.999999", "0.999999", "0.999999"),
        ("0.0025", "0.0050", "0.005", "0.9975"),
    ],
)
def test_which_sides_are_quoted(view, bid, ask, yes, no):
    found = [row[4:] for p in ("0", "1") for row in intervals(view([candle("A", 10, bid, ask)], [contract("A", p)]))]
    expected = [(yes and micro(yes), no and micro(no))] * ((yes is not None) + (no is not None))
    assert found == expected
    crossed = view([candle("A", 10, bid, ask)], [contract("A", end=13)]).crossed_decisions()
    assert crossed == (3 if bid == "0.41" else 0)


def test_only_what_exceeds_the_minimum_before_fees_can_be_a_candidate(view):
    rows = [candle("A", 10, "0.20", "0.40")]
    for p, min_ev, hit in (
        ("0.45", "0.05", 0),
        ("0.450000000001", "0.05", 1),
        ("0.15", "0.05", 0),
        ("0.149999999999", "0.05", 1),
    ):
        assert len(intervals(view(rows, [contract("A", p)]), min_ev)) == hit, p


def test_volume_watermark_and_strangers(view):
    rows = [candle("A", 10, "0.30", "0.40", "57.25"), candle("A", 99, "0.30", "0.41"), candle("A", 100, "0.30", "0.42")]
    seen = view([*rows, candle("AB", 5, "0.30", "0.40")], [contract("A", end=100)])
    assert [(row[1] // MINUTE, row[4]) for row in seen.candidates(0).rows()] == [(10, 5725), (99, 0)]
    assert seen.watermark() == 99 * MINUTE  # the candle of minute 100 is in force at no decision
    assert view(rows, [contract("B")]).watermark() is None


def test_marks_value_both_sides_by_the_visible_quote(view):
    rows = [
        candle("A", 10, "0.30", "0.40"),
        candle("A", 20, "0.50", "0.45"),
        candle("A", 30, "0", "1"),
        candle("B", 5, "0.10", None),
    ]
    seen = view(rows, [contract("A", end=15), contract("B")])
    times = [(0, 9), (0, 10), (0, 19), (0, 20), (0, 30), (1, 7)]
    assert seen.marks([(i, minute * MINUTE) for i, minute in times]) == {
        (0, 600): (300_000, 600_000),
        (0, 1140): (300_000, 600_000),  # after the window too: a position outlives it
        (0, 1200): (0, 0),
        (0, 1800): (0, 0),
        (1, 420): (100_000, 0),
    }
    assert seen.marks([]) == {}
    aged = view(rows, [contract("A", end=15)], age=5)
    assert list(aged.marks([(0, 15 * MINUTE), (0, 16 * MINUTE)])) == [(0, 15 * MINUTE)]


def by_hand(rows, what, step, age, since, minute):
    """The quote visible at a decision time, from the rules: (candle, YES ask, NO ask, crossed)."""
    seen = [
        r for r in rows if r["market_ticker"] == what.ticker and since * MINUTE <= r["end_period_ts"] <= minute * MINUTE
    ]
    last = max(seen, key=lambda r: r["end_period_ts"], default=None)
    if last is None or minute * MINUTE - last["end_period_ts"] > age * MINUTE:
        return None
    bid, ask = last["yes_bid_close"], last["yes_ask_close"]
    if bid is not None and ask is not None and bid > ask:
        return last["end_period_ts"], None, None, True
    yes = int(ask * 10**6) if ask is not None and 0 < ask < 1 else None
    no = int((1 - bid) * 10**6) if bid is not None and 0 < bid < 1 else None
    return last["end_period_ts"], yes, no, False


@pytest.mark.parametrize("seed", range(12))
def test_intervals_are_what_reading_minute_by_minute_finds(tmp_path, seed):
    rng = random.Random(seed)
    prices = ["0", "0.01", "0.30", "0.3025", "0.50", "0.99", "1", None]
    tickers = ["A", "B", "C"]
    rows = [
        candle(t, m, rng.choice(prices), rng.choice(prices)) for t in tickers for m in range(90) if rng.random() < 0.15
    ]
    step, age = rng.choice([1, 4, 7]), rng.choice([3, 20, LATER])
    contracts, sinces = [], []
    for ticker in tickers:
        start = rng.randint(0, 30)
        since = rng.randint(0, start)
        base = contract(ticker, rng.choice(["0", "0.4", "1"]), start=start, end=rng.randint(start, 100))
        contracts.append(dataclasses.replace(base, quotes_from_ts=since * MINUTE))
        sinces.append(since)
    files = [
        written(tmp_path, f"{n}.parquet", [r for r in rows if r["market_ticker"] in g])
        for n, g in enumerate(("BC", "A"))
    ]
    clock = Clock(step * MINUTE, age * MINUTE)
    expected, crossed = set(), 0
    for idx, (what, since) in enumerate(zip(contracts, sinces, strict=True)):
        for minute in range(0, 100, step):
            found = by_hand(rows, what, step, age, since, minute)
            if found and what.start_ts <= minute * MINUTE < what.end_ts:
                crossed += found[3]
                gains = ((found[1], what.p_pico), (found[2], 10**12 - what.p_pico))
                if any(ask is not None and p - ask * 10**6 > pico("0.02") for ask, p in gains):
                    expected.add((idx, minute * MINUTE, *found[:3]))
    for order, threads in ((files, 1), (files[::-1], 2)):
        seen = QuoteView(order, contracts, clock, threads)
        spread = [
            (idx, t, e, *(None if ask == NOT_QUOTED else ask for ask in asks))
            for idx, e, first, last, _, *asks in seen.candidates(pico("0.02")).rows()
            for t in range(first, last + 1, step * MINUTE)
        ]
        assert len(spread) == len(set(spread)) and set(spread) == expected
        assert seen.crossed_decisions() == crossed
