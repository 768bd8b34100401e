"""Types of numpy columns, and what numpy itself does slowly at first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def changes(ordered: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the indices at which a sorted column has a value for the first time.

    numpy.unique does that as well, but its first call imports numpy.ma, which takes as long as the replay of a hundred events.
    """
    first = np.ones(len(ordered), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return np.flatnonzero(first)
