"""Quotes at the as-of time, or at other instants: of the last candles that ended by then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.climate_days import Station

_LAST_QUOTES = """
SELECT instant, market_ticker, bid, ask, end_ts FROM (
    SELECT instant, market_ticker,
        unnest(arg_max({'bid': yes_bid_close, 'ask': yes_ask_close, 'end_ts': end_period_ts}, end_period_ts))
    FROM read_parquet($files), (SELECT unnest($instants::BIGINT[]) AS instant)
    WHERE end_period_ts <= instant GROUP BY instant, market_ticker)
WHERE bid IS NOT NULL AND ask IS NOT NULL AND bid <= ask AND NOT (bid = 0 AND ask = 1)
"""


class AsofQuote(NamedTuple):
    """Quote of a YES contract.

    Attributes:
        bid: in dollars; 0 without one.
        ask: in dollars; 1 without one.
        end_ts: end of the candle that it is the close of; Unix seconds.
    """

    bid: float
    ask: float
    end_ts: int

    @property
    def mid(self) -> float:
        """Middle of bid and ask in dollars."""
        return (self.bid + self.ask) / 2


def asof_of(config: Mapping[str, Any], station: Station, day: Any) -> int:
    """As-of time of a climate date in Unix seconds."""
    policy = config["asof_policy"]
    return climate_days.asof_ts(station, day, policy["local_time"], policy["days_before"])


def quotes_at(files: Sequence[str], asof_ts: int) -> dict[str, AsofQuote]:
    """Quotes by market ticker, of the last candle that ended by an instant.

    A market is left out where one side of its quote is null, both sides are empty, or they cross.

    Args:
        files: paths of candles; a path without a file is ignored.
        asof_ts: the instant in Unix seconds.
    """
    return quotes_at_each(files, [asof_ts])[asof_ts]


def quotes_at_each(files: Sequence[str], instants: Sequence[int]) -> dict[int, dict[str, AsofQuote]]:
    """Quotes as `quotes_at` at each of some instants; the files are read once.

    Args:
        files: paths of candles; a path without a file is ignored.
        instants: in Unix seconds, each once.
    """
    found: dict[int, dict[str, AsofQuote]] = {instant: {} for instant in instants}
    existing = [path for path in files if Path(path).exists()]
    if existing:
        rows = duckdb.execute(_LAST_QUOTES, {"files": existing, "instants": list(instants)}).fetchall()
        for instant, ticker, bid, ask, end_ts in rows:
            found[instant][ticker] = AsofQuote(float(bid), float(ask), end_ts)
    return found
