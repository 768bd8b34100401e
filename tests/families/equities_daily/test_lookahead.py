"""Daily equities see no future: other bars, splits and universes after a cut change nothing, and every leak put in is found."""

import csv
import dataclasses
import datetime as dt
import os
import random
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.unit.share_worlds import weekdays
from tradewinds.audits import lookahead
from tradewinds.config import resolve
from tradewinds.core.errors import DataMissing
from tradewinds.core.units import NEVER
from tradewinds.engine.journal import Kind
from tradewinds.engine.shares.bars import TradingDays, distinct
from tradewinds.engine.shares.ledger import Ledger
from tradewinds.engine.shares.share_books import ShareBooks
from tradewinds.families import plan
from tradewinds.families.contract import BOOKS, PLANTED, Future
from tradewinds.families.equities_daily import bar_panel, family, schemas
from tradewinds.families.equities_daily.changed_records import ACTIONS, BARS, MEMBERSHIPS, ChangedRecords
from tradewinds.families.equities_daily.fetch import user_bars
from tradewinds.families.equities_daily.lookahead import PURCHASES, SALES, SIGNALS, SharesRun
from tradewinds.families.equities_daily.strategies import breakout, mean_reversion
from tradewinds.reference_data.exchange_calendar import known_calendar
from tradewinds.reference_data.universe import ALWAYS

WORLDS = int(os.environ.get("TRADEWINDS_WORLDS", "12"))
MONDAY = dt.date(2023, 11, 6)
DAYS = weekdays(MONDAY, 110)
SYMBOLS = [f"S{number}" for number in range(6)]
STRATEGIES = ("Mean Reversion", "Breakout")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run_of(seed, **changes):
    """A random run: six symbols that rise and fall, join and leave, split, pay, pause and vanish; settings by the seed."""
    rng = random.Random(seed)
    write(f"bars-{seed}.csv", ("symbol", "date", *schemas.PRICE_COLUMNS, "adj_close", "volume"), bars_of(rng))
    write(f"universe-{seed}.csv", ("symbol", "active_from", "active_to"), memberships_of(rng))
    write(f"actions-{seed}.csv", ("symbol", "ex_date", "split_ratio", "dividend"), actions_of(rng))
    raw = {
        "universe": {"file": f"universe-{seed}.csv"},
        "date_start_local": DAYS[25],
        "date_end_local": DAYS[-1],
        "strategy": {"name": STRATEGIES[seed % 2], "parameters": {"volume_bars": 5, "min_close": 0.01}},
        "bars": {"source": "files", "path": f"bars-{seed}.csv", "columns": {"adj_close": "adj_close"}},
        "actions": None if seed % 3 == 0 else f"actions-{seed}.csv",
        "fill": "same_close" if seed % 5 == 0 else "next_open",
        "risk": {
            "max_positions": 3,
            "position_size_pct": 40,
            "exit_after_missing_days": (5, 2, None, 20)[seed % 4],
            "max_volume_share": 0.001 if seed % 7 == 0 else None,
        },
        "calendar": "XASX",
        "on_missing": {"bars": "skip"},
    }
    conf = resolve.resolve({**raw, **changes}, today=dt.date(2026, 1, 1))
    made = plan.run_plan(conf)
    user_bars.import_bars(
        conf["bars"]["path"], conf["bars"]["columns"], [(f.name, f.year, f.path) for f in made.files.years]
    )
    return SharesRun(conf, made)


def write(path, columns, rows):
    with open(path, "w", newline="") as out:
        csv.writer(out).writerows([columns, *rows])


def bars_of(rng):
    for symbol in SYMBOLS:
        price, last = rng.uniform(1, 30), rng.choice([len(DAYS), len(DAYS), 70])
        for date in DAYS[:last]:
            opened = price * (1 + rng.gauss(0, 0.01))
            price = max(0.05, opened * (1 + rng.gauss(0, 0.035)))
            high, low = max(opened, price) * (1 + rng.random() * 0.01), min(opened, price) * (1 - rng.random() * 0.01)
            texts = [f"{value:.3f}" for value in (opened, high, low, price, price * 0.9)]
            if rng.random() < 0.04:
                continue
            if rng.random() < 0.02:
                texts[rng.randrange(4)] = "0"
            volume = int(400_000 * rng.lognormvariate(0, 0.7))
            yield (symbol, date, *texts, rng.choice([0, 0, ""]) if rng.random() < 0.1 else volume)


