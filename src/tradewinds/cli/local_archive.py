"""Serve an archive in place of a config's services while a command works."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

SYNTHETIC = "synthetic"  # in place of a folder: an archive of invented data
SYNTHETIC_FOLDER = Path("data/synthetic-archive")
RATE = 50  # requests per second: only this run asks this server


@contextlib.contextmanager
def served_config(config: Path, archive: str, tell: Callable[[str], None]) -> Iterator[Path]:
    """Serve an archive while the block runs; if all that a run fetches is there, nothing is served.

    Args:
        config: a config's file.
        archive: folder of the archive, or SYNTHETIC, which is made if it is not there.
        tell: called with what is done.

    Yields:
        The file of a config that asks that server in place of its services, and is otherwise the same: its run id, too. The
        config's own file if nothing is asked.

    Raises:
        ConfigError: the config is wrong, or the folder is no archive.
    """
    import yaml

    from tradewinds.archive.server import running_server
    from tradewinds.config import markets, resolve
    from tradewinds.core.temporary import temporary_folder
    from tradewinds.families.plan import due_files, run_plan

    conf = resolve.load(config)
    if not due_files(run_plan(conf)):
        yield config
        return
    raw = resolve.read(config)[0]
    folder = SYNTHETIC_FOLDER if archive == SYNTHETIC else Path(archive)
    if archive == SYNTHETIC:
        make_synthetic_archive(folder, tell)
    with running_server(folder) as server, temporary_folder("tradewinds-") as place:
        tell(f"serving {folder}/ in place of the services, on {server.root} …")
        for name in markets.family_of(conf["market"]).services:
            if name in server.urls:
                raw[name] = {**raw.get(name, {}), "base_url": server.urls[name], "requests_per_second": RATE}
        path = Path(place, config.name)
        path.write_text(yaml.safe_dump(raw, sort_keys=False, allow_unicode=True), encoding="utf-8")
        yield path


def make_synthetic_archive(folder: Path, tell: Callable[[str], None]) -> None:
    """Make the archive of invented temperature events, if it is not there.

    Args:
        folder: of the archive.
        tell: called with what is done.
    """
    from tradewinds.cli.archive import make_events

    if not (folder / "archive.json").exists():
        tell(f"making a synthetic archive in {folder}/ (seed 7: the same bytes every time) …")
        make_events(folder, seed=7)
