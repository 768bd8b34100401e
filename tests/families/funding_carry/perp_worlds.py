"""Small worlds of funding rates and candles, written in the layouts that users bring."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

from tests.families.funding_carry.carry_configs import BTC, carry_config
from tradewinds.engine.carry.carry_market import SymbolMarket
from tradewinds.families.funding_carry.carry_panel import read_carry_panel
from tradewinds.families.funding_carry.fetch import synthetic_perps, user_perps
from tradewinds.families.funding_carry.make_panel import make_carry_panel
from tradewinds.families.plan import run_plan

HOUR = dt.timedelta(hours=1)
MS = pa.timestamp("ms", "UTC")
PRICE, RATE = pa.decimal128(24, 8), pa.decimal128(16, 12)


def utc(text: str) -> dt.datetime:
    """Return an instant such as 2024-03-01 08:00, UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@dataclass
class PerpWorld:
    """Settlements and candles of one symbol.

    Attributes:
        symbol: the perpetual.
        rates: (settlement, rate).
        series: by kind: (opening, open, high, low, close, volume).
    """

    symbol: str = BTC
    rates: list[tuple[dt.datetime, Decimal]] = field(default_factory=list)
    series: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    @property
    def pair(self) -> str:
        """The pair of the spot leg."""
        return self.symbol.split(":")[0]


def world_of(first: str, days: int, symbol: str = BTC) -> PerpWorld:
    """Return a world with a settlement each eight hours and a candle of each kind each hour."""
    start, world = utc(first), PerpWorld(symbol)
    for number in range(3 * days):
        world.rates.append((start + 8 * number * HOUR, Decimal("0.0001") + Decimal(number % 7) * Decimal("0.0000123")))
    for place, kind in enumerate(("spot", "perp", "mark")):
        rows = []
        for hour in range(24 * days):
            price = Decimal(40_000 + hour % 50) + Decimal(place) * Decimal("3.25")
            close = Decimal(40_000 + (hour + 1) % 50) + Decimal(place) * Decimal("3.25")
            volume = Decimal(0) if kind == "mark" else Decimal(hour % 11) + Decimal("0.12345678")
            rows.append((start + hour * HOUR, price, max(price, close) + 1, min(price, close) - 1, close, volume))
        world.series[kind] = rows
    return world


def ms(instant: dt.datetime) -> int:
    """Return milliseconds since 1970."""
    return int(instant.timestamp() * 1000)


def candle_table(world: PerpWorld, kind: str, *, floats: bool = False) -> pa.Table:
    """Return candles as columns ts_utc, open, high, low, close and, but for marks, volume."""
    rows = world.series[kind]
    columns: dict[str, Any] = {"ts_utc": pa.array([row[0] for row in rows], MS)}
    for place, name in enumerate(("open", "high", "low", "close", "volume"), start=1):
        if name != "volume" or kind != "mark" or floats:
            values = [row[place] for row in rows]
            columns[name] = pa.array([float(v) for v in values]) if floats else pa.array(values, PRICE)
    return pa.table(columns)


def write_recorded(world: PerpWorld, folder: Path) -> None:
    """Write Parquet files with a column of symbols, as recorded sets have them."""
    folder.mkdir(parents=True, exist_ok=True)
    times, rates = zip(*world.rates, strict=True)
    table = pa.table(
        {
            "symbol": pa.array([world.symbol] * len(times)).dictionary_encode(),
            "ts_utc": pa.array(times, MS),
            "ts_raw_utc": pa.array([at + dt.timedelta(milliseconds=7) for at in times], MS),
            "funding_rate": pa.array(rates, RATE),
        }
    )
    pq.write_table(table, folder / f"binance_funding_{world.symbol.split('/')[0]}.parquet")
    for kind in world.series:
        table = candle_table(world, kind)
        name = world.pair if kind == "spot" else world.symbol
        table = table.add_column(0, "symbol", pa.array([name] * table.num_rows))
        pq.write_table(table, folder / f"binance_{kind}_1h_{world.symbol.split('/')[0]}.parquet")


