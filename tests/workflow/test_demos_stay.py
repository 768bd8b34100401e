"""The demos give the bytes that were recorded, and a folder that an earlier version filled is fetched into no more.

What is rebuilt inside the package must show in neither. After a change that is meant to change results, record anew.
"""

import hashlib
import json
import os
import re
import shutil
import sys

import pytest
import yaml

from tests import warm
from tests.workflow.harness import PATIENCE_SECONDS, ROOT
from tradewinds.config import markets
from tradewinds.results.run_files import EVERY_RUN

# SHA-256 of trades.csv; the run id is the name of its folder
RECORDED = {
    "demo": (
        "afc96557-5306-5ced-ac43-07285762d918",
        "ed1e970191977fc3ca52c428224e22eef944c408a076db1bc90715caa9c8fa87",
    ),
    "equities_demo": (
        "69acff67-09f3-5576-8b40-8032db902149",
        "25df9fb3d16bd7301744cc3b967e3bac3cdb16ad46b03d4df527d63e58eaee68",
    ),
}
FETCH_RULES = ("sync_catalog", "fetch_candles", "fetch_guidance", "fetch_climate", "fetch_observations", "fetch_bars")


def call(folder, *command):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200", "NO_COLOR": "1"}
    done = warm.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def digest(folder, name):
    run_id, _ = RECORDED[name]
    return hashlib.sha256((folder / "backtests" / run_id / "trades.csv").read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def demo(demo_run, tmp_path_factory):
    """A copy of the folder that `make demo` fills."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    shutil.copytree(demo_run / "demo", folder)
    return folder


def listed(family):
    """What the one list of a run's files has for a family; `loaded` holds the receipts of databases."""
    return {file.name for file in (*EVERY_RUN, *markets.family_of(family).run_files)} | {"loaded"}


def test_the_demo_gives_the_recorded_trades(demo):
    assert digest(demo, "demo") == RECORDED["demo"][1]
    assert {path.name for path in (demo / "backtests" / RECORDED["demo"][0]).iterdir()} == listed("kalshi_weather")


def test_the_shares_demo_gives_the_recorded_trades(tmp_path):
    config = ROOT / "config" / "equities_demo.yaml"
    call(tmp_path, sys.executable, "-m", "tradewinds.cli", "run", "--config", str(config))
    assert digest(tmp_path, "equities_demo") == RECORDED["equities_demo"][1]
    folder = tmp_path / "backtests" / RECORDED["equities_demo"][0]
    assert {path.name for path in folder.iterdir()} == listed("equities_daily")


def test_other_code_replays_the_demo_and_fetches_nothing(demo):
    """The folder was filled by a version whose code digests were others, and no service can be reached."""
    for record in (demo / ".snakemake" / "metadata").iterdir():
        told = json.loads(record.read_text())
        told["params"] = [re.sub("[0-9a-f]{16}", "0" * 16, text) for text in told["params"]]
        record.write_text(json.dumps(told))
    shutil.rmtree(demo / "data" / ".verdicts")  # what today's version found out, which an earlier one does not leave
    config = yaml.safe_load((demo / "config.yaml").read_text())
    for section in ("kalshi", "iem"):
        config[section]["base_url"] = "http://127.0.0.1:9"
    (demo / "closed.yaml").write_text(yaml.safe_dump(config))
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2", "-n"]
    planned = call(demo, *snakemake, "--configfile", "closed.yaml")
    assert "simulate" in planned
    assert not [rule for rule in FETCH_RULES if rule in planned]
    trades = demo / "backtests" / RECORDED["demo"][0] / "trades.csv"
    before = trades.stat().st_mtime_ns
    call(demo, sys.executable, "-m", "tradewinds.cli", "run", "--config", "closed.yaml")
    assert trades.stat().st_mtime_ns > before
    assert digest(demo, "demo") == RECORDED["demo"][1]
