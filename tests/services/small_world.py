"""Four events around New Year, served on this machine: the smallest run that has two forecasts, and a desk to run it at."""

import datetime as dt
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from tests.workflow.harness import ROOT, Desk
from tradewinds.archive.server import ArchiveServer, running_server
from tradewinds.families.kalshi_weather.archive.synthetic import make_synthetic

FIRST, LAST = dt.date(2024, 12, 30), dt.date(2025, 1, 2)
SERIES = "KXHIGHCHI"
RESULTS = ("trades.csv", "metrics.json", "equity.csv", "positions_daily.csv", "calibration.json")


def archive(folder: Path) -> Path:
    make_synthetic(folder, series=(SERIES,), first=FIRST, last=LAST)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArchiveServer]:
    with running_server(archive(tmp_path_factory.mktemp("archive") / "a")) as running:
        yield running


@pytest.fixture(scope="module")
def here(server: ArchiveServer, tmp_path_factory: pytest.TempPathFactory) -> "Remote":
    """A complete run on this machine alone; `asked` is how many requests it made."""
    desk = Remote(tmp_path_factory.mktemp("here"), server, "default", {}, {})
    done = desk.run()
    assert done.returncode == 0, done.stdout + done.stderr
    desk.asked = len(server.requests)
    return desk


class Remote(Desk):
    """A desk whose jobs go elsewhere: by a copy of a shipped profile with some of its lines changed."""

    def __init__(
        self, folder: Path, server: ArchiveServer | None, profile: str, changed: Mapping, environment: Mapping, **more
    ) -> None:
        dates = {"date_start_local": FIRST.isoformat(), "date_end_local": LAST.isoformat()}
        super().__init__(folder, server, series_tickers=[SERIES], **dates, **more)
        self.more = dict(environment)
        shipped = yaml.safe_load((ROOT / "profiles" / profile / "config.yaml").read_text())
        (folder / "profile").mkdir()
        (folder / "profile/config.yaml").write_text(yaml.safe_dump({**shipped, **changed}))

    def environment(self) -> dict[str, str]:
        return {**super().environment(), **self.more}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return super().run("--profile", "profile", *arguments)

    def bring(self, other: Desk) -> None:
        """What another desk has fetched, and its probabilities."""
        shutil.copytree(other.folder / "data", self.folder / "data")

    def results(self) -> dict[str, bytes]:
        return {name: (self.run_folder() / name).read_bytes() for name in RESULTS}
