"""Archives and servers for whole runs."""

from pathlib import Path

import pytest

from tradewinds.archive.server import running_server
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
    from tests.workflow.harness import Desk

    with running_server(chicago_archive) as running:
        desk = Desk(tmp_path_factory.mktemp("desk"), running)
        done = desk.run()
        assert done.returncode == 0, done.stdout + done.stderr
        desk.first_output = done.stdout
        yield desk
