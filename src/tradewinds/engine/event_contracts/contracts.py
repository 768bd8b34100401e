"""What the engine trades: binary contracts, grouped in events that share limits."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

from tradewinds.core.units import MICRO, PICO

PICO_PER_MICRO = PICO // MICRO


class Side(IntEnum):
    """Which side of a binary contract is bought."""

    YES = 0
    NO = 1


@dataclass(frozen=True, slots=True)
class Event:
    """A group of contracts with common limits and one civil calendar.

    `day_starts` are the instants (Unix s, ascending) at which a new civil day begins during the event's windows.
    """

    name: str
    day_starts: tuple[int, ...]

    def day(self, ts: int) -> int:
        """Index of the civil day that holds an instant."""
        return bisect.bisect_right(self.day_starts, ts)


@dataclass(frozen=True, slots=True)
class Contract:
    """A binary contract: pays `payout_yes_micro` per YES and the rest of a dollar per NO at `settle_ts`.

    `p_pico` is the probability of YES known when its window opens; decisions fall in [start_ts, end_ts). Quotes older
    than `quotes_from_ts` do not count.
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

    def payout_micro(self, side: Side) -> int:
        """What one contract of a side pays at settlement."""
        return self.payout_yes_micro if side is Side.YES else MICRO - self.payout_yes_micro

    def probability_pico(self, side: Side) -> int:
        """Probability that a side is right."""
        return self.p_pico if side is Side.YES else PICO - self.p_pico
