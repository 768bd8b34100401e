"""A run's probabilities beside the price of the as-of time: the keys `edge` and `ages` of calibration.json."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from tradewinds.families.kalshi_weather.pooling.price_ladders import EventLadder
from tradewinds.results.edge.edge_scores import UnscoredEvent, judge_edge

_HOUR, _MINUTE = 3600, 60


def edge_scores(events: Sequence[EventLadder], known_at: Mapping[tuple[str, dt.date], int]) -> dict[str, Any]:
    """The keys `edge` and `ages`.

    Args:
        events: every listed event of the run.
        known_at: when the newest input of an event's forecast was known, by (series, climate date); Unix seconds.
    """
    reasons = [(event, event.not_scored()) for event in events]
    scored = [event.priced() for event, reason in reasons if reason is None]
    left_out = [UnscoredEvent(event.station, reason) for event, reason in reasons if reason is not None]
    stations = sorted({event.station for event in events})
    by_station = {name: _ages([one for one in events if one.station == name], known_at) for name in stations}
    return {
        "edge": judge_edge(scored, left_out),
        "ages": {**_ages(events, known_at), "by": {"station": by_station}},
    }


def _ages(events: Sequence[EventLadder], known_at: Mapping[tuple[str, dt.date], int]) -> dict[str, Any]:
    """How old inputs and prices were at the as-of times: `median` and `most`, None without any.

    Returns:
        `newest_input_hours`: over events, since the newest input of the forecast became public.
        `price_minutes`: over markets, since the end of the candle with the last quote.
    """
    inputs = [
        (event.asof_ts - known_at[event.series_ticker, event.day]) / _HOUR
        for event in events
        if (event.series_ticker, event.day) in known_at
    ]
    prices = [
        (event.asof_ts - market.quote.end_ts) / _MINUTE
        for event in events
        for market in event.markets
        if market.quote is not None
    ]
    return {"newest_input_hours": _spread(inputs), "price_minutes": _spread(prices)}


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    return {"median": statistics.median(values), "most": max(values)} if values else None
