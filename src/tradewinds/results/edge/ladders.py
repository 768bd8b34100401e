"""Events of mutually exclusive contracts as columns: price and forecast as distributions over the contracts of an event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Flags, Floats, Ints

FLOOR = 0.005  # half of a tick: no probability and no price is taken to be smaller, nor nearer to 1


class PricedEvent(NamedTuple):
    """An event of which every contract has a probability and a quote, and exactly one of them won.

    Attributes:
        group: the place it is counted under, such as `KMDW max`.
        day: its date; events of one date share their luck.
        asof_ts: when probabilities and quotes were taken; Unix seconds.
        settled_ts: when the last of its contracts settled; None where that is unknown. Unix seconds.
        p: probability of each contract.
        bid: of each contract, of a payout of 1; 0 without one.
        ask: of each contract; 1 without one.
        winner: index of the contract that won.
    """

    group: str
    day: dt.date
    asof_ts: int
    settled_ts: int | None
    p: Sequence[float]
    bid: Sequence[float]
    ask: Sequence[float]
    winner: int


class Ladders(NamedTuple):
    """Events as rows of padded columns.

    Attributes:
        log_q: natural log of the price's distribution; (events, most contracts of an event), 0 in the padding.
        log_f: the same of the forecast.
        there: which cells hold a contract; the same shape.
        absent: log of 0 in the padding, 0 elsewhere; added to other logs it makes the padding impossible.
        winner: column of the contract that won; (events,).
        cluster: number of the event's date, from 0; (events,).
    """

    log_q: Floats
    log_f: Floats
    there: Flags
    absent: Floats
    winner: Ints
    cluster: Ints

    @classmethod
    def of(
        cls,
        mids: Sequence[Sequence[float]],
        probabilities: Sequence[Sequence[float]],
        winners: Sequence[int],
        clusters: Sequence[int],
    ) -> Ladders:
        """Events from the middles of their quotes and their probabilities.

        Args:
            mids: by event, of each contract.
            probabilities: by event, of each contract.
            winners: by event, index of the contract that won.
            clusters: by event, the number of its date, from 0.
        """
        (q, there), (f, _) = padded(mids), padded(probabilities)
        return cls(
            log_q=np.log(distribution(q, there), out=np.zeros_like(q), where=there),
            log_f=np.log(distribution(f, there), out=np.zeros_like(f), where=there),
            there=there,
            absent=np.where(there, 0.0, -np.inf),
            winner=np.array(winners, np.int64),
            cluster=np.array(clusters, np.int64),
        )

    def take(self, rows: Ints | slice) -> Ladders:
        """The events of some rows."""
        return Ladders(
            log_q=self.log_q[rows],
            log_f=self.log_f[rows],
            there=self.there[rows],
            absent=self.absent[rows],
            winner=self.winner[rows],
            cluster=self.cluster[rows],
        )

    def of_winner(self, values: Floats) -> Floats:
        """The values of the contracts that won; (events,).

        Args:
            values: (events, contracts).
        """
        won: Floats = values[np.arange(len(self.winner)), self.winner]
        return won


def padded(rows: Sequence[Sequence[float]]) -> tuple[Floats, Flags]:
    """Rows of different lengths as one array with zeros at their ends, and which cells are theirs."""
    width = max(map(len, rows), default=0)
    there = np.arange(width) < np.array([len(row) for row in rows], np.int64)[:, None]
    cells = np.zeros(there.shape)
    cells[there] = [value for row in rows for value in row]
    return cells, there


def distribution(values: Floats, there: Flags) -> Floats:
    """Values clipped to [FLOOR, 1 − FLOOR] and divided by their sum over the event; 0 in the padding.

    Args:
        values: middles of quotes or probabilities; (events, contracts).
        there: which cells hold a contract.
    """
    clipped = np.where(there, np.clip(values, FLOOR, 1 - FLOOR), 0.0)
    shares: Floats = clipped / clipped.sum(axis=1, keepdims=True)
    return shares


def clusters_of(days: Sequence[dt.date]) -> list[int]:
    """The number of each event's date in order of first appearance, from 0."""
    numbers = {day: number for number, day in enumerate(dict.fromkeys(days))}
    return [numbers[day] for day in days]
