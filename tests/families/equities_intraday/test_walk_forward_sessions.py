"""Walk-forward over sessions: a second walk from single runs, and another future that changes no earlier pick."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from tests.families.equities_intraday.replayed_worlds import SYMBOLS, days, random_bars
from tradewinds.config import markets, resolve
from tradewinds.families.equities_intraday import replay
from tradewinds.families.equities_intraday.session_panel import SessionPanel
from tradewinds.families.plan import run_plan
from tradewinds.sweeps.folds import fold_dates
from tradewinds.sweeps.grid import grid_points
from tradewinds.sweeps.walk_forward import WindowReplays, walk_forward

GRID = ["orb.base_minutes=5,15", "trade.t1_r=0.5,1", "governance.max_signals_per_day=1,3"]
DATES = days(50)
FIRST = 15  # sessions before it are history
TRAIN, TEST = 12, 5


@pytest.fixture
def conf():
    return resolve.resolve(
        {
            "market": "equities_intraday",
            "symbols": list(SYMBOLS),
            "date_start_local": DATES[FIRST],
            "date_end_local": DATES[-1],
            "bars": {"source": "synthetic"},
            "orb": {"min_atr_mult": 0, "max_atr_mult": 100},
            "scoring": {"enabled": False},
        }
    )


def mirrored(bars, cut):
    """The same bars up to a date; from it on, each price on the other side of the last one before it."""
    sessions = len(bars.days)
    later = np.zeros(len(bars.minute), bool)
    level = np.zeros(len(bars.minute), np.int64)
    for number, end in enumerate(bars.first_row[1:].tolist()):
        rows, session = slice(int(bars.first_row[number]), end), number % sessions
        if dt.date(1970, 1, 1) + dt.timedelta(days=int(bars.days[session])) >= cut:
            later[rows], level[rows] = True, bars.close[bars.first_row[number - session]]
    turned = {"open": "open", "high": "low", "low": "high", "close": "close"}
    prices = {
        name: np.where(later, 2 * level - getattr(bars, other), getattr(bars, name)) for name, other in turned.items()
    }
    return dataclasses.replace(bars, **prices)


def panel_of(bars):
    """Return the bars as the panel of a run."""
    columns = {name: getattr(bars, name) for name in SessionPanel._fields if name != "about"}
    return SessionPanel(**columns, about={"quarantined": {}, "zero_volume": {}})


def walked(conf, bars, monkeypatch, by="pnl"):
    monkeypatch.setattr(replay, "read_session_panel", lambda path: panel_of(bars))
    found = markets.family_of(conf["market"]).days(conf, run_plan(conf))
    return walk_forward(WindowReplays(grid_points(conf, GRID)), fold_dates(found, TRAIN, TEST), by, found)


@pytest.mark.slow
def test_picks_are_those_of_single_runs(conf, monkeypatch):
    bars = random_bars(3, DATES)
    made = walked(conf, bars, monkeypatch)

    def pnl(point, first, last):
        config = {**point.config, "date_start_local": first, "date_end_local": last}
        run = replay.simulate(config, run_plan(conf), 1, lambda done, total: None)
        return sum(trade.pnl_micro for trade in run.trades)

    points, at, picks, total = grid_points(conf, GRID), FIRST + TRAIN, [], 0
    while at + TEST <= len(DATES):
        values = [pnl(point, DATES[at - TRAIN], DATES[at - 1]) for point in points]
        picks.append(values.index(max(values)))
        total += pnl(points[picks[-1]], DATES[at], DATES[at + TEST - 1])
        at += TEST
    assert [fold.pick for fold in made.folds] == picks and made.chain.pnl_micro == total
    assert made.chain.outcome.equity_micro[-1] - made.chain.start_micro == total != 0
    assert len(set(picks)) > 1


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 2, 3])
def test_another_future_changes_no_earlier_pick(conf, monkeypatch, number):
    bars = random_bars(3, DATES)
    before = walked(conf, bars, monkeypatch)
    after = walked(conf, mirrored(bars, before.folds[number].dates.test_first), monkeypatch)
    for old, new in zip(before.folds[: number + 1], after.folds[: number + 1], strict=True):
        assert (old.dates, old.pick, old.train, old.traded) == (new.dates, new.pick, new.train, new.traded)
    assert before.folds[number].test != after.folds[number].test
