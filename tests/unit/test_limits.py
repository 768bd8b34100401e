"""Each limit by itself: how far it reduces an order, what it refuses, under which name, and in which order."""

import re
from fractions import Fraction

import pytest

from tests.unit.engine_parts import Books, contract, fee_by_hand, micro, orders, quote, replay, rules
from tradewinds.engine.event_contracts import kernel, kernel_structures
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.limits import REFUSAL_REASONS, Opposing
from tradewinds.families.kalshi_weather.fee_schedule import TAKER_RATE

A, B, OTHER = contract("A", days=(50,)), contract("B", days=(50,)), contract("C", event="F", settles=190)


def account(*bought, cash="1000"):
    """What an account has bought (contract, side, quantity, price) at minute 10 against the candle of minute 9."""
    return bought, cash


def check(held, quantity=10, *, what=A, side=Side.YES, price="0.40", minute=20, settled=None, **given):
    """(quantity left, reason). With `settled` all that settles by that minute is paid before."""
    bought, cash = held
    order = {name: given.pop(name) for name in ("candle", "volume") if name in given}
    books = Books([A, B, OTHER], "100000", **given)
    for other, its_side, count, cost in bought:
        books.buy(other, its_side, count, cost)
    if settled:
        books.settle(settled)
    books.account.scalars[kernel_structures.S_CASH] = micro(cash)
    full = books.full(what, side)
    reason, left = books.room(what, side, quantity, price, minute=minute, **order)
    assert full in (None, reason), "what is refused at once is refused for the same reason later"
    return (0 if reason else left), reason


def test_absent_limits_do_not_bind():
    full = account((A, Side.YES, 10_000, "0.40"), (B, Side.YES, 10_000, "0.40"), cash="100000")
    assert check(full, 5_000) == (5_000, None)


def test_opposing_position():
    held = account((A, Side.NO, 1, "0.40"))
    assert check(held) == (0, "OPPOSING_POSITION")
    assert check(held, side=Side.NO) == (10, None)
    assert check(held, what=B) == (10, None)
    assert check(held, opposing=Opposing.HELD) == (10, None)
    assert check(held, settled=199) == (0, "OPPOSING_POSITION")
    assert check(held, settled=200) == (10, None)


@pytest.mark.parametrize(
    ("volume", "share", "left"), [(57, "0.1", 5), (9, "0.1", 0), (10, "0.1", 1), (0, "1", 0), (100, "0.5", 10)]
)
def test_share_of_the_volume_rounds_down(volume, share, left):
    found = check(account(), volume=volume, max_volume_share=Fraction(share))
    assert found == (left, None if left else "LIQUIDITY")


def test_volume_used_by_either_side_counts_against_its_candle_and_market_only():
    used = account((A, Side.YES, 3, "0.40"), (A, Side.NO, 1, "0.40"))
    limits = {"max_volume_share": Fraction(1, 2), "opposing": Opposing.HELD}
    assert check(used, volume=10, **limits) == (1, None)
    assert check(used, volume=8, **limits) == (0, "LIQUIDITY")
    assert check(used, volume=10, candle=12, **limits) == (5, None)
    assert check(used, volume=10, what=B, **limits) == (5, None)


def test_contracts_per_market_count_both_sides():
    held = account((A, Side.YES, 3, "0.40"), (A, Side.NO, 2, "0.40"))
    assert check(held, per_market=6, opposing=Opposing.HELD) == (1, None)
    assert check(held, per_market=5, opposing=Opposing.HELD) == (0, "MAX_CONTRACTS_PER_MARKET")
    assert check(held, per_market=5, what=B) == (5, None)


def test_contracts_per_event_count_all_its_markets():
    held = account((A, Side.YES, 3, "0.40"), (B, Side.NO, 2, "0.40"))
    assert check(held, per_event=6) == (1, None)
    assert check(held, per_event=5) == (0, "MAX_CONTRACTS_PER_EVENT")
    assert check(held, per_event=5, what=OTHER) == (5, None)


def test_total_open_contracts_count_everything():
    held = account((A, Side.YES, 3, "0.40"), (OTHER, Side.NO, 2, "0.40"))
    assert check(held, total_open=6, what=B) == (1, None)
    assert check(held, total_open=5, what=B) == (0, "MAX_TOTAL_OPEN_CONTRACTS")
    assert check(held, total_open=5, what=B, settled=190) == (2, None)


def test_notional_is_entry_cost_without_fees_of_the_event():
    held = account((A, Side.YES, 3, "0.40"), (B, Side.NO, 2, "0.10"))  # 1.40 dollars
    assert check(held, notional_per_event_micro=micro("5.40")) == (10, None)
    assert check(held, notional_per_event_micro=micro("5.399999")) == (9, None)
    assert check(held, notional_per_event_micro=micro("1.80")) == (1, None)
    assert check(held, notional_per_event_micro=micro("1.79")) == (0, "MAX_NOTIONAL_PER_EVENT_USD")
    assert check(held, notional_per_event_micro=micro("4.00"), what=OTHER) == (10, None)


