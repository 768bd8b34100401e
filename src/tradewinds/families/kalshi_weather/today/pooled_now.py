"""Probabilities of open events by the source `pooled`: the forecast, shrunk towards the price of the event's as-of time.

The weights are fitted, as in a run, to the config's own events that had settled by then. What they need is on the disk after a
run of the config; if something is missing, there is no probability, and the reason names the command that fetches it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

from tradewinds.core import files
from tradewinds.core.errors import FetchError
from tradewinds.core.text import counted
from tradewinds.families.kalshi_weather.fetch import event_candles
from tradewinds.families.kalshi_weather.fetch.candle_parsing import LIVE
from tradewinds.families.kalshi_weather.fetch.exchange_requests import CatalogMarket
from tradewinds.families.kalshi_weather.forecasts.bracket_probability import QUANTUM
from tradewinds.families.kalshi_weather.forecasts.market_probabilities import (
    build_probabilities,
    forecast_probabilities,
)
from tradewinds.families.kalshi_weather.plan import EventFiles, events_plan
from tradewinds.families.kalshi_weather.pooling.asof_quotes import AsofQuote, quotes_at
from tradewinds.families.kalshi_weather.pooling.pooled_probabilities import NO_POOL, PoolShares, pool_shares
from tradewinds.families.kalshi_weather.pooling.price_ladders import EventLadder, LadderMarket, event_ladders
from tradewinds.families.kalshi_weather.pooling.probability_sources import (
    POOLED,
    forecast_config,
    pool_of,
    trained_from,
)
from tradewinds.families.kalshi_weather.today.current_chances import EventChances, InputAge, asof_of_event
from tradewinds.families.kalshi_weather.today.open_events import OpenEvent
from tradewinds.sources.http import HttpClient

FOLDER = "data/today/kalshi"
BEFORE_ASOF = "BEFORE_ASOF"
NO_TRAINING_DATA = "NO_TRAINING_DATA"
_MINUTE = 60


class CurrentPool:
    """The pool of a config, for its open events.

    Args:
        config: resolved; its probabilities are pooled.
        name: of the config's file, for the command that fetches what is missing.
        client: the client of the exchange.
        tell: called with a line about what is asked.
    """

    def __init__(self, config: Mapping[str, Any], name: str, client: HttpClient, tell: Callable[[str], None]) -> None:
        self._config, self._name, self._client, self._tell = config, name, client, tell
        self._training: list[EventLadder] | None = None
        self._shares: dict[str, PoolShares | None] = {}

    def chances(self, event: OpenEvent, base: EventChances, now: dt.datetime) -> EventChances:
        """The pooled probabilities of an event; those of the forecast never take their place.

        Args:
            event: the event.
            base: probabilities by the source that is shrunk.
            now: the current time.
        """
        asof = asof_of_event(self._config, event.station, event.climate_date)
        if now.timestamp() < asof:
            return replace(base, p_yes={}, reasons=[*base.reasons, BEFORE_ASOF])
        if not base.p_yes:
            return base
        if problem := self._missing(now):
            return replace(base, p_yes={}, reasons=[*base.reasons, problem])
        try:
            quotes = self._asof_quotes(event, asof, now)
        except FetchError as error:
            return replace(base, p_yes={}, reasons=[*base.reasons, str(error)])
        ladder = _ladder(event, asof, base.p_yes, quotes)
        if reason := ladder.without_probability():
            return replace(base, p_yes={}, reasons=[*base.reasons, reason])
        share = self._share(ladder)
        if share is None:
            return replace(base, p_yes={}, reasons=[*base.reasons, NO_POOL])
        tickers = [market.ticker for market in ladder.markets]
        z = [Decimal(repr(value)).quantize(QUANTUM, rounding=ROUND_HALF_EVEN) for value in share.z]
        ends = [quote.end_ts for quote in quotes.values()]
        known = max([*ends, base.known_ts or 0])
        inputs = [*base.inputs, InputAge("price of the as-of time", None, max(ends))]
        return replace(base, p_yes=dict(zip(tickers, z, strict=True)), known_ts=known, method=POOLED, inputs=inputs)

    def _missing(self, now: dt.datetime) -> str | None:
        """Why the weights cannot be fitted, None if all is there."""
        if (pool_of(self._config["probabilities"]) or {}).get("fixed"):
            return None
        plan_files = events_plan(dict(self._config)).files
        paths = [*plan_files.catalogs.values(), *plan_files.weather, *self._training_candles(plan_files, now).values()]
        missing = [path for path in paths if not Path(path).exists()]
        if not missing:
            return None
        return (
            f"{NO_TRAINING_DATA}: {counted(len(missing), 'file')} of the events to which the pool is fitted "
            f"{'is' if len(missing) == 1 else 'are'} missing, first {missing[0]}; `tradewinds run {self._name}` fetches them"
        )

    def _training_candles(self, plan_files: EventFiles, now: dt.datetime) -> dict[tuple[str, dt.date], str]:
        """Candles of the config's events whose climate date was over a day ago."""
        until = now.date() - dt.timedelta(days=1)
        return {key: path for key, path in plan_files.priced_candles.items() if key[1] < until}

    def _ladders(self) -> list[EventLadder]:
        """The events that the weights may be fitted to."""
        if self._training is None:
            now = self._client.answered_at or dt.datetime.now(dt.UTC)
            config, plan_files = forecast_config(self._config), events_plan(dict(self._config)).files
            if (pool_of(self._config["probabilities"]) or {}).get("fixed"):
                self._training = []
                return self._training
            if plan_files.user_probabilities:
                table, _ = build_probabilities(
                    config, plan_files.catalogs, {}, plan_files.user_probabilities, must_match=False
                )
            else:
                guidance: dict[str, list[str]] = {}
                climate: dict[str, list[str]] = {}
                for (station, _, _), path in plan_files.guidance.items():
                    guidance.setdefault(station, []).append(path)
                for (station, _), path in plan_files.climate.items():
                    climate.setdefault(station, []).append(path)
                table, _ = forecast_probabilities(config, plan_files.catalogs, guidance, climate)
            p = {row["market_ticker"]: float(row["p_yes"]) for row in table.to_pylist()}
            candles = self._training_candles(plan_files, now)
            found = event_ladders(config, plan_files.catalogs, candles, p)
            self._training = [
                one.listed_by_asof() for one in found if one.day >= trained_from(self._config) and one.settled_ts
            ]
        return self._training

    def _share(self, ladder: EventLadder) -> PoolShares | None:
        """The pool of an event, which does not change after its as-of time."""
        if ladder.ticker not in self._shares:
            [self._shares[ladder.ticker]] = pool_shares(self._config, [*self._ladders(), ladder], [ladder])
        return self._shares[ladder.ticker]

    def _asof_quotes(self, event: OpenEvent, asof: int, now: dt.datetime) -> dict[str, AsofQuote]:
        """Quotes of the as-of time by market ticker: asked for once, since they do not change.

        Raises:
            FetchError: the exchange could not be asked, or its answer cannot be right.
        """
        path = f"{FOLDER}/{event.ticker}-{asof}.parquet"
        if not Path(path).exists():
            self._tell(f"asking for the prices of {event.ticker} at its as-of time …")
            markets = [CatalogMarket(m.ticker, event.ticker, m.open_ts, m.close_ts, LIVE) for m in event.markets]
            end = asof // _MINUTE * _MINUTE
            windows = {m.ticker: (-(-m.open_ts // _MINUTE) * _MINUTE, end) for m in markets if m.open_ts <= end}
            if not windows:
                return {}
            table, _ = event_candles.fetch_candles(self._client, event.station.series_ticker, markets, windows, 1, now)
            with files.only_maker(path):
                files.write_parquet(path, table, {"event_ticker": event.ticker, "asof_ts": asof})
        return quotes_at([(path, asof)])[path, asof]


def _ladder(event: OpenEvent, asof: int, p: Mapping[str, Decimal], quotes: Mapping[str, AsofQuote]) -> EventLadder:
    """An open event with its probabilities and the quotes of its as-of time."""
    markets: Sequence[LadderMarket] = [
        LadderMarket(
            ticker=market.ticker,
            p=float(p[market.ticker]) if market.ticker in p else None,
            quote=quotes.get(market.ticker),
            result=None,
            open_ts=market.open_ts,
            settled_ts=None,
            bounds=market.bounds,
        )
        for market in event.markets
    ]
    station = f"{event.station.station_id} {event.station.target}"
    ladder = EventLadder(event.station.series_ticker, station, event.ticker, event.climate_date, asof, markets)
    return ladder.listed_by_asof()
