"""Shares without bars and bars without volume: when a position is sold, what is refused, and what waits."""

import dataclasses
import datetime as dt
from fractions import Fraction

import numpy as np
import pytest

from tests.unit.share_worlds import bars_of, books_add_up, flat, weekdays
from tradewinds.core.units import MICRO
from tradewinds.engine.shares.bars import WHOLE_DAYS, TradingDays
from tradewinds.engine.shares.ledger import Ledger
from tradewinds.engine.shares.share_rules import (
    LIQUIDITY,
    MAX_POSITIONS,
    NO_CASH,
    NO_NEXT_BAR,
    NO_VOLUME,
    Exits,
    ShareRules,
)
from tradewinds.families.equities_daily.bar_panel import date_of, day_of
from tradewinds.reference_data.corporate_actions import adjusted_bars

MONDAY = dt.date(2024, 1, 1)
DAYS = weekdays(MONDAY, 60)
TARGET = Exits(profit_target=Fraction(11, 10))


def held(count, *, without=(), volume=None, closes=None, unknown=()):
    """`count` bars at 10.00 from MONDAY on; `without`: indices of bars that are missing.

    Args:
        count: bars.
        without: indices of missing bars.
        volume: {index: shares}; else 1,000 shares.
        closes: {index: close}, which is also the next open.
        unknown: indices of bars of unknown volume.
    """
    rows = flat(MONDAY, [(closes or {}).get(index, 10) for index in range(count)], volume=1000)
    rows = [dataclasses.replace(bar, volume=(volume or {}).get(index, 1000)) for index, bar in enumerate(rows)]
    rows = [dataclasses.replace(bar, volume=None) if index in unknown else bar for index, bar in enumerate(rows)]
    return [bar for index, bar in enumerate(rows) if index not in without]


def passed(world, signals, **changes):
    """The result of signals {symbol: indices of DAYS} over a world; free of costs, 100 shares an order, 3 days of patience."""
    terms = {"exits": TARGET, "start_micro": 10_000 * MICRO, "position_share": Fraction(1, 10), "max_positions": 10}
    free = {"commission": Fraction(0), "slippage": Fraction(0), "exit_after_missing_days": 3}
    rules, bars = ShareRules(**{**terms, **free, **changes}), bars_of(world)
    scores = np.full(len(bars.day), np.nan)
    for symbol, indices in signals.items():
        wanted = [day_of(DAYS[index]) for index in indices]
        scores[(bars.owner == bars.symbols.index(symbol)) & np.isin(bars.day, wanted)] = 1.0
    market = TradingDays(bars, day_of(MONDAY), day_of(DAYS[-1]))
    result = Ledger(market, rules).run(scores)
    books_add_up(market, rules.start_micro, result)
    return result


