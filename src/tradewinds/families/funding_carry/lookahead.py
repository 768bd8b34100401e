"""The look-ahead check of funding carry: repeats the replay with other records after an instant, the cut.

When a record becomes known:
    funding rate, and its mark price: at its settlement.
    candle: its open when it begins, the rest when it ends.

A candle that is running at the cut keeps its open, and the rest of it is changed. Where all later rates of a symbol are
removed, one settlement stays at the time of its last one, because a position is closed at a symbol's last settlement, and that
is known from the range and not from a rate. It has the rate that was last known, which tells nothing new: neither a higher rate
nor a lower one.

What an exchange allows of a symbol (step, least value) is known from the date on that a config gives a change; the first
filters have none, and a run assumes that they held before. So later changes are removed, and a change is planted right after
the cut: the next list of the exchange, with other filters, may change nothing before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.errors import DataMissing
from tradewinds.core.text import instant, money
from tradewinds.engine.carry.carry_loop import BACKTEST_END, run_carry
from tradewinds.engine.carry.carry_market import RATE_UNIT, Instrument, LegCandles, OrderFilters, Rates, SymbolMarket
from tradewinds.engine.carry.carry_result import CarryFill, CarryResult
from tradewinds.engine.carry.carry_rules import CarryRules
from tradewinds.engine.carry.carry_timeline import CarryMarkets
from tradewinds.families.book_timelines import book_timelines
from tradewinds.families.contract import BOOKS, PLANTED, Future, Stretch, Timelines
from tradewinds.families.funding_carry.carry_panel import read_carry_panel
from tradewinds.families.funding_carry.plan import CarryPlan
from tradewinds.families.funding_carry.run_rules import rules_of
from tradewinds.families.plan import lacking

RATES, SPOT_CANDLES, PERP_CANDLES, MARK_CANDLES = "funding rates", "spot candles", "perp candles", "mark candles"
FILTERS = "instrument filters"
ENTRIES, EXITS, EQUITY = "entries and refusals", "exits", "equity"
ACCOUNT = "account"  # in place of a symbol, for the equity
HOUR = 3600
_POISONED_RATE = RATE_UNIT // 100  # 1 % a settlement
_PRICE_FACTOR, _HUGE_VOLUME = 5, 10**15
_POISONED_STEP, _POISONED_LEAST = (
    10**9,
    10**14,
)  # of every symbol from the cut on: 10 coins, 1,000,000 of the quote coin


class CarryRun:
    """A run of funding carry that can be repeated with other records (the protocol Subject in families/contract.py).

    Args:
        markets: the records of each symbol.
        rules: the run's.

    Raises:
        DataMissing: there is no settlement in the range.
    """

    kinds: Sequence[str] = (RATES, SPOT_CANDLES, PERP_CANDLES, MARK_CANDLES, FILTERS)
    decisions: Sequence[str] = (ENTRIES, EXITS, EQUITY, BOOKS)
    step_seconds = 1

    def __init__(self, markets: Sequence[SymbolMarket], rules: CarryRules) -> None:
        """Make the run as it is."""
        self.markets, self.rules = markets, rules
        made = CarryMarkets(self.markets, self.rules)
        if not len(made.instants):
            what = "no symbol has a settlement in the range, so nothing was decided."
            raise DataMissing(what, where="date_start_local", remedy="Choose dates with settlements.")
        self.settlements: list[int] = made.instants.tolist()
        self.made = run_carry(made, self.rules)

    @classmethod
    def of(cls, config: Mapping[str, Any], plan: CarryPlan) -> CarryRun:
        """Return the run of a config.

        Args:
            config: resolved.
            plan: its plan.

        Raises:
            DataMissing: the panel does not exist, or has no settlement in the range.
            DamagedFile: the panel is not as it was written.
        """
        if missing := [path for path in plan.files.panel if not Path(path).exists()]:
            raise lacking(missing, "makes")
        return cls(read_carry_panel(plan.files.panel, config), rules_of(config))

    def instants(self) -> Mapping[str, Sequence[int]]:
        """Return the instants of the run's fills, refusals and settlements, in Unix seconds."""
        fills, refusals = ({one.ts for one in rows} for rows in (self.made.fills, self.made.refusals))
        return {"fill": sorted(fills), "refusal": sorted(refusals), "settlement": self.settlements}

    def past(self, cut_ts: int) -> Timelines:
        """Return entries, refusals, exits, equity and rows of the books up to a cut."""
        return _timelines(self.made, cut_ts)

    def again(self, future: Future, folder: Path) -> tuple[Timelines, Counter[str]]:
        """Repeat the run with changed records; see Subject in families/contract.py.

        Args:
            future: the cut and the change.
            folder: not used: the copies are in memory.

        Returns:
            Decisions up to the cut as in `past`, and the number of changed records by kind.
        """
        counts: Counter[str] = Counter()
        changed = [_changed(market, future, self.rules.candle_seconds, counts) for market in self.markets]
        future.ready()
        made = run_carry(CarryMarkets(changed, self.rules), self.rules, future.cut_ts)
        return _timelines(made, future.cut_ts), counts

    def event_of(self, market: str) -> str:
        """Return the leg itself: carry positions belong to no event."""
        return market


def _changed(market: SymbolMarket, future: Future, seconds: int, counts: Counter[str]) -> SymbolMarket:
    """Return a symbol with another future, and count what was changed."""
    legs = {"spot": SPOT_CANDLES, "perp": PERP_CANDLES, "mark": MARK_CANDLES}
    changes: dict[str, Any] = {
        name: _changed_candles(getattr(market, name), future, seconds, kind, counts)
        for name, kind in legs.items()
        if kind in future.kinds
    }
    if RATES in future.kinds:
        changes["rates"] = _changed_rates(market.rates, future, counts)
    if FILTERS in future.kinds:
        changes["instrument"] = _changed_filters(market.instrument, future, counts)
    return replace(market, **changes)


