"""journal.parquet: a run's books as a file, a row for every change of cash or of a position.

`position_id` counts from 0, so the trade of position n is row n of trades.csv. `quantity` is the change of the holding: above 0
bought, below 0 sold or settled. The start balance of metrics.json plus the sum of `cash_change` is its end balance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.core import files, units
from tradewinds.core.amount_columns import exact_decimals
from tradewinds.core.arrays import Ints
from tradewinds.engine.journal import Journal, Kind


def amount_type(places: int) -> pa.DataType:
    """Return the type of exact amounts with a number of decimals; 14 digits before the point."""
    return pa.decimal128(14 + places, places)


def journal_schema(places: int) -> pa.Schema:
    """Return the columns of journal.parquet.

    Args:
        places: decimals of the amounts (Journal.places).
    """
    amount = amount_type(places)
    return files.schema_of(
        ("ts_utc", units.TS),
        ("kind", pa.string()),  # fill | fee | dividend | funding | settlement | borrow | liquidation
        ("instrument", pa.string()),
        ("position_id", pa.int64()),
        ("leg", pa.string()),
        ("side", pa.string()),  # BUY or SELL of a fill, else empty
        ("quantity", amount),
        ("price", amount),
        ("cash_change", amount),
        ("reason", pa.string()),
    )


def journal_table(journal: Journal) -> pa.Table:
    """A journal in the columns of `journal_schema`, its rows in their order."""
    columns = [
        pa.array(journal.ts * units.MICRO).cast(units.TS),
        _names(journal.kind, [kind.name.lower() for kind in Kind]),
        _names(journal.instrument, journal.instruments),
        pa.array(journal.position_id),
        _names(journal.leg, journal.legs),
        _names(np.where(journal.kind == Kind.FILL, np.sign(journal.quantity), 0) + 1, ("SELL", "", "BUY")),
        _amounts(journal.quantity, journal.places),
        _amounts(journal.price, journal.places),
        _amounts(journal.cash_change, journal.places),
        _names(journal.reason, journal.reasons),
    ]
    return pa.Table.from_arrays(columns, schema=journal_schema(journal.places))


def _names(places: Ints, names: Sequence[str]) -> pa.Array:
    """Names by their places in a table of them."""
    return pc.take(pa.array(names, pa.string()), pa.array(places))


def _amounts(amounts: Ints, places: int) -> pa.Array:
    """Integers of 10^-places as exact decimals."""
    return exact_decimals(amounts, places).cast(amount_type(places))
