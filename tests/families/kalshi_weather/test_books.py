"""Bugs planted into the compiled account: its cash is another than its rows say, and every run finds that."""

from types import SimpleNamespace

import pytest

from tests.reference.compare import booked_rows
from tests.reference.worlds import make_world
from tests.unit.compiled import with_a_bug
from tradewinds.core.errors import SimulationError
from tradewinds.engine.event_contracts import kernel
from tradewinds.families.kalshi_weather import replay
from tradewinds.pipeline import simulate

SEED = 3  # a world that trades and settles
FEE_FORGOTTEN = ("s[S_CASH] -= fill->quantity * fill->price + fill->fee;", "s[S_CASH] -= fill->quantity * fill->price;")
PAID_TOO_MUCH = ("s[S_CASH] += yes * market->payout_yes[i]", "s[S_CASH] += 1 + yes * market->payout_yes[i]")
LATE_ROW = ("MICRO - market->payout_yes[i], market->settle_ts[i]}", "MICRO - market->payout_yes[i], ts + 86400}")


def test_a_world_adds_up(tmp_path):
    result = replay.replay_events(*make_world(tmp_path, SEED).inputs)
    result.check_books()
    assert {"FILL", "FEE", "SETTLEMENT"} == {row[1] for row in booked_rows(result)}


@pytest.mark.slow
@pytest.mark.parametrize("bug", [FEE_FORGOTTEN, PAID_TOO_MUCH], ids=["fee", "payout"])
def test_an_account_whose_cash_is_off_fails_the_run(tmp_path, monkeypatch, bug):
    world = make_world(tmp_path, SEED)
    monkeypatch.setattr(kernel, "_compiled", with_a_bug(tmp_path, *bug))
    wrong = replay.replay_events(*world.inputs)
    with pytest.raises(SimulationError, match=r"journal: the books do not add up: the start balance of .* ended with"):
        wrong.check_books()


def test_a_payment_that_is_dated_wrong_is_found_by_the_curve(tmp_path, monkeypatch):
    """The sum is right, but not the cash of a point between."""
    world = make_world(tmp_path, SEED)
    monkeypatch.setattr(kernel, "_compiled", with_a_bug(tmp_path, *LATE_ROW))
    wrong = replay.replay_events(*world.inputs)
    with pytest.raises(SimulationError, match=r"equity: the account had .* the books come to"):
        wrong.check_books()


def test_no_result_is_kept_of_a_run_whose_books_do_not_add_up(tmp_path, monkeypatch):
    world = make_world(tmp_path, SEED)
    plan = SimpleNamespace(
        run_dir=str(tmp_path / "run"), run_id="5f0c1c1e-6f0d-5b5e-9d53-7d8f3f6a2b10", data_files=(), replayed_files=()
    )
    plan.files = SimpleNamespace(events=())
    made = replay.replay_events(*world.inputs)
    monkeypatch.setattr(type(simulate.markets.family_of("kalshi_weather")), "replay", lambda *_: made)
    made.end_balance_micro += 1
    with pytest.raises(SimulationError, match="the books do not add up"):
        simulate.simulate(world.config, plan, [], 1)
    assert not (tmp_path / "run").exists()
    made.end_balance_micro -= 1
    simulate.simulate(world.config, plan, [], 1)
    assert (tmp_path / "run" / "metrics.json").exists()
