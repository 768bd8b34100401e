"""Where order books are known, the compiled loop and the naive one fill, refuse and value the same in random worlds."""

import dataclasses
import random
from collections import Counter

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.reference.naive_engine import Candle, Fraction, NaiveEngine
from tests.unit.book_worlds import order_books, random_books
from tests.unit.engine_parts import MINUTE
from tests.unit.test_engine_agreement import (
    LENGTH,
    World,
    assert_same,
    assert_same_in_windows,
    assert_summary_is_the_naive_ones,
    changing_worlds,
)
from tradewinds.engine.event_contracts import replay as replay_module

pytestmark = pytest.mark.slow


@dataclasses.dataclass
class BookWorld(World):
    """A world in which most contracts have order books."""

    snapshots: dict = dataclasses.field(default_factory=dict)

    @property
    def account(self):
        return super().account | {"books": order_books(self.contracts, self.snapshots)}

    def reference(self):
        candles = {c.ticker: [] for c in self.contracts}
        for i, end, *numbers in self.rows:
            candles[self.contracts[i].ticker].append(Candle(end, *(x and Fraction(x) for x in numbers)))
        return NaiveEngine(self.contracts, candles, self.naive, self.instants, self.snapshots).run()


def with_books(world, seed):
    dice = random.Random(seed)
    fields = {field.name: getattr(world, field.name) for field in dataclasses.fields(world)}
    return BookWorld(**fields, snapshots=random_books(dice, world.contracts, world.origin, LENGTH))


@settings(max_examples=200)
@given(changing_worlds(), st.integers(0, 10**9))
def test_the_engine_fills_from_books_what_the_naive_one_fills(drawn, seed):
    world = with_books(drawn, seed)
    naive, (whole, counted) = world.reference(), world.in_both_audits()
    assert_same(whole, naive, world.how.step_seconds // MINUTE)
    parts, short = world.in_both_audits(**world.windows)
    for outcome in (counted, short):
        assert_summary_is_the_naive_ones(outcome, naive)
    assert_same_in_windows(parts, whole)
    with pytest.MonkeyPatch.context() as patch:  # buffers that are full at once lose nothing
        patch.setattr(replay_module, "_BUFFER_ROWS", 1)
        small = world.replay(**world.windows)
    assert (small.fills, small.rejections, small.equity) == (whole.fills, whole.rejections, whole.equity)


def test_such_worlds_walk_levels_and_find_books_taken():
    """Two engines would agree on worlds in which no book is used."""
    seen = Counter()
    wanted = {"several prices", "a book twice", "from candles", "netted", "ORDER_BOOK", "LIQUIDITY"}
    wanted |= {"MAX_NOTIONAL_PER_EVENT_USD", "INSUFFICIENT_CASH", "MAX_TRADES_PER_EVENT_PER_DAY"}

    class AllSeen(Exception):
        """Nothing is left to look for."""

    @settings(max_examples=2000, phases=[Phase.generate], database=None)
    @given(changing_worlds(), st.integers(0, 10**9))
    def look(drawn, seed):
        world = with_books(drawn, seed)
        outcome = world.replay(full_audit=False)
        orders = Counter((f.decision_ts, f.contract.ticker) for f in outcome.fills)
        books = Counter((f.contract.ticker, f.quote_ts) for f in outcome.fills if f.contract.ticker in world.snapshots)
        seen["several prices"] += sum(count > 1 for count in orders.values())
        seen["a book twice"] += sum(count > 1 for count in books.values())
        seen["from candles"] += sum(f.contract.ticker not in world.snapshots for f in outcome.fills)
        seen["netted"] += sum(kind == "netted" for kind in (outcome.journal.reasons[r] for r in outcome.journal.reason))
        seen.update(outcome.rejections.keys())
        if wanted <= {name for name, count in seen.items() if count}:
            raise AllSeen

    with pytest.raises(AllSeen):
        look()
