"""A run of shares for the look-ahead check: the replay, made again with another future.

When a record was known: the open of a bar at the session's open, the rest of it at the close; a split or dividend at the open
of its ex-date; that a symbol joins the universe at the open of its first day in it, that it leaves at the close of its last.

A bar that has only opened at the cut cannot be removed, for orders have filled at its open: that is kept, its adjustment too,
and the rest changed in both copies.
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
from tradewinds.engine.shares.ledger import ShareResult
from tradewinds.engine.shares.share_rules import ALREADY_HELD, BACKTEST_END, NO_NEXT_BAR
from tradewinds.families.book_timelines import book_timelines
from tradewinds.families.contract import BOOKS, PLANTED, Future, Key, Stretch, Timelines
from tradewinds.families.equities_daily import schemas
from tradewinds.families.equities_daily.bar_panel import date_of, day_of, make_panel
from tradewinds.families.equities_daily.plan import SharesPlan, with_files
from tradewinds.families.equities_daily.replay import Study
from tradewinds.families.plan import lacking
from tradewinds.reference_data import corporate_actions
from tradewinds.reference_data.exchanges import Exchange, exchange_of
from tradewinds.reference_data.universe import ALWAYS, Universe

BARS, ACTIONS, MEMBERSHIPS = "bars", "corporate actions", "universe rows"
SIGNALS, PURCHASES, SALES = "entry signals", "purchases and refusals", "sales"

# Poison: prices and volumes that no market has shown from one day to the next.
_TIMES = 5
_HUGE_VOLUME = 10**9
_SPLIT = 10
_ONE_DAY = dt.timedelta(days=1)

Columns = dict[str, Ints]
Event = tuple[int, Key, str]  # Unix seconds, market and kind of decision, outcome in words


class SharesRun:
    """What a run of shares decided, and decides under other futures (a `lookahead.Subject`)."""

    kinds: Sequence[str] = (BARS, ACTIONS, MEMBERSHIPS)
    decisions: Sequence[str] = (SIGNALS, PURCHASES, SALES, BOOKS)
    step_seconds = 1

    def __init__(self, config: Mapping[str, Any], plan: SharesPlan) -> None:
        """Raises DataMissing if the bars are not all there, or as the run itself does."""
        if missing := [path for path in plan.files.bars if not Path(path).exists()]:
            raise lacking(missing, "makes")
        self.config, self.plan, self.exchange = config, plan, exchange_of(config["calendar"])
        with tempfile.TemporaryDirectory(prefix="tradewinds-") as folder:
            whole = with_files(plan, panel=f"{folder}/panel.parquet")
            make_panel(whole)
            table, self.about = files.read_table(whole.files.panel), files.read_meta(whole.files.panel)
            self.columns = {name: table[name].to_numpy() for name in table.column_names}
            study = Study.of([config], whole)
            made = study.replay(config)
            self.days, self.events, self.journal = study.market.days, list(_events(config, study, made)), made.books

    def instants(self) -> Mapping[str, Sequence[int]]:
        """Where this run buys and sells, and its sessions' opens and closes."""
        dates = [date_of(day) for day in self.days]
        orders = sorted({ts for ts, (_, what), _ in self.events if what != SIGNALS})
        opens, closes = map(self.exchange.open_ts, dates), map(self.exchange.close_ts, dates)
        return {"order": orders, "open": list(opens), "close": list(closes)}

    def past(self, cut_ts: int) -> Timelines:
        """Signals, purchases, refusals, sales and the books by a cut."""
        return _timelines(self.events, self.journal, cut_ts)

    def again(self, future: Future, folder: Path) -> tuple[Timelines, Counter[str]]:
        """The same under another future; see `lookahead.Subject`."""
        copies = _Copies(future, self.exchange)
        plan, config = with_files(self.plan, panel=f"{folder}/panel.parquet"), dict(self.config)
        columns = self.columns
        if BARS in future.kinds:
            columns = copies.bars(columns)
        files.write_parquet(plan.files.panel, pa.table(columns).cast(schemas.PANEL), self.about)
        if ACTIONS in future.kinds and config["actions"] is not None:
            config["actions"] = copies.actions(config["actions"], folder / "actions.csv", list(plan.files.universe))
        if MEMBERSHIPS in future.kinds:
            plan = with_files(
                plan, universe=copies.universe(plan.files.universe, {file.symbol for file in plan.files.years})
            )
        # that a copy lacks bars is the check's doing, no reason to stop; nor that there is nothing left to trade
        config["on_missing"] = {**config["on_missing"], "bars": "skip"}
        try:
            study = Study.of([config], plan)
            made = study.replay(config)
            events, journal = list(_events(config, study, made)), made.books
        except DataMissing:
            events, journal = [], Journal.empty()
        return _timelines(events, journal, future.cut_ts), copies.counts

    def event_of(self, market: str) -> str:
        """Shares belong to no event."""
        return market


