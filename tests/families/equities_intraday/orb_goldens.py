"""Worked examples of the opening-range rules as data, so that every engine can be run on the same cases.

A golden holds raw bars, the sessions, changes of the config, and what must come out. `differences` compares an engine's
results, given in plain dictionaries, with it; only what a golden names is compared.
"""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from tests.families.equities_intraday.orb_config import DEFAULTS, changed

NEW_YORK = ZoneInfo("America/New_York")
DAY = dt.date(2024, 5, 8)
HALF_DAYS = {dt.date(2024, 7, 3)}
# What section 15 says of all goldens: a range of 2 minutes, no costs, 100 shares, one signal a day.
COMMON = {
    "orb.base_minutes": 2,
    "orb.adaptive": False,
    "orb.enable_validity_filter": False,
    "scoring.enabled": False,
    "costs": "none",
    "risk.sizing": "fixed_shares",
    "risk.fixed_shares": 100,
    "buffers.fixed": 0.10,
    "trade.extra_stop_buffer": 0.05,
    "governance.max_signals_per_day": 1,
}
NO_SLIP = {"tick": 0.01, "slippage_ticks": 0, "slippage_bps": 0, "commission_per_share": 0, "min_commission": 0}

BASE = {0: "100.20 100.50 100.10 100.40", 1: "100.40 100.45 100.00 100.30"}
UP = "100.30 100.70 100.25 100.65"
STOPPED = "100.60 100.60 99.90 99.95"
WON = "100.70 101.95 100.70 101.90"


def session_of(date):
    """Return (date, open, close) of a New York session, 09:30 to 16:00 or 13:00 on half days."""
    start = dt.datetime.combine(date, dt.time(9, 30), NEW_YORK)
    end = dt.datetime.combine(date, dt.time(13 if date in HALF_DAYS else 16), NEW_YORK)
    return date, int(start.timestamp()), int(end.timestamp())


def rows(minutes, date=DAY, volumes=None):
    """Return the raw rows of {minute: "open high low close"}; 1,000 shares each unless said otherwise."""
    open_ts = session_of(date)[1]
    return [
        (open_ts + 60 * minute, *(Decimal(price) for price in prices.split()), (volumes or {}).get(minute, 1000))
        for minute, prices in minutes.items()
    ]


def at(minute, date=DAY):
    """Return the second at which a minute of a session starts."""
    return session_of(date)[1] + 60 * minute


@dataclass(frozen=True)
class Golden:
    """One worked example.

    Attributes:
        name: its number in the rules and what it shows.
        minutes: {minute: "open high low close"} of SPY on DAY; `bars` wins where given.
        changes: dotted config keys that differ from the defaults with COMMON.
        trades: what each trade must be, by field; the number of trades must agree.
        bars: raw rows by symbol.
        dates: sessions; all but `warm_up` of them are traded.
        warm_up: sessions before the run.
        refusals: reasons with counts, complete.
        quarantined: reasons with counts of SPY, complete.
        days: {(date, symbol): fields} of the table of sessions.
        extra: other figures: ambiguous_bars, stale_exits, cash (of the end).
    """

    name: str
    minutes: dict | None = None
    changes: dict = field(default_factory=dict)
    trades: list = field(default_factory=list)
    bars: dict | None = None
    dates: tuple = (DAY,)
    warm_up: int = 0
    refusals: dict = field(default_factory=dict)
    quarantined: dict = field(default_factory=dict)
    days: dict = field(default_factory=dict)
    extra: dict = field(default_factory=dict)

    def world(self):
        return {"SPY": rows(self.minutes, self.dates[0])} if self.bars is None else self.bars

    def sessions(self):
        return [session_of(date) for date in self.dates]

    def config(self):
        config = changed(DEFAULTS, COMMON | self.changes)
        config["symbols"] = sorted(self.world())
        config["date_start_local"], config["date_end_local"] = self.dates[self.warm_up], self.dates[-1]
        return config


def trade(raw, stop, legs, r=None, **fields):
    """Return what a trade must be: legs as "shares price reason", prices as text."""
    wanted = dict(fields, raw=Fraction(raw), stop=Fraction(stop))
    parts = [leg.split() for leg in legs]
    wanted["legs"] = [(int(shares), Fraction(price), reason) for shares, price, reason in parts]
    if r is not None:
        wanted["r"] = r
    return wanted


