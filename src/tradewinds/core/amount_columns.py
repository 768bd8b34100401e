"""Columns of amounts as text and as decimals: what core/text.py does for one amount, for many at once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.core.arrays import Ints
from tradewinds.core.units import NO_AMOUNT


def amount_texts(units: Ints, places: int = 6, least: int = 2) -> list[str]:
    """Return amounts as `text.amount_text` does, "" for NO_AMOUNT; with other decimals as `quantity_text` or `probability`.

    Args:
        units: amounts in units of 10^-places.
        places: decimals of a unit, at most 18.
        least: decimals to write at least.
    """
    missing, unit = units == NO_AMOUNT, 10**places
    whole, rest = np.divmod(np.abs(np.where(missing, 0, units)), unit)
    decimals = pc.utf8_slice_codeunits(pa.array(rest + unit).cast(pa.string()), 1)  # without the 1 before the zeros
    long = pc.binary_join_element_wise(pa.array(whole).cast(pa.string()), decimals, ".")
    # zeros go from the end, and the point where no decimal is left
    short = pc.replace_substring_regex(long, rf"{'' if least else '[.]?'}0{{1,{places - least}}}$", "")
    signed = pc.binary_join_element_wise(pc.if_else(pa.array(units < 0), "-", ""), short, "")
    found: list[str] = pc.if_else(pa.array(missing), "", signed).to_pylist()
    return found


def exact_decimals(units: Ints, places: int) -> pa.Array:
    """Return amounts as decimals of 19 digits, null for NO_AMOUNT.

    Args:
        units: amounts in units of 10^-places.
        places: decimals of a unit.
    """
    # a decimal of 128 bits is an integer of units in two halves, so no number has to be converted
    halves = np.stack([units, units >> 63], axis=1)
    present = np.packbits(units != NO_AMOUNT, bitorder="little")
    buffers = [pa.py_buffer(present), pa.py_buffer(halves)]
    return pa.Array.from_buffers(pa.decimal128(19, places), len(units), buffers)
