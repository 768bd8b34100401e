"""The replay's inner loops, compiled from kernel.c when the project is installed: columns in, columns out.

Prices are micro-units of money, probabilities pico-units, times Unix seconds. A market's candles are the rows
[first_row, end_row) of the columns. The named tuples have the fields of kernel.c's structures, in the same order.
"""

from __future__ import annotations

import ctypes
import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tradewinds.core.arrays import Ints
from tradewinds.core.units import MICRO, NEVER
from tradewinds.engine.event_contracts.order_rules import Prices

Codes = npt.NDArray[np.int32]

SOURCE, LIBRARY = (Path(__file__).with_name(name) for name in ("kernel.c", "_kernel.so"))

UNLIMITED = NEVER  # kernel.c has the same number for both
NO_PRICE = -999_999_999  # instead of a bid or an ask: no price of a file, even an impossible one, is below it

# Indices into an account's scalars; kernel.c says what each is
S_CASH, S_OPEN, S_OPEN_COST, S_NOW, S_SETTLED, S_MARKED, S_HOLDING, S_FILLS, S_REFUSALS = range(9)
S_TOO_LARGE, S_SETTLEMENTS, S_LOTS = range(9, 12)
SCALARS = 12

# Return values of `advance`
DONE, BUFFERS_FULL, TOO_LARGE = 0, 1, 2

# Widths of rows
FILL_COLUMNS, SETTLEMENT_COLUMNS, REFUSAL_COLUMNS, SCRATCH_COLUMNS = 8, 5, 9, 9

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
_KEPT_BYTES = 64 << 20

_Structure = ctypes.Array[ctypes.c_int64]


def load(library: Path) -> ctypes.CDLL:
    """Return the compiled loops of a shared library.

    Args:
        library: path of the shared library.

    Raises:
        ImportError: the library is missing, or was not compiled from kernel.c as it is now.
    """
    remedy = "Install the project again: `make install` in a clone, else `pip install --force-reinstall --no-deps` as at first."
    try:
        loops = ctypes.CDLL(str(library))
    except OSError as error:
        raise ImportError(f"The engine is not compiled ({error}). {remedy}") from None
    digest = ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(loops, "source_digest"))).decode()
    if digest != hashlib.sha256(SOURCE.read_bytes()).hexdigest():
        raise ImportError(f"{SOURCE.name} has changed since the engine was compiled. {remedy}")
    for name in ("survey", "rows_since", "seen_prices", "price_codes"):
        getattr(loops, name).restype = None
    for name in ("count_candles", "count_crossed", "quote_codes", "advance"):
        getattr(loops, name).restype = ctypes.c_int64
    return loops


_compiled = load(LIBRARY)


def _address_64(column: Ints) -> int:
    """Return the address of a column of 64-bit integers."""
    return _address(column, np.int64)


def _address_32(column: npt.NDArray[np.int32]) -> int:
    """Return the address of a column of 32-bit integers."""
    return _address(column, np.int32)


def _address(column: npt.NDArray[Any], kind: type[np.generic]) -> int:
    """Return the address of a column; TypeError if it is of another kind or not contiguous."""
    if column.dtype != kind or not column.flags.c_contiguous:
        raise TypeError(f"a column of {column.dtype} where one of {kind.__name__} in one piece is expected")
    return int(column.ctypes.data)


def _structure(*values: int) -> _Structure:
    """Return a structure of kernel.c: integers and addresses, in its order."""
    return (ctypes.c_int64 * len(values))(*values)


def _column_structure(columns: NamedTuple) -> _Structure:
    """Return a structure of kernel.c whose fields are all addresses of 64-bit columns."""
    return _structure(*(_address_64(column) for column in columns))


def _call(name: str, *values: int | _Structure) -> Any:
    """Call a compiled function with integers, addresses and structures, and return its result."""
    arguments = (ctypes.c_int64(value) if isinstance(value, int) else value for value in values)
    return getattr(_compiled, name)(*arguments)


