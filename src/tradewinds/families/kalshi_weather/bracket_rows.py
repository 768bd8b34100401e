"""Brackets of one date: every market's probability beside its price at the as-of time."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tradewinds.config.resolve import Config
from tradewinds.core import files
from tradewinds.core.text import instant
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.plan import EventsPlan
from tradewinds.families.kalshi_weather.pooling.asof_quotes import AsofQuote, asof_of, quotes_at
from tradewinds.families.kalshi_weather.schemas import climate_range

COLUMNS = (
    *("series_ticker", "event_ticker", "market_ticker", "bracket", "climate_date", "asof_utc", "known_at_utc"),
    *("mu_f", "sigma_f", "method", "reason", "p_yes", "yes_bid", "yes_ask", "edge_yes", "edge_no"),
)

Row = dict[str, Any]


def bracket_rows(config: Config, plan: EventsPlan, day: dt.date) -> list[Row]:
    """List the markets of a date that have a probability.

    Args:
        config: a resolved config whose range holds the date.
        plan: its files, which are all there.
        day: the climate date.

    Returns:
        A row per market with the keys COLUMNS, series by series, from the coldest bracket to the hottest. Prices and edges
        are in dollars; an empty side of the book is None.
    """
    rows = []
    forecasts = {row["market_ticker"]: row for row in files.read_rows(plan.files.probabilities)}
    candles = {event.series_ticker: event.path for event in plan.files.events}
    for series, catalog in plan.files.catalogs.items():
        asof = asof_of(config, climate_days.station_of(series), day)
        quotes = quotes_at([candles[series]], asof)
        listed = files.read_rows(
            catalog, ["market_ticker", "yes_sub_title", "floor_strike", "cap_strike"], climate_range(day, day)
        )
        for market in sorted(listed, key=_coldest):
            ticker = market["market_ticker"]
            if ticker in forecasts:
                rows.append(_row(market, forecasts[ticker], quotes.get(ticker)))
    return rows


def _coldest(market: Row) -> float:
    """Sort key of a bracket: its lower bound in °F; before all others a bracket without one."""
    floor, cap = market["floor_strike"], market["cap_strike"]
    return float(floor) if floor is not None else float(cap) - 1000 if cap is not None else 1000.0


def _row(market: Row, forecast: Row, quote: AsofQuote | None) -> Row:
    """A row of `bracket_rows` from a market of the catalog, its row of the probability file and its quote at the as-of time."""
    p = float(forecast["p_yes"])
    bid, ask = (quote.bid, quote.ask) if quote else (None, None)
    bid, ask = bid or None, None if ask == 1 else ask  # 0 and 1 are empty sides
    return {
        **{name: forecast[name] for name in ("series_ticker", "event_ticker", "market_ticker")},
        "bracket": market["yes_sub_title"],
        "climate_date": forecast["climate_date"].isoformat(),
        "asof_utc": instant(forecast["asof_ts"]),
        "known_at_utc": instant(forecast["known_at_ts"]),
        **{name: forecast[name] for name in ("mu_f", "sigma_f", "method", "reason")},
        "p_yes": p,
        "yes_bid": bid,
        "yes_ask": ask,
        "edge_yes": None if ask is None else round(p - ask, 6),
        "edge_no": None if bid is None else round(bid - p, 6),
    }
