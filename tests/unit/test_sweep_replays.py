"""A point of a sweep is the run that it is alone: same trades, same equity, whatever else is replayed beside it."""

import copy
import random

import pytest

from tests.reference.worlds import make_world
from tradewinds.families.kalshi_weather import batches, replay
from tradewinds.sweeps import replays
from tradewinds.sweeps.grid import SweepPoint

RISKS = [
    {"fixed_qty": 7, "sizing": "fixed_qty"},
    {"sizing": "kelly", "kelly_fraction": 0.3, "start_balance_usd": 40},
    {"sizing": "ev_proportional", "contracts_per_dollar_ev": 23.7, "max_contracts_per_market": 9},
    {"min_ev_per_contract": 0, "allow_opposing": True, "fixed_qty": 4, "max_contracts_per_event": 3},
    {"start_balance_usd": 2, "max_trades_per_event_per_day": 4},
    # cash is soon gone: most of the time is passed in looking for what is still cheap enough
    {"start_balance_usd": 1, "min_ev_per_contract": 0, "fixed_qty": 40, "max_contracts_per_market": 40},
    {"start_balance_usd": 3, "min_ev_per_contract": 0, "fixed_qty": 1, "max_contracts_per_event": 90},
]


OWN = """
import numpy as np
from tradewinds.strategies.user_file import NO, NONE, YES, Orders

def orders(quotes, parameters):
    side = np.where(quotes.quoted(NO), NO, np.where(quotes.quoted(YES), YES, NONE))
    return Orders(side, quantity=parameters["quantity"], priority=quotes.net_value(NO, 1) / 7)
"""


def variants(conf, seed, folder):
    """Configs that differ in what a replay depends on."""
    rng = random.Random(seed)
    (folder / "mine.py").write_text(OWN)
    own = {"name": "mine", "file": str(folder / "mine.py"), "parameters": {"quantity": 3}}
    yield {**copy.deepcopy(conf), "audit": "full"}
    yield {**copy.deepcopy(conf), "strategy": own, "fees": {"rounding": "exchange"}}
    for risk in RISKS:
        changed = copy.deepcopy(conf)
        changed["risk"] |= risk
        changed["cadence_minutes"] = rng.choice([1, 7])
        changed["max_quote_age_minutes"] = rng.choice([None, 3, 90])
        changed["fees"]["rounding"] = rng.choice(["cent", "exchange"])
        yield changed


@pytest.mark.slow
@pytest.mark.parametrize("per_batch", [1, 2, 3])
def test_every_point_is_the_run_that_it_is_alone(tmp_path, monkeypatch, per_batch):
    monkeypatch.setattr(batches, "EVENTS_PER_BATCH", per_batch)
    traded = []
    for seed in range(3 * per_batch, 90, 9):
        folder = tmp_path / str(seed)
        folder.mkdir()
        world = make_world(folder, seed)
        conf, *files = world.inputs
        configs = [conf, *variants(conf, seed, folder)]
        together = replay.replay_events_many(configs, *files, climate=world.climate, workers=3)
        for changed, found in zip(configs, together, strict=True):
            assert_same(found, replay.replay_events(changed, *files, climate=world.climate), seed)
        traded += [len(run.pnl_micro) for run in together]
    assert sum(count > 0 for count in traded) > 20 and sum(traded) > 100, "it would hold if nothing happened"


def assert_same(found, alone, seed):
    """A point's columns are those of the run."""
    assert found.pnl_micro.tolist() == [trade.pnl_micro for trade in alone.trades], seed
    assert found.decision_ts.tolist() == [trade.decision_ts for trade in alone.trades], seed
    assert found.quantity.tolist() == [trade.qty for trade in alone.trades], seed
    assert found.fee_micro.tolist() == [trade.entry_fee_micro for trade in alone.trades], seed
    assert found.equity_ts.tolist() == [point.ts for point in alone.equity], seed
    assert found.equity_micro.tolist() == [point.equity_micro for point in alone.equity], seed


def test_points_that_read_other_files_are_replayed_apart(tmp_path):
    conf = make_world(tmp_path, 3).config

    def point(name, **changes):
        return SweepPoint({}, {**copy.deepcopy(conf), **changes}, name)

    earlier = {"local_time": "06:00", "days_before": 1}
    points = [
        point("a"),
        point("b", asof_policy=earlier),
        point("c", risk={**conf["risk"], "fixed_qty": 9}),
        point("d", asof_policy=earlier, cadence_minutes=5),
        point("e", max_quote_age_minutes=30, strategy=conf["strategy"], fees={"rounding": "exchange"}),
    ]
    assert [[p.run_id for p in group] for group in replays.groups(points)] == [["a", "c", "e"], ["b", "d"]]
