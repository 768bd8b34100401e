"""The replay's inner loops, compiled from kernel.c when the project is installed: columns in, columns out.

Prices are micro-dollars, probabilities pico-dollars, times Unix seconds; a market's rows are [low, end) of the columns.
"""

from __future__ import annotations

import ctypes
import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tradewinds.core.arrays import Ints
from tradewinds.core.units import MICRO
from tradewinds.engine.event_contracts.rules import Prices

Codes = npt.NDArray[np.int32]

SOURCE, LIBRARY = (Path(__file__).with_name(name) for name in ("kernel.c", "_kernel.so"))

NEVER = UNLIMITED = 1 << 62
NO_PRICE = -999_999_999  # in the place of a bid or an ask: no price of a file, even an impossible one, is below it

# Scalars of an account, by place
S_CASH, S_OPEN, S_OPEN_COST, S_NOW, S_SETTLED, S_MARKED, S_HOLDING, S_FILLS, S_REFUSALS, S_WHERE, S_SETTLEMENTS = range(
    11
)
SCALARS = 11

# What `advance` comes back with
DONE, BUFFERS_FULL, TOO_LARGE = 0, 1, 2

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
_KEPT_BYTES = 64 << 20

_Words = ctypes.Array[ctypes.c_int64]


def load(library: Path) -> ctypes.CDLL:
    """The compiled loops of a file.

    Raises:
        ImportError: they are not there, or not those of kernel.c.
    """
    remedy = "Install the project again: `make install` in a clone, else `pip install --force-reinstall --no-deps` as at first."
    try:
        found = ctypes.CDLL(str(library))
    except OSError as error:
        raise ImportError(f"The engine is not compiled ({error}). {remedy}") from None
    digest = ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(found, "source_digest"))).decode()
    if digest != hashlib.sha256(SOURCE.read_bytes()).hexdigest():
        raise ImportError(f"{SOURCE.name} has changed since the engine was compiled. {remedy}")
    for name in ("survey", "rows_since", "seen_prices", "price_codes"):
        getattr(found, name).restype = None
    for name in ("present", "look", "quote_codes", "advance"):
        getattr(found, name).restype = ctypes.c_int64
    return found


_compiled = load(LIBRARY)


def _longs(column: Ints) -> int:
    """Where a column of integers of 64 bits is."""
    return _address(column, np.int64)


def _ints(column: Prices) -> int:
    """Where a column of integers of 32 bits is."""
    return _address(column, np.int32)


def _address(column: npt.NDArray[Any], kind: type[np.generic]) -> int:
    if column.dtype != kind or not column.flags.c_contiguous:
        raise TypeError(f"a column of {column.dtype} where one of {kind.__name__} in one piece is expected")
    return int(column.ctypes.data)


def _words(*values: int) -> _Words:
    """A structure of the loops: integers and addresses, in its order."""
    return (ctypes.c_int64 * len(values))(*values)


def _call(name: str, *values: int | _Words) -> Any:
    """Call a compiled function with integers, addresses and structures; what it returns."""
    arguments = (ctypes.c_int64(value) if isinstance(value, int) else value for value in values)
    return getattr(_compiled, name)(*arguments)


