"""A run's daily results beside a benchmark's, with an interval from the same days in other orders: the key `against_benchmark`.

Blocks of days are drawn with replacement and strung together (circular block bootstrap: Politis & Romano, 1992), so that what
follows a day in the data mostly follows it in the sample, too. ⌈n^⅓⌉ days a block: Hall, Horowitz & Jing, Biometrika 82, 1995.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tradewinds.core.text import counted
from tradewinds.engine.equity import Point
from tradewinds.results.edge.edge_words import signed

RESAMPLES, LEAST_DAYS, COVERED = 2000, 20, 0.95
PERCENT = 100


def against_benchmark(
    name: str, unit: str, returns: Sequence[float], others: Sequence[float], seed: int
) -> dict[str, Any]:
    """The mean of a run's daily returns less the benchmark's, and its interval.

    Args:
        name: what the benchmark is, as words.
        unit: what a return is of: day, session.
        returns: simple returns of the run, in order of time.
        others: those of the benchmark at the same times; others of another number compare with nothing.
        seed: of the draws.

    Returns:
        `benchmark`, `unit`, `seed`; `n`: number of returns; `mean_pct` and `interval_pct` (95 %): None without returns, and the
        interval for fewer than 20; `block`: returns in a block.
    """
    n = len(returns) if len(returns) == len(others) else 0
    found = {
        "benchmark": name,
        "unit": unit,
        "n": n,
        "mean_pct": None,
        "interval_pct": None,
        "block": None,
        "seed": seed,
    }
    if not n:
        return found
    differences = np.array(returns, float) - np.array(others, float)
    found["mean_pct"] = float(differences.mean()) * PERCENT
    if n < LEAST_DAYS:
        return found
    # means of all blocks, which go round the end, then of as many drawn ones as make up the days
    block = next(size for size in itertools.count(1) if size**3 >= n)
    sums = np.concatenate([[0.0], np.cumsum(np.concatenate([differences, differences[: block - 1]]))])
    means = (sums[block:] - sums[:-block]) / block
    drawn = np.random.default_rng(seed).integers(0, n, (RESAMPLES, math.ceil(n / block)))
    tail = (1 - COVERED) / 2
    edges = np.quantile(means[drawn].mean(axis=1), [tail, 1 - tail]) * PERCENT
    return found | {"interval_pct": edges.tolist(), "block": block}


def returns_of(points: Sequence[Point]) -> list[float]:
    """Simple returns between consecutive points; none at all where an equity is nothing or less."""
    if any(point.equity_micro <= 0 for point in points):
        return []
    return [after.equity_micro / before.equity_micro - 1 for before, after in itertools.pairwise(points)]


def benchmark_words(found: Mapping[str, Any]) -> str:
    """The comparison as one sentence.

    Args:
        found: the key `against_benchmark` of metrics.json.
    """
    if found["mean_pct"] is None:
        return f"Nothing can be said against {found['benchmark']}."
    over = counted(found["n"], found["unit"])
    said = f"{signed(found['mean_pct'], 3)} % a {found['unit']} against {found['benchmark']} over {over}"
    if found["interval_pct"] is None:
        return f"{said}: too few to tell it from chance."
    low, high = found["interval_pct"]
    if low == high == 0:
        return f"Every {found['unit']} is that of {found['benchmark']}."
    verdict = "not to be told from chance"
    if low > 0:
        verdict = "better, beyond what chance explains"
    elif high < 0:
        verdict = "worse, beyond what chance explains"
    return f"{said} (95 % interval {signed(low, 3)} to {signed(high, 3)}): {verdict}."
