"""A changed setting and an unchanged question need no Snakemake; anything else does, and both make the same files."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml

from tests.workflow.equities_desk import Shares, world
from tests.workflow.harness import PATIENCE_SECONDS, ROOT, wait_until

NO_RESULT_OF_THE_REPLAY = ("run_manifest.json", "run.log", ".snakemake_timestamp")


@pytest.fixture
def desk(shares_run, tmp_path):
    """A folder in which a run is finished."""
    return Shares.copy_of(shares_run, tmp_path / "desk")


def workflows(desk: Shares) -> int:
    """How often Snakemake has been started to make something: each time it writes a log."""
    return len(list((desk.folder / ".snakemake" / "log").iterdir()))


def change(desk: Shares, **risk: object) -> None:
    """Write the config with other limits."""
    config = {**desk.config, "risk": {**desk.config["risk"], **risk}}
    (desk.folder / "config.yaml").write_text(yaml.safe_dump(config))


def files_of(desk: Shares) -> dict[str, dict[str, bytes]]:
    """The files of each run by run id, without those that tell when it was made."""
    return {
        run.name: {
            str(path.relative_to(run)): path.read_bytes()
            for path in sorted(run.rglob("*"))
            if path.is_file() and path.name not in NO_RESULT_OF_THE_REPLAY and path.parent.name != "loaded"
        }
        for run in (desk.folder / "backtests").glob("*-*")
    }


def test_an_unchanged_question_starts_no_snakemake(desk):
    before = workflows(desk)
    again = desk("run", "--config", "config.yaml")
    assert again.returncode == 0 and "nothing to be done" in again.stdout
    assert workflows(desk) == before == 1


@pytest.mark.usefixtures("drawn_anew")
def test_a_changed_setting_makes_the_files_that_the_workflow_makes(desk, tmp_path):
    change(desk, start_balance=5000)
    quick = desk("run", "--config", "config.yaml")
    assert quick.returncode == 0, quick.stderr
    assert workflows(desk) == 1
    # the same config by the workflow alone, in a folder that knows nothing
    other = Shares(tmp_path / "other", world())
    change(other, start_balance=5000)
    slow = other.snakemake()
    assert slow.returncode == 0, slow.stderr
    (run_id,) = files_of(other)
    made = files_of(desk)[run_id]
    assert made == files_of(other)[run_id] and "plots/equity.png" in made and b"trade_id" in made["trades.csv"]
    # the workflow finds nothing to do about it, and the database and the log have the run
    told = desk.snakemake("-n")
    assert "Nothing to be done" in told.stdout + told.stderr
    assert run_id in desk("runs", "--config", "config.yaml", "--json").stdout
    log = (desk.folder / "backtests" / run_id / "run.log").read_text()
    assert "replayed in" in log and (desk.folder / "logs" / "report" / f"{run_id}.log").exists()
    manifests = [
        json.loads((each.folder / "backtests" / run_id / "run_manifest.json").read_text()) for each in (desk, other)
    ]
    assert manifests[0]["inputs"] == manifests[1]["inputs"] and manifests[0].keys() == manifests[1].keys()


def test_a_changed_file_asks_snakemake(desk):
    desk.write({"FALL": world()["FALL"]})
    done = desk("run", "--config", "config.yaml")
    assert done.returncode in (0, 3) and workflows(desk) == 2  # RISE has no bars any more, or the run was made again


@pytest.mark.usefixtures("drawn_anew")
@pytest.mark.parametrize("lost", ["report.html", "metrics.json"])
def test_a_lost_result_is_made_again(desk, lost):
    ((run_id, before),) = files_of(desk).items()
    path = desk.folder / "backtests" / run_id / lost
    path.rename(desk.folder / "lost")
    done = desk("run", "--config", "config.yaml")
    assert done.returncode == 0 and "nothing to be done" not in done.stdout
    assert files_of(desk)[run_id] == before


def test_results_of_another_code_are_made_again_by_the_workflow(desk):
    """Snakemake has no record of results that it did not make; the product keeps one."""
    change(desk, start_balance=5000)
    assert desk("run", "--config", "config.yaml").returncode == 0
    (place,) = [
        path
        for path in (desk.folder / "data" / ".verdicts").glob("run-*.json")
        if json.loads(path.read_text())["made_here"]
    ]
    known = json.loads(place.read_text())
    known["made_here"]["simulate"][1] = "0" * 16
    place.write_text(json.dumps(known))
    told = desk.snakemake("-n")
    assert "rule simulate" in told.stdout and "rule load" in told.stdout
    assert desk.snakemake().returncode == 0
    told = desk.snakemake("-n")
    assert "Nothing to be done" in told.stdout + told.stderr


def test_a_run_that_its_database_would_refuse_is_refused_first(desk):
    """The database is no database: that is said before the replay; with it back the same command goes on."""
    change(desk, start_balance=5000)
    database = desk.folder / "backtests" / "tradewinds.db"
    kept = database.read_bytes()
    database.write_bytes(b"this is no database " * 100)
    done = desk("run", "--config", "config.yaml")
    assert done.returncode == 6 and "database" in done.stderr and "Traceback" not in done.stderr
    assert workflows(desk) == 1
    database.write_bytes(kept)
    done = desk("run", "--config", "config.yaml")
    assert done.returncode == 0, done.stderr
    assert {len(found) for found in files_of(desk).values()} == {len(next(iter(files_of(desk).values())))}


SLEEPER = """
import os, sys, time
from pathlib import Path
from tradewinds.pipeline import jobs, runner
from tradewinds.pipeline.direct import stop_with

def forever():
    Path("pid").write_text(str(os.getpid()))
    while True:
        time.sleep(1)

def work():
    stop_with(parent)
    jobs.run_job(forever, rule="simulate", log="logs/simulate.log")

parent = os.getpid()
jobs.signals.interrupt_on_stop_signals()
Path("data").mkdir()
open(jobs.JOBS_LOCK, "w").close()
log, messages = Path("logs/run.log"), Path("messages")
runner.attend(runner.fork(work, log, messages), log, lambda: None, messages)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_ends_its_process(tmp_path, number):
    (tmp_path / "messages").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    run = subprocess.Popen(
        [sys.executable, "-c", SLEEPER], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    )
    pid = tmp_path / "pid"
    wait_until(lambda: run.poll() is not None or (pid.exists() and pid.read_text()))
    worker = psutil.Process(int(pid.read_text()))
    run.send_signal(number)
    _, said = run.communicate(timeout=PATIENCE_SECONDS)
    psutil.wait_procs([worker], timeout=PATIENCE_SECONDS)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    if number != signal.SIGKILL:
        assert said.strip().endswith("KeyboardInterrupt")


def test_a_dry_run_knows_nothing_and_leaves_nothing(tmp_path):
    desk = Shares(tmp_path / "desk", world())
    assert desk("run", "--config", "config.yaml", "--dry-run").returncode == 0
    assert not Path(desk.folder, "data").exists()
