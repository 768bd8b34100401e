"""Rules of orders: what is bought at which quotes, and the fees and limits that apply.

A strategy never sees quotes in order of time. It is given every distinct quote (probability, fee rate and asks) once, and its
answer holds wherever such a quote is visible, so it cannot look ahead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tradewinds.core.arrays import Flags, Ints
from tradewinds.core.units import PICO
from tradewinds.engine.event_contracts.contracts import PICO_PER_MICRO, Side
from tradewinds.engine.event_contracts.fees import FeeRule, FeeTerms, exact_quantity
from tradewinds.engine.event_contracts.limits import RiskLimits
from tradewinds.engine.event_contracts.sizing import Kelly, Sizing
from tradewinds.engine.stepwise.step_caller import StepCaller

Prices = npt.NDArray[np.int32]

NONE = -1  # instead of a side: nothing is wanted
NOT_QUOTED = -1  # instead of a price
_KEPT = 8  # columns of net values that the quotes of live candles keep


def read_only(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a view of a column through which it cannot be changed.

    Args:
        column: any array.
    """
    view = column.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True)
class Quotes:
    """Distinct visible quotes as read-only columns.

    Net values, and where a side is quoted, are computed once and kept, since all points of a sweep ask for the same ones.

    Attributes:
        p_pico: P(YES); pico-units.
        yes_ask: price of a YES; micro-units, or NOT_QUOTED.
        no_ask: price of a NO; micro-units, or NOT_QUOTED.
        fee_terms: of the YES and of the NO side.
        fee_rule: the fee rule.
        fee_era: index of its era.
    """

    p_pico: Ints
    yes_ask: Prices
    no_ask: Prices
    fee_terms: tuple[FeeTerms, FeeTerms]
    fee_rule: FeeRule
    fee_era: int = 0
    _net_values: dict[tuple[Side, int], Ints] = field(default_factory=dict, repr=False)
    _quoted: dict[Side, Flags] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """Return the number of quotes."""
        return len(self.p_pico)

    def quoted(self, side: Side) -> Flags:
        """Return where a side can be bought.

        Args:
            side: YES or NO.
        """
        side = Side.YES if side == Side.YES else Side.NO
        if side not in self._quoted:
            self._quoted[side] = (self.yes_ask if side == Side.YES else self.no_ask) != NOT_QUOTED
        return self._quoted[side].copy()  # a strategy may change what it gets

    def ask(self, side: Side) -> Ints:
        """Return the price of a contract; micro-units, or NOT_QUOTED.

        Args:
            side: YES or NO.
        """
        return (self.yes_ask if side == Side.YES else self.no_ask).astype(np.int64)

    def gross_value(self, side: Side) -> Ints:
        """Return the expected value of one contract before its fee; pico-units.

        Args:
            side: YES or NO.
        """
        p = self.p_pico if side == Side.YES else PICO - self.p_pico
        return p - self.ask(side) * PICO_PER_MICRO

    def fee(self, side: Side, quantity: int) -> Ints:
        """Return the fee of an order; micro-units, as Python's own integers for orders of some millions of contracts.

        Args:
            side: YES or NO.
            quantity: contracts of the order.
        """
        return self.fee_rule.fees(self.fee_terms[side], quantity, np.maximum(self.ask(side), 0), self.fee_era)

    def net_value(self, side: Side, quantity: int) -> Ints:
        """Return the expected value of an order after its fee, for all its contracts together; pico-units as for `fee`.

        Args:
            side: YES or NO.
            quantity: contracts of the order.
        """
        value = self._net_values.get((side, quantity))
        if value is None:
            exact = exact_quantity(self.fee_terms[side], quantity)
            value = read_only(self.gross_value(side) * exact - self.fee(side, quantity) * PICO_PER_MICRO)
            if len(self._net_values) < _KEPT:
                self._net_values[side, quantity] = value
        return value


class WantedOrders(NamedTuple):
    """The order that a strategy wants at each quote.

    Attributes:
        side: YES, NO, or NONE for no order.
        quantity: contracts.
        priority: at one instant the highest goes first; equal ones go by ticker.
    """

    side: npt.NDArray[np.int8]
    quantity: Ints
    priority: npt.NDArray[Any]


QuoteRule = Callable[[Quotes], WantedOrders]


@dataclass(frozen=True)
class StepRules:
    """How a strategy trades that is called at decision times.

    Attributes:
        make: makes a strategy that has not been called yet.
        takes: orders may be filled at once at the visible price; else they only rest.
        touch_share: of the volume at a resting order's own price, the most that can fill it.
        period_seconds: length of a candle.
        price_grid: limits of resting orders are multiples of it; micro-units.
        maker_factor: fee of a resting order as a fraction of the fee of one that is filled at once.
        touch_fills: resting orders are filled as soon as their price is reached: the optimistic variant.
    """

    make: Callable[[], StepCaller]
    takes: bool
    touch_share: Fraction
    period_seconds: int
    price_grid: int
    maker_factor: Fraction
    touch_fills: bool = False


@dataclass(frozen=True)
class Rules:
    """How orders are made.

    With `from_strategy` a strategy says what is wanted. Without it, the side is bought whose expected value a contract, after
    the fee of an order of the size that `sizing` gives, is larger and exceeds `min_ev_pico`; of equal ones YES, and the
    highest value first.

    Attributes:
        sizing: contracts of an order; None with a strategy.
        from_strategy: the orders that a strategy wants; None with a sizing.
        min_ev_pico: pico-units a contract, which an order that limits reduced must still exceed; None: it need not.
        fee_rule: the fees.
        limits: the limits.
        step_seconds: decision times are its multiples.
        max_age_seconds: an older quote is not visible; None: no limit.
        stepwise: how a strategy trades that is called at decision times; None: the compiled loop trades by quotes.
    """

    sizing: Sizing | None
    from_strategy: QuoteRule | None
    min_ev_pico: int | None
    fee_rule: FeeRule
    limits: RiskLimits
    step_seconds: int
    max_age_seconds: int | None = None
    stepwise: StepRules | None = None

    @property
    def kelly(self) -> Kelly | None:
        """The sizing if it depends on equity, else None."""
        return self.sizing if isinstance(self.sizing, Kelly) else None
