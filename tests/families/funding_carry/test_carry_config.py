"""Configs of funding carry: what is filled in, and what is refused with key and remedy."""

from fractions import Fraction

import pytest

from tests.families.funding_carry.carry_configs import BTC, ETH, carry_config, raw_config
from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError, DataMissing
from tradewinds.families.funding_carry.fee_schedules import fees_of
from tradewinds.families.funding_carry.strategy_settings import PRESETS
from tradewinds.families.plan import run_plan

PEPE = "1000PEPE/USDT:USDT"

REFUSED = {
    "inverse": ({"symbols": ["BTC/USD:BTC"]}, "symbols[0]", "linear only"),
    "settles in another coin": ({"symbols": ["BTC/USDT:USDC"]}, "symbols[0]", "linear only"),
    "with an expiry": ({"symbols": ["BTC/USDT:USDT-240329"]}, "symbols[0]", "not a perpetual"),
    "glued": ({"symbols": ["BTCUSDT"]}, "symbols[0]", "Did you mean BTC/USDT:USDT?"),
    "a spot pair": ({"symbols": ["BTC/USDT"]}, "symbols[0]", "Did you mean BTC/USDT:USDT?"),
    "of another exchange's form": ({"symbols": ["BTC-USDT-SWAP"]}, "symbols[0]", "Did you mean BTC/USDT:USDT?"),
    "no symbol at all": ({"symbols": ["?"]}, "symbols[0]", "BASE/QUOTE:SETTLE"),
    "mixed settle coins": ({"symbols": [BTC, "ETH/USDC:USDC"]}, "symbols", "settle in different coins"),
    "another currency": ({"symbols": ["ETH/USDC:USDC"]}, "risk.currency", "risk.currency: USDC"),
    "unknown source": ({"data": {"source": "kraken"}}, "data.source", "binance"),
    "unknown preset": ({"strategy": {"name": None, "preset": "balancd"}}, "strategy.preset", "Did you mean balanced?"),
    "unknown strategy": ({"strategy": {"name": "funding_simpel"}}, "strategy.name", "Did you mean funding_simple?"),
    "neither name nor preset": ({"strategy": {"name": None}}, "strategy.name", "funding_composite"),
    "preset of the other strategy": ({"strategy": {"preset": "balanced"}}, "strategy.preset", "funding_composite"),
    "parameter of the other strategy": (
        {"strategy": {"parameters": {"entry_threshold": 0.3}}},
        "strategy.parameters.entry_threshold",
        "one of funding_composite",
    ),
    "misspelt parameter": (
        {"strategy": {"parameters": {"min_funding_rat": 0.3}}},
        "strategy.parameters.min_funding_rat",
        "Did you mean min_funding_rate?",
    ),
    "exit above entry": (
        {"strategy": {"parameters": {"exit_funding_rate": 0.0004}}},
        "strategy.parameters.exit_funding_rate",
        "above min_funding_rate",
    ),
    "exit score above entry score": (
        {"strategy": {"name": "funding_composite", "parameters": {"exit_threshold": 0.4}}},
        "strategy.parameters.exit_threshold",
        "above entry_threshold",
    ),
    "dynamic sizing without a score": (
        {"risk": {"dynamic_sizing": {"enabled": True}}},
        "risk.dynamic_sizing.enabled",
        "has no score",
    ),
    "start after end": ({"date_start_local": "2024-05-01"}, "date_start_local", "after date_end_local"),
    "files without a path": ({"data": {"source": "files"}}, "data.path", "missing"),
    "a path without files": ({"data": {"path": "somewhere"}}, "data.path", "reads no files"),
    "unknown time zone": ({"data": {"timezone": "London"}}, "data.timezone", "Europe/London"),
    "candles that no exchange gives": (
        {"data": {"source": "binance", "candle_minutes": 480}},
        "data.candle_minutes",
        "240",
    ),
    "an exchange without fees here": ({"data": {"source": "okx"}}, "costs.fees.schedule", "bybit_vip0"),
    "fees that begin too late": (
        {"costs": {"fees": [{"from": "2024-04-01", "schedule": "bybit_vip0"}]}},
        "costs.fees[0].from",
        "after date_start_local",
    ),
    "fees out of order": (
        {"costs": {"fees": [{"schedule": "bybit_vip0"}, {"from": "2024-04-01"}, {"from": "2024-03-01"}]}},
        "costs.fees[2].from",
        "ascending",
    ),
    "filters out of order": (
        {"instruments": {BTC: {"changes": [{"from": "2024-04-01", "step": 1}, {"from": "2024-03-20", "step": 2}]}}},
        f"instruments.{BTC}.changes[1].from",
        "not later than the one before",
    ),
    "a change of nothing": (
        {"instruments": {BTC: {"changes": [{"from": "2024-04-01"}]}}},
        f"instruments.{BTC}.changes[0]",
        "changes nothing",
    ),
    "a step of nine decimals from a date on": (
        {"instruments": {BTC: {"changes": [{"from": "2024-04-01", "step": 1e-9}]}}},
        f"instruments.{BTC}.changes[0].step",
        "more than 8 decimals",
    ),
    "instrument of no symbol": ({"instruments": {ETH: {"step": 1}}}, f"instruments.{ETH}", "not in symbols"),
    "leverage above the exchange's": (
        {"instruments": {BTC: {"max_leverage": 2}}, "margin": {"leverage": 3}},
        "margin.leverage",
        "above the 2",
    ),
    "leverage above the maintenance": ({"margin": {"leverage": 250}}, "margin.leverage", "liquidated as soon as"),
    "rebalance without one": ({"margin": {"rebalance": {"low": 1.5}}}, "margin.rebalance.low", "low: 0.5"),
    "a multiplier without a pair": (
        {"symbols": [PEPE], "instruments": {PEPE: {"spot_multiplier": 1000}}},
        f"instruments.{PEPE}.spot_multiplier",
        "PEPE/USDT",
    ),
    "a spot pair of another coin": (
        {"symbols": [PEPE], "instruments": {PEPE: {"spot_symbol": "PEPE/USDC"}}},
        f"instruments.{PEPE}.spot_symbol",
        "quoted in USDT",
    ),
    "too many decimals": ({"risk": {"start_balance": 0.123456789}}, "risk.start_balance", "eight decimals"),
    "too many decimals of a rate": (
        {"strategy": {"parameters": {"min_funding_rate": 0.0003000000001}}},
        "strategy.parameters.min_funding_rate",
        "twelve decimals",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_run_is_refused_with_key_and_remedy(name):
    sections, key, said = REFUSED[name]
    with pytest.raises(ConfigError) as caught:
        carry_config(**sections)
    assert caught.value.exit_code == 2
    assert f"{key}: " in str(caught.value)
    assert said in str(caught.value)
    assert str(caught.value).count("\n") == 0, "one paragraph"


def test_parameters_are_given_ones_then_the_presets_then_defaults():
    config = carry_config(strategy={"name": None, "preset": "aggressive", "parameters": {"exit_threshold": 0.1}})
    parameters = config["strategy"]["parameters"]
    assert config["strategy"]["name"] == "funding_composite"
    assert (parameters["entry_threshold"], parameters["exit_threshold"]) == (0.25, 0.1)
    assert (parameters["weight_trend"], parameters["rate_cap"]) == (0.2, 0.003)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_valid_and_resolving_twice_changes_nothing(preset):
    config = carry_config(strategy={"name": None, "preset": preset})
    again = resolve.resolve(config)
    assert again == config
    assert resolve.run_id(again) == resolve.run_id(config)


def test_the_most_positions_are_the_symbols_and_five_at_most():
    assert carry_config(symbols=[BTC, ETH])["risk"]["max_positions"] == 2
    many = [f"C{n}/USDT:USDT" for n in range(9)]
    assert carry_config(symbols=many)["risk"]["max_positions"] == 5
    assert carry_config(symbols=many, risk={"max_positions": 7})["risk"]["max_positions"] == 7


def test_fees_come_from_the_source_the_schedule_and_what_is_given():
    synthetic = fees_of(carry_config())[0]
    assert (synthetic.spot, synthetic.perp) == (Fraction(1, 1000), Fraction(55, 100_000))
    binance = fees_of(carry_config(data={"source": "binance"}))[0]
    assert (binance.spot, binance.perp) == (Fraction(1, 1000), Fraction(5, 10_000))
    given = fees_of(
        carry_config(costs={"fees": {"schedule": "bybit_vip5", "liquidity": "maker", "spot_maker": 0.0002}})
    )[0]
    assert (given.spot, given.perp) == (Fraction(2, 10_000), Fraction(1, 10_000))
    eras = [{"schedule": "bybit_vip0"}, {"from": "2024-03-20", "schedule": "bybit_supreme"}]
    later = fees_of(carry_config(costs={"fees": eras}))
    assert [(each.from_ts, each.perp) for each in later] == [
        (0, Fraction(55, 100_000)),
        (1_710_892_800, Fraction(3, 10_000)),
    ]


def test_a_name_of_many_coins_needs_its_spot_leg():
    with pytest.raises(DataMissing, match="NO_SPOT_LEG") as caught:
        run_plan(carry_config(symbols=[PEPE]))
    assert caught.value.exit_code == 3
    assert "spot_symbol: PEPE/USDT" in str(caught.value)
    beside = run_plan(carry_config(symbols=[BTC, PEPE]))
    assert beside.files.left_out == {PEPE: "NO_SPOT_LEG"}
    assert {file.symbol for file in beside.files.months} == {BTC}
    with pytest.raises(DataMissing, match=PEPE):
        run_plan(carry_config(symbols=[BTC, PEPE], on_missing={"data": "fail"}))
    said = carry_config(symbols=[PEPE], instruments={PEPE: {"spot_symbol": "PEPE/USDT", "spot_multiplier": 1000}})
    spots = [file for file in run_plan(said).files.months if file.kind == "spot"]
    assert {file.series for file in spots} == {"PEPE/USDT"}
    assert all("/spot_1h_PEPE-USDT/" in file.path for file in spots)


def test_one_inch_is_no_multiple():
    assert run_plan(carry_config(symbols=["1INCH/USDT:USDT"])).files.left_out == {}


def test_an_exchange_without_spot_candles_is_refused():
    rates = {"spot_taker": 0.001, "perp_taker": 0.0005}
    with pytest.raises(DataMissing, match="spot candles missing"):
        run_plan(carry_config(data={"source": "hyperliquid"}, costs={"fees": rates}))


def test_the_plan_names_a_file_for_each_symbol_kind_and_month_of_range_and_warm_up():
    plan = run_plan(carry_config())
    assert len(plan.files.months) == 4 * 3  # February to April: the warm-up begins on 2024-02-09
    assert plan.files.months[0].path == "data/perp/synthetic-0/BTC-USDT-USDT/funding/2024-02.parquet"
    assert {file.path.split("/")[4] for file in plan.files.months} == {"funding", "spot_1h", "perp_1h", "mark_1h"}
    without = run_plan(carry_config(data={"warmup_days": 0}))
    assert {file.month for file in without.files.months} == {"2024-03", "2024-04"}
    assert without.files.panel != plan.files.panel
    assert set(run_plan(raw_config_resolved(candle_minutes=5)).files.records).isdisjoint(
        file.path for file in plan.files.months if file.kind != "funding"
    )


def raw_config_resolved(**data):
    return resolve.resolve(raw_config(data=data))
