"""A run's days beside a benchmark's: the mean, the interval of drawn blocks by plain loops, and the sentence."""

import math
import random

import numpy as np
import pytest

from tradewinds.engine.equity import Point
from tradewinds.results.edge.against_benchmark import RESAMPLES, against_benchmark, benchmark_words, returns_of
from tradewinds.results.edge.beside_pnl import beside_pnl

DAYS = 100


def days(mean, seed=1):
    rng = random.Random(seed)
    return [rng.gauss(mean, 0.01) for _ in range(DAYS)]


def by_loops(returns, others, seed):
    """The interval as docs/metrics.md says it, block by block."""
    differences = [a - b for a, b in zip(returns, others, strict=True)]
    n = len(differences)
    block = math.ceil(round(n ** (1 / 3), 9))
    draws = np.random.default_rng(seed).integers(0, n, (RESAMPLES, math.ceil(n / block)))
    means = []
    for starts in draws.tolist():
        drawn = [differences[(start + step) % n] for start in starts for step in range(block)]
        means.append(100 * math.fsum(drawn) / len(drawn))
    return list(np.quantile(means, [0.025, 0.975])), block


@pytest.mark.parametrize("count", [20, 27, 28, 64, 100])
def test_the_interval_is_that_of_blocks_drawn_by_plain_loops(count):
    returns, others = days(0.001)[:count], days(0, seed=2)[:count]
    found = against_benchmark("a benchmark", "day", returns, others, 5)
    interval, block = by_loops(returns, others, 5)
    assert found["interval_pct"] == pytest.approx(interval, abs=1e-9) and found["block"] == block
    assert found["mean_pct"] == pytest.approx(100 * (math.fsum(returns) - math.fsum(others)) / count)
    assert found == against_benchmark("a benchmark", "day", returns, others, 5)
    assert found["interval_pct"] != against_benchmark("a benchmark", "day", returns, others, 6)["interval_pct"]


def test_the_sentence_follows_the_interval():
    flat = [0.0] * DAYS
    said = [benchmark_words(against_benchmark("holding cash", "session", days(m), flat, 0)) for m in (0.01, -0.01, 0)]
    assert said[0].endswith("better, beyond what chance explains.") and said[0].startswith("+")
    assert said[1].endswith("worse, beyond what chance explains.") and said[1].startswith("-")
    assert said[2].endswith("not to be told from chance.")
    assert (
        benchmark_words(against_benchmark("holding always", "day", flat, flat, 0))
        == "Every day is that of holding always."
    )
    few = against_benchmark("holding cash", "session", [0.01] * 19, [0.0] * 19, 0)
    assert few["interval_pct"] is None
    assert (
        benchmark_words(few)
        == "+1.000 % a session against holding cash over 19 sessions: too few to tell it from chance."
    )
    nothing = against_benchmark("holding cash", "session", [], [0.1], 0)
    assert (nothing["n"], nothing["mean_pct"]) == (0, None)
    assert beside_pnl({"against_benchmark": nothing}) == "Nothing can be said against holding cash."


def test_returns_of_an_account_that_lost_everything_compare_with_nothing():
    points = [Point(day, "close", cash, 0) for day, cash in enumerate((100, 110, 99))]
    assert returns_of(points) == pytest.approx([0.1, -0.1])
    assert returns_of([*points, Point(3, "end", 0, 0)]) == []
