"""The recorded month, replayed a second time by the naive implementation: every row of trades.csv, every refusal.

Once with the project's forecast; ten of its days also with a file of probabilities made from the guidance by other code.
"""

import csv
import datetime as dt
import json
from fractions import Fraction

import pyarrow.parquet as pq
import pytest

from tests.reference.naive_forecast import p_yes, write_probabilities
from tests.reference.naive_replay import NaiveRun
from tests.workflow.harness import TEN_DAYS, Desk
from tradewinds.archive.server import running_server
from tradewinds.config import resolve
from tradewinds.families.kalshi_weather.plan import plan_of


def instant(text):
    return int(dt.datetime.fromisoformat(text).timestamp())


@pytest.fixture(scope="module")
def with_file(chicago_archive, shared_data, tmp_path_factory):
    """Ten days of the month traded on a user's file."""
    with running_server(chicago_archive) as server:
        mine = {"source": "file", "path": "mine.csv"}
        desk = Desk(tmp_path_factory.mktemp("file"), server, probabilities=mine, **TEN_DAYS)
        dates = (dt.date.fromisoformat(date) for date in TEN_DAYS.values())
        write_probabilities(shared_data, *dates, desk.folder / "mine.csv")
        done = desk.run()
    assert done.returncode == 0, done.stderr
    return desk


@pytest.mark.parametrize("which", ["finished", "with_file"])
def test_every_row_of_trades_csv(which, request, monkeypatch):
    finished = request.getfixturevalue(which)
    monkeypatch.chdir(finished.folder)
    conf = resolve.load("config.yaml")
    plan = plan_of(conf)
    candles = {(event.series_ticker, event.climate_date): event.path for event in plan.files.events}
    naive = NaiveRun(conf, plan.files.catalogs, candles, plan.files.probabilities, plan.files.climate.values()).run()
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
    assert not naive.failed and set(metrics["diagnostics"]["validations"].values()) == {0}
    assert metrics["diagnostics"]["rejections"] == dict(sorted(naive.rejections.items()))
    assert Fraction(str(metrics["end_balance_usd"])) == naive.cash
    with open(finished.run_folder() / "equity.csv", newline="") as file:
        points = [
            (instant(r["ts_utc"]), Fraction(r["cash_usd"]), Fraction(r["open_value_usd"])) for r in csv.DictReader(file)
        ]
    assert points == naive.equity_points()


def probabilities(desk):
    [path] = desk.folder.glob("data/probabilities/*.parquet")
    return {row["market_ticker"]: row for row in pq.read_table(path).to_pylist()}


def test_the_bias_corrected_forecast_is_the_one_made_by_hand(finished, with_file, shared_data):
    """The month is traded on the regression; its first fallback stands beside it in the file of forecasts."""
    ours, theirs = probabilities(finished), probabilities(with_file)
    assert len(ours) == 29 * 6 and ours.keys() > theirs.keys() and len(theirs) == 10 * 6
    [path] = finished.folder.glob("data/forecasts/*/KMDW/max/2025-05-30.parquet")
    laws = {row["climate_date"]: row for row in pq.read_table(path).to_pylist()}
    markets = pq.read_table(shared_data / "kalshi/markets_KXHIGHCHI_2025-05.parquet").to_pylist()
    strikes = {market["market_ticker"]: market for market in markets}
    for ticker in theirs:
        row = ours[ticker]
        law = laws[row["climate_date"]]
        fallback = p_yes(strikes[ticker], law["bias_corrected_mu_f"], law["bias_corrected_sigma_f"])
        assert fallback == pytest.approx(float(theirs[ticker]["p_yes"]), abs=1e-6)
        assert row["method"] == law["method"] == "emos" and row["reason"] in (None, "MODEL_MISSING:GFS")
        assert row["known_at_ts"] == theirs[ticker]["known_at_ts"]


@pytest.mark.parametrize("which", ["finished", "with_file"])
def test_no_input_of_a_decision_was_known_after_its_asof_time(which, request):
    """Probabilities carry when their last input was known; decisions come after it, quotes before them."""
    finished = request.getfixturevalue(which)
    for row in probabilities(finished).values():
        assert row["known_at_ts"] <= row["asof_ts"]
    with open(finished.run_folder() / "trades.csv", newline="") as file:
        for row in csv.DictReader(file):
            assert row["quote_ts_utc"] <= row["decision_ts_utc"] < row["settled_ts_utc"]


def test_the_month_is_as_the_documents_say(finished):
    """docs/forecasts.md: Chicago in May 2025, with the forecast as it is by default."""
    metrics = json.loads((finished.run_folder() / "metrics.json").read_text())
    market = json.loads((finished.run_folder() / "calibration.json").read_text())["against"]["market"]
    assert (metrics["num_trades"], round(metrics["total_pnl_usd"], 2), round(metrics["brier"], 4)) == (
        575,
        -20.62,
        0.1488,
    )
    assert (round(market["brier_other"], 4), round(market["skill"], 2)) == (0.1162, -0.28)
