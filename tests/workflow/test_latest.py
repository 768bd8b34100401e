"""Runs whose decisions use the last probability known at their own time: fetched, replayed, scored; and distributions."""

import csv
import datetime as dt
import json

import pyarrow.parquet as pq
import pytest

from tests import warm
from tests.workflow.harness import Desk
from tests.workflow.made_once import made_once
from tradewinds.archive.server import running_server
from tradewinds.config import resolve
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.archive.event_archive import EventArchive
from tradewinds.families.kalshi_weather.archive.record import record
from tradewinds.families.kalshi_weather.archive.synthetic import make_synthetic
from tradewinds.families.kalshi_weather.plan import plan_of
from tradewinds.families.kalshi_weather.strikes import strike_bounds

DAYS = {"date_start_local": "2025-03-05", "date_end_local": "2025-03-07", "series_tickers": ["KXHIGHMIA"]}
LATEST = {"mode": "latest"}
RISK = {"start_balance_usd": 1000, "max_contracts_per_market": 100}
SOURCE = {"source": "gaussian"}


def command(desk, *arguments):
    made = desk.command(*arguments)
    return warm.run(made, cwd=desk.folder, env=desk.environment(), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    def make(folder):
        make_synthetic(folder / "archive", series=("KXHIGHMIA",))

    return made_once(tmp_path_factory, "synthetic-miami", make) / "archive"


@pytest.fixture(scope="module")
def desk(archive, tmp_path_factory):
    """A finished run by the project's own forecast, and the server that it was fetched from."""
    with running_server(archive) as server:
        changes = {"asof_policy": LATEST, "probabilities": SOURCE, "cadence_minutes": 30, "risk": RISK}
        made = Desk(tmp_path_factory.mktemp("latest"), server, **changes, **DAYS)
        done = made.run()
        assert done.returncode == 0, done.stdout + done.stderr
        yield made


def timeline(desk):
    [path] = desk.folder.glob("data/probabilities/*.parquet")
    rows = {}
    for row in pq.read_table(path).to_pylist():
        rows.setdefault(row["market_ticker"], []).append(row)
    return rows


def test_every_trade_is_made_on_the_last_probability_known_at_its_decision(desk):
    rows = timeline(desk)
    assert max(map(len, rows.values())) > 3, "runs and readings change them"
    with open(desk.run_folder() / "trades.csv", newline="") as file:
        trades = list(csv.DictReader(file))
    assert trades
    seen = set()
    for trade in trades:
        known = rows[trade["market_ticker"]]
        decided = trade["decision_ts_utc"]
        in_force = [row for row in known if _utc(row["known_at_ts"]) <= decided][-1]
        assert float(trade["model_prob_yes"]) == pytest.approx(float(in_force["p_yes"]), abs=1e-12)
        seen.add(known.index(in_force))
    assert len(seen) > 1, "decisions were made on several of a market's probabilities"


def _utc(ts):
    return dt.datetime.fromtimestamp(ts, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_readings_bound_the_law(desk):
    """No bracket below what readings have reached has a probability, and every ladder sums to 1."""
    reached = [row for rows in timeline(desk).values() for row in rows if row["reached_f"] is not None]
    [catalog] = desk.folder.glob("data/catalog/kalshi/*.parquet")
    strikes = {row["market_ticker"]: row for row in pq.read_table(catalog).to_pylist()}
    below = 0
    for row in reached:
        market = strikes[row["market_ticker"]]
        _, highest = strike_bounds(
            market["strike_type"], market["floor_strike"], market["cap_strike"], market["yes_sub_title"]
        )
        if highest is not None and highest < row["reached_f"]:
            assert row["p_yes"] == 0
            below += 1
    assert below > 10
    ladders = {}
    for row in reached:
        ladders.setdefault((row["event_ticker"], row["known_at_ts"]), []).append(float(row["p_yes"]))
    assert all(sum(ladder) == pytest.approx(1, abs=1e-9) for ladder in ladders.values())


def test_scores_by_lead_are_written_printed_and_reported(desk):
    scores = json.loads((desk.run_folder() / "calibration.json").read_text())
    leads = scores["leads"]
    hours = [lead["hours_before_close"] for lead in leads]
    assert hours == sorted(hours, reverse=True) and 24 in hours and 1 in hours
    first, last = leads[0], leads[-1]
    assert last["probabilities"]["model"]["brier"] < first["probabilities"]["model"]["brier"]
    assert last["temperatures"]["crps_f"] < first["temperatures"]["crps_f"]
    assert last["probabilities"]["market"]["n"] == last["against_market"]["n"] > 6
    said = command(desk, "calibrate", "--config", "config.yaml", "--no-fetch")
    assert "By hours before the close" in said.stdout, said.stdout + said.stderr
    assert "Hours before the close" in (desk.run_folder() / "report.md").read_text()


def test_nothing_is_fetched_twice_and_the_plan_counts_the_days(desk):
    asked = len(desk.server.requests)
    done = desk.run()
    assert done.returncode == 0 and len(desk.server.requests) == asked
    assert "observed station-days" in command(desk, "run", "--config", "config.yaml", "--dry-run").stdout
    assert len(list(desk.folder.glob("data/observations/iem/KMIA/*.parquet"))) == 3


def test_the_users_own_distributions_make_the_same_ladder(desk, tmp_path_factory):
    """μ and σ of the run's table, written as a user's file: the same probabilities for every law without readings."""
    rows = timeline(desk)
    lines = ["series_ticker,climate_date,known_at_utc,mu_f,sigma_f,model"]
    of_date = {found[0]["climate_date"]: found for found in rows.values()}  # the rows of one market each
    for row in (row for found in of_date.values() for row in found):
        if row["reached_f"] is None and len(row["law"]) == 1:
            [law] = row["law"]
            when = _utc(row["known_at_ts"])
            lines.append(f"KXHIGHMIA,{row['climate_date']},{when},{law['mu_f']!r},{law['sigma_f']!r},mine")
    assert len(lines) > 1
    folder = tmp_path_factory.mktemp("own")
    own = Desk(
        folder,
        desk.server,
        asof_policy=LATEST,
        probabilities={"source": "distribution", "path": "mine.csv"},
        **DAYS | {"date_end_local": "2025-03-06"},
    )
    (folder / "mine.csv").write_text("\n".join(lines) + "\n")
    done = own.run()
    assert done.returncode == 0, done.stdout + done.stderr
    mine = timeline(own)
    assert not list(folder.glob("data/guidance/**/*.parquet")), "the user's own file needs no weather"
    for ticker, found in mine.items():
        for row in found:
            same = [one for one in rows[ticker] if one["known_at_ts"] == row["known_at_ts"]]
            assert row["method"] == "mine" and float(row["p_yes"]) == pytest.approx(float(same[0]["p_yes"]), abs=1e-9)
    assert json.loads((own.run_folder() / "calibration.json").read_text())["leads"]
    # the file is judged, and its smallest spread is swept, as every setting is
    judged = command(own, "validate", "--config", "config.yaml")
    assert judged.returncode == 0 and "ladder_sums_to_one" in judged.stdout, judged.stdout + judged.stderr
    swept = command(
        own, "sweep", "--config", "config.yaml", "--grid", "probabilities.sigma_floor_f=0.5,9", "--no-fetch"
    )
    assert swept.returncode == 0, swept.stdout + swept.stderr
    [ranking] = folder.glob("backtests/sweeps/*/ranking.csv")
    with open(ranking, newline="") as file:
        rows_of = {row["probabilities.sigma_floor_f"]: row for row in csv.DictReader(file)}
    assert rows_of["0.5"]["run_id"] == own.run_folder().name != rows_of["9"]["run_id"]


def test_an_archive_of_what_was_fetched_has_its_readings(desk, archive, tmp_path, monkeypatch):
    """Recorded and served again, a run gets the readings that the service gave."""
    monkeypatch.chdir(desk.folder)
    conf = resolve.load("config.yaml")
    record(conf, plan_of(conf), tmp_path / "recorded")
    days = [dt.date(2025, 3, day) for day in (5, 6, 7)]
    station = climate_days.station_of("KXHIGHMIA")
    begin, end = (
        climate_days.climate_day_bounds(station, days[0])[0],
        climate_days.climate_day_bounds(station, days[-1])[1],
    )
    given = [row for row in EventArchive(archive).observations("KMIA").to_pylist() if begin <= row["valid_ts"] < end]
    assert EventArchive(tmp_path / "recorded").observations("KMIA").to_pylist() == given and len(given) == 72
