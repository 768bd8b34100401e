"""Candles of contracts whose probability changes: rows in which quote and probability both stay as they are.

A probability that becomes known between two candles begins a row of its own, with the quote of the candle before it. So every
row has one probability, and the compiled loop finds changes of quotes and of probabilities in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.engine.event_contracts.candles import LiveCandles
from tradewinds.engine.event_contracts.kernel_structures import CandleRows


class ChanceRows(NamedTuple):
    """Rows of live contracts, each with one probability.

    Attributes:
        rows: by live contract.
        parts: the same rows by part: the rows of a contract between two changes of its probability.
        part_p: by part, probability of YES; pico-units.
        part_rates: by part, the contract's fee rate.
        contract: by part, index of the live contract.
    """

    rows: CandleRows
    parts: CandleRows
    part_p: Sequence[int]
    part_rates: Sequence[Fraction]
    contract: Ints

    @classmethod
    def of(cls, live: LiveCandles) -> ChanceRows:
        """Return the rows of live contracts; where no probability changes these are their candles."""
        rows, contracts = live.rows, live.contracts
        if not any(contract.later_p for contract in contracts):
            part_p, rates = [c.p_pico for c in contracts], [c.fee_rate for c in contracts]
            return cls(rows=rows, parts=rows, part_p=part_p, part_rates=rates, contract=np.arange(len(contracts)))
        rows = _split_rows(live)
        first_row: list[int] = []
        end_row: list[int] = []
        part_p, rates = [], []
        for contract, first, end in zip(contracts, rows.first_row.tolist(), rows.end_row.tolist(), strict=True):
            since = np.array([ts for ts, _ in contract.later_p], np.int64)
            starts = [first, *(first + np.searchsorted(rows.end_ts[first:end], since)).tolist()]
            first_row += starts
            end_row += [*starts[1:], end]
            part_p += [contract.p_pico, *(p for _, p in contract.later_p)]
            rates += [contract.fee_rate] * len(starts)
        parts = rows._replace(first_row=np.array(first_row, np.int64), end_row=np.array(end_row, np.int64))
        counts = [1 + len(contract.later_p) for contract in contracts]
        return cls(
            rows=rows, parts=parts, part_p=part_p, part_rates=rates, contract=np.arange(len(contracts)).repeat(counts)
        )


def _split_rows(live: LiveCandles) -> CandleRows:
    """Return the rows with one more for every change of probability while a candle's quote is the last one."""
    rows = live.rows
    places: list[Ints] = []  # before which row the new one goes
    instants: list[Ints] = []
    for contract, first, end in zip(live.contracts, rows.first_row.tolist(), rows.end_row.tolist(), strict=True):
        if not contract.later_p:
            continue
        ends, since = rows.end_ts[first:end], np.array([ts for ts, _ in contract.later_p], np.int64)
        after = np.searchsorted(ends, since, side="right")
        # before the first candle there is no quote, and at a candle's own end its row begins anyway
        is_between = after > 0
        is_between[is_between] = ends[after[is_between] - 1] != since[is_between]
        places.append(first + after[is_between])
        instants.append(since[is_between])
    place = np.concatenate([np.empty(0, np.int64), *places])
    in_order = np.sort(place)
    return CandleRows(
        end_ts=np.insert(rows.end_ts, place, np.concatenate([np.empty(0, np.int64), *instants])),
        quote_ts=np.insert(rows.quote_ts, place, rows.quote_ts[place - 1]),
        bid=np.insert(rows.bid, place, rows.bid[place - 1]),
        ask=np.insert(rows.ask, place, rows.ask[place - 1]),
        volume=np.insert(rows.volume, place, rows.volume[place - 1]),
        # rows that go to the end of an earlier contract stand before this one's first row; its own never do
        first_row=rows.first_row + np.searchsorted(in_order, rows.first_row, side="right"),
        end_row=rows.end_row + np.searchsorted(in_order, rows.end_row, side="right"),
    )