def memberships_of(rng):
    for symbol in SYMBOLS:
        joins = rng.choice(["", DAYS[rng.randrange(20, 60)]])
        leaves = rng.choice(["", DAYS[rng.randrange(61, 90)]])
        yield (symbol, joins, leaves)
        if leaves and rng.random() < 0.5:
            yield (symbol, DAYS[95], "")


def actions_of(rng):
    for symbol in SYMBOLS:
        for _ in range(3):
            yield (symbol, DAYS[rng.randrange(1, len(DAYS))], rng.choice(["", "2", "0.5"]), rng.choice(["", "0.01"]))


@pytest.mark.slow
def test_no_decision_of_a_random_run_depends_on_its_future():
    seen = Counter()
    for seed in range(WORLDS):
        for report in lookahead.check(run_of(seed), cuts=6, seed=seed):
            assert not report.changes, f"seed {seed}, {report.cut}: {report.changes[0]}"
            seen += report.decisions + report.records
    for kind in (BARS, ACTIONS, MEMBERSHIPS, PLANTED, SIGNALS, PURCHASES, SALES, BOOKS):
        assert seen[kind] > 20, f"{kind}: these worlds test nothing"


@pytest.mark.parametrize("kind", SharesRun.kinds)
def test_a_future_planted_in_one_kind_of_record_changes_nothing(kind):
    touched = 0
    for seed in (101, 104):
        checker = lookahead.Checker(run_of(seed))
        for cut in checker.cuts(4, seed):
            differences, records = checker.differences(Future(cut.ts, True, frozenset({kind})))
            assert not differences, f"seed {seed}, {cut}: {differences}"
            touched += records[kind]
    assert touched


def each_strategy(monkeypatch, change):
    """Let strategies see other bars than they are given: `change(honest, bars, parameters)` makes their scores."""
    for module in (mean_reversion, breakout):
        honest = module.scores
        monkeypatch.setattr(module, "scores", lambda bars, given, honest=honest: change(honest, bars, given))


def signal_from_the_next_close(monkeypatch):
    def change(honest, bars, parameters):
        close = bars.close.copy()
        for symbol in range(len(bars.symbols)):
            rows = bars.rows(symbol)
            close[rows] = np.append(bars.close[rows][1:], bars.close[rows][-1:])
        return honest(dataclasses.replace(bars, close=close), parameters)

    each_strategy(monkeypatch, change)


def heavy_trade_by_the_mean_of_the_whole_history(monkeypatch):
    def change(honest, bars, parameters):
        scores = honest(bars, parameters)
        for symbol in range(len(bars.symbols)):
            rows = bars.rows(symbol)
            scores[rows][bars.volume[rows] * (rows.stop - rows.start) < bars.volume[rows].sum()] = np.nan
        return scores

    each_strategy(monkeypatch, change)


def only_symbols_that_survive(monkeypatch):
    def change(honest, bars, parameters):
        scores, last = honest(bars, parameters), bars.offsets[1:] - 1
        gone = bars.day[np.maximum(last, 0)] < bars.day.max() - 7
        scores[gone[bars.owner]] = np.nan
        return scores

    each_strategy(monkeypatch, change)


def order_at_the_open_by_the_close_of_that_day(monkeypatch):
    honest = Ledger._buy

    def buy(self, signal_row, row, price):
        if self.market.close[row] >= self.market.open[row]:
            honest(self, signal_row, row, price)

    monkeypatch.setattr(Ledger, "_buy", buy)


def purchase_at_the_low_of_the_day(monkeypatch):
    honest = Ledger._buy
    monkeypatch.setattr(
        Ledger, "_buy", lambda self, s, row, price: honest(self, s, row, int(self.market.bars.low[row]))
    )


def sale_at_the_high_of_the_day(monkeypatch):
    honest = Ledger._sell
    monkeypatch.setattr(
        Ledger, "_sell", lambda self, p, row, price, why: honest(self, p, row, int(self.market.bars.high[row]), why)
    )


