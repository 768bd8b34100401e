"""The replay of given quotes: which orders are made, in which order, what is refused and how often."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine_parts import (
    MINUTE,
    candles_of,
    contract,
    every_decision,
    fee_by_hand,
    micro,
    orders,
    pico,
    quote,
    replay,
    replay_candles,
    rules,
)
from tradewinds.core.errors import SimulationError
from tradewinds.engine.event_contracts import sizing
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.limits import Opposing
from tradewinds.engine.event_contracts.order_rules import NONE, WantedOrders
from tradewinds.families.kalshi_weather.fee_schedule import FEE_ERAS, TAKER_RATE, exchange_fee


def test_the_net_value_must_exceed_the_minimum_strictly():
    """At 0.40 one contract costs 0.02 in fees: p = 0.80 nets 0.38."""
    for min_ev, bought in (("0.38", []), ("0.379999999999", [(5, "A", "YES", 1)])):
        one = replay([contract(end=6)], [quote(0, 5, 5, yes="0.40")], rules(min_ev=min_ev))
        assert orders(one) == bought
        assert not one.rejections  # what is no candidate is no refusal
        assert [d.filled for d in one.decisions] == [True] * len(bought)


def test_what_kelly_wants_must_exceed_it_strictly_too():
    """0.6 · 2/3 of 10 dollars are 10 contracts at 0.40, which cost 0.17 in fees: 0.383 are left of each."""
    for min_ev, bought in (("0.383", []), ("0.382999999999", [(5, "A", "YES", 10)])):
        how = rules(size=sizing.Kelly(Decimal("0.6")), min_ev=min_ev)
        one = replay([contract(end=6)], [quote(0, 5, 5, yes="0.40")], how, cash="10")
        assert (orders(one), len(one.decisions)) == (bought, len(bought))


def test_a_fill_keeps_its_values():
    what = contract(p="0.75", pays="0", start=5, quotes_from=0)
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
    """In a sound book that can only be asked of losses: a YES and a NO together cost a dollar or more."""
    for no, side in (("0.59", "NO"), ("0.60", "YES"), ("0.61", "YES")):
        one = replay([contract(p="0.5", end=6)], [quote(0, 5, 5, yes="0.60", no=no)], rules(min_ev="-0.5"))
        assert orders(one) == [(5, "A", side, 1)]
    assert (
        orders(replay([contract(p="0.5", end=6)], [quote(0, 5, 5, yes="0.60", no="0.59")], rules(min_ev="-0.11"))) == []
    )


def test_the_best_order_goes_first_and_takes_the_cash():
    trio = [contract("A", "0.8"), contract("B", "0.9"), contract("C", "0.9")]
    quotes = [quote(i, 5, 5, yes="0.40") for i in range(3)]
    assert [o[1] for o in orders(replay(trio, quotes, rules()))] == ["B", "C", "A"]
    short = replay(trio, quotes, rules(), cash="0.84")
    assert [o[1] for o in orders(short)] == ["B", "C"]
    assert short.rejections == {"INSUFFICIENT_CASH": 1}


def test_every_refusal_at_every_decision_time_counts():
    outcome = replay([contract()], [quote(0, 10, 39, yes="0.40")], rules(per_market=2))
    assert orders(outcome) == [(10, "A", "YES", 1), (11, "A", "YES", 1)]
    assert outcome.rejections == {"MAX_CONTRACTS_PER_MARKET": 28}
    assert len(every_decision(outcome)) == 30


def test_a_reduced_order_must_still_be_worth_it():
    """Ten contracts at 0.50 cost 0.018 each in fees, a single one 0.02: alone it is not above 0.08."""
    how = rules(quantity=10, min_ev="0.08", per_market=11)
    outcome = replay([contract(p="0.60")], [quote(0, 1, 9, yes="0.50")], how)
    assert orders(outcome) == [(1, "A", "YES", 10)]
    assert outcome.rejections == {"EV_THRESHOLD": 8}


def test_settlements_of_an_instant_come_before_its_decisions():
    pair = [contract("A", end=10, settles=20, pays="1"), contract("B", event="F", settles=300)]
    quotes = [quote(0, 5, 5, yes="0.40"), quote(1, 15, 30, yes="0.90", no="0.10")]
    pair[1] = contract("B", "0.99", event="F", settles=300)
    outcome = replay(pair, quotes, rules(min_ev="0.01"), cash="0.45")
    assert orders(outcome) == [(5, "A", "YES", 1), (20, "B", "YES", 1)]
    assert outcome.rejections == {"INSUFFICIENT_CASH": 15}
    refused = [(d.first_ts // MINUTE, d.times) for d in outcome.decisions if not d.filled]
    assert sorted(refused) == [(15, 5), (21, 10)]  # of the same candle, before and after what could be bought
    assert outcome.end_cash_micro == micro("0.45") - micro("0.42") + micro("1") - micro("0.91") + micro("1")


def test_a_settlement_between_decision_times_counts_from_the_next_one():
    pair = [contract("A", end=10, settles=21), contract("B", event="F", settles=300)]
    quotes = [quote(0, 5, 5, yes="0.40"), quote(1, 15, 30, yes="0.40")]
    how = rules(step=5, total_open=1)
    outcome = replay(pair, quotes, how)
    assert orders(outcome) == [(5, "A", "YES", 1), (25, "B", "YES", 1)]
    assert outcome.rejections == {"MAX_TOTAL_OPEN_CONTRACTS": 3}


def test_a_full_event_has_room_again_when_one_of_its_markets_settles():
    pair = [contract("A", end=10, settles=20), contract("B", settles=300)]
    quotes = [quote(0, 5, 5, yes="0.40"), quote(1, 15, 30, yes="0.40")]
    outcome = replay(pair, quotes, rules(per_event=1))
    assert orders(outcome) == [(5, "A", "YES", 1), (20, "B", "YES", 1)]
    assert outcome.rejections == {"MAX_CONTRACTS_PER_EVENT": 15}


@pytest.mark.parametrize(("settles", "bought"), [(29, [29]), (30, [30]), (31, [])])
def test_room_that_comes_at_the_last_decision_time_is_used(settles, bought):
    """The refusals of a full event may be counted at once, but not beyond the next settlement."""
    pair = [contract("A", end=10, settles=settles), contract("B", end=31, settles=300)]
    quotes = [quote(0, 5, 5, yes="0.40"), quote(1, 15, 30, yes="0.40")]
    outcome = replay(pair, quotes, rules(per_event=1, per_market=2))
    assert orders(outcome) == [(5, "A", "YES", 1), *((minute, "B", "YES", 1) for minute in bought)]
    assert outcome.rejections == {"MAX_CONTRACTS_PER_EVENT": 16 - len(bought)}


def test_one_side_that_is_full_leaves_the_other_free():
    """YES is held: NO is refused as long as it is wanted, and then YES is bought again."""
    quotes = [
        quote(0, 5, 5, yes="0.10"),
        quote(0, 6, 9, no="0.10"),
        quote(0, 10, 12, yes="0.10"),
        quote(0, 13, 15, no="0.10"),
    ]
    outcome = replay([contract(p="0.5")], quotes, rules(per_market=3))
    assert orders(outcome) == [(5, "A", "YES", 1), (10, "A", "YES", 1), (11, "A", "YES", 1)]
    assert outcome.rejections == {"OPPOSING_POSITION": 7, "MAX_CONTRACTS_PER_MARKET": 1}
    both = replay([contract(p="0.5")], quotes, rules(per_market=1))
    assert both.rejections == {"OPPOSING_POSITION": 7, "MAX_CONTRACTS_PER_MARKET": 3}
    short = replay([contract(p="0.5")], quotes, rules(per_market=1), full_audit=False)
    refused = {(d.side, d.reason): (d.first_ts // MINUTE, d.times) for d in short.decisions if not d.filled}
    assert refused == {("NO", "OPPOSING_POSITION"): (6, 7), ("YES", "MAX_CONTRACTS_PER_MARKET"): (10, 3)}


def test_orders_per_day_begin_anew_at_civil_midnight():
    how = rules(orders_per_event_day=2)
    outcome = replay([contract(days=(20, 40))], [quote(0, 10, 49, yes="0.40")], how)
    assert [o[0] for o in orders(outcome)] == [10, 11, 20, 21, 40, 41]
    assert outcome.rejections == {"MAX_TRADES_PER_EVENT_PER_DAY": 34}


def test_liquidity_is_new_with_every_candle():
    quotes = [quote(0, 5, 9, yes="0.40", volume=30), quote(0, 10, 14, yes="0.41", volume=9)]
    quotes.append(quote(0, 15, 19, yes="0.41", volume=25))
    how = rules(quantity=2, max_volume_share=Fraction(1, 10))
    outcome = replay([contract()], quotes, how)
    assert orders(outcome) == [(5, "A", "YES", 2), (6, "A", "YES", 1), (15, "A", "YES", 2)]
    assert outcome.rejections == {"LIQUIDITY": 3 + 5 + 4}


def test_opposing_positions():
    quotes = [quote(0, 5, 5, yes="0.10"), quote(0, 6, 9, no="0.10")]
    held = replay([contract(p="0.5")], quotes, rules())
    assert (orders(held), held.rejections) == ([(5, "A", "YES", 1)], {"OPPOSING_POSITION": 4})
    free = replay([contract(p="0.5")], quotes, rules(opposing=Opposing.HELD))
    assert [o[2] for o in orders(free)] == ["YES", "NO", "NO", "NO", "NO"]


def bought_at(price, p, size, cash="1000", min_ev="-1"):
    """How many YES are bought at a price, without any fee."""
    what = contract(p=p, end=6, rate=Fraction(0))
    return sum(
        o[3] for o in orders(replay([what], [quote(0, 5, 5, yes=price)], rules(size=size, min_ev=min_ev), cash=cash))
    )


def test_ev_proportional_takes_the_unrounded_fee_and_rounds_down():
    """gross 0.40, fee 0.07·0.4·0.6 = 0.0168 (an ordinary one, whatever is paid here): 0.3832 dollars, times 10 is 3.832."""
    assert bought_at("0.40", "0.8", sizing.EvProportional(Decimal(10), TAKER_RATE)) == 3
    assert bought_at("0.40", "0.8", sizing.EvProportional(Decimal("2.5"), TAKER_RATE)) == 0
    assert bought_at("0.40", "0.4168", sizing.EvProportional(Decimal("1000"), TAKER_RATE)) == 0
    assert bought_at("0.40", "0.3", sizing.EvProportional(Decimal("1000"), TAKER_RATE)) == 0
    # with floats it would be a hair less, and then 0
    assert bought_at("0.40", "0.4178", sizing.EvProportional(Decimal("1000"), TAKER_RATE)) == 1


@pytest.mark.slow
@settings(max_examples=500)
@given(
    st.lists(st.tuples(st.integers(0, 10**12), st.integers(1, 999_999)), min_size=1, max_size=5),
    st.one_of(
        st.decimals("1e-12", "1e6", places=12), st.sampled_from([Decimal("0.00001"), Decimal("33.3"), Decimal("1e6")])
    ),
)
def test_ev_proportional_is_exact_whatever_its_digits(offers, number):
    p, price = (np.array(column, np.int64) for column in zip(*offers, strict=True))
    found = sizing.EvProportional(number, TAKER_RATE).quantities(p, price).tolist()
    for quantity, chance, ask in zip(found, p.tolist(), price.tolist(), strict=True):
        dollars = Fraction(ask, 10**6)
        edge = Fraction(chance, 10**12) - dollars - Fraction(7, 100) * dollars * (1 - dollars)
        assert quantity == max(0, math.floor(Fraction(number) * edge))


def test_kelly_is_a_share_of_equity():
    """f = (0.8 - 0.4)/0.6 = 2/3; a quarter of it of 100 dollars buys 16.67/0.40 = 41.67 contracts."""
    assert bought_at("0.40", "0.8", sizing.Kelly(Decimal("0.25")), "100") == 41
    assert bought_at("0.40", "0.4", sizing.Kelly(Decimal("0.25")), "100") == 0
    assert bought_at("0.40", "0.3", sizing.Kelly(Decimal("0.25")), "100") == 0
    assert bought_at("0.40", "0.8", sizing.Kelly(Decimal("0.6")), "1") == 1  # exactly 1


def test_kelly_sees_the_equity_before_the_first_order_of_the_instant():
    """Both markets at minute 5 size from 100 dollars; at minute 6 fees are gone from equity, the entry cost is not."""
    pair = [contract("A"), contract("B")]
    quotes = [quote(0, 5, 6, yes="0.40"), quote(1, 5, 5, yes="0.40")]
    outcome = replay(pair, quotes, rules(size=sizing.Kelly(Decimal("0.25"))), cash="100")
    fee = 2 * 690_000  # 41 contracts: 0.6888 up to the cent
    assert orders(outcome)[:2] == [(5, "A", "YES", 41), (5, "B", "YES", 41)]
    expected = int(Fraction(1, 4) * Fraction(2, 3) * (100_000_000 - fee) / 400_000)
    assert orders(outcome)[2] == (6, "A", "YES", expected)


@pytest.mark.parametrize("cuts", [(), (-1,), (0,), (1,), (-5, 2, 3)])
def test_rules_that_change_at_an_instant_are_looked_at_again_then(cuts):
    """A quote over a change of the rounding rule: per contract at 0.055 the fee is 0.01, then 0.005, whatever the windows."""
    first = FEE_ERAS[0][0] // MINUTE
    what = contract(p="0.085", start=first - 10, end=first + 10, settles=first + 99)
    how = rules(min_ev="0.021", fee_rule=exchange_fee, per_market=1)
    candles = candles_of([what], [quote(0, first - 10, first + 9, yes="0.055")])
    outcome = replay_candles([what], candles, how, cuts=[first + cut for cut in cuts])
    assert [(o[0] - first, *o[1:]) for o in orders(outcome)] == [(0, "A", "YES", 1)]
    assert outcome.fills[0].fee_micro == 5_000
    assert outcome.rejections == {"MAX_CONTRACTS_PER_MARKET": 9}


NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([0.0, -0.0, 1e-300, -1e-300, 1, -1])
)


@pytest.mark.slow
@settings(max_examples=300)
@given(st.lists(NUMBERS, min_size=2, max_size=9), st.randoms(use_true_random=False))
def test_priorities_go_from_the_highest_to_the_lowest_then_by_ticker(priorities, random):
    """Numbers of any size, negative or not; -0.0 is 0."""
    tickers = [f"M{n}" for n in range(len(priorities))]
    contracts = [contract(ticker, event=ticker, p=f"0.{n + 1}") for n, ticker in enumerate(tickers)]
    wanted = {10**11 * (n + 1): priority for n, priority in enumerate(priorities)}

    def from_strategy(quotes):
        values = np.array([wanted[p] for p in quotes.p_pico.tolist()])
        return WantedOrders(np.zeros(len(quotes), np.int8), np.ones(len(quotes), np.int64), values)

    shuffled = random.sample(contracts, len(contracts))
    quotes = [quote(i, 5, 5, yes="0.40") for i in range(len(contracts))]
    found = [fill.contract.ticker for fill in replay(shuffled, quotes, rules(from_strategy=from_strategy)).fills]
    assert found == [ticker for _, ticker in sorted(zip((-p for p in priorities), tickers, strict=True))]


def test_nothing_to_do():
    outcome = replay([contract()], [], rules(), cash="7")
    assert (outcome.fills, outcome.rejections, outcome.decisions, outcome.end_cash_micro) == ([], {}, [], micro("7"))


def many(quantity):
    """A user's rule that wants so many YES wherever there is one."""

    def from_strategy(quotes):
        side = np.where(quotes.quoted(Side.YES), Side.YES, NONE)
        return WantedOrders(side.astype(np.int8), np.full(len(quotes), quantity), np.zeros(len(quotes)))

    return from_strategy


