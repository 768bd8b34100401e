"""The family of daily equities: universe, plan, adjustment, what is missing, benchmark, metrics."""

import csv
import dataclasses
import datetime as dt
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from tests.reference.naive_shares import Bar
from tests.unit import database_parts
from tests.unit.share_worlds import bars_of, flat, weekdays
from tradewinds.config import resolve
from tradewinds.core import files
from tradewinds.core.errors import ConfigError, DamagedFile, DataMissing, SimulationError
from tradewinds.core.units import MICRO
from tradewinds.database import queries, schema
from tradewinds.database.load import load_run
from tradewinds.engine.equity import Point
from tradewinds.engine.run_trades import Trades
from tradewinds.engine.shares.share_rules import Exits, ShareRules
from tradewinds.families import plan
from tradewinds.families.equities_daily import metrics, replay
from tradewinds.families.equities_daily.bar_panel import day_of, make_panel
from tradewinds.families.equities_daily.buy_and_hold import buy_and_hold
from tradewinds.families.equities_daily.family import FAMILY
from tradewinds.families.equities_daily.fetch import bar_checks as stored
from tradewinds.families.equities_daily.fetch import user_bars
from tradewinds.pipeline.simulate import about_run
from tradewinds.reference_data.corporate_actions import adjusted_bars, adjustment_factors, read_actions
from tradewinds.reference_data.universe import read_universe
from tradewinds.results.artifacts import write_artifacts
from tradewinds.results.manifest import evidence_of, write_manifest

MONDAY = dt.date(2024, 1, 1)
TODAY = dt.date(2026, 1, 1)
RAW = {
    "universe": ["AAA", "BBB"],
    "date_start_local": "2024-01-15",
    "date_end_local": "2024-12-31",
    "strategy": {"name": "Mean Reversion"},
    "bars": {"source": "files", "path": "bars.csv"},
}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def resolved(**changes):
    return resolve.resolve({**RAW, **changes}, today=TODAY)


def write_bars(world, path="bars.csv"):
    """A user's file of some worlds' rows, newest first."""
    with open(path, "w", newline="") as handle:
        out = csv.writer(handle)
        out.writerow(["symbol", "date", "open", "high", "low", "close", "volume"])
        for symbol, rows in world.items():
            for bar in reversed(rows):
                out.writerow([symbol, bar.date, bar.open, bar.high, bar.low, bar.close, bar.volume])


def ran(world, **changes):
    """The result of a config over a world."""
    write_bars(world)
    conf = resolved(universe=changes.pop("universe", sorted(world)), **changes)
    made = plan.run_plan(conf)
    user_bars.import_bars("bars.csv", conf["bars"]["columns"], [(f.name, f.year, f.path) for f in made.files.years])
    make_panel(made)
    return replay.replay_shares(conf, made, 1, lambda done, total: None)


def test_the_key_that_is_given_names_the_family():
    conf = resolved()
    assert (conf["market"], conf["fill"], conf["calendar"]) == ("equities_daily", "next_open", "XNYS")
    limits = {"position_size_pct": 10, "max_positions": 10, "exit_after_missing_days": 20, "max_volume_share": None}
    assert conf["risk"] == {"start_balance": 100000, "currency": "USD", **limits}
    assert conf["costs"] == {"commission_pct": 0.1, "slippage_pct": 0.1, "min_commission": 0}


