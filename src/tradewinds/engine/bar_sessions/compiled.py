"""The compiled pass of sessions.c: structures are arrays of 64-bit words, in the order of their fields in C."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tradewinds.core.arrays import Ints
from tradewinds.engine.bar_sessions.minute_bars import MinuteBars
from tradewinds.engine.bar_sessions.orb_rules import SessionRules

HERE = Path(__file__).parent
SOURCES = ("sessions.c", "entries.h", "exact.h", "history.h", "holding.h", "pass.h", "score.h")
LIBRARY = HERE / "_sessions.so"
REMEDY = (
    "Install the project again: `make install` in a clone, else `pip install --force-reinstall --no-deps` as at first."
)

Words = ctypes.Array[ctypes.c_int64]
LossTold = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)


def load(library: Path) -> ctypes.CDLL:
    """Return the compiled functions of a shared library.

    Args:
        library: path of the shared library.

    Raises:
        ImportError: the library is missing, or was not compiled from the sources as they are now.
    """
    try:
        loops = ctypes.CDLL(str(library))
    except OSError as error:
        raise ImportError(f"The engine is not compiled ({error}). {REMEDY}") from None
    digest = ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(loops, "source_digest"))).decode()
    if digest != hashlib.sha256(b"".join((HERE / name).read_bytes() for name in SOURCES)).hexdigest():
        raise ImportError(f"{', '.join(SOURCES)} have changed since the engine was compiled. {REMEDY}")
    loops.run_sessions.restype = ctypes.c_int64
    return loops


_compiled = load(LIBRARY)


def words(values: Iterable[int]) -> Words:
    """Return integers and addresses as a structure."""
    values = list(values)
    return (ctypes.c_int64 * len(values))(*values)


def address(column: npt.NDArray[Any], kind: type = np.int64) -> int:
    """Return the address of a column.

    Args:
        column: of the given kind, in one piece.
        kind: its numpy type.

    Raises:
        TypeError: it is of another kind, or not in one piece.
    """
    if column.dtype != kind or not column.flags.c_contiguous:
        raise TypeError(f"a column of {column.dtype} where one of {kind.__name__} in one piece is expected")
    return int(column.ctypes.data)


def address_of(function: ctypes._CFunctionType) -> int:
    """Return the address of a function that C calls back; it must live as long as the structure that has it."""
    return int(ctypes.cast(function, ctypes.c_void_p).value or 0)


def rules_words(rules: SessionRules) -> Words:
    """Return the rules as the structure Rules."""
    return words(_flat(rules))


def bars_words(bars: MinuteBars) -> Words:
    """Return bars as the structure Bars; they must live as long as it."""
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    return words([address(bars.minute, np.int32), *map(address, columns)])


def ranges(bars: MinuteBars, minutes: Ints) -> Ints:
    """Return high, low, first open, last close, volume and number of the bars in the first minutes of each session.

    Args:
        bars: of all symbols.
        minutes: by symbol and session (flat), how many.

    Returns:
        By symbol and session (flat), six columns; all 0 where there is no bar.
    """
    out = np.empty((len(minutes), 6), np.int64)
    structure = bars_words(bars)
    _call("ranges", structure, address(bars.first_row), len(minutes), address(minutes), address(out))
    return out


def mean_true_ranges(bars: MinuteBars, symbol: int, group_minutes: int, period: int, *, wilder: bool) -> Ints:
    """Return a symbol's mean true range at the open of each session; micro-units, -1 before `period` bars.

    Args:
        bars: of all symbols.
        symbol: its index.
        group_minutes: minutes of the bars it is of; 0: one bar is a session.
        period: bars.
        wilder: Wilder's mean, else the simple one; both rounded half to even at every bar.
    """
    sessions = len(bars.days)
    first_row = bars.first_row[symbol * sessions :]
    out, latest, structure = np.empty(sessions, np.int64), np.zeros(period, np.int64), bars_words(bars)
    scratch = 0 if wilder else address(latest)
    _call("mean_true_ranges", structure, address(first_row), sessions, group_minutes, period, scratch, address(out))
    return out


def triggers(high: Ints, low: Ints, atr: Ints, fixed: int, multiple: int, tick: int) -> tuple[Ints, Ints]:
    """Return the entry triggers above and below ranges; micro-units.

    Args:
        high: by range; micro-units.
        low: by range; micro-units.
        atr: by range, mean true range; micro-units.
        fixed: distance; micro-units.
        multiple: distance as a multiple of the true range; FINE parts.
        tick: micro-units; 0: none.
    """
    above, below = np.empty_like(high), np.empty_like(low)
    columns = (address(column) for column in (high, low, atr))
    _call("triggers", len(high), *columns, fixed, multiple, tick, address(above), address(below))
    return above, below


def run_sessions(rules: Words, bars: Words, setups: Words, state: Words, first: int, end: int) -> int:
    """Pass over the sessions [first, end); return the first that was not begun.

    Args:
        rules: structure Rules.
        bars: structure Bars.
        setups: structure Setups.
        state: structure Pass.
        first: index of a session.
        end: index of a session.
    """
    return int(_call("run_sessions", rules, bars, setups, state, first, end))


def _call(name: str, *values: int | Words) -> Any:
    """Call a compiled function with integers, addresses and structures, and return its result."""
    arguments = (ctypes.c_int64(value) if isinstance(value, int) else value for value in values)
    return getattr(_compiled, name)(*arguments)


def _flat(values: Any) -> list[int]:
    """Return the integers of a dataclass or tuple, in order, those of nested ones in their place."""
    if isinstance(values, int):
        return [int(values)]
    items = (getattr(values, field.name) for field in fields(values)) if is_dataclass(values) else values
    return [number for item in items for number in _flat(item)]
