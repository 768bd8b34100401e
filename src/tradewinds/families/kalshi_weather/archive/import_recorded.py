"""Make an archive from recorded Parquet files: 1-minute candles in cents, markets, daily guidance, observed highs.

Columns are those listed in docs/archive.md. What the recordings do not say is assumed, and marked ASSUME here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.core import user_files
from tradewinds.core.errors import ConfigError
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.archive import market_objects
from tradewinds.families.kalshi_weather.archive.event_archive import CANDLES, GUIDANCE, MARKETS, EventArchiveWriter

CENTS = ("yes_bid", "yes_ask")
MARKET_COLUMNS = (
    *("series_ticker", "event_ticker", "market_ticker", "strike_type", "floor_strike", "cap_strike"),
    *("result", "open_time", "close_time"),
)
_OHLC = ("open", "high", "low", "close")

# ASSUME: a final climate report is issued 80 minutes after the climate day, 06:20 UTC in the Eastern zone (documented
# samples: New York 06:15 to 06:29 UTC, Chicago 06:32 to 06:46, so Chicago's is assumed to be late rather than early).
_ISSUED_AFTER_DAY_END = dt.timedelta(minutes=80)
# ASSUME: where no settlement time is recorded, 14:00 UTC on the day after.
_SETTLED_AT = dt.time(14, tzinfo=dt.UTC)

_CANDLE_SQL = """
SELECT market_ticker, end_period_ts,
       {quotes}, {prices},
       volume::DECIMAL(18, 2) AS volume, open_interest::DECIMAL(18, 2) AS open_interest
