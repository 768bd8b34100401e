"""Fees to the cent: all 49,500 pairs, the rules' goldens, all rounding eras, in each of the three ways they are computed."""

import datetime as dt
import math
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference import naive_engine
from tests.unit import compiled as compiled_loops
from tradewinds.families.kalshi_weather.fee_schedule import FEE_ERAS, TAKER_RATE, cent_fee, exchange_fee

CENT = 10_000
BEFORE = int(dt.datetime(2026, 3, 3, 23, 59, tzinfo=dt.UTC).timestamp())
AFTER = int(dt.datetime(2026, 3, 4, tzinfo=dt.UTC).timestamp())
FINEST = int(dt.datetime(2026, 9, 1, tzinfo=dt.UTC).timestamp())
ERAS = pytest.mark.parametrize("ts", [BEFORE, AFTER, FINEST], ids=["cent", "2026-03", "2026-09"])
RATES = [TAKER_RATE * Fraction(multiplier) for multiplier in ("0", "0.000001", "0.5", "1", "1.25", "0.33", "10")]


def columns(rule, ts, rate, quantities, prices):
    """Fees of orders by the columns of the rule."""
    era, prices = rule.era(ts), np.array(prices, np.int64)
    terms = rule.terms([Fraction(0), rate], np.ones(len(prices), np.int64), prices, era)
    assert (terms.part < terms.base).all()
    return rule.fees(terms, np.array(quantities, np.int64), prices, era).tolist()


def compiled(rule, ts, rate, quantities, prices):
    """Fees of orders by the function of the compiled loops."""
    era = rule.eras[rule.era(ts)]
    prices = np.array(prices, np.int64)
    terms = rule.terms([rate], np.zeros(len(prices), np.int64), prices, rule.era(ts))
    rows = zip(quantities, prices.tolist(), terms.whole.tolist(), terms.part.tolist(), terms.base.tolist(), strict=True)
    return [compiled_loops.fee_of(*row, era.grid, era.balance_grid) for row in rows]


def plain(rule, ts, rate, quantities, prices):
    """Fees of orders one by one."""
    return [rule(rate, q, p, ts) for q, p in zip(quantities, prices, strict=True)]


WAYS = pytest.mark.parametrize("way", [plain, columns, compiled])


def decimal_fee(quantity: int, cents: int) -> Decimal:
    """The fee by another road: decimals instead of integers."""
    price = Decimal(cents) / 100
    return (Decimal("0.07") * quantity * price * (1 - price)).quantize(Decimal("0.01"), ROUND_CEILING)


@pytest.mark.slow
@WAYS
@ERAS
@pytest.mark.parametrize("rule", [cent_fee, exchange_fee], ids=["cent", "exchange"])
def test_all_49500_pairs(way, ts, rule):
    """On whole cents the balance stays on whole cents: every era comes to the same."""
    pairs = [(q, c) for q in range(1, 501) for c in range(1, 100)]
    assert len(pairs) == 49_500
    found = way(rule, ts, TAKER_RATE, [q for q, _ in pairs], [c * CENT for _, c in pairs])
    wrong = [(q, c) for (q, c), fee in zip(pairs, found, strict=True) if Decimal(fee) / 1_000_000 != decimal_fee(q, c)]
    assert not wrong


def test_a_float_would_be_wrong_for_many_of_them():
    """Why there is no float in a fee."""
    floats = [
        (q, c)
        for q in range(1, 501)
        for c in range(1, 100)
        if math.ceil(0.07 * q * (c / 100) * (1 - c / 100) * 100) != cent_fee(TAKER_RATE, q, c * CENT) // CENT
    ]
    assert len(floats) > 100  # how many depends on the order of the factors


@WAYS
@ERAS
@pytest.mark.parametrize(
    ("quantity", "cents", "dollars"),
    [
        (100, 50, "1.75"),
        (1, 50, "0.02"),
        (10, 50, "0.18"),
        (100, 35, "1.60"),
        (4, 50, "0.07"),
        (20, 35, "0.32"),
        (100, 99, "0.07"),
        (1, 1, "0.01"),
        (20, 5, "0.07"),
    ],
)
def test_taker_goldens(way, ts, quantity, cents, dollars):
    for rule in (cent_fee, exchange_fee):
        (fee,) = way(rule, ts, TAKER_RATE, [quantity], [cents * CENT])
        assert Decimal(fee) / 1_000_000 == Decimal(dollars)


@WAYS
def test_maker_golden(way):
    assert way(cent_fee, 0, Fraction(175, 10_000), [100], [50 * CENT]) == [440_000]


@WAYS
def test_multipliers(way):
    assert way(cent_fee, 0, TAKER_RATE * Fraction(1, 2), [100], [50 * CENT]) == [880_000]  # 0.875 up to the cent
    assert way(cent_fee, 0, Fraction(0), [100], [50 * CENT]) == [0]
    assert way(exchange_fee, AFTER, Fraction(0), [1, 2], [55_000, 55_000]) == [
        5_000,
        0,
    ]  # the balance still is in cents


