"""The recorded month, replayed a second time by the naive implementation: every row of trades.csv, every refusal."""

import csv
import datetime as dt
import json
from fractions import Fraction

from tests.reference.naive_replay import NaiveRun
from tradewinds import config
from tradewinds.plan import plan_of


def instant(text):
    return int(dt.datetime.fromisoformat(text).timestamp())


def test_every_row_of_trades_csv(finished, monkeypatch):
    monkeypatch.chdir(finished.folder)
    conf = config.load("config.yaml")
    plan = plan_of(conf)
    candles = {(event.series_ticker, event.climate_date): event.path for event in plan.events}
    naive = NaiveRun(conf, plan.catalogs, candles, plan.probabilities).run()
    with open(finished.run_folder() / "trades.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(naive.trades) > 100
    for row, trade in zip(rows, naive.trades, strict=True):
        market = trade["market"]
        assert (row["market_ticker"], row["event_ticker"], row["series_ticker"]) == (
            market.ticker,
            market.event,
            market.series,
        )
        assert (row["side"], int(row["qty"]), row["settled_result"]) == (trade["side"], trade["qty"], market.result)
        times = (instant(row[name]) for name in ("decision_ts_utc", "quote_ts_utc", "settled_ts_utc"))
        assert tuple(times) == (trade["decision_ts"], trade["quote_ts"], market.settles)
        names = (
            "entry_price",
            "entry_fee",
            "model_prob_yes",
            "ev_gross_per_contract",
            "ev_net_per_contract",
            "payout",
            "pnl",
        )
        money = trade["payout"] - trade["qty"] * trade["price"] - trade["fee"]
        exact = (trade["price"], trade["fee"], market.p, trade["gross"], trade["net"], trade["payout"], money)
        assert tuple(Fraction(row[name]) for name in names) == exact
    metrics = json.loads((finished.run_folder() / "metrics.json").read_text())
    assert metrics["diagnostics"]["rejections"] == dict(sorted(naive.rejections.items()))
    assert Fraction(str(metrics["end_balance_usd"])) == naive.cash
    with open(finished.run_folder() / "equity.csv", newline="") as file:
        points = [
            (instant(r["ts_utc"]), Fraction(r["cash_usd"]), Fraction(r["open_value_usd"])) for r in csv.DictReader(file)
        ]
    assert points == naive.equity_points()


def test_no_input_of_a_decision_was_known_after_its_asof_time(finished):
    """Probabilities carry when their last input was known; decisions come after it, quotes before them."""
    import pyarrow.parquet as pq

    [path] = finished.folder.glob("data/probabilities/*.parquet")
    for row in pq.read_table(path).to_pylist():
        assert row["known_at_ts"] <= row["asof_ts"]
    with open(finished.run_folder() / "trades.csv", newline="") as file:
        for row in csv.DictReader(file):
            assert row["quote_ts_utc"] <= row["decision_ts_utc"] < row["settled_ts_utc"]
