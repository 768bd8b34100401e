"""A large and quick archive: hundreds of events over several series, with few candles each."""

import datetime as dt
import itertools
import random
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa

from tests.families.funding_carry.exchange_worlds import candle_rows, candles, days_of, rate_rows, rates
from tradewinds.families.equities_daily.archive_routes import add_bars, bars_table
from tradewinds.families.equities_intraday.archive_routes import ARCHIVED_MINUTES, add_minutes
from tradewinds.families.funding_carry.archive_routes import add_month
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.archive import market_objects
from tradewinds.families.kalshi_weather.archive.event_archive import CANDLES, GUIDANCE, MARKETS, EventArchiveWriter
from tradewinds.families.kalshi_weather.archive.recorded_weather import climate_row

# every kind of window, so that every candle route is used
WINDOWS = {
    "KXHIGHCHI": "full_1m",
    "KXHIGHMIA": "trade_2300_d1_1m",
    "KXHIGHNY": "full_60m",
    "KXHIGHAUS": "full_60m",
}
SYMBOLS = {f"S{n:02}.AX": ("Australia/Sydney", "AUD") for n in range(20)}  # shares of the chart API
SHARE_YEARS = (2023, 2024, 2025)
MINUTE_SYMBOLS, MINUTE_MONTHS = ("AAA", "BBB", "CCC"), ("2025-10", "2025-11")  # minute bars of the chart API
NOW = dt.datetime(
    2025, 11, 21, 12, tzinfo=dt.UTC
)  # of the chart API, whose minutes end after thirty days, and of their jobs
PERPS = (  # months of perpetuals: source, kind, symbol, and how they came
    ("binance", "funding", "BTC/USDT:USDT", "bulk"),
    ("binance", "spot", "BTC/USDT:USDT", "bulk"),
    ("binance", "perp", "BTC/USDT:USDT", "rest"),
    ("bybit", "funding", "BTC/USDT:USDT", "rest"),
    ("bybit", "mark", "BTC/USDT:USDT", "rest"),
    ("hyperliquid", "funding", "BTC/USDC:USDC", "rest"),
)
PERP_MONTHS, PERP_MINUTES = ("2024-02", "2024-03"), 60
FIRST = dt.date(2025, 1, 3)
MODELS = ("GFS", "NAM")
CANDLES_PER_MARKET = 12
SIDES = [f"{side}_{name}" for side in ("yes_bid", "yes_ask") for name in ("open", "high", "low", "close")]
PAID = [f"price_{name}" for name in ("open", "high", "low", "close", "mean")]


def make_world(folder: Path, days: int) -> list[dt.date]:
    """Write the archive; the climate dates of every series. The second date of the first series is not listed."""
    dates = climate_days.date_range(FIRST, FIRST + dt.timedelta(days=days - 1))
    writer = EventArchiveWriter(folder, note="a large and quick world")
    stations = [climate_days.station_of(series) for series in WINDOWS]
    markets = []
    for station in stations:
        for day in dates:
            if (station, day) != (stations[0], dates[1]):
                markets += _event(writer, station, day)
    writer.add_series(market_objects.series_object(series) for series in WINDOWS)
    events = sorted({(row["series_ticker"], row["event_ticker"]) for row in markets})
    writer.add_events([market_objects.event_row(*pair) for pair in events])
    writer.add_markets(pa.Table.from_pylist(markets, MARKETS))
    _weather(writer, stations, dates)
    _shares(writer)
    _minutes(writer)
    _perps(writer)
    return dates


def _perps(writer: EventArchiveWriter) -> None:
    """Settlements of every hour and candles of PERPS over PERP_MONTHS."""
    for (source, kind, symbol, via), month in itertools.product(PERPS, PERP_MONTHS):
        is_rate = kind == "funding"
        rows = rate_rows(month, hours=1, jitter_ms=31) if is_rate else candle_rows(month, PERP_MINUTES, kind != "mark")
        about = {"source": source, "kind": kind, "symbol": symbol, "spot": symbol.partition(":")[0], "via": via}
        about |= {
            "month": month,
            "minutes": None if is_rate else PERP_MINUTES,
            "covers_through": f"{days_of(month)[1]}",
        }
        add_month(writer, rates(rows) if is_rate else candles(rows), about)


def _shares(writer: EventArchiveWriter) -> None:
    """Daily bars of SYMBOLS over SHARE_YEARS, and a split of each."""
    for symbol, (zone, currency) in SYMBOLS.items():
        rng, rows = random.Random(symbol), []
        for day in climate_days.date_range(dt.date(SHARE_YEARS[0], 1, 3), dt.date(SHARE_YEARS[-1], 12, 20)):
            if day.weekday() < 5:
                price = rng.randint(900, 1100) / 100
                prices = {
                    "open": price,
                    "high": price + 0.25,
                    "low": price - 0.25,
                    "close": price,
                    "adj_close": price / 2,
                }
                rows.append({"date": day, **prices, "volume": rng.randint(1, 9) * 1000})
        add_bars(
            writer, symbol, bars_table(rows), {"timezone": zone, "currency": currency, "splits": {"2024-03-05": "2:1"}}
        )


