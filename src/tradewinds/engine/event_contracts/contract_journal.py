"""The journal of a replay of event contracts, made from the columns that the compiled loops write."""

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
_COLUMNS = ("kind", "ts", "instrument", "position_id", "leg", "quantity", "price", "cash_change", "reason")


def journal_of(fills: Ints, settlements: Ints, tickers: Sequence[str]) -> Journal:
    """Return the journal of a replay: fill n opens position n, and settlements close positions in the order of their fills.

    Args:
        fills: (n, 8) as `fills` of kernel.Buffers, in order of execution.
        settlements: (m, 5) as `settlements` of kernel.Buffers, in order of time.
        tickers: of the contracts, by idx.
    """
    # fills and their fees; the two rows of a fill stand side by side, and one without a fee has only the first
    idx, side, quantity, price, fee, ts, _, _ = fills.T
    number = np.arange(len(fills))
    fill_rows = _block((Kind.FILL, ts, idx, number, side, quantity, price, -quantity * price, 0), len(fills))
    fee_rows = _block((Kind.FEE, ts, idx, number, side, 0, 0, -fee, 0), len(fills))
    orders = np.stack([fill_rows, fee_rows], axis=2).reshape(len(_COLUMNS), 2 * len(fills))
    orders = orders[:, np.column_stack([np.ones(len(fills), bool), fee != 0]).ravel()]

    # settlements, split over the positions that they close
    idx, side, quantity, price, ts = settlements.T
    bought, closed = fills[:, 0] * len(Side) + fills[:, 1], idx * len(Side) + side
    position, row, part = oldest_first(bought, fills[:, 2], closed, quantity)
    price = price[row]
    settled = _block((Kind.SETTLEMENT, ts[row], idx[row], position, side[row], -part, price, part * price, 1), len(row))

    # at one instant settlements come before orders
    columns = dict(zip(_COLUMNS, np.concatenate([settled, orders], axis=1), strict=True))
    columns["quantity"] = columns["quantity"] * MICRO
    return Journal.in_order(columns, instruments=tickers, legs=[s.name for s in Side], reasons=REASONS)


def _block(columns: Sequence[Ints | int], rows: int) -> Ints:
    """Return columns, some of them constant, as one array of shape (columns, rows)."""
    return np.array([np.broadcast_to(column, rows) for column in columns], np.int64)
