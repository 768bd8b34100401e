"""run_manifest.json: what a run was made from, and the state of the checkout that made it."""

import datetime as dt
import importlib.metadata
import json
import os
import platform
import re
import shlex
import shutil
import subprocess

import pytest

from tests.unit.results_parts import at, conf
from tradewinds import __version__
from tradewinds.config import resolve
from tradewinds.pipeline.simulate import about_run
from tradewinds.results import manifest

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # SHA-256 of "abc", FIPS 180-2
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def manifest_of(folder, how, inputs=(), watermark=None):
    manifest.write_manifest(folder, resolve.run_id(how), how, about_run(how), manifest.evidence_of(inputs), watermark)
    return json.loads((folder / "run_manifest.json").read_text(encoding="utf-8"))


@pytest.fixture
def inputs(tmp_path):
    for name, content in (("b.parquet", b"abc"), ("a.parquet", b"")):
        (tmp_path / name).write_bytes(content)
    return [str(tmp_path / name) for name in ("b.parquet", "a.parquet", "b.parquet")]


def test_every_field(tmp_path, inputs):
    how = conf(seed=7, fees={"rounding": "exchange"}, risk={"max_contracts_per_event": 20})
    found = manifest_of(tmp_path / "run", how, inputs, at("05-02 03:04"))
    created = dt.datetime.strptime(found.pop("created_at_utc"), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
    assert dt.timedelta(0) <= dt.datetime.now(dt.UTC) - created < dt.timedelta(minutes=1)
    assert re.fullmatch("[0-9a-f]{40}(-dirty)?|None", str(found.pop("git_sha")))
    packages = found.pop("packages")
    assert packages.pop("python") == platform.python_version()
    assert {"duckdb", "numpy", "pyarrow", "snakemake", "sqlalchemy"} <= set(packages)
    assert packages == {name: importlib.metadata.version(name) for name in packages}
    asked = found.pop("config")
    assert found == {
        "run_id": resolve.run_id(how),
        "tradewinds_version": __version__,
        "seed": 7,
        "fees": {"rounding": "exchange"},
        "series": ["KXHIGHMIA", "KXHIGHCHI"],
        "strategy_version": __version__,
        "data_watermark_utc": "2025-05-02T03:04:00Z",
        "inputs": {inputs[1]: NOTHING, inputs[0]: ABC},
        "reproduce": f"tradewinds run --config {tmp_path}/run/config_resolved.yaml",
    }
    assert list(found["inputs"]) == sorted(found["inputs"])
    assert (asked["date_start_local"], asked["risk"]["max_contracts_per_event"]) == ("2025-05-01", 20)
    again = resolve.resolve(asked | {"output_dir": "elsewhere"})
    assert resolve.run_id(again) == resolve.run_id(how)


def test_where_it_ran_and_whom_it_asked_is_not_in_it(tmp_path):
    secret = {"url": "mysql+pymysql://me:s3cret@db/tradewinds"}
    found = manifest_of(tmp_path, conf(database=secret, kalshi={"base_url": "http://127.0.0.1:4711"}))
    assert found["config"].keys().isdisjoint({"database", "output_dir", "kalshi", "iem", "fetch"})
    text = (tmp_path / "run_manifest.json").read_text()
    assert "s3cret" not in text and "4711" not in text
    assert (found["data_watermark_utc"], found["inputs"]) == (None, {})


def test_only_the_time_of_its_making_differs(tmp_path, inputs):
    texts = [
        json.dumps(manifest_of(tmp_path, conf(), order) | {"created_at_utc": ""}) for order in (inputs, inputs[::-1])
    ]
    assert texts[0] == texts[1]
    assert ABC in texts[0]


def test_the_command_survives_a_shell(tmp_path):
    command = manifest_of(tmp_path / "my results", conf())["reproduce"]
    assert shlex.split(command) == ["tradewinds", "run", "--config", f"{tmp_path}/my results/config_resolved.yaml"]


def test_an_input_that_is_gone_is_an_error_and_no_manifest(tmp_path):
    with pytest.raises(FileNotFoundError):
        manifest_of(tmp_path, conf(), [str(tmp_path / "gone.parquet")])
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository of its own with manifest.py in a folder of it, and `git` in it; the code under test looks from there."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    folder = tmp_path / "src"
    folder.mkdir()
    (tmp_path / "other.txt").write_text("one\n")
    shutil.copy(manifest.__file__, folder / "manifest.py")
    monkeypatch.setattr(manifest, "__file__", str(folder / "manifest.py"))

    def git(*arguments):
        me = ("-c", "user.name=me", "-c", "user.email=me@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *me, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return git


def test_the_commit_and_whether_files_differ_from_it(checkout, tmp_path):
    assert manifest.git_sha() is None  # no repository
    checkout("init", "--quiet")
    assert manifest.git_sha() is None  # no commit
    checkout("add", "other.txt")
    checkout("commit", "--quiet", "--message", "one")
    assert manifest.git_sha() is None  # somebody else's repository: this code is not in it
    checkout("add", ".")
    checkout("commit", "--quiet", "--message", "two")
    sha = checkout("rev-parse", "HEAD")
    assert len(sha) == 40 and manifest.git_sha() == sha
    (tmp_path / "new.txt").write_text("data and notes lie about in every checkout\n")
    assert manifest.git_sha() == sha
    (tmp_path / "other.txt").write_text("two\n")
    assert manifest.git_sha() == f"{sha}-dirty"
    checkout("add", "other.txt")
    assert manifest.git_sha() == f"{sha}-dirty"  # staged is not committed
    checkout("commit", "--quiet", "--message", "three")
    assert manifest.git_sha() == checkout("rev-parse", "HEAD") != sha


def test_a_machine_without_git_has_no_commit(checkout, tmp_path, monkeypatch):
    checkout("init", "--quiet")
    checkout("add", ".")
    checkout("commit", "--quiet", "--message", "one")
    assert manifest.git_sha() is not None
    monkeypatch.setenv("PATH", str(tmp_path / "src"))
    assert manifest.git_sha() is None
