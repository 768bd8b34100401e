"""The files of an opening-range run: what stands in them, that all exist without trades, in order of time."""

import csv
import json
import uuid
from decimal import Decimal
from fractions import Fraction

import pyarrow.parquet as pq
import pytest

from tests.families.equities_intraday.judged_factors import judged
from tests.families.equities_intraday.replayed_worlds import replayed, settings
from tradewinds.engine.bar_sessions.orb_rules import FACTORS, FINE
from tradewinds.engine.bar_sessions.session_result import EXITS
from tradewinds.families.equities_intraday.decision_factors import scored_decisions
from tradewinds.families.equities_intraday.family import FAMILY
from tradewinds.families.equities_intraday.metrics import scored_trades, symbol_metrics
from tradewinds.families.equities_intraday.run_files import write_session_files
from tradewinds.families.equities_intraday.session_rules import rules_of

RUN = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
OF_A_SYMBOL = ("trades.parquet", "metrics.json", "equity.parquet")


def written(folder, seed, changes=None):
    config, study, made, _ = replayed(seed, changes=changes)
    figures = symbol_metrics(config, made, scored_trades(study, made))
    write_session_files(folder, RUN, config, study, made, figures)
    return config, made


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def micro(text):
    return int(Decimal(text) * 10**6)


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def wanted_names(made):
    listed = {file.name for file in FAMILY.run_files if not file.is_folder}
    return listed | {f"symbols/{name}_{rest}" for name in made.bars.symbols for rest in OF_A_SYMBOL}


@pytest.mark.parametrize("seed", range(4))
def test_trades_legs_and_equity_are_those_of_the_loop(tmp_path, seed):
    _config, made = written(tmp_path, seed, settings(seed))
    assert names(tmp_path) == wanted_names(made)
    trades, legs = rows_of(tmp_path / "trades_r.csv"), rows_of(tmp_path / "legs.csv")
    ids = [str(uuid.uuid5(uuid.UUID(RUN), str(number))) for number in range(len(made.trades))]
    assert [row["trade_id"] for row in trades] == ids and len(legs) == len(made.leg_rows)
    for row, trade in zip(trades, made.trades, strict=True):
        for name, value in (("r", trade.r), ("r_gross", trade.r_gross), ("mae_r", trade.mae_r), ("mfe_r", trade.mfe_r)):
            assert len(row[name].partition(".")[2]) == 6 and micro(row[name]) == round(value * 10**6), name
        assert [micro(row[name]) for name in ("raw", "stop", "risk_per_share")] == [trade.raw, trade.stop, trade.risk]
        assert tuple(map(micro, row["targets"].split())) == trade.targets
        assert Decimal(row["mae_r"]) <= min(0, Decimal(row["r_gross"])) + Decimal(
            "0.000001"
        )  # no exit beyond the extremes
        assert Decimal(row["mfe_r"]) >= max(0, Decimal(row["r_gross"])) - Decimal("0.000001")
    # the legs alone make the profit of each trade
    profit = dict.fromkeys(ids, 0)
    for row in legs:
        profit[row["trade_id"]] -= int(row["qty"]) * micro(row["fill"]) + micro(row["commission"])
    assert profit == {name: trade.pnl for name, trade in zip(ids, made.trades, strict=True)}
    assert {row["reason"] for row in legs} <= {"entry", *EXITS}
    whole = pq.read_table(tmp_path / "all_trades.parquet").to_pylist()
    assert [micro(row["pnl"]) for row in whole] == [trade.pnl for trade in made.trades]
    assert [str(row["r"]) for row in whole] == [row["r"] for row in trades]
    assert len(rows_of(tmp_path / "all_trades.csv")) == len(whole) > 10


