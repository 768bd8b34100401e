"""Fees to the cent: all 49,500 pairs, the rules' goldens, and both rounding eras."""

import datetime as dt
import math
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.engine.costs import MAKER_RATE, TAKER_RATE, cent_fee, exchange_fee

CENT = 10_000
BEFORE = int(dt.datetime(2026, 3, 3, 23, 59, tzinfo=dt.UTC).timestamp())
AFTER = int(dt.datetime(2026, 3, 4, tzinfo=dt.UTC).timestamp())


def decimal_fee(quantity: int, cents: int) -> Decimal:
    """The fee by another road: decimals instead of integers."""
    price = Decimal(cents) / 100
    return (Decimal("0.07") * quantity * price * (1 - price)).quantize(Decimal("0.01"), ROUND_CEILING)


def test_all_49500_pairs():
    pairs = [(q, c) for q in range(1, 501) for c in range(1, 100)]
    assert len(pairs) == 49_500
    wrong = [(q, c) for q, c in pairs if Decimal(cent_fee(TAKER_RATE, q, c * CENT)) / 1_000_000 != decimal_fee(q, c)]
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
def test_taker_goldens(quantity, cents, dollars):
    assert Decimal(cent_fee(TAKER_RATE, quantity, cents * CENT)) / 1_000_000 == Decimal(dollars)


def test_maker_golden():
    assert cent_fee(MAKER_RATE, 100, 50 * CENT) == 440_000


def test_multipliers():
    assert cent_fee(TAKER_RATE * Fraction(1, 2), 100, 50 * CENT) == 880_000  # 0.875 up to the cent
    assert cent_fee(Fraction(0), 100, 50 * CENT) == 0


ORDERS = st.tuples(st.integers(1, 2000), st.integers(1, 999_999))


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


@given(ORDERS)
def test_exchange_rounding_keeps_the_balance_in_cents_since(order):
    quantity, price = order
    cost = quantity * price + exchange_fee(TAKER_RATE, quantity, price, AFTER)
    assert cost % CENT == 0
    assert cost >= quantity * price


@given(st.integers(1, 500), st.integers(1, 99))
def test_whole_cents_cost_the_same_in_every_era(quantity, cents):
    assert exchange_fee(TAKER_RATE, quantity, cents * CENT, AFTER) == cent_fee(TAKER_RATE, quantity, cents * CENT)


def test_the_documented_example():
    """One contract at $0.055: model $0.00363825, the balance changes by $0.06, so the fee is $0.005."""
    assert exchange_fee(TAKER_RATE, 1, 55_000, AFTER) == 5_000
