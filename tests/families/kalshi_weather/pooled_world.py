"""Two cities, a dozen days: ladders with quotes around the as-of time, a user's probabilities, results the next morning."""

import datetime as dt
import random
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tradewinds.config import resolve
from tradewinds.core import files, units
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.lookahead.changed_inputs import Inputs

FIRST, LAST = dt.date(2025, 5, 3), dt.date(2025, 5, 14)
SERIES = ("KXHIGHCHI", "KXHIGHMIA")
MARKETS, COLDEST_F, HOUR = 4, 70, 3600


def config_of(path, first=FIRST, last=LAST, **pooled):
    """A resolved config that pools a user's file."""
    return resolve.resolve(
        {
            "series_tickers": list(SERIES),
            "date_start_local": first,
            "date_end_local": last,
            "asof_policy": {"local_time": "23:00", "days_before": 1},
            "trade_window_policy": "market_close",
            "cadence_minutes": 1,
            "execution_model": "taker",
            "probabilities": {
                "source": "pooled",
                "path": str(path),
                "pooled": {"of": "file", "shrinkage": 2, **pooled},
            },
            "risk": {"min_ev_per_contract": 0.01},
            "output_dir": "backtests",
        }
    )


def make_inputs(folder: Path, seed: int, **pooled) -> Inputs:
    """Write the world's files; `pooled` are keys of the config's section."""
    rng, catalogs, candles, users = random.Random(seed), {}, {}, []
    for series in SERIES:
        station, listed = climate_days.station_of(series), []
        for day in climate_days.date_range(FIRST, LAST):
            asof = climate_days.asof_ts(station, day, "23:00", 1)
            markets = _markets(rng, series, day, asof)
            found = [row for market in markets for row in _candles(rng, market["market_ticker"], asof)]
            counts = Counter(row["market_ticker"] for row in found)
            meta = {"markets": [one["market_ticker"] for one in markets], "rows_per_market": dict(counts)}
            path = folder / f"{series}-{day}.parquet"
            files.write_parquet(path, pa.Table.from_pylist(found, schemas.CANDLES), meta)
            candles[series, day] = str(path)
            listed += markets
            known = dt.datetime.fromtimestamp(asof - rng.randint(1, 9) * HOUR, dt.UTC)
            users += [
                {
                    "market_ticker": one["market_ticker"],
                    "known_at_utc": known,
                    "p_yes": Decimal(rng.randint(1, 70)) / 100,
                }
                for one in markets
            ]
        catalogs[series] = str(folder / f"{series}.parquet")
        files.write_parquet(catalogs[series], pa.Table.from_pylist(listed, schemas.CATALOG), {})
    schema = pa.schema([("market_ticker", pa.string()), ("known_at_utc", units.TS), ("p_yes", units.PROB)])
    pq.write_table(pa.Table.from_pylist(users, schema), folder / "mine.parquet")
    conf = config_of(folder / "mine.parquet", **pooled)
    return Inputs(conf, catalogs, candles, {}, {}, str(folder / "mine.parquet"))


def _markets(rng, series, day, asof):
    """Catalog rows of one event."""
    event, winner = climate_days.event_ticker_of(series, day), rng.randrange(MARKETS)
    moments = {"open_time": asof - 13 * HOUR, "close_time": asof + 25 * HOUR, "settlement_ts": asof + 34 * HOUR}
    times = {name: dt.datetime.fromtimestamp(ts, dt.UTC) for name, ts in moments.items()}
    rows = []
    for n in range(MARKETS):
        low = COLDEST_F + 2 * n
        kind = "less" if n == 0 else "greater" if n == MARKETS - 1 else "between"
        strikes = {
            "strike_type": kind,
            "floor_strike": None if n == 0 else float(low - (kind == "greater")),
            "cap_strike": None if kind == "greater" else float(low + 1 + (kind == "less")),
        }
        result = "yes" if n == winner else "no"
        rows.append(
            {
                **dict.fromkeys(schemas.CATALOG.names),
                "series_ticker": series,
                "event_ticker": event,
                "market_ticker": f"{event}-B{n}",
                "climate_date": day,
                "market_type": "binary",
                "status": "finalized",
                "result": result,
                "settlement_value": Decimal(result == "yes"),
                "volume": Decimal(10_000),
                "tier": "historical",
                "raw": "{}",
                "retrieved_at": times["settlement_ts"],
                **times,
                **strikes,
            }
        )
    return rows


def _candles(rng, ticker, asof):
    """Candles of one market: some before the as-of time, perhaps one at it, and some after it."""
    ends = sorted(
        {asof - 60 * rng.randint(0, 200) for _ in range(3)} | {asof + 60 * rng.randint(1, 300) for _ in range(6)}
    )
    for end in ends:
        bid = rng.randint(0, 60)
        yield {
            **dict.fromkeys(schemas.PRICE_COLUMNS),
            "market_ticker": ticker,
            "end_period_ts": end,
            "yes_bid_close": Decimal(bid) / 100,
            "yes_ask_close": Decimal(bid + rng.randint(1, 8)) / 100,
            "volume": Decimal(5),
            "open_interest": Decimal(5),
            "retrieved_at": dt.datetime.fromtimestamp(end, dt.UTC),
        }