def test_a_config_of_before_the_exit_for_want_of_bars_keeps_its_run_id():
    """The default is what such a config now gets; null and any other number ask another question."""
    ids = [
        resolve.run_id(resolved(risk=risk))
        for risk in ({}, {"exit_after_missing_days": 20}, {"max_volume_share": None})
    ]
    assert set(ids) == {"fc1651f1-3bb4-56af-8f89-50f2fc4c5265"}
    others = [{"exit_after_missing_days": None}, {"exit_after_missing_days": 5}, {"max_volume_share": 0.1}]
    assert len({ids[0], *(resolve.run_id(resolved(risk=risk)) for risk in others)}) == 4
    assert resolve.question(resolved(risk=others[0]))["risk"]["exit_after_missing_days"] is None
    assert resolve.question(resolved())["risk"]["exit_after_missing_days"] == 20


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"risk": {"exit_after_missing_days": 0}}, "risk.exit_after_missing_days"),
        ({"risk": {"max_volume_share": 0}}, "risk.max_volume_share"),
        ({"risk": {"max_volume_shares": 0.1}}, "Did you mean max_volume_share?"),
        ({"strategy": {"name": "Momentum"}}, "unknown strategy 'Momentum'. Known: Breakout, Mean Reversion."),
        ({"strategy": {"name": "ev_threshold"}}, "unknown strategy"),
        ({"strategy": {"name": "Breakout", "parameters": {"abov_pct": 2}}}, "Did you mean above_pct?"),
        ({"strategy": {"name": "Breakout", "parameters": {"high_bars": 2.5}}}, "a whole number above 0"),
        ({"calendar": "XASY"}, "unknown calendar 'XASY'. Did you mean XNAS, XASX, XASE? Known: AIXK,"),
        ({"universe": {"file": "gone.csv"}}, "cannot be read"),
        ({"universe": ["../AAA"]}, "universe[0]"),
        ({"risk": {"start_balance": 0.0000001}}, "more than 6 decimals"),
        ({"market": "equities_daily", "series_tickers": ["KXHIGHCHI"]}, "series_tickers: unknown key"),
        ({"bars": {"source": "files"}}, "bars.path: this key is missing"),
    ],
)
def test_a_config_that_cannot_be_is_refused_in_words(changes, words):
    with pytest.raises(ConfigError) as caught:
        resolved(**changes)
    assert words in str(caught.value)


def test_the_plan_has_the_years_of_membership_and_the_history_before_them(tmp_path):
    write_bars({"AAA": flat(MONDAY, [1] * 3)})
    spans = ["AAA,,2024-06-30", "BBB,2025-03-01,", "CCC,2026-01-01,", "CCC,,2022-12-31"]
    (tmp_path / "u.csv").write_text("\n".join(["symbol,active_from,active_to", *spans]))
    conf = resolved(universe={"file": "u.csv"}, date_end_local="2025-12-31")
    made = plan.run_plan(conf)
    years = Counter((file.symbol, file.year) for file in made.files.years)
    assert sorted(years) == [("AAA", 2023), ("AAA", 2024), ("BBB", 2025)]
    assert made.missing() == [] and all(path.startswith("data/candles/daily/files-") for path in made.files.bars)


def test_two_user_files_never_share_a_folder(tmp_path):
    write_bars({"AAA": flat(MONDAY, [1] * 3)})
    write_bars({"AAA": flat(MONDAY, [2] * 3)}, "other.csv")
    one, other = (
        plan.run_plan(resolved(bars={"source": "files", "path": p})).files.bars for p in ("bars.csv", "other.csv")
    )
    assert not set(one) & set(other)


@pytest.mark.parametrize(
    "text, words",
    [
        ("symbol,from\nA,\n", "not the columns"),
        ("symbol,active_from,active_to\n", "no symbols"),
        ("symbol,active_from,active_to\na b,,\n", "line 2: 'a b' is no symbol"),
        ("symbol,active_from,active_to\nA,2024-02-30,\n", "line 2: '2024-02-30' is no date"),
        ("symbol,active_from,active_to\nA,2024-02-03,2024-01-01\n", "Swap them"),
    ],
)
def test_what_is_wrong_with_a_universe_is_said(tmp_path, text, words):
    (tmp_path / "u.csv").write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_universe("u.csv")


FALLS = [10] * 21 + ["9.90", "9.80", "9.65", "9.60", "9.90", "9.95", *["10"] * 40]


