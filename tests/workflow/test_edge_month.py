"""The recorded month of Chicago: what its forecast adds to the price, figure by figure, and the month on pooled figures."""

import json
import math
import shutil

import pyarrow.parquet as pq
import pytest

from tests import warm
from tests.reference import naive_edge as naive
from tests.workflow.harness import Desk
from tests.workflow.test_calibrate import recorded
from tradewinds.results.edge.edge_words import claimed_words, sentences

# the recorded month has the guidance of these models alone
POOLED = {"source": "pooled", "models": ["GFS", "NAM"]}


def near(value):
    """A figure of the page, to its tolerance."""
    return pytest.approx(value, abs=1e-3)


@pytest.fixture(scope="module")
def edge(finished):
    return json.loads((finished.run_folder() / "calibration.json").read_text())["edge"]


@pytest.fixture(scope="module")
def pooled(finished, tmp_path_factory):
    """A run of the month on pooled probabilities, from the data that the other run fetched and without a service."""
    desk = Desk(tmp_path_factory.mktemp("pooled"), None, fetch="never", probabilities=POOLED)
    for name in ("catalog", "candles", "climate", "guidance", "forecasts"):
        shutil.copytree(finished.folder / "data" / name, desk.folder / "data" / name)
    done = desk.run()
    assert done.returncode == 0, done.stdout + done.stderr
    desk.said = done.stdout
    return desk


def probabilities(desk):
    [path] = desk.folder.glob("data/probabilities/*.parquet")
    return path, pq.read_table(path).to_pylist()


def test_the_events_of_the_month(edge, finished, shared_data):
    assert (edge["events"], edge["days"], edge["left_out"]) == (29, 29, {})
    rows = list(recorded(shared_data))
    by_day = {}
    for day, _, _, mid in rows:
        by_day.setdefault(day, []).append(mid)
    sums = [sum(mids) for mids in by_day.values()]
    assert (len(rows), min(sums), max(sums)) == (174, near(0.945), near(1.25))
    said = [float(row["p_yes"]) for row in probabilities(finished)[1]]
    assert sum(p < 0.005 for p in said) == 6


def test_what_price_and_forecast_add_to_each_other(edge):
    found = edge["encompassing"]
    figures = [found[name] for name in ("b", "se_b", "c", "se_c", "b_alone", "lr_c")]
    assert figures == [near(value) for value in (1.3876, 0.3946, -0.1705, 0.2702, 1.2789, 0.3344)]
    assert found["interval_c"] == [near(-0.7000), near(0.3591)]
    assert (found["needed_events"], found["verdict"]) == (266, "too_few_days")
    assert (edge["claimed_share"]["w"], edge["claimed_share"]["se"]) == (near(-0.1480), near(0.1556))
    assert sentences(edge) == [
        "29 days are too few to tell whether this forecast knows anything the price does not; about 266 events are needed.",
        "Of each cent of edge the forecast claimed, -0.15 cents were there (-0.45 to +0.16).",
    ]


def test_the_months_gains(edge):
    expected = {
        "model_over_price": (-0.4657, 0.1192),
        "pooled_over_price": (-0.0036, 0.0086),
        "recalibrated_over_price": (-0.0002, 0.0067),
        "pooled_over_recalibrated": (-0.0034, 0.0027),
    }
    assert set(edge["nats"]) == set(expected)
    for name, (mean, error) in expected.items():
        assert (edge["nats"][name]["mean"], edge["nats"][name]["se"]) == (near(mean), near(error)), name
    assert edge["weights"] == {"b": near(1.07234), "c": near(0.01875), "training_events": 27}


def test_the_months_sizes_and_tables(edge):
    sizes = [edge["sizes"][name] for name in ("rms_claimed", "rms_shrunk", "half_spread", "fee")]
    assert sizes == [near(value) for value in (0.1566, 0.0056, 0.0306, 0.0099)]
    claimed = [
        (17, 0.1732, -1.2399),
        (20, 0.6545, -0.9060),
        (31, 2.1820, -2.9498),
        (37, 5.2298, -1.0757),
        (19, 6.2900, -0.4661),
    ]
    shrunk = [(6, 0.0462, -0.5557), (1, 0.0232, -0.7341), (0, 0, 0), (0, 0, 0), (0, 0, 0)]
    for name, rows, total in (
        ("claimed", claimed, (124, 14.5295, -6.6376)),
        ("shrunk", shrunk, (7, 0.0694, -1.2898)),
    ):
        found = [(one["n"], one["expected"], one["realised"]) for one in edge["table"][name]]
        assert found == [(n, near(expected), near(realised)) for n, expected, realised in rows]
        whole = edge["table"]["total"][name]
        assert (whole["n"], whole["expected"], whole["realised"]) == (total[0], near(total[1]), near(total[2]))
    assert [one["from"] for one in edge["table"]["claimed"]] == [0, 0.02, 0.05, 0.1, 0.2]
    assert edge["by"]["station"] == {"KMDW max": {name: part for name, part in edge.items() if name != "by"}}


