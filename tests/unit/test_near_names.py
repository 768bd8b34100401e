"""Names that were written wrong: the one that was meant is found, whatever its capitals."""

import pytest

from tests.families.funding_carry.carry_configs import raw_config
from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError
from tradewinds.core.near_names import meant, near_names

EVENTS = {
    "series_tickers": ["KXHIGHMIA"],
    "date_start_local": "2025-05-01",
    "date_end_local": "2025-05-02",
    "asof_policy": {"local_time": "23:00", "days_before": 1},
    "trade_window_policy": "market_close",
    "cadence_minutes": 1,
    "execution_model": "taker",
    "risk": {"start_balance_usd": 1000},
    "output_dir": "backtests",
}
SHARES = {
    "market": "equities_daily",
    "universe": ["AAA"],
    "date_start_local": "2025-01-02",
    "date_end_local": "2025-01-31",
    "bars": {"source": "synthetic"},
    "strategy": {"name": "Breakout"},
}
SESSIONS = {
    "market": "equities_intraday",
    "symbols": ["SPY"],
    "date_start_local": "2025-01-02",
    "date_end_local": "2025-01-31",
    "bars": {"source": "synthetic"},
}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("kxhighmia", ["KXHIGHMIA"]),
        ("KX-HIGH-MIA", ["KXHIGHMIA"]),
        ("KXHIGHMAI", ["KXHIGHMIA"]),
        ("zzz", []),
        ("", []),
        ("--", []),
    ],
)
def test_capitals_and_marks_do_not_count(name, found):
    assert near_names(name, ["KXHIGHMIA", "KXHIGHCHI", "KXLOWMIA"]) == found


def test_a_name_that_is_like_none_has_no_near_name():
    assert near_names("town", ["config", "series"]) == []
    assert near_names("a", ["strategy.name"]) == []
    assert near_names("min_rate", ["min_funding_rate", "entry_threshold"]) == ["min_funding_rate"]
    assert near_names("start", ["date_start_local", "date_end_local"]) == ["date_start_local"]


def test_without_a_near_name_another_sentence_is_said():
    assert meant("Mean-Revert", ["mean_reversion"]) == "Did you mean mean_reversion?"
    assert meant("q", ["mean_reversion"], "See the list.") == "See the list."


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (EVENTS | {"series_tickers": ["kxhighmia"]}, r"series_tickers\[0\].*Did you mean KXHIGHMIA\?"),
        (EVENTS | {"strategy": {"name": "EV_Threshold"}}, "strategy.name.*Did you mean ev_threshold"),
        (EVENTS | {"market": "Kalshi-Weather"}, "market.*Did you mean kalshi_weather"),
        (EVENTS | {"trade_window_policy": "MARKET_CLOSE"}, "Did you mean market_close"),
        (EVENTS | {"Risk": {}}, "Did you mean risk"),
        (SHARES | {"strategy": {"name": "BREAKOUT"}}, "strategy.name.*Did you mean Breakout"),
        (SHARES | {"calendar": "xnys"}, "calendar.*Did you mean XNYS"),
        (SESSIONS | {"strategy": {"name": "Opening-Range"}}, "strategy.name.*Did you mean opening_range"),
        (SESSIONS | {"calendar": "xnys"}, "calendar.*Did you mean XNYS"),
        (raw_config(strategy={"name": "Funding-Simple"}), "strategy.name.*Did you mean funding_simple"),
        (raw_config(symbols=["btcusdt"]), "Did you mean BTC/USDT:USDT"),
    ],
)
def test_every_family_finds_the_name_that_was_meant(config, says):
    with pytest.raises(ConfigError, match=says):
        resolve.resolve(config)


def test_a_model_that_does_not_exist_is_answered_with_those_that_do():
    with pytest.raises(ConfigError) as wrong:
        resolve.resolve(EVENTS | {"execution_model": "midpoint"})
    said = str(wrong.value)
    assert "Allowed: taker, maker. taker: orders fill at once" in said and "Did you mean" not in said


@pytest.mark.parametrize(
    ("risk", "says"),
    [
        ({"kelly_fraction": 25}, r"kelly_fraction: 25 is out of range.*if 25 means 25 %, write 0\.25"),
        ({"kelly_fraction": "25%"}, r"as a part of one: 0\.25\."),
        ({"max_volume_share": 35}, r"write 0\.35\."),
        ({"min_ev_per_contract": "5 %"}, r"as a part of one: 0\.05\."),
    ],
)
def test_a_percentage_in_place_of_a_part_is_named(risk, says):
    with pytest.raises(ConfigError, match=says):
        resolve.resolve(EVENTS | {"risk": {"start_balance_usd": 1000, **risk}})


def test_a_percentage_of_a_key_in_percent_keeps_its_number():
    with pytest.raises(ConfigError, match=r"without the percent sign: 0\.1\."):
        resolve.resolve(SHARES | {"costs": {"slippage_pct": "0.1%"}})
    with pytest.raises(ConfigError, match=r"in hundredths of a percent: 5\."):
        resolve.resolve(raw_config(costs={"slippage_bps": "0.05%"}))
