"""Opening-range runs see no future: other bars, volumes, splits and sessions after a cut change nothing; leaks are found."""

import hashlib
import os
import random
import shutil
from fractions import Fraction
from pathlib import Path

import pytest

import hatch_build
from tests.families.equities_intraday import orb_runs
from tests.families.equities_intraday.replayed_worlds import days, settings
from tradewinds.audits import lookahead
from tradewinds.engine.bar_sessions import compiled
from tradewinds.engine.bar_sessions.setups import History
from tradewinds.families.contract import BOOKS, PLANTED, Future
from tradewinds.families.equities_intraday import family
from tradewinds.families.equities_intraday.lookahead import (
    ACTIONS,
    BARS,
    ENTRIES,
    EXITS_MADE,
    OR_VOLUMES,
    RANGES,
    SESSIONS,
)

pytestmark = pytest.mark.slow  # most of it

WORLDS = int(os.environ.get("TRADEWINDS_WORLDS", "4"))
IN_PLAY = {
    "lookback": 5,
    "min_open_price": None,
    "min_avg_volume": None,
    "min_atr": None,
    "min_rel_volume": 0.9,
    "top_n": 2,
}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run_of(seed, dates=None, splits_each=1, **changes):
    """A random run with splits inside it; settings by the seed."""
    dates, rng = dates or days(24), random.Random(seed)
    splits = {
        (name, rng.choice(dates[10:])): rng.choice([2, 3, "0.5"]) for name in ("AAA", "CCC") for _ in range(splits_each)
    }
    rows = ["symbol,ex_date,split_ratio,dividend"]
    rows += [f"{name},{date},{ratio},0" for (name, date), ratio in splits.items()]
    Path("actions.csv").write_text("\n".join(rows) + "\n")
    nested = {}
    for key, value in settings(seed).items():
        *path, last = key.split(".")
        block = nested
        for name in path:
            block = block.setdefault(name, {})
        block[last] = value
    nested["governance"] = {"max_signals_per_day": 5, "flatten_minutes_before_close": (0, 10)[seed % 2]}
    if seed % 3 == 0:
        nested |= {"filter": IN_PLAY, "orb": {**nested.get("orb", {}), "adaptive": False}}
    conf, made = orb_runs.prepared(Path(), seed=seed, actions="actions.csv", dates=dates, **{**nested, **changes})
    return family.FAMILY.lookahead(conf, made)


@pytest.mark.parametrize("seed", range(WORLDS))
def test_no_decision_depends_on_what_comes_after_it(seed):
    run = run_of(seed)
    reports = list(lookahead.check(run, cuts=6, seed=seed))
    assert [change for report in reports for change in report.changes] == []
    for kind in (BARS, OR_VOLUMES, ACTIONS, SESSIONS, PLANTED):
        assert sum(report.records[kind] for report in reports) > 0 or kind == ACTIONS, kind
    for what in (ENTRIES, EXITS_MADE, RANGES, BOOKS):
        assert reports[-1].decisions[what] > 0, what


def test_cuts_at_every_second_of_trades_find_nothing():
    """At the second of each fill, right before it, and inside the bar it came from."""
    run = run_of(1)
    checker = lookahead.Checker(run)
    instants = run.instants()
    chosen = random.Random(1).sample(instants[ENTRIES] + instants[EXITS_MADE], 6)
    for ts in chosen:
        for cut in (ts - 30, ts - 1, ts):
            for poisoned in (False, True):
                assert checker.differences(Future(cut, poisoned, frozenset(run.kinds)))[0] == {}


def with_a_bug(folder, name, right, wrong):
    """Return the compiled loop with some text of one of its sources (which stands there once) replaced."""
    if hatch_build.compiler() is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("needs a C compiler")
    for source in compiled.SOURCES:
        shutil.copy(compiled.HERE / source, folder / source)
    text = (folder / name).read_text(encoding="utf-8")
    assert text.count(right) == 1, (name, right)
    (folder / name).write_text(text.replace(right, wrong), encoding="utf-8")
    digest = hashlib.sha256(b"".join((compiled.HERE / source).read_bytes() for source in compiled.SOURCES)).hexdigest()
    hatch_build.compile_to(folder / "_sessions.so", folder / "sessions.c", digest)
    return compiled.load(folder / "_sessions.so")