def keep_memory() -> None:
    """Keep the memory of columns for the next ones. The C library would give each back, and a page that comes anew costs
    microseconds: a tenth of a replay's time."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:  # glibc's
        for parameter in (_MMAP_THRESHOLD, _TRIM_THRESHOLD):
            mallopt(parameter, _KEPT_BYTES)


class Market(NamedTuple):
    """Contracts of a run, by idx."""

    event: Ints
    event_settles: Ints  # by event: when the first of its contracts settles
    p_pico: Ints
    first_t: Ints  # first decision time
    last_t: Ints  # last decision time
    settle_ts: Ints
    payout_yes: Ints
    day_low: Ints  # by event: its civil midnights are days[day_low:day_end]
    day_end: Ints
    days: Ints


class Account(NamedTuple):
    """State of an account, by contract idx or event; scalars by the places above."""

    scalars: Ints
    held: Ints  # (contracts, 2)
    cost: Ints
    candle_ts: Ints  # of the last fill's candle, and how many contracts were bought on it
    candle_used: Ints
    event_contracts: Ints
    event_cost: Ints
    event_orders: Ints
    event_day: Ints
    passed: Ints  # until when refusals are counted already
    holding: Ints  # idx of the contracts that are held, the first scalars[S_HOLDING]


def new_account(contracts: int, events: int, cash: int) -> Account:
    """An account with some cash and nothing else."""
    scalars = np.zeros(SCALARS, np.int64)
    scalars[S_CASH], scalars[S_NOW] = cash, -NEVER
    return Account(
        scalars=scalars,
        held=np.zeros((contracts, 2), np.int64),
        cost=np.zeros(contracts, np.int64),
        candle_ts=np.full(contracts, -NEVER, np.int64),
        candle_used=np.zeros(contracts, np.int64),
        event_contracts=np.zeros(events, np.int64),
        event_cost=np.zeros(events, np.int64),
        event_orders=np.zeros(events, np.int64),
        event_day=np.zeros(events, np.int64),
        passed=np.full(contracts, -NEVER, np.int64),
        holding=np.zeros(contracts, np.int64),
    )


class Limits(NamedTuple):
    """Limits as integers, UNLIMITED where none; `share` is a fraction of a candle's volume, share_base 0 if there is none."""

    allow_opposing: bool
    share: int
    share_base: int
    per_market: int
    per_event: int
    total_open: int
    notional: int
    orders: int
    has_least: bool
    least: int
    kelly: int  # fraction as numerator and base; kelly_base 0 if the table says how many
    kelly_base: int


class Rows(NamedTuple):
    """The candles of a window; the rows of its contract j are [low[j], end[j]). The others see candles.Candles."""

    e: Ints
    bid: Prices
    ask: Prices
    volume: Ints
    low: Ints
    end: Ints


class Table(NamedTuple):
    """What is wanted, by code: rows of some eras of the fee rule one after the other, `era_rows` each. Priority is
    `rank` + `rest`/`quantity` (highest first)."""

    quantity: Ints
    rank: Ints
    rest: Ints
    fee_whole: Ints
    fee_part: Ints
    fee_base: Ints
    era_rows: int


class Buffers(NamedTuple):
    """What a replay leaves, row by row; refusals are stretches of equal ones if there is `stretch`, else only counted."""

    fills: Ints  # idx, side, quantity, price, fee, decision time, end of the candle, net value
    settlements: (
        Ints  # idx, side, quantity, payout of one, settlement time; two rows a contract, or none: they leave no row
    )
    counts: Ints  # (contracts, side, reason), or (0, …): refusals are not counted
    firsts: Ints
    refusals: Ints  # times, idx, side, reason, end of the candle, quantity, price, first, last
    stretch: Ints  # (contracts or 0, as refusals): the stretch that is going on
    marks: Ints  # (instants, 2): cash and open value


