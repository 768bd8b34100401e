"""The journal of a replay of event contracts, made from the columns that the compiled loops write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.units import MICRO
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.limits import EV_THRESHOLD
from tradewinds.engine.journal import Journal, Kind
from tradewinds.engine.lots import oldest_first

NETTED = "netted"  # reason of what is paid because YES and NO of a contract make pairs
_JOURNAL_REASONS = (EV_THRESHOLD, "", NETTED)  # of fills and their fees; of settlements; of netted contracts
_COLUMNS = ("kind", "ts", "instrument", "position_id", "leg", "quantity", "price", "cash_change", "reason")


class NettedParts(NamedTuple):
    """Netted contracts as columns: a row per position that an order closes in whole or in part, in order of the orders.

    Attributes:
        order: number of the fill whose order made the pairs.
        position: number of the position that is closed; the order's own is one of them.
        quantity: contracts.
        price: payout of one; micro-units.
    """

    order: Ints
    position: Ints
    quantity: Ints
    price: Ints


def netted_parts(fills: Ints) -> NettedParts:
    """Return what is paid for netted contracts, the oldest of each side first.

    Both sides of a pair are paid the price at which it was made: the order's own contract its price, the held one the rest of
    one unit of money.

    Args:
        fills: (n, 8) as `fills` of kernel_structures.Buffers, in order of execution.
    """
    idx, side, quantity, price, _, _, _, netted = fills.T
    pairs = np.flatnonzero(netted)
    if not len(pairs):  # nearly always: nothing is sorted
        return NettedParts(pairs, pairs, pairs, pairs)
    # two closings an order: of the side that was held, and of what it bought itself
    key = idx * len(Side) + side
    closed = np.stack([idx[pairs] * len(Side) + 1 - side[pairs], key[pairs]], axis=1).ravel()
    position, closing, part = oldest_first(key, quantity, closed, np.repeat(netted[pairs], 2))
    payouts = np.stack([MICRO - price[pairs], price[pairs]], axis=1).ravel()
    return NettedParts(order=pairs[closing // 2], position=position, quantity=part, price=payouts[closing])


def journal_of(
    fills: Ints, settlements: Ints, tickers: Sequence[str], *, fill_reasons: Sequence[str] | None = None
) -> Journal:
    """Return the journal of a replay: fill n opens position n, and settlements close positions in the order of their fills.

    Args:
        fills: (n, 8) as `fills` of kernel_structures.Buffers, in order of execution.
        settlements: (m, 5) as `settlements` of kernel_structures.Buffers, in order of time.
        tickers: of the contracts, by idx.
        fill_reasons: by fill, why it was made; None: EV_THRESHOLD for all.
    """
    names: Sequence[str] = _JOURNAL_REASONS
    of_fill = np.zeros(len(fills), np.int64)
    if fill_reasons is not None:
        names = tuple(dict.fromkeys((*_JOURNAL_REASONS, *fill_reasons)))
        of_fill = np.array([names.index(reason) for reason in fill_reasons], np.int64)

    # fills and their fees; a fill without a fee has no second row
    idx, side, quantity, price, fee, ts, _, _ = fills.T
    number = np.arange(len(fills))
    fill_rows = _block((Kind.FILL, ts, idx, number, side, quantity, price, -quantity * price, of_fill), len(fills))
    fee_rows = _block((Kind.FEE, ts, idx, number, side, 0, 0, -fee, of_fill), len(fills))[:, fee != 0]

    # what an order nets, after its fill and its fee
    nets = netted_parts(fills)
    at, part = nets.position, nets.quantity
    netted = _block(
        (Kind.SETTLEMENT, ts[nets.order], idx[at], at, side[at], -part, nets.price, part * nets.price, 2), len(at)
    )
    orders = np.concatenate([fill_rows, fee_rows, netted], axis=1)
    orders = orders[:, np.argsort(np.concatenate([number, number[fee != 0], nets.order]), kind="stable")]

    # settlements, split over what is left of the positions that they close
    left = quantity.copy()
    np.subtract.at(left, at, part)
    open_positions = np.flatnonzero(left)
    idx, side, quantity, price, ts = settlements.T
    bought, closed = (fills[:, 0] * len(Side) + fills[:, 1])[open_positions], idx * len(Side) + side
    lot, row, part = oldest_first(bought, left[open_positions], closed, quantity)
    position, price = open_positions[lot], price[row]
    settled = _block((Kind.SETTLEMENT, ts[row], idx[row], position, side[row], -part, price, part * price, 1), len(row))

    # at one instant settlements come before orders
    columns = dict(zip(_COLUMNS, np.concatenate([settled, orders], axis=1), strict=True))
    columns["quantity"] = columns["quantity"] * MICRO
    return Journal.sorted_by_time(columns, instruments=tickers, legs=[s.name for s in Side], reasons=names)


def _block(columns: Sequence[Ints | int], rows: int) -> Ints:
    """Return columns, some of them constant, as one array of shape (columns, rows)."""
    return np.array([np.broadcast_to(column, rows) for column in columns], np.int64)
