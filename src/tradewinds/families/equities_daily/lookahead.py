"""The look-ahead check of a run of daily equities: repeats the replay with other records after an instant, the cut.

When a record becomes known:
    bar: its open at the open of the session, the rest at the close.
    split, dividend: at the open of the session of its ex-date.
    joining the universe: at the open of the first session of the membership.
    leaving the universe: at the close of the last session of the membership.

If a session is open at the cut, its bar is not removed, because orders have filled at its open. The copy keeps the bar's open
and its adjustment and changes the rest. It keeps whether the bar has a volume: without one nothing was traded at the open
either. ASSUME: how many shares risk.max_volume_share lets an order buy is what the market gave, no decision; with that key the
copy keeps the volume.
"""

from __future__ import annotations

import csv
import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tradewinds.core import files
from tradewinds.core.arrays import Ints
from tradewinds.core.errors import DataMissing
from tradewinds.core.text import money
from tradewinds.engine.journal import Journal
from tradewinds.engine.shares.share_result import ShareResult
from tradewinds.engine.shares.share_rules import ALREADY_HELD, BACKTEST_END, NO_BARS_EXIT, NO_NEXT_BAR
from tradewinds.families.book_timelines import book_timelines
from tradewinds.families.contract import BOOKS, PLANTED, Future, Key, Stretch, Timelines
from tradewinds.families.equities_daily import schemas
from tradewinds.families.equities_daily.bar_panel import date_of, day_of, make_panel
from tradewinds.families.equities_daily.plan import SharesPlan, with_files
from tradewinds.families.equities_daily.replay import SharesStudy
from tradewinds.families.plan import lacking
from tradewinds.reference_data import corporate_actions
from tradewinds.reference_data.exchanges import Exchange, exchange_of
from tradewinds.reference_data.universe import ALWAYS, Universe

BARS, ACTIONS, MEMBERSHIPS = "bars", "corporate actions", "universe rows"
SIGNALS, PURCHASES, SALES = "entry signals", "purchases and refusals", "sales"

# Values of poisoned records, such as no market shows from one day to the next.
_PRICE_FACTOR = 5
_HUGE_VOLUME = 10**9
_SPLIT_FACTOR = 10
_ONE_DAY = dt.timedelta(days=1)

PanelColumns = dict[str, Ints]
"""The columns of a panel by name."""
DatedDecision = tuple[int, Key, str]
"""(instant in Unix seconds, symbol and kind of decision, outcome as text)."""


class SharesRun:
    """A run of daily equities that can be repeated with other records (the protocol Subject in families/contract.py).

    Args:
        config: a resolved config.
        plan: its plan.

    Raises:
        DataMissing: a file of bars does not exist, or as the replay.
        SimulationError: as the replay.
    """

    kinds: Sequence[str] = (BARS, ACTIONS, MEMBERSHIPS)
    decisions: Sequence[str] = (SIGNALS, PURCHASES, SALES, BOOKS)
    step_seconds = 1

    def __init__(self, config: Mapping[str, Any], plan: SharesPlan) -> None:
        """Make the panel and the run as they are."""
        if missing := [path for path in plan.files.bars if not Path(path).exists()]:
            raise lacking(missing, "makes")
        self.config, self.plan, self.exchange = config, plan, exchange_of(config["calendar"])
        with tempfile.TemporaryDirectory(prefix="tradewinds-") as folder:
            whole = with_files(plan, panel=f"{folder}/panel.parquet")
            make_panel(whole)
            table, self.about = files.read_table(whole.files.panel), files.read_meta(whole.files.panel)
            self.columns = {name: table[name].to_numpy() for name in table.column_names}
            study = SharesStudy.of([config], whole)
            made = study.replay(config)
            self.days, self.journal = study.market.days, made.books
            self.decided = list(_decisions(config, study, made))

    def instants(self) -> Mapping[str, Sequence[int]]:
        """Return the instants of the run's orders, and the opens and closes of its sessions, in Unix seconds."""
        dates = [date_of(day) for day in self.days]
        orders = sorted({ts for ts, (_, what), _ in self.decided if what != SIGNALS})
        opens, closes = map(self.exchange.open_ts, dates), map(self.exchange.close_ts, dates)
        return {"order": orders, "open": list(opens), "close": list(closes)}

    def past(self, cut_ts: int) -> Timelines:
        """Return signals, purchases, refusals, sales and rows of the books up to a cut."""
        return _timelines(self.decided, self.journal, cut_ts)

    def again(self, future: Future, folder: Path) -> tuple[Timelines, Counter[str]]:
        """Repeat the run with changed records; see Subject in families/contract.py.

        Args:
            future: the cut and the change.
            folder: an existing folder for the changed copies.

        Returns:
            Decisions up to the cut as in `past`, and the number of changed records by kind.
        """
        copies = _ChangedRecords(future, self.exchange)
        plan, config = with_files(self.plan, panel=f"{folder}/panel.parquet"), dict(self.config)
        columns = self.columns
        if BARS in future.kinds:
            columns = copies.bars(columns, keeps_volume=config["risk"]["max_volume_share"] is not None)
        files.write_parquet(plan.files.panel, pa.table(columns).cast(schemas.PANEL), self.about)
        if ACTIONS in future.kinds and config["actions"] is not None:
            config["actions"] = copies.actions(config["actions"], folder / "actions.csv", list(plan.files.universe))
        if MEMBERSHIPS in future.kinds:
            plan = with_files(
                plan, universe=copies.universe(plan.files.universe, {file.symbol for file in plan.files.years})
            )
        # a copy may lack bars, or have none: that is the effect of the change, not an error of the run
        config["on_missing"] = {**config["on_missing"], "bars": "skip"}
        try:
            study = SharesStudy.of([config], plan)
            made = study.replay(config)
            decided, journal = list(_decisions(config, study, made)), made.books
        except DataMissing:
            decided, journal = [], Journal.empty()
        return _timelines(decided, journal, future.cut_ts), copies.counts

    def event_of(self, market: str) -> str:
        """Return the symbol itself: shares belong to no event."""
        return market


