"""Scores of the probabilities against their definitions in a plain loop, and at their edges."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.engine_parts import pico
from tests.unit.results_parts import scored
from tradewinds.families.kalshi_weather import metrics

MARKETS = st.lists(st.tuples(st.integers(0, 10**12), st.booleans()), min_size=1, max_size=40)


@given(MARKETS)
def test_scores_are_their_definition_in_a_loop(pairs):
    markets = [metrics.ForecastOutcome("E", "M", p, yes) for p, yes in pairs]
    squares = losses = 0.0
    for p_pico, yes in pairs:
        p = p_pico / 10**12
        squares += (p - (1 if yes else 0)) ** 2
        p = min(max(p, 1e-6), 1 - 1e-6)
        losses -= math.log(p) if yes else math.log(1 - p)
    assert metrics.brier(markets) == pytest.approx(squares / len(pairs), abs=1e-12)
    assert metrics.log_loss(markets) == pytest.approx(losses / len(pairs))
    bins = metrics.calibration_bins(markets)
    assert [(b["from"], b["to"]) for b in bins] == [(n / 10, (n + 1) / 10) for n in range(10)]
    for n, b in enumerate(bins):
        inside = [(p, yes) for p, yes in pairs if n * 10**11 <= p < (n + 1) * 10**11 or (n == 9 and p == 10**12)]
        assert b["n"] == len(inside)
        means = [statistics.mean(column) for column in zip(*inside, strict=True)] or [None, None]
        mean_p = means[0] if means[0] is None else pytest.approx(means[0] / 10**12)
        assert (b["mean_p"], b["frequency"]) == (mean_p, means[1])


def test_certainty_costs_no_more_than_the_clip_and_bins_begin_at_their_edge():
    for wrong in (("0", True), ("1", False)):
        assert metrics.log_loss(scored(wrong)) == pytest.approx(13.815510558)
    assert 0 < metrics.log_loss(scored(("1", True))) == pytest.approx(1e-6, rel=1e-5)
    edges = {"0": 0, "0.099999999999": 0, "0.1": 1, "0.3": 3, "0.7": 7, "0.999999999999": 9, "1": 9}
    for p, index in edges.items():
        found = metrics.calibration_bins([metrics.ForecastOutcome("E", "M", pico(p), True)])
        assert [b["n"] for b in found].index(1) == index
        assert sum(b["n"] for b in found) == 1
