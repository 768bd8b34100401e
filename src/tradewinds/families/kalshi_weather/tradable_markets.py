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
STALE_PROBABILITY = "STALE_PROBABILITY"


def tradable(event: ReplayEvent, step_seconds: int) -> tuple[list[ReplayMarket], Counter[str]]:
    """Return the markets of an event that can trade, and what is refused for another reason than an order's (once per market).

    A market whose probability is too old for some decision times can trade at the earlier ones; one whose first probability
    comes after some decision times can trade at the later ones.

    Args:
        event: the event.
        step_seconds: seconds between decision times; it decides what is counted, never which markets can trade.
    """
    refused: Counter[str] = Counter()
    kept = []
    for market in event.markets:
        if market.p_pico is None:
            refused[NO_PROBABILITY] += 1
        elif market.start_ts >= market.end_ts:
            refused[EMPTY_WINDOW] += 1
        else:
            if _decides_too_early(market, step_seconds):
                refused[NO_PROBABILITY] += 1
            if _decides_too_late(market, step_seconds):
                refused[STALE_PROBABILITY] += 1
            if _tradable_end(market) > _tradable_start(market):
                kept.append(market)
    return kept, refused


def _decides_too_early(market: ReplayMarket, step_seconds: int) -> bool:
    """Whether a decision time of a market's window comes before its first probability."""
    if market.p_from_ts is None:
        return False
    first_ts = -(-market.start_ts // step_seconds) * step_seconds
    return first_ts < min(market.p_from_ts, market.end_ts)


def _tradable_start(market: ReplayMarket) -> int:
    """Start of the part of a market's window in which it has a probability; Unix seconds."""
    return market.start_ts if market.p_from_ts is None else market.p_from_ts


def _decides_too_late(market: ReplayMarket, step_seconds: int) -> bool:
    """Whether a decision time of a market's window comes after its probability may be used."""
    if market.valid_until_ts is None:
        return False
    last_ts = (market.end_ts - 1) // step_seconds * step_seconds
    return last_ts > market.valid_until_ts and last_ts >= market.start_ts


def _tradable_end(market: ReplayMarket) -> int:
    """End of the part of a market's window in which its probability may be used, not included; Unix seconds."""
    return market.end_ts if market.valid_until_ts is None else min(market.end_ts, market.valid_until_ts + 1)


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
        start_ts=_tradable_start(market),
        end_ts=_tradable_end(market),
        quotes_from_ts=market.open_ts if full_window else market.start_ts,
        settle_ts=market.settle_ts,
        payout_yes_micro=market.payout_yes_micro,
        fee_rate=market.fee_rate,
        later_p=market.later_p,
    )
