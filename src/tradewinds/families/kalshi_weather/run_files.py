"""Files that a run of events has beyond those of every run: events.csv and markets.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tradewinds.core import files
from tradewinds.core.safe_text import cell, from_cell, printable
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.damaged_events import DAMAGED
from tradewinds.families.kalshi_weather.plan import PlannedEvent
from tradewinds.families.kalshi_weather.validations.candle_facts import candle_file_facts, candle_footers

EVENT_COLUMNS = (
    "series_ticker",
    "climate_date",
    "event_ticker",
    "skipped",
    "markets",
    "candles",
    "missing_minutes",
    "requests",
    "retries",
    "tier",
    "kept_from",
    "reason_if_empty",
    "candles_per_market",
)


NAME_COLUMNS = ("market_ticker", "title", "yes_sub_title")


def write_event_data(folder: str | Path, events: Sequence[PlannedEvent], skipped: Mapping[str, str]) -> None:
    """Write events.csv, the data that each event was replayed on, one row per event.

    The values are those in the metadata of the candle files. `missing_minutes` counts minutes of the candle window without a
    candle (in which nothing changed), over all markets; `candles_per_market` has the form `TICKER=n TICKER=n`. `requests` and
    `retries` depend on the fetch, so this table is not part of a run's reproducible result.

    Args:
        folder: of the run.
        events: of the run.
        skipped: why an event was not replayed, by event ticker: the usual one of the series and date, or the listed one.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, EVENT_COLUMNS, lineterminator="\n")
    writer.writeheader()
    footers = candle_footers([event.path for event in events])
    for event in events:
        # All that is known of a file's fetch stands in the file's metadata; `read_meta` says why there is none.
        meta = candle_file_facts(event.path, footers[event.path]).metadata or files.read_meta(event.path)
        counts: dict[str, int] = meta["rows_per_market"]
        usual_ticker = climate_days.event_ticker_of(event.series_ticker, event.climate_date)
        writer.writerow(
            {
                "series_ticker": event.series_ticker,
                "climate_date": event.climate_date.isoformat(),
                "event_ticker": meta["event_ticker"],
                "skipped": skipped.get(usual_ticker) or skipped.get(meta["event_ticker"], ""),
                "markets": len(meta["markets"]),
                "candles": sum(counts.values()),
                "missing_minutes": sum(meta["missing_minutes"].values()),
                "requests": meta["requests"],
                "retries": meta["retries"],
                "tier": meta["tier"] or "",
                "kept_from": meta["kept_from"] or "",
                "reason_if_empty": _reason_if_empty(meta),
                "candles_per_market": " ".join(f"{ticker}={count}" for ticker, count in sorted(counts.items())),
            }
        )
    files.write_text(Path(folder) / "events.csv", text.getvalue())


def _reason_if_empty(meta: Mapping[str, Any]) -> str:
    """Why a candle file has no rows; of an event that was left out, what was wrong and where a copy of the answer is."""
    if meta["reason"] != DAMAGED:
        return meta["reason"] or ""
    copy = f" A copy of the answer: {meta['saved_answer']}." if meta["saved_answer"] else ""
    return f"{DAMAGED}: {meta['problem']}{copy}"


def write_market_names(folder: str | Path, catalogs: Iterable[str], traded: Collection[str]) -> None:
    """Write markets.csv, the exchange's names of the traded markets, in order of ticker.

    A name that a spreadsheet would take for a formula has ' in front.

    Args:
        folder: of the run.
        catalogs: paths (columns: schemas.CATALOG).
        traded: market tickers.
    """
    rows = {
        row["market_ticker"]: tuple(cell(printable(row[name] or "")) for name in NAME_COLUMNS)
        for path in catalogs
        for row in files.read_rows(path, NAME_COLUMNS)
        if row["market_ticker"] in traded
    }
    path = Path(folder) / "markets.csv"
    with files.replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([NAME_COLUMNS, *(rows[ticker] for ticker in sorted(rows))])


def market_names(folder: str | Path, tickers: Collection[str]) -> dict[str, str]:
    """Names of markets by ticker, as `title: subtitle`, from a run's markets.csv.

    Args:
        folder: of the run.
        tickers: of markets; one that is not in the file is left out.
    """
    with open(Path(folder) / "markets.csv", encoding="utf-8", newline="") as handle:
        return {
            row["market_ticker"]: ": ".join(filter(None, (from_cell(row["title"]), from_cell(row["yes_sub_title"]))))
            for row in csv.DictReader(handle)
            if row["market_ticker"] in tickers
        }


def bracket_names(folder: str | Path, tickers: Collection[str]) -> dict[str, str]:
    """What markets pay on by ticker, as the exchange puts it ("72° to 73°"), from a run's markets.csv.

    Args:
        folder: of the run.
        tickers: of markets; one that is not in the file is left out.
    """
    with open(Path(folder) / "markets.csv", encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["market_ticker"] in tickers]
    return {row["market_ticker"]: from_cell(row["yes_sub_title"]) for row in rows if row["yes_sub_title"]}
