"""An archive of a user's own minute bars, served as the chart API's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.archive.archive import ArchiveWriter, made_whole
from tradewinds.core import files
from tradewinds.core.errors import ConfigError, DataMissing
from tradewinds.core.temporary import temporary_folder
from tradewinds.core.units import MICRO
from tradewinds.families.equities_intraday.archive_routes import ARCHIVED_MINUTES, add_minutes
from tradewinds.families.equities_intraday.fetch import user_minutes
from tradewinds.families.equities_intraday.plan import intraday_plan
from tradewinds.families.equities_intraday.schemas import PRICE_COLUMNS
from tradewinds.reference_data.exchange_calendar import calendar_of


def import_minutes_archive(conf: Mapping[str, Any], out: str | Path) -> int:
    """Write an archive of the minute bars of a config's files. Its folder appears when it is whole.

    Bars that the import quarantines are left out.

    Args:
        conf: a resolved config whose bars.source is files, of one minute; range, clock, label and unit are its.
        out: the folder to make.

    Returns:
        The number of symbols.

    Raises:
        ConfigError: the bars are fetched or longer than a minute, or `out` is not empty.
        DataMissing: the files have no bar for the config.
    """
    bars = conf["bars"]
    if bars["source"] != "files":
        what = f"bars.source is {bars['source']}, and there are no files to import."
        raise ConfigError(what, where="bars.source", remedy="Take a config with bars.source: files.")
    if bars["minutes"] != 1:
        what = f"the bars are of {bars['minutes']} minutes, and the chart API's are of one."
        raise ConfigError(what, where="bars.minutes", remedy="Give bars of one minute.")
    # month files as a run makes them, in a folder of their own, and then one file for each symbol
    with made_whole(out) as part, temporary_folder("tradewinds-") as folder:
        plan = intraday_plan({**conf, "cache_dir": str(folder)})
        user_minutes.import_minutes(conf, plan.files.months)
        writer = ArchiveWriter(part, note="imported from files, served as the chart API's")
        about = {
            "timezone": calendar_of(conf["calendar"], conf["date_end_local"]).timezone,
            "currency": conf["risk"]["currency"],
        }
        written = 0
        for symbol in sorted({month.symbol for month in plan.files.months}):
            paths = [month.path for month in plan.files.months if month.symbol == symbol]
            table = _served(pa.concat_tables([files.read_table(path) for path in paths]))
            if table.num_rows:
                add_minutes(writer, symbol, table, about)
                written += 1
        if not written:
            what = "no file has a minute bar for this config."
            raise DataMissing(what, where="bars.path", remedy="Choose dates that the files have.")
    return written


def _served(table: pa.Table) -> pa.Table:
    """Return good rows of schema MINUTES as an archive has them."""
    good = table.filter(pc.is_null(table["quarantine"]))
    seconds = pc.divide(good["ts_utc"].cast(pa.int64()), MICRO)
    prices = [good[name].cast(pa.float64()) for name in PRICE_COLUMNS]
    return pa.table([seconds, *prices, good["volume"]], schema=ARCHIVED_MINUTES)
