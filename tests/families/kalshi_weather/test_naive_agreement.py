"""The engine and the naive implementation agree on random small worlds, to the last refusal."""

import os
import random
from collections import Counter

import pytest

from tests.reference.compare import assert_same, both, engine_rows
from tests.reference.defects import EVENT_VALIDATIONS
from tests.reference.raw_worlds import order_books
from tests.reference.worlds import make_world, with_changes
from tradewinds.engine.journal import Kind
from tradewinds.families.kalshi_weather import batches, replay

pytestmark = pytest.mark.slow

WORLDS = int(os.environ.get("TRADEWINDS_WORLDS", "150"))


@pytest.mark.parametrize("block", range(10))
def test_random_worlds(tmp_path, monkeypatch, block):
    """In one batch or (every other block) an event at a time, as long runs are read: the result is the same."""
    if block % 2:
        monkeypatch.setattr(batches, "EVENTS_PER_BATCH", 1 + block // 4)
    seen = Counter()
    for seed in range(block * WORLDS // 10, (block + 1) * WORLDS // 10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        fast, naive = both(make_world(folder, seed))
        try:
            assert_same(fast, naive)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        seen["trades"] += len(naive.trades)
        seen.update(naive.rejections.keys())
        seen["quarantined"] += len(fast.diagnostics["quarantined"])
    assert seen["trades"], "these worlds trade nothing: they test nothing"


@pytest.mark.parametrize("block", range(5))
def test_random_worlds_whose_probabilities_change(tmp_path, monkeypatch, block):
    """Decisions use the last probability known at their own time, in one batch or in several."""
    if block % 2:
        monkeypatch.setattr(batches, "EVENTS_PER_BATCH", 1)
    seen = Counter()
    for seed in range(block * WORLDS // 5, (block + 1) * WORLDS // 5):
        folder = tmp_path / str(seed)
        folder.mkdir()
        fast, naive = both(with_changes(folder, seed))
        try:
            assert_same(fast, naive)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        seen["trades"] += len(naive.trades)
        seen["changed"] += sum(
            trade["market"].p != trade["market"].p_at(trade["decision_ts"]) for trade in naive.trades
        )
        seen["no probability yet"] += naive.rejections["NO_PROBABILITY"]
    assert all(seen[name] for name in ("trades", "changed", "no probability yet")), seen


@pytest.mark.parametrize("block", range(4))
def test_random_worlds_with_order_books(tmp_path, monkeypatch, block):
    """Most markets are quoted by books from the first one on, in one batch or in several."""
    if block % 2:
        monkeypatch.setattr(batches, "EVENTS_PER_BATCH", 1)
    seen = Counter()
    for seed in range(block * WORLDS // 4, (block + 1) * WORLDS // 4):
        folder = tmp_path / str(seed)
        folder.mkdir()
        world = (with_changes if seed % 3 == 0 else make_world)(folder, seed)
        world.config["liquidity"] = {"levels": order_books(random.Random(seed), folder, world.candles)}
        fast, naive = both(world)
        try:
            assert_same(fast, naive)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        seen["trades"] += len(naive.trades)
        seen["further prices"] += sum(not trade["counts"] for trade in naive.trades)
        seen["from books"] += fast.diagnostics["liquidity"]["from_books"]["entries"]
        seen.update(naive.rejections.keys())
    assert all(seen[name] for name in ("trades", "further prices", "from books", "ORDER_BOOK")), seen
    assert seen["from books"] < seen["trades"]


def test_a_market_that_settles_before_it_could_trade_is_a_point_of_equity_in_batches_too(tmp_path, monkeypatch):
    """Its batch begins later than it settles: that instant must be noted by the batch before."""
    monkeypatch.setattr(batches, "EVENTS_PER_BATCH", 1)
    assert_same(*both(make_world(tmp_path, 1130)))


def ways_of_closing(result):
    """How each trade was closed: by settlement, by netting, or by both."""
    journal, kinds = result.journal, {}
    for position, kind, reason in zip(journal.position_id, journal.kind, journal.reason, strict=True):
        if kind == Kind.SETTLEMENT:
            kinds.setdefault(position, set()).add("netting" if journal.reasons[reason] else "settlement")
    return [" and ".join(sorted(found)) for found in kinds.values()]


def test_the_worlds_reach_every_refusal(tmp_path):
    """The generator would not notice if it stopped making one kind of trouble."""
    seen = Counter()
    for seed in range(120):
        folder = tmp_path / str(seed)
        folder.mkdir()
        world = make_world(folder, seed)
        result = replay.replay_events(*world.inputs, climate=world.climate)
        seen.update(result.diagnostics["rejections"].keys())
        seen.update(reason for _, reason in result.skipped)
        seen.update(f"closed by {kinds}" for kinds in ways_of_closing(result))
        held = {(trade.market_ticker, trade.side) for trade in result.trades}
        opposing = any((market, "BUY_NO") in held for market, side in held if side == "BUY_YES")
        seen["held opposing"] += opposing and world.config["risk"]["allow_opposing"] == "hold"
        seen.update(f"warned {name}" for name, failed in result.diagnostics["validations"].items() if failed)
    wanted = {
        "OPPOSING_POSITION", "LIQUIDITY", "MAX_CONTRACTS_PER_MARKET", "MAX_CONTRACTS_PER_EVENT",
        "MAX_TOTAL_OPEN_CONTRACTS", "MAX_NOTIONAL_PER_EVENT_USD", "MAX_TRADES_PER_EVENT_PER_DAY", "INSUFFICIENT_CASH",
        "EV_THRESHOLD", "CROSSED_QUOTE", "NO_PROBABILITY", "EMPTY_WINDOW", "NO_EVENT", "UNSETTLED", "MISSING_QUOTES",
        "DATE_MAPPING", "closed by netting", "closed by netting and settlement", "held opposing",
    }  # fmt: skip
    found_here = set(EVENT_VALIDATIONS) - {"daylight_saving", "station_known"}  # no row breaks them, only a wrong clock
    wanted |= {f"VALIDATION:{name}" for name in found_here} | {f"warned {name}" for name in found_here}
    assert wanted <= set(+seen), wanted - set(+seen)


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_files_events_and_threads_in_any_order_give_the_same_result(tmp_path, seed):
    world = make_world(tmp_path, seed)
    conf, catalogs, candles, probabilities = world.inputs
    one = replay.replay_events(conf, catalogs, candles, probabilities, threads=1)
    turned = dict(reversed(candles.items()))
    back = {**conf, "series_tickers": conf["series_tickers"][::-1]}
    other = replay.replay_events(back, dict(reversed(catalogs.items())), turned, probabilities, threads=4)
    assert engine_rows(one) == engine_rows(other)
    assert one.equity == other.equity and one.diagnostics == other.diagnostics
