"""Columns of micro-units as text: what core/text.py does for one amount, for many at once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.core.arrays import Ints

NO_AMOUNT = np.iinfo(np.int64).min  # in a column of micro-units: there is none


def amount_texts(micro: Ints) -> list[str]:
    """Return amounts as `text.amount_text` does, "" for NO_AMOUNT.

    Args:
        micro: micro-units.
    """
    missing = micro == NO_AMOUNT
    # a decimal of 128 bits is an integer of micro-units in two halves, so no number has to be converted
    halves = np.empty((len(micro), 2), np.int64)
    halves[:, 0] = np.where(missing, 0, micro)
    halves[:, 1] = halves[:, 0] >> 63
    decimals = pa.Array.from_buffers(pa.decimal128(19, 6), len(micro), [None, pa.py_buffer(halves)])
    # six decimals are written, of which up to four that are 0 go
    texts = pc.replace_substring_regex(decimals.cast(pa.string()), "0{1,4}$", "")
    found: list[str] = pc.if_else(pa.array(missing), "", texts).to_pylist()
    return found
