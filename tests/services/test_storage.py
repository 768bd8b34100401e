"""Data and results in an S3 bucket: a server on loopback, the workflow, and the profiles that have no other test."""

import json
import logging
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import boto3
import jsonschema
import pytest
import yaml
from moto.server import ThreadedMotoServer
from snakemake.cli import get_argument_parser

from tests import warm
from tests.services.small_world import RESULTS, SERIES, Remote, here, server  # noqa: F401
from tests.workflow.equities_desk import Shares, world
from tests.workflow.harness import PATIENCE_SECONDS, ROOT

BUCKET = "tradewinds"
KEYS = {"SNAKEMAKE_STORAGE_S3_ACCESS_KEY": "somebody", "SNAKEMAKE_STORAGE_S3_SECRET_KEY": "secret"}


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The URL of an S3 server with nothing in it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        running.stop()


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--configfile", "config.yaml"]
    return warm.run(
        [*command, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **KEYS},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def in_bucket(s3: str) -> list[str]:
    prefix = ["--default-storage-provider", "s3", "--default-storage-prefix", f"s3://{BUCKET}"]
    return [*prefix, "--storage-s3-endpoint-url", s3, "--cores", "4"]


def stored(s3: str, run_folder: Path, name: str) -> bytes:
    """A file of a run, from the bucket."""
    keys = {"aws_access_key_id": "somebody", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=s3, **keys)
    return client.get_object(Bucket=BUCKET, Key=f"backtests/{run_folder.name}/{name}")["Body"].read()


def test_a_run_in_a_bucket_makes_the_same_bytes_and_another_machine_fetches_nothing(here, server, s3, tmp_path):  # noqa: F811
    asked = len(server.requests)
    url = {"url": f"sqlite:///{tmp_path}/runs.db"}
    first, second = (Remote(tmp_path / name, server, "default", {}, {}, database=url) for name in ("one", "two"))
    done = snakemake(first.folder, *in_bucket(s3))
    assert done.returncode == 0, done.stderr
    assert len(server.requests) - asked == here.asked
    assert not list(first.folder.glob("data/*/**/*.parquet")) and not (first.folder / "backtests").exists()

    again = snakemake(second.folder, *in_bucket(s3))
    assert again.returncode == 0 and "Nothing to be done" in again.stderr, again.stderr
    assert len(server.requests) - asked == here.asked

    folder = here.run_folder()
    assert {name: stored(s3, folder, name) for name in RESULTS} == here.results()
    texts = stored(s3, folder, "run_manifest.json"), (folder / "run_manifest.json").read_text()
    manifests = [json.loads(text) for text in texts]
    assert list(manifests[0]["inputs"]) == list(manifests[1]["inputs"]), "by the plan's paths, wherever copies lie"

    catalog = f"{BUCKET}/data/catalog/kalshi/{SERIES}.parquet"
    forced = snakemake(second.folder, *in_bucket(s3), "--forcerun", "sync_catalog", "--until", "sync_catalog")
    assert forced.returncode == 0 and f"Storing in storage: s3://{catalog}" in forced.stderr, forced.stderr


UNIVERSE = "symbol,active_from,active_to\nFALL,2024-01-01,\nRISE,2024-01-01,\n"


def test_shares_in_a_bucket_with_the_users_own_files_here(s3, tmp_path):
    more = {"universe": {"file": "universe.csv"}, "database": {"url": f"sqlite:///{tmp_path}/runs.db"}}
    alone, first, second = (Shares(tmp_path / name, world(), **more) for name in ("alone", "one", "two"))
    for desk in (alone, first, second):
        (desk.folder / "universe.csv").write_text(UNIVERSE)
    assert alone("run", "--config", "config.yaml").returncode == 0
    done = snakemake(first.folder, *in_bucket(s3))
    assert done.returncode == 0, done.stderr
    [folder] = alone.folder.glob("backtests/*-*")
    for name in ("trades.csv", "metrics.json", "equity.csv", "positions_closed.csv"):
        assert stored(s3, folder, name) == (folder / name).read_bytes(), name
    for path in second.folder.glob("*.csv"):
        os.utime(path, (0, 0))  # copied with its time
    again = snakemake(second.folder, *in_bucket(s3))
    assert again.returncode == 0 and "Nothing to be done" in again.stderr, again.stderr
    os.utime(second.folder / "bars.csv")
    anew = snakemake(second.folder, *in_bucket(s3), "--until", "import_bars")
    assert anew.returncode == 0 and "(Rule: import_bars)" in anew.stderr, anew.stderr


def test_invented_shares_in_a_bucket(s3, tmp_path):
    desk = Shares(tmp_path, {}, bars={"source": "synthetic"})
    made = snakemake(desk.folder, *in_bucket(s3), "--until", "panel")
    assert made.returncode == 0 and f"Storing in storage: s3://{BUCKET}/data/panels/" in made.stderr, made.stderr


# What is not run here


@pytest.mark.parametrize("name", ["kubernetes", "generic", "slurm"])
def test_profiles_are_understood_and_plan_the_whole_run(s3, tmp_path, name):
    desk = Remote(tmp_path, None, name, {}, {})
    empty = ("--storage-s3-endpoint-url", s3, "--default-storage-prefix", "s3://nothing-yet")
    profile = ("--workflow-profile", "profile")
    plan = snakemake(desk.folder, *profile, "--dry-run", *(empty if name == "kubernetes" else ()))
    assert plan.returncode == 0, plan.stderr
    for rule, count in {"fetch_candles": 4, "fetch_guidance": 8, "forecast": 2, "simulate": 1, "load": 1}.items():
        assert any(line.split() == [rule, str(count)] for line in plan.stdout.splitlines()), plan.stdout


def test_a_run_that_watches_its_files_refuses_a_bucket(tmp_path):
    done = Remote(tmp_path, None, "kubernetes", {}, {}).run()
    assert done.returncode == 2 and "in a bucket" in done.stderr and "--workflow-profile" in done.stderr
    assert not (tmp_path / ".snakemake").exists()


def test_the_image_has_all_that_is_installed_and_names_no_registry():
    lines = (ROOT / "Containerfile").read_text().splitlines()
    [base] = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert base == "python:3.11-slim"
    copied = {name for line in lines if line.startswith("COPY ") for name in line.split()[1:-1]}
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    installed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {*installed, *project["project"]["license-files"], "requirements.lock", "pyproject.toml", "src"} <= copied
    environments = [yaml.safe_load(path.read_text()) for path in ROOT.glob("envs/*.yaml")]
    pythons = {line for one in environments for line in one["dependencies"] if line.startswith("python=")}
    assert pythons == {f"python={base.split(':')[1].removesuffix('-slim')}"}
    assert f"--python-version {base.split(':')[1].removesuffix('-slim')} " in (ROOT / "Makefile").read_text()


def test_profiles_hold_options_that_exist_and_what_the_default_says():
    options = {name for action in get_argument_parser()._actions for name in action.option_strings}
    named = {name.removeprefix("--"): {} for name in options if name.startswith("--")}
    schema = {"type": "object", "properties": named, "additionalProperties": False}
    profiles = {path.parent.name: yaml.safe_load(path.read_text()) for path in ROOT.glob("profiles/*/config.yaml")}
    assert {"default", "slurm", "kubernetes", "generic"} <= profiles.keys()
    for name, profile in profiles.items():
        jsonschema.validate(profile, schema)
        shared = {key: value for key, value in profiles["default"].items() if key != "cores"}
        assert shared.items() <= profile.items(), name
    for name in ("kubernetes", "generic"):
        assert "NOT RUN" in (ROOT / "profiles" / name / "config.yaml").read_text()
