"""The reasons for which events are skipped and orders are refused, in words."""

from __future__ import annotations

from tradewinds.families.kalshi_weather.validations.judge import SKIP_PREFIX

EVENT_REASON_TEXTS = {
    "OPPOSING_POSITION": "the other side of the market is held",
    "LIQUIDITY": "more than the allowed share of the candle's volume",
    "ORDER_BOOK": "the order book shows nothing more at a good enough price",
    "MAX_CONTRACTS_PER_MARKET": "the market is full",
    "MAX_CONTRACTS_PER_EVENT": "the event is full",
    "MAX_TOTAL_OPEN_CONTRACTS": "the account is full",
    "MAX_NOTIONAL_PER_EVENT_USD": "the event's money is used up",
    "MAX_TRADES_PER_EVENT_PER_DAY": "the event's orders of the day are used up",
    "INSUFFICIENT_CASH": "not enough cash",
    "EV_THRESHOLD": "the smaller order a limit left is not worth its fee",
    "NOTHING_HELD": "a sale of what is not held",
    "NOT_OPEN": "the market is not open",
    "NOT_QUOTED": "this side is not quoted",
    "NO_WHOLE_CONTRACT": "less than one contract",
    "WOULD_TAKE": "a resting order that could be filled at once",
    "PLACED": "the order rests",
    "EMPTY_WINDOW": "the market has no time to trade in",
    "CROSSED_QUOTE": "bid above ask: no quote",
    "NO_PROBABILITY": "no probability at the as-of time",
    "STALE_PROBABILITY": "the price in the probability is older than probabilities.pooled.valid_minutes",
    "NO_EVENT": "the exchange lists no such event",
    "UNSETTLED": "a market has no final result",
    "OPEN_WHEN_FETCHED": "its candles were asked for before it had closed",
    "MISSING_QUOTES": "no candle",
    "DAMAGED_QUOTES": "the exchange's answer about the candles could not be right; events.csv says why",
    "MISSING_PROBABILITIES": "no probability for any market",
    "DATE_MAPPING": "date or station cannot be told",
}


def because(code: str) -> str:
    """What a reason code means; the code of a failed validation names the validation."""
    return "this validation failed" if code.startswith(SKIP_PREFIX) else EVENT_REASON_TEXTS[code]


_ENTRY_TEXTS = {
    "EV_THRESHOLD": "worth more than it costs",
    "STRATEGY": "the strategy bought it",
    "SALE": "a sale of what was held",
    "RESTING": "a resting order was filled",
    "RESTING_SALE": "a resting sale was filled",
}


def refusal_text(code: str) -> str:
    """The words for a code of a skip or a refusal; a code of a user's own strategy stays as it is."""
    return because(code) if code.startswith(SKIP_PREFIX) else EVENT_REASON_TEXTS.get(code, code)


def reason_text(code: str) -> str:
    """The words for a code of a skip, a refusal or an entry; a code of a user's own strategy stays as it is.

    EV_THRESHOLD stands for an entry here; `refusal_text` takes it for a refusal.
    """
    return _ENTRY_TEXTS.get(code) or refusal_text(code)