def test_orders_per_day_count_orders_not_contracts_and_start_anew_at_civil_midnight():
    held = account((A, Side.YES, 100, "0.01"), (B, Side.NO, 1, "0.01"))
    assert check(held, orders_per_event_day=3, minute=49) == (10, None)
    assert check(held, orders_per_event_day=2, minute=49) == (0, "MAX_TRADES_PER_EVENT_PER_DAY")
    assert check(held, orders_per_event_day=2, minute=50) == (10, None)
    assert check(held, orders_per_event_day=2, minute=49, what=OTHER) == (10, None)


@pytest.mark.parametrize(
    ("cash", "left"),
    [("4.17", 10), ("4.169999", 9), ("0.42", 1), ("0.419999", 0), ("0", 0), ("3.76", 9), ("3.75", 8)],
)
def test_cash_pays_price_and_fee(cash, left):
    """At 0.40 the fee is 0.0168 per contract up to the cent: 10 cost 4.17, 9 cost 3.76, 1 costs 0.42."""
    assert check(account(cash=cash)) == (left, None if left else "INSUFFICIENT_CASH")


def test_what_is_affordable_is_the_largest_such_quantity():
    for cents in (1, 7, 35, 50, 93, 99):
        price = cents * 10_000
        for cash in range(0, 30_000_000, 1_234_567):
            within = [q for q in range(26) if q * price + fee_by_hand(TAKER_RATE, q, price) <= cash]
            found = check(account(cash=f"{cash / 10**6:.6f}"), 25, price=f"0.{cents:02d}")
            assert found == (max(within), None if max(within) else "INSUFFICIENT_CASH")


BINDING = (
    ("OPPOSING_POSITION", {}),
    ("LIQUIDITY", {"max_volume_share": Fraction(1, 10**6)}),
    ("MAX_CONTRACTS_PER_MARKET", {"per_market": 1}),
    ("MAX_CONTRACTS_PER_EVENT", {"per_event": 1}),
    ("MAX_TOTAL_OPEN_CONTRACTS", {"total_open": 1}),
    ("MAX_NOTIONAL_PER_EVENT_USD", {"notional_per_event_micro": 1}),
    ("MAX_TRADES_PER_EVENT_PER_DAY", {"orders_per_event_day": 1}),
    ("INSUFFICIENT_CASH", {}),
)


@pytest.mark.parametrize("first", range(len(BINDING)))
def test_the_reason_is_that_of_the_first_limit_that_leaves_nothing(first):
    held = account((A, Side.YES, 1, "0.40"), cash="0")
    limits = {"opposing": Opposing.HELD if first else Opposing.REFUSED}
    for _, binding in BINDING[first:]:
        limits |= binding
    assert check(held, side=Side.NO, **limits) == (0, BINDING[first][0])


def test_reductions_add_up_and_the_smallest_wins():
    held = account((A, Side.YES, 1, "0.40"), cash="0.84")
    reduced = check(held, 10, per_market=8, per_event=6, total_open=5, notional_per_event_micro=micro("1.60"))
    assert reduced == (2, None)  # 7, 5, 4, 3, and cash for 2


def test_orders_of_an_instant_share_what_is_left_best_first():
    """C is worth most and takes two, A one of the three that are left in all: B finds nothing."""
    trio = [contract("A", "0.9", event="E"), contract("B", "0.8", event="F"), contract("C", "0.95", event="G")]
    quotes = [quote(i, 5, 5, yes="0.40") for i in range(3)]
    outcome = replay(trio, quotes, rules(quantity=2, total_open=3))
    assert orders(outcome) == [(5, "C", "YES", 2), (5, "A", "YES", 1)]
    assert outcome.rejections == {"MAX_TOTAL_OPEN_CONTRACTS": 1}


def test_the_reasons_of_the_compiled_loops_are_those_of_the_tables():
    places = re.search(r"enum { NO_REASON = -1, ([A-Z, ]*), REASON_COUNT }", kernel.SOURCE.read_text(encoding="utf-8"))
    assert dict(zip(places[1].split(", "), REFUSAL_REASONS, strict=True)) == {
        "OPPOSING": "OPPOSING_POSITION",
        "LIQUIDITY": "LIQUIDITY",
        "BOOK": "ORDER_BOOK",
        "MARKET": "MAX_CONTRACTS_PER_MARKET",
        "EVENT": "MAX_CONTRACTS_PER_EVENT",
        "TOTAL": "MAX_TOTAL_OPEN_CONTRACTS",
        "NOTIONAL": "MAX_NOTIONAL_PER_EVENT_USD",
        "ORDERS": "MAX_TRADES_PER_EVENT_PER_DAY",
        "CASH": "INSUFFICIENT_CASH",
        "EV": "EV_THRESHOLD",
    }
