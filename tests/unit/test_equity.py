"""Equity points: which instants they are taken at, and what the account is worth there, against a definition in a loop."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine_parts import MINUTE, columns_of, contract, micro, orders, read_candles, replay_candles, rules
from tests.unit.test_engine_agreement import worlds
from tests.unit.test_quotes import candle, written
from tradewinds.core.units import DAY_SECONDS
from tradewinds.engine.equity import Point, curve, instants
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.order_rules import NONE, WantedOrders
from tradewinds.families.kalshi_weather.fee_schedule import TAKER_RATE

MIDNIGHT = 1440  # in minutes
TEN_AND_FIVE = {(400_000, Side.YES): 10, (350_000, Side.NO): 5}


def shown(points):
    """Points as (minute, kind, cash, open value), money in dollars."""
    return [(p.ts / MINUTE, p.kind, p.cash_micro / 1e6, p.open_value_micro / 1e6) for p in points]


def at_prices(wanted):
    """A rule that buys so many of a side where it has just this price (micro-dollars)."""

    def from_strategy(quotes):
        side, quantity = np.full(len(quotes), NONE, np.int8), np.zeros(len(quotes), np.int64)
        for (price, chosen), count in wanted.items():
            hit = quotes.ask(chosen) == price
            side[hit], quantity[hit] = chosen, count
        return WantedOrders(side, quantity, np.zeros(len(quotes), np.int64))

    return from_strategy


@pytest.mark.parametrize("cuts", [(), (1441,), (800, 2879, 3000, 4000), (710,)])
def test_every_point_by_hand(tmp_path, cuts):
    """YES is worth its bid and NO one minus its ask, at the quote of that instant; nothing where there is none."""
    a = contract("A", start=720, end=2900, settles=3000, quotes_from=0)
    b = contract("B", start=700, end=4300, settles=4400, pays="0", quotes_from=0)
    quotes = [
        candle("A", 1440, "0.38", "0.40"),  # bought at midnight
        candle("A", 1500, "0.55", "0.60"),
        candle("B", 690, "0.60", "0.70"),
        candle("B", 800, "0.65", "0.70"),  # five NO are bought
        candle("B", 801, "0.60", "0.70"),
        candle("B", 2000, "0.20", "1"),  # no ask: nothing to sell NO at
        candle("B", 2990, "0.20", "0.25"),
        candle("B", 4000, "0.50", "0.45"),  # crossed: no quote
    ]
    candles = read_candles([written(tmp_path, "candles.parquet", quotes)], ["A", "B"])
    settled = [3000 * MINUTE, 4400 * MINUTE]
    how = rules(from_strategy=at_prices(TEN_AND_FIVE), per_market=10, step=20)
    noted = instants(700 * MINUTE, -(10**9), settled[-1] + 1, settled)
    outcome = replay_candles([a, b], candles, how, cash="100", instants=noted, cuts=cuts)
    assert orders(outcome) == [(800, "B", "NO", 5), (1440, "A", "YES", 10)]
    points = curve(700 * MINUTE, settled, outcome.equity)
    assert shown(points) == [
        (700, "start", 100, 0),
        (1440, "midnight", 98.17, 1.5),  # 5 NO at 1 - 0.70; the order of this instant comes after it
        (2880, "midnight", 94, 5.5),  # 10 YES at 0.55, and the NO have no price
        (3000, "settlement", 104, 3.75),  # the YES have paid 10
        (4320, "midnight", 104, 0),
        (4400, "end", 109, 0),
    ]
    assert [p.equity_micro / 1e6 for p in points] == [100, 99.67, 99.5, 107.75, 104, 109]
    made = sum(fill.payout_micro - fill.cost_micro for fill in outcome.fills)
    assert points[-1].equity_micro == micro("100") + made


def test_instants_that_coincide_are_one_point():
    def kinds(start, settled):
        settled = [minute * MINUTE for minute in settled]
        noted = instants(start * MINUTE, -(10**9), max(settled) + 1, settled)
        points = curve(start * MINUTE, settled, [(ts, 9, 0) for ts in noted])
        assert points == [Point(p.ts, p.kind, 9, 0) for p in points]
        return [(p.ts // MINUTE, p.kind) for p in points]

    assert kinds(MIDNIGHT, [2000]) == [(1440, "start"), (2000, "end")]
    assert kinds(100, [200, 200, 300, 300]) == [(100, "start"), (200, "settlement"), (300, "end")]
    assert kinds(100, [MIDNIGHT, 1500]) == [(100, "start"), (1440, "settlement"), (1500, "end")]
    assert kinds(1439, [2 * MIDNIGHT]) == [(1439, "start"), (1440, "midnight"), (2880, "end")]
    assert kinds(100, [50, 300]) == [(100, "start"), (300, "end")]  # what settled before is not the run's


def test_what_comes_after_the_last_settlement_is_no_part_of_the_curve():
    """As long as more may settle, midnights are noted; in the end it shows how many were too many."""
    day, settled = DAY_SECONDS, [DAY_SECONDS + 60]
    noted = instants(100, -(10**9), 5 * day, settled)
    assert noted == [100, day, day + 60, 2 * day, 3 * day, 4 * day]
    points = curve(100, settled, [(ts, 1, 0) for ts in noted])
    assert [(p.ts, p.kind) for p in points] == [(100, "start"), (day, "midnight"), (day + 60, "end")]


SIX_HOURS = st.integers(0, 60).map(lambda n: n * DAY_SECONDS // 4)
ODD = st.one_of(SIX_HOURS, st.integers(0, 15 * DAY_SECONDS))


@settings(max_examples=300)
@given(ODD, st.lists(ODD, min_size=1, max_size=6), st.lists(ODD, max_size=4))
def test_instants_are_their_definition_from_window_to_window(start, settled, cuts):
    """The start, every midnight and every settlement from the start on, each in one window, whatever the windows are."""
    end = max(settled) + 1
    midnights = {ts for ts in range(0, end, DAY_SECONDS) if ts >= start}
    expected = sorted(ts for ts in {start} | midnights | set(settled) if start <= ts < end)
    found, since = [], -(1 << 62)
    for until in (*sorted(cut for cut in cuts if cut < end), end):
        part = instants(start, since, until, settled)
        assert all(since <= ts < until for ts in part)
        found, since = found + part, until
    assert found == expected
    points = curve(start, settled, [(ts, ts * 3, ts * 7) for ts in found])
    assert [(p.ts, p.cash_micro, p.open_value_micro) for p in points] == [(ts, ts * 3, ts * 7) for ts in expected]
    kinds = {kind: {p.ts for p in points if p.kind == kind} for kind in ("start", "end", "settlement", "midnight")}
    if start < max(settled):
        assert (kinds["start"], kinds["end"]) == ({start}, {max(settled)})
        assert kinds["settlement"] == {ts for ts in settled if start < ts < max(settled)}
        assert kinds["midnight"] == midnights - set(settled) - {start}


@st.composite
def accounts(draw):
    """(contracts, candles, quantity, cuts): all times are multiples of six hours, so that many coincide."""
    step = MIDNIGHT // 4
    contracts, rows = [], []
    for place, name in enumerate("ABC"[: draw(st.integers(1, 3))]):
        start = draw(st.integers(1, 6))
        settles = start + draw(st.integers(1, 10))
        pays, rate = draw(st.sampled_from(["0", "1", "0.24"])), draw(st.sampled_from([0, 1]))
        times = {"start": start * step, "end": settles * step, "settles": settles * step}
        contracts.append(contract(name, pays=pays, rate=TAKER_RATE * rate, **times))
        for at in draw(st.lists(st.integers(start, settles), max_size=5, unique=True)):
            bid, ask = sorted((draw(st.integers(0, 100)), draw(st.integers(0, 100))))
            rows.append((place, at * step * MINUTE, bid * 10_000, ask * 10_000, 0))
    return (
        contracts,
        rows,
        draw(st.integers(1, 9)),
        sorted(draw(st.sets(st.integers(1, 17)))),
        draw(st.sampled_from(Side)),
    )


@pytest.mark.slow
@settings(max_examples=200)
@given(accounts())
def test_the_curve_is_its_definition(account):
    """From the fills alone: cash before an instant, payouts by it, and what is held at the last candle's prices."""
    contracts, rows, quantity, cuts, side = account
    candles = columns_of([what.ticker for what in contracts], rows)

    def from_strategy(quotes):
        sides = np.where(quotes.quoted(side), side, NONE).astype(np.int8)
        return WantedOrders(sides, np.full(len(quotes), quantity), np.zeros(len(quotes), np.int64))

    start, settled = min(c.start_ts for c in contracts), [c.settle_ts for c in contracts]
    end, six = max(settled), MIDNIGHT // 4
    noted = instants(start, -(10**9), end + 1, settled)
    how = rules(from_strategy=from_strategy, step=six)
    outcome = replay_candles(contracts, candles, how, instants=noted, cuts=[cut * six for cut in cuts])
    points = curve(start, settled, outcome.equity)
    midnights = {ts for ts in range(0, end, DAY_SECONDS) if ts > start}
    assert [p.ts for p in points] == sorted({start, end} | midnights | set(settled))
    for point in points:
        cash, worth = micro("1000"), 0
        for fill in outcome.fills:
            seen = [row[1:4] for row in rows if contracts[row[0]] is fill.contract and row[1] <= point.ts]
            if fill.decision_ts < point.ts:
                cash -= fill.quantity * fill.price_micro + fill.fee_micro
            if fill.contract.settle_ts <= point.ts:
                cash += fill.quantity * fill.contract.payout_micro(fill.side)
            elif fill.decision_ts < point.ts:
                _, bid, ask = max(seen)
                price = bid if side is Side.YES else 10**6 - ask
                worth += fill.quantity * (price if 0 < price < 10**6 else 0)
        assert (point.cash_micro, point.open_value_micro) == (cash, worth)
    assert points[-1].equity_micro == micro("1000") + sum(f.payout_micro - f.cost_micro for f in outcome.fills)


@pytest.mark.slow
@settings(max_examples=100)
@given(worlds())
def test_the_curve_of_a_replay_ends_where_its_account_ends(world):
    start, settled = min(c.start_ts for c in world.contracts), [c.settle_ts for c in world.contracts]
    noted = instants(start, -(1 << 62), max(settled) + 1, settled)
    outcome = dataclasses.replace(world, instants=noted).replay(**world.windows)
    points = curve(start, settled, outcome.equity)
    if start < max(settled):
        assert points[-1][1:4] == ("end", outcome.end_cash_micro, 0)
    assert all(p.cash_micro >= 0 and p.open_value_micro >= 0 for p in points)
