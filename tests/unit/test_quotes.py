"""Visible quotes: what is in force at each decision time, against reading the candles minute by minute."""

import datetime as dt
import random
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.engine_parts import LATER, MINUTE, contract, micro, orders, read_candles, replay_candles, rules
from tradewinds.core import units
from tradewinds.core.files import write_parquet
from tradewinds.engine.event_contracts.candles import VisibleQuotes
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.kernel_structures import NO_PRICE
from tradewinds.engine.event_contracts.limits import Opposing
from tradewinds.engine.event_contracts.order_rules import NONE, WantedOrders
from tradewinds.families.kalshi_weather import schemas

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def candle(ticker, minute, bid, ask, volume=0, *, seconds=0):
    """A candle that ends at a minute with bid and ask at its close; everything else of it is a trap."""
    row = dict.fromkeys(schemas.CANDLES.names, Decimal("0.77"))
    row |= {"market_ticker": ticker, "end_period_ts": minute * MINUTE + seconds, "retrieved_at": NOW}
    row |= {"yes_bid_close": bid and Decimal(bid), "yes_ask_close": ask and Decimal(ask)}
    return row | {"volume": Decimal(volume), "open_interest": Decimal(0)}


def written(folder, name, rows, *, ordered=True):
    """A candle file; a fetch leaves rows in order of market and time."""
    if ordered:
        rows = sorted(rows, key=lambda row: (row["market_ticker"], row["end_period_ts"]))
    write_parquet(folder / name, pa.Table.from_pylist(rows, schemas.CANDLES), {})
    return str(folder / name)


@pytest.fixture
def read(tmp_path):
    """The candles of some contracts, from a file of rows."""

    def make(rows, contracts):
        return read_candles([written(tmp_path, "candles.parquet", rows)], [what.ticker for what in contracts])

    return make


def wants(side):
    """A rule that wants one contract of a side wherever it can be bought."""

    def from_strategy(quotes):
        sides = np.where(quotes.quoted(side), side, NONE).astype(np.int8)
        return WantedOrders(sides, np.ones(len(quotes), np.int64), np.zeros(len(quotes), np.int64))

    return from_strategy


def in_force(candles, contracts, step=1, age=None):
    """Quotes in force: (idx, end of the candle, first and last decision time, YES ask, NO ask), in order of time.

    Found by buying one contract at every decision time; and whoever has no cash is refused at just these quotes.
    """
    tickers, found = [what.ticker for what in contracts], {}
    for side in Side:
        how = rules(from_strategy=wants(side), step=step, age=age, opposing=Opposing.HELD)
        fills = replay_candles(contracts, candles, how, cash="1000000").fills
        refused = replay_candles(contracts, candles, how, cash="0").decisions
        times = {}
        for fill in fills:
            times.setdefault((fill.contract.ticker, fill.quote_ts, fill.price_micro), []).append(fill.decision_ts)
        stretches = [(ticker, seen[0], len(seen), price) for (ticker, _, price), seen in times.items()]
        assert sorted((d.ticker, d.first_ts, d.times, d.price_micro) for d in refused) == sorted(stretches)
        for (ticker, e, price), seen in times.items():
            assert seen == list(range(seen[0], seen[-1] + 1, step * MINUTE))
            key = tickers.index(ticker), e, seen[0], seen[-1]
            found.setdefault(key, [None, None])[side] = price
    return sorted(((*key, *asks) for key, asks in found.items()), key=lambda row: (row[2], row[0]))


