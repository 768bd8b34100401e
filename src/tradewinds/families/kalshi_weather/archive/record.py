"""Record what was fetched for a config as an archive, so that another machine can be served the same data.

Only what the archive can give back as it came is recorded: every file must be there, with all minutes of every market.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewinds.archive.archive import made_whole
from tradewinds.config.resolve import Config
from tradewinds.core import files
from tradewinds.core.damage import damaged_files
from tradewinds.core.errors import ConfigError
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.archive import market_objects
from tradewinds.families.kalshi_weather.archive.event_archive import MARKETS, EventArchiveWriter
from tradewinds.families.kalshi_weather.damaged_events import is_left_out, is_still_open
from tradewinds.families.kalshi_weather.plan import EventsPlan
from tradewinds.families.kalshi_weather.pooling.probability_sources import forecast_config
from tradewinds.families.plan import refuse_missing

_FEES = ("fee_type", "fee_multiplier")
_NO_PRICE = Decimal("1.2")  # no market has it: a contract pays at most 1
_RECORDED = [
    *("series_ticker", "climate_date", "event_ticker", "market_ticker", "open_time", "close_time", "settlement_ts"),
    *("status", "result", "settlement_value", "expiration_value", *_FEES, "raw", "retrieved_at"),
]

Row = dict[str, Any]


def record(conf: Config, plan: EventsPlan, out: str | Path) -> int:
    """Write an archive of a config's fetched files. Its folder appears when it is whole.

    Args:
        conf: the resolved config.
        plan: its files.
        out: the folder to make.

    Returns:
        The number of events.

    Raises:
        ConfigError: the config's candles are a part of each market's, the range has several fees, or `out` is not empty.
        DataMissing: files are not there yet; it names them all.
        DamagedFile: a file is not what was fetched.
    """
    # refuse what cannot be recorded, before anything is made
    _refuse_partial(conf)
    refuse_missing(plan)
    for damage in damaged_files(plan.data_files):
        raise damage
    with made_whole(out) as part:
        events = _write(conf, plan, part)
    return events


def _refuse_partial(conf: Config) -> None:
    """Raise ConfigError for a config whose candles are a part of each market's."""
    policy = conf["candles"]["window_policy"]
    if policy == "FULL_MARKET_WINDOW":
        return
    problem = f"{policy} is a part of each market's minutes, and an archive serves them all."
    remedy = (
        "Run a copy of this config with window_policy: FULL_MARKET_WINDOW and record that; its archive also answers this "
        "config."
    )
    raise ConfigError(problem, where="candles.window_policy", remedy=remedy)


def _write(conf: Config, plan: EventsPlan, folder: Path) -> int:
    """Write the archive of a config's fetched files into a folder; return the number of events."""
    # the catalogs' rows of the config's range
    first, last = forecast_config(conf)["date_start_local"], conf["date_end_local"]
    catalogs = {
        series: files.read_rows(path, _RECORDED, schemas.climate_range(first, last))
        for series, path in plan.files.catalogs.items()
    }
    rows = [row for listed in catalogs.values() for row in listed]
    note = (
        f"recorded from what was fetched for {', '.join(plan.files.catalogs)}, {first} to {last}; series and event objects are "
        "rebuilt: fees as they were fetched, texts assumed; an event left out as damaged has candles with prices of 1.2"
    )
    # series, events and markets, then candles and weather file by file
    writer = EventArchiveWriter(folder, note=note)
    writer.add_series(_series_object(series, listed) for series, listed in catalogs.items())
    events = sorted({(row["series_ticker"], row["event_ticker"]) for row in rows})
    writer.add_events([market_objects.event_row(*pair) for pair in events])
    writer.add_markets(pa.Table.from_pylist([_market(row) for row in rows], MARKETS))
    event_of = {row["market_ticker"]: row["event_ticker"] for row in rows}
    for event in (*plan.files.training, *plan.files.events):
        if is_still_open(event.path):
            what = f"{event.series_ticker} {event.climate_date} was open when its candles were asked for."
            raise ConfigError(
                what, where=event.path, remedy="Run the config again once it has closed, or end it earlier."
            )
        if is_left_out(event.path):
            members = [row for row in catalogs[event.series_ticker] if row["climate_date"] == event.climate_date]
            _add_damaged(writer, event.series_ticker, members)
        else:
            _add_candles(writer, event.series_ticker, event.path, event_of)
    writer.add_guidance(_joined(plan.files.guidance.values(), schemas.GUIDANCE))
    writer.add_climate(_joined(plan.files.climate.values(), schemas.CLIMATE))
    writer.add_observations(_joined(plan.files.observations.values(), schemas.OBSERVATIONS))
    return len(events)


