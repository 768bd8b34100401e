"""Match closings to the lots that were bought before, first in first out."""

from __future__ import annotations

import numpy as np

from tradewinds.core.arrays import Ints, changes


def oldest_first(bought: Ints, quantity: Ints, closed: Ints, closed_quantity: Ints) -> tuple[Ints, Ints, Ints]:
    """Split closings over lots, the oldest lots first.

    All lots of a key are laid end to end on a line, one key after the other, and the closings of the key are laid over them
    from its beginning; wherever a lot or a closing ends, a part ends. Lots of 3 and 5 and one closing of 4 make the parts
    (lot 0, closing 0, 3) and (lot 1, closing 0, 1).

    Args:
        bought: by lot, its key; lots in order of time.
        quantity: by lot, above 0.
        closed: by closing, its key; closings in order of time.
        closed_quantity: by closing, above 0; of a key not more than was bought.

    Returns:
        By part: index of its lot, index of its closing, quantity; in order of the closings and, within one, of the lots.
    """
    # lots on the line
    lots, closings = np.argsort(bought, kind="stable"), np.argsort(closed, kind="stable")
    ends = np.cumsum(quantity[lots])  # of the lots, on the line
    first = changes(bought[lots])
    keys = bought[lots][first]
    begins = np.concatenate([np.zeros(1, np.int64), ends])[first]  # of the keys, on the line

    # closings on the line: those of a key begin where the key does
    sums = np.cumsum(closed_quantity[closings])
    first = changes(closed[closings])
    closed_keys = closed[closings][first]
    shift = begins[np.searchsorted(keys, closed_keys)] - np.concatenate([np.zeros(1, np.int64), sums])[first]
    closing_ends = sums + shift[np.searchsorted(closed_keys, closed[closings])]

    # each part lies in one lot, and in one closing unless nothing has closed it
    all_ends = np.sort(np.concatenate([ends, closing_ends]))
    part_ends = all_ends[changes(all_ends)]
    part_begins = np.concatenate([np.zeros(1, np.int64), part_ends])[:-1]
    lot, closing = np.searchsorted(ends, part_ends), np.searchsorted(closing_ends, part_ends)
    closing_begins = np.append(closing_ends - closed_quantity[closings], np.iinfo(np.int64).max)
    taken = closing_begins[closing] <= part_begins
    part_lot, part_closing = lots[lot[taken]], closings[closing[taken]]
    part_quantity = (part_ends - part_begins)[taken]
    order = np.lexsort((part_lot, part_closing))
    return part_lot[order], part_closing[order], part_quantity[order]