def write_ccxt(world: PerpWorld, folder: Path) -> None:
    """Write CSV files as they come from ccxt: rates with a header, candles as six numbers a row."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["timestamp,datetime,symbol,fundingRate"]
    for at, rate in world.rates:
        stamp = at + dt.timedelta(milliseconds=7)
        lines.append(f"{ms(stamp)},{stamp.isoformat().replace('+00:00', 'Z')},{world.symbol},{float(rate)!r}")
    (folder / "funding.csv").write_text("\n".join(lines) + "\n")
    for kind, rows in world.series.items():
        name = "BTC_USDT" if kind == "spot" else "BTC_USDT_USDT"
        text = "\n".join(",".join([str(ms(row[0])), *(repr(float(v)) for v in row[1:])]) for row in rows)
        (folder / f"{name}-{kind}.csv").write_text(text + "\n")


def write_freqtrade(world: PerpWorld, folder: Path) -> None:
    """Write feather files as freqtrade keeps them: rates in the column `open`, floats."""
    (folder / "futures").mkdir(parents=True, exist_ok=True)
    names = {"spot": "BTC_USDT-1h", "perp": "futures/BTC_USDT_USDT-1h-futures", "mark": "futures/BTC_USDT_USDT-1h-mark"}
    for kind in world.series:
        table = candle_table(world, kind, floats=True).rename_columns(
            ["date", "open", "high", "low", "close", "volume"]
        )
        pyarrow.feather.write_feather(table, folder / f"{names[kind]}.feather")
    times, rates = zip(*world.rates, strict=True)
    zeros = pa.array([0.0] * len(times))
    columns = {"date": pa.array(times, MS), "open": pa.array([float(rate) for rate in rates])}
    table = pa.table(columns | dict.fromkeys(("high", "low", "close", "volume"), zeros))
    pyarrow.feather.write_feather(table, folder / "futures/BTC_USDT_USDT-8h-funding_rate.feather")


def write_bulk(world: PerpWorld, folder: Path) -> None:
    """Write CSV files as Binance's bulk files are named: twelve columns, spot stamps in microseconds and without a header."""
    glued = world.symbol.split(":")[0].replace("/", "")
    for kind, rows in world.series.items():
        place = {"spot": "spot/klines", "perp": "futures/um/klines", "mark": "futures/um/markPriceKlines"}[kind]
        (folder / place).mkdir(parents=True, exist_ok=True)
        factor = 1000 if kind == "spot" else 1
        head = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,t,ignore\n"
        body = "".join(
            f"{ms(row[0]) * factor},{','.join(f'{v:f}' for v in row[1:])},{(ms(row[0]) + 3_599_999) * factor},0,0,0,0,0\n"
            for row in rows
        )
        (folder / place / f"{glued}-1h-2024-03.csv").write_text(body if kind == "spot" else head + body)
    (folder / "futures/um/fundingRate").mkdir(parents=True)
    lines = ["calc_time,funding_interval_hours,last_funding_rate", *(f"{ms(at) + 7},8,{r:f}" for at, r in world.rates)]
    (folder / f"futures/um/fundingRate/{glued}-fundingRate-2024-03.csv").write_text("\n".join(lines))


LAYOUTS = {"recorded": write_recorded, "ccxt": write_ccxt, "freqtrade": write_freqtrade, "bulk": write_bulk}


def made_markets(config: dict[str, Any]) -> list[SymbolMarket]:
    """Make the month files and the panel of a config, and return its records."""
    plan = run_plan(config)
    if config["data"]["source"] == "files":
        user_perps.import_perps(config, plan.files.months)
    else:
        synthetic_perps.make_perps(config, plan.files.months)
    make_carry_panel(config, plan)
    return read_carry_panel(plan.files.panel, config)


def files_config(path: Path | str, **sections: Any) -> dict[str, Any]:
    """Return a resolved config that reads files."""
    data = {"source": "files", "path": str(path)} | sections.pop("data", {})
    return carry_config(data=data, **sections)
