"""How much of a run the markets could have taken: contracts beyond what was traded, and the P&L under caps of that volume."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.text import number
from tradewinds.engine.event_contracts import kernel
from tradewinds.engine.event_contracts.order_rules import Rules
from tradewinds.engine.event_contracts.replay import CodedCandles
from tradewinds.engine.result import Summary

# Shares of the volume of a quote's candle, to which fills are capped beside the run.
CAPS = (Fraction(1), Fraction(1, 4), Fraction(1, 10))


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
        self._rows: list[
            Ints
        ] = []  # per call (4, fills): contract, candle, contracts bought, the candle's whole volume

    def add(self, fills: Ints, codes: CodedCandles) -> None:
        """Take the fills that are new since the last call.

        Args:
            fills: the new ones, as `fills` of kernel_structures.Buffers.
            codes: the candles of their contracts.
        """
        idx, _, quantity, _, _, _, candle, _ = fills.T
        place, rows = codes.member[idx], codes.live.rows
        row = kernel.rows_since(rows.end_ts, rows.first_row[place], rows.end_row[place], candle.copy())
        self._rows.append(np.array([idx, candle, quantity, rows.volume[row] // 100]))
        self.seen += len(fills)

    def beyond_pct(self) -> float | None:
        """Return what percentage of all contracts was more than their candle's whole volume; None without a fill."""
        if not self.seen:
            return None
        idx, candle, quantity, volume = np.concatenate(self._rows, axis=1)
        # several orders on one candle share its volume
        order = np.lexsort((candle, idx))
        starts = np.flatnonzero(np.diff(idx[order], prepend=-1) | np.diff(candle[order], prepend=-1))
        bought = np.add.reduceat(quantity[order], starts)
        beyond = np.maximum(bought - volume[order][starts], 0)
        return round(100 * int(beyond.sum()) / int(quantity.sum()), 6)

    def diagnostics(self, under_caps: Mapping[Fraction, Summary]) -> dict[str, Any]:
        """Return the section `liquidity` of a run's diagnostics.

        Args:
            under_caps: the run with its fills capped, by the share of a candle's volume.
        """
        return {
            "contracts_beyond_volume_pct": self.beyond_pct(),
            "capped": [
                {
                    "volume_share": float(cap),
                    "total_pnl_usd": number(int(made.pnl_micro.sum())),
                    "num_trades": len(made.pnl_micro),
                    "num_contracts": int(made.quantity.sum()),
                }
                for cap, made in under_caps.items()
            ],
        }
