"""Round trips, made from a journal: from flat to flat in one instrument.

Where positions are sold before their end, no fill tells the whole: a sale that makes pairs has its fee for a loss, and the
purchase has all of the gain. A round trip has both.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tradewinds.engine.journal import Journal


class RoundTrip(NamedTuple):
    """All rows of one instrument, from its first fill until nothing of it is held.

    Attributes:
        instrument: its name.
        decision_ts: time of the first row; Unix s.
        settled_ts: time of the last row; Unix s.
        pnl_micro: sum of all changes of cash; micro-units, or as the journal counts.
    """

    instrument: str
    decision_ts: int
    settled_ts: int
    pnl_micro: int


def round_trips(journal: Journal) -> list[RoundTrip]:
    """Return the round trips of a journal, in order of their first rows.

    Args:
        journal: the books, whose positions are all closed, and long in each of their legs.
    """
    if not len(journal):
        return []
    # rows by instrument; a trip ends where a change of the holding leaves nothing
    order = np.argsort(journal.instrument, kind="stable")
    instrument, quantity = journal.instrument[order], journal.quantity[order]
    held = np.cumsum(quantity)  # every instrument ends with nothing, so the sum starts anew with each
    ends = np.flatnonzero((held == 0) & (quantity != 0))
    starts = np.append(0, ends[:-1] + 1)
    pnl = np.add.reduceat(journal.cash_change[order], starts)
    columns = (instrument[starts], journal.ts[order][starts], journal.ts[order][ends], pnl, order[starts])
    rows = sorted(zip(*(column.tolist() for column in columns), strict=True), key=lambda row: row[-1])
    return [RoundTrip(journal.instruments[name], first, last, amount) for name, first, last, amount, _ in rows]
