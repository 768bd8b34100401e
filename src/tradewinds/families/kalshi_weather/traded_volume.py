"""How much of a run the markets could have taken: contracts beyond what was traded, and the P&L under caps of that volume."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.engine.event_contracts import kernel
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
        seen: number of fills so far.
    """

    def __init__(self) -> None:
        self.seen = 0
        # By call (4, fills): idx of the contract, end of the candle, contracts bought, the candle's volume x 100.
        self._rows = [np.empty((4, 0), np.int64)]

    def add(self, fills: Ints, codes: CodedCandles) -> None:
        """Take the fills that are new since the last call.

        Args:
            fills: the new ones, as `fills` of kernel_structures.Buffers.
            codes: the candles of their contracts.
        """
        idx, _, quantity, _, _, _, candle, _ = fills.T
        place, rows = codes.member[idx], codes.live.rows
        row = kernel.rows_since(rows.end_ts, rows.first_row[place], rows.end_row[place], candle.copy())
        self._rows.append(np.array([idx, candle, quantity, rows.volume[row]]))
        self.seen += len(fills)

    def use(self) -> VolumeUse:
        """Return the fills so far beside what was traded; a candle's volume is always known."""
        idx, candle, quantity, volume = np.concatenate(self._rows, axis=1)
        # Several orders on one candle share its volume: contracts bought on it up to each order, in order of execution.
        order = np.lexsort((candle, idx))
        idx, candle, quantity, volume = idx[order], candle[order], quantity[order], volume[order]
        first = np.flatnonzero((np.diff(idx, prepend=-1) != 0) | (np.diff(candle, prepend=-1) != 0))
        sizes = np.diff(np.append(first, len(idx)))
        total = np.cumsum(quantity)
        bought = total - np.repeat(total[first] - quantity[first], sizes)
        beyond = np.minimum(np.maximum(bought - volume // 100, 0), quantity)
        over = (cap for cap in CAPS if (100 * cap.denominator * bought > cap.numerator * volume).any())
        return VolumeUse(self.seen, int((beyond > 0).sum()), int(quantity.sum()), int(beyond.sum()), 0, frozenset(over))