@pytest.mark.parametrize("account", ["shared", "per_symbol"])
def test_equity_is_in_order_of_time_and_of_all_sessions(tmp_path, account):
    _, made = written(tmp_path, 5, {"risk.account": account})
    combined = pq.read_table(tmp_path / "combined_equity.parquet").to_pylist()
    dates = [row["session"] for row in combined]
    assert dates == sorted(dates) and len(set(dates)) == made.end - made.first
    assert [micro(row["equity"]) for row in combined] == made.cash.sum(axis=1).tolist()
    assert [row["equity"] for row in combined] != sorted(row["equity"] for row in combined)
    total = sum((trade.r for trade in made.trades), Fraction(0))
    assert micro(combined[-1]["cumulative_r"]) == round(total * 10**6)
    for symbol, name in enumerate(made.bars.symbols):
        own = pq.read_table(tmp_path / f"symbols/{name}_equity.parquet").to_pylist()
        profits = [
            sum(t.pnl for t in made.trades if t.symbol == symbol and t.session <= k)
            for k in range(made.first, made.end)
        ]
        assert [micro(row["equity"]) for row in own] == [made.start_micro + profit for profit in profits]
        r = sum((trade.r for trade in made.trades if trade.symbol == symbol), Fraction(0))
        assert micro(own[-1]["cumulative_r"]) == round(r * 10**6)
        trades = pq.read_table(tmp_path / f"symbols/{name}_trades.parquet").to_pylist()
        assert {row["symbol"] for row in trades} == {name}
        figures = json.loads((tmp_path / f"symbols/{name}_metrics.json").read_text())
        assert figures["num_trades"] == len(trades) and figures["symbol"] == name


def test_without_a_trade_every_file_is_there_and_empty(tmp_path):
    config, made = written(tmp_path, 2, {"governance.time_cutoff": "09:31"})
    assert names(tmp_path) == wanted_names(made)
    for name in ("trades_r.csv", "legs.csv", "all_trades.csv", "factors.csv"):
        assert len((tmp_path / name).read_text().splitlines()) == 1, name  # the header
    for path in tmp_path.rglob("*trades.parquet"):
        assert pq.read_table(path).num_rows == 0 and pq.read_schema(path).names[0] == "trade_id"
    assert pq.read_table(tmp_path / "chart_bars.parquet").num_rows == 0
    equity = pq.read_table(tmp_path / "combined_equity.parquet").to_pylist()
    assert {micro(row["equity"]) for row in equity} == {made.start_micro} and len(equity) == made.end - made.first
    found = json.loads((tmp_path / "config.json").read_text())
    assert found["orb"] == config["orb"] and found["date_start_local"] == config["date_start_local"].isoformat()


def test_the_same_run_writes_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        written(tmp_path / name, 6)
    for name in names(tmp_path / "one"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


@pytest.mark.parametrize("seed", range(6))
def test_the_factors_make_the_score_of_the_loop(tmp_path, seed):
    """The loop's flags are those that are computed again, and add up to its sum of weights."""
    weights = {"rel_vol": 1, "price_action": 2, "profile": 4, "vwap": 8, "adx": 16}
    changes = settings(seed) | {"factors.vwap.enabled": True, "factors.adx.enabled": seed % 2 == 0}
    config, made = written(tmp_path, seed, changes | {"scoring.weights": weights, "scoring.weak_trend_required": 1})
    rules = rules_of(config, {}).sessions.score
    decisions = scored_decisions(made, rules)
    holds = [
        {
            name: bool(bits >> n & 1) if on else None
            for n, (name, on) in enumerate(zip(FACTORS, decisions.on, strict=True))
        }
        for bits in decisions.factors.tolist()
    ]
    assert holds == [judged(made, row, rules) for row in decisions.row.tolist()]
    assert made.break_rows[decisions.row, 5].tolist() == [
        FINE * sum(weights[name] for name in FACTORS if one[name]) for one in holds
    ]
    held = {name for one in holds for name in FACTORS if one[name]}
    assert len(decisions.row) > 10 and held >= {"rel_vol", "price_action", "profile", "vwap"}
    rows = rows_of(tmp_path / "factors.csv")
    assert [row["trade_id"] for row in rows if row["trade_id"]] == [
        row["trade_id"] for row in rows_of(tmp_path / "trades_r.csv")
    ]
    assert {row["adx"] for row in rows} <= ({"0", "1"} if seed % 2 == 0 else {""})


def test_sessions_say_why_they_were_not_traded(tmp_path):
    _, made = written(tmp_path, 1, {"orb.on_gap": "skip", "orb.adaptive": False})
    rows = rows_of(tmp_path / "sessions.csv")
    assert [(row["session"], row["symbol"]) for row in rows] == sorted((row["session"], row["symbol"]) for row in rows)
    skipped = [row for row in rows if row["reason"] == "OR_INCOMPLETE"]
    assert len(skipped) == made.unfit_sessions["OR_INCOMPLETE"] > 0
    assert all((row["missing_minutes"] != "0") == (row["reason"] == "OR_INCOMPLETE") for row in rows)
