"""Wishes: what a strategy would buy at a quote, before any limit. A function of the quote alone, or of the account too.

A strategy is asked about *distinct* quotes (probability, fee rate, asks), in no order of time: it cannot see which quote came
before or after another, so there is nothing to look ahead at. The answer is then spread over all intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tradewinds.engine.contracts import PICO_PER_MICRO, Contract, Side
from tradewinds.engine.costs import FeeRule
from tradewinds.engine.quotes import NOT_QUOTED, Intervals, Ints, Prices
from tradewinds.store import PICO

NONE = -1  # in the place of a side: no wish


@dataclass(frozen=True)
class Quotes:
    """Distinct visible quotes as columns: P(YES) in pico, asks in micro-dollars or NOT_QUOTED, place of the fee rate."""

    p_pico: Ints
    yes_ask: Prices
    no_ask: Prices
    fee_place: Ints
    fee_rates: Sequence[Fraction]
    fee_rule: FeeRule

    def quoted(self, side: Side) -> npt.NDArray[np.bool_]:
        """Where a side can be bought."""
        quoted: npt.NDArray[np.bool_] = self.ask(side) != NOT_QUOTED
        return quoted

    def ask(self, side: Side) -> Ints:
        """Price of a contract of a side, micro-dollars."""
        return (self.yes_ask if side is Side.YES else self.no_ask).astype(np.int64)

    def gross_value(self, side: Side) -> Ints:
        """Expected value of one contract before its fee, pico-dollars."""
        p = self.p_pico if side is Side.YES else PICO - self.p_pico
        return p - self.ask(side) * PICO_PER_MICRO

    def fee(self, side: Side, quantity: int) -> Ints:
        """Fee of an order of so many contracts, micro-dollars (under the rule before any dated change)."""
        prices, place = np.unique(self.ask(side), return_inverse=True)
        table = [[self.fee_rule(rate, quantity, price, 0) for price in prices.tolist()] for rate in self.fee_rates]
        return np.array(table, np.int64).reshape(len(self.fee_rates), len(prices))[self.fee_place, place]

    def net_value(self, side: Side, quantity: int) -> Ints:
        """Expected value of an order of so many contracts after its fee, pico-dollars for all of them together."""
        return self.gross_value(side) * quantity - self.fee(side, quantity) * PICO_PER_MICRO


@dataclass(frozen=True)
class Wishes:
    """What to buy at each quote: a side (NONE: nothing), how many contracts, and in which order at one instant (the highest
    priority first, then by ticker)."""

    side: npt.NDArray[np.int8]
    quantity: Ints
    priority: npt.NDArray[Any]


class Wish(NamedTuple):
    """What to buy at one quote; priority as in Wishes."""

    side: Side
    quantity: int
    priority: Any


QuoteRule = Callable[[Quotes], Wishes]

Asks = tuple[int | None, int | None]  # of YES and NO, micro-dollars

AccountRule = Callable[[int, Fraction, Asks, int, int], Wish | None]
"""(P(YES) in pico, fee rate, asks, equity at cost in micro-dollars, decision time) → what to buy."""


def wishes_of(intervals: Intervals, contracts: Sequence[Contract], rule: QuoteRule, fee_rule: FeeRule) -> Wishes:
    """A rule's answer for every interval."""
    kinds: dict[tuple[int, Fraction], int] = {}
    kind_of = np.array([kinds.setdefault((c.p_pico, c.fee_rate), len(kinds)) for c in contracts], np.int64)
    keys = kind_of[intervals.idx] << 42 | (intervals.yes_ask.astype(np.int64) + 1) << 21 | (intervals.no_ask + 1)
    encoded = pa.array(keys).dictionary_encode()
    distinct, place = encoded.dictionary.to_numpy(), encoded.indices.to_numpy()
    kind, low = distinct >> 42, (1 << 21) - 1
    rates = sorted({rate for _, rate in kinds})
    fee_place = np.array([rates.index(rate) for _, rate in kinds], np.int64)
    p = np.array([p for p, _ in kinds], np.int64)
    yes, no = ((distinct >> 21 & low) - 1).astype(np.int32), ((distinct & low) - 1).astype(np.int32)
    found = rule(Quotes(p[kind], yes, no, fee_place[kind], rates, fee_rule))
    return Wishes(found.side[place], found.quantity[place], found.priority[place])


def one_by_one(rule: AccountRule) -> QuoteRule:
    """A rule for many quotes from one that is asked about each, if it looks at neither account nor time."""

    def of_quotes(quotes: Quotes) -> Wishes:
        rows = zip(
            quotes.p_pico.tolist(),
            quotes.fee_place.tolist(),
            quotes.yes_ask.tolist(),
            quotes.no_ask.tolist(),
            strict=True,
        )
        found = [rule(p, quotes.fee_rates[place], (_ask(yes), _ask(no)), 0, 0) for p, place, yes, no in rows]
        side = np.array([NONE if wish is None else int(wish.side) for wish in found], np.int8)
        quantity = np.array([0 if wish is None else wish.quantity for wish in found], np.int64)
        priority = np.empty(len(found), object)
        priority[:] = [0 if wish is None else wish.priority for wish in found]
        return Wishes(side, quantity, priority)

    return of_quotes


def _ask(price: int) -> int | None:
    return None if price == NOT_QUOTED else price
