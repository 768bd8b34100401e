"""Market, series and event objects in the exchange's shape of today, built from the few facts an archive starts from."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from tradewinds.families.kalshi_weather import climate_days


def subtitle(strike_type: str, floor: float | None, cap: float | None) -> str:
    """The exchange's words for a bracket of whole degrees: "64° or below", "65° to 66°", "73° or above"."""
    if strike_type == "less" and cap is not None:
        return f"{int(cap) - 1}° or below"
    if strike_type == "greater" and floor is not None:
        return f"{int(floor) + 1}° or above"
    if strike_type == "between" and floor is not None and cap is not None:
        return f"{int(floor)}° to {int(cap)}°"
    raise ValueError(f"no bracket: {strike_type} {floor} {cap}")


def zulu(moment: dt.datetime) -> str:
    """RFC 3339 in UTC with a trailing Z."""
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def series_object(series_ticker: str) -> dict[str, Any]:
    """A daily-temperature series as the API shows it."""
    station = climate_days.station_of(series_ticker)
    extreme = "Highest" if station.target == "max" else "Lowest"
    return {
        "ticker": series_ticker,
        "frequency": "daily",
        "title": f"{extreme} temperature in {station.city}",
        "category": "Climate and Weather",
        "categories": ["Climate and Weather"],
        "tags": ["Daily temperature"],
        "settlement_sources": [{"name": "NWS", "url": "https://www.weather.gov"}],
        "contract_url": "",
        "contract_terms_url": "",
        "fee_type": "quadratic",
        "fee_multiplier": 1,
        "additional_prohibitions": [],
        "last_updated_ts": "2026-01-01T00:00:00Z",
        "exchange_index": 0,
    }


def event_row(series_ticker: str, event_ticker: str) -> dict[str, Any]:
    """A row of the archive's events."""
    date = climate_days.climate_date_of(event_ticker)
    station = climate_days.station_of(series_ticker)
    when = f"{date:%b} {date.day}, {date.year}"
    extreme = "Highest" if station.target == "max" else "Lowest"
    return {
        "event_ticker": event_ticker,
        "series_ticker": series_ticker,
        "title": f"{extreme} temperature in {station.city} on {when}?",
        "sub_title": f"On {when}",
        "mutually_exclusive": True,
    }


def market_row(
    *,
    series_ticker: str,
    event_ticker: str,
    market_ticker: str,
    strike_type: str | None,
    floor: float | None,
    cap: float | None,
    yes_sub_title: str,
    result: str,
    open_time: dt.datetime,
    close_time: dt.datetime,
    settlement_ts: dt.datetime,
    volume: str = "0.00",
    open_interest: str = "0.00",
    expiration_value: str = "",
    settlement_value: str | None = None,
) -> dict[str, Any]:
    """A settled market: a row of schema archive.MARKETS whose `raw` is today's market object.

    Money and counts are given as the API's decimal strings; strikes absent in the recording stay absent.
    """
    value = settlement_value or ("1.0000" if result == "yes" else "0.0000")
    raw: dict[str, Any] = {
        "ticker": market_ticker,
        "event_ticker": event_ticker,
        "market_type": "binary",
        "title": "",
        "yes_sub_title": yes_sub_title,
        "no_sub_title": yes_sub_title,
        "created_time": zulu(open_time - dt.timedelta(hours=4, minutes=30)),
        "updated_time": zulu(settlement_ts),
        "open_time": zulu(open_time),
        "close_time": zulu(close_time),
        "expected_expiration_time": zulu(settlement_ts),
        "latest_expiration_time": zulu(settlement_ts + dt.timedelta(days=6)),
        "settlement_timer_seconds": 3600,
        "status": "finalized",
        "yes_bid_dollars": "0.0000",
        "yes_bid_size_fp": "0.00",
        "yes_ask_dollars": "1.0000",
        "yes_ask_size_fp": "0.00",
        "no_bid_dollars": "0.0000",
        "no_ask_dollars": "1.0000",
        "last_price_dollars": "0.0000",
        "previous_yes_bid_dollars": "0.0000",
        "previous_yes_ask_dollars": "0.0000",
        "previous_price_dollars": "0.0000",
        "volume_fp": volume,
        "volume_24h_fp": "0.00",
        "open_interest_fp": open_interest,
        "notional_value_dollars": "1.0000",
        "result": result,
        "can_close_early": True,
        "expiration_value": expiration_value,
        "settlement_value_dollars": value,
        "settlement_ts": zulu(settlement_ts),
        "settlement_bounds_type": "default",
        "rules_primary": "",
        "rules_secondary": "",
        "price_level_structure": "linear_cent",
        "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
        "exchange_index": 0,
    }
    raw |= {
        key: item
        for key, item in (("strike_type", strike_type), ("floor_strike", floor), ("cap_strike", cap))
        if item is not None
    }
    return {
        "series_ticker": series_ticker,
        "event_ticker": event_ticker,
        "market_ticker": market_ticker,
        "open_time": open_time,
        "close_time": close_time,
        "settlement_ts": settlement_ts,
        "raw": json.dumps(raw, sort_keys=True, ensure_ascii=False),
    }
