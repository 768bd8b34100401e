"""Markets of an event that can trade, as contracts of the engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tradewinds.engine.event_contracts.contracts import Contract, Event
from tradewinds.families.kalshi_weather.events import ReplayEvent, ReplayMarket
from tradewinds.families.kalshi_weather.trade_windows import civil_midnights

NO_PROBABILITY = "NO_PROBABILITY"
EMPTY_WINDOW = "EMPTY_WINDOW"


def tradable(event: ReplayEvent) -> tuple[list[ReplayMarket], Counter[str]]:
    """Return the markets of an event that can trade, and the reasons of those that cannot (counted once per market)."""
    refused: Counter[str] = Counter()
    kept = []
    for market in event.markets:
        if market.p_pico is None:
            refused[NO_PROBABILITY] += 1
        elif market.start_ts >= market.end_ts:
            refused[EMPTY_WINDOW] += 1
        else:
            kept.append(market)
    return kept, refused


def contract_group(event: ReplayEvent) -> Event:
    """Return the engine's group of an event's contracts: one civil calendar, from their first start to their last end."""
    start = min(m.start_ts for m in event.markets)
    end = max(m.end_ts for m in event.markets)
    return Event(f"{event.station.series_ticker} {event.climate_date}", civil_midnights(event.station, start, end))


def contract_of(config: Mapping[str, Any], market: ReplayMarket, group: Event) -> Contract:
    """Return a market as a contract of the engine.

    Args:
        config: resolved.
        market: one of `tradable`.
        group: the contracts of its event.
    """
    if market.p_pico is None or market.payout_yes_micro is None:
        raise AssertionError(f"{market.ticker} is not tradable")
    full_window = config["candles"]["window_policy"] == "FULL_MARKET_WINDOW"
    return Contract(
        ticker=market.ticker,
        event=group,
        p_pico=market.p_pico,
        start_ts=market.start_ts,
        end_ts=market.end_ts,
        quotes_from_ts=market.open_ts if full_window else market.start_ts,
        settle_ts=market.settle_ts,
        payout_yes_micro=market.payout_yes_micro,
        fee_rate=market.fee_rate,
    )