PRICE = st.one_of(st.integers(1, 999_999), st.integers(1, 9_999).map(lambda tick: tick * 100))
ORDERS = st.tuples(st.integers(1, 2000), PRICE)


@pytest.mark.slow
@settings(max_examples=500)
@given(
    st.lists(st.tuples(st.one_of(st.integers(1, 500), st.integers(1, 4_000)), PRICE), min_size=1, max_size=8),
    st.sampled_from(RATES),
    st.sampled_from([BEFORE, AFTER, FINEST, *(since + n for since, _ in FEE_ERAS for n in (-1, 0, 1))]),
    st.sampled_from(["cent", "exchange"]),
)
def test_all_ways_are_the_fee_of_the_rules_at_any_price(orders, rate, ts, rounding):
    rule = {"cent": cent_fee, "exchange": exchange_fee}[rounding]
    expected = [naive_engine.fee(rounding, rate, q, Fraction(p, 10**6), ts) * 10**6 for q, p in orders]
    for way in (plain, columns, compiled):
        assert way(rule, ts, rate, *zip(*orders, strict=True)) == expected


@given(ORDERS)
def test_the_fee_is_the_smallest_cent_not_below_the_model(order):
    quantity, price = order
    model = TAKER_RATE * quantity * Fraction(price, 10**6) * (1 - Fraction(price, 10**6)) * 10**6
    fee = cent_fee(TAKER_RATE, quantity, price)
    assert fee % CENT == 0 and fee - CENT < model <= fee
    assert 0 <= fee <= 17_500 * quantity + CENT


@given(ORDERS)
def test_exchange_rounding_was_the_cent_rule_until_march_2026(order):
    assert exchange_fee(TAKER_RATE, *order, BEFORE) == cent_fee(TAKER_RATE, *order)


@given(ORDERS, st.sampled_from([AFTER, FINEST]))
def test_exchange_rounding_keeps_the_balance_in_cents_since(order, ts):
    quantity, price = order
    cost = quantity * price + exchange_fee(TAKER_RATE, quantity, price, ts)
    assert cost % CENT == 0
    assert cost >= quantity * price


@given(st.integers(1, 500), st.integers(1, 99), st.sampled_from([AFTER, FINEST]))
def test_whole_cents_cost_the_same_in_every_era(quantity, cents, ts):
    assert exchange_fee(TAKER_RATE, quantity, cents * CENT, ts) == cent_fee(TAKER_RATE, quantity, cents * CENT)


@WAYS
def test_the_documented_example(way):
    """One contract at $0.055: model $0.00363825, the balance changes by $0.06, so the fee is $0.005."""
    assert way(exchange_fee, AFTER, TAKER_RATE, [1], [55_000]) == [5_000]
    assert way(exchange_fee, BEFORE, TAKER_RATE, [1], [55_000]) == [10_000]


def test_eras_begin_at_their_instants():
    assert exchange_fee.change_times == (AFTER, FINEST)
    assert [exchange_fee.era(ts) for ts in (-(10**12), BEFORE, AFTER - 1, AFTER, FINEST - 1, FINEST)] == [
        0,
        0,
        0,
        1,
        1,
        2,
    ]
    assert cent_fee.change_times == () and cent_fee.era(FINEST) == 0


@ERAS
@pytest.mark.parametrize("price", [1, 10_000, 55_000, 456_789, 500_000, 999_999])
@pytest.mark.parametrize("multiplier", ["0.5", "1", "1.2"])
def test_a_million_contracts_cost_what_they_cost(ts, price, multiplier):
    rate = TAKER_RATE * Fraction(multiplier)
    orders = [1_000_000, 999_999], [price, price]
    assert columns(exchange_fee, ts, rate, *orders) == plain(exchange_fee, ts, rate, *orders)
    assert compiled(exchange_fee, ts, rate, *orders) == plain(exchange_fee, ts, rate, *orders)


@given(st.integers(1, 2**62), st.integers(1, 999_999), st.sampled_from(RATES), st.sampled_from([BEFORE, AFTER, FINEST]))
def test_columns_are_exact_however_large_an_order(quantity, price, rate, ts):
    found = columns(exchange_fee, ts, rate, [quantity], [price])
    assert found == plain(exchange_fee, ts, rate, [quantity], [price])


@given(st.one_of(st.decimals("0", "1000", places=9), st.decimals("0", "1", places=6)))
def test_rates_are_exact_or_an_error(multiplier):
    rate = TAKER_RATE * Fraction(multiplier)
    prices = [1, 456_789, 500_000, 999_999]
    try:
        found = columns(cent_fee, 0, rate, [1] * 4, prices)
    except OverflowError as error:
        assert str(error) == "a fee rate is above 4 or has too many digits"
        assert rate > 4 or rate.denominator > 10**8 or rate.numerator > 10**6
    else:
        assert found == plain(cent_fee, 0, rate, [1] * 4, prices)
