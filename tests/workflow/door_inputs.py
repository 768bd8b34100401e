"""Good inputs of every door, as a user or a service would bring them; `door_fuzz` mutates them."""

import datetime as dt
import io
import json

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

CONFIG = """series_tickers: [KXHIGHMIA, KXHIGHCHI]
date_start_local: 2025-03-04
date_end_local: 2025-03-06
asof_policy: {local_time: "23:00", days_before: 1}
trade_window_policy: market_close
cadence_minutes: 1
execution_model: taker
probabilities: {source: gaussian, emos_days: 0, trailing_days: 10, min_days: 5}
risk: {start_balance_usd: 1000, min_ev_per_contract: 0.05, fixed_qty: 5, sizing: fixed_qty, max_contracts_per_event: 20}
kalshi: {requests_per_second: 3, max_connections: 4, timeout_seconds: 30, max_retries: 6}
output_dir: backtests
"""
SHARES = """market: equities_daily
universe: {file: universe.csv}
date_start_local: 2024-01-02
date_end_local: 2024-01-31
bars: {source: files, path: bars.csv}
actions: actions.csv
calendar: XNYS
strategy: {name: Mean Reversion}
risk: {start_balance: 10000, currency: USD}
output_dir: backtests
"""
UNIVERSE = "symbol,active_from,active_to\nAAA,2020-01-01,\nBBB,,2024-12-31\nCCC,,\n"
ACTIONS = "symbol,ex_date,split_ratio,dividend\nAAA,2024-01-10,2,\nBBB,2024-01-12,,0.25\n"
BARS = "symbol,date,open,high,low,close,volume\n" + "".join(
    f"{symbol},2024-01-{day:02},{10 + day % 3},{12 + day % 3},9,{11 + day % 3},1000\n"
    for symbol in ("AAA", "BBB")
    for day in range(2, 28)
)
PROBABILITIES = "market_ticker,known_at_utc,p_yes\n" + "".join(
    f"KXHIGHMIA-25MAR04-T{n},2025-03-03T0{n}:00:00Z,0.{n}\n" for n in range(1, 9)
)
DISTRIBUTIONS = "series_ticker,climate_date,known_at_utc,mu_f,sigma_f,model\n" + "".join(
    f"KXHIGHMIA,2025-03-0{n},2025-03-0{n}T0{n}:00:00Z,7{n}.5,2.{n},mine\n" for n in range(1, 9)
)
ORDER_BOOKS = "market_ticker,known_at_utc,side,price,size\n" + "".join(
    f"KXHIGHMIA-25MAR04-T8{n % 2},2025-03-03T0{n}:00:00Z,{side},0.{cents},{n}.5\n"
    for n in range(1, 9)
    for side, cents in (("yes", 38), ("bid", 37), ("no", 58), ("ask", 43))
)
READINGS = "station,valid,tmpf\n" + "".join(f"MIA,2025-03-04 {hour:02}:53,{60 + hour}.98\n" for hour in range(5, 24))
EVENT = "KXHIGHMIA-25MAR04"
OPEN_TS, CLOSE_TS = (int(dt.datetime(2025, 3, day, hour, tzinfo=dt.UTC).timestamp()) for day, hour in ((4, 3), (4, 5)))


def parquet_of(table: pa.Table) -> bytes:
    """A table as the bytes of a Parquet file."""
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def bars_table() -> pa.Table:
    """BARS with dates and numbers."""
    return pa.csv.read_csv(io.BytesIO(BARS.encode()))


def probabilities_table() -> pa.Table:
    """PROBABILITIES as text and numbers."""
    rows = [line.split(",") for line in PROBABILITIES.splitlines()[1:]]
    return pa.table(
        {
            "market_ticker": [r[0] for r in rows],
            "known_at_utc": [r[1] for r in rows],
            "p_yes": [float(r[2]) for r in rows],
        }
    )