@pytest.mark.parametrize("price", ["0.50", "0.0025", "0.456789", "0.999999"])
@pytest.mark.parametrize("how", [{"quantity": 1_000_000}, {"from_strategy": many(1_000_000)}], ids=["sized", "user's"])
@pytest.mark.parametrize("rate", [TAKER_RATE, TAKER_RATE / 2, TAKER_RATE * Fraction("1.2")], ids=str)
def test_a_million_contracts_are_bought_to_the_cent(price, how, rate):
    outcome = replay(
        [contract(p="1", rate=rate)], [quote(0, 5, 5, yes=price)], rules(min_ev="-1", **how), cash="1000000000"
    )
    (fill,) = outcome.fills
    assert (fill.quantity, fill.fee_micro) == (1_000_000, fee_by_hand(rate, 1_000_000, micro(price)))
    assert fill.net_ev_total_pico == 10**6 * (10**12 - micro(price) * 10**6) - fill.fee_micro * 10**6
    assert outcome.end_cash_micro == micro("1000000000") + 10**6 * (10**6 - micro(price)) - fill.fee_micro


ENORMOUS = pytest.mark.parametrize(
    "how",
    [
        {"quantity": 5_000_000},
        {"quantity": 10**18},
        {"quantity": 10**30},
        {"size": sizing.EvProportional(Decimal("1e13"), TAKER_RATE)},
        {"size": sizing.EvProportional(Decimal("1e30"), TAKER_RATE)},
        {"size": sizing.EvProportional(Decimal("12345678.123456789012345"), TAKER_RATE)},
        {"size": sizing.Kelly(Decimal(1))},
        {"from_strategy": many(5_000_000)},
        {"from_strategy": many(10**9)},
        {"from_strategy": many(10**13)},
        {"from_strategy": many(2**62)},
    ],
    ids=lambda how: str(how.get("quantity") or how.get("size") or "user's"),
)
MILLIONS = "900000000"


