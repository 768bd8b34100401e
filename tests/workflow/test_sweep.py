"""`tradewinds sweep` on the recorded month: what it ranks are the runs that `tradewinds run` makes."""

import csv
import json
import re
import subprocess
import sys

import pytest
import yaml

from tests import warm
from tests.workflow.harness import Desk, fetched_by
from tradewinds.archive.server import running_server

GRID = ("--grid", "risk.min_ev_per_contract=0.05:0.15:0.05", "--grid", "risk.max_contracts_per_market=2,5")


def sweep(desk, *arguments):
    command = desk.command("sweep", "--config", "config.yaml", *arguments)
    return warm.run(command, cwd=desk.folder, env=desk.environment(), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def swept(finished, chicago_archive, tmp_path_factory):
    """A sweep in a folder whose fetched data is there, and a server of the archive."""
    with running_server(chicago_archive) as running:
        desk = Desk(fetched_by(finished, tmp_path_factory.mktemp("sweep")), running)
        desk.done = sweep(desk, *GRID)
        assert desk.done.returncode == 0, desk.done.stdout + desk.done.stderr
        yield desk


def ranking(desk):
    [folder] = (desk.folder / "backtests/sweeps").iterdir()
    with open(folder / "ranking.csv", newline="", encoding="utf-8") as rows:
        return folder, list(csv.DictReader(rows))


def test_points_are_ranked_before_the_split_and_shown_after_it(swept):
    folder, rows = ranking(swept)
    assert [row["rank"] for row in rows] == [str(n) for n in range(1, 7)]
    points = {(row["risk.min_ev_per_contract"], row["risk.max_contracts_per_market"]) for row in rows}
    assert points == {(ev, most) for ev in ("0.05", "0.1", "0.15") for most in ("2", "5")}
    sharpes = [float(row["in_sample_sharpe"]) for row in rows]
    assert sharpes == sorted(sharpes, reverse=True)
    said = json.loads((folder / "sweep.json").read_text())
    assert (said["points"], said["split"], said["ranked_by"]) == (6, "2025-05-22", "sharpe")
    assert "6 configurations were tried" in said["verdict"] and said["verdict"] in " ".join(swept.done.stdout.split())
    assert "By sharpe before 2025-05-22" in swept.done.stdout and "replay: 6 of 6" in swept.done.stdout


def test_the_best_point_is_the_run_of_its_config(swept):
    """Same id, same trades, and nothing is fetched a second time."""
    folder, rows = ranking(swept)
    asked = len(swept.server.requests)
    command = swept.command("run", "--config", str(folder / "best.yaml"))
    done = warm.run(command, cwd=swept.folder, env=swept.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(swept.server.requests) == asked
    best = rows[0]
    metrics = json.loads((swept.folder / "backtests" / best["run_id"] / "metrics.json").read_text())
    parts = ("in_sample", "out_of_sample")
    assert metrics["run_id"] == best["run_id"]
    assert metrics["num_trades"] == sum(int(best[f"{part}_num_trades"]) for part in parts) > 0
    assert round(metrics["total_pnl_usd"], 6) == round(sum(float(best[f"{part}_pnl_usd"]) for part in parts), 6)


def test_the_same_sweep_again_leaves_the_same_bytes(swept):
    folder, _ = ranking(swept)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    asked = len(swept.server.requests)
    again = sweep(swept, *GRID, "--no-fetch")
    assert again.returncode == 0, again.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert len(swept.server.requests) == asked


def test_a_sweep_over_the_as_of_time_makes_what_each_point_needs(swept, tmp_path):
    """Points with probabilities of their own: two sets of files, one ranking; in an empty folder."""
    desk = Desk(tmp_path, swept.server)
    desk.config |= {"date_end_local": "2025-05-08"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(desk.config))
    done = sweep(desk, "--grid", "asof_policy.local_time=20:00,23:00", "--split", "2025-05-06", "--rank-by", "pnl")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 points over 2 sets of files" in done.stdout
    _, rows = ranking(desk)
    assert {row["asof_policy.local_time"] for row in rows} == {"20:00", "23:00"}
    assert len(list(tmp_path.glob("data/probabilities/*.parquet"))) == 2


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["--grid", "risk.min_ev=0.1,0.2"], 2, "Did you mean risk.min_ev_per_contract"),
        (["--grid", "risk.fixed_qty=0,1"], 2, "risk.fixed_qty"),
        (["--grid", "risk.fixed_qty=1,2", "--rank-by", "sharp"], 2, "Did you mean sharpe"),
        (["--grid", "risk.fixed_qty=1,2", "--split", "2026-01-01"], 2, "--split"),
        (["--grid", "risk.fixed_qty=1,2", "--no-fetch"], 3, "are missing"),
        ([], 2, "--grid"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_touched(tmp_path, flags, code, said):
    desk = Desk(tmp_path, None)
    done = sweep(desk, *flags)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} <= {"config.yaml"}


def test_help_says_what_is_read_and_written():
    done = subprocess.run(
        [sys.executable, "-m", "tradewinds.cli", "sweep", "--help"], capture_output=True, text=True, check=True
    )
    words = " ".join(re.sub(r"[│╭╮╰╯─]", " ", done.stdout).split())
    assert "ranking.csv" in words and "--grid" in words and "out of sample" in words
