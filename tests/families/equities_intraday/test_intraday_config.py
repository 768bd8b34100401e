"""Configs of intraday equities: defaults, what is refused, and the exchange's sessions."""

import datetime as dt

import pytest

from tradewinds.config import markets, resolve
from tradewinds.core.errors import ConfigError
from tradewinds.families.equities_intraday.plan import intraday_plan, months_between
from tradewinds.reference_data import exchange_calendar

TODAY = dt.date(2026, 11, 27)
BASE = {
    "orb": {},
    "symbols": ["SPY", "QQQ"],
    "date_start_local": "2024-03-08",
    "date_end_local": "2024-03-11",
    "bars": {"source": "synthetic"},
}


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def resolved(**sections):
    return resolve.resolve({**BASE, **sections}, today=TODAY)


def test_orb_implies_the_market_and_every_key_has_its_default():
    conf = resolved()
    assert conf["market"] == "equities_intraday" and conf["calendar"] == "XNYS"
    assert conf["orb"] == {
        "base_minutes": 15,
        "adaptive": True,
        "low_norm_vol": 0.35,
        "high_norm_vol": 0.85,
        "short_or_minutes": 10,
        "long_or_minutes": 30,
        "atr_period": 14,
        "atr_method": "wilder",
        "atr_scale": "sqrt_time",
        "enable_validity_filter": True,
        "min_atr_mult": 0.25,
        "max_atr_mult": 1.75,
        "on_gap": "use",
    }
    assert conf["buffers"] == {"fixed": 0.01, "use_atr": False, "atr_mult": 0.05}
    assert conf["entry"] == {"mode": "stop", "direction": "both"} and conf["filter"] is None
    assert (conf["trade"]["runner_r"], conf["trade"]["trail"], conf["trade"]["stop_pct"]) == (2.0, None, None)
    assert conf["governance"]["time_cutoff"] == "14:30" and conf["risk"]["max_leverage"] == 4
    assert conf["costs"] == {
        "tick": 0.01,
        "slippage_ticks": 1,
        "slippage_bps": 0,
        "commission_per_share": 0.005,
        "min_commission": 1.0,
    }
    assert conf["scoring"]["weights"] == {"rel_vol": 1, "price_action": 1, "profile": 1, "vwap": 1, "adx": 1}
    assert conf["bars"]["minutes"] == 1 and conf["on_missing"] == {"bars": "skip"}


def test_a_filter_has_defaults_of_its_own_and_null_is_off():
    conf = resolved(filter={"min_atr": None}, orb={"adaptive": False})
    assert conf["filter"] == {
        "lookback": 14,
        "min_open_price": 5,
        "min_avg_volume": 1000000,
        "min_atr": None,
        "min_rel_volume": 1.0,
        "top_n": 20,
    }


def test_costs_may_be_none():
    assert resolved(costs="none")["costs"] == "none"
    assert markets.family_of("equities_intraday").fees(resolved(costs="none")) == {}


