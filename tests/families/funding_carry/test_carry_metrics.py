"""Metrics and files of carry runs: the figures of the naive engine on worked examples and random worlds, and exact text."""

import csv
import math
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import pyarrow.parquet as pq
import pytest

from tests.families.funding_carry.engine_results import product_run, resolved
from tests.reference.carry_goldens import GOLDENS
from tests.reference.naive_carry_replay import replay
from tests.reference.random_carry_worlds import random_world
from tradewinds.config.markets import family_of
from tradewinds.core.text import number
from tradewinds.families.funding_carry import metrics as carry
from tradewinds.families.funding_carry import run_files
from tradewinds.families.funding_carry.run_rules import rules_of

BTC = "BTC/USDT:USDT"
SAME_NAMES = (
    *("funding", "price_pnl", "fees", "slippage", "borrow", "liquidation_cost", "net_pnl", "num_fills", "apr_pct"),
    *("sharpe", "sortino", "max_drawdown_pct", "time_in_market_pct", "breakeven_periods", "never_broke_even"),
    *("mark_source", "rejections"),
)


def example(number_of):
    return next(golden for golden in GOLDENS if golden.name.split()[0] == str(number_of))


def measured(world, settings):
    """Return the product's metrics and diagnostics of a world."""
    config = resolved(settings)
    _, made = product_run(world, settings)
    left_out = {symbol: "NO_DATA" for symbol in config["symbols"] if symbol not in made.symbols}
    return carry.carry_metrics(config, made, left_out), carry.diagnostics(config, made, left_out), made


def agree(mine, other, where):
    """Compare one figure; ratios that are floats in both engines may differ in their last digits."""
    if other is None or mine is None or isinstance(other, dict):
        assert mine == other, where
    elif isinstance(other, float):
        assert math.isclose(mine, other, rel_tol=1e-9, abs_tol=1e-9), where
    else:
        assert mine == pytest.approx(float(other), rel=1e-15), where


def compare(world, settings, name):
    ours, diagnostics, _ = measured(world, settings)
    naive = replay(world, settings)["metrics"]
    for key in SAME_NAMES:
        agree(ours[key], naive[key], (name, key))
    assert ours["max_drawdown_usd"] == pytest.approx(float(naive["max_drawdown"]), rel=1e-15), name
    assert [option for option in ours["optimistic"] if option != "preset_seed"] == naive["optimistic"], name
    assert [line.split()[1] for line in ours["warnings"]] == naive["no_data"], name
    assert diagnostics["rejections"] == ours["rejections"]
    assert diagnostics["events_skipped"].get("NO_DATA", 0) == len(naive["no_data"]), name


@pytest.mark.parametrize("golden", GOLDENS, ids=[golden.name.replace(" ", "_") for golden in GOLDENS])
def test_metrics_of_the_worked_examples(golden):
    compare(golden.world, golden.settings, golden.name)


@pytest.mark.slow
@pytest.mark.parametrize("first", (0, 20))
def test_metrics_of_random_worlds(first):
    for seed in range(first, first + 20):
        made = random_world(seed)
        compare(made.world, made.settings, seed)


def test_parts_sum_to_the_net_profit():
    ours, _, made = measured(*(lambda golden: (golden.world, golden.settings))(example(27)))
    total = sum(sign * Decimal(str(ours[name])) for name, sign in carry.PARTS.items())
    assert total == Decimal(str(ours["net_pnl"])) == Decimal("-99.0696347")
    assert number(made.end_cash - made.start_cash, 8) == ours["net_pnl"]
    assert ours["liquidations"] == 1 and ours["by_exit_reason"]["liquidation"]["positions"] == 1


def test_no_settlement_makes_amounts_zero_and_ratios_null():
    golden = example(22)
    ours, diagnostics, _ = measured(golden.world, golden.settings)
    assert ours["warnings"] and all(line.startswith("NO_DATA ") for line in ours["warnings"])
    assert BTC in ours["warnings"][0] and "2024-01-01" in ours["warnings"][0]
    for key in (*carry.PARTS, "net_pnl", "max_drawdown_usd", "num_fills", "never_broke_even"):
        assert ours[key] == 0, key
    ratios = ("roi_pct", "apr_pct", "sharpe", "sortino", "max_drawdown_pct", "time_in_market_pct", "breakeven_periods")
    assert {key: ours[key] for key in ratios} == dict.fromkeys(ratios)
    assert diagnostics["events_skipped"] == {"NO_DATA": 1} and diagnostics["events_traded"] == 0