def _series_object(series: str, rows: list[Row]) -> Row:
    """A series object with the fees that the catalog has.

    ASSUME: texts are the usual ones (the catalog does not keep them), and a series without a market has the usual fees.
    """
    fees = {tuple(row[name] for name in _FEES) for row in rows}
    if len(fees) > 1:
        said = " and ".join(sorted(f"{kind} × {multiplier}" for kind, multiplier in fees))
        remedy = "Record ranges of dates that have one fee each."
        raise ConfigError(f"its markets have several fees ({said}), an archive has one.", where=series, remedy=remedy)
    known = {name: value for kind in fees for name, value in zip(_FEES, kind, strict=True)}
    multiplier = known.get("fee_multiplier")
    if multiplier is not None:
        known["fee_multiplier"] = _number(multiplier)
    return market_objects.series_object(series) | {name: value for name, value in known.items() if value is not None}


def _number(value: float | Decimal) -> int | float:
    """A number as JSON shows it: 1, not 1.0."""
    return int(value) if value == int(value) else float(value)


def _market(row: Row) -> Row:
    """A row of the archive's markets from a row of the catalog.

    Its object is the one that was fetched. A result that a later listing no longer had is put back.
    """
    raw = json.loads(row["raw"])
    if row["result"] is not None and not raw.get("result"):
        raw |= _settlement(row)
    settled = row["settlement_ts"] or row["close_time"]  # it decides which tier has the market, and nothing else
    text = json.dumps(raw, sort_keys=True, ensure_ascii=False)
    return {name: row[name] for name in MARKETS.names} | {"settlement_ts": settled, "raw": text}


def _settlement(row: Row) -> Row:
    """The keys of a market object that tell its result, from a row of the catalog."""
    known: Row = {"result": row["result"], "status": row["status"], "expiration_value": row["expiration_value"] or ""}
    if row["settlement_value"] is not None:
        known["settlement_value_dollars"] = f"{row['settlement_value']:.6f}"
    if row["settlement_ts"] is not None:
        known["settlement_ts"] = market_objects.zulu(row["settlement_ts"])
    return known


def _add_candles(writer: EventArchiveWriter, series: str, path: str, event_of: Mapping[str, str]) -> None:
    """Add the candles of a date's file. It has several events if the series was renamed on that date."""
    table = pq.read_table(path)
    tickers = pc.unique(table["market_ticker"]).to_pylist()
    for event in sorted({event_of[ticker] for ticker in tickers}):
        members = pa.array([ticker for ticker in tickers if event_of[ticker] == event])
        writer.add_candles(series, event, table.filter(pc.is_in(table["market_ticker"], members)))


def _add_damaged(writer: EventArchiveWriter, series: str, markets: list[Row]) -> None:
    """Add, for an event whose candles could not be right, one of each market that cannot be right either.

    What the exchange answered is not in the event's file. So a client of the archive refuses the event, or leaves it out, as
    here; with no candles it would be taken for an event without trades. The candle ends in the last minute, which
    every window has.
    """
    for event in sorted({row["event_ticker"] for row in markets}):
        candles = [
            dict.fromkeys(schemas.PRICE_COLUMNS, _NO_PRICE)
            | {"market_ticker": row["market_ticker"], "end_period_ts": int(row["close_time"].timestamp()) // 60 * 60}
            | {"volume": Decimal(0), "open_interest": Decimal(0), "retrieved_at": row["retrieved_at"]}
            for row in markets
            if row["event_ticker"] == event
        ]
        writer.add_candles(series, event, pa.Table.from_pylist(candles, schemas.CANDLES))


def _joined(paths: Iterable[str], schema: pa.Schema) -> pa.Table:
    """The rows of several files of one schema."""
    tables = [files.completed(files.read_table(path), schema) for path in paths]
    return pa.concat_tables(tables) if tables else schema.empty_table()
