"""Journal rows up to a cut, as timelines per instrument, for the look-ahead check.

Two runs may make the same decisions and differ in their money, so the books are compared beside the decisions.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from tradewinds.core.text import money
from tradewinds.engine.journal import Journal, Kind
from tradewinds.families.contract import BOOKS, Stretch, Timelines


def book_timelines(journal: Journal, cut_ts: int, step_seconds: int, left_out: Collection[str] = ()) -> Timelines:
    """Return the journal's rows up to a cut by instrument; the rows of one instant are one stretch.

    Args:
        journal: the books of the run.
        cut_ts: Unix seconds, included.
        step_seconds: length of a stretch.
        left_out: reasons of rows that only say where the data end, which is where they were cut.
    """
    count = int(np.searchsorted(journal.ts, cut_ts, side="right"))
    names = ("ts", "instrument", "kind", "leg", "quantity", "price", "cash_change", "reason")
    columns = [getattr(journal, name)[:count].tolist() for name in names]
    found: Timelines = {}
    for ts, instrument, kind, leg, quantity, price, cash, reason in zip(*columns, strict=True):
        if journal.reasons[reason] in left_out:
            continue
        what = " ".join(filter(None, (Kind(kind).name.lower(), journal.legs[leg])))
        amounts = [money(amount, journal.places) for amount in (quantity, price, cash)]
        row = "{} of {} at {}, cash {}".format(what, *amounts)
        stretches = found.setdefault((journal.instruments[instrument], BOOKS), [])
        if stretches and stretches[-1].first_ts == ts:
            row = f"{stretches.pop().outcome}; {row}"
        stretches.append(Stretch(ts, ts + step_seconds, row))
    return found
