"""The replay of given quotes: which orders are made, in which order, what is refused and how often."""

from decimal import Decimal
from fractions import Fraction

import pytest

from tests.unit.engine_parts import MINUTE, contract, every_decision, micro, orders, pico, quote, replay, rules
from tradewinds.engine import sizing
from tradewinds.engine.costs import FEE_ERAS, TAKER_RATE, exchange_fee

both_ways = pytest.mark.parametrize("jump", [True, False])


def test_the_net_value_must_exceed_the_minimum_strictly():
    """At 0.40 one contract costs 0.02 in fees: p = 0.80 nets 0.38."""
    for min_ev, bought in (("0.38", []), ("0.379999999999", [(5, "A", "YES", 1)])):
        one = replay([contract(end=6)], [quote(0, 5, 5, yes="0.40")], rules(min_ev=min_ev))
        assert orders(one) == bought
        assert not one.rejections  # what is no candidate is no refusal


def test_a_fill_keeps_its_values():
    what = contract(p="0.75", pays="0")
    fill = replay([what], [quote(0, 5, 5, yes="0.40", candle=3)], rules(quantity=10)).fills[0]
    assert (fill.price_micro, fill.fee_micro, fill.quote_ts, fill.decision_ts) == (400_000, 170_000, 180, 300)
    assert fill.gross_ev_pico == pico("0.35")
    assert Fraction(fill.net_ev_total_pico, fill.quantity) == pico("0.333")  # 0.35 - 0.17/10


def test_no_pays_one_minus_bid_and_wins_when_yes_loses():
    outcome = replay([contract(p="0.1", pays="0")], [quote(0, 5, 5, no="0.60")], rules(), cash="10")
    assert orders(outcome) == [(5, "A", "NO", 1)]
    assert outcome.end_cash_micro == micro("10") - micro("0.62") + micro("1")


def test_a_scalar_settlement_pays_both_sides_their_share():
    pair = [contract("A", "0.9", pays="0.24"), contract("B", "0.1", pays="0.24")]
    outcome = replay(pair, [quote(0, 5, 5, yes="0.50"), quote(1, 5, 5, no="0.50")], rules(), cash="10")
    assert outcome.end_cash_micro == micro("10") - 2 * micro("0.52") + micro("0.24") + micro("0.76")


def test_fee_multipliers_scale_the_fee_before_it_is_rounded():
    half, none = contract("A", rate=TAKER_RATE / 2), contract("B", rate=Fraction(0))
    fills = replay([half, none], [quote(i, 5, 5, yes="0.50") for i in (0, 1)], rules(quantity=100)).fills
    assert {f.contract.ticker: f.fee_micro for f in fills} == {"A": 880_000, "B": 0}


def test_the_side_with_more_value_is_bought_and_yes_if_equal():
    for no, side in (("0.39", "NO"), ("0.40", "YES"), ("0.41", "YES")):
        one = replay([contract(p="0.5", end=6)], [quote(0, 5, 5, yes="0.40", no=no)], rules())
        assert orders(one) == [(5, "A", side, 1)]


def test_the_best_order_goes_first_and_takes_the_cash():
    trio = [contract("A", "0.8"), contract("B", "0.9"), contract("C", "0.9")]
    quotes = [quote(i, 5, 5, yes="0.40") for i in range(3)]
    assert [o[1] for o in orders(replay(trio, quotes, rules()))] == ["B", "C", "A"]
    short = replay(trio, quotes, rules(), cash="0.84")
    assert [o[1] for o in orders(short)] == ["B", "C"]
    assert short.rejections == {"INSUFFICIENT_CASH": 1}


@both_ways
def test_every_refusal_at_every_decision_time_counts(jump):
    outcome = replay([contract()], [quote(0, 10, 39, yes="0.40")], rules(per_market=2), jump=jump)
    assert orders(outcome) == [(10, "A", "YES", 1), (11, "A", "YES", 1)]
    assert outcome.rejections == {"MAX_CONTRACTS_PER_MARKET": 28}
    assert len(every_decision(outcome)) == 30


