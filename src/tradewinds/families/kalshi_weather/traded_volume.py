"""How much of a run the markets could have taken: contracts beyond what was traded, and the P&L under caps of that volume."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import numpy as np

from tradewinds.engine.event_contracts import kernel
from tradewinds.engine.event_contracts.order_books import OrderBooks
from tradewinds.engine.event_contracts.order_rules import Rules
from tradewinds.engine.event_contracts.replay import CodedCandles, Replay
from tradewinds.engine.event_contracts.step_replay import StepReplay
from tradewinds.results.liquidity import CAPS, VolumeUse


def capped(rules: Rules, cap: Fraction) -> Rules:
    """Return the same rules with a limit of volume.

    Args:
        rules: of the run.
        cap: of a candle's volume, the most that is bought on it; a lower one of the run's own stays.
    """
    own = rules.limits.max_volume_share
    share = cap if own is None else min(own, cap)
    return dataclasses.replace(rules, limits=rules.limits._replace(max_volume_share=share))


class TradedVolume:
    """Compares fills with the volume of the candles that they were made on.

    Attributes:
        seen: number of fills so far.
    """

    def __init__(self) -> None:
        self.seen = 0
        # By call (5, fills): idx of the contract, end of the candle, contracts bought, the candle's volume x 100, whether they
        # were bought from an order book.
        self._rows = [np.empty((5, 0), np.int64)]

    def add(self, replay: Replay | StepReplay, codes: CodedCandles, books: OrderBooks | None) -> None:
        """Take the fills that are new since the last call.

        Args:
            replay: of the account.
            codes: the candles of its contracts.
            books: order books of the run; None without any.
        """
        fills = replay.fill_rows(self.seen)
        idx, _, quantity, _, _, _, candle, _ = fills.T
        if isinstance(replay, StepReplay) and books is not None:  # it knows which fills rested
            facts = replay.desk.facts[self.seen :]
            volume = np.array([fact.volume for fact in facts], np.int64)
            from_book = np.array([fact.from_book for fact in facts], np.bool_)
        else:
            place, rows = codes.member[idx], codes.live.rows
            row = kernel.rows_since(rows.end_ts, rows.first_row[place], rows.end_row[place], candle.copy())
            volume = rows.volume[row]
            from_book = np.zeros(len(fills), np.bool_) if books is None else books.are_quotes_of(idx, candle)
        self._rows.append(np.array([idx, candle, quantity, volume, from_book], np.int64))
        self.seen += len(fills)

    def from_books(self) -> dict[str, Any]:
        """Return how many fills and contracts so far were bought from order books, for the run's diagnostics."""
        _, _, quantity, _, from_book = np.concatenate(self._rows, axis=1)
        contracts, total = int((quantity * from_book).sum()), int(quantity.sum())
        return {
            "entries": int(from_book.sum()),
            "of_entries": len(quantity),
            "quantity_pct": round(100 * contracts / total, 6) if total else None,
        }

    def use(self) -> VolumeUse:
        """Return the fills so far beside what was traded, without those from order books; a candle's volume is always known."""
        rows = np.concatenate(self._rows, axis=1)
        idx, candle, quantity, volume, _ = rows[:, rows[4] == 0]
        entries = len(idx)
        # Several orders on one candle share its volume: contracts bought on it up to each order, in order of execution.
        order = np.lexsort((candle, idx))
        idx, candle, quantity, volume = idx[order], candle[order], quantity[order], volume[order]
        first = np.flatnonzero((np.diff(idx, prepend=-1) != 0) | (np.diff(candle, prepend=-1) != 0))
        sizes = np.diff(np.append(first, len(idx)))
        total = np.cumsum(quantity)
        bought = total - np.repeat(total[first] - quantity[first], sizes)
        beyond = np.minimum(np.maximum(bought - volume // 100, 0), quantity)
        over = (cap for cap in CAPS if (100 * cap.denominator * bought > cap.numerator * volume).any())
        return VolumeUse(entries, int((beyond > 0).sum()), int(quantity.sum()), int(beyond.sum()), 0, frozenset(over))
