"""Events with the probability, the quote and the result of each market: what price and forecast are compared on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tradewinds.core.text import whole_seconds_up
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.forecasts.market_probabilities import catalog_rows
from tradewinds.families.kalshi_weather.listed_markets import readable_bounds
from tradewinds.families.kalshi_weather.pooling.asof_quotes import AsofQuote, asof_of, quotes_at
from tradewinds.families.kalshi_weather.strikes import StrikeBounds, tile_the_integers
from tradewinds.results.edge.ladders import PricedEvent

# Why an event is not scored; the first that holds.
NO_PRICE, NO_PROBABILITY = "NO_PRICE", "NO_PROBABILITY"
NOT_ONE_WINNER, NOT_A_LADDER = "NOT_ONE_WINNER", "NOT_A_LADDER"

COLUMNS = (
    *("event_ticker", "market_ticker", "climate_date", "result", "open_time", "settlement_ts"),
    *("strike_type", "floor_strike", "cap_strike", "yes_sub_title"),
)


class LadderMarket(NamedTuple):
    """A market at its event's as-of time.

    Attributes:
        ticker: of the market.
        p: P(YES), None without one.
        quote: at the as-of time, None without one.
        result: yes, no, scalar, or None before settlement.
        open_ts: when trading opens; Unix seconds.
        settled_ts: when it settled, None where that is unknown; Unix seconds.
        bounds: lowest and highest whole °F that settle YES, None where the strikes cannot be read.
    """

    ticker: str
    p: float | None
    quote: AsofQuote | None
    result: str | None
    open_ts: int
    settled_ts: int | None
    bounds: StrikeBounds | None


class EventLadder(NamedTuple):
    """An event with its markets.

    Attributes:
        series_ticker: of its series.
        station: station and target, such as `KMDW max`.
        ticker: of the event.
        day: its climate date.
        asof_ts: its as-of time; Unix seconds.
        markets: in the catalog's order.
    """

    series_ticker: str
    station: str
    ticker: str
    day: dt.date
    asof_ts: int
    markets: Sequence[LadderMarket]

    @property
    def settled_ts(self) -> int | None:
        """When the last market settled; None where that of any is unknown. Unix seconds."""
        known = [market.settled_ts for market in self.markets if market.settled_ts is not None]
        return max(known) if len(known) == len(self.markets) > 0 else None

    def without_probability(self) -> str | None:
        """Why the event has no probabilities beside prices; None if it has."""
        if any(market.quote is None for market in self.markets):
            return NO_PRICE
        if any(market.p is None for market in self.markets):
            return NO_PROBABILITY
        bounds = [market.bounds for market in self.markets if market.bounds is not None]
        return None if len(bounds) == len(self.markets) and tile_the_integers(bounds) else NOT_A_LADDER

    def not_scored(self) -> str | None:
        """Why the event is not scored: the first reason that holds; None if it is."""
        reason = self.without_probability()
        if reason in (NO_PRICE, NO_PROBABILITY):
            return reason
        results = [market.result for market in self.markets]
        if results.count("yes") != 1 or results.count("no") != len(results) - 1:
            return NOT_ONE_WINNER
        return reason

    def priced(self) -> PricedEvent:
        """The event as it is scored; it has a probability and a quote for every market, and one winner."""
        known = [(one.p, one.quote, one.result) for one in self.markets if one.p is not None and one.quote is not None]
        return PricedEvent(
            group=self.station,
            day=self.day,
            asof_ts=self.asof_ts,
            settled_ts=self.settled_ts,
            p=[p for p, _, _ in known],
            bid=[quote.bid for _, quote, _ in known],
            ask=[quote.ask for _, quote, _ in known],
            winner=[result for _, _, result in known].index("yes"),
        )

    def listed_by_asof(self) -> EventLadder:
        """The event with the markets that were listed by its as-of time: of later ones nothing was known."""
        return self._replace(markets=[market for market in self.markets if market.open_ts <= self.asof_ts])


def event_ladders(
    config: Mapping[str, Any],
    catalogs: Mapping[str, str],
    candles: Mapping[tuple[str, dt.date], str],
    probabilities: Mapping[str, float],
) -> list[EventLadder]:
    """Every listed event of the config's range, series by series, in order of date.

    Args:
        config: resolved.
        catalogs: path per series.
        candles: path per (series, climate date).
        probabilities: P(YES) by market ticker.
    """
    found = []
    for series, catalog in catalogs.items():
        station = climate_days.station_of(series)
        by_date = sorted(catalog_rows(catalog, config, COLUMNS).items())
        asof = {day: asof_of(config, station, day) for day, _ in by_date}
        quotes = quotes_at([(candles[series, day], ts) for day, ts in asof.items() if (series, day) in candles])
        for day, listed in by_date:
            asked = (candles.get((series, day), ""), asof[day])
            found.append(
                EventLadder(
                    series_ticker=series,
                    station=station_label(station),
                    ticker=listed[0]["event_ticker"],
                    day=day,
                    asof_ts=asof[day],
                    markets=[*_markets(listed, probabilities, quotes.get(asked, {}))],
                )
            )
    return found


def station_label(station: climate_days.Station) -> str:
    """Station and target as groups are named, such as `KMDW max`."""
    return f"{station.station_id} {station.target}"


def _markets(
    listed: Iterable[Mapping[str, Any]], probabilities: Mapping[str, float], quotes: Mapping[str, AsofQuote]
) -> Iterable[LadderMarket]:
    for row in listed:
        ticker, settled = row["market_ticker"], row["settlement_ts"]
        yield LadderMarket(
            ticker=ticker,
            p=probabilities.get(ticker),
            quote=quotes.get(ticker),
            result=row["result"],
            open_ts=whole_seconds_up(row["open_time"]),
            settled_ts=None if settled is None else whole_seconds_up(settled),
            bounds=readable_bounds(row["strike_type"], row["floor_strike"], row["cap_strike"], row["yes_sub_title"]),
        )