@both_ways
def test_a_reduced_order_must_still_be_worth_it(jump):
    """Ten contracts at 0.50 cost 0.018 each in fees, a single one 0.02: alone it is not above 0.08."""
    how = rules(quantity=10, min_ev="0.08", per_market=11)
    outcome = replay([contract(p="0.60")], [quote(0, 1, 9, yes="0.50")], how, jump=jump)
    assert orders(outcome) == [(1, "A", "YES", 10)]
    assert outcome.rejections == {"EV_THRESHOLD": 8}


@both_ways
def test_settlements_of_an_instant_come_before_its_decisions(jump):
    pair = [contract("A", end=10, settles=20, pays="1"), contract("B", event="F", settles=300)]
    quotes = [quote(0, 5, 5, yes="0.40"), quote(1, 15, 30, yes="0.90", no="0.10")]
    pair[1] = contract("B", "0.99", event="F", settles=300)
    outcome = replay(pair, quotes, rules(min_ev="0.01"), cash="0.45", jump=jump)
    assert orders(outcome) == [(5, "A", "YES", 1), (20, "B", "YES", 1)]
    assert outcome.rejections == {"INSUFFICIENT_CASH": 15}  # minutes 15-19 and 21-30
    assert outcome.end_cash_micro == micro("0.45") - micro("0.42") + micro("1") - micro("0.91") + micro("1")


@both_ways
def test_a_settlement_between_decision_times_counts_from_the_next_one(jump):
    pair = [contract("A", end=10, settles=21), contract("B", event="F", settles=300)]
    quotes = [quote(0, 5, 5, yes="0.40"), quote(1, 15, 30, yes="0.40")]
    how = rules(step=5, total_open=1)
    outcome = replay(pair, quotes, how, jump=jump)
    assert orders(outcome) == [(5, "A", "YES", 1), (25, "B", "YES", 1)]
    assert outcome.rejections == {"MAX_TOTAL_OPEN_CONTRACTS": 3}


@both_ways
def test_a_full_event_has_room_again_when_one_of_its_markets_settles(jump):
    pair = [contract("A", end=10, settles=20), contract("B", settles=300)]
    quotes = [quote(0, 5, 5, yes="0.40"), quote(1, 15, 30, yes="0.40")]
    outcome = replay(pair, quotes, rules(per_event=1), jump=jump)
    assert orders(outcome) == [(5, "A", "YES", 1), (20, "B", "YES", 1)]
    assert outcome.rejections == {"MAX_CONTRACTS_PER_EVENT": 15}


@both_ways
def test_orders_per_day_begin_anew_at_civil_midnight(jump):
    how = rules(orders_per_event_day=2)
    outcome = replay([contract(days=(20, 40))], [quote(0, 10, 49, yes="0.40")], how, jump=jump)
    assert [o[0] for o in orders(outcome)] == [10, 11, 20, 21, 40, 41]
    assert outcome.rejections == {"MAX_TRADES_PER_EVENT_PER_DAY": 34}


@both_ways
def test_liquidity_is_new_with_every_candle(jump):
    quotes = [quote(0, 5, 9, yes="0.40", volume=30), quote(0, 10, 14, yes="0.41", volume=9)]
    quotes.append(quote(0, 15, 19, yes="0.41", volume=25))
    how = rules(quantity=2, max_volume_share=Fraction(1, 10))
    outcome = replay([contract()], quotes, how, jump=jump)
    assert orders(outcome) == [(5, "A", "YES", 2), (6, "A", "YES", 1), (15, "A", "YES", 2)]
    assert outcome.rejections == {"LIQUIDITY": 3 + 5 + 4}