def _events(config: Mapping[str, Any], study: Study, made: ShareResult) -> Iterator[Event]:
    """Everything that a replay decides, when it does.

    That an order finds no next bar is no decision, and a sale at the run's end none of the strategy's: both say only where the
    data end, which is where they were cut.
    """
    scores, symbols = study.scores(config), study.loaded.bars.symbols
    bars, market, at_close = study.loaded.bars, study.market, config["fill"] == "same_close"

    def filled(row: int) -> int:
        day = int(bars.day[row])
        return study.closes[day] if at_close else study.opens(day)

    for answer in made.answered:
        symbol, signal_ts = symbols[market.owner[answer.row]], study.closes[int(bars.day[answer.row])]
        yield signal_ts, (symbol, SIGNALS), f"{study.code(config)}, score {float(scores[answer.row])!r}"
        if answer.reason == ALREADY_HELD:
            yield signal_ts, (symbol, PURCHASES), f"refused as {answer.reason}"
        elif answer.reason not in ("", NO_NEXT_BAR):
            row = answer.row if at_close else market.next_row[answer.row]
            yield filled(row), (symbol, PURCHASES), f"refused as {answer.reason}"
    for trade in made.trades:
        bought = f"BUY {trade.quantity} at {money(trade.entry_price)}, fee {money(trade.entry_fee)}"
        yield filled(trade.entry_row), (symbols[trade.symbol], PURCHASES), bought
        if trade.exit_reason != BACKTEST_END:
            sold = (
                f"SELL {trade.quantity} at {money(trade.exit_price)}, fee {money(trade.exit_fee)}, {trade.exit_reason}"
            )
            yield filled(trade.exit_row), (symbols[trade.symbol], SALES), sold


def _timelines(events: Sequence[Event], journal: Journal, cut_ts: int) -> Timelines:
    """Events by the cut, per symbol and kind, and what the books say by then."""
    found: Timelines = {}
    for ts, key, outcome in sorted(events):
        if ts <= cut_ts:
            found.setdefault(key, []).append(Stretch(ts, ts + 1, outcome))
    return found | book_timelines(journal, cut_ts, SharesRun.step_seconds, {BACKTEST_END})


@dataclass
class _Copies:
    """Makes the copies of one change, and counts the records it concerns.

    `opened` and `closed` are the last dates whose session had opened, and closed, by the cut: the same one, or neighbours.
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

    def bars(self, columns: Columns) -> Columns:
        """Later bars five times as dear or as cheap as they were, in turns, with a huge volume; every symbol gets such a bar at
        the session after the cut. A bar that has only opened closes at a multiple of its close."""
        day = columns["day"]
        later, opened = day > day_of(self.closed), day == day_of(self.opened)
        self.counts[BARS] += int(later.sum())
        running = _rows(columns, later & opened)
        running |= _closing_at(running, _TIMES if self.future.poisoned else 2)
        running["volume"] = np.full_like(running["volume"], _HUGE_VOLUME if self.future.poisoned else 0)
        parts = [_rows(columns, ~later), running]
        if self.future.poisoned:
            parts += [_poisoned(_rows(columns, later & ~opened)), self._next_session(columns)]
        return _in_order({name: np.concatenate([part[name] for part in parts]) for name in columns})

    def _next_session(self, columns: Columns) -> Columns:
        """Bars of symbols that have none on the first trading day after the cut: their last one, poisoned."""
        ahead = columns["day"][columns["day"] > day_of(self.opened)]
        session = int(ahead.min()) if len(ahead) else day_of(self.tomorrow)
        good = columns["fault"] == 0
        known = np.flatnonzero(good & (columns["day"] <= day_of(self.closed)))
        last = known[np.append(np.diff(columns["number"][known]) != 0, True)] if len(known) else known
        there = columns["number"][good & (columns["day"] == session)]
        planted = _rows(columns, last[~np.isin(columns["number"][last], there)])
        planted["day"] = np.full_like(planted["day"], session)
        self.counts[PLANTED] += len(planted["day"])
        return _poisoned(planted)

    def actions(self, path: str, copy: Path, symbols: Sequence[str]) -> str:
        """Later splits ten times as large and dividends none; every symbol gets such a split right after the cut."""
        rows = [(symbol, *action) for symbol, found in corporate_actions.read_actions(path).items() for action in found]
        known = [row for row in rows if row[1] <= day_of(self.opened)]
        later = [row for row in rows if row[1] > day_of(self.opened)]
        self.counts[ACTIONS] += len(later)
        if self.future.poisoned:
            planted = [(symbol, day_of(self.tomorrow), Decimal(1), Decimal(0)) for symbol in symbols]
            known += [(symbol, day, split * _SPLIT, Decimal(0)) for symbol, day, split, _ in later + planted]
            self.counts[PLANTED] += len(planted)
        with open(copy, "w", encoding="utf-8", newline="") as out:
            written = ((symbol, date_of(day), split, dividend) for symbol, day, split, dividend in known)
            csv.writer(out).writerows([corporate_actions.COLUMNS, *written])
        return str(copy)

    def universe(self, universe: Universe, with_bars: set[str]) -> Universe:
        """Symbols that join later never do, or do so right after the cut; those that leave later never do, or do so now."""
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


def _rows(columns: Columns, which: Any) -> Columns:
    return {name: values[which] for name, values in columns.items()}


def _closing_at(bars: Columns, times: int) -> Columns:
    """A multiple of the close, that leaves the quotient of adjusted and paid close what it is, to the last bit."""
    opened, close = bars["open"], bars["close"] * times
    changed = {"close": close, "adj_close": bars["adj_close"] * times}
    return changed | {"high": np.maximum(opened, close), "low": np.minimum(opened, close)}


def _poisoned(bars: Columns) -> Columns:
    """Five times as dear, or as cheap, from symbol to symbol and day to day."""
    dear = (bars["number"] + bars["day"]) % 2 == 0
    prices = {
        name: np.where(dear, bars[name] * _TIMES, np.maximum(bars[name] // _TIMES, np.sign(bars[name])))
        for name in (*schemas.PRICE_COLUMNS, "adj_close")
    }
    return bars | prices | {"volume": np.full_like(bars["volume"], _HUGE_VOLUME)}


def _in_order(columns: Columns) -> Columns:
    return _rows(columns, np.lexsort((columns["day"], columns["number"])))
