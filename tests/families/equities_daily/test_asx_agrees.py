"""Recorded ASX bars, 2012 to 2024: every trade and every day agrees with the naive replay."""

import datetime as dt
from collections import defaultdict
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from tests.reference import naive_shares
from tests.reference.naive_shares import Bar, Settings
from tests.unit.share_worlds import replayed

FILE = "asx/daily_251_symbols_2012_2024.parquet"
EVERY = 6  # symbols; all of them take the naive replay minutes


@pytest.fixture(scope="module")
def asx(shared_data):
    world = defaultdict(list)
    table = pq.read_table(shared_data / FILE)
    names = sorted(set(table["symbol"].to_pylist()))
    for row in table.to_pylist():
        if row["symbol"] in names[::EVERY]:
            prices = (Decimal(f"{row[name]:.6f}") for name in ("open", "high", "low", "close"))
            world[row["symbol"]].append(Bar(row["date"].date(), *prices, row["volume"]))
    return dict(world)


@pytest.mark.slow
@pytest.mark.parametrize("same_close", [False, True], ids=["next_open", "same_close"])
@pytest.mark.parametrize("strategy", ["Mean Reversion", "Breakout"])
def test_every_trade_and_every_day_agree(asx, strategy, same_close):
    asked = Settings(strategy, dt.date(2012, 1, 3), dt.date(2024, 5, 31), max_positions=5, same_close=same_close)
    trades, equity, _ = replayed(asx, asked)
    wanted, worth = naive_shares.replay(asx, asked)
    assert len(trades) > 300
    assert trades == wanted
    assert equity == worth