def sale_on_the_last_bar_that_will_ever_come(monkeypatch):
    """Sold at once, not after days without a bar; many symbols pause for a week, so that it happens often."""
    honest = TradingDays.last_wait

    def last_wait(self, missing_days):
        known = np.asarray(honest(self, missing_days))
        days = np.array(distinct(self.bars.day[self.tradable]))
        following = np.append(days, NEVER)[np.searchsorted(days, self.bars.day, side="right")]
        return np.where((known != NEVER) & (following != NEVER), following, known).data

    monkeypatch.setattr(TradingDays, "last_wait", last_wait)
    all_bars = bars_of

    def with_pauses(rng):
        pauses = {
            (symbol, day) for symbol in SYMBOLS for start in rng.sample(range(30, 100), 8) for day in DAYS[start:][:5]
        }
        return (row for row in all_bars(rng) if row[:2] not in pauses)

    monkeypatch.setattr(sys.modules[__name__], "bars_of", with_pauses)


def no_order_at_a_bar_of_little_volume(monkeypatch):
    """The volume of a day is known at its close, and the order fills at its open."""
    honest = Ledger._buy

    def buy(self, signal_row, row, price):
        if self.market.bars.volume[row] > 300_000:
            honest(self, signal_row, row, price)

    monkeypatch.setattr(Ledger, "_buy", buy)


def prices_adjusted_back_from_today(monkeypatch):
    honest = bar_panel.adjusted_bars
    monkeypatch.setattr(
        bar_panel, "adjusted_bars", lambda bars, price, shares, first: honest(bars, price, shares, 10**6)
    )


def only_members_that_never_leave(monkeypatch):
    honest = bar_panel._eligible

    def eligible(bars, universe, first, last):
        stay = np.array([universe[symbol][-1][1] == ALWAYS[1] for symbol in bars.symbols], bool)
        return honest(bars, universe, first, last) & stay[bars.owner]

    monkeypatch.setattr(bar_panel, "_eligible", eligible)


def members_before_they_join(monkeypatch):
    honest = bar_panel._eligible
    monkeypatch.setattr(
        bar_panel,
        "_eligible",
        lambda bars, universe, *days: honest(bars, {symbol: [ALWAYS] for symbol in universe}, *days),
    )


@pytest.mark.slow
def test_money_that_depends_on_the_future_is_found_though_every_decision_agrees(monkeypatch):
    """A position is paid a dividend of the last close of all."""
    honest = ShareBooks.fill

    def fill(self, number, day, symbol, quantity, *terms, at_close):
        honest(self, number, day, symbol, quantity, *terms, at_close=at_close)
        if quantity > 0:
            bars, ts = self.market.bars, self._writer.rows[-1][0]
            self._writer.add(Kind.DIVIDEND, ts, bars.symbols[symbol], number, cash_change=int(bars.close[-1]))

    monkeypatch.setattr(ShareBooks, "fill", fill)
    found = [
        change for seed in range(3) for report in lookahead.check(run_of(seed), 6, seed) for change in report.changes
    ]
    assert found and all("dividend of 0 at 0, cash " in change.before for change in found)


REMOVED, POISONED = False, True
BOTH = {REMOVED, POISONED}
AT_OPEN = {"fill": "next_open"}
ALL_OF_THEM = {"universe": SYMBOLS}
LEAKS = [
    (signal_from_the_next_close, BARS, BOTH, {}),
    (heavy_trade_by_the_mean_of_the_whole_history, BARS, BOTH, {}),
    (only_symbols_that_survive, BARS, {REMOVED}, ALL_OF_THEM),
    (order_at_the_open_by_the_close_of_that_day, BARS, BOTH, AT_OPEN),
    (purchase_at_the_low_of_the_day, BARS, BOTH, AT_OPEN),
    (sale_at_the_high_of_the_day, BARS, BOTH, AT_OPEN),
    (sale_on_the_last_bar_that_will_ever_come, BARS, BOTH, {"risk": {"exit_after_missing_days": 4}}),
    (no_order_at_a_bar_of_little_volume, BARS, BOTH, AT_OPEN),
    (prices_adjusted_back_from_today, ACTIONS, BOTH, {}),
    (prices_adjusted_back_from_today, BARS, BOTH, {"actions": None}),
    (only_members_that_never_leave, MEMBERSHIPS, {REMOVED}, {}),
    (members_before_they_join, MEMBERSHIPS, {REMOVED}, {}),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("leak", "kind", "futures", "changes"), LEAKS, ids=[f"{leak[0].__name__}-{leak[1]}" for leak in LEAKS]
)
def test_a_leak_is_found_and_its_cause_named(monkeypatch, leak, kind, futures, changes):
    leak(monkeypatch)
    found = []
    for seed in range(200, 212):
        for report in lookahead.check(run_of(seed, **changes), cuts=6, seed=seed):
            assert all(change.ts <= report.cut.ts for change in report.changes)
            found += report.changes
        if {change.poisoned for change in found} == futures:
            break
    else:
        raise AssertionError(f"{leak.__name__} stays hidden: {found}")
    assert any(change.kinds == (kind,) for change in found), found[:3]
    assert all(change.before != change.after and change.event_ticker == change.market_ticker for change in found)


