"""markets.csv: what the exchange calls the markets that a run traded."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable
from pathlib import Path

from tradewinds.core import files

COLUMNS = ("market_ticker", "title", "yes_sub_title")


def write_market_names(folder: str | Path, catalogs: Iterable[str], traded: Collection[str]) -> None:
    """Write {folder}/markets.csv, a row per traded market, in order of ticker; `catalogs` are paths (schema CATALOG)."""
    named = {
        row["market_ticker"]: (row["market_ticker"], row["title"] or "", row["yes_sub_title"] or "")
        for path in catalogs
        for row in files.read_rows(path, COLUMNS)
        if row["market_ticker"] in traded
    }
    path = Path(folder) / "markets.csv"
    with files.replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([COLUMNS, *(named[ticker] for ticker in sorted(named))])


def market_names(folder: str | Path, tickers: Collection[str]) -> dict[str, str]:
    """Title and subtitle of some of the markets in a run's markets.csv."""
    with open(Path(folder) / "markets.csv", encoding="utf-8", newline="") as handle:
        return {
            row["market_ticker"]: ": ".join(filter(None, (row["title"], row["yes_sub_title"])))
            for row in csv.DictReader(handle)
            if row["market_ticker"] in tickers
        }