def intervals(candles, contracts, step=1, age=None):
    """`in_force` with times in minutes."""
    return [
        (idx, *(ts // MINUTE for ts in times), *asks)
        for idx, *times, asks in ((*row[:4], row[4:]) for row in in_force(candles, contracts, step, age))
    ]


def crossed(candles, contracts, step=1, age=None):
    """Decision times at which a crossed quote is visible, and the watermark."""
    seen = VisibleQuotes(step * MINUTE, None if age is None else age * MINUTE)
    seen.add(contracts, candles)
    return seen.crossed, seen.watermark


def test_a_candle_is_seen_from_its_end_until_the_next_one(read):
    what = [contract("A", end=20)]
    candles = read([candle("A", 10, "0.30", "0.40"), candle("A", 13, "0.20", "0.50")], what)
    found = intervals(candles, what)
    assert found == [(0, 10, 10, 12, 400_000, 700_000), (0, 13, 13, 19, 500_000, 800_000)]


def test_a_candle_that_ends_within_a_minute_is_seen_at_the_next_decision(read):
    what = [contract("A", end=20)]
    candles = read([candle("A", 10, "0.30", "0.40", seconds=1), candle("A", 13, "0.20", "0.50", seconds=59)], what)
    assert [row[2:4] for row in intervals(candles, what)] == [(11, 13), (14, 19)]


def test_candles_before_the_window_carry_in_if_they_count(read):
    late = contract("A", start=10, end=20)
    rows = [candle("A", 3, "0.30", "0.40"), candle("A", 5, "0.30", "0.41"), candle("A", 9, "0.30", "0.42")]
    candles = read(rows, [late])
    assert intervals(candles, [late]) == []  # quotes count from minute 10 on
    for since, seen in ((0, 9), (9, 9), (10, None)):
        counted = [late._replace(quotes_from_ts=since * MINUTE)]
        assert [row[1:4] for row in intervals(candles, counted)] == ([(seen, 10, 19)] if seen else [])
        assert crossed(candles, counted) == (0, seen and seen * MINUTE)


def test_decision_times_are_multiples_of_the_cadence_in_the_window(read):
    rows = [candle("A", 1, "0.30", "0.40"), candle("A", 15, "0.30", "0.41"), candle("A", 16, "0.30", "0.42")]
    what = [contract("A", start=3, end=28, quotes_from=0)]
    # times 7, 14, 21; the candle of minute 15 is replaced before anybody decides, and 28 is the window's end
    assert [row[1:4] for row in intervals(read(rows, what), what, step=7)] == [(1, 7, 14), (16, 21, 21)]


def test_quotes_too_old_are_unusable(read):
    what = [contract("A", end=60)]
    candles = read([candle("A", 10, "0.30", "0.40"), candle("A", 50, "0.60", "0.55")], what)
    assert [row[2:4] for row in intervals(candles, what, age=5)] == [(10, 15)]
    assert crossed(candles, what, age=5) == (6, 50 * MINUTE)
    assert crossed(candles, what) == (10, 50 * MINUTE)


@pytest.mark.slow
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
        ("1", None, None, None),
        (None, "0", None, None),
        ("0.000001", "0.999999", "0.999999", "0.999999"),
        ("0.0025", "0.0050", "0.005", "0.9975"),
    ],
)
def test_which_sides_are_quoted(read, bid, ask, yes, no):
    what = [contract("A", end=13)]
    candles = read([candle("A", 10, bid, ask)], what)
    expected = [(0, 10, 10, 12, yes and micro(yes), no and micro(no))]
    assert intervals(candles, what) == (expected if yes or no else [])
    assert crossed(candles, what) == (3 if bid == "0.41" else 0, 10 * MINUTE)


def test_only_what_exceeds_the_minimum_can_be_bought(read):
    for p, min_ev, hit in (
        ("0.45", "0.05", 0),
        ("0.450000000001", "0.05", 1),
        ("0.15", "0.05", 0),
        ("0.149999999999", "0.05", 1),
    ):
        what = [contract("A", p, end=11, rate=Fraction(0))]
        outcome = replay_candles(what, read([candle("A", 10, "0.20", "0.40")], what), rules(min_ev=min_ev))
        assert len(orders(outcome)) == hit, p


def test_volume_watermark_and_strangers(read):
    what = [contract("A", end=100)]
    rows = [candle("A", 10, "0.30", "0.40", "57.25"), candle("A", 99, "0.30", "0.41"), candle("A", 100, "0.30", "0.42")]
    candles = read([*rows, candle("AB", 5, "0.30", "0.40")], what)
    assert [row[1] for row in intervals(candles, what)] == [10, 99]
    half = rules(quantity=99, min_ev="0", max_volume_share=Fraction(1, 2))
    outcome = replay_candles(what, candles, half)
    assert orders(outcome) == [(10, "A", "YES", 28)]
    assert outcome.rejections == {"LIQUIDITY": 89}
    assert crossed(candles, what) == (0, 99 * MINUTE)  # the candle of minute 100 is in force at no decision
    assert crossed(read(rows, [contract("B")]), [contract("B")]) == (0, None)


