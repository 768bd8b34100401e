"""Columns of exact decimals as integers of their last digit, and back: whole columns at a time.

A decimal of 128 bits is an integer in two halves, so no number has to be converted.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tradewinds.core.arrays import Floats

MOST_INT = 2**63 - 1
_EXACT_FLOAT = 2.0**51  # products below this are off by less than half a thousandth of a unit

Exact = npt.NDArray[Any]  # integers of 64 bits, or Python's own (dtype object) where they do not fit


def decimals_of(units: Exact, kind: pa.Decimal128Type, valid: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Return integers as a column of decimals.

    Args:
        units: integers of the last digit of `kind`.
        kind: the type of the column.
        valid: by row: whether there is a value; None: in every row.
    """
    halves = np.empty((len(units), 2), np.uint64)
    if units.dtype == object:
        mask = 2**64 - 1
        halves[:, 0] = [int(value) & mask for value in units]
        halves[:, 1] = [int(value) >> 64 & mask for value in units]
    else:
        halves[:, 0], halves[:, 1] = units.view(np.uint64), (units >> 63).view(np.uint64)
    bits = None if valid is None or valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(kind, len(units), [bits, pa.py_buffer(halves)])


def units_of(column: pa.ChunkedArray, empty: int = 0) -> Exact:
    """Return a column of decimals as integers of its last digit; of Python's own type if one does not fit 64 bits.

    Args:
        column: of a type decimal128.
        empty: the integer of a row without a value.
    """
    found: list[Exact] = []
    for chunk in column.chunks:
        halves = np.frombuffer(chunk.buffers()[1], np.int64) if len(chunk) else np.zeros(0, np.int64)
        halves = halves[2 * chunk.offset : 2 * (chunk.offset + len(chunk))]
        low, high = halves[::2].copy(), halves[1::2].copy()
        if chunk.null_count:
            absent = chunk.is_null().to_numpy(zero_copy_only=False)
            low[absent], high[absent] = empty, empty >> 63
        if (high == low >> 63).all():
            found.append(low)
        else:
            found.append(high.astype(object) * 2**64 + low.view(np.uint64).astype(object))
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def narrowed(units: Exact) -> Exact:
    """Return integers in 64 bits if all of them fit; else as they are."""
    if units.dtype == object and all(-MOST_INT <= value <= MOST_INT for value in units):
        return units.astype(np.int64)
    return units


def scaled_up(units: Exact, factor: int) -> Exact:
    """Return integers times a factor, of Python's own type where a product does not fit 64 bits."""
    if units.dtype != object and len(units) and factor > 1 and int(np.abs(units).max()) > MOST_INT // factor:
        units = units.astype(object)
    found: Exact = units * factor
    return found


def quotient(units: Exact, divisor: int) -> Exact:
    """Return integers divided by a positive one, rounded half to even."""
    if divisor == 1:
        return units
    whole, rest = units // divisor, units % divisor * 2
    found: Exact = whole + ((rest > divisor) | ((rest == divisor) & (whole % 2 == 1)))
    return found


def units_of_decimals(values: list[Decimal], decimals: int) -> Exact:
    """Return decimals as integers of their last digit, rounded half to even.

    Args:
        values: finite decimals.
        decimals: digits behind the point.
    """
    found = [int(value.scaleb(decimals).to_integral_value(ROUND_HALF_EVEN)) for value in values]
    fits = all(-MOST_INT <= value <= MOST_INT for value in found)
    return np.array(found, np.int64 if fits else object)


def units_of_floats(values: Floats, decimals: int) -> Exact:
    """Return floats as integers of their last digit, rounded half to even as decimals.

    A float stands for the shortest decimal that reads as it. Only where the product is large, or lies near a half, does the
    decimal have to be looked at.

    Args:
        values: finite floats.
        decimals: digits behind the point.
    """
    scaled = values * 10.0**decimals
    found: Exact = np.where(np.abs(scaled) < _EXACT_FLOAT, np.rint(scaled), 0).astype(np.int64)
    near_half = np.abs(np.abs(scaled - np.floor(scaled)) - 0.5) < 1e-2
    rows = np.flatnonzero(near_half | (np.abs(scaled) >= _EXACT_FLOAT))
    if len(rows):
        exact = units_of_decimals([Decimal(repr(float(values[row]))) for row in rows], decimals)
        if exact.dtype == object:
            found = found.astype(object)
        found[rows] = exact
    return found