def score_from_the_breaking_bar(folder, monkeypatch):
    """The volume and close of the bar in which a stop order fills count in its own score, as many published programs do."""
    right = "ScoreInputs known = {desk->first,           desk->row,"
    loop = with_a_bug(folder, "entries.h", right, "ScoreInputs known = {desk->first, desk->row + 1,")
    monkeypatch.setattr(compiled, "_compiled", loop)


def entry_at_the_low_of_its_bar(folder, monkeypatch):
    """A long entry inside a bar is filled at the bar's low, which is known later."""
    found = [name for name in compiled.SOURCES if "max64(trigger[LONG], open)" in (compiled.HERE / name).read_text()]
    loop = with_a_bug(folder, found[0], "max64(trigger[LONG], open)", "now->bars->low[row]")
    monkeypatch.setattr(compiled, "_compiled", loop)


def true_range_of_the_whole_history(folder, monkeypatch):
    honest = History.before_open.__wrapped__

    def before_open(self, symbol, period, wilder):
        known = honest(self, symbol, period, wilder)
        known.atr[:] = known.atr[-1]
        return known

    monkeypatch.setattr(History, "before_open", before_open)


def mean_volume_of_all_sessions(folder, monkeypatch):
    def mean_volume(self, symbol, session, lookback, minutes):
        sessions = len(self.bars.days)
        volumes = self.window(minutes)[symbol * sessions : (symbol + 1) * sessions, 4].tolist()
        return Fraction(sum(volumes) + 1, sessions)

    monkeypatch.setattr(History, "mean_volume", mean_volume)


def prices_in_shares_of_today(folder, monkeypatch):
    def ratio(self, symbol, earlier, later):
        product = Fraction(1)
        for day, each in self.splits.get(self.bars.symbols[symbol], ()):
            product *= each if self.bars.days[earlier] < day else 1
        return product

    monkeypatch.setattr(History, "ratio", ratio)


def length_of_the_last_session(folder, monkeypatch):
    from tradewinds.engine.bar_sessions.minute_bars import MinuteBars

    lengths = property(lambda self: [int(self.close_ts[-1] - self.open_ts[-1]) // 60] * len(self.days))
    monkeypatch.setattr(MinuteBars, "session_minutes", lengths)


STRICT = {"scoring": {"base_required": 1}, "filter": None, "entry": {"mode": "stop"}, "orb": {"adaptive": False}}
LEAKS = [
    (score_from_the_breaking_bar, BARS, STRICT),
    (entry_at_the_low_of_its_bar, BARS, STRICT),
    (true_range_of_the_whole_history, BARS, {"buffers": {"use_atr": True}, "filter": None}),
    (mean_volume_of_all_sessions, OR_VOLUMES, {"filter": IN_PLAY, "orb": {"adaptive": False}}),
    (prices_in_shares_of_today, ACTIONS, {"buffers": {"use_atr": True}, "filter": None}),
    (
        length_of_the_last_session,
        SESSIONS,
        {"orb": {"min_atr_mult": 0.4, "max_atr_mult": 0.9, "adaptive": False}, "filter": None},
    ),
]


@pytest.mark.parametrize(("leak", "kind", "changes"), LEAKS, ids=[leak[0].__name__ for leak in LEAKS])
def test_a_leak_is_found_and_its_cause_named(tmp_path, monkeypatch, leak, kind, changes):
    leak(tmp_path, monkeypatch)
    found = []
    for seed in range(20, 26):
        run = run_of(seed, **changes)
        for report in lookahead.check(run, cuts=6, seed=seed):
            assert all(change.ts <= report.cut.ts for change in report.changes)
            found += report.changes
        if any(kind in change.kinds for change in found):
            break
    else:
        raise AssertionError(f"{leak.__name__} stays hidden: {found[:3]}")
    assert all(change.before != change.after for change in found)


def test_what_is_known_at_the_cut_stays():
    """A second before a bar ends it is changed, at its end it is not; the open of a bar that runs stays."""
    run = run_of(2)
    bars = run.study.bars
    end = int(bars.open_ts[20]) + 60 * 30
    checker = lookahead.Checker(run)
    before, at = (checker.differences(Future(cut, False, frozenset({BARS})))[1][BARS] for cut in (end - 1, end))
    assert before > at
    opens, sessions = (
        bars.open_ts,
        (checker.differences(Future(int(bars.open_ts[20]) + d, False, frozenset({SESSIONS})))[1] for d in (-1, 0)),
    )
    one, other = sessions
    assert one[SESSIONS] == other[SESSIONS] + 1 == len(opens) - 20