def _minutes(writer: EventArchiveWriter) -> None:
    """A bar every fifteen minutes of the sessions in the thirty days before NOW, of MINUTE_SYMBOLS."""
    for symbol in MINUTE_SYMBOLS:
        rng, rows = random.Random(symbol), []
        for day in climate_days.date_range(NOW.date() - dt.timedelta(days=29), NOW.date() - dt.timedelta(days=1)):
            opened = dt.datetime.combine(day, dt.time(9, 30), ZoneInfo("America/New_York"))
            for number in range(26 if day.weekday() < 5 else 0):
                price = rng.randint(900, 1100) / 100
                prices = {"open": price, "high": price + 0.25, "low": price - 0.25, "close": price}
                rows.append({"ts": int(opened.timestamp()) + 900 * number, **prices, "volume": rng.randint(1, 9) * 100})
        about = {"timezone": "America/New_York", "currency": "USD"}
        add_minutes(writer, symbol, pa.Table.from_pylist(rows, ARCHIVED_MINUTES), about)


def cutoff_of(dates: list[dt.date]) -> dt.date:
    """A cutoff with half of the events on either side."""
    return dates[len(dates) // 2]


def _event(writer: EventArchiveWriter, station: climate_days.Station, day: dt.date) -> list[dict]:
    """Six markets, and their candles written to the archive."""
    event = climate_days.event_ticker_of(station.series_ticker, day)
    rng = random.Random(event)
    start, end = climate_days.climate_day_bounds(station, day)
    opened, closed = start - 14 * 3600, end - 60
    low = rng.randint(20, 90)
    brackets = [("less", f"T{low}", None, low)]
    brackets += [("between", f"B{low + 2 * n}.5", low + 2 * n, low + 2 * n + 1) for n in range(4)]
    brackets += [("greater", f"T{low + 7}", low + 7, None)]
    columns = {name: [] for name in CANDLES.names}
    for _, strike, _, _ in brackets:
        _candles(rng, f"{event}-{strike}", opened, closed, columns)
    writer.add_candles(station.series_ticker, event, pa.table(columns, schema=CANDLES))
    return [
        market_objects.market_row(
            series_ticker=station.series_ticker,
            event_ticker=event,
            market_ticker=f"{event}-{strike}",
            strike_type=kind,
            floor=floor,
            cap=cap,
            yes_sub_title=market_objects.subtitle(kind, floor, cap),
            result="yes" if kind == "less" else "no",
            open_time=_time(opened),
            close_time=_time(closed),
            settlement_ts=_time(end + 8 * 3600),
            expiration_value=f"{low - 1}.00",
        )
        for kind, strike, floor, cap in brackets
    ]


def _candles(rng: random.Random, ticker: str, opened: int, closed: int, columns: dict[str, list]) -> None:
    """A market's sparse candles: no two alike, every other one with a trade."""
    minutes = sorted(rng.sample(range(opened // 60 + 1, closed // 60 + 1), CANDLES_PER_MARKET))
    for number, minute in enumerate(minutes):
        columns["market_ticker"].append(ticker)
        columns["end_period_ts"].append(minute * 60)
        bid = rng.randint(1, 90)
        for name in SIDES:
            columns[name].append(_dollars(bid + (rng.randint(1, 9) if "ask" in name else 0)))
        for name in PAID:
            columns[name].append(_dollars(bid) if number % 2 else None)
        columns["price_previous"].append(_dollars(bid) if number > 1 else None)
        columns["volume"].append(Decimal(rng.randint(1, 60) if number % 2 else 0))
        columns["open_interest"].append(Decimal(number * 10))


def _weather(writer: EventArchiveWriter, stations: list[climate_days.Station], dates: list[dt.date]) -> None:
    guidance, climate = [], []
    for station in stations:
        for number, day in enumerate(dates):
            midnight = int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())
            times = {"runtime_ts": midnight - 43_200, "ftime_ts": midnight + 86_400}
            for model in MODELS:
                row = {"station_id": station.station_id, "model": model, "n_x_f": 40.0 + number % 50, "tmp_f": None}
                guidance.append(row | times)
            end = _time(climate_days.climate_day_bounds(station, day)[1])
            climate.append(climate_row(station, day, 40 + number % 50, 20, end + dt.timedelta(minutes=35)))
    writer.add_guidance(pa.Table.from_pylist(guidance, GUIDANCE))
    writer.add_climate(pa.Table.from_pylist(climate, schemas.CLIMATE))


def _time(ts: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(ts, dt.UTC)


def _dollars(cents: int) -> Decimal:
    return Decimal(cents) / 100
