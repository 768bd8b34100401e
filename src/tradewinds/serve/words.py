"""Words for people in place of the keys of metrics.json and of table columns."""

from __future__ import annotations

from collections.abc import Iterable

AMOUNT = "_usd"  # how the key of an amount ends, whatever the account's currency is
_UNITS = {"_pct": "%", "_minutes": "minutes", "_days": "days"}
_WORDS = {
    "total_pnl": "P&L",
    "total_fees": "fees",
    "roi": "return",
    "num_trades": "trades",
    "num_contracts": "quantity",
    "win_rate": "wins",
    "max_drawdown": "drawdown",
    "exposure_time_avg": "time held",
    "sharpe": "Sharpe",
    "sortino": "Sortino",
    "brier": "Brier",
    "num_fills": "fills",
    "price_pnl": "price P&L",
    "borrow": "borrow interest",
    "breakeven_periods": "payments to break even, median",
    "never_broke_even": "positions that never broke even",
    "apr": "net return a year",
}


def heading(key: str, currency: str = "", is_amount: bool = False) -> str:
    """The words for a figure, and its unit: `roi_pct` is "return, %", `max_drawdown_usd` is "drawdown" and the currency.

    Args:
        key: of metrics.json, or a column of backtest_metrics.
        currency: of amounts; "" leaves it out.
        is_amount: the figure is an amount, also if its key does not say so.
    """
    units = _UNITS | {AMOUNT: currency}
    ending = next((ending for ending in units if key.endswith(ending)), "")
    name = key.removesuffix(ending)
    unit = units.get(ending, currency if is_amount else "")
    return titled(_WORDS.get(name, name.replace("_", " ").replace("avg", "average")), unit)


def titled(words: str, unit: str) -> str:
    """Words with their unit, if there is one."""
    return f"{words}, {unit}" if unit else words


def shared(currencies: Iterable[str]) -> str:
    """The currency that all of some accounts have; "" if they differ."""
    found = set(currencies)
    return found.pop() if len(found) == 1 else ""
