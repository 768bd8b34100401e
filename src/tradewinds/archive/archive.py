"""The archive: recorded or invented market and weather data that `tradewinds replay` serves (layout: docs/archive.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewinds.core import files, units
from tradewinds.core.errors import ConfigError
from tradewinds.families.kalshi_weather import schemas

FORMAT = 1

MARKETS = pa.schema(
    [
        ("series_ticker", pa.string()),
        ("event_ticker", pa.string()),
        ("market_ticker", pa.string()),
        ("open_time", units.TS),
        ("close_time", units.TS),
        ("settlement_ts", units.TS),
        ("raw", pa.string()),
    ]
)
CANDLES = pa.schema([field for field in schemas.CANDLES if field.name != "retrieved_at"])
GUIDANCE = pa.schema([field for field in schemas.GUIDANCE if field.name != "known_at_ts"])
SERIES = pa.schema([("series_ticker", pa.string()), ("raw", pa.string())])
EVENTS = pa.schema(
    [
        ("event_ticker", pa.string()),
        ("series_ticker", pa.string()),
        ("title", pa.string()),
        ("sub_title", pa.string()),
        ("mutually_exclusive", pa.bool_()),
    ]
)


def candle_file(folder: Path, series_ticker: str, event_ticker: str) -> Path:
    """Where an archive keeps an event's candles."""
    return folder / "kalshi" / "candles" / series_ticker / f"{event_ticker}.parquet"


class ArchiveWriter:
    """Makes an archive; every file is written whole. Rows may come in any order."""

    def __init__(self, folder: str | Path, note: str = "") -> None:
        self.folder = Path(folder)
        about = {"format": FORMAT, "made_by": "tradewinds", "note": note}
        files.write_text(self.folder / "archive.json", json.dumps(about, indent=2) + "\n")

    def add_series(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Series objects as the exchange's API shows them."""
        rows = [{"series_ticker": item["ticker"], "raw": json.dumps(item, sort_keys=True)} for item in objects]
        self._write("kalshi/series.parquet", pa.Table.from_pylist(rows, SERIES).sort_by("series_ticker"))

    def add_markets(self, markets: pa.Table) -> None:
        """Markets (schema MARKETS; `raw` is the API's market object) and their events."""
        ordered = markets.select(MARKETS.names).cast(MARKETS).sort_by("market_ticker")
        self._write("kalshi/markets.parquet", ordered)

    def add_events(self, rows: list[dict[str, Any]]) -> None:
        """Events (schema EVENTS)."""
        self._write("kalshi/events.parquet", pa.Table.from_pylist(rows, EVENTS).sort_by("event_ticker"))

    def add_candles(self, series_ticker: str, event_ticker: str, candles: pa.Table) -> None:
        """The 1-minute candles of one event (schema CANDLES)."""
        order = [("market_ticker", "ascending"), ("end_period_ts", "ascending")]
        path = candle_file(self.folder, series_ticker, event_ticker)
        files.write_parquet(path, candles.select(CANDLES.names).cast(CANDLES).sort_by(order), {})

    def add_guidance(self, table: pa.Table) -> None:
        """Station guidance (schema GUIDANCE), one file per station."""
        self._per_station("guidance", table.select(GUIDANCE.names).cast(GUIDANCE), ["model", "runtime_ts", "ftime_ts"])

    def add_climate(self, table: pa.Table) -> None:
        """Climate reports (schema store.CLIMATE), one file per station."""
        self._per_station("climate", table.cast(schemas.CLIMATE), ["climate_date", "issued_ts"])

    def add_bars(self, symbol: str, table: pa.Table, about: Mapping[str, Any]) -> None:
        """A symbol's daily bars (date, open, high, low, close, adj_close, volume) as the chart API has them, under the name it
        has there; `about`: timezone, currency, splits {date: "new:old"}."""
        files.write_parquet(self.folder / "yahoo" / f"{symbol}.parquet", table.sort_by("date"), dict(about))

    def _per_station(self, kind: str, table: pa.Table, order: list[str]) -> None:
        for station in pc.unique(table["station_id"]).to_pylist():
            rows = table.filter(pc.field("station_id") == station)
            self._write(f"weather/{kind}/{station}.parquet", rows.sort_by([(name, "ascending") for name in order]))

    def _write(self, name: str, table: pa.Table) -> None:
        files.write_parquet(self.folder / name, table, {})


class Archive:
    """Reads an archive. Tables of markets, series and events are held; candles and weather are read when asked for."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        about = self._about()
        if about.get("format") != FORMAT:
            problem = f"is an archive of format {about.get('format')!r}, this version reads format {FORMAT}."
            raise ConfigError(problem, where=str(self.folder), remedy="Record or import it again.")
        self.series = self._objects("kalshi/series.parquet", "series_ticker")
        self.events = {row["event_ticker"]: row for row in self._rows("kalshi/events.parquet")}
        self.markets = self._rows("kalshi/markets.parquet")

    def _about(self) -> dict[str, Any]:
        try:
            about: dict[str, Any] = json.loads((self.folder / "archive.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            remedy = "Make one with `tradewinds archive synthetic --out DIR` or `tradewinds archive import`."
            raise ConfigError(f"this folder is no archive ({error}).", where=str(self.folder), remedy=remedy) from None
        return about

    def _rows(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / name
        return pq.read_table(path).to_pylist() if path.exists() else []

    def _objects(self, name: str, key: str) -> dict[str, dict[str, Any]]:
        return {row[key]: json.loads(row["raw"]) for row in self._rows(name)}

    def candles(self, series_ticker: str, event_ticker: str) -> pa.Table:
        """The 1-minute candles of an event; no rows when the archive has none."""
        path = candle_file(self.folder, series_ticker, event_ticker)
        return pq.read_table(path).cast(CANDLES) if path.exists() else CANDLES.empty_table()

    def bars(self, symbol: str) -> tuple[pa.Table, dict[str, Any]] | None:
        """A symbol's daily bars and what the service says of them; None for a symbol that the archive does not have."""
        folder = self.folder / "yahoo"
        known = {path.stem: path for path in folder.glob("*.parquet")}  # a name from outside is never made a path
        return (pq.read_table(known[symbol]), files.read_meta(known[symbol])) if symbol in known else None

    def guidance(self, station_id: str) -> pa.Table:
        """All guidance of a station; no rows when the archive has none."""
        path = self.folder / "weather" / "guidance" / f"{station_id}.parquet"
        return pq.read_table(path) if path.exists() else GUIDANCE.empty_table()

    def climate(self, station_id: str) -> pa.Table:
        """All climate reports of a station; no rows when the archive has none."""
        path = self.folder / "weather" / "climate" / f"{station_id}.parquet"
        return pq.read_table(path) if path.exists() else schemas.CLIMATE.empty_table()
