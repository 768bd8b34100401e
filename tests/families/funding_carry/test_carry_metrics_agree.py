"""The metrics of the product and of the naive engine are the same for random worlds."""

import pytest

from tests.families.funding_carry.engine_results import product_run, resolved
from tests.reference.naive_carry_replay import replay
from tests.reference.random_carry_worlds import random_world
from tradewinds.families.funding_carry.metrics import carry_metrics

# name of the naive engine: name in metrics.json
NUMBERS = {
    "funding": "funding",
    "price_pnl": "price_pnl",
    "fees": "fees",
    "slippage": "slippage",
    "borrow": "borrow",
    "liquidation_cost": "liquidation_cost",
    "net_pnl": "net_pnl",
    "num_fills": "num_fills",
    "apr_pct": "apr_pct",
    "sharpe": "sharpe",
    "sortino": "sortino",
    "max_drawdown": "max_drawdown_usd",
    "max_drawdown_pct": "max_drawdown_pct",
    "time_in_market_pct": "time_in_market_pct",
    "breakeven_periods": "breakeven_periods",
    "never_broke_even": "never_broke_even",
}
COUNTS = ("mark_source", "rejections")


def differences(seed):
    """Return what the two engines' metrics differ in: (seed, name, ours, theirs)."""
    made = random_world(seed)
    _, run = product_run(made.world, made.settings)
    config = resolved(made.settings)
    ours, naive = carry_metrics(config, run, {}), replay(made.world, made.settings)["metrics"]
    wrong = [(seed, name, ours[name], naive[name]) for name in COUNTS if ours[name] != naive[name]]
    flags = set(ours["optimistic"]) - {"preset_seed"}
    if flags != set(naive["optimistic"]):
        wrong.append((seed, "optimistic", flags, naive["optimistic"]))
    for theirs, name in NUMBERS.items():
        mine, other = ours[name], naive[theirs]
        same = mine is None if other is None else mine == pytest.approx(float(other), rel=1e-9, abs=1e-9)
        if not same:
            wrong.append((seed, name, mine, other if other is None else float(other)))
    return wrong


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 60, 20))
def test_metrics_agree(first):
    assert [one for seed in range(first, first + 20) for one in differences(seed)] == []
