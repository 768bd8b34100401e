"""Columns of flags."""

import numpy as np
import pytest

from tradewinds.core.arrays import flagged


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 1])
def test_flags_are_found_wherever_they_are(share):
    flags = np.random.default_rng(7).random(8_000) < share
    assert flagged(flags).tolist() == [i for i, flag in enumerate(flags.tolist()) if flag]


def test_the_first_and_the_last_flag():
    flags = np.zeros(64, np.bool_)
    flags[[0, 7, 8, 63]] = True
    assert flagged(flags).tolist() == [0, 7, 8, 63]