def told(result):
    """Every trade as (index of the entry's day, index of the exit's day, reason)."""
    rows = {int(day): index for index, day in enumerate(map(day_of, DAYS))}
    entries = [row[0] for row in zip(result.journal.ts, result.journal.quantity, strict=True) if row[1] > 0]
    days = [rows[int(ts) // 86_400] for ts in entries]
    return [(day, rows[t.exit_day], t.exit_reason) for day, t in zip(days, result.trades, strict=True)]


@pytest.mark.parametrize("missing_days", [1, 3, 20])
def test_a_share_without_bars_is_sold_at_the_close_of_the_last_day_of_patience(missing_days):
    world = {"GONE": held(5, closes={4: 9}), "LIVE": held(40)}
    result = passed(world, {"GONE": [1]}, exit_after_missing_days=missing_days, slippage=Fraction(1, 100))
    assert told(result) == [(2, 4 + missing_days, "no_bars")]
    (trade,) = result.trades
    assert (trade.exit_price, trade.entry_price) == (8_910_000, 10_100_000)  # its last close, less slippage
    # every file is made of these: the account's day, the books, the trade
    assert [day.positions for day in result.equity] == [0, 0] + [1] * (2 + missing_days) + [0] * (36 - missing_days)
    sold = WHOLE_DAYS.close_ts(day_of(DAYS[4 + missing_days]))
    assert trade.position.closed_ts == sold and result.journal.ts.tolist()[-1] == sold
    assert result.journal.reasons[result.journal.reason[-1]] == "no_bars"


def test_without_patience_it_is_held_to_the_end():
    result = passed({"GONE": held(5), "LIVE": held(40)}, {"GONE": [1]}, exit_after_missing_days=None)
    assert told(result) == [(2, 4, "backtest_end")] and result.equity[-2].positions == 1


def test_a_day_without_a_bar_of_any_symbol_is_no_trading_day():
    """Both pause for a week: no day of it counts."""
    world = {"AAA": held(30, without=range(5, 10)), "LIVE": held(30, without=range(5, 10))}
    assert told(passed(world, {"AAA": [1]})) == [(2, 29, "backtest_end")]


def test_days_without_a_bar_count_only_in_a_row():
    world = {"AAA": held(30, without=(4, 5, 7, 8, 10, 11)), "LIVE": held(30)}
    assert told(passed(world, {"AAA": [1]})) == [(2, 29, "backtest_end")]
    world["AAA"] = held(30, without=(4, 5, 7, 8, 9, 11))
    assert told(passed(world, {"AAA": [1]})) == [(2, 9, "no_bars")]


def test_a_bar_that_comes_later_is_an_ordinary_one():
    world = {"AAA": held(30, without=range(5, 15), closes={18: 12}), "LIVE": held(30)}
    result = passed(world, {"AAA": [1, 15]})
    assert told(result) == [(2, 7, "no_bars"), (16, 19, "profit_target")]


def test_a_sale_that_was_ordered_before_a_halt_is_not_made_twice():
    """The target is met at the last close before the halt; the symbol comes back after it was sold, and after that again."""
    world = {"AAA": held(30, without=range(5, 15), closes={4: 12, 15: 12, 16: 12}), "LIVE": held(30)}
    result = passed(world, {"AAA": [1]})
    assert told(result) == [(2, 7, "no_bars")] and result.trades[0].exit_price == 12 * MICRO
    again = passed(world, {"AAA": [1, 4]})  # and the order of the last close before the halt fills when it is over
    assert told(again) == [(2, 7, "no_bars")]
    assert told(passed(world, {"AAA": [4]}))[0][0] == 15
    brief = {**world, "AAA": held(30, without=(5, 6), closes={4: 12})}
    assert told(passed(brief, {"AAA": [1]})) == [(2, 7, "profit_target")]


@pytest.mark.parametrize(
    "same_close, answered", [(False, [(2, 7, "no_bars"), (8, 39, "backtest_end")]), (True, [(1, 7, "no_bars")])]
)
def test_room_and_cash_are_free_from_the_next_open(same_close, answered):
    """LIVE has a signal on the very day on which GONE is sold: at that close there is no room yet."""
    world = {"GONE": held(5), "LIVE": held(40)}
    result = passed(world, {"GONE": [1], "LIVE": [7]}, max_positions=1, same_close=same_close)
    assert told(result) == answered
    assert result.refusals == ({MAX_POSITIONS: 1} if same_close else {})
    cash = passed(world, {"GONE": [1], "LIVE": [7]}, position_share=Fraction(1), same_close=same_close)
    assert told(cash) == answered and cash.refusals == ({NO_CASH: 1} if same_close else {})


@pytest.mark.parametrize("missing, sold", [(3, (38, "no_bars")), (2, (35, "backtest_end"))])
def test_the_end_of_the_run_comes_after_the_close_of_its_last_day(missing, sold):
    """Without a bar for three trading days on the last day of the run: sold for that; for two: sold by the end."""
    world = {"GONE": held(36), "LIVE": held(36 + missing)}
    assert told(passed(world, {"GONE": [1]})) == [(2, *sold)]


@pytest.mark.parametrize("same_close", [False, True])
def test_an_entry_at_a_bar_without_volume_is_refused(same_close):
    at = 1 if same_close else 2
    result = passed({"AAA": held(20, volume={at: 0})}, {"AAA": [1]}, same_close=same_close)
    assert result.refusals == {NO_VOLUME: 1} and result.trades == []
    other = passed({"AAA": held(20, volume={3 - at: 0})}, {"AAA": [1]}, same_close=same_close)
    assert other.refusals == {} and len(other.trades) == 1  # a bar without volume may make a signal: it is history


def test_the_order_of_a_halted_symbol_fills_at_its_next_bar_if_that_has_volume():
    halted = {"AAA": held(20, without=range(2, 9)), "LIVE": held(20)}
    assert told(passed(halted, {"AAA": [1]}))[0][0] == 9
    halted["AAA"] = held(20, without=range(2, 9), volume={9: 0})
    assert passed(halted, {"AAA": [1]}).refusals == {NO_VOLUME: 1}
    ended = {"AAA": held(2), "LIVE": held(20)}
    assert passed(ended, {"AAA": [1]}).refusals == {NO_NEXT_BAR: 1}


@pytest.mark.parametrize("same_close", [False, True])
def test_a_sale_waits_for_a_bar_with_volume(same_close):
    """The target is met on day 5; without volume from the bar of its fill to day 8 it is sold on day 9, whatever the price."""
    idle = dict.fromkeys(range(5 if same_close else 6, 9), 0)
    world = {"AAA": held(20, volume=idle, closes={5: 12, 7: 8})}
    result = passed(world, {"AAA": [1]}, same_close=same_close)
    assert told(result) == [(1 if same_close else 2, 9, "profit_target")]
    assert result.trades[0].exit_price == 10 * MICRO
    assert result.equity[7].open_value == 800 * MICRO  # a bar without volume values the position
    world = {"AAA": held(20, volume={**idle, 9: 1000}, without=(9,), closes={5: 12}), "LIVE": held(20)}
    assert told(passed(world, {"AAA": [1]}, same_close=same_close))[0][1:] == (10, "profit_target")


@pytest.mark.parametrize("same_close", [False, True])
def test_a_sale_that_waits_for_volume_ends_with_the_bars(same_close):
    world = {"AAA": held(10, volume=dict.fromkeys(range(5, 10), 0), closes={5: 12}), "LIVE": held(30)}
    result = passed(world, {"AAA": [1]}, same_close=same_close)
    assert told(result)[0][1:] == (12, "no_bars")
    late = {"AAA": held(10, volume=dict.fromkeys(range(5, 10), 0), closes={5: 12}), "LIVE": held(11)}
    assert told(passed(late, {"AAA": [1]}, same_close=same_close))[0][1:] == (9, "backtest_end")


@pytest.mark.parametrize("same_close", [False, True])
def test_an_unknown_volume_turns_the_rule_off(same_close):
    world = {"AAA": held(20, unknown=range(20), closes={5: 12})}
    result = passed(world, {"AAA": [1]}, same_close=same_close, max_volume_share=Fraction(1, 1000))
    assert told(result) == [(1, 5, "profit_target") if same_close else (2, 6, "profit_target")]
    assert result.trades[0].quantity == 100 and result.refusals == {}


@pytest.mark.parametrize(
    "share, volume, quantity", [("0.1", 1000, 100), ("0.1", 999, 99), ("0.1", 19, 1), ("0.1", 9, 0), ("1", 9, 9)]
)
@pytest.mark.parametrize("same_close", [False, True])
def test_an_entry_buys_at_most_a_share_of_its_bars_volume(share, volume, quantity, same_close):
    world = {"AAA": held(20, volume={1 if same_close else 2: volume})}
    result = passed(world, {"AAA": [1]}, same_close=same_close, max_volume_share=Fraction(share))
    assert [trade.quantity for trade in result.trades] == ([quantity] if quantity else [])
    assert result.refusals == ({} if quantity else {LIQUIDITY: 1})


def test_a_split_does_not_turn_a_traded_bar_into_one_without_volume():
    bars = bars_of({"AAA": held(3, volume={0: 1, 1: 0})})
    ones, tens = np.ones(3), np.array([1.0, 1.0, 1.0])
    assert adjusted_bars(bars, ones, tens, day_of(MONDAY)).volume.tolist() == [1, 0, 1000]
    split = adjusted_bars(bars, ones, np.array([4.0, 4.0, 1.0]), day_of(DAYS[2]))
    assert split.volume.tolist() == [1, 0, 1000]  # not a quarter of a share, which would round to none
    assert date_of(int(split.day[0])) == MONDAY
