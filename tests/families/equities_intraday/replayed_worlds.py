"""Random worlds of minute bars, and replays of them without files: for metrics, files and reports."""

import copy
import datetime as dt
import random
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from tests.families.equities_intraday.orb_config import DEFAULTS, changed
from tests.families.equities_intraday.orb_goldens import session_of
from tradewinds.engine.bar_sessions.minute_bars import MinuteBars
from tradewinds.engine.bar_sessions.session_loop import run, run_policies
from tradewinds.engine.bar_sessions.setups import History
from tradewinds.families.equities_intraday.session_rules import cutoff_of, rules_of

EPOCH = dt.date(1970, 1, 1)
TIMEZONE = "America/New_York"
SYMBOLS = ("AAA", "BBB", "CCC")
LENIENT = {
    "scoring.base_required": 1,
    "orb.min_atr_mult": 0,
    "orb.max_atr_mult": 100,
    "governance.max_signals_per_day": 5,
}


def days(count, first=dt.date(2024, 2, 20)):
    """Return so many weekdays; those of March 2024 cross a change of clocks."""
    found = []
    while len(found) < count:
        if first.weekday() < 5:
            found.append(first)
        first += dt.timedelta(days=1)
    return found


def random_bars(seed, dates, symbols=SYMBOLS, gaps=0.02):
    """Return random walks in cents as bars; some minutes are missing, some sessions end early."""
    rng = np.random.default_rng(seed)
    sessions = [session_of(date) for date in dates]
    parts, first_row = [], [0]
    for _ in symbols:
        price = int(rng.integers(5_000, 20_000))
        for _, open_ts, close_ts in sessions:
            length = (close_ts - open_ts) // 60
            end = length if rng.random() > 0.05 else int(rng.integers(60, length))
            price += int(rng.integers(-60, 61))
            steps = price + np.cumsum(rng.integers(-9, 10, 4 * end)).reshape(end, 4)
            price = int(steps[-1, 3])
            kept = (rng.random(end) >= gaps) | (np.arange(end) == 0)
            volume = rng.integers(0, 5_000, end)
            columns = (np.arange(end), steps[:, 0], steps.max(axis=1), steps.min(axis=1), steps[:, 3], volume)
            parts.append(np.column_stack(columns)[kept])
            first_row.append(first_row[-1] + int(kept.sum()))
    names = ("minute", "open", "high", "low", "close", "volume")
    made = dict(zip(names, np.concatenate(parts).astype(np.int64).T.copy(), strict=True))
    return MinuteBars(
        symbols=tuple(symbols),
        days=np.array([(date - EPOCH).days for date in dates], np.int64),
        open_ts=np.array([opens for _, opens, _ in sessions], np.int64),
        close_ts=np.array([closes for _, _, closes in sessions], np.int64),
        first_row=np.array(first_row, np.int64),
        minute=made["minute"].astype(np.int32),
        volume=made["volume"],
        **{name: made[name] * 10_000 for name in ("open", "high", "low", "close")},
    )


@dataclass(frozen=True)
class FakePanel:
    about: dict


@dataclass(frozen=True)
class FakeStudy:
    """What replay.IntradayStudy is to metrics and files."""

    panel: FakePanel
    history: History
    first: int
    end: int
    timezone: str = TIMEZONE

    @property
    def bars(self):
        return self.history.bars


ABOUT = {"quarantined": {"AAA": {"DUPLICATE": 2, "OHLC_ORDER": 1}, "BBB": {"OHLC_ORDER": 3}}, "zero_volume": {"CCC": 4}}


def replayed(seed=1, count=24, warm_up=15, symbols=SYMBOLS, changes=None, bars=None):
    """Return config, study, result and the results of the three policies of a random world."""
    dates = days(count)
    bars = bars or random_bars(seed, dates, symbols)
    config = changed(DEFAULTS, LENIENT | (changes or {}))
    config["symbols"], config["date_start_local"], config["date_end_local"] = list(symbols), dates[warm_up], dates[-1]
    rules = rules_of(config, {})
    history = History(bars, {})
    study = FakeStudy(FakePanel(copy.deepcopy(ABOUT)), history, warm_up, count)
    policies = run_policies(history, rules, cutoff_of(config, bars, TIMEZONE), warm_up, count)
    made = run(history, rules, cutoff_of(config, bars, TIMEZONE), warm_up, count)
    return config, study, made, policies


def settings(seed):
    """Return random changes of a config that keep it trading."""
    rng = random.Random(seed)
    return {
        "risk.account": rng.choice(["shared", "per_symbol"]),
        "entry.mode": rng.choice(["stop", "close_confirm", "or_close"]),
        "trade.intrabar": rng.choice(["pessimistic", "path", "optimistic"]),
        "trade.stop_mode": rng.choice(["or_opposite", "or_mid", "atr"]),
        "factors.vwap.enabled": rng.random() < 0.5,
        "factors.adx.enabled": rng.random() < 0.5,
        "orb.on_gap": rng.choice(["use", "warn", "skip"]),
    }


def exact(value):
    """Return a float of six decimals as the millionths that it stands for."""
    return round(Fraction(str(value)) * 10**6)