def printed(value):
    """Return an R value as it is printed: half-even with 6 decimals."""
    return f"{round(Fraction(value) * 10**6) / Decimal(10**6):.6f}"


def differences(golden, found):
    """Return what an engine got wrong, as lines of text.

    Args:
        golden: the golden.
        found: {"trades": [fields], "refusals": {}, "quarantined": {}, "days": {(date, symbol): fields}, "extra": {}};
            prices and R values as exact numbers of currency, `legs` as (shares, raw price, reason).
    """
    wrong = []
    if len(found["trades"]) != len(golden.trades):
        wrong.append(f"{len(found['trades'])} trades, not {len(golden.trades)}: {found['trades']}")
    for place, (got, wanted) in enumerate(zip(found["trades"], golden.trades, strict=False)):
        for name, value in wanted.items():
            seen = printed(got[name]) if name in ("r", "r_gross") else got[name]
            if seen != value:
                wrong.append(f"trade {place} {name}: {seen}, not {value}")
    for name in ("refusals", "quarantined"):
        if {key: count for key, count in found[name].items() if count} != getattr(golden, name):
            wrong.append(f"{name}: {found[name]}, not {getattr(golden, name)}")
    for key, fields in golden.days.items():
        for name, value in fields.items():
            if found["days"][key][name] != value:
                wrong.append(f"day {key} {name}: {found['days'][key][name]}, not {value}")
    for name, value in golden.extra.items():
        if found["extra"][name] != value:
            wrong.append(f"{name}: {found['extra'][name]}, not {value}")
    return wrong


def after_base(bars):
    return BASE | bars


THREE_STOPS = trade("100.60", "99.95", ["100 99.95 stop"], "-1.000000", exit_reason="stop")
GOLDEN_3 = after_base({2: UP, 3: STOPPED})
AGAIN = {2: UP, 3: "100.60 100.80 99.92 100.75", 4: "100.75 100.90 100.70 100.85", 5: "100.85 100.85 100.50 100.55"}
AGAIN |= {6: "100.55 100.75 100.55 100.70"}
BOTH = after_base({2: "100.10 100.70 99.80 100.20"})
PERCENT = after_base({2: "100.30 100.90 100.25 100.80", 3: "100.80 100.85 100.70 100.75"})
HALF = dt.date(2024, 7, 3)
LATE = after_base({300: "100.35 100.70 100.30 100.65"})
NO_TARGETS = {"trade.partials": False, "trade.primary_r": None}
SIZES = {
    "1 %": ({"risk.sizing": "risk_pct"}, 1538),
    "leverage 1": ({"risk.sizing": "risk_pct", "risk.max_leverage": 1}, 994),
    "100 USD": ({"risk.sizing": "risk_usd", "risk.risk_usd": 100}, 153),
    "notional": ({"risk.sizing": "risk_pct", "risk.max_notional_usd": 20000}, 198),
}


def with_bad_rows():
    bad = rows(after_base({2: UP, 3: WON, 4: "101.90 101.85 101.80 101.85", 5: "101.90 101.95 0 101.90"}))
    twice = rows({6: "101.90 101.95 101.85 101.90"}) + rows({6: "101.90 101.95 101.85 101.91"})
    return {"SPY": bad + twice}


def with_scored_volume(before):
    bars = after_base({2: "100.30 100.40 100.25 100.35", 3: UP})
    return {"SPY": rows(bars, volumes={2: before, 3: 9000})}


SCORED = {
    "scoring.enabled": True,
    "scoring.base_required": 1,
    "scoring.weak_trend_required": 1,
    "factors.rel_volume.lookback": 2,
    "factors.price_action.enabled": False,
    "factors.profile_proxy.enabled": False,
}
MONDAY_TO_THURSDAY = (dt.date(2024, 5, 6), dt.date(2024, 5, 7), DAY, dt.date(2024, 5, 9))


def with_three_days_before():
    daily = ["101 102 100 101", "102 104 101 103", "101 103.01 100 100"]
    before = [row for text, date in zip(daily, MONDAY_TO_THURSDAY, strict=False) for row in rows({0: text}, date)]
    today = after_base({2: "100.50 100.70 100.45 100.65", 3: "100.70 103.00 100.65 102.90"})
    return {"SPY": before + rows(today, MONDAY_TO_THURSDAY[-1])}


