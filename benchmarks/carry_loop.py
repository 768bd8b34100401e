"""The plain loop beside which funding carry is measured: the agreed rule in exact decimals, with pyarrow and nothing else.

    python benchmarks/carry_loop.py FOLDER

BTC at each settlement: enter at a rate of 0.0003, leave below 0.0001, 0.1 BTC in both legs, filled at the next opens.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

PERP, SPOT = "BTC/USDT:USDT", "BTC/USDT"
FIRST, END = (int(dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp()) for year in (2020, 2026))
ENTER, LEAVE, QUANTITY = Decimal("0.0003"), Decimal("0.0001"), Decimal("0.1")
FEES = {SPOT: Decimal("0.001"), PERP: Decimal("0.0005")}
SLIPPAGE, UNIT = Decimal("0.0005"), Decimal("1e-8")


def column(folder: Path, file: str, symbol: str, name: str, shift: int = 0) -> dict[int, Decimal]:
    """Return a column of a symbol's records by Unix seconds, moved by some seconds."""
    table = pq.read_table(folder / file, filters=[("symbol", "==", symbol)], columns=["ts_utc", name])
    seconds = table["ts_utc"].cast(pa.timestamp("s", "UTC")).cast(pa.int64())
    return dict(zip(pc.add(seconds, shift).to_pylist(), table[name].to_pylist(), strict=True))


def exact(value: Decimal) -> Decimal:
    """Round to 8 decimals, half to even."""
    return value.quantize(UNIT, ROUND_HALF_EVEN)


def replay(folder: Path) -> dict:
    """Return positions, payments and net profit."""
    rates = column(folder, "binance_funding_2019_2026.parquet", PERP, "funding_rate")
    spot = column(folder, "binance_spot_1h_BTC_ETH_2019_2026.parquet", SPOT, "open")
    perp = column(folder, "binance_perp_1h_BTC_ETH_2019_2026.parquet", PERP, "open")
    mark = column(folder, "binance_mark_1h_BTC_ETH_2019_2026.parquet", PERP, "close", 3600)
    stamps = [ts for ts in sorted(rates) if FIRST <= ts < END]
    net, positions, payments, held = Decimal(0), 0, 0, False
    for ts in stamps:
        if held:
            net += exact(QUANTITY * mark[ts] * rates[ts])
            payments += 1
        is_last = ts == stamps[-1]
        wanted = rates[ts] < LEAVE or is_last if held else rates[ts] >= ENTER and not is_last
        if not wanted or ts not in spot or ts not in perp:
            continue
        held = not held
        positions += held
        for price, leg, side in ((spot[ts], SPOT, 1 if held else -1), (perp[ts], PERP, -1 if held else 1)):
            value = exact(QUANTITY * exact(price * (1 + side * SLIPPAGE)))
            net -= side * value + exact(value * FEES[leg])
    return {"positions": positions, "payments": payments, "net": f"{net:.6f}"}


if __name__ == "__main__":
    print(json.dumps(replay(Path(sys.argv[1]))))
