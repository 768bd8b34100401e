"""The ledger: what buying takes, what settling gives back, and what both do to the limits' counters."""

import pytest

from tests.unit.engine_parts import contract, micro
from tradewinds.engine.contracts import Event, Side
from tradewinds.engine.ledger import Fill, Ledger


def bought(ledger, what, side, quantity, price, fee="0", minute=10):
    fill = Fill(what, side, quantity, micro(price), micro(fee), minute * 60, minute * 60, 0, 0)
    ledger.buy(fill)
    return fill


def test_buying_takes_price_and_fee_exactly():
    ledger = Ledger(micro("10"))
    bought(ledger, contract("A"), Side.YES, 3, "0.345678", "0.07")
    assert ledger.cash_micro == 10_000_000 - 3 * 345_678 - 70_000
    assert ledger.open_contracts == 3
    assert ledger.open_cost_micro == 3 * 345_678
    assert ledger.equity_at_cost_micro == 10_000_000 - 70_000  # the fee is gone, the cost is not


@pytest.mark.parametrize(
    ("pays", "yes", "no"),
    [("1", "1", "0"), ("0", "0", "1"), ("0.24", "0.24", "0.76"), ("0.000001", "0.000001", "0.999999")],
)
def test_settlement_pays_both_sides(pays, yes, no):
    what = contract("A", pays=pays)
    assert (what.payout_micro(Side.YES), what.payout_micro(Side.NO)) == (micro(yes), micro(no))
    ledger = Ledger(0)
    ledger.held["A"] = [3, 2]
    ledger.open_contracts = 5
    ledger.event_contracts["E"] = 5
    ledger.settle(what)
    assert ledger.cash_micro == 3 * micro(yes) + 2 * micro(no)


def test_a_fill_knows_its_cost_and_its_payout():
    fill = bought(Ledger(micro("10")), contract("A", pays="0.24"), Side.NO, 4, "0.30", "0.06")
    assert (fill.cost_micro, fill.payout_micro) == (micro("1.26"), micro("3.04"))


def test_settling_frees_what_the_position_held_but_not_the_orders_of_the_day():
    day = Event("E", (50 * 60,))
    a, b = contract("A", days=(50,)), contract("B", days=(50,))
    ledger = Ledger(micro("10"))
    bought(ledger, a, Side.YES, 2, "0.40")
    bought(ledger, b, Side.NO, 3, "0.10", minute=60)
    ledger.settle(a)
    assert (ledger.open_contracts, ledger.open_cost_micro) == (3, micro("0.30"))
    assert (ledger.event_contracts["E"], ledger.event_cost["E"]) == (3, micro("0.30"))
    assert (ledger.event_orders["E", day.day(600)], ledger.event_orders["E", day.day(3600)]) == (1, 1)
    ledger.settle(b)
    assert (ledger.open_contracts, ledger.open_cost_micro) == (0, 0)
    assert (ledger.event_contracts["E"], ledger.event_cost["E"]) == (0, 0)
    assert ledger.cash_micro == micro("10") - micro("1.10") + micro("2")  # two YES won, three NO lost


def test_settling_what_was_never_bought_changes_nothing_and_twice_pays_once():
    ledger = Ledger(micro("10"))
    bought(ledger, contract("A"), Side.YES, 1, "0.40")
    ledger.settle(contract("B"))
    assert ledger.cash_micro == micro("9.60")
    ledger.settle(contract("A"))
    ledger.settle(contract("A"))
    assert ledger.cash_micro == micro("10.60")


def test_the_ledger_refuses_to_go_below_zero():
    ledger = Ledger(micro("0.41"))
    with pytest.raises(AssertionError, match="cash below zero after A"):
        bought(ledger, contract("A"), Side.YES, 1, "0.40", "0.02")


def test_civil_days_begin_at_their_midnights():
    event = Event("E", (600, 1200))
    assert [event.day(ts) for ts in (0, 599, 600, 1199, 1200, 9999)] == [0, 0, 1, 1, 2, 2]
