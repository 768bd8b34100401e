"""Netting: pairs of YES and NO of a contract pay one unit at once, clause by clause of the rule."""

from decimal import Decimal
from fractions import Fraction

import pytest

from tests.unit.engine_parts import Books, contract, fee_by_hand, micro, orders, quote, replay, rules
from tradewinds.engine.event_contracts import sizing
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.limits import Opposing
from tradewinds.engine.journal import Kind
from tradewinds.engine.trades import positions_of
from tradewinds.families.kalshi_weather.fee_schedule import TAKER_RATE

FREE = Fraction(0)
A, B = contract("A", "0.5", rate=FREE), contract("B", "0.9", rate=FREE)


def quotes(*rows, idx=0):
    """Quotes of (minute, yes, no)."""
    return [quote(idx, minute, minute, yes=yes, no=no) for minute, yes, no in rows]


def netted(contracts, found, **how):
    cash = how.pop("cash", "1000")
    return replay(contracts, found, rules(min_ev="0", **({"opposing": Opposing.NETTED} | how)), cash=cash)


def paid(outcome):
    """Rows of what was paid: (minute, position, quantity, price, reason)."""
    book = outcome.journal
    return [
        (book.ts[n] // 60, book.position_id[n], -book.quantity[n] // 10**6, book.price[n], book.reasons[book.reason[n]])
        for n in range(len(book))
        if book.kind[n] == Kind.SETTLEMENT
    ]


def test_a_pair_is_worth_one_at_the_time_of_the_order():
    outcome = netted([A], quotes((5, "0.30", None), (9, None, "0.20")))
    assert orders(outcome) == [(5, "A", "YES", 1), (9, "A", "NO", 1)]
    assert paid(outcome) == [(9, 0, 1, 800_000, "netted"), (9, 1, 1, 200_000, "netted")]
    assert outcome.end_cash_micro == micro("1000.50")
    assert [trade.closed_ts // 60 for trade in positions_of(outcome.journal)] == [9, 9]


def test_the_netted_part_of_the_order_itself_earns_minus_its_fee():
    what = contract("A", "0.5", rate=TAKER_RATE)
    outcome = netted([what], quotes((5, "0.30", None), (9, None, "0.20")))
    first, second = positions_of(outcome.journal)
    assert second.pnl == -fee_by_hand(TAKER_RATE, 1, 200_000)
    assert first.pnl == micro("0.80") - micro("0.30") - fee_by_hand(TAKER_RATE, 1, 300_000)


def test_the_oldest_lots_go_first_and_a_row_in_part_is_paid_twice():
    outcome = netted([A], quotes((5, "0.10", None), (6, "0.30", None), (9, None, "0.20")), quantity=2, per_market=3)
    # 2 at 0.10, 1 at 0.30; the NO takes the two oldest
    assert orders(outcome) == [(5, "A", "YES", 2), (6, "A", "YES", 1), (9, "A", "NO", 2)]
    assert [row[:3] for row in paid(outcome)] == [(9, 0, 2), (9, 2, 2), (200, 1, 1)]
    part = netted(
        [A], [quote(0, 5, 5, yes="0.10"), quote(0, 9, 9, no="0.20", volume=2)], quantity=3, max_volume_share=None
    )
    assert [row[:3] for row in paid(part)] == [(9, 0, 3), (9, 1, 3)]
    capped = netted(
        [A],
        [quote(0, 5, 5, yes="0.10", volume=6), quote(0, 9, 9, no="0.20", volume=4)],
        quantity=3,
        max_volume_share=Fraction(1, 2),
    )
    assert orders(capped)[-1] == (9, "A", "NO", 2), "liquidity counts the whole order"
    assert [row[:3] for row in paid(capped)] == [(9, 0, 2), (9, 1, 2), (200, 0, 1)]
    assert positions_of(capped.journal)[0].exit_cash == 2 * micro("0.80") + micro("1")


@pytest.mark.parametrize(
    "limit",
    [{"per_market": 2}, {"per_event": 2}, {"total_open": 2}, {"notional_per_event_micro": micro("0.40")}],
    ids=lambda limit: next(iter(limit)),
)
def test_pairs_are_free_of_the_limits_and_the_rest_meets_them_after_the_netting(limit):
    outcome = netted([A], quotes((5, "0.20", None), (9, None, "0.20")), quantity=5, **limit)
    assert orders(outcome) == [(5, "A", "YES", 2), (9, "A", "NO", 4)], "two pairs, then two more as if nothing was held"


def test_an_order_whose_rest_finds_no_room_is_filled_as_far_as_it_nets():
    both = [contract("A", "0.5", rate=FREE), contract("B", "0.9", rate=FREE)]
    found = [*quotes((5, "0.20", None), (9, None, "0.20")), quote(1, 6, 6, yes="0.10")]
    outcome = netted(both, found, quantity=2, total_open=3)
    assert orders(outcome) == [(5, "A", "YES", 2), (6, "B", "YES", 1), (9, "A", "NO", 2)]
    later = netted(both, found, quantity=1, total_open=2)
    assert orders(later) == [(5, "A", "YES", 1), (6, "B", "YES", 1), (9, "A", "NO", 1)]
    assert not later.rejections


def test_the_limit_of_orders_counts_a_netting_order():
    outcome = netted([A], quotes((5, "0.20", None), (9, None, "0.20"), (12, "0.20", None)), orders_per_event_day=2)
    assert [order[0] for order in orders(outcome)] == [5, 9]
    assert outcome.rejections == {"MAX_TRADES_PER_EVENT_PER_DAY": 1}


def test_cash_must_pay_the_order_before_the_pairs_pay():
    found = quotes((5, "0.30", None), (9, None, "0.20"))
    assert len(orders(netted([A], found, cash="0.50"))) == 2
    short = netted([A], found, cash="0.499999")
    assert len(orders(short)) == 1 and short.rejections == {"INSUFFICIENT_CASH": 1}


def test_the_next_order_of_the_instant_sees_the_cash_of_the_pairs():
    """A nets at minute 9 and is worth more than B, which costs more than what is there before."""
    both = [contract("A", "0.5", rate=FREE), contract("B", "0.95", rate=FREE)]
    found = [*quotes((5, "0.30", None), (9, None, "0.01")), quote(1, 9, 9, yes="0.90")]
    assert orders(netted(both, found, cash="0.40")) == [
        (5, "A", "YES", 1),
        (9, "A", "NO", 1),
        (9, "B", "YES", 1),
    ]
    held = netted(both, found, cash="0.40", opposing=Opposing.HELD)
    assert orders(held) == [(5, "A", "YES", 1), (9, "A", "NO", 1)]


def test_kelly_sizes_from_the_equity_that_the_pairs_leave():
    """9 NO close 4 pairs and leave 5: cash 11.00 and their cost of 1.00 size the last order; else 7.00 and 3.00 would."""
    both = [contract("A", "0.5", rate=FREE), contract("B", "0.9", rate=FREE)]
    found = [*quotes((5, "0.30", None), (9, None, "0.20")), quote(1, 12, 12, yes="0.50")]
    for opposing, last in ((Opposing.NETTED, 9), (Opposing.HELD, 8)):
        outcome = netted(both, found, size=sizing.Kelly(Decimal("0.5")), cash="10", opposing=opposing)
        assert [order[3] for order in orders(outcome)] == [4, 9, last]


def test_held_costs_follow_the_lots():
    books = Books([A, B], opposing=Opposing.NETTED)
    for price, quantity in (("0.10", 3), ("0.30", 2)):
        books.buy(A, Side.YES, quantity, price)
    assert (books.open, books.event(A)) == ((5, micro("0.90")), (5, micro("0.90"), 2))
    books.buy(A, Side.NO, 4, "0.20", netted=4)
    assert (books.open, books.event(A), books.holding) == ((1, micro("0.30")), (1, micro("0.30"), 3), ["A"])
    assert books.cash == micro("1000") - micro("0.90") - micro("0.80") + micro("4")
    books.buy(A, Side.NO, 3, "0.40", netted=1)
    assert (books.open, books.holding) == ((2, micro("0.80")), ["A"])
    books.buy(A, Side.YES, 2, "0.50", netted=2)
    assert (books.open, books.event(A), books.holding) == ((0, 0), (0, 0, 5), [])
    books.settle(200)
    assert books.paid == []