def test_marks_value_both_sides_by_the_visible_quote(read):
    rows = [
        candle("A", 1, "0.35", "0.40"),
        candle("A", 10, "0.30", "0.40"),
        candle("A", 20, "0.50", "0.45"),
        candle("A", 30, "0", "1"),
        candle("A", 40, "0.90", None),
    ]
    what = [contract("A", end=15)]
    candles = read(rows, what)

    def value(side, *minutes, age=None):
        """What one contract of a side, bought at minute 1, would fetch."""
        how = rules(from_strategy=wants(side), age=age, per_market=1)
        outcome = replay_candles(what, candles, how, instants=[minute * MINUTE for minute in minutes])
        assert orders(outcome) == [(1, "A", side.name, 1)]
        return [worth for _, _, worth in outcome.equity]

    # after the window too: a position outlives it; before the first order there is none, and the order of an instant is later
    minutes = (0, 1, 2, 9, 10, 19, 20, 30, 40, 199, 200)
    yes, no = ([350_000] * 2 + [300_000] * 2), ([600_000] * 4)
    assert value(Side.YES, *minutes) == [0, 0, *yes, 0, 0, 900_000, 900_000, 0]
    assert value(Side.NO, *minutes) == [0, 0, *no, 0, 0, 0, 0, 0]
    assert value(Side.YES, 15, 16, 45, 46, age=5) == [300_000, 0, 900_000, 0]
    assert value(Side.NO, 6, 7, 15, 16, age=5) == [600_000, 0, 600_000, 0]


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


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_intervals_are_what_reading_minute_by_minute_finds(tmp_path, seed):
    """From files in any order, with strangers, with rows in any order and twice, by one thread or two."""
    rng = random.Random(seed)
    prices = ["0", "0.01", "0.30", "0.3025", "0.50", "0.99", "1", None]
    tickers = ["A", "B", "C"]
    rows = [
        candle(t, m, rng.choice(prices), rng.choice(prices), seconds=rng.choice([0, 0, 30]))
        for t in [*tickers, "AA"]
        for m in range(90)
        if rng.random() < 0.15
    ]
    step, age = rng.choice([1, 4, 7]), rng.choice([3, 20, LATER])
    contracts, sinces = [], []
    for ticker in tickers:
        start = rng.randint(0, 30)
        since = rng.randint(0, start)
        base = contract(ticker, start=start, end=rng.randint(start, 100), quotes_from=since)
        contracts.append(base)
        sinces.append(since)
    expected, crossings, latest = set(), 0, None
    for idx, (what, since) in enumerate(zip(contracts, sinces, strict=True)):
        for minute in range(0, 100, step):
            found = by_hand(rows, what, step, age, since, minute)
            if found and what.start_ts <= minute * MINUTE < what.end_ts:
                crossings, latest = crossings + found[3], max(latest or 0, found[0])
                if found[1] or found[2]:
                    expected.add((idx, minute * MINUTE, *found[:3]))
    shuffled = rng.sample(rows, len(rows)) + rng.sample(rows, 5)
    halves = [shuffled[: len(rows) // 2], shuffled[len(rows) // 2 :]]
    files = [
        [written(tmp_path, f"{n}.parquet", [r for r in rows if r["market_ticker"] in g]) for n, g in enumerate(("BC", "A"))],
        [written(tmp_path, f"{n}.parquet", half, ordered=False) for n, half in enumerate(halves, 2)],
    ]  # fmt: skip
    for paths, threads in ((files[0], 1), (files[0][::-1], 2), (files[1], 1), (files[1][::-1], 2)):
        candles = read_candles(paths, rng.sample(tickers, 3), threads)
        spread = [
            (idx, t, e, *asks)
            for idx, e, first, last, *asks in in_force(candles, contracts, step, age)
            for t in range(first, last + 1, step * MINUTE)
        ]
        assert len(spread) == len(set(spread)) and set(spread) == expected
        assert crossed(candles, contracts, step, age) == (crossings, latest)


def of_market(candles, ticker):
    """A market's candles as rows, its volume, and how many did not follow an earlier one."""
    at = candles.tickers.index(ticker)
    of_it = slice(candles.first_row[at], candles.end_row[at])
    columns = [column[of_it].tolist() for column in (candles.end_ts, candles.bid, candles.ask, candles.volume)]
    return list(zip(*columns, strict=True)), int(candles.traded[at]), int(candles.jumps[at])


@pytest.mark.slow
@pytest.mark.parametrize("threads", [None, 1, 3])
def test_rows_are_read_by_market_and_time_whatever_their_order(tmp_path, threads):
    a = [candle("A", m, "0.30", "0.40", m) for m in (3, 5, 9)]
    b = [candle("B", m, None, "1", "0.25") for m in (4, 6)]
    whole = [(180, 300_000, 400_000, 300), (300, 300_000, 400_000, 500), (540, 300_000, 400_000, 900)]
    empty = [(240, NO_PRICE, 1_000_000, 25), (360, NO_PRICE, 1_000_000, 25)]
    stranger = candle("AB", 1, "0.1", "0.2", 9)
    for rows, jumps in (
        ([*a, *b], (1, 1)),
        ([*b, stranger, *a], (1, 1)),
        ([*a[:2], stranger, a[2], *b], (2, 1)),
        ([*a[::-1], *b], (3, 1)),
        ([a[0], b[0], a[1], b[1], a[2]], (3, 2)),
    ):
        path = written(tmp_path, "candles.parquet", rows, ordered=False)
        candles = read_candles([path], ["B", "C", "A"], threads)
        assert of_market(candles, "A") == (whole, 1700, jumps[0])
        assert of_market(candles, "B") == (empty, 50, jumps[1])
        assert of_market(candles, "C") == ([], 0, 0)
    twice = written(tmp_path, "candles.parquet", [a[0], *a, *b], ordered=False)
    found = of_market(read_candles([twice], ["A"], threads), "A")
    assert found == ([whole[0], *whole], 2000, 2)
    parts = [written(tmp_path, f"{n}.parquet", rows) for n, rows in enumerate(([*a[2:], *b], a[:2], [stranger]))]
    assert of_market(read_candles(parts, ["A"], threads), "A") == (whole, 1700, 2)
    parts = [written(tmp_path, f"{n}.parquet", rows) for n, rows in enumerate((a[:2], a[2:]))]
    assert of_market(read_candles(parts, ["A"], threads), "A") == (whole, 1700, 1)


def test_of_two_candles_with_one_end_the_later_row_is_the_quote(tmp_path):
    rows = [candle("A", 9, "0.30", "0.40"), candle("A", 5, "0.10", "0.20"), candle("A", 9, "0.30", "0.41")]
    what = [contract("A", end=12)]
    candles = read_candles([written(tmp_path, "candles.parquet", rows, ordered=False)], ["A"])
    assert [row[1:5] for row in intervals(candles, what)] == [(5, 5, 8, 200_000), (9, 9, 11, 410_000)]


@pytest.mark.slow
def test_thousands_of_markets_in_any_order_keep_their_own_rows(tmp_path):
    """In many row groups, by several threads."""
    rng, count = random.Random(3), 4000
    tickers = [f"M-{n:05}" for n in range(count)]
    names = [t for t in tickers for _ in range(30)]
    ends = np.tile(np.arange(30) * MINUTE, count)
    whole = pa.array([Decimal(int(t[2:]) % 999 + 1).scaleb(-3) for t in names], units.PRICE)
    zero = pa.array([Decimal(1)] * len(names), units.COUNT)
    given = {"market_ticker": names, "end_period_ts": ends, "volume": zero, "open_interest": zero}
    given["retrieved_at"] = pa.array([NOW] * len(names), units.TS)
    table = pa.table([given.get(field.name, whole) for field in schemas.CANDLES], schemas.CANDLES)
    pq.write_table(table, tmp_path / "many.parquet", row_group_size=5_000)
    asked = rng.sample(tickers, 3000)
    for threads in (1, 4):
        candles = read_candles([str(tmp_path / "many.parquet")], asked, threads)
        assert Counter(candles.jumps.tolist()) == {1: 3000} and set(candles.traded.tolist()) == {3000}
        for ticker in rng.sample(asked, 300):
            price = (int(ticker[2:]) % 999 + 1) * 1000
            assert of_market(candles, ticker)[0] == [(n * MINUTE, price, price, 100) for n in range(30)]