@both_ways
def test_opposing_positions(jump):
    quotes = [quote(0, 5, 5, yes="0.10"), quote(0, 6, 9, no="0.10")]
    held = replay([contract(p="0.5")], quotes, rules(), jump=jump)
    assert (orders(held), held.rejections) == ([(5, "A", "YES", 1)], {"OPPOSING_POSITION": 4})
    free = replay([contract(p="0.5")], quotes, rules(allow_opposing=True), jump=jump)
    assert [o[2] for o in orders(free)] == ["YES", "NO", "NO", "NO", "NO"]


def test_ev_proportional_takes_the_unrounded_fee_and_rounds_down():
    """gross 0.40, fee 0.07·0.4·0.6 = 0.0168: 0.3832 dollars, times 10 is 3.832."""
    size = sizing.EvProportional(Decimal(10))
    assert size(pico("0.8"), micro("0.40"), 0) == 3
    assert sizing.EvProportional(Decimal("2.5"))(pico("0.8"), micro("0.40"), 0) == 0
    assert sizing.EvProportional(Decimal("1000"))(pico("0.4168"), micro("0.40"), 0) == 0
    exactly_one = sizing.EvProportional(Decimal("1000"))(pico("0.4178"), micro("0.40"), 0)
    assert exactly_one == 1  # with floats it would be a hair less, and then 0


def test_kelly_is_a_share_of_equity():
    """f = (0.8 - 0.4)/0.6 = 2/3; a quarter of it of 100 dollars buys 16.67/0.40 = 41.67 contracts."""
    size = sizing.Kelly(Decimal("0.25"))
    assert size(pico("0.8"), micro("0.40"), micro("100")) == 41
    assert size(pico("0.4"), micro("0.40"), micro("100")) == 0
    assert size(pico("0.3"), micro("0.40"), micro("100")) == 0
    assert sizing.Kelly(Decimal("0.6"))(pico("0.8"), micro("0.40"), micro("1")) == 1  # exactly 1


@both_ways
def test_kelly_sees_the_equity_before_the_first_order_of_the_instant(jump):
    """Both markets at minute 5 size from 100 dollars; at minute 6 fees are gone from equity, the entry cost is not."""
    pair = [contract("A"), contract("B")]
    quotes = [quote(0, 5, 6, yes="0.40"), quote(1, 5, 5, yes="0.40")]
    outcome = replay(pair, quotes, rules(size=sizing.Kelly(Decimal("0.25"))), cash="100", jump=jump)
    fee = 2 * 690_000  # 41 contracts: 0.6888 up to the cent
    assert orders(outcome)[:2] == [(5, "A", "YES", 41), (5, "B", "YES", 41)]
    expected = int(Fraction(1, 4) * Fraction(2, 3) * (100_000_000 - fee) / 400_000)
    assert orders(outcome)[2] == (6, "A", "YES", expected)


@both_ways
def test_rules_that_change_at_an_instant_are_looked_at_again_then(jump):
    """A quote over both changes of the rounding rule: per contract at 0.055 the fee is 0.01, then 0.005."""
    first = FEE_ERAS[0][0] // MINUTE
    what = contract(p="0.085", start=first - 10, end=first + 10, settles=first + 99)
    changes = tuple(since for since, _ in FEE_ERAS)
    how = rules(min_ev="0.021", fee_rule=exchange_fee, changes=changes, per_market=1)
    quotes = [quote(0, first - 10, first + 9, yes="0.055")]
    outcome = replay([what], quotes, how, jump=jump)
    assert [(o[0] - first, *o[1:]) for o in orders(outcome)] == [(0, "A", "YES", 1)]
    assert outcome.fills[0].fee_micro == 5_000
    assert outcome.rejections == {"MAX_CONTRACTS_PER_MARKET": 9}


def test_nothing_to_do():
    outcome = replay([contract()], [], rules(), cash="7")
    assert (outcome.fills, outcome.rejections, outcome.decisions, outcome.end_cash_micro) == ([], {}, [], micro("7"))
