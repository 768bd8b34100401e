"""Rules: what is bought at which quotes, before any limit, and how a market's fees and limits apply.

A strategy never sees quotes in order of time. It says what it wants at a *kind* of quote (its probability, fee rate and asks),
and the answer holds wherever such a quote is in force: there is nothing to look ahead at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tradewinds.core.arrays import Ints
from tradewinds.core.units import PICO
from tradewinds.engine.event_contracts.contracts import PICO_PER_MICRO, Side
from tradewinds.engine.event_contracts.fees import FeeRule, FeeTerms
from tradewinds.engine.event_contracts.limits import RiskLimits
from tradewinds.engine.event_contracts.sizing import Kelly, Sizing

Prices = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

NONE = -1  # in the place of a side: nothing is wanted
NOT_QUOTED = -1  # in the place of a price
_KEPT = 8  # columns of a window's quotes


def read_only(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A view of a column through which it cannot be changed."""
    view = column.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True)
class Quotes:
    """Distinct visible quotes as columns: P(YES) in pico, asks in micro-dollars or NOT_QUOTED, and their fees by side.

    What they are worth is worked out once, for all the points of a sweep ask the same: columns are read-only.
    """

    p_pico: Ints
    yes_ask: Prices
    no_ask: Prices
    fee_terms: tuple[FeeTerms, FeeTerms]
    fee_rule: FeeRule
    fee_era: int = 0
    _worth: dict[tuple[Side, int], Ints] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """How many."""
        return len(self.p_pico)

    def quoted(self, side: Side) -> Bools:
        """Where a side can be bought."""
        quoted: Bools = self.ask(side) != NOT_QUOTED
        return quoted

    def ask(self, side: Side) -> Ints:
        """Price of a contract of a side, micro-dollars."""
        return (self.yes_ask if side == Side.YES else self.no_ask).astype(np.int64)

    def gross_value(self, side: Side) -> Ints:
        """Expected value of one contract before its fee, pico-dollars."""
        p = self.p_pico if side == Side.YES else PICO - self.p_pico
        return p - self.ask(side) * PICO_PER_MICRO

    def fee(self, side: Side, quantity: int) -> Ints:
        """Fee of an order of so many contracts, micro-dollars."""
        return self.fee_rule.fees(self.fee_terms[side], quantity, np.maximum(self.ask(side), 0), self.fee_era)

    def net_value(self, side: Side, quantity: int) -> Ints:
        """Expected value of an order of so many contracts after its fee, pico-dollars for all of them together."""
        found = self._worth.get((side, quantity))
        if found is None:
            found = read_only(self.gross_value(side) * quantity - self.fee(side, quantity) * PICO_PER_MICRO)
            if len(self._worth) < _KEPT:
                self._worth[side, quantity] = found
        return found


@dataclass(frozen=True)
class Wishes:
    """What to buy at each quote: a side (NONE: nothing), how many contracts, and in which order at one instant (the highest
    priority first, then by ticker)."""

    side: npt.NDArray[np.int8]
    quantity: Ints
    priority: npt.NDArray[Any]


QuoteRule = Callable[[Quotes], Wishes]


@dataclass(frozen=True)
class Rules:
    """How orders are made: either `by_quote` says what is wanted, or the side whose expected value a contract, after the fee
    of an order of the size that `sizing` gives, is larger and exceeds `min_ev_pico` (tie: YES; best first).

    An order that limits reduced must still exceed `min_ev_pico` (None: it need not). A quote older than `max_age_seconds`
    (None: no limit) is none; decision times are the multiples of `step_seconds`.
    """

    sizing: Sizing | None
    by_quote: QuoteRule | None
    min_ev_pico: int | None
    fee_rule: FeeRule
    limits: RiskLimits
    step_seconds: int
    max_age_seconds: int | None = None

    @property
    def kelly(self) -> Kelly | None:
        """The sizing, where it depends on the account."""
        return self.sizing if isinstance(self.sizing, Kelly) else None