def test_todays_survivors_are_another_universe_than_the_one_of_then(tmp_path):
    """GONE fell, was bought, and was delisted: whoever leaves it out of the past sees a better result."""
    crash = [10] * 21 + ["9.90", "9.80", "9.40", "9.30", "4.00", "3.00"]
    world = {"KEPT": flat(MONDAY, FALLS), "GONE": flat(MONDAY, crash)}
    (tmp_path / "then.csv").write_text(f"symbol,active_from,active_to\nKEPT,,\nGONE,,{world['GONE'][-1].date}\n")
    (tmp_path / "today.csv").write_text("symbol,active_from,active_to\nKEPT,,\n")
    then, today = (ran(world, universe={"file": name}) for name in ("then.csv", "today.csv"))
    assert {t.market_ticker for t in then.trades} == {"KEPT", "GONE"}
    assert {t.market_ticker for t in today.trades} == {"KEPT"}
    assert then.end_balance_micro < then.start_balance_micro < today.end_balance_micro


@pytest.mark.parametrize("first, last, trades", [(23, 23, 0), (23, 24, 1), (25, 40, 0), (0, 22, 0)])
def test_a_symbol_trades_inside_its_membership_only(tmp_path, first, last, trades):
    """The signal is made on day 23 and fills on day 24: both must be inside; earlier bars are history all the same."""
    rows = flat(MONDAY, FALLS)
    (tmp_path / "u.csv").write_text(f"symbol,active_from,active_to\nAAA,{rows[first].date},{rows[last].date}\nZZZ,,\n")
    result = ran({"AAA": rows, "ZZZ": flat(MONDAY, [5] * 60)}, universe={"file": "u.csv"})
    assert len([trade for trade in result.trades if trade.market_ticker == "AAA"]) == trades


@pytest.mark.parametrize("back", [None, 29])
def test_a_symbol_that_has_left_is_not_traded_until_it_comes_back(tmp_path, back):
    """Bought on day 24, the last one inside; whether it comes back changes nothing before it does."""
    rows = flat(MONDAY, [*FALLS[:26], "9.90", "9.95", "10", "9.90", "9.95", *["10"] * 30])
    spans = [f"AAA,,{rows[24].date}", *([] if back is None else [f"AAA,{rows[back].date},"])]
    (tmp_path / "u.csv").write_text("\n".join(["symbol,active_from,active_to", *spans, "ZZZ,,"]))
    result = ran({"AAA": rows, "ZZZ": flat(MONDAY, [5] * 60)}, universe={"file": "u.csv"})
    (trade,) = result.trades
    assert trade.entry_price_micro == 9_659_650
    settled = dt.datetime.fromtimestamp(trade.settled_ts, dt.UTC).date()
    if back is None:  # 20 trading days without a bar at which it may be sold
        assert (trade.settled_result, settled) == ("no_bars", rows[44].date)
    else:  # judged on day 29, though the profit was there on day 26
        assert (trade.settled_result, settled) == ("profit_target", rows[30].date)
    worth = [point.equity_micro for point in result.equity[:15]]
    assert len(set(worth[11:14])) == 1, worth


@pytest.mark.parametrize("last, back, trades", [(23, 30, 0), (23, 24, 1)])
def test_an_order_whose_next_bar_is_outside_is_refused(tmp_path, last, back, trades):
    rows = flat(MONDAY, FALLS)
    spans = [f"AAA,,{rows[last].date}", f"AAA,{rows[back].date},", "ZZZ,,"]
    (tmp_path / "u.csv").write_text("\n".join(["symbol,active_from,active_to", *spans]))
    result = ran({"AAA": rows, "ZZZ": flat(MONDAY, [5] * 60)}, universe={"file": "u.csv"})
    assert (len(result.trades), result.diagnostics["rejections"].get("NO_NEXT_BAR", 0)) == (trades, 1 - trades)