def keep_memory() -> None:
    """Make the C library keep freed memory for later columns.

    By default it returns large blocks to the system at once, and each page that comes anew costs microseconds: a tenth of a
    replay's time. Without glibc this does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        for parameter in (_MMAP_THRESHOLD, _TRIM_THRESHOLD):
            mallopt(parameter, _KEPT_BYTES)


class MarketColumns(NamedTuple):
    """Columns of a run's contracts, by idx: the index among the sorted tickers.

    Attributes:
        event: index of the contract's event.
        event_settles: by event, when the first of its contracts settles; Unix s.
        p_pico: probability of YES; pico-units.
        first_t: first decision time; Unix s.
        last_t: last decision time; Unix s.
        settle_ts: settlement; Unix s.
        payout_yes: payout of a YES; micro-units.
        first_midnight: by event, index of its first civil midnight in `days`.
        end_midnight: by event, index after its last one.
        days: civil midnights of all events, one event after the other; Unix s.
    """

    event: Ints
    event_settles: Ints
    p_pico: Ints
    first_t: Ints
    last_t: Ints
    settle_ts: Ints
    payout_yes: Ints
    first_midnight: Ints
    end_midnight: Ints
    days: Ints


class Account(NamedTuple):
    """State of an account, which the loops change in place.

    Attributes:
        scalars: (SCALARS,) single numbers, by the indices S_… above.
        held: (contracts, 2) YES and NO held.
        cost: by contract, cost of what is held without fees; micro-units.
        candle_ts: by contract, end of the last fill's candle; Unix s.
        candle_used: by contract, how many were bought on that candle.
        event_contracts: by event, contracts held.
        event_cost: by event, their cost; micro-units.
        event_orders: by event, orders filled on its current civil day.
        event_day: by event, index of its current civil day.
        passed: by contract, end of the time for which refusals are counted already; Unix s.
        holding: idx of the held contracts: the first scalars[S_HOLDING] entries.
        lot_quantity: where opposing sides are netted, by purchase of the run, what is left of it: the first scalars[S_LOTS]
            entries.
        lot_price: by purchase, price of a contract; micro-units.
        next_lot: by purchase, the contract's next one.
        oldest_lot: by contract, the first of its open purchases; set while it is held.
        newest_lot: by contract, the last of its open purchases; set while it is held.
    """

    scalars: Ints
    held: Ints
    cost: Ints
    candle_ts: Ints
    candle_used: Ints
    event_contracts: Ints
    event_cost: Ints
    event_orders: Ints
    event_day: Ints
    passed: Ints
    holding: Ints
    lot_quantity: Ints
    lot_price: Ints
    next_lot: Ints
    oldest_lot: Ints
    newest_lot: Ints

    def with_room(self, lots: int) -> Account:
        """Return the account with columns of lots that have room for some more purchases.

        Args:
            lots: number of purchases.
        """
        missing = int(self.scalars[S_LOTS]) + lots - len(self.lot_quantity)
        if missing <= 0:
            return self
        rows = max(missing, len(self.lot_quantity))  # at least twice as many, so that little is copied

        def longer(column: Ints) -> Ints:
            return np.concatenate([column, np.zeros(rows, np.int64)])

        return self._replace(
            lot_quantity=longer(self.lot_quantity), lot_price=longer(self.lot_price), next_lot=longer(self.next_lot)
        )


def new_account(contracts: int, events: int, cash: int) -> Account:
    """Return an account that holds cash only.

    Args:
        contracts: number of contracts of the run.
        events: number of events of the run.
        cash: start balance; micro-units.
    """
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
        lot_quantity=np.zeros(0, np.int64),
        lot_price=np.zeros(0, np.int64),
        next_lot=np.zeros(0, np.int64),
        oldest_lot=np.zeros(contracts, np.int64),
        newest_lot=np.zeros(contracts, np.int64),
    )


class Limits(NamedTuple):
    """Limits of a run as integers, UNLIMITED where there is none.

    Attributes:
        opposing: what becomes of an order while the other side of its contract is held (limits.Opposing).
        volume_share: numerator of the largest fraction of a candle's volume.
        volume_share_base: its denominator; 0: no such limit.
        per_market: contracts held of a market.
        per_event: contracts held of an event.
        total_open: contracts held in all.
        notional: cost of what is held of an event; micro-units.
        orders: orders filled on an event's civil day.
        has_min_ev: whether an order that limits reduced must still exceed `min_ev`.
        min_ev: expected value a contract after the fee that an order must exceed; pico-units.
        kelly: numerator of the Kelly fraction.
        kelly_base: its denominator; 0: quantities stand in WantedTable.
    """

    opposing: int
    volume_share: int
    volume_share_base: int
    per_market: int
    per_event: int
    total_open: int
    notional: int
    orders: int
    has_min_ev: bool
    min_ev: int
    kelly: int
    kelly_base: int


class CandleRows(NamedTuple):
    """Candles of live contracts; those of contract j are the rows [first_row[j], end_row[j]).

    Attributes:
        end_ts: end of the candle; Unix s.
        bid: YES bid at the close; micro-units, or NO_PRICE.
        ask: YES ask at the close; micro-units, or NO_PRICE.
        volume: contracts x 100.
        first_row: by live contract.
        end_row: by live contract.
    """

    end_ts: Ints
    bid: Prices
    ask: Prices
    volume: Ints
    first_row: Ints
    end_row: Ints


class WantedTable(NamedTuple):
    """What is wanted, by code: one row per offer, for some eras of the fee rule one after the other.

    Attributes:
        quantity: contracts wanted; 0: none.
        rank: priority, rounded down; the highest goes first.
        rank_remainder: the rest of the priority, times quantity: the priority is rank + rank_remainder/quantity.
        fee_whole: fee a contract, whole grids.
        fee_part: numerator of the part of a grid.
        fee_base: its denominator.
        era_rows: rows of one era.
    """

    quantity: Ints
    rank: Ints
    rank_remainder: Ints
    fee_whole: Ints
    fee_part: Ints
    fee_base: Ints
    era_rows: int


class Buffers(NamedTuple):
    """Output of a replay, row by row.

    Refusals are recorded as stretches of equal ones if `stretch` has rows, else counted if `counts` has.

    Attributes:
        fills: (n, 8) idx, side, quantity, price, fee, decision time, end of the candle, contracts of it that were netted.
        settlements: (2 x contracts or 0, 5) idx, side, quantity, payout of one, settlement time; 0 rows: not recorded.
        counts: (contracts or 0, side, reason) number of refusals; 0 rows: not counted.
        firsts: as counts, time of the first; Unix s.
        refusals: (n, 9) times, idx, side, reason, end of the candle, quantity, price, first, last.
        stretch: (contracts or 0, 9) the stretch that may still grow, as `refusals`.
        marks: (instants, 2) cash and open value; micro-units.
    """

    fills: Ints
    settlements: Ints
    counts: Ints
    firsts: Ints
    refusals: Ints
    stretch: Ints
    marks: Ints


def survey(market_index: Codes, end_ts: Ints, volume: Ints, markets: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Find where each market's candles are in the columns of files.

    Args:
        market_index: by row, index of its market; below 0 for other markets.
        end_ts: by row, end of the candle; Unix s.
        volume: by row, contracts x 100.
        markets: number of markets.

    Returns:
        By market: first row, end row, total volume, number of rows that do not directly follow an earlier row of it.
    """
    first_row, end_row, traded, jumps = (np.zeros(markets, np.int64) for _ in range(4))
    _call(
        "survey",
        _address_32(market_index),
        _address_64(end_ts),
        _address_64(volume),
        len(market_index),
        _address_64(first_row),
        _address_64(end_row),
        _address_64(traded),
        _address_64(jumps),
    )
    return first_row, end_row, traded, jumps


