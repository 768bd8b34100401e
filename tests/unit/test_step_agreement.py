"""The loop that calls a strategy and the naive one come to the same fills, refusals, books and equity in random worlds."""

import random
from collections import Counter

import pytest

from tests.unit.book_worlds import random_books
from tests.unit.step_worlds import random_world
from tests.unit.test_engine_agreement import dollars, fills_of, naive_fills
from tradewinds.engine.trades import positions_of

WORLDS = 200  # of each part; 5,000 were compared when this was written


def compare(seed, world=None):
    world = world or random_world(seed)
    outcome, made = world.replay()
    naive = world.reference()
    assert fills_of(outcome) == naive_fills(naive), seed
    assert [f.reason for f in outcome.fills] == [x.reason for x in naive.fills], seed
    assert outcome.rejections == naive.refused, seed
    assert [(dollars(trade.pnl), trade.closed_ts) for trade in positions_of(outcome.journal)] == [
        (x.received - x.quantity * x.price - x.fee, x.ended) for x in naive.fills
    ], seed
    assert dollars(outcome.end_cash_micro) == naive.cash, seed
    assert [(ts, dollars(cash), dollars(value)) for ts, cash, value in outcome.equity] == naive.equity, seed
    assert made.calls == naive.calls, seed
    return outcome, naive, world


@pytest.mark.slow
@pytest.mark.parametrize("part", range(3))
def test_the_loop_decides_what_the_naive_one_decides(part):
    seen = Counter()
    for seed in range(part * WORLDS, (part + 1) * WORLDS):
        outcome, _, world = compare(seed)
        seen.update(f.reason for f in outcome.fills)
        seen.update(outcome.rejections)
        seen["partly filled"] += any(f.rested and f.quantity < 30 for f in outcome.fills)
        parts, _ = world.replay(cuts=world.cuts, full_audit=False)
        assert (parts.fills, parts.equity) == (outcome.fills, outcome.equity), seed
        assert (parts.rejections, parts.journal) == (outcome.rejections, outcome.journal), seed
    wanted = {
        "STRATEGY",
        "SALE",
        "RESTING",
        "RESTING_SALE",
        "NOTHING_HELD",
        "NO_WHOLE_CONTRACT",
        "NOT_QUOTED",
        "LIQUIDITY",
    }
    assert wanted <= set(seen), seen


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
def test_the_loop_fills_from_books_what_the_naive_one_fills(part):
    seen = Counter()
    for seed in range(part * WORLDS, (part + 1) * WORLDS):
        world = random_world(seed)
        dice = random.Random(seed)
        origin = min(c.start_ts for c in world.contracts) // 60 - 5
        world.snapshots = random_books(dice, world.contracts, origin, 60)
        outcome, _, _ = compare(seed, world)
        seen.update(f.reason for f in outcome.fills)
        seen.update(outcome.rejections)
        counts = Counter((f.decision_ts, f.contract.ticker, f.reason) for f in outcome.fills)
        seen["several prices"] += sum(n > 1 and key[2] == "STRATEGY" for key, n in counts.items())
        seen["sales at several prices"] += sum(n > 1 and key[2] == "SALE" for key, n in counts.items())
        parts, _ = world.replay(cuts=world.cuts, full_audit=False)
        assert (parts.fills, parts.equity, parts.journal) == (outcome.fills, outcome.equity, outcome.journal), seed
        assert parts.rejections == outcome.rejections, seed
    wanted = {"STRATEGY", "SALE", "RESTING", "RESTING_SALE", "ORDER_BOOK", "several prices", "sales at several prices"}
    assert wanted <= {name for name, n in seen.items() if n}, seen
