"""Filled orders, one by one and as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from tradewinds.core.arrays import Flags, Ints
from tradewinds.core.column_rows import ColumnRows, Objects, columns_of, objects
from tradewinds.core.units import PICO
from tradewinds.engine.event_contracts.contracts import PICO_PER_MICRO, Contract, Side
from tradewinds.engine.event_contracts.limits import EV_THRESHOLD
from tradewinds.engine.result import Decision

_SIDES, _SIDE_NAMES = objects(tuple(Side)), objects([side.name for side in Side])
_MOST_CONTRACTS, _MOST_FEE = 1 << 20, 1 << 42  # of an order whose value in pico-units surely fits into 64 bits


class Fill(NamedTuple):
    """A filled order.

    Attributes:
        contract: what was bought.
        side: YES or NO.
        quantity: contracts.
        price_micro: price of a contract; micro-units.
        fee_micro: fee of the order; micro-units.
        decision_ts: when it was decided and filled; Unix s.
        quote_ts: end of the candle whose quote it was filled at; Unix s.
        gross_ev_pico: expected value of a contract before the fee; pico-units.
        net_ev_total_pico: expected value of all contracts after the fee; pico-units. The value a contract is exact as this
            over `quantity`.
        reason: why it was made.
        p_yes_pico: probability of YES in force; pico-units.
        rested: whether the order rested before it was filled.
    """

    contract: Contract
    side: Side
    quantity: int
    price_micro: int
    fee_micro: int
    decision_ts: int
    quote_ts: int
    gross_ev_pico: int
    net_ev_total_pico: int
    p_yes_pico: int
    reason: str = EV_THRESHOLD
    rested: bool = False

    @property
    def cost_micro(self) -> int:
        """Price and fee of all contracts; micro-units."""
        return self.quantity * self.price_micro + self.fee_micro

    @property
    def payout_micro(self) -> int:
        """Payout of all contracts at settlement; micro-units."""
        return self.quantity * self.contract.payout_micro(self.side)


class Fills(ColumnRows[Fill]):
    """Fills in order of execution.

    Args:
        contracts: of the fills at least.
        idx: by fill, index of its contract.
        columns: the other columns of Fill, by name.

    Attributes:
        contracts: as given.
        idx: as given.
    """

    def __init__(self, contracts: Sequence[Contract], idx: Ints, columns: dict[str, np.ndarray]) -> None:
        super().__init__(Fill, {"contract": objects(contracts)[idx], **columns})
        self.contracts, self.idx = contracts, idx

    def _part(self, rows: slice) -> Self:
        """Return some fills."""
        part = super()._part(rows)
        part.idx = self.idx[rows]
        return part

    @classmethod
    def of_rows(cls, contracts: Sequence[Contract], rows: Ints, p_yes: Ints, reason: Objects, rested: Flags) -> Fills:
        """Return the fills that a loop wrote.

        Args:
            contracts: by idx.
            rows: (n, 8) as `fills` of kernel_structures.Buffers, in order of execution.
            p_yes: by fill, probability of YES in force; pico-units.
            reason: by fill, why it was made.
            rested: by fill, whether the order rested before.
        """
        idx, side, quantity, price, fee, decision_ts, quote_ts, _ = np.ascontiguousarray(rows.T)
        gross = np.where(side == Side.YES, p_yes, PICO - p_yes) - price * PICO_PER_MICRO
        return cls(
            contracts,
            idx,
            {
                "side": _SIDES[side],
                "quantity": quantity,
                "price_micro": price,
                "fee_micro": fee,
                "decision_ts": decision_ts,
                "quote_ts": quote_ts,
                "gross_ev_pico": gross,
                "net_ev_total_pico": _net_values(gross, quantity, fee),
                "p_yes_pico": p_yes,
                "reason": reason,
                "rested": rested,
            },
        )

    @classmethod
    def of(cls, fills: Sequence[Fill]) -> Fills:  # type: ignore[override]
        """Return fills that were made one by one.

        Args:
            fills: in order of execution.
        """
        columns = columns_of(Fill, fills)
        contracts = columns.pop("contract").tolist()
        return cls(contracts, np.arange(len(contracts)), columns)


def decisions_of(fills: Fills) -> ColumnRows[Decision]:
    """Return fills as decisions of a run."""
    of, count = fills.columns, len(fills)
    columns = {
        "ticker": objects([contract.ticker for contract in fills.contracts])[fills.idx],
        "first_ts": of["decision_ts"],
        "times": np.ones(count, np.int64),
        "side": _SIDE_NAMES[of["side"].astype(np.int64)],
        "quantity": of["quantity"],
        "price_micro": of["price_micro"],
        "filled": np.ones(count, np.bool_),
        "reason": of["reason"],
    }
    return ColumnRows(Decision, columns)


def _net_values(gross: Ints, quantity: Ints, fee: Ints) -> np.ndarray:
    """Return what orders are worth after their fees in pico-units: as integers of 64 bits where all fit, else of Python."""
    if quantity.max(initial=0) > _MOST_CONTRACTS or fee.max(initial=0) > _MOST_FEE:
        return np.asarray(gross.astype(np.object_) * quantity - fee.astype(np.object_) * PICO_PER_MICRO)
    return gross * quantity - fee * PICO_PER_MICRO
