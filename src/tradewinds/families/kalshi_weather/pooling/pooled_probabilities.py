"""Probabilities of the source `pooled`: the forecast of another source, shrunk towards the price of the as-of time.

The weights of price and forecast at an as-of time are fitted to events that had settled by then; without any they are (1, 0),
and P(YES) is the price itself. An event that lacks a price has no probability: the forecast alone is never put in its place.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.forecasts.bracket_probability import QUANTUM
from tradewinds.families.kalshi_weather.pooling.price_ladders import NO_PROBABILITY, EventLadder, event_ladders
from tradewinds.families.kalshi_weather.pooling.probability_sources import (
    POOLED,
    base_of,
    forecast_config,
    trained_from,
)
from tradewinds.results.edge.ladders import Ladders
from tradewinds.results.edge.pool import pooled
from tradewinds.results.edge.walk_forward_pool import KnownWeights, known_weights

NO_POOL = "NO_POOL"  # a fit without an answer

Row = dict[str, Any]


class PoolShares(NamedTuple):
    """An event's pool: weights, and by market the price's share q and the probability z."""

    weights: KnownWeights
    q: Sequence[float]
    z: Sequence[float]


def pooled_table(
    config: Mapping[str, Any],
    catalogs: Mapping[str, str],
    candles: Mapping[tuple[str, dt.date], str],
    forecast: tuple[pa.Table, dict[str, Any]],
) -> tuple[pa.Table, dict[str, Any]]:
    """The run's probabilities: those of the forecast, shrunk towards the price.

    Args:
        config: resolved; its probabilities are pooled.
        catalogs: path per series.
        candles: path per (series, climate date), of the events of the run and of those that the weights are fitted to.
        forecast: table (columns: schemas.PROBABILITIES) and metadata made by `forecast_config` of the config.

    Returns:
        The table (columns: schemas.POOLED_PROBABILITIES).
        Its metadata, with the reasons of events that have no probability, and when the newest input of each event's forecast
        was known (Unix seconds): the table has when forecast and prices were.
    """
    table, base_meta = forecast
    rows = {row["market_ticker"]: row for row in table.to_pylist()}
    p = {ticker: float(row["p_yes"]) for ticker, row in rows.items()}
    ladders = [one.listed_by_asof() for one in event_ladders(forecast_config(config), catalogs, candles, p)]
    wanted = [one for one in ladders if one.day >= config["date_start_local"]]
    # Events with a price and a forecast for every market have a pool; the others say why not.
    reasons = {one.ticker: _reason(one, base_meta) for one in wanted if one.without_probability()}
    priced = [one for one in wanted if not one.without_probability()]
    shares = pool_shares(config, ladders, priced)
    found: list[Row] = []
    for event, share in zip(priced, shares, strict=True):
        if share is None:
            reasons[event.ticker] = NO_POOL
        else:
            found += _rows(event, share, rows)
    found.sort(key=lambda row: (row["climate_date"], row["market_ticker"]))
    meta = {
        "source": POOLED,
        "of": base_of(config["probabilities"])["source"],
        "markets": len(found),
        "methods": dict(Counter(row["method"] for row in found)),
        "events_without": dict(sorted(reasons.items())),
        "reasons": dict(sorted(Counter(reasons.values()).items())),
        "markets_without": base_meta["markets_without"],
        "forecast_known_at": {one.ticker: _forecast_known_at(one, rows) for one in priced},
    }
    return pa.Table.from_pylist(found, schemas.POOLED_PROBABILITIES), meta


def _reason(event: EventLadder, base_meta: Mapping[str, Any]) -> str:
    """Why an event has no pool: where the forecast has none, the forecast's reason."""
    reason = event.without_probability() or ""
    return str(base_meta["events_without"].get(event.ticker, reason)) if reason == NO_PROBABILITY else reason


def pool_shares(
    config: Mapping[str, Any], ladders: Sequence[EventLadder], priced: Sequence[EventLadder]
) -> list[PoolShares | None]:
    """The pool of each event; None where the fit has no answer.

    Args:
        config: resolved.
        ladders: all events, of which those that are scored may be fitted to.
        priced: the events that get probabilities.
    """
    settings = config["probabilities"][POOLED]
    scored = [one for one in ladders if one.day >= trained_from(config) and not one.not_scored()]
    weights: dict[str, KnownWeights | None] = {}
    for group in _groups(priced, settings["scope"]):
        asof_ts = [one.asof_ts for one in group]
        if settings["fixed"]:
            fixed = KnownWeights(float(settings["fixed"]["b"]), float(settings["fixed"]["c"]), 0)
            found: Sequence[KnownWeights | None] = [fixed] * len(group)
        else:
            series = {one.series_ticker for one in group}
            training = [one for one in scored if settings["scope"] == "config" or one.series_ticker in series]
            settled = [one.settled_ts for one in training]
            found = known_weights(_columns(training), settled, asof_ts, float(settings["shrinkage"]))
        weights |= {one.ticker: weight for one, weight in zip(group, found, strict=True)}
    return [_pool(event, weights[event.ticker]) for event in priced]


def _groups(events: Sequence[EventLadder], scope: str) -> Iterable[list[EventLadder]]:
    """The events that share a fit: all of them, or those of each series."""
    if scope == "config":
        return [list(events)]
    return [[one for one in events if one.series_ticker == name] for name in {event.series_ticker for event in events}]


def _columns(events: Sequence[EventLadder]) -> Ladders:
    """Events as columns; of those that are not settled any market stands for the winner, and nothing is fitted to them."""
    results = [[market.result for market in event.markets] for event in events]
    return Ladders.of(
        mids=[[market.quote.mid for market in event.markets if market.quote] for event in events],
        probabilities=[[market.p for market in event.markets if market.p is not None] for event in events],
        winners=[found.index("yes") if "yes" in found else 0 for found in results],
        clusters=list(range(len(events))),
    )


def _pool(event: EventLadder, weights: KnownWeights | None) -> PoolShares | None:
    """The pool of one event by known weights."""
    if weights is None:
        return None
    ladder = _columns([event])
    return PoolShares(weights, np.exp(ladder.log_q[0]).tolist(), pooled(ladder, weights.b, weights.c)[0].tolist())


def _rows(event: EventLadder, share: PoolShares, forecast: Mapping[str, Row]) -> list[Row]:
    """The rows of an event's markets (columns: schemas.POOLED_PROBABILITIES).

    All of them depend on every market's price and forecast, so they are known when the last of these is.
    """
    base = [forecast[market.ticker] for market in event.markets]
    ends = [market.quote.end_ts for market in event.markets if market.quote]
    known_at_ts = max(*ends, _forecast_known_at(event, forecast))
    return [
        row
        | {
            "known_at_ts": known_at_ts,
            "p_yes": Decimal(repr(z)).quantize(QUANTUM, rounding=ROUND_HALF_EVEN),
            "method": POOLED,
            "p_base": row["p_yes"],
            "q": q,
            **share.weights._asdict(),
        }
        for row, q, z in zip(base, share.q, share.z, strict=True)
    ]


def _forecast_known_at(event: EventLadder, forecast: Mapping[str, Row]) -> int:
    """When the newest of the forecast's probabilities of an event was known; Unix seconds."""
    return max(int(forecast[market.ticker]["known_at_ts"]) for market in event.markets)