def test_what_is_known_at_the_cut_stays_and_what_follows_does_not():
    """A second before each kind of record is known it is changed, at that second it is not."""
    run, clock = run_of(1), known_calendar("XASX", DAYS[-1])
    ex_date = dt.date.fromisoformat(Path("actions-1.csv").read_text().splitlines()[1].split(",")[1])
    spans = [span for found in run.plan.files.universe.values() for span in found]
    joins = next(start for start, end in spans if start > DAYS[25] and end == ALWAYS[1])  # a row that changes once
    leaves = next(end for _, end in spans if end < ALWAYS[1])
    moments = [
        (BARS, clock.closes(DAYS[50])),
        (ACTIONS, clock.opens(ex_date)),
        (MEMBERSHIPS, clock.opens(joins)),
        (MEMBERSHIPS, clock.closes(leaves)),
    ]
    checker = lookahead.Checker(run)
    for kind, ts in moments:
        before, at = (checker.differences(Future(cut, False, frozenset({kind})))[1][kind] for cut in (ts - 1, ts))
        assert before > at, kind


def test_an_open_of_today_is_known_and_the_rest_of_its_bar_is_not():
    """In the copies of a cut inside a session the open and the adjustment stay, to the last bit, and all else is another's."""
    run = run_of(3)
    day = bar_panel.day_of(DAYS[60])
    cut = known_calendar("XASX", DAYS[-1]).opens(DAYS[60])
    for poisoned in (False, True):
        columns = ChangedRecords(Future(cut, poisoned, frozenset({BARS})), run.calendar).bars(run.columns)
        was, now = ({name: c[name][c["day"] == day] for name in c} for c in (run.columns, columns))
        good = was["fault"] == 0
        assert (now["number"] == was["number"]).all() and (now["open"] == was["open"]).all() and good.sum() > 2
        same = now["adj_close"][good] / now["close"][good] == was["adj_close"][good] / was["close"][good]
        assert same.all() and (now["close"][good] != was["close"][good]).all()
        assert (now["low"] <= now["open"]).all() and (now["open"] <= now["high"]).all()
        earlier = [(c["day"] < day, c) for c in (run.columns, columns)]
        assert all((earlier[0][1][n][earlier[0][0]] == earlier[1][1][n][earlier[1][0]]).all() for n in columns)
        assert poisoned or columns["day"].max() == day


def test_without_bars_there_is_nothing_to_check():
    conf, made = run_of(1).config, run_of(1).plan
    Path(made.files.bars[0]).unlink()
    with pytest.raises(
        DataMissing, match=f"1 file of this config is missing; tradewinds run makes them:\n  {made.files.bars[0]}"
    ):
        family.FAMILY.lookahead(conf, made)


def test_a_run_that_fails_for_want_of_bars_fails_here_too():
    conf = run_of(1).config
    strict = {**conf, "on_missing": {"bars": "fail"}, "universe": ["S1", "GONE"]}
    made = plan.run_plan(strict)
    wanted = [(f.name, f.year, f.path) for f in made.files.years]
    user_bars.import_bars(conf["bars"]["path"], conf["bars"]["columns"], wanted)
    with pytest.raises(DataMissing, match="GONE: no bars"):
        SharesRun(strict, made)
