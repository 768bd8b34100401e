"""Order of the rows in a candle file, for the check of damaged files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from tradewinds.core.errors import DamagedFile


def check_candles(path: str, table: pa.Table, meta: Mapping[str, Any]) -> None:
    """Check that candles are unique, sorted by market and time, and as many per market as the metadata counts.

    Args:
        path: of the file, for the error.
        table: its rows (columns: schemas.CANDLES).
        meta: its metadata.

    Raises:
        DamagedFile: they are not.
    """
    import pyarrow.compute as pc  # takes 20 ms, and a plan imports this module without calling the check

    keys = pa.table({"m": table["market_ticker"], "t": table["end_period_ts"]})
    distinct = keys.group_by(["m", "t"]).aggregate([]).num_rows
    if distinct != table.num_rows or not keys.equals(keys.sort_by([("m", "ascending"), ("t", "ascending")])):
        raise DamagedFile(path, "its candles are not unique and in order")
    counts: dict[str, int] = meta.get("rows_per_market", {})
    present = {item["values"]: item["counts"] for item in pc.value_counts(table["market_ticker"]).to_pylist()}
    if present != {ticker: count for ticker, count in counts.items() if count}:
        raise DamagedFile(path, f"its metadata speaks of other rows: {json.dumps(counts)}")