def test_a_panel_that_is_not_what_was_written_is_refused():
    ran({"AAA": flat(MONDAY, FALLS)})
    conf = resolved(universe=["AAA"])
    made = plan.run_plan(conf)
    table, about = files.read_table(made.files.panel), files.read_meta(made.files.panel)
    damaged = {"not in order": table.sort_by([("day", "descending")]), "columns": table.drop_columns(["fault"])}
    for problem, other in damaged.items():
        files.write_parquet(made.files.panel, other, about)
        with pytest.raises(DamagedFile, match=problem):
            replay.replay_shares(conf, made, 1, lambda done, total: None)


def test_missing_bars_are_named_per_symbol():
    world = {"AAA": flat(MONDAY, FALLS), "NONE": [], "BRIEF": flat(dt.date(2024, 2, 1), [5] * 4)}
    with pytest.raises(DataMissing) as caught:
        ran(world)
    assert caught.value.exit_code == 3
    assert "2 of 3 symbols" in str(caught.value)
    assert "  BRIEF: too little history\n  NONE: no bars" in str(caught.value)
    result = ran(world, on_missing={"bars": "skip"})
    assert result.skipped == [("BRIEF", "TOO_LITTLE_HISTORY"), ("NONE", "NO_BARS")]
    assert result.diagnostics["events_skipped"] == {"NO_BARS": 1, "TOO_LITTLE_HISTORY": 1}
    with pytest.raises(DataMissing, match="1 of 1 symbols"):
        ran({"NONE": []}, on_missing={"bars": "skip"})


def test_a_universe_that_is_never_active_is_told_so(tmp_path):
    (tmp_path / "u.csv").write_text("symbol,active_from,active_to\nAAA,,2020-12-31\n")
    with pytest.raises(DataMissing, match="no symbol of the universe is active from 2024-01-15 to 2024-12-31"):
        ran({"AAA": flat(MONDAY, FALLS)}, universe={"file": "u.csv"}, on_missing={"bars": "skip"})


def test_quarantined_rows_are_counted_and_never_traded_on():
    rows = flat(MONDAY, FALLS)
    rows[24] = Bar(
        rows[24].date, *[Decimal(5)] * 2, Decimal(6), Decimal(5), 10**6
    )  # low above all else: the fill's bar
    result = ran({"AAA": rows})
    (trade,) = result.trades
    assert result.diagnostics["quarantined"] == {"OHLC_ORDER": 1}
    assert trade.entry_price_micro == 9_600_000 * 1001 // 1000  # the open of the next good bar


def test_times_are_those_of_the_exchange():
    result = ran({"AAA": flat(MONDAY, FALLS)}, calendar="XASX")
    (trade,) = result.trades
    stamp = lambda ts: dt.datetime.fromtimestamp(ts, dt.UTC).isoformat()  # noqa: E731
    assert stamp(trade.decision_ts) == "2024-02-01T05:00:00+00:00"  # 16:00 in Sydney, in summer
    assert stamp(trade.quote_ts) == "2024-02-01T23:00:00+00:00"  # 10:00 there on February 2


def test_a_trade_has_the_columns_of_every_family():
    (trade,) = ran({"AAA": flat(MONDAY, FALLS)}).trades
    assert (trade.series_ticker, trade.event_ticker, trade.station_id, trade.side) == ("XNYS", "AAA", "", "BUY")
    assert (trade.reason_code, trade.settled_result) == ("MEAN_REVERSION", "profit_target")
    assert trade.model_prob_yes_pico is None and trade.exit_fee_micro > 0
    sold = trade.payout_micro + trade.exit_fee_micro
    assert trade.pnl_micro == sold - trade.exit_fee_micro - trade.qty * trade.entry_price_micro - trade.entry_fee_micro


def test_same_close_is_marked_optimistic():
    world = {"AAA": flat(MONDAY, FALLS)}
    assert ran(world, fill="same_close").diagnostics["optimistic"] is True
    assert ran(world).diagnostics["optimistic"] is False


# --- splits and dividends


def actions_of(text, tmp_path):
    (tmp_path / "actions.csv").write_text("symbol,ex_date,split_ratio,dividend\n" + text)
    return read_actions("actions.csv")


