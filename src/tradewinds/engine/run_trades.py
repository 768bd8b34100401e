"""Trades of a run: positions with the facts of their markets, kept as columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple, Self

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.column_rows import ColumnRows, columns_of, objects
from tradewinds.core.units import MICRO, NO_AMOUNT
from tradewinds.engine.trades import Position


class Trade(NamedTuple):
    """A position with the facts of its market.

    Quantities and money come from `position`, which is made from the journal: no market family states them. A field is None
    where the market has no such thing.

    Attributes:
        series_ticker: series of the event.
        event_ticker: event of the market.
        market_ticker: the market.
        station_id: the place whose readings settle the market; "" without one.
        decision_ts: when the entry was decided; Unix s.
        quote_ts: end of the candle or bar of the entry; Unix s.
        side: BUY_YES, BUY_NO or BUY.
        model_prob_yes_pico: probability of YES; pico-units.
        ev_gross_pico: expected value of one contract before the fee; pico-units.
        ev_net_total_pico: expected value of all contracts after the fee; pico-units.
        reason_code: why it was bought.
        settled_result: how it ended.
        settled_ts: when it ended; Unix s.
        position: quantities and money.
    """

    series_ticker: str
    event_ticker: str
    market_ticker: str
    station_id: str
    decision_ts: int
    quote_ts: int
    side: str
    model_prob_yes_pico: int | None
    ev_gross_pico: int | None
    ev_net_total_pico: int | None
    reason_code: str
    settled_result: str
    settled_ts: int
    position: Position

    @property
    def ev_net_pico(self) -> Fraction | None:
        """Expected value of one contract after the fee; pico-units, exact."""
        return None if self.ev_net_total_pico is None else Fraction(self.ev_net_total_pico, self.qty)

    @property
    def qty(self) -> int:
        """Whole contracts or shares bought in the first leg's entries."""
        return self.position.quantity // MICRO

    @property
    def entry_price_micro(self) -> int:
        """Mean entry price of the first leg; micro-units."""
        return self.position.entry_price

    @property
    def entry_cost_micro(self) -> int:
        """Cost of the entries without fees; micro-units."""
        return -self.position.entry_cash

    @property
    def entry_fee_micro(self) -> int:
        """Fees of the entries; micro-units."""
        return self.position.entry_fee

    @property
    def exit_fee_micro(self) -> int:
        """Fees of the exits; micro-units."""
        return self.position.exit_fee

    @property
    def payout_micro(self) -> int:
        """Cash from exits, settlement and flows, less the exits' fees; micro-units."""
        return self.position.exit_cash + self.position.flows - self.position.exit_fee

    @property
    def pnl_micro(self) -> int:
        """Sum of all changes of cash; micro-units."""
        return self.position.pnl


class Trades(ColumnRows[Trade]):
    """Trades of a run in order of execution.

    Args:
        facts: the columns of Trade before its position, by name.
        positions: their quantities and money.

    Attributes:
        positions: as given.
    """

    def __init__(self, facts: Mapping[str, np.ndarray], positions: ColumnRows[Position]) -> None:
        super().__init__(Trade, facts)
        self.positions = positions

    @classmethod
    def of_rows(cls, trades: Iterable[Trade]) -> Trades:
        """Return trades that were made one by one.

        Args:
            trades: in order of execution.
        """
        facts = columns_of(Trade, trades)
        return cls(facts, ColumnRows.of(Position, facts.pop("position").tolist()))

    def _part(self, rows: slice) -> Self:
        """Return some trades."""
        part = super()._part(rows)
        part.positions = self.positions[rows]
        return part

    def _lists(self, rows: slice) -> list[list[Any]]:
        """Return the columns of some trades as lists, the positions last."""
        return [*super()._lists(rows), list(self.positions[rows])]

    @property
    def qty(self) -> Ints:
        """Whole contracts or shares, as `Trade.qty`."""
        quantity: Ints = self.positions.columns["quantity"] // MICRO
        return quantity

    @property
    def entry_cost_micro(self) -> Ints:
        """Cost of the entries without fees; micro-units."""
        cost: Ints = -self.positions.columns["entry_cash"]
        return cost

    @property
    def payout_micro(self) -> Ints:
        """Cash from exits, settlement and flows, less the exits' fees; micro-units."""
        of = self.positions.columns
        payout: Ints = of["exit_cash"] + of["flows"] - of["exit_fee"]
        return payout

    @property
    def pnl_micro(self) -> Ints:
        """Sum of all changes of cash; micro-units."""
        pnl: Ints = self.positions.columns["pnl"]
        return pnl

    @property
    def model_prob_yes_pico(self) -> Ints:
        """Probability of YES, NO_AMOUNT without one; pico-units."""
        return _known(self.columns["model_prob_yes_pico"])

    @property
    def ev_gross_pico(self) -> Ints:
        """Expected value of one contract before the fee, NO_AMOUNT without one; pico-units."""
        return _known(self.columns["ev_gross_pico"])

    @property
    def ev_net_pico(self) -> Ints:
        """Expected value of one contract after the fee, rounded half to even, NO_AMOUNT without one; pico-units."""
        totals, quantities = self.columns["ev_net_total_pico"], self.qty
        if totals.dtype == np.object_:
            pairs = zip(totals.tolist(), quantities.tolist(), strict=True)
            return _known(
                objects([None if total is None else round(Fraction(total, quantity)) for total, quantity in pairs])
            )
        whole, rest = np.divmod(totals, quantities)
        up = (2 * rest > quantities) | ((2 * rest == quantities) & (whole % 2 == 1))
        rounded: Ints = whole + up
        return rounded


def _known(column: np.ndarray) -> Ints:
    """Return a column with NO_AMOUNT for None."""
    if column.dtype == np.int64:
        return column
    return np.array([NO_AMOUNT if value is None else value for value in column.tolist()], np.int64)
