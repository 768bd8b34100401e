"""The account: what buying takes, what settling gives back, and what both do to the limits' counters."""

import pytest

from tests.unit.engine_parts import Books, contract, micro, orders, quote, replay, rules
from tradewinds.engine.event_contracts import kernel_structures
from tradewinds.engine.event_contracts.contracts import Event, Side


def test_buying_takes_price_and_fee_exactly():
    what = contract("A")
    books = Books([what], "10")
    books.buy(what, Side.YES, 3, "0.345678", "0.07")
    assert books.cash == 10_000_000 - 3 * 345_678 - 70_000
    assert books.open == (3, 3 * 345_678)
    assert books.cash + books.open[1] == 10_000_000 - 70_000  # the fee is gone, the cost is not
    assert books.fills[0].tolist() == [0, Side.YES, 3, 345_678, 70_000, 600, 540, 0]


@pytest.mark.parametrize(
    ("pays", "yes", "no"),
    [("1", "1", "0"), ("0", "0", "1"), ("0.24", "0.24", "0.76"), ("0.000001", "0.000001", "0.999999")],
)
def test_settlement_pays_both_sides(pays, yes, no):
    what = contract("A", pays=pays)
    assert (what.payout_micro(Side.YES), what.payout_micro(Side.NO)) == (micro(yes), micro(no))
    books = Books([what], "10")
    books.buy(what, Side.YES, 3, "0.40")
    books.buy(what, Side.NO, 2, "0.30")
    books.settle(200)
    assert books.cash == micro("8.20") + 3 * micro(yes) + 2 * micro(no)
    assert (books.open, books.event(what)[:2], books.holding) == ((0, 0), (0, 0), [])
    assert books.paid == [("A", "YES", 3, micro(yes), 200), ("A", "NO", 2, micro(no), 200)]


def test_a_fill_knows_its_cost_and_its_payout():
    what = contract("A", "0.1", pays="0.24")
    (fill,) = replay([what], [quote(0, 5, 5, no="0.30")], rules(quantity=4)).fills
    assert (fill.cost_micro, fill.payout_micro) == (micro("1.26"), micro("3.04"))


def test_settling_frees_what_the_position_held_but_not_the_orders_of_the_day():
    a, b = contract("A", days=(50,), settles=300), contract("B", days=(50,), settles=301)
    books = Books([a, b], "10")
    books.buy(a, Side.YES, 2, "0.40")
    books.buy(b, Side.NO, 3, "0.10", minute=40)
    books.settle(299)
    assert (books.open, books.event(a), books.holding) == ((5, micro("1.10")), (5, micro("1.10"), 2), ["A", "B"])
    books.settle(300)
    assert (books.open, books.event(a), books.holding) == ((3, micro("0.30")), (3, micro("0.30"), 2), ["B"])
    books.settle(999)
    assert (books.open, books.event(b), books.holding) == ((0, 0), (0, 0, 2), [])
    assert books.cash == micro("10") - micro("1.10") + micro("2")  # two YES won, three NO lost
    assert books.paid == [("A", "YES", 2, micro("1"), 300), ("B", "NO", 3, 0, 301)], "a row of nothing paid, too"


def test_orders_of_a_day_are_forgotten_when_the_next_one_begins():
    a, other = contract("A", days=(50, 70)), contract("C", event="F", days=(60,))
    how = rules(orders_per_event_day=2)
    quotes = [quote(0, 47, 80, yes="0.40"), quote(1, 47, 65, yes="0.40")]
    bought = {ticker: [o[0] for o in orders(replay([a, other], quotes, how)) if o[1] == ticker] for ticker in "AC"}
    assert bought == {"A": [47, 48, 50, 51, 70, 71], "C": [47, 48, 60, 61]}


def test_settling_what_was_never_bought_changes_nothing_and_twice_pays_once():
    a, b = contract("A", settles=300), contract("B", settles=200)
    books = Books([a, b], "10")
    books.buy(a, Side.YES, 1, "0.40")
    books.settle(250)
    assert books.cash == micro("9.60")
    books.settle(300)
    books.settle(300)
    books.settle(301)
    assert books.cash == micro("10.60") and len(books.paid) == 1


def test_what_settles_at_one_instant_is_all_paid_and_the_rest_stays_held():
    names = [contract(name, event=name, settles=300 if name in "AC" else 400) for name in "ABCD"]
    books = Books(names, "10")
    for what in names:
        books.buy(what, Side.YES, 1, "0.40")
    books.settle(300)
    assert (books.cash, books.holding) == (micro("10.40"), ["B", "D"])
    books.buy(names[1], Side.NO, 1, "0.10")  # more of what is held is one position
    assert books.holding == ["B", "D"]
    books.settle(400)
    assert (books.cash, books.holding, books.open) == (micro("12.30"), [], (0, 0))


def test_the_account_never_goes_below_zero():
    """At 0.40 one costs 0.42 with its fee."""
    for cash, bought in (("0.42", 1), ("0.419999", 0), ("0.84", 2), ("1.259999", 2)):
        outcome = replay([contract()], [quote(0, 5, 9, yes="0.40")], rules(), cash=cash, instants=[550, 600, 900])
        assert len(outcome.fills) == bought
        assert outcome.equity == [(ts, micro(cash) - bought * micro("0.42"), 0) for ts in (550, 600, 900)]


def test_civil_days_begin_at_their_midnights():
    event = Event("E", (600, 1200))
    assert [event.day(ts) for ts in (0, 599, 600, 1199, 1200, 9999)] == [0, 0, 1, 1, 2, 2]


def test_the_contracts_of_a_candle_are_those_bought_on_it():
    what = contract("A")
    books = Books([what])
    books.buy(what, Side.YES, 3, "0.40", candle=9)
    books.buy(what, Side.NO, 2, "0.40", candle=9)
    assert (books.account.candle_ts.tolist(), books.account.candle_used.tolist()) == ([540], [5])
    books.buy(what, Side.NO, 1, "0.40", candle=10)
    assert (books.account.candle_ts.tolist(), books.account.candle_used.tolist()) == ([600], [1])
    assert books.account.scalars[kernel_structures.S_FILLS] == 3
