"""How much of a run the markets could have taken: contracts beyond what was traded, and the P&L under caps of that volume."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from fractions import Fraction

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.engine.event_contracts.order_rules import Rules
from tradewinds.engine.event_contracts.replay import CodedCandles
from tradewinds.results.liquidity import CAPS, VolumeUse


def capped(rules: Rules, cap: Fraction) -> Rules:
    """Return the same rules with a limit of volume.

    Args:
        rules: of the run.
        cap: of a candle's volume, the most that is bought on it; a lower one of the run's own stays.
    """
    own = rules.limits.max_volume_share
    share = cap if own is None else min(own, cap)
    return dataclasses.replace(rules, limits=dataclasses.replace(rules.limits, max_volume_share=share))


class TradedVolume:
    """Compares fills with the volume of the candles that they were made on.

    Attributes:
        contracts: of the fills so far.
        beyond: those of them that were more than the candle's whole volume.
        over: the caps that were exceeded.
    """

    def __init__(self) -> None:
        self.contracts = self.beyond = self.fills_beyond = 0
        self.over: set[Fraction] = set()
        self._seen = 0
        self._bought: defaultdict[tuple[int, int], int] = defaultdict(int)

    def add(self, fills: Ints, codes: CodedCandles) -> None:
        """Compare the fills that are new since the last call.

        Args:
            fills: all fills so far, as `fills` of kernel_structures.Buffers.
            codes: the candles of the contracts that the new ones are of.
        """
        rows, end_ts, volume = codes.live.rows, codes.live.rows.end_ts, codes.live.rows.volume
        member, first_row, end_row = codes.member, rows.first_row, rows.end_row
        for idx, _, quantity, _, _, _, candle, _ in fills[self._seen :].tolist():
            place = member[idx]
            row = first_row[place] + np.searchsorted(end_ts[first_row[place] : end_row[place]], candle)
            # several orders on one candle share its volume
            before = self._bought[idx, candle]
            self._bought[idx, candle] = before + quantity
            whole = int(volume[row]) // 100
            self.contracts += quantity
            more = max(0, before + quantity - whole) - max(0, before - whole)
            self.beyond += more
            self.fills_beyond += more > 0
            self.over.update(cap for cap in CAPS if 100 * (before + quantity) > cap * int(volume[row]))
        self._seen = len(fills)

    def use(self) -> VolumeUse:
        """Return the fills so far beside what was traded; a candle's volume is always known."""
        return VolumeUse(self._seen, self.fills_beyond, self.contracts, self.beyond, 0, frozenset(self.over))
