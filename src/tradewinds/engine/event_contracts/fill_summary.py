"""The summary of a replay, from the rows of its fills."""

from __future__ import annotations

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.units import MICRO
from tradewinds.engine.event_contracts.contract_journal import netted_parts
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.result import Summary


def summary_of(fills: Ints, payout_yes: Ints, equity: Ints) -> Summary:
    """Return fills and equity as columns, without an object per fill.

    Args:
        fills: (n, 8) as `fills` of kernel_structures.Buffers, in order of execution.
        payout_yes: by idx, what a YES pays at settlement; micro-units.
        equity: (instants, 3): instant in Unix s, cash, open value in micro-units, in order of time.
    """
    idx, side, quantity, price, fee, decision_ts, _, netted = fills.T
    pays = payout_yes[idx]
    payout = quantity * np.where(side == Side.YES, pays, MICRO - pays)
    if netted.any():  # what was netted has another payout than at settlement
        parts = netted_parts(fills)
        each = parts.price - np.where(side == Side.YES, pays, MICRO - pays)[parts.position]
        np.add.at(payout, parts.position, parts.quantity * each)
    return Summary(
        decision_ts=decision_ts,
        quantity=quantity,
        fee_micro=fee,
        pnl_micro=payout - quantity * price - fee,
        equity_ts=equity[:, 0],
        equity_micro=equity[:, 1] + equity[:, 2],
    )
