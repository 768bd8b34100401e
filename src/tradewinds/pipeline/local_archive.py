"""Serve an archive in place of a config's services while a run works, from the command line and from Python."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tradewinds.config import markets, resolve
from tradewinds.config.places import PlaceOf, place_by_file
from tradewinds.core import files
from tradewinds.core.errors import ConfigError
from tradewinds.core.temporary import temporary_folder
from tradewinds.families.plan import due_files, run_plan
from tradewinds.pipeline.preflight import preflight

SYNTHETIC = "synthetic"  # in place of a folder: an archive of invented data
SYNTHETIC_FOLDER = Path("data/synthetic-archive")
SEED = 7
RATE = 50  # requests per second: only this run asks this server


@contextlib.contextmanager
def served_settings(
    written: Mapping[str, Any],
    conf: resolve.Config,
    archive: str | Path,
    place_of: PlaceOf,
    tell: Callable[[str], None],
) -> Iterator[Mapping[str, Any]]:
    """Serve an archive while the block runs; if all that a run fetches is there, nothing is served.

    Args:
        written: a config's keys as they were written.
        conf: the same, resolved.
        archive: folder of the archive, or SYNTHETIC, which is made if it is not there.
        place_of: says where a key of the config stands, for errors.
        tell: called with what is done.

    Yields:
        The keys of a config that asks that server in place of its services, and is otherwise the same: its run id, too.

    Raises:
        TradewindsError: the run is refused before its first job, the folder is no archive, or the market has no invented one.
    """
    from tradewinds.archive.server import running_server  # here: it takes 0.1 s, and what is complete needs none

    with files.without_caches():
        plan = run_plan(conf, place_of)
        due = due_files(plan)
        if due:
            preflight(conf, plan, place_of).refuse()
    if not due:
        yield written
        return
    folder = SYNTHETIC_FOLDER if archive == SYNTHETIC else Path(archive)
    if archive == SYNTHETIC:
        make_synthetic_archive(conf["market"], folder, tell)
    with running_server(folder) as server:
        tell(f"serving {folder}/ in place of the services, on {server.root} …")
        asked = dict(written)
        for name in markets.family_of(conf["market"]).services:
            if name in server.urls:
                asked[name] = {**asked.get(name, {}), "base_url": server.urls[name], "requests_per_second": RATE}
        yield asked


@contextlib.contextmanager
def served_config(config: Path, archive: str | Path, tell: Callable[[str], None]) -> Iterator[Path]:
    """Serve an archive in place of the services of a config file; arguments and errors as `served_settings`.

    Yields:
        The file of a config that asks that server; the config's own file if nothing is asked.
    """
    import yaml

    conf, written = resolve.load(config), resolve.read(config)[0]
    with (
        served_settings(written, conf, archive, place_by_file(config), tell) as asked,
        temporary_folder("tradewinds-") as place,
    ):
        if asked is written:
            yield config
            return
        path = Path(place, config.name)
        path.write_text(yaml.safe_dump(asked, sort_keys=False, allow_unicode=True), encoding="utf-8")
        yield path


def make_synthetic_archive(market: str, folder: Path, tell: Callable[[str], None]) -> None:
    """Make a market's archive of invented data, if it is not there.

    Args:
        market: name of the market family.
        folder: of the archive.
        tell: called with what is done.

    Raises:
        ConfigError: the market has none.
    """
    invent = markets.family_of(market).invent_archive
    if invent is None:
        what = f"{market} has no invented archive."
        raise ConfigError(what, where="archive", remedy="Let the config itself have invented data: source: synthetic.")
    if not (folder / "archive.json").exists():
        tell(f"making a synthetic archive in {folder}/ (seed {SEED}: the same bytes every time) …")
        invent(folder, SEED)
