"""The wheel alone: its tag is true, and in an empty folder every Python makes the same bytes of it.

Each Python from 3.11 to 3.13 that is on this machine gets an environment of its own with the locked versions. Where one is
missing its tests are skipped: install it beside the others (pyenv, a container `python:3.13`), or see the workflow
in .github, which runs these tests under each.
"""

import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.workflow.harness import PATIENCE_SECONDS, ROOT
from tests.workflow.made_once import made_once

PYTHONS = ("3.11", "3.12", "3.13")
BYTES = ("trades.csv", "metrics.json")
TWO_DAYS = {"date_start_local": "2025-03-04", "date_end_local": "2025-03-05"}

SHORT = {
    "kalshi_weather": TWO_DAYS,
    "equities_daily": {"universe": ["ALPHA", "BRAVO", "CEDAR"], "date_start_local": "2022-01-01"},
    "equities_intraday": {"symbols": ["QQQ"], "date_end_local": "2025-01-10"},
    "funding_carry": {"date_end_local": "2024-02-29"},
}
# Another account on the data of a finished run: the replay alone, in the process that asks.
ANOTHER_ACCOUNT = {
    market: {**changes, "risk": {"start_balance": 54_321}}
    for market, changes in SHORT.items()
    if market != "kalshi_weather"
}

# Runs from Python, each in its folder, on data that is made or there.
RUNS = """
import json, os, pathlib, tradewinds as tw
folders, top = {}, pathlib.Path.cwd()
for market, changes in json.loads(os.environ["RUNS"]).items():
    os.chdir(top / market)
    run = tw.run(tw.Config.load("config.yaml").with_(changes), report=False)
    folders[market] = str(pathlib.Path(run.folder).resolve())
print(json.dumps(folders))
"""


def interpreter(version):
    """The interpreter of a Python version on this machine, on the PATH or among pyenv's; None without one."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    named = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python{version}"))]
    for path in filter(None, named):
        asked = [str(path), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() == version:
            return str(path)
    return None


def call(command, folder, **environment):
    alone = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**alone, "COLUMNS": "200", "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    def make(folder):
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        shown = call([str(ROOT / "scripts/wheel.sh"), str(folder)], folder, PATH=path)
        (folder / "shown.txt").write_text(shown, encoding="utf-8")

    return made_once(tmp_path_factory, "wheel", make)


def test_one_wheel_serves_every_python_and_its_platform_is_true(wheel):
    [path] = wheel.glob("*.whl")
    assert re.search(r"-py3-none-manylinux2014_(\w+)\.manylinux_2_17_\1\.whl$", path.name), path.name
    shown = " ".join((wheel / "shown.txt").read_text().split())
    assert 'is consistent with the following platform tag: "manylinux_2_17_' in shown, shown
    with zipfile.ZipFile(path) as files:
        libraries = [name for name in files.namelist() if name.endswith(".so")]
        assert len(libraries) >= 3
        for name in libraries:
            assert b"PyInit_" not in files.read(name) and b"libpython" not in files.read(name), name


def installed(python, wheel, folder):
    """Install the wheel with the locked versions under a Python; the folder of its programs.

    Args:
        python: the interpreter.
        wheel: folder with the wheel.
        folder: where the environment is put.
    """
    uv, programs = [sys.executable, "-m", "uv"], folder / "env" / "bin"
    certificates = {"UV_SYSTEM_CERTS": os.environ.get("UV_SYSTEM_CERTS", "1")}
    call([*uv, "venv", "--quiet", "--python", python, str(folder / "env")], folder, **certificates)
    [path] = wheel.glob("*.whl")
    install = [*uv, "pip", "install", "--quiet", "--python", str(programs / "python")]
    call([*install, "--constraint", str(ROOT / "requirements.lock"), str(path)], folder, **certificates)
    [package] = (folder / "env" / "lib").glob("python*/site-packages/tradewinds")
    call([str(programs / "python"), "-m", "compileall", "-q", str(package)], folder)  # as pip does with all it installs
    if sys.version_info[:2] == tuple(map(int, package.parents[1].name.removeprefix("python").split("."))):
        copy_compiled(Path(sysconfig.get_path("purelib")), package.parent)
    return programs


def copy_compiled(source, target):
    """Copy the compiled modules of one folder of packages to another: a third of the runs' time goes into compiling them.

    None of the project is copied. The interpreter takes a compiled module only if time and size of its source are those that it
    was made of.
    """
    for folder in source.rglob("__pycache__"):
        place = folder.relative_to(source)
        if place.parts[0] != "tradewinds" and (target / place).parent.is_dir():
            shutil.copytree(folder, target / place, dirs_exist_ok=True)


def results(programs, desk, runs):
    """SHA-256 of the results of runs, made in a folder that has nothing but perhaps the data of another Python.

    Args:
        programs: folder of the programs of an environment with the wheel.
        desk: the working folder.
        runs: by market, what differs from the config of `tradewinds init`.
    """
    clean = {"PATH": f"{programs}:/usr/bin:/bin"}
    for market in runs:
        if not (desk / market / "config.yaml").exists():
            call([str(programs / "tradewinds"), "init", "--market", market, market], desk, **clean)
    folders = json.loads(
        call([str(programs / "python"), "-c", RUNS], desk, RUNS=json.dumps(runs), **clean).splitlines()[-1]
    )
    return {
        f"{market}/{name}": hashlib.sha256((Path(run) / name).read_bytes()).hexdigest()
        for market, run in folders.items()
        for name in BYTES
    }


@pytest.fixture(scope="module")
def native(wheel, tmp_path_factory):
    """A newcomer's folder, and the results, of the wheel under the Python that runs the tests."""

    def make(folder):
        programs, desk = installed(sys.executable, wheel, folder), folder / "desk"
        desk.mkdir()
        clean = {"PATH": f"{programs}:/usr/bin:/bin"}
        call([str(programs / "tradewinds"), "init", "kalshi_weather"], desk, **clean)
        config = desk / "kalshi_weather" / "config.yaml"
        text = config.read_text(encoding="utf-8")
        for key, value in TWO_DAYS.items():
            text, count = re.subn(rf"^{key}: \S+", f"{key}: {value}", text, flags=re.MULTILINE)
            assert count == 1, key
        config.write_text(text, encoding="utf-8")
        said = call([str(programs / "tradewinds"), "run", "--archive", "synthetic"], config.parent, **clean)
        (folder / "said.txt").write_text(said, encoding="utf-8")
        made = results(programs, desk, SHORT)
        shutil.copytree(desk, folder / "another")  # in the desk that others copy there is no such run
        made["another account"] = results(programs, folder / "another", ANOTHER_ACCOUNT)
        (folder / "results.json").write_text(json.dumps(made), encoding="utf-8")

    return made_once(tmp_path_factory, "wheel_native", make)