def rows_since(end_ts: Ints, first_row: Ints, end_row: Ints, since: Ints) -> Ints:
    """Return, for each market, its first row that ends at or after an instant.

    Args:
        end_ts: by row, end of the candle; Unix s.
        first_row: by market.
        end_row: by market.
        since: by market; Unix s.
    """
    first_since = np.empty(len(first_row), np.int64)
    _call(
        "rows_since",
        _address_64(end_ts),
        _address_64(first_row),
        _address_64(end_row),
        _address_64(since),
        len(first_row),
        _address_64(first_since),
    )
    return first_since


def count_candles(end_ts: Ints, first_row: Ints, end_row: Ints, since_ts: Ints, until_ts: Ints) -> int:
    """Return how many candles of some markets end in [since_ts, until_ts) of each.

    Args:
        end_ts: by row, end of the candle; Unix s.
        first_row: by market.
        end_row: by market.
        since_ts: by market; Unix s.
        until_ts: by market; Unix s.
    """
    count = _call(
        "count_candles",
        _address_64(end_ts),
        _address_64(first_row),
        _address_64(end_row),
        _address_64(since_ts),
        _address_64(until_ts),
        len(first_row),
    )
    return int(count)


def count_crossed(rows: CandleRows, first_t: Ints, last_t: Ints, step: int, max_age: int) -> tuple[int, int]:
    """Count the decision times at which a crossed quote is visible.

    Args:
        rows: candles of some contracts.
        first_t: by contract, first decision time; Unix s.
        last_t: by contract, last decision time; Unix s.
        step: seconds between decision times.
        max_age: seconds for which a quote is visible.

    Returns:
        Number of decision times, and the end of the latest candle that is visible at any (Unix s), or -1.
    """
    latest = np.empty(1, np.int64)
    crossed = _call(
        "count_crossed",
        _row_structure(rows),
        len(rows.first_row),
        _address_64(first_t),
        _address_64(last_t),
        step,
        max_age,
        _address_64(latest),
    )
    return crossed, int(latest[0])


