"""What a run's books say up to a cut, for the look-ahead check: a decision may agree while its money does not."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from tradewinds.core.text import money
from tradewinds.engine.journal import Journal, Kind
from tradewinds.families.contract import BOOKS, Stretch, Timelines


def book_timelines(journal: Journal, cut_ts: int, step_seconds: int, left_out: Collection[str] = ()) -> Timelines:
    """Per instrument, the rows of the books by a cut; those of one instant are one stretch of `step_seconds`.

    Args:
        left_out: reasons of rows that only say where the data end, which is where they were cut.
    """
    count = int(np.searchsorted(journal.ts, cut_ts, side="right"))
    columns = (
        *(journal.ts, journal.instrument, journal.kind, journal.leg),
        *(journal.quantity, journal.price, journal.cash_change, journal.reason),
    )
    found: Timelines = {}
    for ts, instrument, kind, leg, quantity, price, cash, reason in zip(
        *(column[:count].tolist() for column in columns), strict=True
    ):
        if journal.reasons[reason] in left_out:
            continue
        what = " ".join(filter(None, (Kind(kind).name.lower(), journal.legs[leg])))
        row = f"{what} of {money(quantity)} at {money(price)}, cash {money(cash)}"
        stretches = found.setdefault((journal.instruments[instrument], BOOKS), [])
        if stretches and stretches[-1].first_ts == ts:
            row = f"{stretches.pop().outcome}; {row}"
        stretches.append(Stretch(ts, ts + step_seconds, row))
    return found