def survey(place: Prices, e: Ints, volume: Ints, markets: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Rows of each market (first, end), its volume, and how many rows do not follow an earlier one of it."""
    low, end, traded, jumps = (np.zeros(markets, np.int64) for _ in range(4))
    _call("survey", _ints(place), _longs(e), _longs(volume), len(place), *map(_longs, (low, end, traded, jumps)))
    return low, end, traded, jumps


def rows_since(e: Ints, low: Ints, end: Ints, since: Ints) -> Ints:
    """For each market, the first of its rows that ends at or after an instant of its own."""
    found = np.empty(len(low), np.int64)
    _call("rows_since", *map(_longs, (e, low, end, since)), len(low), _longs(found))
    return found


def present(e: Ints, low: Ints, end: Ints, start_ts: Ints, end_ts: Ints) -> int:
    """How many candles of some markets end in [start, end) of each."""
    return int(_call("present", *map(_longs, (e, low, end, start_ts, end_ts)), len(low)))


def look(rows: Rows, first_t: Ints, last_t: Ints, step: int, max_age: int) -> tuple[int, int]:
    """Of some contracts: (decision times at which a crossed quote is visible, end of the latest candle that is in force at any,
    or -1)."""
    latest = np.empty(1, np.int64)
    crossed = _call("look", _rows(rows), len(rows.low), _longs(first_t), _longs(last_t), step, max_age, _longs(latest))
    return crossed, int(latest[0])


def seen_prices(bid: Prices, ask: Prices) -> npt.NDArray[np.bool_]:
    """Which prices (micro-dollars) any side costs."""
    seen = np.zeros(MICRO, np.bool_)
    _call("seen_prices", _ints(bid), _ints(ask), len(bid), _address(seen, np.bool_))
    return seen


def price_codes(rows: Rows, kind: Ints, place: Prices, prices: int, kinds: int) -> tuple[Codes, Codes]:
    """Codes of the sides of each row: kind × prices + place of the price, -1 where the side is not offered; the NO sides' kinds
    follow those of the YES sides."""
    yes_code, no_code = np.full(len(rows.e), -1, np.int32), np.full(len(rows.e), -1, np.int32)
    at = (len(rows.low), _longs(kind), _ints(place), prices, kinds, _ints(yes_code), _ints(no_code))
    _call("price_codes", _rows(rows), *at)
    return yes_code, no_code


def quote_codes(rows: Rows) -> tuple[Codes, Codes, Ints, Prices, Prices]:
    """Codes of the YES and of the NO side of each row, by its distinct (contract, YES ask, NO ask), -1 where neither side is
    offered; and of each code the contract's place and both asks (-1: not offered). The NO sides' codes follow those of the YES
    sides."""
    count = len(rows.e)
    size = 1 << int(2 * (rows.end - rows.low).max(initial=2) - 1).bit_length()
    keys, code_at = np.zeros(size, np.int64), np.full(size, -1, np.int64)
    yes_code, no_code = np.full(count, -1, np.int32), np.full(count, -1, np.int32)
    owner, asks = np.empty(count, np.int64), np.empty((2, count), np.int32)
    at = (len(rows.low), size, _longs(keys), _longs(code_at), _ints(yes_code), _ints(no_code), _longs(owner))
    found = _call("quote_codes", _rows(rows), *at, _ints(asks[0]), _ints(asks[1]))
    return yes_code, no_code, owner[:found], asks[0, :found], asks[1, :found]


def advance(
    until: int,
    step: int,
    max_age: int,
    eras: Ints,
    market: Market,
    order: Ints,
    window_idx: Ints,
    by_start: Ints,
    member: Ints,
    rows: Rows,
    codes: tuple[Codes, Codes],
    table: Table,
    limits: Limits,
    account: Account,
    instants: Ints,
    out: Buffers,
) -> int:
    """Replay all decision times before `until`; DONE, or what is in the way.

    After BUFFERS_FULL empty the buffers and call again: it goes on where it stopped.

    Args:
        eras: (n, 3) since when, grid and balance grid of the fee rule; order: idx of all contracts by settlement and ticker;
        window_idx: idx of the window's contracts; by_start: their places by first decision time; member: place in the window
        by idx; codes: of the rows' YES and NO sides, in the table; instants: when the account's worth is noted.
    """
    structures = [
        _words(*map(_longs, market)),
        _rows(rows),
        _words(*map(_longs, table[:-1])),
        _words(*(int(limit) for limit in limits)),
        _words(*map(_longs, account)),
        _words(*map(_longs, out)),
    ]
    scratch = np.empty((9, len(window_idx)), np.int64)
    structures.append(_words(*map(_longs, scratch)))
    on_market, on_rows, on_table, on_limits, on_account, on_out, on_scratch = map(ctypes.addressof, structures)
    given = _words(
        *(until, step, max_age, _longs(eras), len(eras), table.era_rows),
        *(on_market, _longs(order), len(order), _longs(window_idx), _longs(by_start), len(window_idx), _longs(member)),
        *(on_rows, *map(_ints, codes), on_table, on_limits, on_account, _longs(instants), len(instants)),
        *(on_out, len(out.fills), len(out.refusals), int(len(out.counts) > 0), int(len(out.stretch) > 0)),
        *(int(len(out.settlements) > 0), on_scratch),
    )
    return int(_call("advance", given))


def _rows(rows: Rows) -> _Words:
    return _words(_longs(rows.e), _ints(rows.bid), _ints(rows.ask), *map(_longs, rows[3:]))
