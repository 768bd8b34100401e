"""Binary contracts, grouped in events that share limits."""

from __future__ import annotations

import bisect
from enum import IntEnum
from fractions import Fraction
from typing import NamedTuple

from tradewinds.core.units import MICRO, PICO

PICO_PER_MICRO = PICO // MICRO


class Side(IntEnum):
    """Side of a binary contract."""

    YES = 0
    NO = 1


class Event(NamedTuple):
    """A group of contracts with common limits and one civil calendar.

    Attributes:
        name: unique in a run.
        day_starts: when a new civil day begins during the event's windows, ascending; Unix s.
    """

    name: str
    day_starts: tuple[int, ...]

    def day(self, ts: int) -> int:
        """Return the index of the civil day that holds an instant.

        Args:
            ts: Unix s.
        """
        return bisect.bisect_right(self.day_starts, ts)


class Contract(NamedTuple):
    """A binary contract: at settlement YES and NO together pay one unit of money.

    Attributes:
        ticker: unique in a run.
        event: the group it belongs to.
        p_pico: probability of YES that is known when its window opens; pico-units.
        start_ts: first instant of its window; Unix s.
        end_ts: end of its window, which is not part of it; Unix s.
        quotes_from_ts: candles that end before it do not count; Unix s.
        settle_ts: when it pays; Unix s.
        payout_yes_micro: payout of a YES; micro-units.
        fee_rate: rate of the quadratic fee.
        later_p: probabilities that become known after its start: (Unix s, pico-units), each instant once, ascending. Each is in
            force from its instant on.
    """

    ticker: str
    event: Event
    p_pico: int
    start_ts: int
    end_ts: int
    quotes_from_ts: int
    settle_ts: int
    payout_yes_micro: int
    fee_rate: Fraction
    later_p: tuple[tuple[int, int], ...] = ()

    def payout_micro(self, side: Side) -> int:
        """Return the payout of one contract at settlement; micro-units.

        Args:
            side: YES or NO.
        """
        return self.payout_yes_micro if side is Side.YES else MICRO - self.payout_yes_micro

    @property
    def timeline(self) -> tuple[tuple[int, int], ...]:
        """The probabilities of YES in order of time: (instant from which each is in force in Unix s, pico-units)."""
        return ((self.start_ts, self.p_pico), *self.later_p)

    def p_at(self, ts: int) -> int:
        """Return the probability of YES that is in force at an instant; pico-units.

        Args:
            ts: in its window; Unix s.
        """
        if not self.later_p:
            return self.p_pico
        place = bisect.bisect_right(self.later_p, ts, key=lambda change: change[0])
        return self.later_p[place - 1][1] if place else self.p_pico
