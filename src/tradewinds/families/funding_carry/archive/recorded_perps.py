"""Record what was fetched for a config as an archive, so that another machine can be served the same data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tradewinds.archive.archive import ArchiveWriter, made_whole
from tradewinds.core import files
from tradewinds.core.damage import damaged_files
from tradewinds.core.errors import ConfigError
from tradewinds.families.funding_carry.archive_routes import add_month
from tradewinds.families.funding_carry.plan import CarryPlan
from tradewinds.families.funding_carry.schemas import instruments_path
from tradewinds.families.plan import refuse_missing


def record_perps(conf: Mapping[str, Any], plan: CarryPlan, out: str | Path) -> int:
    """Write an archive of a config's fetched files. Its folder appears when it is whole.

    Args:
        conf: the resolved config.
        plan: its files.
        out: the folder to make.

    Returns:
        The number of month files.

    Raises:
        ConfigError: nothing of the config is fetched, or `out` is not empty.
        DataMissing: files are not there yet; it names them all.
        DamagedFile: a file is not what was fetched.
    """
    source = plan.files.source
    if not plan.fetched:
        remedy = "Take a config whose data.source is an exchange; your own files are an archive by themselves."
        raise ConfigError(
            f"nothing is fetched from {source}, so there is nothing to record.", where="data.source", remedy=remedy
        )
    refuse_missing(plan)
    for damage in damaged_files([file for file in plan.data_files if file.fetched]):
        raise damage
    # month by month as they came, with what each says of itself
    dates = f"{conf['date_start_local']} to {conf['date_end_local']}"
    with made_whole(out) as part:
        writer = ArchiveWriter(part, note=f"recorded from what was fetched from {source} for {dates}, warm-up included")
        for path in plan.files.records:
            add_month(writer, files.read_table(path), files.read_meta(path))
        if plan.files.instruments:
            listed = files.read_table(plan.files.instruments)
            writer.write(instruments_path(".", source), listed, files.read_meta(plan.files.instruments))
    return len(plan.files.records)
