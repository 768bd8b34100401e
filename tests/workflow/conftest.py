"""Archives and servers for whole runs."""

from pathlib import Path

import pytest

from tests.workflow.harness import TEN_DAYS, Desk
from tradewinds.archive.server import ArchiveServer, running_server
from tradewinds.families.kalshi_weather.archive.import_recorded import import_recorded


@pytest.fixture(scope="session")
def chicago_archive(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded month of Chicago as an archive."""
    folder = tmp_path_factory.mktemp("archive") / "chicago"
    import_recorded(
        markets=[shared_data / "kalshi/markets_KXHIGHCHI_2025-05.parquet"],
        candles=[shared_data / "kalshi/candles_1m_KXHIGHCHI_2025-05.parquet"],
        guidance=[shared_data / "weather/mos_12z_daily_KMDW_KMIA.parquet"],
        climate=[shared_data / "weather/climate_high_6stations_2023_2025.parquet"],
        out=folder,
    )
    return folder


@pytest.fixture
def server(chicago_archive: Path):
    with running_server(chicago_archive) as running:
        yield running


@pytest.fixture(scope="session")
def finished(chicago_archive: Path, tmp_path_factory: pytest.TempPathFactory):
    """A complete run of the month, with the server that it fetched from still answering. Not to be changed."""
    with running_server(chicago_archive) as running:
        yield _run(tmp_path_factory.mktemp("desk"), running)


@pytest.fixture(scope="session")
def ten_days(chicago_archive: Path, tmp_path_factory: pytest.TempPathFactory):
    """A complete run of `TEN_DAYS`. Not to be changed."""
    with running_server(chicago_archive) as running:
        yield _run(tmp_path_factory.mktemp("ten"), running, **TEN_DAYS)


def _run(folder: Path, running: ArchiveServer, **changes: str) -> Desk:
    """A desk whose run is done; what it said is its `first_output`."""
    desk = Desk(folder, running, **changes)
    done = desk.run()
    assert done.returncode == 0, done.stdout + done.stderr
    desk.first_output = done.stdout
    return desk
