"""Copies of the records of daily equities with another future, for the look-ahead check (lookahead.py)."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.families.contract import PLANTED, Future
from tradewinds.families.equities_daily import schemas
from tradewinds.families.equities_daily.bar_panel import date_of, day_of
from tradewinds.reference_data import corporate_actions
from tradewinds.reference_data.exchange_calendar import ExchangeCalendar
from tradewinds.reference_data.universe import ALWAYS, Universe

BARS, ACTIONS, MEMBERSHIPS = "bars", "corporate actions", "universe rows"

# Values of poisoned records, such as no market shows from one day to the next.
_PRICE_FACTOR = 5
_HUGE_VOLUME = 10**9
_SPLIT_FACTOR = 10
_ONE_DAY = dt.timedelta(days=1)

PanelColumns = dict[str, Ints]
"""The columns of a panel by name."""


@dataclass
class ChangedRecords:
    """Copies of records with one change, and how many records were changed.

    Attributes:
        future: the cut and the change.
        calendar: opens and closes of the exchange, which date the bars.
        counts: number of changed and of planted records, by kind.
        opened: date of the last session that had opened at the cut.
        closed: date of the last session that had closed at the cut: `opened`, or the day before.
        tomorrow: the day after `opened`.
    """

    future: Future
    calendar: ExchangeCalendar
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Find the sessions that had opened and closed at the cut."""
        today = dt.datetime.fromtimestamp(self.future.cut_ts, self.calendar.zone).date()
        yesterday, now = today - _ONE_DAY, self.future.cut_ts
        self.opened = today if self.calendar.opens(today) <= now else yesterday
        self.closed = today if self.calendar.closes(today) <= now else yesterday
        self.tomorrow = self.opened + _ONE_DAY  # its session opens after the cut

    def bars(self, columns: PanelColumns, *, keeps_volume: bool = False) -> PanelColumns:
        """Remove the later bars, or poison them.

        Poisoned bars are in turns five times as dear or as cheap, with a huge volume, and every symbol gets such a bar at the
        session after the cut. The bar of a session that is open at the cut closes at a half of its close where later bars are
        removed, and at five times its close where they are poisoned: what asks for a rise or a fall is found by one of the two.

        Args:
            columns: the columns of the panel.
            keeps_volume: whether the bar of a session that is open at the cut keeps its volume.
        """
        day = columns["day"]
        later, opened = day > day_of(self.closed), day == day_of(self.opened)
        self.counts[BARS] += int(later.sum())
        # the bar of a session that is open at the cut keeps its open
        running = _rows(columns, later & opened)
        running |= _closing_elsewhere(running, dear=self.future.poisoned)
        if not keeps_volume:
            other = _HUGE_VOLUME if self.future.poisoned else 1
            running["volume"] = np.where(running["volume"] > 0, other, running["volume"])
        # bars known at the cut as they are; later ones poisoned, or removed
        parts = [_rows(columns, ~later), running]
        if self.future.poisoned:
            parts += [_poisoned(_rows(columns, later & ~opened)), self._next_session(columns)]
        return _in_order({name: np.concatenate([part[name] for part in parts]) for name in columns})

    def _next_session(self, columns: PanelColumns) -> PanelColumns:
        """Return a poisoned copy of its last bar for every symbol without a bar on the first trading day after the cut."""
        # the first trading day after the cut
        ahead = columns["day"][columns["day"] > day_of(self.opened)]
        session = int(ahead.min()) if len(ahead) else day_of(self.tomorrow)
        # the last known bar of each symbol that has no bar on that day
        good = columns["fault"] == 0
        known = np.flatnonzero(good & (columns["day"] <= day_of(self.closed)))
        last = known[np.append(np.diff(columns["number"][known]) != 0, True)] if len(known) else known
        present = columns["number"][good & (columns["day"] == session)]
        planted = _rows(columns, last[~np.isin(columns["number"][last], present)])
        planted["day"] = np.full_like(planted["day"], session)
        self.counts[PLANTED] += len(planted["day"])
        return _poisoned(planted)

    def actions(self, path: str, copy: Path, symbols: Sequence[str]) -> str:
        """Write a table of corporate actions without the later ones, or with poisoned ones.

        Poisoned splits are ten times as large, poisoned dividends 0, and every symbol gets such a split right after the cut.

        Args:
            path: path of the user's table.
            copy: path of the changed table.
            symbols: all symbols of the universe.

        Returns:
            The path of the changed table.
        """
        rows = [(symbol, *action) for symbol, found in corporate_actions.read_actions(path).items() for action in found]
        known = [row for row in rows if row[1] <= day_of(self.opened)]
        later = [row for row in rows if row[1] > day_of(self.opened)]
        self.counts[ACTIONS] += len(later)
        if self.future.poisoned:
            planted = [(symbol, day_of(self.tomorrow), Decimal(1), Decimal(0)) for symbol in symbols]
            known += [(symbol, day, split * _SPLIT_FACTOR, Decimal(0)) for symbol, day, split, _ in later + planted]
            self.counts[PLANTED] += len(planted)
        with open(copy, "w", encoding="utf-8", newline="") as out:
            written = ((symbol, date_of(day), split, dividend) for symbol, day, split, dividend in known)
            csv.writer(out).writerows([corporate_actions.COLUMNS, *written])
        return str(copy)

    def universe(self, universe: Universe, with_bars: set[str]) -> Universe:
        """Return a universe without the later changes of membership, or with poisoned ones.

        Without them symbols that join later never join, and symbols that leave later never leave. Poisoned, they join right
        after the cut, and leave at once.

        Args:
            universe: spans of membership by symbol.
            with_bars: symbols that have files of bars.
        """
        found: Universe = {}
        for symbol, spans in universe.items():
            for start, end in spans:
                joins, leaves = start > self.opened, self.closed < end < ALWAYS[1]
                self.counts[MEMBERSHIPS] += joins or leaves
                if joins and self.future.poisoned and symbol in with_bars:
                    found.setdefault(symbol, []).append((self.tomorrow, ALWAYS[1]))
                elif not joins:
                    left = self.opened if self.future.poisoned else ALWAYS[1]
                    found.setdefault(symbol, []).append((start, left if leaves else end))
        return {symbol: sorted(spans) for symbol, spans in found.items()}