def seen_prices(bid: Prices, ask: Prices) -> npt.NDArray[np.bool_]:
    """Return, for every price from 0 to 999,999 micro-units, whether any side of any row costs it.

    Args:
        bid: by row; micro-units, or NO_PRICE.
        ask: by row; micro-units, or NO_PRICE.
    """
    seen = np.zeros(MICRO, np.bool_)
    _call("seen_prices", _address_32(bid), _address_32(ask), len(bid), _address(seen, np.bool_))
    return seen


def price_codes(rows: CandleRows, kind: Ints, price_index: Codes, prices: int, kinds: int) -> tuple[Codes, Codes]:
    """Give each row a code per side: kind x prices + index of the price, -1 where the side is not offered.

    Args:
        rows: candles of some contracts.
        kind: by contract, index of its kind.
        price_index: by price in micro-units, its index among the seen prices.
        prices: number of seen prices.
        kinds: number of kinds; the kinds of the NO sides follow those of the YES sides.

    Returns:
        By row, codes of the YES and of the NO side.
    """
    yes_code, no_code = np.full(len(rows.end_ts), -1, np.int32), np.full(len(rows.end_ts), -1, np.int32)
    _call(
        "price_codes",
        _row_structure(rows),
        len(rows.first_row),
        _address_64(kind),
        _address_32(price_index),
        prices,
        kinds,
        _address_32(yes_code),
        _address_32(no_code),
    )
    return yes_code, no_code


def quote_codes(rows: CandleRows) -> tuple[Codes, Codes, Ints, Prices, Prices]:
    """Give each row a code per side by its distinct (contract, YES ask, NO ask), -1 where neither side is offered.

    Args:
        rows: candles of some contracts.

    Returns:
        By row, codes of the YES and of the NO side; by code of the YES sides, index of the contract, YES ask and NO ask
        (micro-units, -1: not offered). The codes of the NO sides follow those of the YES sides.
    """
    count = len(rows.end_ts)
    # the smallest power of 2 that is at least twice the rows of any contract
    size = 1 << int(2 * (rows.end_row - rows.first_row).max(initial=2) - 1).bit_length()
    keys, code_at = np.zeros(size, np.int64), np.full(size, -1, np.int64)
    yes_code, no_code = np.full(count, -1, np.int32), np.full(count, -1, np.int32)
    owner, yes_asks, no_asks = np.empty(count, np.int64), np.empty(count, np.int32), np.empty(count, np.int32)
    # codes and owners are written in place; the result is the number of codes of a side
    codes = _call(
        "quote_codes",
        _row_structure(rows),
        len(rows.first_row),
        size,
        _address_64(keys),
        _address_64(code_at),
        _address_32(yes_code),
        _address_32(no_code),
        _address_64(owner),
        _address_32(yes_asks),
        _address_32(no_asks),
    )
    return yes_code, no_code, owner[:codes], yes_asks[:codes], no_asks[:codes]


