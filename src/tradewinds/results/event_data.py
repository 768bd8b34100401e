"""events.csv: what data a run's events were replayed on, as their candle files say of themselves."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from tradewinds import calendars
from tradewinds.core import files
from tradewinds.plan import Event

COLUMNS = (
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
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for event in events:
        meta = files.read_meta(event.path)
        counts: dict[str, int] = meta["rows_per_market"]
        usual = calendars.event_ticker_of(event.series_ticker, event.climate_date)
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