NOT_BELOW = {"t1_r": 1.5}
REFUSED = {
    "t1 and t2": ({"trade": NOT_BELOW}, r"trade.t1_r: 1.5 is not below t2_r 1.5"),
    "t2 and runner": ({"trade": {"t2_r": 2}}, "trade.runner_r: 2.0 is not above t2_r 2"),
    "parts": ({"trade": {"t1_pct": 0.8, "t2_pct": 0.3}}, "trade.t2_pct: t1_pct and t2_pct are 1.1 together"),
    "percent": ({"trade": {"stop_mode": "percent"}}, "trade.stop_pct: this key is missing"),
    "percent of 100": ({"trade": {"stop_mode": "percent", "stop_pct": 100}}, "trade.stop_pct: .*out of range"),
    "never": (
        {"scoring": {"base_required": 4, "weak_trend_required": 4}},
        "base_required: 4 can never pass.*are 3 together",
    ),
    "never with adx": (
        {"scoring": {"weak_trend_required": 5}, "factors": {"adx": {"enabled": True}}},
        "weak_trend_required: 5 can never pass.*are 4 together",
    ),
    "base and weak": ({"scoring": {"base_required": 3, "weak_trend_required": 2}}, "3 is above weak_trend_required 2"),
    "top_n": ({"filter": {}}, "filter.top_n: .*Set orb.adaptive: false"),
    "overnight": ({"governance": {"flatten_at_session_end": False}}, "not in this family"),
    "cutoff": ({"governance": {"time_cutoff": "2:30 pm"}}, "time_cutoff: .*does not have the right form"),
    "five minutes": (
        {"bars": {"source": "synthetic", "minutes": 5}, "orb": {"base_minutes": 12}},
        "12 is no multiple of",
    ),
    "five minutes before": (
        {"bars": {"source": "synthetic", "minutes": 5}, "governance": {"flatten_minutes_before_close": 7}},
        "flatten_minutes_before_close: 7 is no multiple",
    ),
    "money": ({"buffers": {"fixed": 0.0000001}}, "buffers.fixed: has more than 6 decimals"),
    "tick": ({"costs": {"tick": 0.0000125}}, "costs.tick: has more than 6 decimals"),
    "factor": ({"trade": {"atr_stop_mult": 0.123456789}}, "atr_stop_mult: has more than 8 decimals"),
    "percentage": ({"risk": {"risk_pct": 0.1234567}}, "risk_pct: has more than 6 decimals"),
    "sizing": ({"risk": {"sizing": "risk_usd"}}, "risk.risk_usd: this key is missing"),
    "shares": ({"risk": {"sizing": "fixed_shares"}}, "risk.fixed_shares: this key is missing"),
    "trail": ({"trade": {"trail": {"start_r": 1}}}, "trail.distance_r: this key is missing"),
    "calendar": ({"calendar": "XXXX"}, "calendar: unknown calendar 'XXXX'. Known: .*XNYS"),
    "around the clock": ({"calendar": "CMES"}, "CMES trades around the clock"),
    "weekend": (
        {"date_start_local": "2024-03-09", "date_end_local": "2024-03-10"},
        "no session from 2024-03-09 to 2024-03-10",
    ),
    "holiday": ({"date_start_local": "2025-01-09", "date_end_local": "2025-01-09"}, "XNYS has no session"),
    "too early": ({"date_start_local": "1985-01-01"}, "the calendar of XNYS begins with 1990-01-01"),
    "symbol": ({"symbols": ["spy"]}, "does not have the right form"),
    "twice": ({"symbols": ["SPY", "SPY"]}, "names something twice"),
    "none": ({"symbols": []}, "is empty"),
    "bounds": ({"orb": {"low_norm_vol": 2}}, "2 is above high_norm_vol"),
    "widths": ({"orb": {"min_atr_mult": 2}}, "2 is above max_atr_mult"),
    "strategy": ({"strategy": {"name": "opening"}}, "unknown strategy 'opening'. Did you mean opening_range"),
    "costs": ({"costs": "free"}, "costs: 'free' does not have the right form"),
    "key": ({"orb": {"base_minute": 5}}, "unknown key. Did you mean base_minutes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_contradicts_itself_is_refused(name):
    sections, message = REFUSED[name]
    with pytest.raises(ConfigError, match=f"(?s){message}") as error:
        resolved(**sections)
    assert error.value.exit_code == 2


def test_a_range_past_the_calendars_last_session_is_refused(monkeypatch):
    made = exchange_calendar.calendar_of("XBOM", dt.date(2026, 6, 1))
    assert made.last == dt.date(2026, 12, 31), "its package knows no later holidays"
    with pytest.raises(ConfigError, match="the calendar of XBOM ends with 2026-12-31, before 2027-01-04"):
        exchange_calendar.calendar_of("XBOM", dt.date(2027, 1, 4))


def test_the_exchanges_sessions_with_half_days_and_both_clocks(tmp_path):
    made = exchange_calendar.calendar_of("XNYS", dt.date(2026, 11, 27))
    span = made.between(dt.date(2016, 1, 4), dt.date(2027, 6, 30))
    assert span.stop - span.start == 2888
    minutes = (made.close_ts - made.open_ts) // 60
    half = [made.date(i).isoformat() for i in range(len(minutes)) if minutes[i] < 390 and made.date(i).year == 2024]
    assert half == ["2024-07-03", "2024-11-29", "2024-12-24"]
    opens = {
        made.date(i).isoformat(): made.open_ts[i] % 86_400 // 60 for i in range(*made.between(*MARCH).indices(10**6))
    }
    assert opens == {"2024-03-08": 14 * 60 + 30, "2024-03-11": 13 * 60 + 30}
    assert made.between(dt.date(2025, 1, 9), dt.date(2025, 1, 9)) == slice(
        *[made.between(dt.date(2025, 1, 9), MARCH[0]).start] * 2
    )


MARCH = (dt.date(2024, 3, 8), dt.date(2024, 3, 11))


def test_a_calendar_is_kept_in_a_file_of_the_packages_version(tmp_path, monkeypatch):
    exchange_calendar.calendar_of("XNYS", TODAY)
    kept = tmp_path / f"data/calendars/XNYS-{exchange_calendar.package_version()}.parquet"
    assert kept.is_file()
    monkeypatch.setattr(exchange_calendar, "_built", lambda code, last: pytest.fail("it is read, not built"))
    exchange_calendar._kept.cache_clear()
    assert exchange_calendar.calendar_of("XNYS", TODAY).timezone == "America/New_York"


def test_a_damaged_calendar_file_is_made_again(tmp_path):
    exchange_calendar.calendar_of("XNYS", TODAY)
    [kept] = (tmp_path / "data/calendars").iterdir()
    good = kept.read_bytes()
    kept.write_bytes(b"PAR1" + good[4:-40] + b"PAR1")
    exchange_calendar._kept.cache_clear()
    exchange_calendar.calendar_of("XNYS", TODAY)
    assert kept.read_bytes() == good


def test_the_plan_has_a_file_per_symbol_and_month_with_history_before():
    plan = intraday_plan(resolved(date_end_local="2024-04-02"))
    months = [(file.symbol, file.month) for file in plan.files.months]
    # thirty sessions before 2024-03-08 begin with 2024-01-25
    assert months == [(symbol, f"2024-0{month}") for symbol in ("QQQ", "SPY") for month in (1, 2, 3, 4)]
    assert plan.files.months[0].path == "data/candles/1m/synthetic-0/QQQ/2024-01.parquet"
    assert plan.files.first == dt.date(2024, 1, 25) and plan.files.sessions == 17
    assert markets.family_of("equities_intraday").extent(plan) == "2 symbols, 17 sessions"
    later = intraday_plan(resolved(date_end_local="2024-05-02"))
    assert {file.path for file in plan.files.months} < {file.path for file in later.files.months}, (
        "a month stays its file"
    )
    assert months_between(dt.date(2023, 11, 30), dt.date(2024, 2, 1)) == ["2023-11", "2023-12", "2024-01", "2024-02"]
