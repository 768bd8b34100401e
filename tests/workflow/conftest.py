"""Archives and servers for whole runs."""

from pathlib import Path

import pytest

from tests.workflow.equities_desk import Shares, world
from tests.workflow.harness import TEN_DAYS, call_demo
from tests.workflow.made_once import made_once, run_once
from tradewinds.archive.server import running_server
from tradewinds.families.kalshi_weather.archive.import_recorded import import_recorded


@pytest.fixture(scope="session")
def chicago_archive(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded month of Chicago as an archive. Not to be changed: copy it."""

    def make(folder: Path) -> None:
        import_recorded(
            markets=[shared_data / "kalshi/markets_KXHIGHCHI_2025-05.parquet"],
            candles=[shared_data / "kalshi/candles_1m_KXHIGHCHI_2025-05.parquet"],
            guidance=[shared_data / "weather/mos_12z_daily_KMDW_KMIA.parquet"],
            climate=[shared_data / "weather/climate_high_6stations_2023_2025.parquet"],
            out=folder / "chicago",
        )

    return made_once(tmp_path_factory, "archive", make) / "chicago"


@pytest.fixture
def server(chicago_archive: Path):
    with running_server(chicago_archive) as running:
        yield running


@pytest.fixture(scope="session")
def finished(chicago_archive: Path, tmp_path_factory: pytest.TempPathFactory):
    """A complete run of the month, with a server of its archive still answering. Not to be changed."""
    with running_server(chicago_archive) as running:
        yield run_once(tmp_path_factory, "month", running)


@pytest.fixture(scope="session")
def ten_days(chicago_archive: Path, tmp_path_factory: pytest.TempPathFactory):
    """A complete run of `TEN_DAYS`. Not to be changed."""
    with running_server(chicago_archive) as running:
        yield run_once(tmp_path_factory, "ten", running, **TEN_DAYS)


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `make demo` was called: its folder `demo`, and what it printed as `said.txt`. Not to be changed: copy it."""

    def make(folder: Path) -> None:
        done = call_demo(folder)
        assert done.returncode == 0, done.stdout + done.stderr
        (folder / "said.txt").write_text(done.stdout, encoding="utf-8")

    return made_once(tmp_path_factory, "demo", make)


@pytest.fixture(scope="session")
def shares_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a complete run of `Shares` with the config it has by default. Not to be changed: copy it."""

    def make(folder: Path) -> None:
        done = Shares(folder / "desk", world())("run", "--config", "config.yaml")
        assert done.returncode == 0, done.stdout + done.stderr

    return made_once(tmp_path_factory, "shares", make) / "desk"
