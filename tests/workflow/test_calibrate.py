"""Scores of the recorded month, `tradewinds calibrate` and `tradewinds probabilities`."""

import csv
import datetime as dt
import io
import json
import shutil

import pyarrow.parquet as pq
import pytest

from tests import warm
from tests.reference.naive_forecast import asof
from tests.workflow.harness import Desk

FIRST, LAST = dt.date(2025, 5, 2), dt.date(2025, 5, 30)


def command(desk, *arguments):
    command = desk.command(*arguments)
    return warm.run(command, cwd=desk.folder, env=desk.environment(), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def neighbour(finished, tmp_path_factory):
    """A desk with the same data and nothing else, without a server."""
    desk = Desk(tmp_path_factory.mktemp("neighbour"), None, fetch="never")
    shutil.copytree(finished.folder / "data", desk.folder / "data")
    return desk


@pytest.fixture(scope="module")
def scores(finished):
    return json.loads((finished.run_folder() / "calibration.json").read_text())


def recorded(shared_data):
    """(date, ticker, yes, mid at the as-of time) of every market of the month, from the recorded files by plain loops."""
    quotes = {}
    columns = ["market_ticker", "end_period_ts", "yes_bid_close_cents", "yes_ask_close_cents"]
    for row in pq.read_table(shared_data / "kalshi/candles_1m_KXHIGHCHI_2025-05.parquet", columns=columns).to_pylist():
        quotes.setdefault(row["market_ticker"], []).append(tuple(row.values())[1:])
    for market in pq.read_table(shared_data / "kalshi/markets_KXHIGHCHI_2025-05.parquet").to_pylist():
        day = dt.datetime.strptime(market["event_ticker"].split("-")[-1], "%y%b%d").date()
        if FIRST <= day <= LAST:
            _, bid, ask = max(quote for quote in quotes[market["market_ticker"]] if quote[0] <= asof(day).timestamp())
            yield day, market["market_ticker"], market["result"] == "yes", (bid + ask) / 200


def test_the_months_scores_against_the_market_are_those_made_by_hand(finished, scores, shared_data):
    [path] = finished.folder.glob("data/probabilities/*.parquet")
    said = {row["market_ticker"]: float(row["p_yes"]) for row in pq.read_table(path).to_pylist()}
    rows = list(recorded(shared_data))
    assert len(rows) == 29 * 6
    mine, market = (
        sum((p - yes) ** 2 for p, yes in pairs) / len(rows)
        for pairs in ([(said[ticker], yes) for _, ticker, yes, _ in rows], [(mid, yes) for *_, yes, mid in rows])
    )
    found = scores["against"]["market"]
    assert (found["n"], found["days"]) == (len(rows), 29)
    assert (found["brier"], found["brier_other"]) == pytest.approx((mine, market), abs=1e-9)
    assert found["brier"] == pytest.approx(finished.metrics()["brier"], abs=1e-12)
    assert found["skill"] == pytest.approx(1 - mine / market)


def test_the_months_temperatures_are_scored_beside_their_baselines(scores):
    found = scores["temperatures"]["all"]
    assert set(found) == {"model", "bias_corrected", "climatology", "raw"} and found["model"]["n"] == 29
    assert found["model"]["crps_f"] < found["bias_corrected"]["crps_f"] < found["climatology"]["crps_f"]
    assert set(scores["temperatures"]["by"]["station"]) == {"KMDW max"}


def test_calibrate_says_what_a_run_has_written(finished, neighbour, scores):
    done = command(neighbour, "calibrate", "--config", "config.yaml", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == scores
    shown = command(neighbour, "calibrate", "--config", "config.yaml").stdout
    for words in (
        "Brier skill",
        "Reliability",
        "columns",
        "PIT",
        "climatology",
        f"{scores['against']['market']['skill']:+.3f}",
    ):
        assert words in shown
    assert {path.name for path in neighbour.folder.iterdir()} >= {"data"} and not (
        neighbour.folder / "backtests"
    ).exists()


def test_a_users_file_is_scored_the_same_way(finished, neighbour, scores, tmp_path):
    """A file with the model's own probabilities has the model's scores; a worse one has worse scores."""
    [path] = finished.folder.glob("data/probabilities/*.parquet")
    rows = pq.read_table(path).to_pylist()
    found = []
    for number, change in enumerate((float, lambda p: 1 - float(p))):
        desk = Desk(tmp_path / str(number), None, fetch="never", probabilities={"source": "file", "path": "mine.csv"})
        shutil.copytree(finished.folder / "data", desk.folder / "data")
        with open(desk.folder / "mine.csv", "w", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(["market_ticker", "known_at_utc", "p_yes"])
            lines.writerows([row["market_ticker"], "2025-05-01T00:00:00Z", change(row["p_yes"])] for row in rows)
        done = command(desk, "calibrate", "--config", "config.yaml", "--json")
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout))
    same, worse = found
    one, other = (found["against"]["market"] for found in (same, scores))
    assert one["interval"] == pytest.approx(other["interval"]) and one["skill"] == pytest.approx(other["skill"])
    assert worse["against"]["market"]["skill"] < same["against"]["market"]["skill"]
    assert same["temperatures"]["all"] == {}, "a file of probabilities says nothing of temperatures"


def test_a_dates_probabilities_for_people_and_programs(finished, neighbour):
    asked = ("probabilities", "--config", "config.yaml", "--date", "2025-05-10")
    shown, as_json, as_csv = (command(neighbour, *asked, *more) for more in ((), ("--json",), ("--csv",)))
    assert shown.returncode == as_json.returncode == as_csv.returncode == 0, shown.stderr + as_json.stderr
    assert "KXHIGHCHI-25MAY10: emos, μ" in shown.stdout and "70° or below" in shown.stdout
    rows = json.loads(as_json.stdout)
    assert sum(row["p_yes"] for row in rows) == pytest.approx(1, abs=1e-9) and len(rows) == 6
    [path] = finished.folder.glob("data/probabilities/*.parquet")
    of_the_run = {row["market_ticker"]: row for row in pq.read_table(path).to_pylist()}
    for row in rows:
        same = of_the_run[row["market_ticker"]]
        assert (row["p_yes"], row["mu_f"]) == (float(same["p_yes"]), same["mu_f"])
        if row["yes_ask"] is not None:
            assert row["edge_yes"] == pytest.approx(row["p_yes"] - row["yes_ask"], abs=1e-6)
    brackets = [row["bracket"] for row in rows]
    assert (brackets[0], brackets[1], brackets[-1]) == ("70° or below", "71° to 72°", "79° or above")
    assert [row["market_ticker"] for row in csv.DictReader(io.StringIO(as_csv.stdout))] == [
        r["market_ticker"] for r in rows
    ]


def test_a_config_with_an_own_file_lists_every_market_of_a_date(neighbour, tmp_path):
    """Tickers come from the catalog, so that a file can be written: none of the date has to be in it yet."""
    desk = Desk(tmp_path, None, fetch="never", probabilities={"source": "file", "path": "mine.csv"})
    shutil.copytree(neighbour.folder / "data", desk.folder / "data")
    own = "market_ticker,known_at_utc,p_yes\nKXHIGHCHI-25MAY10-B73.5,2025-05-09T00:00:00Z,0.25\n"
    (desk.folder / "mine.csv").write_text(own)
    asked = ("probabilities", "--config", "config.yaml", "--json", "--date")
    listed = [json.loads(command(neighbour, *asked, day).stdout) for day in ("2025-05-10", "2025-05-11")]
    of_own = [command(desk, *asked, day) for day in ("2025-05-10", "2025-05-11")]
    assert [done.returncode for done in of_own] == [0, 0], of_own[0].stderr + of_own[1].stderr
    own_rows = [json.loads(done.stdout) for done in of_own]
    # markets and prices are those of a forecast's list; probabilities are those of the file alone
    kept = ("event_ticker", "market_ticker", "bracket", "asof_utc", "yes_bid", "yes_ask")
    for mine, theirs in zip(own_rows, listed, strict=True):
        assert [[row[name] for name in kept] for row in mine] == [[row[name] for name in kept] for row in theirs]
    first = {row["market_ticker"]: row for row in own_rows[0]}
    named = first.pop("KXHIGHCHI-25MAY10-B73.5")
    assert (named["p_yes"], named["method"], named["known_at_utc"]) == (0.25, "file", "2025-05-09T00:00:00Z")
    assert len(first) == 5 and {row["p_yes"] for row in [*first.values(), *own_rows[1]]} == {None}
    shown = command(desk, "probabilities", "--date", "2025-05-11").stdout
    assert "KXHIGHCHI-25MAY11: no probability (NOT_IN_FILE)" in shown and "such as KXHIGHCHI-25MAY11-" in shown


@pytest.mark.parametrize("words", [("calibrate",), ("probabilities", "--date", "2025-05-10")])
def test_missing_files_are_exit_3_with_the_list(tmp_path, words):
    done = command(Desk(tmp_path, None), words[0], "--config", "config.yaml", "--no-fetch", *words[1:])
    assert done.returncode == 3
    assert "data/candles/kalshi/full_1m/KXHIGHCHI/2025-05-10.parquet" in done.stderr


def test_two_outputs_at_once_are_a_usage_error(neighbour):
    done = command(neighbour, "probabilities", "--config", "config.yaml", "--json", "--csv")
    assert done.returncode == 2 and "contradict" in done.stderr
