"""What the figures of reports and pages mean, in a sentence each, by their headings."""

from __future__ import annotations

_PNL = "Profit or loss after fees and slippage."
_RETURN = "Change of the account's equity over the run, in % of the start balance."
_DRAWDOWN = "The deepest fall of the equity from its highest point so far, seen at the points of the equity curve."
_SHARPE = "Mean of the daily returns over their standard deviation, times the root of the days in a year."
_SORTINO = "As the Sharpe ratio, but only days with a loss count as risk."
_WIN_RATE = "Trades with a profit after costs, in % of all trades."
_PROFIT_FACTOR = "Sum of all gains over the sum of all losses: above 1 the gains are larger."
_BRIER = "Mean square of probability less outcome (0 or 1): 0 is perfect, 0.25 is a coin, less is better."
_LOG_LOSS = "Mean of −log of the probability given to what happened; less is better, and sure errors cost much."
_AVERAGE_GAIN, _AVERAGE_LOSS = "Mean profit of the trades with a profit.", "Mean loss of the trades with a loss."
_TRADES = "Positions from their first fill to their last."
_FEES = "What the exchange or broker took."
_FUNDING = "Payments between the two sides of a perpetual contract; above 0 they were received."
_PRICE_PNL = "What the two legs made against each other: the change of the basis, before slippage."
_NET = "Funding and price P&L less all costs."
_BREAK_EVEN = "Number of the payment by which the funding had earned fees, slippage and interest."
_R = "Profit after costs in units of what was risked: the distance from entry to stop, times the shares."
_YEARLY = "Return of one year that would give the run's total return over its days."
_EXPOSURE = "Mean share of the equity that was invested, in %."

