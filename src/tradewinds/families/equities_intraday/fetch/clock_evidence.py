"""Turns the time stamps of a user's files into the starts of bars, and refuses files whose stamps do not fit the exchange.

Nothing is guessed: a file whose stamps have no time zone is refused with the two lines of evidence, the first and the last
clock time of its days, until the config says what they are. A file whose stamps have one is believed as far as they fit the
sessions of the exchange.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.errors import ConfigError
from tradewinds.core.text import counted
from tradewinds.core.units import MICRO
from tradewinds.families.equities_intraday.fetch.minute_checks import MinuteRows
from tradewinds.families.equities_intraday.fetch.minute_tables import MinuteTable
from tradewinds.families.equities_intraday.fetch.session_clocks import DayClocks, clock, day_clocks
from tradewinds.families.equities_intraday.fetch.stamp_columns import on_clock, zone_of
from tradewinds.families.equities_intraday.fetch.traded_hours import refuse_other_hours
from tradewinds.reference_data.exchange_calendar import ExchangeCalendar

FEWEST_ROWS = 12  # from which on the length of bars can be seen
COARSE_MINUTES = (1440, 60, 30, 15, 10, 5)  # lengths of bars that are looked for
_UTC = ZoneInfo("UTC")


def starts_of_bars(
    tables: Sequence[MinuteTable], bars: Mapping[str, Any], calendar: ExchangeCalendar
) -> tuple[list[MinuteRows], list[str]]:
    """Return the rows of files with the starts of their bars, and what was found of each file.

    Args:
        tables: the files.
        bars: the section `bars` of a config.
        calendar: the exchange.

    Raises:
        ConfigError: stamps have no time zone and the config names none, they do not fit the exchange's sessions, or the bars
            have another length.
    """
    found, said = [], []
    for table in tables:
        rows = table.rows
        if not len(rows):
            said.append(f"{table.path}: no row of a symbol of this run.")
            found.append(rows)
            continue
        _refuse_length(table, bars["minutes"])
        instants = _instants(table, bars, calendar)
        clocks = day_clocks(rows.symbol, instants, calendar, bars["minutes"])
        label = bars["label"] or _label(table, clocks)
        if label == "end":
            stamped = clocks
            instants = instants - 60 * bars["minutes"] * MICRO
            clocks = day_clocks(rows.symbol, instants, calendar, bars["minutes"])
            _refuse_early(table, stamped, clocks)
        _refuse_zone(table, clocks)
        refuse_other_hours(table, instants, calendar)
        found.append(MinuteRows(rows.symbols, rows.symbol, instants, rows.prices, rows.volume))
        said += _said(table, bars, clocks, label)
    return found, said


def _instants(table: MinuteTable, bars: Mapping[str, Any], calendar: ExchangeCalendar) -> Ints:
    """Return the stamps of a file as instants; raises ConfigError for stamps of which the config does not say enough."""
    ts = table.rows.ts
    if not table.naive:
        return ts
    zone = None if bars["timezone"] is None else zone_of(bars["timezone"])
    if zone is not None and bars["label"] is not None:
        return on_clock(ts, zone)
    lacking = [f"bars.{key}" for key in ("timezone", "label") if bars[key] is None]
    clocks = day_clocks(table.rows.symbol, on_clock(ts, calendar.zone), calendar, bars["minutes"])
    what = f"its time stamps have no time zone, and the config does not say {' and '.join(lacking)}."
    evidence = " ".join(clocks.lines()) if len(clocks) else "No stamp is on a session's date."
    raise ConfigError(f"{what} {evidence}", where=table.path, remedy=_guess(table, clocks, bars["minutes"], calendar))


def _guess(table: MinuteTable, clocks: DayClocks, minutes: int, calendar: ExchangeCalendar) -> str:
    """Say what the stamps of a file without a zone look like, and what to write."""
    in_utc = day_clocks(table.rows.symbol, on_clock(table.rows.ts, _UTC), calendar, minutes)
    for zone, seen in ((calendar.timezone, clocks), ("UTC", in_utc)):
        if len(seen) and 2 * int(seen.labelled_by_end.sum()) >= len(seen):
            return f"This looks like the end of each bar: set bars.timezone: {zone} and bars.label: end."
        starts = (seen.late == 0) & ((seen.over == 0) | (seen.over == minutes))
        if len(seen) and 2 * int(starts.sum()) >= len(seen):
            return f"This looks like the start of each bar: set bars.timezone: {zone} and bars.label: start."
    return f"Set bars.timezone (such as {calendar.timezone}) and bars.label (start or end of a bar)."


def _label(table: MinuteTable, clocks: DayClocks) -> str:
    """Return the label of stamps that have a zone: the start of a bar; raises ConfigError if they look like ends of bars."""
    count = int(clocks.labelled_by_end.sum())
    if len(clocks) and 2 * count >= len(clocks):
        what = f"its time stamps look like the end of each bar, not the start. {' '.join(clocks.lines())}"
        raise ConfigError(
            what, where=table.path, remedy="Set bars.label: end (or start, if they are the start after all)."
        )
    return "start"


def _refuse_early(table: MinuteTable, stamped: DayClocks, clocks: DayClocks) -> None:
    """Raise ConfigError if stamps that are taken for ends are the starts: every bar would be known before it is over.

    Args:
        table: the file.
        stamped: its days as they are stamped.
        clocks: its days one bar earlier.
    """
    if len(clocks) and 2 * int(clocks.a_bar_early.sum()) >= len(clocks):
        what = f"bars.label is end, and its time stamps look like the start of each bar. {' '.join(stamped.lines())}"
        remedy = (
            "Set bars.label: start. As ends, the bars of a session would begin before its open and be known too early."
        )
        raise ConfigError(what, where=table.path, remedy=remedy)


def _refuse_zone(table: MinuteTable, clocks: DayClocks) -> None:
    """Raise ConfigError if days of a file lie beside the exchange's sessions by whole half hours."""
    off = clocks.of_another_zone
    count = int(off.sum())
    if not count or 50 * count < len(clocks):  # a day or two of hundreds may be odd
        return
    by = int(clocks.late[off][0])
    sign = "after" if by > 0 else "before"
    mixed = "all of its days" if count == len(clocks) else f"{count:,} of its {len(clocks):,} days, the others not"
    what = (
        f"its time stamps look like another time zone: {mixed}, begin and end {clock(abs(by))} {sign} the exchange's session. "
        f"{' '.join(clocks.lines())}"
    )
    remedy = (
        "Write stamps with their offset, or without one and name their clock in bars.timezone; one clock for all rows."
    )
    raise ConfigError(what, where=table.path, remedy=remedy)