class Pass(NamedTuple):
    """One call of `advance`: candles of live contracts, what is wanted of them, and the account.

    Attributes:
        until: decision times before it are replayed; Unix s.
        step: seconds between decision times.
        max_age: seconds for which a quote is visible.
        eras: (n, 3) eras of the fee rule: start (Unix s), grid and balance grid (micro-units).
        market: columns of all contracts.
        by_settlement: idx of all contracts by settlement time and ticker.
        live_idx: idx of the live contracts, those that are not settled before the pass.
        by_start: places in live_idx, by first decision time.
        member: by idx, place in live_idx, or -1.
        rows: candles of the live contracts.
        yes_code: by row, code of the YES side in the table, or -1.
        no_code: by row, code of the NO side in the table, or -1.
        table: what is wanted.
        limits: limits of the run.
        account: changed in place.
        instants: when equity is recorded, ascending; Unix s.
        out: receives the output.
    """

    until: int
    step: int
    max_age: int
    eras: Ints
    market: MarketColumns
    by_settlement: Ints
    live_idx: Ints
    by_start: Ints
    member: Ints
    rows: CandleRows
    yes_code: Codes
    no_code: Codes
    table: WantedTable
    limits: Limits
    account: Account
    instants: Ints
    out: Buffers


def advance(this_pass: Pass) -> int:
    """Replay all decision times before `this_pass.until`.

    Args:
        this_pass: the candles, what is wanted of them, and the account.

    Returns:
        DONE; BUFFERS_FULL: empty the buffers and call again, the pass goes on where it stopped; TOO_LARGE: the account would
        hold too many contracts for exact amounts.
    """
    # structures that kernel.c's Pass points to; they must live until the call returns
    table, out = this_pass.table, this_pass.out
    market, rows, account = (
        _column_structure(this_pass.market),
        _row_structure(this_pass.rows),
        _column_structure(this_pass.account),
    )
    limits, buffers = _structure(*(int(limit) for limit in this_pass.limits)), _column_structure(out)
    wanted = _structure(
        _address_64(table.quantity),
        _address_64(table.rank),
        _address_64(table.rank_remainder),
        _address_64(table.fee_whole),
        _address_64(table.fee_part),
        _address_64(table.fee_base),
    )
    columns = np.empty((SCRATCH_COLUMNS, len(this_pass.live_idx)), np.int64)
    scratch = _structure(*(_address_64(column) for column in columns))

    # kernel.c's Pass, field by field
    structure = _structure(
        this_pass.until,
        this_pass.step,
        this_pass.max_age,
        _address_64(this_pass.eras),
        len(this_pass.eras),
        table.era_rows,
        ctypes.addressof(market),
        _address_64(this_pass.by_settlement),
        len(this_pass.by_settlement),
        _address_64(this_pass.live_idx),
        _address_64(this_pass.by_start),
        len(this_pass.live_idx),
        _address_64(this_pass.member),
        ctypes.addressof(rows),
        _address_32(this_pass.yes_code),
        _address_32(this_pass.no_code),
        ctypes.addressof(wanted),
        ctypes.addressof(limits),
        ctypes.addressof(account),
        _address_64(this_pass.instants),
        len(this_pass.instants),
        ctypes.addressof(buffers),
        len(out.fills),
        len(out.refusals),
        int(len(out.counts) > 0),  # counted
        int(len(out.stretch) > 0),  # audit
        int(len(out.settlements) > 0),  # booked
        ctypes.addressof(scratch),
    )
    return int(_call("advance", structure))


def _row_structure(rows: CandleRows) -> _Structure:
    """Return kernel.c's CandleRows, which has columns of 32 and of 64 bits."""
    return _structure(
        _address_64(rows.end_ts),
        _address_32(rows.bid),
        _address_32(rows.ask),
        _address_64(rows.volume),
        _address_64(rows.first_row),
        _address_64(rows.end_row),
    )