def test_a_split_is_no_fall(tmp_path):
    rows = flat(MONDAY, [*["10"] * 23, *["5"] * 20])  # 2 for 1 on day 23
    (tmp_path / "actions.csv").write_text(f"symbol,ex_date,split_ratio,dividend\nAAA,{rows[23].date},2,\n")
    bars = bars_of({"AAA": rows})
    price, shares = adjustment_factors(bars, read_actions("actions.csv"))
    found = adjusted_bars(bars, price, shares, day_of(MONDAY))
    assert set(found.close.tolist()) == {10 * MICRO}
    assert found.volume[-1] == 100_000  # 200,000 new shares are 100,000 of those before the split
    assert ran({"AAA": rows}, actions="actions.csv").diagnostics["adjustment"] == "actions"
    assert ran({"AAA": rows}).diagnostics["adjustment"] == "none"


def test_a_dividend_comes_back_into_the_share(tmp_path):
    rows = flat(MONDAY, ["10", "10", "9.50"])
    bars = bars_of({"AAA": rows})
    actions = actions_of(f"AAA,{rows[2].date},,0.50\n", tmp_path)
    found = adjusted_bars(bars, *adjustment_factors(bars, actions), day_of(MONDAY))
    assert found.close.tolist() == [10 * MICRO] * 3


