"""The wheel alone: its tag is true, and in an empty folder every Python makes the same bytes of it.

Each Python from 3.11 to 3.13 that is on this machine gets an environment of its own with the locked versions. Where one is
missing its tests are skipped: install it beside the others (pyenv, deadsnakes, a container `python:3.13`), or see the workflow
in .github, which runs these tests under each.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.workflow.harness import PATIENCE_SECONDS, ROOT
from tests.workflow.made_once import made_once

PYTHONS = ("3.11", "3.12", "3.13")
BYTES = ("trades.csv", "metrics.json")
THREE_DAYS = {"date_start_local": "2025-03-04", "date_end_local": "2025-03-06"}

# The other markets invent their data from a seed, in one process.
OTHERS = """
import json, pathlib, tradewinds as tw
folders = {}
for market in ("equities_daily", "equities_intraday", "funding_carry"):
    run = tw.run(tw.Config.load(f"{market}/config.yaml"), report=False)
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


def results(python, wheel, folder):
    """SHA-256 of the results of four markets, made by the wheel in an empty folder with one Python.

    Args:
        python: the interpreter.
        wheel: folder with the wheel.
        folder: where the environment and the runs are put; empty.
    """
    uv, bin_folder, desk = [sys.executable, "-m", "uv"], folder / "env" / "bin", folder / "desk"
    desk.mkdir()
    certificates = {"UV_SYSTEM_CERTS": os.environ.get("UV_SYSTEM_CERTS", "1")}
    call([*uv, "venv", "--quiet", "--python", python, str(folder / "env")], folder, **certificates)
    [path] = wheel.glob("*.whl")
    install = [*uv, "pip", "install", "--quiet", "--python", str(bin_folder / "python")]
    call([*install, "--constraint", str(ROOT / "requirements.lock"), str(path)], folder, **certificates)

    # on the command line, with a server of invented answers; the others from Python
    tradewinds, clean = str(bin_folder / "tradewinds"), {"PATH": f"{bin_folder}:/usr/bin:/bin"}
    for market in ("kalshi_weather", "equities_daily", "equities_intraday", "funding_carry"):
        call([tradewinds, "init", "--market", market, market], desk, **clean)
    config = desk / "kalshi_weather" / "config.yaml"
    text = config.read_text(encoding="utf-8")
    for key, value in THREE_DAYS.items():
        text, count = re.subn(rf"^{key}: \S+", f"{key}: {value}", text, flags=re.MULTILINE)
        assert count == 1, key
    config.write_text(text, encoding="utf-8")
    call([tradewinds, "run", "--archive", "synthetic", "--quiet"], config.parent, **clean)
    [weather] = (config.parent / "backtests").glob("*-*-*")
    assert (weather / "report.html").stat().st_size > 10_000
    others = json.loads(call([str(bin_folder / "python"), "-c", OTHERS], desk, **clean).splitlines()[-1])

    folders = {"kalshi_weather": weather, **{market: Path(run) for market, run in others.items()}}
    return {
        f"{market}/{name}": hashlib.sha256((run / name).read_bytes()).hexdigest()
        for market, run in folders.items()
        for name in BYTES
    }


@pytest.fixture(scope="module")
def expected(wheel, tmp_path_factory):
    """The results under the Python that runs the tests."""

    def make(folder):
        made = results(sys.executable, wheel, folder)
        (folder / "results.json").write_text(json.dumps(made), encoding="utf-8")

    return json.loads((made_once(tmp_path_factory, "wheel_results", make) / "results.json").read_text())


@pytest.mark.slow
def test_the_wheel_alone_makes_results_in_an_empty_folder(expected):
    assert len(expected) == 8 and len(set(expected.values())) == 8


@pytest.mark.slow
@pytest.mark.parametrize("version", PYTHONS)
def test_every_python_makes_the_same_bytes(version, wheel, expected, tmp_path):
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        pytest.skip("the tests themselves run under this Python")
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine (pyenv install {version}, or a container python:{version})")
    assert results(python, wheel, tmp_path) == expected


def test_windows_is_told_to_use_wsl():
    """`fcntl` and the signals of a run are Linux's; without this, the first import of a lock would fail with its name."""
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
