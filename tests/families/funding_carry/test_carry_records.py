"""What a run tells of its fills and money: rows of trades.csv, the curve, the identity of profit."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest

from tests.families.funding_carry.engine_results import product_run, resolved
from tests.reference.random_carry_worlds import random_world
from tradewinds.core.errors import SimulationError
from tradewinds.engine.journal import Kind
from tradewinds.engine.trades import positions_of
from tradewinds.families.funding_carry.replay import CarryStudy, refuse_drift, refuse_wrong_parts, run_result

SEEDS = range(60)


def results():
    for seed in SEEDS:
        made = random_world(seed)
        config = resolved(made.settings)
        try:
            markets, found = product_run(made.world, made.settings)
        except SimulationError:
            continue  # quantities that no book with eight decimals holds
        yield seed, found, run_result(config, CarryStudy(markets, {}), found)


@pytest.fixture(scope="module")
def runs():
    return list(results())


@pytest.mark.slow
def test_profit_is_the_sum_of_its_parts_to_the_last_unit(runs):
    for seed, found, result in runs:
        parts = [
            one.funding + one.price_pnl - one.fees - one.slippage - one.borrow - one.liquidation_cost
            for one in found.positions
        ]
        change = found.end_cash - found.start_cash
        assert sum(parts) == change == sum(one.net for one in found.positions), seed
        assert change == sum(fill.pnl for fill in result.fills), seed
        result.check_books()


def test_the_curve_ends_with_the_cash_of_the_end(runs):
    checked = 0
    for seed, found, _ in runs:
        if found.equity:
            last = found.equity[-1]
            assert (last.equity_micro, last.cash_micro, last.open_value_micro) == (found.end_cash, found.end_cash, 0), (
                seed
            )
            assert found.equity[0].equity_micro == found.start_cash
            checked += bool(found.positions)
    assert checked > 20


def test_both_legs_have_the_same_quantity_at_every_instant(runs):
    for seed, found, _ in runs:
        for ts in sorted({fill.ts for fill in found.fills}):
            held = found.journal.held(ts)
            for symbol in found.symbols:
                spot, perp = held.get((symbol.split(":")[0], "spot"), 0), held.get((symbol, "perp"), 0)
                assert spot + perp == 0, (seed, ts, symbol)


def test_cash_never_becomes_negative_by_an_entry(runs):
    for seed, found, _ in runs:
        openings = {fill.ts for fill in found.fills if fill.opens}
        for point in found.equity:
            if point.ts in openings and point.kind != "liquidation":
                before = [p for p in found.equity if p.ts < point.ts][-1:]
                assert point.cash_micro >= 0 or (before and before[0].cash_micro < 0), (seed, point)


def test_legs_that_drift_apart_fail_the_run(runs):
    books = next(found.journal for _, found, _ in runs if found.positions)
    refuse_drift(books, Fraction(0))
    spot = int(np.flatnonzero((books.kind == Kind.FILL) & (books.leg == 0))[0])
    quantity = books.quantity.copy()
    quantity[spot] = quantity[spot] * 97 // 100
    drifted = dataclasses.replace(books, quantity=quantity)
    with pytest.raises(SimulationError, match="P00001"):
        refuse_drift(drifted, Fraction("0.02"))


def test_parts_that_do_not_come_to_the_books_fail_the_run(runs):
    found = next(found for _, found, _ in runs if found.positions)
    books = positions_of(found.journal)
    refuse_wrong_parts(found, books)
    first = found.positions[0]
    wrong = found._replace(positions=[first._replace(net=first.net + 1), *found.positions[1:]])
    with pytest.raises(SimulationError, match="P00001"):
        refuse_wrong_parts(wrong, books)
