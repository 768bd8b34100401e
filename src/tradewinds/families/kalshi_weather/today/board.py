"""The board of what is open now: events with forecast and readings, brackets with prices and values, and orders.

A board is plain data (`Board.as_json`), in the form that docs/today.md describes: what `tradewinds today --json` prints, and
what the web page shows.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tradewinds.core.errors import FetchError
from tradewinds.core.text import amount_text, instant, plain
from tradewinds.core.units import MICRO, PICO
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.order_rules import Rules
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.fetch import fetch_jobs
from tradewinds.families.kalshi_weather.levels_key import levels_path
from tradewinds.families.kalshi_weather.plan import CURRENCY, MARKET
from tradewinds.families.kalshi_weather.pooling.probability_sources import base_of, pool_of, users_file, valid_until
from tradewinds.families.kalshi_weather.report.reasons import refusal_text
from tradewinds.families.kalshi_weather.today import current_chances, would_buy
from tradewinds.families.kalshi_weather.today.current_chances import EventChances, StationData
from tradewinds.families.kalshi_weather.today.live_weather import LiveWeather
from tradewinds.families.kalshi_weather.today.open_events import OpenEvent, OpenMarket, fees_of, list_open_events
from tradewinds.families.kalshi_weather.today.pooled_now import CurrentPool
from tradewinds.families.kalshi_weather.today.would_buy import OrdersNow, PlannedOrder, PricedMarket
from tradewinds.families.kalshi_weather.trade_windows import trade_window
from tradewinds.sources.http import HttpClient

OPEN, BEFORE, AFTER, STALE = "open", "before_window", "after_window", "stale_probability"
TRIES = 2  # retries of a request: a later answer is worth less than a board now
_FAR_APART_SECONDS = 120

Row = dict[str, Any]


@dataclass(frozen=True)
class Board:
    """What is open at an instant.

    Attributes:
        now_ts: by the clock of the exchange; Unix seconds.
        events: mappings in the form of docs/today.md, by date and series.
        notes: sentences about what is missing or different, for people.
        unanswered: why a series could not be listed, by series.
        requests: number of requests of the process so far, by service.
    """

    now_ts: int
    events: Sequence[Row]
    notes: Sequence[str]
    unanswered: Mapping[str, str]
    requests: Mapping[str, int]

    def as_json(self) -> Row:
        """The board as plain data."""
        return {
            "now_utc": instant(self.now_ts),
            "currency": CURRENCY,
            "events": list(self.events),
            "notes": list(self.notes),
            "unanswered": dict(self.unanswered),
            "requests": dict(self.requests),
        }


class BoardMaker:
    """Makes boards of a config, one after the other; each asks only for what can have changed.

    Args:
        config: resolved, of this family.
        name: of the config's file.
        tell: called with a line about what is asked.

    Raises:
        SimulationError: the user's file of probabilities cannot be read.
        DataMissing: the config lets nothing be fetched.
    """

    def __init__(self, config: Mapping[str, Any], name: str, tell: Callable[[str], None]) -> None:
        assert config["market"] == MARKET
        current_chances.refuse_unreadable(config)
        self.config, self._tell = config, tell
        self._rules = would_buy.now_rules(config)
        self._exchange = _impatient(fetch_jobs.exchange_client())
        self._weather = LiveWeather(lambda: _impatient(fetch_jobs.weather_client()), tell)
        is_pooled = pool_of(config["probabilities"]) is not None
        self._pool = CurrentPool(config, name, self._exchange, tell) if is_pooled else None

    def make(self) -> Board:
        """Ask for what can have changed, and return the board of now.

        Raises:
            FetchError: no series could be listed.
            SimulationError: the user's strategy or file fails.
        """
        # The exchange first: its answers tell the time.
        self._weather.begin()
        events, unanswered = self._listed()
        here = dt.datetime.now(dt.UTC).replace(microsecond=0)
        now = max((e.priced_ts for e in events), default=None)
        moment = dt.datetime.fromtimestamp(now, dt.UTC) if now else self._exchange.answered_at or here
        data = {station: self._station_data(station, events, moment) for station in _stations(events)}
        shown = [self._with_chances(event, data[event.station.station_id], moment) for event in events]
        # Then the orders, of all events together: they share an account.
        priced = would_buy.priced_markets([(event, chances, state == OPEN) for event, chances, state in shown])
        orders = would_buy.orders_now(self.config, priced, int(moment.timestamp()))
        by_ticker = {one.market.ticker: one for one in priced}
        return Board(
            now_ts=int(moment.timestamp()),
            events=[
                self._event_row(event, chances, state, by_ticker, orders, int(moment.timestamp()))
                for event, chances, state in shown
            ],
            notes=self._notes(moment, here),
            unanswered=unanswered,
            requests={"kalshi": self._exchange.requests, "iem": self._weather.requests},
        )

    def _listed(self) -> tuple[list[OpenEvent], dict[str, str]]:
        """The open events of all series, and why a series has none to show.

        Raises:
            FetchError: no series could be listed.
        """
        events: list[OpenEvent] = []
        unanswered: dict[str, str] = {}
        now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        first: FetchError | None = None
        for series in self.config["series_tickers"]:
            try:
                fees = fees_of(self._exchange, series, now)
                events += list_open_events(self._exchange, climate_days.station_of(series), fees, now)
            except FetchError as error:
                first = first or error
                unanswered[series] = str(error)
        if first is not None and len(unanswered) == len(self.config["series_tickers"]):
            raise first
        return sorted(events, key=lambda event: (event.climate_date, event.station.series_ticker)), unanswered

    def _station_data(self, station_id: str, events: Sequence[OpenEvent], now: dt.datetime) -> StationData:
        """The weather of a station, as far as its open events need it."""
        own = [event for event in events if event.station.station_id == station_id]
        source, station = base_of(self.config["probabilities"]), own[0].station
        guidance: list[str] = []
        climate: list[str] = []
        if users_file(self.config["probabilities"]) is None:
            days = [event.climate_date for event in own]
            first = min(current_chances.forecast_years(self.config, day)[0] for day in days)
            years = list(range(first, now.year + 1))
            guidance = self._weather.guidance(station_id, source["models"], years, now)
            climate = self._weather.climate(station, years, now)
        readings = {event.climate_date: self._weather.readings(event.station, event.climate_date, now) for event in own}
        return StationData(guidance, climate, readings)

    def _with_chances(
        self, event: OpenEvent, data: StationData, now: dt.datetime
    ) -> tuple[OpenEvent, EventChances, str]:
        """An event with its probabilities, and whether it may be traded now."""
        now_ts = int(now.timestamp())
        chances = current_chances.base_chances(self.config, event, data, now_ts)
        if self._pool is not None:
            chances = self._pool.chances(event, chances, now)
        start, end = _window(self.config, event)
        until = valid_until(
            self.config["probabilities"], current_chances.asof_of_event(self.config, event.station, event.climate_date)
        )
        state = BEFORE if now_ts < start else AFTER if now_ts >= end else OPEN
        if state == OPEN and until is not None and now_ts > until:
            state = STALE
        return event, chances, state

    def _notes(self, now: dt.datetime, here: dt.datetime) -> list[str]:
        """What the reader should know of this board."""
        notes = [f"{name}: {problem}" for name, problem in sorted(self._weather.problems.items())]
        if abs((now - here).total_seconds()) > _FAR_APART_SECONDS:
            notes.append(
                f"the exchange's clock is at {now:%Y-%m-%dT%H:%M:%SZ}, this machine's at {here:%Y-%m-%dT%H:%M:%SZ}: "
                "the exchange's counts here."
            )
        if self.config["risk"]["max_volume_share"] is not None:
            notes.append(
                "risk.max_volume_share is not applied here: it is of a candle's volume, and a live quote has none."
            )
        if levels_path(self.config) is not None:
            notes.append("liquidity.levels is not applied here: its order books are of the past.")
        return notes

    def _event_row(
        self,
        event: OpenEvent,
        chances: EventChances,
        state: str,
        priced: Mapping[str, PricedMarket],
        orders: OrdersNow,
        now_ts: int,
    ) -> Row:
        """An event in the form of docs/today.md."""
        start, end = _window(self.config, event)
        running = chances.running
        return {
            # the event, and when it is traded
            "series_ticker": event.station.series_ticker,
            "event_ticker": event.ticker,
            "title": f"{event.station.city}, {event.climate_date}",
            "climate_date": event.climate_date.isoformat(),
            "station_id": event.station.station_id,
            "city": event.station.city,
            "extreme": event.station.target,
            "state": state,
            "asof_utc": instant(chances.asof_ts),
            "window_start_utc": instant(start),
            "window_end_utc": instant(end),
            "close_utc": instant(max(market.close_ts for market in event.markets)),
            # the forecast and the readings
            "method": chances.method,
            "mu_f": None if chances.mu_f is None else round(chances.mu_f, 3),
            "sigma_f": None if chances.sigma_f is None else round(chances.sigma_f, 3),
            "reasons": list(chances.reasons),
            "observed_f": None if running is None else running.reached_f,
            "observed_utc": None if running is None else instant(running.through_ts),
            "observation_age_s": None if running is None else now_ts - running.through_ts,
            # ages
            "known_at_utc": None if chances.known_ts is None else instant(chances.known_ts),
            "forecast_age_s": None if chances.known_ts is None else now_ts - chances.known_ts,
            "price_age_s": now_ts - event.priced_ts,
            "inputs": [
                {
                    "name": one.name,
                    "made_utc": None if one.made_ts is None else instant(one.made_ts),
                    "known_utc": None if one.known_ts is None else instant(one.known_ts),
                    "age_s": None if one.known_ts is None else now_ts - one.known_ts,
                    "value_f": one.value_f,
                }
                for one in chances.inputs
            ],
            "brackets": [
                _bracket_row(self._rules, priced[market.ticker], chances, orders, now_ts) for market in event.markets
            ],
        }


def _impatient(client: HttpClient) -> HttpClient:
    """A client that asks again at most TRIES times."""
    client.endpoint = dataclasses.replace(client.endpoint, max_retries=min(client.endpoint.max_retries, TRIES))
    return client


def _stations(events: Sequence[OpenEvent]) -> list[str]:
    return sorted({event.station.station_id for event in events})


def _window(config: Mapping[str, Any], event: OpenEvent) -> tuple[int, int]:
    """Start and end of an event's trade window; in latest mode as-of times are those of the config, too."""
    asof = current_chances.asof_of_event(config, event.station, event.climate_date)
    opened = min(market.open_ts for market in event.markets)
    closed = max(market.close_ts for market in event.markets)
    return trade_window(event.station, event.climate_date, config["trade_window_policy"], asof, opened, closed, closed)