def with_relative_volumes():
    world = {}
    for symbol, times in {"AAA": 1800, "BBB": 2000, "CCC": 2000, "DDD": 200}.items():
        today = rows(GOLDEN_3, volumes={0: times, 1: times})
        world[symbol] = rows(BASE, MONDAY_TO_THURSDAY[1]) + today
    return world


IN_PLAY = {"min_open_price": None, "min_avg_volume": None, "min_atr": None, "min_rel_volume": 1.0, "lookback": 1}
OR_CLOSE = {
    "entry.mode": "or_close",
    "entry.direction": "or_candle",
    "buffers.fixed": 0,
    "trade.extra_stop_buffer": 0,
    "trade.partials": False,
    "trade.primary_r": 10,
    "trade.move_be_at_r": None,
}
PAPER = tuple(dt.date(2024, 1, day) for day in (2, 3, 4, 5, 8, 9, 10, 11, 12, 16, 17, 18, 19, 22, 23))


def with_the_paper():
    """Return BLDR of 2024-01-23: 14 days of true range 5, a first candle down to 174.44, the close at 167.63."""
    before = [row for date in PAPER[:-1] for row in rows({0: "175 178 173 175"}, date)]
    minutes = dict.fromkeys(range(4), "175.50 175.80 175.00 175.20")
    minutes |= {4: "175.20 175.30 174.44 174.60", 5: "174.60 174.70 174.30 174.35", 389: "168.00 168.00 167.50 167.63"}
    return {"BLDR": before + rows(minutes, PAPER[-1])}


WINS = ["50 101.25 target", "25 101.58 target", "25 101.90 target"]
SPY_AND_QQQ = {"SPY": rows(GOLDEN_3), "QQQ": rows(GOLDEN_3)}
THREE = {"governance.max_signals_per_day": 3}
COSTS_6 = NO_SLIP | {"slippage_ticks": 1, "commission_per_share": 0.005, "min_commission": 1.00}

