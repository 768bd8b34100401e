"""Prices of one share, for both engines of step_calls."""

from __future__ import annotations

import numpy as np


def closes(bars: int) -> np.ndarray:
    """Return a random walk, to the cent.

    Args:
        bars: how many.
    """
    return np.round(100 + np.abs(np.cumsum(np.random.default_rng(1).normal(0, 0.1, bars))), 2)
