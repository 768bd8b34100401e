"""Rows that are kept as columns: a row is made where one is looked at; sums and files are made from the columns.

A run of a year has more than 100,000 trades. An object for each takes as long to make as the replay itself.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Self, TypeVar, overload

import numpy as np
import numpy.typing as npt

Row = TypeVar("Row")
Objects = npt.NDArray[np.object_]

_AT_ONCE = 10_000  # rows that are made at a time while all are gone through
_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1


class ColumnRows(Sequence[Row]):
    """Rows of one class as columns of equal length.

    Args:
        kind: class of the rows; its arguments are the columns in their order.
        columns: by name.

    Attributes:
        columns: as given.
    """

    def __init__(self, kind: Callable[..., Row], columns: Mapping[str, np.ndarray]) -> None:
        self._kind, self.columns = kind, columns

    @classmethod
    def of(cls, kind: Callable[..., Row], rows: Iterable[Row]) -> ColumnRows[Row]:
        """Return rows of a NamedTuple class as columns.

        Args:
            kind: the class.
            rows: the rows.
        """
        return ColumnRows(kind, columns_of(kind, rows))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self.columns.values())))

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Self: ...
    def __getitem__(self, place: int | slice) -> Row | Self:
        """Return a row, or some rows as columns."""
        if isinstance(place, slice):
            return self._part(place)
        row = range(len(self))[place]  # raises IndexError, which ends a loop
        return next(iter(self[row : row + 1]))

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows in their order."""
        for start in range(0, len(self), _AT_ONCE):
            yield from map(self._kind, *self._lists(slice(start, start + _AT_ONCE)))

    def _part(self, rows: slice) -> Self:
        """Return some rows as columns."""
        part = copy.copy(self)
        part.columns = {name: column[rows] for name, column in self.columns.items()}
        return part

    def _lists(self, rows: slice) -> list[list[Any]]:
        """Return the columns of some rows as lists."""
        return [column[rows].tolist() for column in self.columns.values()]

    def __eq__(self, other: object) -> bool:
        """Return whether the other rows, columns or a list, are the same."""
        if not isinstance(other, list | ColumnRows):
            return NotImplemented
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return the rows as a list would show them."""
        return repr(list(self))


def columns_of(kind: Callable[..., Any], rows: Iterable[Any]) -> dict[str, np.ndarray]:
    """Return the columns of rows of a NamedTuple class, by name."""
    names: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
    values: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * len(names)
    return {name: column_of(column) for name, column in zip(names, values, strict=True)}


def column_of(values: Sequence[Any]) -> np.ndarray:
    """Return a column: of 64-bit integers if all values are such, else of the values themselves."""
    if set(map(type, values)) <= {int} and (not values or (min(values) >= _SMALLEST and max(values) <= _LARGEST)):
        return np.array(values, np.int64)
    return objects(values)


def objects(values: Sequence[Any]) -> Objects:
    """Return a column of Python objects."""
    return np.fromiter(values, np.object_, len(values))


def joined(first: ColumnRows[Row], second: ColumnRows[Row]) -> ColumnRows[Row]:
    """Return the rows of one, then those of the other.

    Args:
        first: rows with plain columns.
        second: rows of the same class.
    """
    pairs = zip(first.columns.items(), second.columns.values(), strict=True)
    return ColumnRows(first._kind, {name: np.concatenate([one, other]) for (name, one), other in pairs})
