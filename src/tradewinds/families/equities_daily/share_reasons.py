"""The reasons for which symbols are skipped, orders refused and positions sold, in words."""

from __future__ import annotations

SHARE_REASON_TEXTS = {
    "INSUFFICIENT_CASH": "not enough cash",
    "ALREADY_HELD": "the symbol was held at the close of the signal",
    "MAX_POSITIONS": "as many positions were held as risk.max_positions allows",
    "NO_NEXT_BAR": "no later bar in the run to fill at",
    "NO_VOLUME": "no share was traded at the bar at which the order would have filled",
    "LIQUIDITY": "risk.max_volume_share of the bar's volume is less than one share",
    "NO_WHOLE_SHARE": "less than one share was wanted",
    "NOTHING_HELD": "nothing was held to sell",
    "NOT_IN_UNIVERSE": "the symbol was not in the universe at the decision",
    "NO_BARS": "no bar inside the run that is not quarantined",
    "TOO_LITTLE_HISTORY": "fewer bars than a signal needs",
    "NOT_ACTIVE": "not in the universe on any date of the run",
}
ENTRY_TEXTS = {"STRATEGY": "the strategy bought", "RESTING": "the limit of the strategy's purchase was reached"}
EXIT_TEXTS = {
    "profit_target": "the profit target was reached",
    "stop_loss": "the stop was reached",
    "trailing_stop": "fell too far from its highest close",
    "time_stop": "held for as many days as allowed",
    "backtest_end": "the run ended",
    "no_bars": "its bars ended",
    "sale": "the strategy sold",
    "resting_sale": "the limit of the strategy's sale was reached",
}


def reason_text(code: str) -> str:
    """Return the words for a code of a skip, a refusal or an exit; the code itself for any other."""
    return SHARE_REASON_TEXTS.get(code) or EXIT_TEXTS.get(code) or ENTRY_TEXTS.get(code, code)