def test_other_reasons_of_missing_symbols_are_named():
    golden = example(22)
    config = resolved(golden.settings)
    _, made = product_run(golden.world, golden.settings)
    lines = carry.warnings_of(config, made, {BTC: "NO_SPOT_LEG"})
    assert lines == [f"NO_SPOT_LEG {BTC} has no candles of its spot leg from 2024-01-01 to {config['date_end_local']}."]
    assert carry.diagnostics(config, made, {BTC: "NO_SPOT_LEG"})["events_skipped"] == {"NO_SPOT_LEG": 1}


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({}, []),
        ({("execution", "fill"): "last_close", ("margin", "capital_rule"): "spot_only"}, ["last_close", "spot_only"]),
        ({("costs", "fees"): {"schedule": "bybit_vip0", "liquidity": "maker"}}, ["maker"]),
        ({("strategy",): {"preset": "seed"}}, ["preset_seed"]),
    ],
)
def test_optimistic_options_are_named(changes, options):
    settings = {**example(7).settings}
    for keys, value in changes.items():
        if len(keys) == 1:
            settings[keys[0]] = value
        else:
            settings[keys[0]] = {**settings[keys[0]], keys[1]: value}
    assert carry.optimistic_options(resolved(settings)) == options


def written(golden, folder):
    markets, made = product_run(golden.world, golden.settings)
    run_files.write_carry_files(folder, rules_of(resolved(golden.settings)), markets, made)
    return made


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_positions_are_written_exactly(tmp_path):
    written(example(7), tmp_path)
    (row,) = rows_of(tmp_path / "positions.csv")
    assert list(row) == [
        *("position_id", "symbol", "direction", "open_time", "close_time", "qty"),
        *("spot_entry", "perp_entry", "spot_exit", "perp_exit"),
        *("funding", "price_pnl", "fees", "slippage", "borrow", "liquidation_cost", "net_pnl"),
        *("periods", "breakeven_periods", "entry_rate", "entry_score", "exit_reason", "capital", "apr_on_capital"),
    ]
    assert row["position_id"] == "P00001" and row["direction"] == "long_spot"
    assert row["open_time"] == "2024-01-01T00:00:00Z" and row["close_time"] == "2024-01-01T16:00:00Z"
    assert (row["qty"], row["funding"], row["fees"]) == ("49.961", "5.046061", "15.48791")
    assert (row["slippage"], row["net_pnl"]) == ("9.9922", "-20.434049")
    assert (row["periods"], row["breakeven_periods"], row["entry_rate"]) == ("2", "", "0.001")
    assert row["entry_score"] == "" and row["exit_reason"] == "rate"
    # 49.961 x (100.05 + 99.95) and both entry fees
    assert Decimal(row["capital"]) == Decimal("49.961") * 200 + Decimal("4.99859805") + Decimal("2.74648107")
    yearly = Fraction("-20.434049") / Fraction(row["capital"]) * 365 * 100 * 24 / 16
    assert abs(Fraction(row["apr_on_capital"]) - yearly) <= Fraction(1, 2 * 10**8)


def test_payments_are_written_exactly(tmp_path):
    written(example(7), tmp_path)
    rows = rows_of(tmp_path / "funding.csv")
    assert list(rows[0])[:7] == ["position_id", "time", "rate", "interval", "mark", "qty", "payment"]
    assert [row["time"] for row in rows] == ["2024-01-01T08:00:00Z", "2024-01-01T16:00:00Z"]
    assert [row["rate"] for row in rows] == ["0.001", "0.00001"]
    assert [row["payment"] for row in rows] == ["4.9961", "0.049961"]
    assert Counter(row["mark_source"] for row in rows).total() == 2
    typed = pq.read_table(tmp_path / "funding.parquet").to_pylist()
    assert [row["payment"] for row in typed] == [Decimal("4.99610000"), Decimal("0.04996100")]
    assert typed[0]["interval"] == 8 and typed[0]["time"].isoformat() == "2024-01-01T08:00:00+00:00"


def test_files_exist_without_a_position(tmp_path):
    written(example(22), tmp_path)
    for name in ("positions.csv", "funding.csv"):
        assert len((tmp_path / name).read_text(encoding="utf-8").splitlines()) == 1
    for name in ("positions.parquet", "funding.parquet", "carry_series.parquet"):
        assert pq.read_table(tmp_path / name).num_rows == 0


def test_series_holds_rates_scores_and_what_was_held(tmp_path):
    golden = example(12)
    made = written(golden, tmp_path)
    rows = pq.read_table(tmp_path / "carry_series.parquet").to_pylist()
    assert len(rows) == made.settled.total()
    weights = {"level": 0.35, "trend": 0.25, "persistence": 0.25, "basis": 0.15}
    for row in rows:
        assert row["score"] == pytest.approx(sum(row[name] * weight for name, weight in weights.items()), abs=1e-6)
    simple = tmp_path / "simple"
    simple.mkdir()
    made = written(example(7), simple)
    rows = pq.read_table(simple / "carry_series.parquet").to_pylist()
    assert [row["held"] for row in rows[:3]] == [1, 1, 0] and rows[0]["rate_8h"] == 0.001
    assert {row["score"] for row in rows} == {None}


def test_the_parts_of_the_result_are_headlines():
    own = {key for _, key in family_of("funding_carry").headlines}
    assert own >= {"funding", "price_pnl", "slippage", "borrow", "liquidation_cost"}