@pytest.mark.slow
@pytest.mark.parametrize("price", ["0.50", "0.456789", "0.000001", "0.001234"])
@pytest.mark.parametrize("rate", [TAKER_RATE, TAKER_RATE * Fraction("0.123456"), Fraction(0)])
@ENORMOUS
def test_an_order_of_any_size_is_what_its_limits_leave(price, rate, how):
    what, quotes = contract(p="1", rate=rate), [quote(0, 5, 5, yes=price, volume=40)]
    for limit, left in (
        ({"per_market": 10}, 10),
        ({"per_event": 7}, 7),
        ({"total_open": 3}, 3),
        ({"notional_per_event_micro": 4 * micro(price)}, 4),
        ({"max_volume_share": Fraction(1, 2)}, 20),
    ):
        (fill,) = replay([what], quotes, rules(min_ev="0", **limit, **how), cash=MILLIONS).fills
        assert (fill.quantity, fill.fee_micro) == (left, fee_by_hand(rate, left, micro(price)))


@pytest.mark.parametrize("price", ["0.50", "0.456789"])
@ENORMOUS
def test_an_order_of_any_size_is_what_cash_pays(price, how):
    (fill,) = replay([contract(p="1")], [quote(0, 5, 5, yes=price)], rules(min_ev="0", **how), cash="1000").fills
    cost, more = (
        n * micro(price) + fee_by_hand(TAKER_RATE, n, micro(price)) for n in (fill.quantity, fill.quantity + 1)
    )
    assert fill.cost_micro == cost <= micro("1000") < more


