"""`tradewinds walk-forward` and `sweep --perturb` as a user runs them: fetched once, written whole, refused in plain words."""

import csv
import json
import os
import re
import signal
import subprocess
import sys

import pytest
import yaml

from tests import warm
from tests.unit.walk_forward_worlds import share_world
from tests.workflow.equities_desk import Shares
from tests.workflow.harness import ROOT, Desk, fetched_by
from tradewinds.archive.server import running_server

FILES = ["equity.csv", "folds.csv", "plots", "walk_forward.json", "walk_forward.md"]
GRID = ("--grid", "risk.max_positions=1,3", "--grid", "strategy.parameters.fall_pct=2,4")
ASKED = ("walk-forward", "--config", "config.yaml", "--train", "30", "--test", "10", *GRID)


def shares(folder, **changes):
    dates = {"date_start_local": "2024-02-05", "date_end_local": "2024-06-28"}
    world = share_world(3)
    rest = {"universe": sorted(world), "calendar": "XNYS", "risk": {"currency": "USD"}, "on_missing": {"bars": "skip"}}
    return Shares(folder, world, **{**rest, **dates, **changes})


def made(folder):
    [found] = (folder / "backtests/walk-forward").iterdir()
    return found


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    desk = shares(tmp_path_factory.mktemp("walked"))
    desk.done = desk(*ASKED)
    assert desk.done.returncode == 0, desk.done.stdout + desk.done.stderr
    return desk


def test_the_folder_has_the_folds_and_the_chained_equity(walked):
    folder = made(walked.folder)
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert sorted(path.name for path in (folder / "plots").iterdir()) == ["equity.png", "equity.svg"]
    said = json.loads((folder / "walk_forward.json").read_text())
    assert said["id"] == folder.name and (said["train_days"], said["test_days"], said["points"]) == (30, 10, 4)
    with open(folder / "folds.csv", newline="", encoding="utf-8") as handle:
        folds = list(csv.DictReader(handle))
    with open(folder / "equity.csv", newline="", encoding="utf-8") as handle:
        equity = list(csv.DictReader(handle))
    total = sum(round(float(fold["test_pnl_usd"]) * 10**6) for fold in folds)
    first, last = (round(float(equity[at]["equity_usd"]) * 10**6) for at in (0, -1))
    assert last - first == total == round(said["out_of_sample"]["pnl_usd"] * 10**6) != 0
    assert [fold["fold"] for fold in folds] == [str(n) for n in range(1, len(folds) + 1)]
    assert said["verdict"] in " ".join(walked.done.stdout.split()) and said["verdict"] in (
        folder / "walk_forward.md"
    ).read_text().replace("\\", "")


def test_a_folds_test_is_the_run_of_its_config(walked, tmp_path):
    """Same id and the same P&L as `tradewinds run` of a config with the pick's settings and the dates of the test."""
    with open(made(walked.folder) / "folds.csv", newline="", encoding="utf-8") as handle:
        fold = max(csv.DictReader(handle), key=lambda row: int(row["test_num_trades"]))
    dates = {"date_start_local": fold["test_first"], "date_end_local": fold["test_last"]}
    picked = {
        "risk": {"currency": "USD", "max_positions": int(fold["risk.max_positions"])},
        "strategy": {
            "name": "Mean Reversion",
            "parameters": {"fall_pct": float(fold["strategy.parameters.fall_pct"])},
        },
    }
    desk = shares(tmp_path, **dates, **picked)
    done = desk("run", "--config", "config.yaml")
    assert done.returncode == 0, done.stderr
    metrics = json.loads(desk.read("metrics.json"))
    assert metrics["run_id"] == fold["run_id"]
    assert (metrics["total_pnl_usd"], metrics["num_trades"]) == (
        float(fold["test_pnl_usd"]),
        int(fold["test_num_trades"]),
    )
    assert metrics["num_trades"] > 0


def test_the_same_command_again_does_nothing_until_its_data_changes(walked):
    folder = made(walked.folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = walked(*ASKED, "--no-fetch")
    assert again.returncode == 0 and "nothing to do" in again.stdout, again.stderr
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    as_json = walked(*ASKED, "--json")
    assert json.loads(as_json.stdout) == json.loads((folder / "walk_forward.json").read_text())
    assert "nothing to do" in as_json.stderr
    bars = walked.folder / "bars.csv"
    bars.write_text(bars.read_text())
    texts = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    changed = walked(*ASKED)
    assert changed.returncode == 0 and "nothing to do" not in changed.stdout, changed.stderr
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == texts
    assert (folder / "walk_forward.json").stat().st_mtime_ns > before[folder / "walk_forward.json"]


def test_other_lengths_another_metric_and_another_grid_are_other_walks(tmp_path):
    desk = shares(tmp_path)
    asked = [
        "walk-forward",
        "--config",
        "config.yaml",
        "--train",
        "30",
        "--test",
        "20",
        "--grid",
        "risk.max_positions=1,3",
    ]
    for more in ([], ["--anchored"], ["--metric", "pnl"]):
        done = desk(*asked, *more)
        assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "backtests/walk-forward").iterdir())) == 3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"--metric": "sharp"},
            "--metric: unknown metric 'sharp'. Known: sharpe, sortino, pnl, drawdown. Did you mean sharpe?",
        ),
        ({"--train": "140"}, "140 training and 10 test days are 150, and 2024-02-05 to 2024-06-28 has only 145 dates"),
        ({"--train": "0"}, "--train"),
        ({"--grid": "risk.max_position=1,3"}, "Did you mean risk.max_positions"),
        ({"--grid": "risk.max_positions=0,3"}, "risk.max_positions"),
        ({"--grid": "date_start_local=2024-02-06"}, "this key is not swept"),
        ({"--grid": "risk.max_positions"}, "is no KEY=VALUES"),
        ({"--config": "absent.yaml"}, "absent.yaml"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_touched(tmp_path, changes, said):
    desk = shares(tmp_path)
    options = {
        "--config": "config.yaml",
        "--train": "30",
        "--test": "10",
        "--grid": "risk.max_positions=1,3",
        **changes,
    }
    done = desk("walk-forward", *(part for option in options.items() for part in option))
    assert (done.returncode, said in " ".join(done.stderr.split())) == (2, True), done.stderr
    assert "Traceback" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"config.yaml", "bars.csv"}


