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

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tradewinds.core import files
from tradewinds.core.errors import DataMissing
from tradewinds.core.temporary import temporary_folder
from tradewinds.core.text import money
from tradewinds.engine.journal import Journal
from tradewinds.engine.shares.share_result import ShareResult
from tradewinds.engine.shares.share_rules import ALREADY_HELD, BACKTEST_END, NO_BARS_EXIT, NO_NEXT_BAR
from tradewinds.families.book_timelines import book_timelines
from tradewinds.families.contract import BOOKS, Future, Key, Stretch, Timelines
from tradewinds.families.equities_daily import schemas
from tradewinds.families.equities_daily.bar_panel import date_of, make_panel
from tradewinds.families.equities_daily.changed_records import ACTIONS, BARS, MEMBERSHIPS, ChangedRecords
from tradewinds.families.equities_daily.plan import SharesPlan, with_files
from tradewinds.families.equities_daily.replay import SharesReplay
from tradewinds.families.equities_daily.strategies import share_strategies
from tradewinds.families.plan import lacking
from tradewinds.reference_data.exchange_calendar import known_calendar

SIGNALS, PURCHASES, SALES = "entry signals", "purchases and refusals", "sales"

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
        self.config, self.plan = config, plan
        self.calendar = known_calendar(config["calendar"], config["date_end_local"])
        with temporary_folder("tradewinds-") as folder:
            whole = with_files(plan, panel=f"{folder}/panel.parquet")
            make_panel(whole)
            table, self.about = files.read_table(whole.files.panel), files.read_meta(whole.files.panel)
            self.columns = {name: table[name].to_numpy() for name in table.column_names}
            replay = SharesReplay.of([config], whole)
            made = replay.run(config)
            self.days, self.journal = replay.market.days, made.books
            self.decided = list(_decisions(config, replay, made))

    def instants(self) -> Mapping[str, Sequence[int]]:
        """Return the instants of the run's orders, and the opens and closes of its sessions, in Unix seconds."""
        dates = [date_of(day) for day in self.days]
        orders = sorted({ts for ts, (_, what), _ in self.decided if what != SIGNALS})
        opens, closes = ([hour(date) for date in dates] for hour in (self.calendar.opens, self.calendar.closes))
        return {"order": orders, "open": opens, "close": closes}

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
        copies = ChangedRecords(future, self.calendar)
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
        future.ready()
        # a copy may lack bars, or have none: that is the effect of the change, not an error of the run
        config["on_missing"] = {**config["on_missing"], "bars": "skip"}
        try:
            replay = SharesReplay.of([config], plan)
            made = replay.run(config)
            decided, journal = list(_decisions(config, replay, made)), made.books
        except DataMissing:
            decided, journal = [], Journal.empty()
        return _timelines(decided, journal, future.cut_ts), copies.counts

    def event_of(self, market: str) -> str:
        """Return the symbol itself: shares belong to no event."""
        return market


def _decisions(config: Mapping[str, Any], replay: SharesReplay, made: ShareResult) -> Iterator[DatedDecision]:
    """Yield everything that a replay decides, with its instant.

    An order without a next bar and a sale at the end of the run are left out: they depend on where the data end, and the
    copies end at the cut.

    Args:
        config: a resolved config.
        replay: the bars on which it was replayed.
        made: the result of the ledger.
    """
    if share_strategies.is_own(config):
        yield from _own_decisions(config, replay, made)
        return
    scores, symbols = replay.scores(config), replay.loaded.bars.symbols
    bars, market, at_close = replay.loaded.bars, replay.market, config["fill"] == "same_close"

    def fill_ts(row: int) -> int:
        """Return the instant at which an order fills at a bar, in Unix seconds."""
        day = int(bars.day[row])
        return replay.closes[day] if at_close else replay.opens(day)

    # entry signals, and the refusals of their orders
    for answer in made.answered:
        symbol, signal_ts = symbols[market.owner[answer.row]], replay.closes[int(bars.day[answer.row])]
        yield signal_ts, (symbol, SIGNALS), f"{replay.code(config)}, score {float(scores[answer.row])!r}"
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
            sold_ts = replay.closes[trade.exit_day] if trade.exit_reason == NO_BARS_EXIT else fill_ts(trade.exit_row)
            yield sold_ts, (symbols[trade.symbol], SALES), sold


def _own_decisions(config: Mapping[str, Any], replay: SharesReplay, made: ShareResult) -> Iterator[DatedDecision]:
    """Yield everything that the user's own strategy asks for, and what becomes of it, with its instant.

    Arguments as for _decisions; what is left out there is left out here.
    """
    symbols = replay.loaded.bars.symbols
    for number, wish in enumerate(made.wishes):
        yield replay.closes[wish.day], (wish.ticker, SIGNALS), f"{number}: {wish.text}"
    for outcome in made.outcomes:
        if outcome.reason == NO_NEXT_BAR:
            continue
        what = "SELL" if outcome.is_sale else "BUY"
        done = f"{outcome.quantity} at {money(outcome.price)}, {outcome.reason}"
        text = f"{what} {done}" if outcome.filled else f"{what} refused as {outcome.reason}"
        yield outcome.ts, (symbols[outcome.symbol], SALES if outcome.is_sale else PURCHASES), text
    for trade in made.trades:
        if trade.exit_reason == NO_BARS_EXIT:
            sold = f"SELL at {money(trade.exit_price)}, fee {money(trade.exit_fee)}, {trade.exit_reason}"
            yield replay.closes[trade.exit_day], (symbols[trade.symbol], SALES), sold


def _timelines(decided: Sequence[DatedDecision], journal: Journal, cut_ts: int) -> Timelines:
    """Return the decisions up to a cut by symbol and kind, and the rows of the books up to it."""
    found: Timelines = {}
    for ts, key, outcome in sorted(decided):
        if ts <= cut_ts:
            found.setdefault(key, []).append(Stretch(ts, ts + 1, outcome))
    return found | book_timelines(journal, cut_ts, SharesRun.step_seconds, {BACKTEST_END})