def _rows(columns: PanelColumns, which: Any) -> PanelColumns:
    """Return some rows of a panel."""
    return {name: values[which] for name, values in columns.items()}


def _closing_elsewhere(bars: PanelColumns, *, dear: bool) -> PanelColumns:
    """Return bars with five times their close, or about half of it.

    The adjusted close changes too, so that the ratio of both stays the same to the last bit: both are whole numbers of parts,
    and half of the parts stay. A close of a single part cannot be halved and is made five times as dear.
    """
    parts = np.maximum(np.gcd(bars["close"], bars["adj_close"]), 1)
    wanted = np.where(dear | (parts == 1), parts * _PRICE_FACTOR, parts // 2)
    changed = {name: bars[name] // parts * wanted for name in ("close", "adj_close")}
    opened, close = bars["open"], changed["close"]
    return changed | {"high": np.maximum(opened, close), "low": np.minimum(opened, close)}


def _poisoned(bars: PanelColumns) -> PanelColumns:
    """Return bars five times as dear or as cheap, alternating by symbol and day, with a huge volume."""
    dear = (bars["number"] + bars["day"]) % 2 == 0
    prices = {
        name: np.where(dear, bars[name] * _PRICE_FACTOR, np.maximum(bars[name] // _PRICE_FACTOR, np.sign(bars[name])))
        for name in (*schemas.PRICE_COLUMNS, "adj_close")
    }
    return bars | prices | {"volume": np.full_like(bars["volume"], _HUGE_VOLUME)}


def _in_order(columns: PanelColumns) -> PanelColumns:
    """Sort the rows of a panel by symbol and day."""
    return _rows(columns, np.lexsort((columns["day"], columns["number"])))
