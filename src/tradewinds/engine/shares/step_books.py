"""What the fills of a strategy that is called at every close come to: its journal, and what became of its orders.

They are made when the pass has ended, in columns: a fill itself must cost little, since a strategy may trade all the time.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.units import MICRO
from tradewinds.engine.journal import Journal, Kind
from tradewinds.engine.shares.bars import TradingDays
from tradewinds.engine.shares.share_account import ShareFill
from tradewinds.engine.shares.share_result import OrderOutcome


class StepRefusal(NamedTuple):
    """A refused order.

    Attributes:
        fills: how many fills there were before it.
        outcome: what is kept of it.
    """

    fills: int
    outcome: OrderOutcome


# From its fields as a tuple; its own __new__ takes twice as long.
_outcome: Callable[[tuple[Any, ...]], OrderOutcome] = functools.partial(tuple.__new__, OrderOutcome)


class StepBooks:
    """The books of a pass.

    Args:
        market: the trading days.
        fills: in order of time.
    """

    def __init__(self, market: TradingDays, fills: Sequence[ShareFill]) -> None:
        self._market, self._count = market, len(fills)
        columns: Sequence[tuple[Any, ...]] = list(zip(*fills, strict=True)) or [()] * 11
        self._number, self._symbol, self._shares, self._price, self._fee, self._reason, *others = columns
        self._day, self._at_close, self._decided, self._left, self._cash = others
        self._times = self._times_of_fills()

    def _times_of_fills(self) -> Ints:
        """Return the times of the fills; Unix s."""
        day, at_close = np.array(self._day, np.int64), np.array(self._at_close, np.bool_)
        times = np.empty(self._count, np.int64)
        for of_close in (True, False):
            those = at_close == of_close
            times[those] = self._market.clock.times(day[those], of_close=of_close)
        return times

    def journal(self) -> Journal:
        """Return the journal: each fill, and its commission after it."""
        if not self._count:
            return Journal.empty()
        instruments, instrument = _numbered(self._symbol)
        reasons, reason = _numbered(self._reason)
        # as Python's integers, which never overflow: numpy refuses one that is too large for its column
        quantity = np.array([shares * MICRO for shares in self._shares], np.int64)
        value = np.array([-shares * price for shares, price in zip(self._shares, self._price, strict=True)], np.int64)
        price, fee = np.array(self._price, np.int64), np.array(self._fee, np.int64)
        # by row its fill, and whether it is the commission of that
        of = np.repeat(np.arange(self._count), 1 + (fee != 0))
        is_fee = np.zeros(len(of), np.bool_)
        is_fee[1:] = of[1:] == of[:-1]
        return Journal(
            ts=self._times[of],
            kind=np.where(is_fee, int(Kind.FEE), int(Kind.FILL)),
            instrument=instrument[of],
            position_id=np.array(self._number, np.int64)[of],
            leg=np.zeros(len(of), np.int64),
            quantity=np.where(is_fee, 0, quantity[of]),
            price=np.where(is_fee, 0, price[of]),
            cash_change=np.where(is_fee, -fee[of], value[of]),
            reason=reason[of],
            instruments=tuple(self._market.bars.symbols[symbol] for symbol in instruments),
            legs=("",),
            reasons=tuple(reasons),
        )

    def outcomes(self, refused: Sequence[StepRefusal]) -> list[OrderOutcome]:
        """Return what became of the orders, in order of time.

        Args:
            refused: the refusals, in order of time.
        """
        is_sale, shares = [shares < 0 for shares in self._shares], [abs(shares) for shares in self._shares]
        rows = zip(
            self._decided,
            self._symbol,
            is_sale,
            shares,
            self._price,
            self._reason,
            [True] * self._count,
            self._times.tolist(),
            strict=True,
        )
        filled = list(map(_outcome, rows))
        found, before = [], 0
        for refusal in refused:
            found += filled[before : refusal.fills]
            found.append(refusal.outcome)
            before = refusal.fills
        found += filled[before:]
        return [outcome for outcome in found if outcome.decided_day is not None]

    def changes(self) -> tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[int]]:
        """Return by fill its day, its symbol, the shares of it that are then held, and cash."""
        return self._day, self._symbol, self._left, self._cash


def _numbered(names: Sequence[Any]) -> tuple[list[Any], Ints]:
    """Return the distinct names in the order in which they come first, and by name its number among them."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return list(numbers), np.array([numbers[name] for name in names], np.int64)