def test_a_range_whose_data_is_too_short_is_exit_2_and_writes_no_folder(tmp_path):
    """145 dates, of which some 100 are trading days: that shows in the data alone."""
    desk = shares(tmp_path)
    done = desk(*ASKED[:3], "--train", "100", "--test", "20", *GRID)
    assert done.returncode == 2 and "there is data for" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "backtests/walk-forward").exists()


def test_an_interrupt_leaves_nothing_half_written(tmp_path):
    """Stopped among the replays: exit 130 and no folder."""
    shares(tmp_path)
    grid = ("--grid", "strategy.parameters.fall_pct=1:6:0.05", "--grid", "risk.max_positions=1,2,3,4,5,6")
    command = [sys.executable, "-m", "tradewinds.cli", *ASKED[:7], *grid]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200", "NO_COLOR": "1"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert any(" folds." in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    folder = tmp_path / "backtests/walk-forward"
    assert "interrupted" in stderr and "Traceback" not in stderr and not (folder.exists() and list(folder.iterdir()))


def test_a_walk_of_events_fetches_its_data_once(chicago_archive, finished, tmp_path):
    """All but the last days are there already."""
    fetched_by(finished, tmp_path)
    with running_server(chicago_archive) as running:
        desk = Desk(tmp_path, running)
        last = [path for path in desk.candle_files() if path.stem > "2025-05-25"]
        for path in last:
            path.unlink()
        asked = ("walk-forward", "--config", "config.yaml", "--train", "12", "--test", "6", "--metric", "pnl")
        grid = ("--grid", "risk.min_ev_per_contract=0.05,0.15", "--grid", "risk.max_contracts_per_market=2,5")

        def walk(*more):
            command = desk.command(*asked, *grid, *more)
            return warm.run(command, cwd=tmp_path, env=desk.environment(), capture_output=True, text=True, check=False)

        missing = walk("--no-fetch")
        assert missing.returncode == 3 and "are missing" in missing.stderr
        done = walk()
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(last) == 5 and all(path.exists() for path in last) and running.requests
        said = json.loads((made(tmp_path) / "walk_forward.json").read_text())
        # 29 climate days, of which 12 and then two tests of 6 make folds
        assert (len(said["folds"]), said["unused_days"], said["points"]) == (2, 5, 4)
        assert [fold["train_first"] for fold in said["folds"]] == ["2025-05-02", "2025-05-08"]
        assert said["folds"][0]["test_first"] == "2025-05-14" and said["out_of_sample"]["num_trades"] > 0
        asked_for = len(running.requests)
        again = walk("--anchored")
        assert again.returncode == 0 and len(running.requests) == asked_for, again.stderr


def test_a_perturbed_sweep_has_its_table_in_its_folder_and_on_the_screen(tmp_path):
    desk = shares(tmp_path)
    done = desk("sweep", "--config", "config.yaml", "--perturb", "--rank-by", "pnl")
    assert done.returncode == 0, done.stdout + done.stderr
    [folder] = (tmp_path / "backtests/sweeps").iterdir()
    names = {path.name for path in folder.iterdir()}
    curve = {"best_equity.csv", "best_equity.svg"}
    assert names - curve == {
        *("ranking.csv", "failed.csv", "best.yaml", "sweep.json", "perturbation.csv", "perturbation.md"),
    }
    assert curve <= names
    said = json.loads((folder / "sweep.json").read_text())["perturbation"]
    keys = {key["key"]: key for key in said["keys"]}
    assert "costs.slippage_pct" in keys and "strategy.parameters.fall_pct" in keys
    assert [point["value"] for point in keys["costs.slippage_pct"]["points"]] == [0.08, 0.09, 0.11, 0.12]
    assert "worst change" in " ".join(done.stdout.split()) and "slippage_pct" in done.stdout
    assert "left out  seed" in done.stdout
    # in jobs of a profile: the same table, and one workflow for all keys that read the same files
    table = (folder / "perturbation.csv").read_bytes()
    inside = desk("sweep", "--config", "config.yaml", "--perturb", "--rank-by", "pnl", "--profile", "default")
    assert inside.returncode == 0, inside.stdout + inside.stderr
    assert (folder / "perturbation.csv").read_bytes() == table
    started = re.findall(r"([\d,]+) points in [\d,]+ job", inside.stdout)
    assert len(started) < len(keys) and max(map(int, started)) > 4 * 4
    gridded = desk("sweep", "--config", "config.yaml", "--perturb", "--grid", "risk.max_positions=1,3")
    assert gridded.returncode == 0, gridded.stderr
    folders = set((tmp_path / "backtests/sweeps").iterdir()) - {folder}
    best = yaml.safe_load((folders.pop() / "best.yaml").read_text())
    assert f"risk.max_positions={best['risk']['max_positions']}" in gridded.stdout
