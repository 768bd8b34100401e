"""Rows that are kept as columns are the rows that they were made of."""

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.results_parts import trade
from tradewinds.core.amount_columns import amount_texts, exact_decimals
from tradewinds.core.column_rows import ColumnRows, column_of, joined
from tradewinds.core.text import amount_text, probability, quantity_text
from tradewinds.core.units import NO_AMOUNT
from tradewinds.engine.run_trades import Trades

AMOUNTS = st.integers(-(2**63) + 1, 2**63 - 1)


class Row(NamedTuple):
    name: str
    count: int
    amount: int | None
    told: bool


ROWS = [Row("a", 1, None, True), Row("b", 2**63, 5, False), Row("c", -3, 0, True)]


def test_rows_come_back_as_they_were():
    rows = ColumnRows.of(Row, ROWS)
    assert rows == ROWS and list(rows) == ROWS and rows[1] == ROWS[1] and rows[-1] == ROWS[-1] and len(rows) == 3
    assert rows[1:] == ROWS[1:] and rows[::-1] == ROWS[::-1] and rows != ROWS[:2]
    assert joined(rows, rows[:1]) == [*ROWS, ROWS[0]]
    assert {type(value) for row in rows for value in row} == {str, int, bool, type(None)}
    with pytest.raises(IndexError):
        rows[3]
    empty = ColumnRows.of(Row, [])
    assert empty == [] and not empty and joined(empty, rows) == ROWS


def test_a_column_is_of_64_bits_where_all_values_fit():
    assert column_of([1, -(2**63), 2**63 - 1]).dtype == np.int64
    for beyond in ([1, 2**63], [1, None], [True], ["a"], [Fraction(1, 2)]):
        assert column_of(beyond).tolist() == beyond and column_of(beyond).dtype == object


def test_columns_of_trades_are_what_each_trade_says():
    made = [
        trade(qty=3, price="0.40", fee="0.06"),
        trade(qty=1, pays="0")._replace(ev_net_total_pico=None, model_prob_yes_pico=None),
        trade(qty=4)._replace(ev_net_total_pico=6),
        trade(qty=4)._replace(ev_net_total_pico=-2),
    ]
    for trades in (Trades.of_rows(made), Trades.of_rows(made)[::-1][::-1]):
        assert trades == made
        for name in ("qty", "entry_cost_micro", "payout_micro", "pnl_micro"):
            assert getattr(trades, name).tolist() == [getattr(one, name) for one in made]
        none = [NO_AMOUNT if one.ev_net_pico is None else round(one.ev_net_pico) for one in made]
        assert trades.ev_net_pico.tolist() == none and none[2:] == [2, 0]
        assert trades.model_prob_yes_pico.tolist()[1] == NO_AMOUNT
    whole = [one for one in made if one.ev_net_total_pico is not None]
    assert Trades.of_rows(whole).ev_net_pico.tolist() == [round(one.ev_net_pico) for one in whole]


@given(st.lists(AMOUNTS, min_size=1))
def test_amounts_as_text_and_as_decimals(amounts):
    column = np.array([*amounts, NO_AMOUNT])
    assert amount_texts(column) == [*map(amount_text, amounts), ""]
    assert amount_texts(column, 12, 0) == [*map(probability, amounts), ""]
    assert amount_texts(column, 8, 0) == [*(quantity_text(amount, 8) for amount in amounts), ""]
    assert exact_decimals(column, 6).to_pylist() == [*(Decimal(amount).scaleb(-6) for amount in amounts), None]