EXPLAINED: dict[str, str] = {
    # money of the account
    **dict.fromkeys(("p&l", "net p&l"), _PNL),
    "p&l each": "Profit or loss after fees, for each contract.",
    "start balance": "Cash before the first trade.",
    "end balance": "Cash after the last trade was settled.",
    **dict.fromkeys(("return", "total return"), _RETURN),
    **dict.fromkeys(("a year", "annualised return"), _YEARLY),
    "excess return": "Total return less that of the benchmark, in %.",
    "equity": "Cash and what open positions would fetch.",
    "cash": "Money that is in no position.",
    "open value": "What open positions would fetch at their last prices.",
    "benchmark": "Equity of buying all symbols in equal parts, once, and holding them.",
    "strategy": "Figures of this run.",
    "buy and hold": "Figures of buying all symbols in equal parts, once, at the run's costs, and holding them.",
    **dict.fromkeys(("fees", "fee", "commission", "entry fee", "exit fee"), _FEES),
    "slippage": "What fills were worse than the prices they were decided on.",
    "costs": "Fees, slippage, interest and liquidations.",
    "payout": "What the trade paid in the end, before its price and fee are taken off.",
    # trades
    **dict.fromkeys(("trades", "positions"), _TRADES),
    "fills": "Orders that were carried out; a position has several.",
    "orders": "Orders for one side of one market.",
    **dict.fromkeys(("contracts", "shares", "quantity", "qty"), "How many were bought or sold."),
    **dict.fromkeys(("win rate", "wins"), _WIN_RATE),
    "gains": "How many of the positions had a profit after costs.",
    "won or lost": "Whether the trade had a profit or a loss after costs.",
    **dict.fromkeys(("average profit", "average win", "mean gain"), _AVERAGE_GAIN),
    **dict.fromkeys(("average loss", "mean loss"), _AVERAGE_LOSS),
    "average win / average loss": "Mean profit of the gains over the mean loss of the losses.",
    "largest win": "The largest profit of one trade.",
    "largest loss": "The largest loss of one trade.",
    "profit factor": _PROFIT_FACTOR,
    "gains in a row": "The longest series of trades with a profit.",
    "losses in a row": "The longest series of trades with a loss.",
    **dict.fromkeys(
        ("decision to settlement", "time held", "minutes held"), "Mean minutes from decision to settlement."
    ),
    **dict.fromkeys(("average holding", "holding days", "days held", "days"), "Days from the first fill to the last."),
    "decisions": "At how many decision times it happened.",
    "mean price": "Price of the orders, weighted by their contracts.",
    "turnover a year": "Value of all purchases in a year over the mean equity.",
    "turnover per year": "Value of all purchases in a year over the mean equity.",
    "sold for want of bars": "Positions that ended because their symbol's bars did.",
    "no bars exits": "Positions that ended because their symbol's bars did.",
    "value of those sales": "What positions brought whose symbol's bars ended, at their last closes.",
    "p&l if each had been worth nothing": "P&L if symbols whose bars ended had been worth nothing then.",
    "pnl if no bars worthless": "P&L if symbols whose bars ended had been worth nothing then.",
    "entries above 10 % of the bar's volume": "Entries of more than a tenth of what was traded in their bar: hardly possible.",
    "entries above 100 % of it": "Entries of more than all that was traded in their bar: impossible.",
    # risk
    **dict.fromkeys(("max drawdown", "drawdown"), _DRAWDOWN),
    "longest drawdown": "Most days from a highest point until the equity was back at it.",
    "max drawdown days": "Most days from a highest point until the equity was back at it.",
    "depth": "How far the equity fell below the highest point before.",
    "days down": "Days from the highest point to the lowest.",
    "days in all": "Days from the highest point until the equity was back at it.",
    "year's return": "The months of the year, compounded.",
    "sharpe": _SHARPE,
    "sortino": _SORTINO,
    "exposure": _EXPOSURE,
    "time in market": "Share of the run in which a position was held, in %.",
    "this run": "What the run itself came to.",
    "5 % below": "Five in a hundred of the other orders or draws came to less.",
    "median": "Half of the other orders or draws came to less, half to more.",
    "95 % below": "Ninety-five in a hundred of the other orders or draws came to less.",
    # probabilities
    **dict.fromkeys(("brier", "brier score"), _BRIER),
    "log loss": _LOG_LOSS,
    "p": "The model's probability that the market settles YES.",
    "ev net": "Expected value of the order by the model's probability, after the fee, for each contract.",
    "expected": "What the net expected value at entry promised, in all.",
    "expected each": "Net expected value at entry, for each contract.",
    "realised each": "Profit or loss after fees, for each contract.",
    "95 % interval": "In 95 of 100 samples like this one such an interval holds the true value.",
    "reliability": "Part of the Brier score: how far frequencies are from the probabilities; less is better.",
    "resolution": "Part of the Brier score: how far frequencies of the bins are from the mean; more is better.",
    "uncertainty": "Part of the Brier score that no forecast can change: how uncertain the outcomes are.",
    "brier of the other": "Brier score of the source compared with, on the same markets.",
    "brier of the market": "Brier score of the market's own price, on the same markets.",
    "skill": "1 less Brier score over that of the other: above 0 the model is better.",
    "mae": "Mean distance between forecast and outcome, in degrees.",
    "bias": "Mean of forecast less outcome, in degrees.",
    "crps": "Distance between the forecast's distribution and the outcome, in degrees; less is better.",
    "events": "Things that were traded, each with one outcome.",
    "markets": "Markets with a probability and an outcome.",
    "judged": "How many the validation could judge.",
    "failed": "How many of them failed it.",
    # sizes in R
    **dict.fromkeys(("r", "total r", "r a trade", "average r", "median r", "best r", "worst r"), _R),
    **dict.fromkeys(("total r before costs", "r before costs"), "As R, without slippage and commission."),
    "worst r while held": "Worst price of the bars in which it was held, in R from the entry.",
    "best r while held": "Best price of the bars in which it was held, in R from the entry.",
    "risk per share": "Distance from entry to stop: one R.",
    "score": "Sum of the weights of the factors that held.",
    "trades with": "Trades at whose entry the factor held.",
    "trades without": "Trades at whose entry it did not.",
    "held where score refused": "At how many refused entries the factor held.",
    **dict.fromkeys(
        ("rel vol", "price action", "profile", "vwap", "adx"), "1 if the factor held at the decision, else 0."
    ),
    "relative volume": "Volume of the opening range over its mean of the sessions before.",
    "atr": "Average true range: mean distance between high and low of the days before.",
    "ranges": "Opening ranges of that length.",
    "may be traded": "Ranges of sessions that nothing kept from trading.",
    "median width": "Half of the ranges are narrower.",
    "median width / atr": "Width over the average true range; half of the ranges are below.",
    "missing minutes": "Minutes without a bar or candle.",
    # carry
    **dict.fromkeys(("funding", "payment"), _FUNDING),
    **dict.fromkeys(("price p&l", "price pnl"), _PRICE_PNL),
    "net": _NET,
    **dict.fromkeys(("payments to break even", "to break even", "breakeven periods"), _BREAK_EVEN),
    **dict.fromkeys(
        ("positions that never broke even", "never broke even"), "Positions whose funding never earned their costs."
    ),
    "payments": "How often funding was paid while a position was held.",
    "liquidations": "Positions that ended because the price used up a leg's margin.",
    "liquidation cost": "Margin that liquidations took.",
    "borrow interest": "Interest on borrowed assets.",
    **dict.fromkeys(
        ("net return a year", "net return a year on the capital"),
        "Net P&L in % of the capital, for a year, not compounded.",
    ),
    "capital": "What the position needed: the cost of both legs with their margin.",
    "rate": "Funding rate of the period, in %.",
    "rate at the entry": "Funding rate as it was known at the entry, in %.",
    "score at the entry": "Score of the strategy at the entry.",
    "mark price": "Price on which the payment was reckoned.",
}


def explanation_of(heading: str) -> str:
    """Return what a figure means; "" for a heading that names no statistic.

    Args:
        heading: as a table has it; what follows a comma or an opening bracket, its unit, is not looked at.
    """
    words = heading.split("(")[0].split(",")[0].strip().casefold()
    return EXPLAINED.get(words, "")