FROM read_parquet(?) ORDER BY market_ticker, end_period_ts
"""


def import_recorded(
    *,
    markets: Iterable[str | Path],
    out: str | Path,
    candles: Iterable[str | Path] = (),
    guidance: Iterable[str | Path] = (),
    climate: Iterable[str | Path] = (),
) -> None:
    """Make an archive from recorded Parquet files.

    Args:
        markets: files of markets.
        out: the archive's folder.
        candles: files of 1-minute candles.
        guidance: files of daily station guidance.
        climate: files of observed daily highs.

    Raises:
        ConfigError: a file is missing or lacks a column, or a station is unknown.
    """
    reports = _climate(climate)
    highs = {(row["station_id"], row["climate_date"]): row["high_f"] for row in reports.to_pylist()}
    candle_table = _candles(candles)
    totals = _totals(candle_table)
    rows = [_market(row, highs, totals) for row in _markets(markets).to_pylist()]
    writer = EventArchiveWriter(out, note="imported from recorded files")
    series = sorted({row["series_ticker"] for row in rows})
    writer.add_series(market_objects.series_object(ticker) for ticker in series)
    writer.add_events(_events(rows))
    writer.add_markets(pa.Table.from_pylist(rows, MARKETS))
    _add_candles(writer, candle_table, rows)
    writer.add_guidance(_guidance(guidance))
    writer.add_climate(reports)


def _markets(files: Iterable[str | Path]) -> pa.Table:
    """The rows of files of markets; raises ConfigError if a column of MARKET_COLUMNS is missing."""
    paths = list(files)
    table = _read(paths, "SELECT * FROM read_parquet(?, union_by_name = true)")
    if missing := [name for name in MARKET_COLUMNS if name not in table.column_names]:
        where, remedy = ", ".join(str(path) for path in paths), "The columns are listed in docs/archive.md."
        raise ConfigError(f"cannot be imported (no column {', '.join(missing)}).", where=where, remedy=remedy)
    return table


def _read(files: Iterable[str | Path], sql: str) -> pa.Table:
    """The answer to a question in SQL, whose one parameter is the list of files; raises ConfigError if one cannot be read."""
    paths = [str(path) for path in files]
    for path in paths:
        user_files.check_plain(path, "a recorded file", "Give the path of a Parquet file.")
    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.sql(sql, params=[paths]).to_arrow_table()
    except duckdb.Error as error:
        remedy = "The columns an import needs are listed in docs/archive.md."
        problem = str(error).splitlines()[0]
        raise ConfigError(f"cannot be imported ({problem}).", where=", ".join(paths), remedy=remedy) from None


def _candles(files: Iterable[str | Path]) -> pa.Table:
    """The rows of files of candles in cents, as candles in dollars (schema CANDLES)."""
    quotes = ", ".join(f"{_dollars(f'{side}_{k}_cents')} AS {side}_{k}" for side in CENTS for k in _OHLC)
    prices = ", ".join(f"{_dollars(f'price_{k}_cents')} AS price_{k}" for k in (*_OHLC, "mean", "previous"))
    paths = list(files)
    sql = _CANDLE_SQL.format(quotes=quotes, prices=prices)
    return _read(paths, sql).cast(CANDLES) if paths else CANDLES.empty_table()


def _dollars(column: str) -> str:
    """SQL for a column of cents (whole, or a mean with a fraction) in dollars with 6 decimals; null stays null."""
    return f"({column} / 100)::DECIMAL(9, 6)"


def _totals(candles: pa.Table) -> dict[str, tuple[str, str]]:
    """Volume and last open interest of each market, as the API writes counts."""
    connection = duckdb.connect()
    connection.register("candles", candles)
    sql = "SELECT market_ticker, sum(volume), arg_max(open_interest, end_period_ts) FROM candles GROUP BY ALL"
    return {
        ticker: (f"{volume:.2f}", f"{interest:.2f}") for ticker, volume, interest in connection.execute(sql).fetchall()
    }


def _market(row: dict[str, Any], highs: dict[Any, Any], totals: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """A row of the archive's markets from a recorded one.

    Args:
        row: a row of a file of markets.
        highs: observed highs by station and date.
        totals: volume and open interest by ticker, from the candles.
    """
    # what the recording may leave out: words, settlement time, observed value, counts
    date = climate_days.climate_date_of(row["event_ticker"])
    station = climate_days.station_of(row["series_ticker"])
    words = row.get("yes_sub_title") or market_objects.subtitle(
        row["strike_type"], row["floor_strike"], row["cap_strike"]
    )
    settled = row.get("settlement_ts") or dt.datetime.combine(date + dt.timedelta(days=1), _SETTLED_AT)
    high = highs.get((station.station_id, date)) if station.target == "max" else None
    recorded = (f"{row.get('volume') or 0:.2f}", f"{row.get('open_interest') or 0:.2f}")
    volume, interest = totals.get(row["market_ticker"], recorded)
    return market_objects.market_row(
        series_ticker=row["series_ticker"],
        event_ticker=row["event_ticker"],
        market_ticker=row["market_ticker"],
        strike_type=row["strike_type"],
        floor=_whole(row["floor_strike"]),
        cap=_whole(row["cap_strike"]),
        yes_sub_title=words,
        result=row["result"],
        open_time=row["open_time"],
        close_time=row["close_time"],
        settlement_ts=settled,
        volume=volume,
        open_interest=interest,
        expiration_value=row.get("expiration_value") or ("" if high is None else f"{high:.2f}"),
    )


def _whole(strike: float | None) -> float | None:
    """A strike as the API writes it: 65, not 65.0."""
    return int(strike) if strike is not None and float(strike).is_integer() else strike


def _events(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of some markets, as rows of the archive's events."""
    pairs = sorted({(row["series_ticker"], row["event_ticker"]) for row in rows})
    return [market_objects.event_row(*pair) for pair in pairs]


def _add_candles(writer: EventArchiveWriter, candles: pa.Table, rows: list[dict[str, Any]]) -> None:
    """Add the candles of each event's markets to the archive."""
    members: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        members.setdefault((row["series_ticker"], row["event_ticker"]), []).append(row["market_ticker"])
    for (series, event), tickers in sorted(members.items()):
        part = candles.filter(pc.is_in(candles["market_ticker"], pa.array(tickers)))
        if part.num_rows:
            writer.add_candles(series, event, part)