def test_the_months_trades_claimed_and_made(finished):
    found = finished.metrics()["edge"]
    assert (found["expected"], found["realised"]) == (near(76.826), -20.62)
    assert (found["ratio"], found["se"]) == (near(-0.268), near(0.252))
    bins = [(one["n"], one["expected"], one["realised"]) for one in found["bins"]]
    assert bins == [
        (0, 0, 0),
        (0, 0, 0),
        (284, near(19.232), near(-5.92)),
        (130, near(15.787), near(3.48)),
        (71, near(12.332), near(-12.60)),
        (42, near(9.596), near(-0.52)),
        (48, near(19.879), near(-5.06)),
    ]
    assert claimed_words(found) == "claimed +76.83, got -20.62"
    assert "claimed +76.83, got -20.62" in finished.first_output
    report = (finished.run_folder() / "report.md").read_text()
    assert report.count("claimed +76.83, got -20.62") == 1
    order = [report.index(words) for words in (
        "Does the forecast add anything to the price?", "price, b", "of a cent claimed", "Edge as claimed",
        "Edge shrunk towards the price", "half of the spread",
    )]  # fmt: skip
    assert order == sorted(order)


def test_the_pooled_month(pooled, finished):
    """Weights and probabilities of the page's dates; the Brier scores of every source."""
    _, rows = probabilities(pooled)
    by_day = {}
    for row in rows:
        by_day.setdefault(row["climate_date"].isoformat(), []).append(row)
    weights = {day: (found[0]["b"], found[0]["c"], found[0]["training_events"]) for day, found in by_day.items()}
    assert weights["2025-05-02"] == (1, 0, 0)
    assert weights["2025-05-12"] == (near(1.03398), near(-0.00699), 9)
    assert weights["2025-05-30"] == (near(1.07234), near(0.01875), 27)
    z = {row["market_ticker"].rpartition("-")[2]: float(row["p_yes"]) for row in by_day["2025-05-12"]}
    expected = {
        "T72": 0.059985,
        "B72.5": 0.050217,
        "B74.5": 0.121386,
        "B76.5": 0.188544,
        "B78.5": 0.285986,
        "T79": 0.293882,
    }
    assert z == {name: near(value) for name, value in expected.items()}
    scores = [json.loads((desk.run_folder() / "calibration.json").read_text()) for desk in (finished, pooled)]
    briers = [one["against"]["market"][name] for one in scores for name in ("brier", "brier_other")]
    assert briers == [near(value) for value in (0.148795, 0.116184, 0.117077, 0.116184)]
    assert scores[1]["ages"] == scores[0]["ages"], "the forecast's inputs are as old as without the pool"
    assert pooled.metrics()["diagnostics"]["rejections"]["STALE_PROBABILITY"] == 174
    assert pooled.metrics()["diagnostics"]["validations"]["forecast_known_by_asof"] == 0
    assert pooled.metrics()["diagnostics"]["validations"]["ladder_sums_to_one"] == 0


def test_the_price_itself_and_the_two_scores_in_nats(pooled, shared_data):
    """By the naive implementation, from the recorded quotes and the table's columns."""
    events = {}
    for day, ticker, yes, mid in recorded(shared_data):
        events.setdefault(day, []).append((ticker, yes, mid))
    base = {row["market_ticker"]: float(row["p_base"]) for row in probabilities(pooled)[1]}
    price = model = brier = 0.0
    for markets in events.values():
        q, f = naive.shares([mid for *_, mid in markets]), naive.shares([base[ticker] for ticker, *_ in markets])
        winner = [yes for _, yes, _ in markets].index(True)
        price, model = price - math.log(q[winner]), model - math.log(f[winner])
        brier += sum((one - yes) ** 2 for one, (_, yes, _) in zip(q, markets, strict=True))
    assert (price / 29, model / 29, brier / 174) == (near(1.40798), near(1.87368), near(0.116953))


def test_a_changed_candle_makes_the_pooled_files_that_depend_on_it_again_and_no_other(pooled, finished, tmp_path):
    """Two configs in one folder: the first ends before the changed candle's event."""
    desk = Desk(tmp_path / "both", None, fetch="never", probabilities=POOLED, date_end_local="2025-05-12")
    shutil.copytree(pooled.folder / "data", desk.folder / "data")
    assert desk.run().returncode == 0
    short, long = sorted(
        desk.folder.glob("data/probabilities/*.parquet"), key=lambda path: pq.read_metadata(path).num_rows
    )
    before = {path: path.stat().st_mtime_ns for path in desk.folder.glob("data/**/*.parquet")}
    candles = desk.folder / "data/candles/kalshi/full_1m/KXHIGHCHI/2025-05-20.parquet"
    candles.touch()
    assert desk.run().returncode == 0
    both = Desk(desk.folder, None, fetch="never", probabilities=POOLED)
    assert both.run().returncode == 0
    changed = {path for path, at in before.items() if path.stat().st_mtime_ns != at}
    assert changed == {candles, long}, "a candle of a later event is none of the short run's"
    assert short.exists()


def test_lookahead_check_of_the_pooled_month(pooled):
    command = pooled.command("lookahead-check", "--config", "config.yaml", "--cuts", "2")
    done = warm.run(command, cwd=pooled.folder, env=pooled.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no decision changed" in done.stdout


def test_a_date_of_the_pooled_month_is_shown_with_the_weights_of_the_run(pooled):
    command = pooled.command("probabilities", "--config", "config.yaml", "--date", "2025-05-12", "--json", "--no-fetch")
    done = warm.run(command, cwd=pooled.folder, env=pooled.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown = {row["market_ticker"].rpartition("-")[2]: row["p_yes"] for row in json.loads(done.stdout)}
    assert shown["T79"] == near(0.293882)
