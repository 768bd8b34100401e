"""Daily returns are taken from the last equity at or before each midnight."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.engine.equity import daily_rows

DAY = 86_400


@given(st.lists(st.integers(0, 12), min_size=1, max_size=30))
def test_each_midnight_after_the_start_has_the_last_point_by_then(steps):
    instants = np.cumsum(np.array(steps)) * (DAY // 3)
    found = daily_rows(instants).tolist()
    wanted, midnight = [0], int(instants[0]) // DAY * DAY + DAY
    while len(instants) > 1 and midnight - DAY < instants[-1]:
        wanted.append(max(row for row, ts in enumerate(instants) if ts <= midnight))
        midnight += DAY
    assert found == wanted


def test_no_point_has_no_return():
    assert daily_rows(np.zeros(0, np.int64)).tolist() == []
