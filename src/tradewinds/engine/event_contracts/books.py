"""The books of a replay of event contracts, made from the columns that the compiled loops leave."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.units import MICRO
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.limits import EV_THRESHOLD
from tradewinds.engine.journal import Journal, Kind
from tradewinds.engine.lots import oldest_first

REASONS = (EV_THRESHOLD, "")  # of fills and their fees; a settlement needs none


def journal_of(fills: Ints, settlements: Ints, tickers: Sequence[str]) -> Journal:
    """A journal in which fill n opens position n, and settlements close positions in the order of their fills.

    Args:
        fills, settlements: rows as in kernel.Buffers, each in the order in which they happened.
        tickers: of the contracts, by idx.
    """
    idx, side, quantity, price, fee, ts, _, _ = fills.T
    number = np.arange(len(fills))
    bought = (Kind.FILL, ts, idx, number, side, quantity, price, -quantity * price, 0)
    paid = (Kind.FEE, ts, idx, number, side, 0, 0, -fee, 0)
    # the two rows of a fill stand side by side; one without a fee has only the first
    orders = np.stack([_block(bought, len(fills)), _block(paid, len(fills))], axis=2).reshape(
        len(bought), 2 * len(fills)
    )
    orders = orders[:, np.column_stack([np.ones(len(fills), bool), fee != 0]).ravel()]

    idx, side, quantity, price, ts = settlements.T
    position, row, part = oldest_first(
        fills[:, 0] * len(Side) + fills[:, 1], fills[:, 2], idx * len(Side) + side, quantity
    )
    price = price[row]
    settled = (Kind.SETTLEMENT, ts[row], idx[row], position, side[row], -part, price, part * price, 1)

    # at one instant settlements come before orders
    names = ("kind", "ts", "instrument", "position_id", "leg", "quantity", "price", "cash_change", "reason")
    columns = dict(zip(names, np.concatenate([_block(settled, len(row)), orders], axis=1), strict=True))
    columns["quantity"] = columns["quantity"] * MICRO
    return Journal.in_order(columns, instruments=tickers, legs=[s.name for s in Side], reasons=REASONS)


def _block(columns: Sequence[Ints | int], rows: int) -> Ints:
    """Columns, some of them constant, as one array of (columns, rows)."""
    return np.array([np.broadcast_to(column, rows) for column in columns], np.int64)