def _bracket_row(rules: Rules, priced: PricedMarket, chances: EventChances, orders: OrdersNow, now_ts: int) -> Row:
    """A market in the form of docs/today.md; amounts are decimals as text, null where there is none."""
    market: OpenMarket = priced.market
    p, refused = chances.p_yes.get(market.ticker), orders.refused.get(market.ticker)
    yes, no = (would_buy.value_of(rules, priced, side, now_ts) for side in Side)
    return {
        "market_ticker": market.ticker,
        "bracket": market.bracket,
        "p_yes": None if p is None else plain(p),
        "yes_bid": amount_text(market.bid_micro) if market.bid_micro else None,
        "yes_ask": amount_text(market.ask_micro) if market.ask_micro < MICRO else None,
        "bid_size": None if market.bid_size is None else plain(market.bid_size),
        "ask_size": None if market.ask_size is None else plain(market.ask_size),
        "fee_quantity": would_buy.fee_quantity(rules),
        "fee_yes": None if yes.fee_micro is None else amount_text(yes.fee_micro),
        "fee_no": None if no.fee_micro is None else amount_text(no.fee_micro),
        "net_ev_yes": _value(yes.net_ev_pico),
        "net_ev_no": _value(no.net_ev_pico),
        "orders": [_order_row(order) for order in orders.by_ticker.get(market.ticker, ())],
        "refused": refused,
        "refused_text": None if refused is None else refusal_text(refused),
    }


def _order_row(order: PlannedOrder) -> Row:
    return {
        "kind": order.kind,
        "side": order.side,
        "quantity": order.quantity,
        "price": amount_text(order.price_micro),
        "fee": amount_text(order.fee_micro),
        "net_ev": _value(order.net_ev_pico),
    }


def _value(pico: Any) -> str | None:
    """An expected value in dollars with 6 decimals, rounded half to even."""
    return None if pico is None else amount_text(round(pico * MICRO / PICO))