@pytest.mark.slow
def test_the_wheel_alone_makes_a_result_in_an_empty_folder(native):
    [run] = (native / "desk/kalshi_weather/backtests").glob("*-*-*")
    assert run.name in (native / "said.txt").read_text() and (run / "report.html").stat().st_size > 10_000
    made = json.loads((native / "results.json").read_text())
    another = made.pop("another account")
    assert len(made) == 8 and len({*made.values(), *another.values()}) == 8 + 6
    assert len((run / "trades.csv").read_text().splitlines()) > 5
    desk = native / "desk/kalshi_weather"
    listed = [pq.read_table(path, columns=["market_ticker"]) for path in desk.glob("data/catalog/**/*.parquet")]
    with open(desk / "my_probabilities.csv", newline="") as file:
        named = {row["market_ticker"] for row in csv.DictReader(file)}
    assert named and named <= {ticker for table in listed for ticker in table["market_ticker"].to_pylist()}


@pytest.mark.slow
@pytest.mark.parametrize("version", PYTHONS)
def test_every_python_makes_the_same_bytes(version, wheel, native, tmp_path):
    """The weather run is made by the workflow, from its data on. The others' workflows are the same under every Python, so what
    differs if anything does, their replays, is made alone: of another account than that of the run that is there."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        pytest.skip("the tests themselves run under this Python")
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine (pyenv install {version}, or a container python:{version})")
    desk, weather = tmp_path / "desk", "kalshi_weather"
    for market in SHORT:
        made = shutil.ignore_patterns("backtests", "forecasts", "probabilities", ".*") if market == weather else None
        shutil.copytree(native / "desk" / market, desk / market, ignore=made)
    expected = json.loads((native / "results.json").read_text())
    programs = installed(python, wheel, tmp_path)
    found = results(programs, desk, {weather: SHORT[weather]})
    assert found == {name: digest for name, digest in expected.items() if name in found}
    assert results(programs, desk, ANOTHER_ACCOUNT) == expected["another account"]


def test_windows_is_told_to_use_wsl():
    """`fcntl` and the signals of a run are those of Linux; without this the first lock would fail with a name."""
    pretend = "import sys; sys.platform = 'win32'; import tradewinds"
    done = subprocess.run(
        [sys.executable, "-c", pretend],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "WSL" in done.stderr.splitlines()[-1], done.stderr


def test_the_project_promises_the_pythons_that_are_tested():
    text = (ROOT / "pyproject.toml").read_text()
    promised = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', text)
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    assert tuple(promised) == PYTHONS and f'requires-python = ">={PYTHONS[0]}"' in text
    assert all(f'"{version}"' in workflow for version in PYTHONS)
