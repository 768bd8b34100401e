"""The reasons for which sessions are not traded and positions are closed, in words."""

from __future__ import annotations

# Why a session, or a break, was not traded.
ORB_REASON_TEXTS = {
    "NO_OPENING_RANGE": "no bar in the minutes of the opening range",
    "OR_INCOMPLETE": "the opening range lacks a minute (orb.on_gap: skip)",
    "ATR_WARMUP": "the average true range is not known yet, or is 0",
    "OR_INVALID": "the opening range is too narrow or too wide for the average true range",
    "DOJI": "the opening range closed where it opened",
    "FILTER_WARMUP": "too few sessions before for the filter of stocks in play",
    "FILTER_PRICE": "filter: the price is too low",
    "FILTER_VOLUME": "filter: the average volume is too low",
    "FILTER_ATR": "filter: the average true range is too small",
    "FILTER_REL_VOLUME": "filter: the volume of the opening range is too low for this symbol",
    "FILTER_RANK": "filter: others had a higher relative volume",
    "TIME_CUTOFF": "at or after governance.time_cutoff",
    "SESSION_END": "in the minutes before the close in which nothing is entered",
    "MAX_SIGNALS": "as many entries in the session as governance.max_signals_per_day allows",
    "LOCKOUT": "after governance.lockout_after_losses full stops in a row",
    "DAILY_LOSS": "the session's loss had reached governance.max_daily_loss_r",
    "SCORE": "the score of the factors was too low",
    "BAD_STOP": "the stop is too near to the entry, or beyond it",
    "MAX_POSITIONS": "as many positions were held as governance.max_positions allows",
    "SIZE_ZERO": "the size, or the buying power that was left, is less than one share",
    "LIQUIDITY": "risk.max_volume_share of the bar's volume is less than one share",
    "NO_BARS": "no bar in the run",
    "ALREADY_HELD": "shares of it were held already, or when the bar began",
    "NOTHING_HELD": "no position of that kind was held",
    "NO_WHOLE_SHARE": "less than one share",
    "NO_NEXT_BAR": "no bar of the session came after it",
}
ENTRY_TEXTS = {"ORB_BREAK": "the price left the opening range", "STRATEGY": "an order of the strategy"}
EXIT_TEXTS = {
    "entry": "entry",
    "target": "the target was reached",
    "stop": "the stop was reached",
    "breakeven_stop": "the stop at the entry price was reached",
    "trailing_stop": "the trailing stop was reached",
    "time_stop": "held for as long as allowed",
    "session_end": "the session ended",
    "sale": "sold or bought back by the strategy",
    "resting_sale": "a limit of the strategy was reached",
    "stop_sale": "a stop order of the strategy was reached",
}


def reason_text(code: str) -> str:
    """Return the words for a code of a refusal, an entry or an exit; the code itself for any other."""
    return ORB_REASON_TEXTS.get(code) or ENTRY_TEXTS.get(code) or EXIT_TEXTS.get(code, code)
