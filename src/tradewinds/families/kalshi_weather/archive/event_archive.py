"""An archive's temperature events: series, events, markets, candles, guidance, climate reports and readings, file by file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.archive.archive import Archive, ArchiveWriter
from tradewinds.archive.clock import ServerClock
from tradewinds.core import files, units
from tradewinds.families.kalshi_weather import schemas

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
CLIMATE = schemas.CLIMATE
OBSERVATIONS = pa.schema([field for field in schemas.OBSERVATIONS if field.name != "known_at_ts"])

_SERIES_FILE, _EVENTS_FILE, _MARKETS_FILE = (f"kalshi/{name}.parquet" for name in ("series", "events", "markets"))


def candle_name(series_ticker: str, event_ticker: str) -> str:
    """The file with an event's candles, below the archive's folder."""
    return f"kalshi/candles/{series_ticker}/{event_ticker}.parquet"


def candle_file(folder: Path, series_ticker: str, event_ticker: str) -> Path:
    """The file with an event's candles in the archive at `folder`."""
    return folder / candle_name(series_ticker, event_ticker)


def _weather_name(kind: str, station_id: str) -> str:
    return f"weather/{kind}/{station_id}.parquet"


class EventArchiveWriter(ArchiveWriter):
    """Make an archive of temperature events. Rows may come in any order; files are written whole, in order."""

    def add_series(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Write series objects, as the exchange's API shows them."""
        rows = [{"series_ticker": item["ticker"], "raw": json.dumps(item, sort_keys=True)} for item in objects]
        self.write(_SERIES_FILE, pa.Table.from_pylist(rows, SERIES).sort_by("series_ticker"))

    def add_events(self, rows: list[dict[str, Any]]) -> None:
        """Write events: rows of schema EVENTS."""
        self.write(_EVENTS_FILE, pa.Table.from_pylist(rows, EVENTS).sort_by("event_ticker"))

    def add_markets(self, markets: pa.Table) -> None:
        """Write markets: rows of schema MARKETS, whose `raw` is the API's market object as JSON."""
        ordered = markets.select(MARKETS.names).cast(MARKETS).sort_by("market_ticker")
        self.write(_MARKETS_FILE, ordered)

    def add_candles(self, series_ticker: str, event_ticker: str, candles: pa.Table) -> None:
        """Write the 1-minute candles of one event: rows of schema CANDLES."""
        order = [("market_ticker", "ascending"), ("end_period_ts", "ascending")]
        ordered = candles.select(CANDLES.names).cast(CANDLES).sort_by(order)
        self.write(candle_name(series_ticker, event_ticker), ordered)

    def add_guidance(self, table: pa.Table) -> None:
        """Write station guidance, rows of schema GUIDANCE, as one file per station; a spread that no row has is left out."""
        ordered = files.completed(table, GUIDANCE)
        if ordered["n_x_sd_f"].null_count == len(ordered):
            ordered = ordered.drop_columns("n_x_sd_f")
        self._write_stations("guidance", ordered, ["model", "runtime_ts", "ftime_ts"])

    def add_climate(self, table: pa.Table) -> None:
        """Write climate reports, rows of schema CLIMATE, as one file per station."""
        self._write_stations("climate", table.cast(CLIMATE), ["climate_date", "issued_ts"])

    def add_observations(self, table: pa.Table) -> None:
        """Write readings, rows of schema OBSERVATIONS, as one file per station."""
        self._write_stations("observations", table.select(OBSERVATIONS.names).cast(OBSERVATIONS), ["valid_ts"])

    def _write_stations(self, kind: str, table: pa.Table, order: list[str]) -> None:
        for station in pc.unique(table["station_id"]).to_pylist():
            rows = table.filter(pc.field("station_id") == station)
            self.write(_weather_name(kind, station), rows.sort_by([(name, "ascending") for name in order]))


class EventArchive(Archive):
    """The temperature events of an archive. Candles and weather are read when they are asked for.

    Attributes:
        series: series objects as the exchange's API shows them, by ticker.
        events: rows of schema EVENTS, by ticker.
        markets: rows of schema MARKETS.
    """

    def __init__(self, folder: str | Path, clock: ServerClock | None = None) -> None:
        super().__init__(folder, clock)
        series = self.table(_SERIES_FILE, SERIES).to_pylist()
        self.series: dict[str, dict[str, Any]] = {row["series_ticker"]: json.loads(row["raw"]) for row in series}
        self.events: dict[str, dict[str, Any]] = {
            row["event_ticker"]: row for row in self.table(_EVENTS_FILE, EVENTS).to_pylist()
        }
        self.markets: list[dict[str, Any]] = self.table(_MARKETS_FILE, MARKETS).to_pylist()

    def candles(self, series_ticker: str, event_ticker: str) -> pa.Table:
        """The 1-minute candles of an event, schema CANDLES; no rows if the archive has none."""
        return self.table(candle_name(series_ticker, event_ticker), CANDLES)

    def guidance(self, station_id: str) -> pa.Table:
        """All guidance of a station, schema GUIDANCE; no rows if the archive has none."""
        return self.table(_weather_name("guidance", station_id), GUIDANCE)

    def climate(self, station_id: str) -> pa.Table:
        """All climate reports of a station, schema CLIMATE; no rows if the archive has none."""
        return self.table(_weather_name("climate", station_id), CLIMATE)

    def observations(self, station_id: str) -> pa.Table:
        """All readings of a station, schema OBSERVATIONS; no rows if the archive has none."""
        return self.table(_weather_name("observations", station_id), OBSERVATIONS)
