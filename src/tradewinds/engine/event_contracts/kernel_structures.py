"""Structures of the compiled loops: named tuples with the fields of kernel.c's structures, in the same order.

Prices are micro-units of money, probabilities pico-units, times Unix seconds. A market's candles are the rows
[first_row, end_row) of the columns.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tradewinds.core.arrays import Ints
from tradewinds.core.units import NEVER
from tradewinds.engine.event_contracts.order_rules import Prices

Codes = npt.NDArray[np.int32]

UNLIMITED = NEVER  # kernel.c has the same number for both
NO_PRICE = -999_999_999  # instead of a bid or an ask: no price of a file, even an impossible one, is below it

# Indices into an account's scalars; kernel.c says what each is
S_CASH, S_OPEN, S_OPEN_COST, S_NOW, S_SETTLED, S_MARKED, S_HOLDING, S_FILLS, S_REFUSALS = range(9)
S_TOO_LARGE, S_SETTLEMENTS, S_LOTS = range(9, 12)
SCALARS = 12

# Return values of `advance`
DONE, BUFFERS_FULL, TOO_LARGE = 0, 1, 2

# Widths of rows
BLOCK = 64  # rows of which the lowest price is known
FILL_COLUMNS, SETTLEMENT_COLUMNS, REFUSAL_COLUMNS, SCRATCH_COLUMNS = 8, 5, 9, 9


class MarketColumns(NamedTuple):
    """Columns of a run's contracts, by idx: the index among the sorted tickers.

    Attributes:
        event: index of the contract's event.
        event_settles: by event, when the first of its contracts settles; Unix s.
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
        taken: (contracts, 2) of those, how many YES and NO.
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
    taken: Ints
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
        taken=np.zeros((contracts, 2), np.int64),
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


class Books(NamedTuple):
    """Order books of a run's contracts, by idx; a contract without snapshots has none.

    Attributes:
        first_snapshot: by contract.
        end_snapshot: by contract.
        known_at: by snapshot; Unix s.
        first_level: of snapshot n, the offers to buyers of YES are the levels [first_level[2n], first_level[2n + 1]), those to
            buyers of NO [first_level[2n + 1], first_level[2n + 2]).
        price: by level, the lowest of a side first; micro-units.
        size: by level; whole contracts.
        rate: by contract, numerator of its fee rate.
        rate_base: by contract, its denominator.
    """

    first_snapshot: Ints
    end_snapshot: Ints
    known_at: Ints
    first_level: Ints
    price: Ints
    size: Ints
    rate: Ints
    rate_base: Ints


class CandleRows(NamedTuple):
    """Candles of live contracts; those of contract j are the rows [first_row[j], end_row[j]).

    Attributes:
        end_ts: from when the row is visible: the end of its candle, or a later change of the probability; Unix s.
        quote_ts: end of the candle that its quote is of; Unix s.
        bid: YES bid at the close; micro-units, or NO_PRICE.
        ask: YES ask at the close; micro-units, or NO_PRICE.
        volume: of the candle; contracts x 100.
        first_row: by live contract.
        end_row: by live contract.
    """

    end_ts: Ints
    quote_ts: Ints
    bid: Prices
    ask: Prices
    volume: Ints
    first_row: Ints
    end_row: Ints


class WantedTable(NamedTuple):
    """What is wanted, by code: one row per offer, for some eras of the fee rule one after the other.

    Attributes:
        chance: probability that the side pays; pico-units.
        quantity: contracts wanted; 0: none.
        rank: priority, rounded down; the highest goes first.
        rank_remainder: the rest of the priority, times quantity: the priority is rank + rank_remainder/quantity.
        fee_whole: fee a contract, whole grids.
        fee_part: numerator of the part of a grid.
        fee_base: its denominator.
        era_rows: rows of one era.
    """

    chance: Ints
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
        lowest: (blocks, 2) by BLOCK of rows, the lowest price of YES and NO; micro-units.
        highest: (live contracts, 2) the highest price at which YES and NO are wanted; micro-units, -1: not at any.
        yes_code: by row, code of the YES side in the table, or -1.
        no_code: by row, code of the NO side in the table, or -1.
        table: what is wanted.
        limits: limits of the run.
        books: order books; None: no market has one.
        most_levels: of a side of a book, at least 1: the most fills of an order.
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
    lowest: Prices
    highest: Ints
    yes_code: Codes
    no_code: Codes
    table: WantedTable
    limits: Limits
    books: Books | None
    most_levels: int
    account: Account
    instants: Ints
    out: Buffers