def test_kelly_on_a_hundred_thousand_at_a_tenth_of_a_cent_under_a_cap_of_ten():
    how = rules(size=sizing.Kelly(Decimal(1)), min_ev="0", per_market=10)
    (fill,) = replay([contract(p="0.9")], [quote(0, 5, 5, yes="0.001234")], how, cash="100000").fills
    assert fill.quantity == 10


def test_enormous_orders_go_by_value_a_contract():
    """Of two wanted orders of millions the better one is filled first, though their values need more than 64 bits."""
    pair = [contract("A", "0.900000000001"), contract("B", "0.900000000002")]
    quotes = [quote(i, 5, 5, yes="0.001234") for i in range(2)]
    for size in ({"quantity": 10**15}, {"size": sizing.Kelly(Decimal(1))}):
        outcome = replay(pair, quotes, rules(min_ev="0", total_open=1, **size), cash=MILLIONS)
        assert orders(outcome) == [(5, "B", "YES", 1)]


def test_more_contracts_than_can_be_counted_are_an_error_and_never_a_wrong_number():
    how = rules(min_ev="0", quantity=10**15)
    with pytest.raises(SimulationError, match="the account would hold more contracts than can be counted") as caught:
        replay([contract(p="1")], [quote(0, 5, 5, yes="0.000001")], how, cash="900000000")
    assert caught.value.exit_code == 5 and "\n" not in str(caught.value)