def _refuse_length(table: MinuteTable, minutes: int) -> None:
    """Raise ConfigError if the bars of a file are not of the config's length."""
    ts = table.rows.ts
    if len(ts) < FEWEST_ROWS:
        return
    seconds = ts // MICRO
    length = next((m for m in COARSE_MINUTES if np.mean(seconds % (60 * m) == 0) >= 0.95), 1)
    if length == minutes:
        return
    found = f"its bars look like bars of {counted(length, 'minute')}, and bars.minutes is {minutes}."
    remedy = f"Set bars.minutes: {length}." if length in (1, 5) else "Give bars of 1 or 5 minutes."
    raise ConfigError(found, where=table.path, remedy=remedy)


def _said(table: MinuteTable, bars: Mapping[str, Any], clocks: DayClocks, label: str) -> list[str]:
    """Return what was found of a file: layout, zone, label, adjustment, and what looks odd."""
    layout = f"layout of {table.layout.vendor}" if table.layout.vendor else "plain layout"
    zone = f"stamps on the clock of {bars['timezone']}" if table.naive else "stamps with a time zone"
    kept = "adjusted for splits" if bars["adjusted"] else "as they were paid"
    lines = [f"{table.path}: {len(table.rows):,} rows, {layout}, {zone}, at the {label} of a bar; prices {kept}."]
    lines += [f"{table.path}: {line}" for line in clocks.lines() if len(clocks)]
    if table.layout.adjusted and not bars["adjusted"]:
        vendor = table.layout.vendor
        lines.append(f"{table.path}: prices of {vendor} are adjusted for splits. If so, set bars.adjusted: true.")
    if (lacking := int((~clocks.has_open).sum())) * 10 > len(clocks):
        lines.append(f"{table.path}: {lacking:,} of {len(clocks):,} days have no bar at the session's open.")
    if 2 * int(clocks.labelled_by_end.sum()) >= max(1, len(clocks)):
        what = f"the stamps look like the end of each bar, although bars.label is {label}"
        lines.append(f"warning: {table.path}: {what}: each bar is used a bar too late. {' '.join(clocks.lines())}")
    return lines