def order_books_table() -> pa.Table:
    """ORDER_BOOKS with times and numbers."""
    return pa.csv.read_csv(io.BytesIO(ORDER_BOOKS.encode()))


def distributions_table() -> pa.Table:
    """DISTRIBUTIONS with dates and numbers."""
    return pa.csv.read_csv(io.BytesIO(DISTRIBUTIONS.encode()))


def market(strike: str, kind: str, floor: int | None, cap: int | None, result: str) -> dict:
    """A market as the exchange lists it."""
    times = {
        "open_time": "2025-03-04T03:00:00Z",
        "close_time": "2025-03-04T05:00:00Z",
        "settlement_ts": "2025-03-05T13:00:00Z",
    }
    return {
        **{"ticker": f"{EVENT}-{strike}", "event_ticker": EVENT, "market_type": "binary", "strike_type": kind},
        **{"floor_strike": floor, "cap_strike": cap, "title": "Highest temperature?", "yes_sub_title": "82° or above"},
        **{"status": "finalized", "result": result, "settlement_value_dollars": "1.0000", "expiration_value": "82.00"},
        **{"volume_fp": "120.00", **times},
    }


MARKETS = [
    market("T81", "less", None, 81, "no"),
    market("B81.5", "between", 81, 82, "yes"),
    market("T82", "greater", 82, None, "no"),
]
SERIES = json.dumps({"series": {"ticker": "KXHIGHMIA", "fee_type": "quadratic", "fee_multiplier": 1}}).encode()


def candle(ts: int) -> dict:
    """A candle of the historical tier."""
    sides = {
        name: dict.fromkeys(("open", "high", "low", "close"), price)
        for name, price in (("yes_bid", "0.4000"), ("yes_ask", "0.4200"))
    }
    price = dict.fromkeys(("open", "high", "low", "close", "mean", "previous"), "0.4100")
    return {"end_period_ts": ts, **sides, "price": price, "volume": "5.00", "open_interest": "10.00"}


def recorded(table: dict, types: dict | None = None) -> bytes:
    """A recorded file for `archive import`."""
    return parquet_of(pa.table({name: pa.array(column, (types or {}).get(name)) for name, column in table.items()}))


def recorded_files() -> dict[str, bytes]:
    """Good files of markets, candles and climate for `archive import`."""
    stamp = pa.timestamp("us", "UTC")
    opened, closed = (dt.datetime.fromtimestamp(ts, dt.UTC) for ts in (OPEN_TS, CLOSE_TS))
    names = [m["ticker"] for m in MARKETS]
    markets = {
        **{"series_ticker": ["KXHIGHMIA"] * 3, "event_ticker": [EVENT] * 3, "market_ticker": names},
        **{
            "strike_type": [m["strike_type"] for m in MARKETS],
            "floor_strike": [None, 81.0, 82.0],
            "cap_strike": [81.0, 82.0, None],
        },
        **{"result": ["no", "yes", "no"], "open_time": [opened] * 3, "close_time": [closed] * 3},
    }
    prices = {
        f"{side}_{k}_cents": [40] * 4 for side in ("yes_bid", "yes_ask") for k in ("open", "high", "low", "close")
    }
    prices |= {f"price_{k}_cents": [41] * 4 for k in ("open", "high", "low", "close", "mean", "previous")}
    candles = {
        "market_ticker": [names[0]] * 4,
        "end_period_ts": [OPEN_TS + 60 * n for n in range(1, 5)],
        **prices,
        "volume": [5] * 4,
        "open_interest": [9] * 4,
    }
    days = [dt.date(2025, 3, n) for n in range(1, 9)]
    climate = {"station": ["KMIA"] * 8, "date_local": days, "high_f": [80 + n for n in range(8)]}
    return {
        "markets.parquet": recorded(markets, {"open_time": stamp, "close_time": stamp}),
        "candles.parquet": recorded(candles),
        "climate.parquet": recorded(climate),
    }
