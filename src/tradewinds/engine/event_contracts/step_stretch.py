"""Instants in a row at which nothing but candles comes: what a strategy sees at each of them, made for all of them at once.

Made in columns it costs a tenth of what it costs instant by instant. It is the loop's own, since it reaches ahead: a strategy
is given one instant of it after the other. An order that changes anything ends a stretch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.engine.event_contracts.step_tape import ContractTape
from tradewinds.engine.event_contracts.step_view import ShownMarket, ShownState

Frame = tuple[ShownMarket, ...]


class MadeMarkets:
    """Markets as they will be shown, by candle: those of a stretch that was ended are used in the next one.

    Args:
        first: row of the first candle.
        own: what they show of the account; another tuple after any change.
    """

    __slots__ = ("first", "own", "rows")

    def __init__(self, first: int, own: tuple[float, ...]) -> None:
        self.first, self.own = first, own
        self.rows: list[ShownMarket] = []

    def between(self, first: int, end: int, tape: ContractTape, facts: tuple[Any, ...]) -> list[ShownMarket]:
        """Return the markets of some candles; those before them are not asked for again.

        Args:
            first: row of the first candle.
            end: row after the last.
            tape: the candles.
            facts: what else is shown of the market.
        """
        rows, own = self.rows, self.own
        del rows[: first - self.first]
        self.first, known = first, first + len(rows)
        if known < end:
            make, kind = tuple.__new__, ShownMarket
            rows += [make(kind, facts + quote + own) for quote in tape.quotes[known:end]]
        return rows[: end - first]


class CalmStretch(NamedTuple):
    """What is visible at some instants.

    Attributes:
        frames: by instant, the open markets by ticker.
        shown: by open market, its tape, and how many of its candles have arrived at each instant.
        brings: by instant, whether a candle of an open market ends at it.
    """

    frames: list[Frame]
    shown: list[tuple[ContractTape, Sequence[int]]]
    brings: list[bool]


def stretch_of(
    times: Sequence[int],
    is_open: Sequence[int],
    tapes: Mapping[int, ContractTape],
    state: ShownState,
    kept: dict[int, MadeMarkets],
) -> CalmStretch:
    """Return what is visible at some instants, if nothing but candles comes.

    Args:
        times: the instants, ascending; all at which a candle ends that lie between the first and the last. Unix s.
        is_open: idx of the open markets, ascending; at least one.
        tapes: by idx, the candles; those that have arrived end before the first instant.
        state: what is visible before.
        kept: by idx, the markets that have been made; it is brought up to date.
    """
    instants, columns, shown = np.array(times, np.int64), [], []
    brings: np.ndarray | bool = False
    for idx in is_open:
        tape = tapes[idx]
        first, arrived = tape.shown, _arrived(tape, times, instants)
        facts, own, one = state.facts[idx], state.own[idx], kept.get(idx)
        if one is None or one.own is not own or one.first > first:
            one = kept[idx] = MadeMarkets(first, own)
        made = one.between(first, arrived[-1], tape, facts)
        if isinstance(arrived, range):
            brings = True
        else:
            counts = np.array(arrived)
            brings = brings | (np.diff(counts, prepend=first) > 0)
            made.insert(0, ShownMarket._make(facts + state.quotes[idx] + own))
            made = [made[count] for count in (counts - first).tolist()]
        columns.append(made)
        shown.append((tape, arrived))
    flags = np.broadcast_to(brings, len(times))
    return CalmStretch(list(zip(*columns, strict=True)), shown, flags.tolist())


def _arrived(tape: ContractTape, times: Sequence[int], instants: Ints) -> Sequence[int]:
    """Return how many candles of a tape have arrived at each instant: a range, if one ends at each of them."""
    first, count, ends = tape.shown, len(times), tape.end_ts
    last = first + count - 1
    # candles end at no other instants, so that as many candles as instants end at them one by one
    if last < len(ends) and ends[first] == times[0] and ends[last] == times[-1]:
        return range(first + 1, first + count + 1)
    arrived: list[int] = np.searchsorted(ends, instants, side="right").tolist()
    return arrived