GOLDENS = [
    Golden(
        "1 targets",
        after_base({2: UP, 3: WON}),
        trades=[trade("100.60", "99.95", WINS, "1.376923", bar_ts=at(2), entry_ts=at(3), exit_reason="target")],
    ),
    Golden(
        "1 without a tick",
        after_base({2: UP, 3: WON}),
        {"costs": NO_SLIP | {"tick": None}},
        [trade("100.60", "99.95", ["50 101.25 target", "25 101.575 target", "25 101.90 target"], "1.375000")],
    ),
    Golden(
        "2 break-even",
        after_base({2: UP, 3: "100.70 101.30 100.70 101.20", 4: "101.20 101.20 100.50 100.55"}),
        trades=[trade("100.60", "99.95", ["50 101.25 target", "50 100.61 breakeven_stop"], "0.507692")],
    ),
    Golden("3 stop", GOLDEN_3, trades=[THREE_STOPS]),
    *(
        Golden(
            f"4 {policy}",
            after_base({2: UP, 3: "100.60 101.30 99.90 101.00"}),
            {"trade.intrabar": policy},
            [trade("100.60", "99.95", legs, r)],
            extra={"ambiguous_bars": 1},
        )
        for policy, legs, r in (
            ("pessimistic", ["100 99.95 stop"], "-1.000000"),
            ("path", ["50 101.25 target", "50 99.95 stop"], "0.000000"),
            ("optimistic", ["50 101.25 target", "50 99.95 stop"], "0.000000"),
        )
    ),
    Golden(
        "5 gaps",
        after_base({2: "100.80 100.90 100.75 100.85", 3: "99.70 99.80 99.60 99.75"}),
        trades=[trade("100.80", "99.95", ["100 99.70 stop"], "-1.294118", entry_ts=at(2))],
    ),
    Golden(
        "6 short with costs",
        after_base({2: "100.10 100.15 99.80 99.85", 3: "99.85 100.60 99.80 100.50"}),
        {"costs": COSTS_6},
        [
            trade(
                "99.90",
                "100.55",
                ["100 100.55 stop"],
                "-1.061538",
                fill=Fraction("99.89"),
                exit_fill=Fraction("100.56"),
                pnl=Fraction(-69),
                r_gross="-1.000000",
                direction=-1,
            )
        ],
        extra={"cash": Fraction(99931)},
    ),
    Golden(
        "7 half day",
        BASE
        | {2: UP, 208: "100.90 100.95 100.85 100.90", 209: "100.90 101.00 100.90 100.98"}
        | {210: "100.98 102 98 99", 389: "99 103 98 103"},
        trades=[trade("100.60", "99.95", ["100 100.98 session_end"], exit_ts=at(210, HALF))],
        dates=(HALF,),
        extra={"stale_exits": 0},
    ),
    *(
        Golden(
            f"8 {date}",
            GOLDEN_3,
            trades=[THREE_STOPS | {"bar_ts": int(dt.datetime(*clock, tzinfo=dt.UTC).timestamp())}],
            dates=(date,),
        )
        for date, clock in (
            (dt.date(2024, 3, 8), (2024, 3, 8, 14, 32)),
            (dt.date(2024, 3, 11), (2024, 3, 11, 13, 32)),
        )
    ),
    Golden(
        "9 minute missing",
        {1: BASE[1], 2: UP, 3: STOPPED},
        trades=[trade("100.55", "99.95", ["100 99.95 stop"], "-1.000000", risk=Fraction("0.60"))],
        days={(DAY, "SPY"): {"high": Fraction("100.45"), "missing": 1, "reason": None}},
    ),
    Golden(
        "9 skipped",
        {1: BASE[1], 2: UP, 3: STOPPED},
        {"orb.on_gap": "skip"},
        refusals={"OR_INCOMPLETE": 1},
        days={(DAY, "SPY"): {"reason": "OR_INCOMPLETE"}},
    ),
    *(
        Golden(
            f"10 {name}",
            GOLDEN_3,
            changes,
            [trade("100.60", "99.95", [f"{shares} 99.95 stop"], "-1.000000", quantity=shares)],
        )
        for name, (changes, shares) in SIZES.items()
    ),
    Golden(
        "11 seven shares",
        after_base({2: UP, 3: WON}),
        {"risk.fixed_shares": 7},
        [trade("100.60", "99.95", ["3 101.25 target", "1 101.58 target", "3 101.90 target"])],
    ),
    Golden(
        "12 armed again",
        after_base(AGAIN),
        THREE,
        [
            THREE_STOPS | {"bar_ts": at(2)},
            trade("100.60", "99.95", ["100 100.70 session_end"], bar_ts=at(6)),
        ],
    ),
    Golden(
        "12 locked out",
        after_base(AGAIN),
        THREE | {"governance.lockout_after_losses": 1},
        [THREE_STOPS],
        refusals={"LOCKOUT": 1},
    ),
    Golden(
        "13 both sides",
        BOTH,
        trades=[trade("99.90", "100.55", ["100 100.55 stop"], "-1.000000", direction=-1, bar_ts=at(2), exit_ts=at(3))],
    ),
    Golden("14 cutoff", LATE, refusals={"TIME_CUTOFF": 1}),
    Golden(
        "14 cutoff a minute later",
        LATE,
        {"governance.time_cutoff": "14:31"},
        [trade("100.60", "99.95", ["100 100.65 session_end"], bar_ts=at(300))],
    ),
    Golden(
        "15 bad rows",
        bars=with_bad_rows(),
        trades=[trade("100.60", "99.95", WINS, "1.376923")],
        quarantined={"OHLC_ORDER": 1, "NON_POSITIVE_PRICE": 1, "DUPLICATE": 2},
    ),
    Golden("16 own volume", bars=with_scored_volume(1000), changes=SCORED, refusals={"SCORE": 1}),
    Golden(
        "16 volume before",
        bars=with_scored_volume(1250),
        changes=SCORED,
        trades=[trade("100.60", "99.95", ["100 100.65 session_end"], score=1, bar_ts=at(3))],
    ),
    Golden(
        "17 stop by ATR",
        bars=with_three_days_before(),
        changes=NO_TARGETS | {"orb.atr_period": 2, "trade.stop_mode": "atr", "trade.atr_stop_mult": 0.10},
        trades=[trade("100.60", "100.32", ["100 102.90 session_end"], "8.214286")],
        dates=MONDAY_TO_THURSDAY,
        warm_up=3,
        days={(MONDAY_TO_THURSDAY[-1], "SPY"): {"atr": Fraction("2.755")}},
    ),
    Golden(
        "18 stocks in play",
        bars=with_relative_volumes(),
        changes={"filter": IN_PLAY | {"top_n": 1}},
        trades=[THREE_STOPS | {"symbol": "BBB"}],
        dates=MONDAY_TO_THURSDAY[1:3],
        warm_up=1,
        refusals={"FILTER_REL_VOLUME": 1, "FILTER_RANK": 2},
    ),
    Golden(
        "19 leverage of two",
        bars=SPY_AND_QQQ,
        changes={"risk.sizing": "risk_pct", "risk.max_leverage": 2},
        trades=[
            trade("100.60", "99.95", ["1538 99.95 stop"], symbol="QQQ"),
            trade("100.60", "99.95", ["450 99.95 stop"], symbol="SPY"),
        ],
    ),
    Golden(
        "19 two slots",
        bars=SPY_AND_QQQ,
        changes={"risk.sizing": "risk_pct", "risk.slots": 2},
        trades=[
            trade("100.60", "99.95", ["769 99.95 stop"], symbol="QQQ"),
            trade("100.60", "99.95", ["769 99.95 stop"], symbol="SPY"),
        ],
    ),
    Golden(
        "20 close of the range",
        after_base({2: "100.30 100.60 100.20 100.50", 3: "100.50 103.40 100.40 103.00"}),
        OR_CLOSE,
        [trade("100.30", "100.00", ["100 103.30 target"], "10.000000", entry_ts=at(2))],
    ),
    Golden(
        "20 doji",
        {0: "100.30 100.50 100.10 100.40", 1: BASE[1], 2: "100.30 100.60 100.20 100.50"},
        OR_CLOSE,
        refusals={"DOJI": 1},
    ),
    *(
        Golden(
            f"21 {policy}",
            PERCENT,
            NO_TARGETS | {"trade.stop_mode": "percent", "trade.stop_pct": 0.2, "trade.intrabar": policy},
            [trade("100.60", "100.39", [leg], exit_ts=exit_ts)],
            extra={"ambiguous_bars": 1},
        )
        for policy, leg, exit_ts in (
            ("pessimistic", "100 100.39 stop", at(3)),
            ("path", "100 100.75 session_end", at(4)),
            ("optimistic", "100 100.75 session_end", at(4)),
        )
    ),
    Golden(
        "22 close beyond",
        after_base(
            {2: "100.30 100.70 100.25 100.55", 3: "100.55 100.75 100.50 100.65", 4: "100.72 100.80 100.70 100.75"}
        ),
        {"entry.mode": "close_confirm"},
        [trade("100.72", "99.95", ["100 100.75 session_end"], "0.038961", bar_ts=at(4), entry_ts=at(4))],
    ),
    Golden(
        "23 daily loss",
        GOLDEN_3 | {4: "99.95 100.10 99.95 100.05", 5: "100.05 100.65 100.05 100.62"},
        THREE | {"governance.max_daily_loss_r": 1},
        [THREE_STOPS],
        refusals={"DAILY_LOSS": 1},
    ),
    Golden(
        "24 targets at the open",
        after_base({2: UP, 3: "101.60 101.70 101.55 101.65"}),
        trades=[trade("100.60", "99.95", ["50 101.60 target", "25 101.60 target", "25 101.65 session_end"])],
        extra={"stale_exits": 1},
    ),
    Golden("25 nothing", BASE, extra={"cash": Fraction(100_000)}),
    Golden(
        "the paper's example",
        bars=with_the_paper(),
        changes=NO_TARGETS
        | {
            "orb.base_minutes": 5,
            "entry.direction": "or_candle",
            "buffers.fixed": 0,
            "trade.stop_mode": "atr",
            "trade.move_be_at_r": None,
        },
        trades=[trade("174.44", "174.94", ["100 167.63 session_end"], "13.620000", direction=-1)],
        dates=PAPER,
        warm_up=14,
    ),
]