def test_prices_are_those_of_the_first_day_whatever_was_before_it(tmp_path):
    rows = flat(MONDAY, ["20", "20", "10", "10", "5", "5"])
    bars = bars_of({"AAA": rows})
    actions = actions_of(f"AAA,{rows[2].date},2,\nAAA,{rows[4].date},2,\n", tmp_path)
    found = adjusted_bars(bars, *adjustment_factors(bars, actions), day_of(rows[3].date))
    assert [price // MICRO for price in found.close.tolist()] == [10, 10, 10, 10, 10, 10]


def test_an_action_changes_no_bar_before_it(tmp_path):
    rows = flat(MONDAY, ["20", "21", "22", "11", "12"])
    bars = bars_of({"AAA": rows})
    found = adjusted_bars(
        bars, *adjustment_factors(bars, actions_of(f"AAA,{rows[3].date},2,0.1\n", tmp_path)), day_of(MONDAY)
    )
    assert np.array_equal(found.close[:3], bars.close[:3]) and found.close[3] > 22 * MICRO


def test_a_dividend_as_large_as_the_share_is_refused(tmp_path):
    rows = flat(MONDAY, ["1", "1", "1"])
    with pytest.raises(SimulationError, match="a dividend of 50 on a close of 1"):
        adjustment_factors(bars_of({"AAA": rows}), actions_of(f"AAA,{rows[1].date},,50\n", tmp_path))


def test_dates_of_actions_and_memberships_count_as_they_are_written(tmp_path):
    """The tables of a user carry the same stamps as the bars: midnights of Sydney, summer and winter."""
    stamps = ["2024-01-02 00:00:00+11:00", "2024-07-02T00:00:00+10:00", "20240903", "2024-10-07"]
    rows = "".join(f"AAA,{stamp},2,\n" for stamp in stamps)
    days = [dt.date(2024, 1, 2), dt.date(2024, 7, 2), dt.date(2024, 9, 3), dt.date(2024, 10, 7)]
    assert [action.day for action in actions_of(rows, tmp_path)["AAA"]] == [day_of(day) for day in days]
    (tmp_path / "u.csv").write_text(f"symbol,active_from,active_to\nAAA,{stamps[0]},{stamps[1]}\n")
    assert read_universe("u.csv") == {"AAA": [(days[0], days[1])]}


@pytest.mark.parametrize("name", ["actions.csv", "universe.csv", "odd.csv", "strategy.name.csv"])
def test_an_error_in_a_users_table_names_its_key_and_its_line(tmp_path, name):
    """A file may be called like a section of the config."""
    (tmp_path / name).write_text("symbol,ex_date,split_ratio,dividend\nAAA,soon,2,\n")
    with pytest.raises(ConfigError) as caught:
        resolved(actions=name)
    assert str(caught.value).startswith(f"config, actions: {name}, line 2: this row cannot be read.")
    (tmp_path / name).write_text("symbol,active_from,active_to\nAAA,soon,\n")
    with pytest.raises(ConfigError) as caught:
        resolved(universe={"file": name})
    assert str(caught.value).startswith(f"config, universe.file: {name}, line 2: 'soon' is no date.")


@pytest.mark.parametrize("row", ["AAA,soon,2,", "AAA,2024-01-02,x,", "AAA,2024-01-02,0,", "AAA,2024-01-02,,-1"])
def test_a_row_of_actions_that_cannot_be_is_refused(tmp_path, row):
    with pytest.raises(ConfigError, match="line 2"):
        actions_of(row + "\n", tmp_path)


# --- benchmark and metrics


def test_buy_and_hold_buys_each_symbol_once_and_sells_at_the_end():
    world = {"AAA": flat(MONDAY, ["10", "10", "12", "12"]), "NEW": flat(weekdays(MONDAY, 3)[2], ["5", "6"])}
    bars = bars_of(world)
    rules = ShareRules(Exits(), 1000 * MICRO, Fraction(1, 10), 1, Fraction(1, 100), Fraction(0))
    days = sorted(set(bars.day.tolist()))
    held = buy_and_hold(bars, np.ones(len(bars.day), bool), days, rules)
    # AAA: 49 at 10.00 and 4.90; NEW from the third day: 99 at 5.00 and 4.95, the close 5 then 6; sold at 12 and 6, 1 % each
    worth = [Decimal(value) / MICRO for value in held.tolist()]
    assert worth[0] == worth[1] == Decimal("995.10")
    assert worth[2] == Decimal("995.10") + 49 * 2 - Decimal("4.95")
    assert worth[3] == worth[2] + 99 - Decimal("5.88") - Decimal("5.94")


def test_buy_and_hold_buys_at_the_first_bar_with_volume():
    rows = flat(MONDAY, ["10", "10", "20", "20"])
    rows[0] = dataclasses.replace(rows[0], volume=0)
    rows[1] = dataclasses.replace(rows[1], volume=0)
    bars = bars_of({"AAA": rows})
    rules = ShareRules(Exits(), 1000 * MICRO, Fraction(1, 10), 1, Fraction(0), Fraction(0))
    every = np.ones(len(bars.day), bool)
    # opens at 10 on the third day, closes at 20
    assert buy_and_hold(bars, every, bars.day.tolist(), rules).tolist() == [1000 * MICRO] * 2 + [2000 * MICRO] * 2
    none = bars_of({"AAA": [dataclasses.replace(bar, volume=0) for bar in rows]})
    assert set(buy_and_hold(none, every, bars.day.tolist(), rules).tolist()) == {1000 * MICRO}


def points(*values):
    return [Point(86_400 * i, "close", int(value * MICRO), 0) for i, value in enumerate(values)]


def test_share_metrics_by_hand():
    curve = points(100, 110, 99, 99, 121)
    found = metrics.share_metrics(curve, Trades.of_rows([]), points(100, 100, 100, 100, 110), [], range(5))
    assert found["total_return_pct"] == pytest.approx(21.0)
    assert found["annualised_return_pct"] == pytest.approx((1.21 ** (252 / 4) - 1) * 100)
    assert found["max_drawdown_days"] == 2
    assert found["benchmark"]["total_return_pct"] == pytest.approx(10.0)
    assert found["excess_return_pct"] == pytest.approx(11.0)
    for name in ("largest_win_usd", "largest_loss_usd", "avg_holding_days"):
        assert found[name] is None
    assert found["exposure_pct"] == 0 and found["turnover_per_year"] == 0


def test_undefined_share_metrics_are_none():
    found = metrics.share_metrics(points(100), Trades.of_rows([]), points(100), [], [0])
    assert found["total_return_pct"] is None and found["annualised_return_pct"] is None
    assert found["benchmark"]["sharpe"] is None and found["excess_return_pct"] is None
    assert metrics.annualised(-1.0, 5) is None and metrics.annualised(1e9, 1) is None


def stored_by_the_chart_api(currency, splits):
    """Empty years of a symbol, each fetched just after its end; a split in the later one."""
    conf = resolved(universe=["AAA"], bars={"source": "yahoo"}, risk={"currency": currency})
    made = plan.run_plan(conf)
    for file in made.files.years:
        about = {"symbol": "AAA", "currency": "AUD", "retrieved_at": f"{file.year + 1}-01-05T00:00:00"}
        stored.write_year(file.path, stored.empty(), about | {"splits": splits if file.year == 2024 else []})
    return conf, made


def test_a_file_fetched_before_a_split_is_refused():
    with pytest.raises(
        SimulationError, match=r"fetched before a later split: data/candles/daily/yahoo/AAA/2023.parquet"
    ):
        make_panel(stored_by_the_chart_api("AUD", ["2024-06-03"])[1])


def test_prices_in_another_currency_are_refused():
    conf, made = stored_by_the_chart_api("EUR", [])
    make_panel(made)
    with pytest.raises(SimulationError, match="prices are in AUD, not EUR"):
        replay.replay_shares(conf, made, 1, lambda done, total: None)


@pytest.mark.slow
def test_one_database_ranks_both_families(tmp_path):
    url = f"sqlite:///{tmp_path}/both.db"
    (tmp_path / "events").mkdir()
    database_parts.write(tmp_path / "events")
    result = ran({"AAA": flat(MONDAY, FALLS)})
    conf = resolved(universe=["AAA"])
    shares = plan.run_plan(conf)
    write_artifacts(shares.run_dir, shares.run_id, conf, result)
    write_manifest(shares.run_dir, shares.run_id, conf, about_run(conf), evidence_of([]), result.watermark)
    for folder in (tmp_path / "events", shares.run_dir):
        load_run(folder, url)
    with queries.reading(url) as connection:
        ranked = queries.leaderboard(connection)
        assert {row["market"] for row in ranked} == {"kalshi_weather", "equities_daily"}
        (trade,) = queries.list_trades(connection, shares.run_id)
        assert (trade["side"], trade["model_prob_yes"], trade["station_id"]) == ("BUY", None, "")
        assert trade["pnl"] == Decimal(result.trades[0].pnl_micro) / MICRO
        assert queries.results_by_event(connection, shares.run_id) == [("AAA", dt.date(2024, 2, 1), 1, trade["pnl"])]
        assert queries.one_run(connection, shares.run_id)["series"] == ["AAA"]


def test_a_run_of_a_family_without_tables_fills_the_common_ones(tmp_path):
    url, conf = f"sqlite:///{tmp_path}/shares.db", resolved(universe=["AAA"])
    result = ran({"AAA": flat(MONDAY, FALLS)})
    shares = plan.run_plan(conf)
    write_artifacts(shares.run_dir, shares.run_id, conf, result)
    write_manifest(shares.run_dir, shares.run_id, conf, about_run(conf), evidence_of([]), result.watermark)
    assert FAMILY.tables is None and shares.recorded == {}
    assert load_run(shares.run_dir, url, shares.recorded) == 1
    with queries.reading(url) as connection:
        tables = schema.all_tables().tables.values()
        counts = {table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) for table in tables}
    common = ("strategies", "backtest_runs", "backtest_trades", "backtest_metrics")
    assert {name: count for name, count in counts.items() if count} == dict.fromkeys(common, 1)


def test_a_run_that_fetches_bars_keeps_no_record_and_says_nothing():
    conf = resolved(bars={"source": "yahoo"}, database={"url": "sqlite:///nowhere/t.db"})
    made = plan.run_plan(conf)
    with FAMILY.backfill(conf, made, dict):
        assert made.missing()
    assert not Path("nowhere").exists()
    assert list(FAMILY.fetched_notes(made, plan.due_files(made))) == []