def _decisions(config: Mapping[str, Any], study: SharesStudy, made: ShareResult) -> Iterator[DatedDecision]:
    """Yield everything that a replay decides, with its instant.

    An order without a next bar and a sale at the end of the run are left out: they depend on where the data end, and the
    copies end at the cut.

    Args:
        config: a resolved config.
        study: the bars on which it was replayed.
        made: the result of the ledger.
    """
    scores, symbols = study.scores(config), study.loaded.bars.symbols
    bars, market, at_close = study.loaded.bars, study.market, config["fill"] == "same_close"

    def fill_ts(row: int) -> int:
        """Return the instant at which an order fills at a bar, in Unix seconds."""
        day = int(bars.day[row])
        return study.closes[day] if at_close else study.opens(day)

    # entry signals, and the refusals of their orders
    for answer in made.answered:
        symbol, signal_ts = symbols[market.owner[answer.row]], study.closes[int(bars.day[answer.row])]
        yield signal_ts, (symbol, SIGNALS), f"{study.code(config)}, score {float(scores[answer.row])!r}"
        if answer.reason == ALREADY_HELD:
            yield signal_ts, (symbol, PURCHASES), f"refused as {answer.reason}"
        elif answer.reason not in ("", NO_NEXT_BAR):
            row = answer.row if at_close else market.next_row[answer.row]
            yield fill_ts(row), (symbol, PURCHASES), f"refused as {answer.reason}"
    # purchases and sales
    for trade in made.trades:
        bought = f"BUY {trade.quantity} at {money(trade.entry_price)}, fee {money(trade.entry_fee)}"
        yield fill_ts(trade.entry_row), (symbols[trade.symbol], PURCHASES), bought
        if trade.exit_reason != BACKTEST_END:
            sold = (
                f"SELL {trade.quantity} at {money(trade.exit_price)}, fee {money(trade.exit_fee)}, {trade.exit_reason}"
            )
            sold_ts = study.closes[trade.exit_day] if trade.exit_reason == NO_BARS_EXIT else fill_ts(trade.exit_row)
            yield sold_ts, (symbols[trade.symbol], SALES), sold


def _timelines(decided: Sequence[DatedDecision], journal: Journal, cut_ts: int) -> Timelines:
    """Return the decisions up to a cut by symbol and kind, and the rows of the books up to it."""
    found: Timelines = {}
    for ts, key, outcome in sorted(decided):
        if ts <= cut_ts:
            found.setdefault(key, []).append(Stretch(ts, ts + 1, outcome))
    return found | book_timelines(journal, cut_ts, SharesRun.step_seconds, {BACKTEST_END})


@dataclass
class _ChangedRecords:
    """Copies of records with one change, and how many records were changed.

    Attributes:
        future: the cut and the change.
        exchange: the exchange whose clock dates the bars.
        counts: number of changed and of planted records, by kind.
        opened: date of the last session that had opened at the cut.
        closed: date of the last session that had closed at the cut: `opened`, or the day before.
        tomorrow: the day after `opened`.
    """

    future: Future
    exchange: Exchange
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        today = dt.datetime.fromtimestamp(self.future.cut_ts, self.exchange.zone).date()
        yesterday, now = today - _ONE_DAY, self.future.cut_ts
        self.opened = today if self.exchange.open_ts(today) <= now else yesterday
        self.closed = today if self.exchange.close_ts(today) <= now else yesterday
        self.tomorrow = self.opened + _ONE_DAY  # its session opens after the cut

    def bars(self, columns: PanelColumns, *, keeps_volume: bool = False) -> PanelColumns:
        """Remove the later bars, or poison them.

        Poisoned bars are in turns five times as dear or as cheap, with a huge volume, and every symbol gets such a bar at the
        session after the cut. The bar of a session that is open at the cut closes at a multiple of its close.

        Args:
            columns: the columns of the panel.
            keeps_volume: whether the bar of a session that is open at the cut keeps its volume.
        """
        day = columns["day"]
        later, opened = day > day_of(self.closed), day == day_of(self.opened)
        self.counts[BARS] += int(later.sum())
        # the bar of a session that is open at the cut keeps its open
        running = _rows(columns, later & opened)
        running |= _closing_at(running, _PRICE_FACTOR if self.future.poisoned else 2)
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


def _closing_at(bars: PanelColumns, times: int) -> PanelColumns:
    """Return bars with a multiple of their close.

    The adjusted close is multiplied too, so that the ratio of both stays the same to the last bit.
    """
    opened, close = bars["open"], bars["close"] * times
    changed = {"close": close, "adj_close": bars["adj_close"] * times}
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