def test_fee_rates_that_cannot_be_exact_are_an_error():
    for rate in (Fraction(5), TAKER_RATE * Fraction("0.1234567891234")):
        with pytest.raises(SimulationError, match="a fee rate is above 4 or has too many digits"):
            replay([contract(rate=rate)], [quote(0, 5, 5, yes="0.40")], rules())
    rate = TAKER_RATE * Fraction("0.123456")  # as many digits as a multiplier can have
    (fill,) = replay([contract(rate=rate)], [quote(0, 5, 5, yes="0.456789")], rules(quantity=2)).fills
    assert fill.fee_micro == fee_by_hand(rate, 2, 456_789)


@pytest.mark.parametrize(
    "name", ["per_market", "per_event", "total_open", "notional_per_event_micro", "orders_per_event_day"]
)
def test_a_limit_beyond_all_numbers_does_not_bind(name):
    for most in (2**62, 2**63, 10**30):
        outcome = replay([contract()], [quote(0, 5, 7, yes="0.40")], rules(quantity=10, **{name: most}))
        assert [o[3] for o in orders(outcome)] == [10, 10, 10]


def test_shares_of_many_digits_are_exact_or_an_error():
    def bought(share, volume=57):
        quotes = [quote(0, 5, 5, yes="0.40", volume=volume)]
        return [
            o[3] for o in orders(replay([contract()], quotes, rules(quantity=100, max_volume_share=Fraction(share))))
        ]

    assert bought("0.3333333333333333") == [18]
    assert bought("0.3333333333333333", 30) == [9]
    assert bought("0.12345678901234567") == [7]
    with pytest.raises(SimulationError, match="max_volume_share: it has too many digits"):
        bought("0.0012345678901234567")
    with pytest.raises(SimulationError, match="kelly_fraction: it has too many digits"):
        replay([contract()], [], rules(size=sizing.Kelly(Decimal("0.0012345678901234567"))))
