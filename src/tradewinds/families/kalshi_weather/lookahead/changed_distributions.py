"""Copies of a user's file of distributions in which all that was known after a cut is removed or poisoned."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.core import times, user_tables
from tradewinds.core.errors import SimulationError
from tradewinds.families.kalshi_weather.forecasts.user_distributions import KNOWN_AT, MEMBER, MU

_TOO_WARM_F, _HOTTEST_F = 150.0, 199.0


def changed_distributions(path: str, cut_ts: int, *, poisoned: bool) -> tuple[pa.Table, int, int]:
    """The rows of a file as they could have been, given what was known at a cut.

    Args:
        path: of the file.
        cut_ts: the cut; Unix seconds.
        poisoned: later rows are absurd, and so is a planted row for each known one, known right after the cut; else they are
            left out.

    Returns:
        The rows.
        Number of rows that were known after the cut.
        Number of planted rows.
    """
    table = user_tables.read_table(path, "the file of distributions", "", SimulationError, texts=(KNOWN_AT,))
    late = pc.greater(pa.array(times.seconds_up(table[KNOWN_AT]), pa.int64()), cut_ts)
    known, later = _plain_times(table.filter(pc.invert(late))), _plain_times(table.filter(late))
    if not poisoned:
        return known, later.num_rows, 0
    planted = _with_time(known, dt.datetime.fromtimestamp(cut_ts + 1, dt.UTC))
    return pa.concat_tables([known, _hot(planted), _hot(later)]), later.num_rows, planted.num_rows


def _plain_times(table: pa.Table) -> pa.Table:
    """A user's table with its times as whole seconds, rounded up."""
    seconds = pa.array(times.seconds_up(table[KNOWN_AT]), pa.timestamp("s", "UTC"))
    return table.set_column(table.schema.get_field_index(KNOWN_AT), KNOWN_AT, seconds)


def _with_time(table: pa.Table, moment: dt.datetime) -> pa.Table:
    """A user's table whose rows are all known at one time."""
    at = pa.repeat(pa.scalar(moment, pa.timestamp("s", "UTC")), table.num_rows)
    return table.set_column(table.schema.get_field_index(KNOWN_AT), KNOWN_AT, at)


def _hot(table: pa.Table) -> pa.Table:
    """A user's table of distributions, all of them too hot."""
    for name in table.column_names:
        if name == MU or name.startswith(MEMBER):
            values = pc.min_element_wise(
                pc.add(table[name].cast(pa.float64()), _TOO_WARM_F), _HOTTEST_F, skip_nulls=False
            )
            table = table.set_column(
                table.schema.get_field_index(name), name, values.cast(table.schema.field(name).type)
            )
    return table
