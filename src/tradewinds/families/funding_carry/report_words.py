"""Texts of the report of funding carry: reasons, optimistic options, parts of the profit, and what a run does not know."""

from __future__ import annotations

OPTIMISTIC = {
    "last_close": (
        "Optimistic: fills are at the price that the decision saw (execution.fill: last_close). No order is that fast; "
        "next_open takes the open of the candle that begins at the decision."
    ),
    "maker": (
        "Optimistic: every order pays the maker's fee (costs.fees.liquidity: maker) and is filled at once. A resting "
        "order waits, and is filled when the price goes against it."
    ),
    "preset_seed": (
        "The preset seed enters at 0.01 % of 8 hours, the rate at which most contracts rest: such a position pays its "
        "costs for weeks before it earns anything."
    ),
    "spot_only": (
        "Optimistic: the perpetual needs no capital and cannot be liquidated (margin.capital_rule: spot_only). One capital is "
        "spent twice; both_legs gives each leg its own."
    ),
}
SOURCE_TEXTS = {
    "funding": "payments: mark price × quantity × rate, received by the short where the rate is above zero",
    "price_pnl": "change of the basis, at prices before slippage",
    "fees": "of every fill of both legs",
    "slippage": "fills worse than their reference prices",
    "borrow": "interest on borrowed assets",
    "liquidation_cost": "margin that liquidations took",
}
REASON_TEXTS = {
    "NO_DATA": "the source has no settlement of it in the range",
    "NO_SPOT_LEG": "there are no candles of its spot leg",
    "NO_PERP_CANDLES": "there are no candles of the perpetual",
    "STALE_PRICE": "the last close of a leg was too old for a decision (execution.max_price_age_minutes)",
    "NO_FILL_PRICE": "a leg has no candle that begins at the decision",
    "VOLUME": "the perpetual's volume of the last week was too far below that of the week before",
    "BREAKEVEN": "the costs of a round trip would have taken too many payments (max_breakeven_periods)",
    "MAX_POSITIONS": "as many positions as allowed were open (risk.max_positions)",
    "MIN_NOTIONAL": "the budget buys less than the exchange's least order",
    "INSUFFICIENT_CASH": "there was not enough cash for a position of the least size",
    "MAX_POSITION": "the limit of one position leaves less than the least order (risk.max_position_quote)",
    "MAX_EXPOSURE": "the limit of all positions was reached (risk.max_exposure_quote)",
    "ALREADY_HELD": "a position of it was open, or was closed at this settlement",
    "NOTHING_HELD": "no position of it was open",
    "NO_SETTLEMENT": "it did not settle then, or for the last time",
    "LIQUIDITY": "the last candle's volume allows less than the least order (max_volume_share of risk or execution)",
}
LIMITS = (
    "Today's steps and least orders are taken for the whole past: no exchange publishes their history. Fees of the "
    "past are those of the chosen schedule.",
    "The fee of a spot purchase is paid in the quote coin. An exchange that takes it in the base coin leaves the "
    "position about 0.1 % short of its hedge.",
    "A liquidation takes all margin that is left of a leg: tiers of maintenance margin by size, partial liquidations, "
    "the insurance fund and auto-deleveraging are not modelled.",
    "Assets to borrow are always there at one rate. In fact they run out when funding is most negative.",
    "Both legs fill at once, whole, with a slippage by rule. In a fast market one leg fills and the other does not.",
    "Money on an exchange is a claim on the exchange. Its failure, a frozen withdrawal or a stablecoin off its peg is in no "
    "figure of this report.",
    "Contracts that are chosen today leave out those that were delisted.",
    "One path of history is one sample. The best of many settings is worth less than it looks.",
)

TRADE_TEXTS = {
    "score": "the score was high enough, or no longer",
    "rate": "the rate was high enough, or no longer",
    "strategy": "the strategy opened it",
    "sale": "the strategy closed it",
    "rebalance": "to keep the margin near its target",
    "liquidation": "the price used up the margin of a leg",
    "backtest_end": "the run or the records ended",
    "open": "opened",
    "close": "closed",
}


def reason_text(code: str) -> str:
    """Return the words for a code of a skip, a refusal, an entry or an exit; the code itself for any other."""
    return REASON_TEXTS.get(code) or TRADE_TEXTS.get(code, code)