_GUIDANCE_SQL = """
WITH runs AS (
    SELECT station, model, epoch(runtime_utc::TIMESTAMPTZ)::BIGINT AS runtime_ts,
           epoch(target_date::TIMESTAMP)::BIGINT AS midnight, n_x_max_f, n_x_min_f, {tmp} AS tmp_max_f
    FROM read_parquet(?))
SELECT station AS station_id, model, runtime_ts, midnight + 86400 AS ftime_ts, n_x_max_f AS n_x_f, NULL::DOUBLE AS tmp_f
FROM runs WHERE n_x_max_f IS NOT NULL
UNION ALL  -- 00Z after the day carries its maximum, 12Z of the day its minimum
SELECT station, model, runtime_ts, midnight + 43200, n_x_min_f, NULL FROM runs WHERE n_x_min_f IS NOT NULL
UNION ALL  -- ASSUME: the hour of the day's highest temperature, which is not recorded, is 21Z
SELECT station, model, runtime_ts, midnight + 75600, 'nan'::DOUBLE, tmp_max_f FROM runs WHERE tmp_max_f IS NOT NULL
"""


def _guidance(files: Iterable[str | Path]) -> pa.Table:
    """The rows of files of daily guidance, as the runs and hours that carry their values (schema GUIDANCE)."""
    paths = list(files)
    if not paths:
        return GUIDANCE.empty_table()
    columns = _read(paths, "SELECT * FROM read_parquet(?, union_by_name = true) LIMIT 0").column_names
    tmp = "tmp_max_f" if "tmp_max_f" in columns else "NULL::DOUBLE"
    return _read(paths, _GUIDANCE_SQL.format(tmp=tmp)).cast(GUIDANCE)


_CLIMATE_SQL = """
SELECT station, date_local::DATE AS day, high_f::INTEGER AS high FROM (
    SELECT station, COLUMNS('^(date|date_local)$') AS date_local, high_f FROM read_parquet(?))
WHERE high_f IS NOT NULL
"""


def _climate(files: Iterable[str | Path]) -> pa.Table:
    """The rows of files of observed highs, as final climate reports (schema CLIMATE)."""
    paths = list(files)
    rows = _read(paths, _CLIMATE_SQL).to_pylist() if paths else []
    return pa.Table.from_pylist(
        [_report(row["station"], row["day"], row["high"], None) for row in rows], schemas.CLIMATE
    )


def _report(station_id: str, day: dt.date, high: int | None, low: int | None) -> dict[str, Any]:
    """One final climate report, issued shortly after the station's climate day."""
    station = next((s for s in climate_days.stations().values() if s.station_id == station_id), None)
    if station is None:
        remedy = "Leave its rows out, or use the four-letter identifier (KMDW)."
        raise ConfigError(f"no known station {station_id!r}.", where="climate file", remedy=remedy)
    end = dt.datetime.fromtimestamp(climate_days.climate_day_bounds(station, day)[1], dt.UTC)
    issued = end + _ISSUED_AFTER_DAY_END
    return climate_row(station, day, high, low, issued)


def climate_row(
    station: climate_days.Station, day: dt.date, high: int | None, low: int | None, issued: dt.datetime
) -> dict[str, Any]:
    """A climate report with the product id that goes with its issue time.

    Args:
        station: the station.
        day: the climate date.
        high: in whole °F; None if the report has none.
        low: in whole °F; None if the report has none.
        issued: when the report was issued.

    Returns:
        A row of schema CLIMATE.
    """
    issued_ts = int(issued.timestamp())
    standard = issued + dt.timedelta(hours=station.lst_offset_hours)
    return {
        "station_id": station.station_id,
        "climate_date": day,
        "high_f": high,
        "low_f": low,
        "issued_ts": issued_ts,
        "product": f"{issued:%Y%m%d%H%M}-KXXX-CDUS40-{station.cli_code}",
        "final": standard.date() > day,
        "known_at_ts": issued_ts + 600,
    }
