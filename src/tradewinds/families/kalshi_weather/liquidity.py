"""How much of a run the markets could have taken: contracts beyond what was traded, and the P&L under caps of that volume."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.text import number
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
        contracts: bought so far.
        beyond: those of them that were more than the candle's whole volume.
    """

    def __init__(self) -> None:
        self.contracts = self.beyond = 0
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
            self.beyond += max(0, before + quantity - whole) - max(0, before - whole)
        self._seen = len(fills)

    def diagnostics(self, under_caps: Mapping[Fraction, Summary]) -> dict[str, Any]:
        """Return the section `liquidity` of a run's diagnostics.

        Args:
            under_caps: the run with its fills capped, by the share of a candle's volume.
        """
        return {
            "contracts_beyond_volume_pct": round(100 * self.beyond / self.contracts, 6) if self.contracts else None,
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
