"""Fixtures and settings of all tests."""

import gc
import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.warm import computed_once, drawn_once

# A slow machine is no wrong result: time is measured in benchmarks/, never in a test.
settings.register_profile("tradewinds", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tradewinds")

# A shell's background job ignores SIGINT and nohup SIGHUP, and so would every program that a test starts and stops by it.
signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = Path(os.environ.get("TRADEWINDS_SHARED_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Recorded market and weather data, kept outside the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no recorded data in {SHARED_DATA}; set TRADEWINDS_SHARED_DATA to the folder that has it")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credential and no setting of the person who runs the tests reaches them."""
    for name in [name for name in os.environ if name.startswith(("KALSHI_", "TRADEWINDS_"))]:
        if name not in ("TRADEWINDS_SHARED_DATA", "TRADEWINDS_WORLDS"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _drawn_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Reports that tests write in their own process are drawn in it, each plot once; computed_once.py has what else is."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    drawn_once.install_here(shared / "pictures")
    computed_once.install(shared / "computed")


@pytest.fixture
def drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test draws its pictures and fits its forecasts, and so do its commands, whatever others have: it compares."""
    monkeypatch.setenv(drawn_once.DRAW, "1")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """More workers than there are cores: many of the slow tests wait, for a service or for a program that works."""
    cores, waiting = os.cpu_count() or 1, 0 if config.option.markexpr == "not slow" else 2
    return min(8, cores + waiting)


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Collecting makes a million objects that stay: looking for garbage among them takes two fifths of its time."""
    if session.config.getoption("dist", "no") == "no":  # the process that only hands out the tests collects none
        gc.disable()


@pytest.hookimpl(tryfirst=True)  # before `-m` is looked at
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests of the list, and put the files whose tests run whole programs first.

    At the end short files keep every core at work.
    """
    order, slow = ("workflow", "services", "families", "unit"), slow_tests()
    items.sort(key=lambda item: order.index(item.path.relative_to(ROOT / "tests").parts[0]))
    for item in items:
        path, _, name = item.nodeid.partition("[")[0].partition("::")
        if any(f"{path}::{used}" in slow for used in (name, *getattr(item, "fixturenames", ()))):
            item.add_marker(pytest.mark.slow)


def slow_tests() -> set[str]:
    """The tests and fixtures that slow_tests.txt lists, as `path::name`."""
    lines = (ROOT / "tests" / "slow_tests.txt").read_text(encoding="utf-8").splitlines()
    return {line for line in lines if not line.startswith("#")}


def pytest_collection_finish() -> None:
    """Look for garbage again, but not among what collecting has made, and after more new objects than usual."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def pytest_unconfigure() -> None:
    """Let the interpreter's end find all that is left, as without these tests."""
    gc.unfreeze()
