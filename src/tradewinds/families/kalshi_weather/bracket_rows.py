"""Brackets of one date: every market's probability beside its price at the as-of time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple

from tradewinds.config.resolve import Config
from tradewinds.core import files
from tradewinds.core.text import instant
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.forecasts.market_probabilities import build_probabilities, in_force_at_asof
from tradewinds.families.kalshi_weather.plan import EventsPlan
from tradewinds.families.kalshi_weather.pooling.asof_quotes import AsofQuote, asof_of, quotes_at
from tradewinds.families.kalshi_weather.pooling.probability_sources import DISTRIBUTION, FILE
from tradewinds.families.kalshi_weather.schemas import climate_range

COLUMNS = (
    *("series_ticker", "event_ticker", "market_ticker", "bracket", "climate_date", "asof_utc", "known_at_utc"),
    *("mu_f", "sigma_f", "method", "reason", "p_yes", "yes_bid", "yes_ask", "edge_yes", "edge_no"),
)

_OF_MARKET = ("event_ticker", "market_ticker", "climate_date")  # columns of the catalog

Row = dict[str, Any]


class Brackets(NamedTuple):
    """The markets of a date.

    Attributes:
        rows: one per market with the keys COLUMNS, series by series, from the coldest bracket to the hottest. Prices and
            edges are in dollars; an empty side of the book is None, and so are the figures of a market without a probability.
        without: reason by event ticker, of events without any probability.
    """

    rows: list[Row]
    without: dict[str, str]


def is_own_file(config: Mapping[str, Any]) -> bool:
    """Whether a config's probabilities are those of the user's file as it stands: its markets are listed without it."""
    return config["probabilities"]["source"] in (FILE, DISTRIBUTION)


def brackets_of(config: Config, plan: EventsPlan, day: dt.date) -> Brackets:
    """List the markets of a date, each with its probability if it has one.

    Args:
        config: a resolved config whose range holds the date.
        plan: its files, which are all there; with probabilities in the user's file its catalogs and candles are enough.
        day: the climate date.

    Raises:
        SimulationError: the user's file cannot be read, or a row is wrong.
    """
    if is_own_file(config):
        own = plan.files.user_probabilities
        table, meta = build_probabilities(config, plan.files.catalogs, {}, own, must_match=False)
        forecasts = table.to_pylist()
    else:
        meta, forecasts = files.read_meta(plan.files.probabilities), files.read_rows(plan.files.probabilities)
    rows = _rows(config, plan, day, in_force_at_asof(forecasts))
    return Brackets(rows, meta["events_without"])


def _rows(config: Config, plan: EventsPlan, day: dt.date, forecasts: Mapping[str, Row]) -> list[Row]:
    """The rows of `brackets_of`; `forecasts` are rows of the table of probabilities by market ticker."""
    rows = []
    candles = {event.series_ticker: event.path for event in plan.files.events}
    for series, catalog in plan.files.catalogs.items():
        asof = asof_of(config, climate_days.station_of(series), day)
        [quotes] = quotes_at([(candles[series], asof)]).values()
        listed = files.read_rows(
            catalog, [*_OF_MARKET, "yes_sub_title", "floor_strike", "cap_strike"], climate_range(day, day)
        )
        for market in sorted(listed, key=_coldest):
            ticker = market["market_ticker"]
            rows.append(_row(market, series, asof, forecasts.get(ticker), quotes.get(ticker)))
    return rows


def _coldest(market: Row) -> float:
    """Sort key of a bracket: its lower bound in °F; before all others a bracket without one."""
    floor, cap = market["floor_strike"], market["cap_strike"]
    return float(floor) if floor is not None else float(cap) - 1000 if cap is not None else 1000.0


def _row(market: Row, series: str, asof_ts: int, forecast: Row | None, quote: AsofQuote | None) -> Row:
    """A row of `brackets_of`: a market of the catalog, its row of the probabilities and its quote at the as-of time."""
    p = None if forecast is None else float(forecast["p_yes"])
    of_forecast = ("mu_f", "sigma_f", "method", "reason")
    return {
        "series_ticker": series,
        **{name: market[name] for name in ("event_ticker", "market_ticker")},
        "bracket": market["yes_sub_title"],
        "climate_date": market["climate_date"].isoformat(),
        "asof_utc": instant(asof_ts),
        "known_at_utc": None if forecast is None else instant(forecast["known_at_ts"]),
        **{name: None if forecast is None else forecast[name] for name in of_forecast},
        "p_yes": p,
        **_prices(p, *((quote.bid, quote.ask) if quote else (None, None))),
    }


def _prices(p: float | None, bid: float | None, ask: float | None) -> Row:
    """Prices in dollars and the edges at them; 0 and 1 are empty sides."""
    bid, ask = bid or None, None if ask == 1 else ask
    return {
        "yes_bid": bid,
        "yes_ask": ask,
        "edge_yes": None if ask is None or p is None else round(p - ask, 6),
        "edge_no": None if bid is None or p is None else round(bid - p, 6),
    }


def with_live_prices(rows: list[Row], quotes: Mapping[str, tuple[float, float]]) -> list[Row]:
    """Put the prices of now in place of those of the as-of time, in the markets that are open.

    Args:
        rows: as of `brackets_of`.
        quotes: bid and ask in dollars by market ticker, 0 and 1 for empty sides.
    """
    return [
        row | _prices(row["p_yes"], *quotes[row["market_ticker"]]) if row["market_ticker"] in quotes else row
        for row in rows
    ]