def _changed_filters(instrument: Instrument, future: Future, counts: Counter[str]) -> Instrument:
    """Return an instrument without its changes after the cut, or with coarse filters from right after the cut on."""
    known = tuple(change for change in instrument.changes if change.from_ts <= future.cut_ts)
    counts[FILTERS] += len(instrument.changes) - len(known)
    if not future.poisoned:
        return replace(instrument, changes=known)
    counts[PLANTED] += 1
    return replace(instrument, changes=(*known, OrderFilters(future.cut_ts + 1, _POISONED_STEP, _POISONED_LEAST)))


def _changed_rates(rates: Rates, future: Future, counts: Counter[str]) -> Rates:
    """Return rates without those after the cut but a last one like the last known, or with large ones, one of them planted."""
    known = int(np.searchsorted(rates.ts, future.cut_ts, side="right"))
    later = len(rates.ts) - known
    counts[RATES] += later
    if not later:
        return rates
    if not future.poisoned:
        told = rates.rate[known - 1 : known] if known else np.zeros(1, np.int64)
        ts, rate, mark = rates.ts[-1:], told, np.zeros(1, np.int64)
    else:
        ts = rates.ts[known:]
        if (hour := (future.cut_ts // HOUR + 1) * HOUR) < ts[0]:
            ts = np.append(hour, ts)
            counts[PLANTED] += 1
        rate = np.where(np.arange(len(ts)) % 2 == 0, _POISONED_RATE, -_POISONED_RATE)
        mark = np.ones(len(ts), np.int64)
    columns = ((rates.ts, ts), (rates.rate, rate), (rates.mark, mark))
    return Rates(*(np.append(old[:known], new) for old, new in columns))


def _changed_candles(candles: LegCandles, future: Future, seconds: int, kind: str, counts: Counter[str]) -> LegCandles:
    """Return candles without those that begin after the cut, or with five times as dear or cheap ones; see the module.

    The candle that runs is changed in both copies: dear in one of them, and cheap in the other.
    """
    begun = int(np.searchsorted(candles.open_ts, future.cut_ts, side="right"))
    running = begun > 0 and int(candles.open_ts[begun - 1]) + seconds > future.cut_ts
    known = begun - running
    counts[kind] += len(candles.open_ts) - known
    if known == len(candles.open_ts):
        return candles
    end = len(candles.open_ts) if future.poisoned else begun
    rows = np.arange(known, end)
    is_dear = (rows + future.poisoned) % 2 == 0
    fifths = np.where(is_dear, _PRICE_FACTOR * _PRICE_FACTOR, 1)  # five times as dear and as cheap, in turns
    columns: dict[str, Ints] = {name: getattr(candles, name).copy() for name in ("open", "high", "low", "close")}
    for name, column in columns.items():
        first = known + running if name == "open" else known  # a running candle keeps its open
        column[first:end] = np.maximum(column[first:end] * fifths[first - known :] // _PRICE_FACTOR, 1)
    columns["volume"] = candles.volume.copy()
    columns["volume"][known:end] = _HUGE_VOLUME
    kept = {name: column[:end] for name, column in columns.items()}
    return LegCandles(open_ts=candles.open_ts[:end], **kept, volume_unit=candles.volume_unit)


def _timelines(made: CarryResult, cut_ts: int) -> Timelines:
    """Return what was decided up to a cut by leg and kind of decision, the equity, and the rows of the books.

    Fills at a symbol's last settlement are left out: they say where the records end.
    """
    found: Timelines = {}
    for ts, key, outcome in (*_decisions(made), *_equity(made)):
        if ts <= cut_ts:
            stretches = found.setdefault(key, [])
            same = f"{stretches.pop().outcome}; " if stretches and stretches[-1].first_ts == ts else ""
            stretches.append(Stretch(ts, ts + CarryRun.step_seconds, same + outcome))
    return found | book_timelines(made.journal, cut_ts, CarryRun.step_seconds, {BACKTEST_END})


def _decisions(made: CarryResult) -> Iterator[tuple[int, tuple[str, str], str]]:
    """Yield fills and refusals in order of time, by leg and kind of decision."""
    rows = [
        (fill.ts, made.symbols[fill.symbol], EXITS if not fill.opens else ENTRIES, _words(fill))
        for fill in made.fills
        if fill.reason != BACKTEST_END
    ]
    rows += [(one.ts, made.symbols[one.symbol], ENTRIES, f"refused as {one.reason}") for one in made.refusals]
    for ts, symbol, kind, words in sorted(rows, key=lambda row: row[0]):
        yield ts, (symbol, kind), words


def _words(fill: CarryFill) -> str:
    """Return a fill as text."""
    side, leg = "BUY" if fill.side > 0 else "SELL", "perp" if fill.is_perp else "spot"
    quantity, price, fee = (money(amount, 8) for amount in (fill.quantity, fill.price, fill.fee))
    return f"{side} {leg} {quantity} at {price}, fee {fee}, {fill.reason}, priced {instant(fill.price_ts)}"


def _equity(made: CarryResult) -> Iterator[tuple[int, tuple[str, str], str]]:
    """Yield the account at each of its points."""
    for point in made.equity:
        amounts = (point.equity_micro, point.cash_micro, point.wallets_micro)
        yield point.ts, (ACCOUNT, EQUITY), "{}, cash {}, wallets {}".format(*(money(amount, 8) for amount in amounts))
