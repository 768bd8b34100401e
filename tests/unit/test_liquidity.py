"""What a run says of liquidity: shares and caps counted by hand, and no replay where a cap changes nothing."""

from fractions import Fraction

import numpy as np

from tradewinds.engine.result import Summary
from tradewinds.results.liquidity import CAPS, Entry, VolumeUse, capped, liquidity


def summary(*pnl):
    """A run of some trades of 3 each, with their P&L in whole units of money."""
    empty = np.zeros(0, np.int64)
    money = np.array(pnl, np.int64) * 10**6
    return Summary(empty, np.full(len(pnl), 3), empty, money, empty, empty)


def section(entries, share=None, **how):
    """The section of a run, and the shares that it was replayed with."""
    asked = []

    def replay(config):
        asked.append(config["risk"]["max_volume_share"])
        return summary(1)

    config = {"risk": {"max_volume_share": share, "slots": 2}, "seed": 0}
    return liquidity(config, VolumeUse.of(entries), summary(5, -2), replay, **how), asked


def test_shares_are_counted_by_hand():
    found, asked = section([Entry(12, 10), Entry(8, 100), Entry(5, None), Entry(1, 0)])
    assert (found["entries"], found["entries_beyond_volume"]) == (4, 2)
    assert found["quantity_beyond_volume_pct"] == round(100 * 3 / 21, 6)  # of what has a volume
    assert found["quantity_of_unknown_volume_pct"] == round(100 * 5 / 26, 6)
    assert asked == [1.0, 0.25, 0.1]
    row = {"total_pnl_usd": 1.0, "num_trades": 1, "num_contracts": 3}
    assert found["capped"] == [{"volume_share": share, **row} for share in asked]


def test_a_cap_that_no_entry_exceeds_is_the_run_itself():
    own = {"total_pnl_usd": 3.0, "num_trades": 2, "num_contracts": 6}
    found, asked = section([Entry(25, 100), Entry(1, 10)])
    assert asked == [0.1]  # 25 is a quarter, exactly
    assert found["capped"][:2] == [{"volume_share": share, **own} for share in (1.0, 0.25)]
    found, asked = section([Entry(10, 100)])
    assert asked == [] and found["capped"][2] == {"volume_share": 0.1, **own}


def test_without_any_volume_there_is_no_row():
    found, asked = section([Entry(4, None)])
    assert found["capped"] == asked == []
    assert (found["quantity_beyond_volume_pct"], found["quantity_of_unknown_volume_pct"]) == (None, 100.0)
    assert section([])[0]["capped"] == []


def test_a_lower_limit_of_the_run_stays():
    config = {"risk": {"max_volume_share": 0.2, "slots": 2}, "seed": 0}
    assert [capped(config, cap)["risk"] for cap in CAPS] == [
        {"max_volume_share": share, "slots": 2} for share in (0.2, 0.2, 0.1)
    ]
    assert config["risk"]["max_volume_share"] == 0.2


def test_entries_of_different_goods_are_weighed_and_not_added_up():
    found, _ = section([Entry(2, 1, 300), Entry(1000, 5000, 1)], adds_up=False)
    assert found["quantity_beyond_volume_pct"] == round(float(Fraction(100 * 300, 1600)), 6)
    assert all(set(row) == {"volume_share", "total_pnl_usd", "num_trades"} for row in found["capped"])
