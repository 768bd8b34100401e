"""Open events of a series with the quotes of their markets: one request of the exchange for each series."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa

from tradewinds.core import files, strict
from tradewinds.core.errors import DamagedFile
from tradewinds.core.text import whole_seconds_down, whole_seconds_up
from tradewinds.core.units import MICRO
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.fee_schedule import TAKER_RATE
from tradewinds.families.kalshi_weather.fetch import catalog
from tradewinds.families.kalshi_weather.fetch.market_checks import MOST_MULTIPLIER
from tradewinds.families.kalshi_weather.listed_markets import readable_bounds
from tradewinds.families.kalshi_weather.strikes import StrikeBounds
from tradewinds.sources.http import HttpClient

FOLDER = "data/today/kalshi"
FEES_KEPT = dt.timedelta(days=1)  # for so long a fee multiplier is believed
MARKETS = "/markets"

Row = dict[str, Any]
_FEES = pa.schema([field for field in schemas.CATALOG if field.name in ("fee_type", "fee_multiplier", "retrieved_at")])


@dataclass(frozen=True)
class OpenMarket:
    """A market that is open, with its best quotes.

    Attributes:
        ticker: of the market.
        bracket: what settles it YES, in the exchange's words.
        bounds: lowest and highest whole °F that settle YES, None where the strikes cannot be read.
        open_ts: when trading opened; Unix seconds.
        close_ts: when trading closes; Unix seconds.
        fee_rate: of the taker's fee.
        bid_micro: best price for a YES in micro-dollars; 0 without one.
        ask_micro: least price of a YES in micro-dollars; 1,000,000 without one.
        bid_size: contracts at the bid, None where the exchange does not say.
        ask_size: contracts at the ask, None where the exchange does not say.
    """

    ticker: str
    bracket: str
    bounds: StrikeBounds | None
    open_ts: int
    close_ts: int
    fee_rate: Fraction
    bid_micro: int
    ask_micro: int
    bid_size: Decimal | None
    ask_size: Decimal | None


@dataclass(frozen=True)
class OpenEvent:
    """An event of which a market is open.

    Attributes:
        station: on which it settles.
        climate_date: the date.
        ticker: of the event.
        markets: the open ones, from the coldest bracket to the hottest.
        priced_ts: when the exchange gave their quotes; Unix seconds.
    """

    station: Station
    climate_date: dt.date
    ticker: str
    markets: tuple[OpenMarket, ...]
    priced_ts: int


def fees_of(client: HttpClient, series_ticker: str, now: dt.datetime) -> Row:
    """The fee type and multiplier of a series: from a catalog or an answer that is young enough, else asked for.

    Args:
        client: for the exchange.
        series_ticker: the series.
        now: the current time of this machine.

    Raises:
        FetchError: the exchange does not say.
    """
    for path in (schemas.catalog_path(series_ticker), f"{FOLDER}/{series_ticker}.parquet"):
        if kept := _kept_fees(path, now):
            return kept
    series = catalog.series_of(client, series_ticker)
    kind, multiplier = series["fee_type"], series["fee_multiplier"]
    # what cannot be right is kept nowhere: the listing that it is used for refuses it
    is_number = isinstance(multiplier, int | Decimal) and not isinstance(multiplier, bool)
    if isinstance(kind, str) and is_number and 0 <= multiplier == round(multiplier, 6) <= MOST_MULTIPLIER:
        row = {"fee_type": kind, "fee_multiplier": Decimal(multiplier), "retrieved_at": now}
        with files.only_maker(path):
            files.write_parquet(path, pa.Table.from_pylist([row], _FEES), {"series_ticker": series_ticker})
    return series


def _kept_fees(path: str, now: dt.datetime) -> Row | None:
    """The fees in a file, None if there is none or they are too old."""
    if not Path(path).exists():
        return None
    try:
        rows = files.read_table(path, _FEES.names).to_pylist()
    except DamagedFile:  # it is reported where its rows are needed
        return None
    latest = max(rows, key=lambda row: row["retrieved_at"], default=None)
    if latest is None or latest["fee_multiplier"] is None or not abs(now - latest["retrieved_at"]) < FEES_KEPT:
        return None
    return dict(latest)


def list_open_events(client: HttpClient, station: Station, fees: Row, now: dt.datetime) -> list[OpenEvent]:
    """The open events of a series, by date.

    Args:
        client: for the exchange.
        station: of the series.
        fees: its fee type and multiplier.
        now: the current time, by which a listing is judged.

    Raises:
        FetchError: the exchange could not be asked, or its answer cannot be right.
    """
    found: dict[tuple[dt.date, str], list[OpenMarket]] = {}
    listed = catalog.open_listing(client, station.series_ticker)
    priced = client.answered_at or now
    for market in listed:
        row = catalog.row_of(client, MARKETS, market, station, fees, now)
        if row is None or row["result"] is not None:
            continue
        key = row["climate_date"], row["event_ticker"]
        found.setdefault(key, []).append(_open_market(client, row, market))
    return [
        OpenEvent(station, day, ticker, tuple(sorted(markets, key=_coldest)), int(priced.timestamp()))
        for (day, ticker), markets in sorted(found.items())
    ]


def _open_market(client: HttpClient, row: Row, market: Mapping[str, Any]) -> OpenMarket:
    """A market of the listing, with its quotes; an answer whose quotes cannot be right is refused."""
    try:
        bid, ask = (_price(market[f"yes_{side}_dollars"]) for side in ("bid", "ask"))
        sizes = [_size(market.get(f"yes_{side}_size_fp")) for side in ("bid", "ask")]
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        client.refuse(f"a market has no usable quote ({error})", MARKETS, dict(market))
    return OpenMarket(
        ticker=row["market_ticker"],
        bracket=row["yes_sub_title"] or row["market_ticker"].rpartition("-")[2],
        bounds=readable_bounds(row["strike_type"], row["floor_strike"], row["cap_strike"], row["yes_sub_title"]),
        open_ts=whole_seconds_up(row["open_time"]),
        close_ts=whole_seconds_down(row["close_time"]),
        fee_rate=TAKER_RATE * Fraction(row["fee_multiplier"]),
        bid_micro=bid,
        ask_micro=ask,
        bid_size=sizes[0] if bid else None,
        ask_size=sizes[1] if ask < MICRO else None,
    )


def _price(value: Any) -> int:
    """A price in micro-dollars; ValueError for what is none."""
    if not isinstance(value, str):
        raise TypeError(f"price {value!a}")
    micro = strict.decimal(value) * MICRO
    if not 0 <= micro <= MICRO or micro != int(micro):
        raise ValueError(f"price {value!a}")
    return int(micro)


def _size(value: Any) -> Decimal | None:
    """A number of contracts; None where there is none."""
    if value is None:
        return None
    size = strict.decimal(value) if isinstance(value, str) else Decimal(value)
    if size < 0:
        raise ValueError(f"size {value!a}")
    return size or None


def _coldest(market: OpenMarket) -> tuple[float, str]:
    """Sort key: the lowest degree of a bracket; those that cannot be read come last."""
    if market.bounds is None:
        return float("inf"), market.ticker
    lowest, _ = market.bounds
    return (float("-inf") if lowest is None else float(lowest)), market.ticker


def quotes_of_open(
    client: HttpClient, events: Sequence[tuple[str, dt.date]]
) -> tuple[dict[str, tuple[float, float]], int]:
    """Quotes of now of some events.

    Args:
        client: for the exchange.
        events: series and climate date of each.

    Returns:
        Bid and ask in dollars by market ticker, 0 and 1 for empty sides.
        When the exchange gave the last of them; Unix seconds, 0 without any.

    Raises:
        FetchError: the exchange could not be asked, or its answer cannot be right.
    """
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    found: dict[str, tuple[float, float]] = {}
    priced = 0
    for series in sorted({series for series, _ in events}):
        listed = list_open_events(client, climate_days.station_of(series), fees_of(client, series, now), now)
        for event in listed:
            if (series, event.climate_date) in events:
                priced = max(priced, event.priced_ts)
                found |= {m.ticker: (m.bid_micro / MICRO, m.ask_micro / MICRO) for m in event.markets}
    return found, priced
