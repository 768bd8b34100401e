"""Market, series and event objects as the exchange's API shows them today, made from the few facts that a recording has."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.strikes import strike_bounds


def subtitle(strike_type: str | None, floor: float | None, cap: float | None) -> str:
    """The exchange's words for a bracket of whole degrees: "64° or below", "65° to 66°", "73° or above".

    Args:
        strike_type: as the exchange names it, None without one.
        floor: lower strike in °F, None without one.
        cap: upper strike in °F, None without one.

    Returns:
        The words; "" where the strikes do not say what settles YES.
    """
    try:
        lowest, highest = strike_bounds(strike_type, floor, cap, None)
    except ValueError:
        return ""
    if lowest is None:
        return f"{highest}° or below"
    return f"{lowest}° or above" if highest is None else f"{lowest}° to {highest}°"


def zulu(moment: dt.datetime) -> str:
    """An instant as RFC 3339 in UTC, with a trailing Z."""
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
    """A row of the archive's events (schema event_archive.EVENTS), with the exchange's usual texts."""
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
    status: str = "finalized",
) -> dict[str, Any]:
    """A market as a row of the archive's markets (schema event_archive.MARKETS).

    Args:
        series_ticker: the series.
        event_ticker: the event.
        market_ticker: the market.
        strike_type: less, between or greater; None, as for the strikes, if the recording has none.
        floor: lower strike in °F.
        cap: upper strike in °F.
        yes_sub_title: the bracket in words.
        result: yes, no or scalar; "" for a market without one.
        open_time: first instant of trading.
        close_time: last instant of trading.
        settlement_ts: when it was settled.
        volume: contracts traded, as the API's decimal string.
        open_interest: contracts held at the end, as the API's decimal string.
        expiration_value: the observed temperature as text; "" if it is not known.
        settlement_value: dollars per YES contract as the API's decimal string, which a scalar result needs; by default what
            the result says.
        status: in the exchange's words.

    Returns:
        The row; its `raw` is the market object as JSON.
    """
    # the object, with what every settled market of these series has
    value = settlement_value or {"yes": "1.0000", "no": "0.0000"}.get(result)
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
        "status": status,
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
        "settlement_bounds_type": "default",
        "rules_primary": "",
        "rules_secondary": "",
        "price_level_structure": "linear_cent",
        "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
        "exchange_index": 0,
    }
    # settlement and strikes, where they are known
    if value is not None:
        raw |= {"settlement_value_dollars": value, "settlement_ts": zulu(settlement_ts)}
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
