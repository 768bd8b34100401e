"""events.csv: what data a run's events were replayed on, as their candle files say of themselves."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from tradewinds.core import files
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.plan import Event

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


def write_event_data(folder: str | Path, events: Sequence[Event], skipped: Mapping[str, str]) -> None:
    """Write {folder}/events.csv, a row per event; `skipped` has the reason per event ticker: the usual one of the series and
    date, or the one that was listed.

    `missing_minutes` counts minutes of the candle window without a candle (in which nothing changed), over all markets;
    `candles_per_market` reads `TICKER=n TICKER=n`. `requests` and `retries` tell how the file came to be, so this table is
    not part of a run's reproducible result.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, EVENT_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for event in events:
        meta = files.read_meta(event.path)
        counts: dict[str, int] = meta["rows_per_market"]
        usual = climate_days.event_ticker_of(event.series_ticker, event.climate_date)
        writer.writerow(
            {
                "series_ticker": event.series_ticker,
                "climate_date": event.climate_date.isoformat(),
                "event_ticker": meta["event_ticker"],
                "skipped": skipped.get(usual) or skipped.get(meta["event_ticker"], ""),
                "markets": len(meta["markets"]),
                "candles": sum(counts.values()),
                "missing_minutes": sum(meta["missing_minutes"].values()),
                "requests": meta["requests"],
                "retries": meta["retries"],
                "tier": meta["tier"] or "",
                "kept_from": meta["kept_from"] or "",
                "reason_if_empty": meta["reason"] or "",
                "candles_per_market": " ".join(f"{ticker}={count}" for ticker, count in sorted(counts.items())),
            }
        )
    files.write_text(Path(folder) / "events.csv", text.getvalue())


NAME_COLUMNS = ("market_ticker", "title", "yes_sub_title")


def write_market_names(folder: str | Path, catalogs: Iterable[str], traded: Collection[str]) -> None:
    """Write {folder}/markets.csv, a row per traded market, in order of ticker; `catalogs` are paths (schema CATALOG)."""
    named = {
        row["market_ticker"]: (row["market_ticker"], row["title"] or "", row["yes_sub_title"] or "")
        for path in catalogs
        for row in files.read_rows(path, NAME_COLUMNS)
        if row["market_ticker"] in traded
    }
    path = Path(folder) / "markets.csv"
    with files.replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([NAME_COLUMNS, *(named[ticker] for ticker in sorted(named))])


def market_names(folder: str | Path, tickers: Collection[str]) -> dict[str, str]:
    """Title and subtitle of some of the markets in a run's markets.csv."""
    with open(Path(folder) / "markets.csv", encoding="utf-8", newline="") as handle:
        return {
            row["market_ticker"]: ": ".join(filter(None, (row["title"], row["yes_sub_title"])))
            for row in csv.DictReader(handle)
            if row["market_ticker"] in tickers
        }
