"""Keeping the margin of a position of direction 1 near its target, at each settlement of its symbol after the exits.

Too much margin goes back to cash. Too little is refilled from cash; if that is not enough, both legs are reduced.
"""

from __future__ import annotations

from collections.abc import Callable

from tradewinds.engine.carry.carry_books import CarryBooks
from tradewinds.engine.carry.carry_costs import rounded, value_of
from tradewinds.engine.carry.carry_holding import Holding
from tradewinds.engine.carry.carry_market import UNIT
from tradewinds.engine.carry.carry_rules import NO_REBALANCE, RESIZE


def rebalance(
    books: CarryBooks,
    holding: Holding,
    mark: int,
    spot: int,
    step: int,
    min_notional: int,
    reduce: Callable[[Holding, int], bool],
) -> None:
    """Move margin, and reduce the position if cash does not do.

    Args:
        books: the account.
        holding: the position.
        mark: M(t); 10^-8.
        spot: S(t); 10^-8.
        step: smallest change of the quantity; 10^-8.
        min_notional: least value of what stays open; 10^-8.
        reduce: closes a quantity of both legs; returns whether there were prices for it.
    """
    margin = books.rules.margin
    if margin.rebalance == NO_REBALANCE or not margin.both_legs or holding.direction != 1:
        return
    balance, value = _balance(holding, mark), value_of(holding.quantity, mark)
    target = rounded(value * margin.leverage.denominator, margin.leverage.numerator)
    # compared exactly, as products of integers: fractions would take most of the time of a settlement
    leveraged, worth = balance * margin.leverage.numerator, value * margin.leverage.denominator
    if leveraged * margin.high.denominator > margin.high.numerator * worth:
        # ASSUME: a wallet below 0 gives nothing, as cash below 0 gives nothing
        books.transfer(holding, -max(min(balance - target, holding.wallet), 0))
        return
    if leveraged * margin.low.denominator >= margin.low.numerator * worth:
        return
    added = max(min(target - balance, books.cash), 0)
    books.transfer(holding, added)
    lacking = target - balance - added
    if margin.rebalance == RESIZE and lacking > 0:
        _resize(books, holding, mark, spot, step, min_notional, lacking, reduce)


def _resize(
    books: CarryBooks,
    holding: Holding,
    mark: int,
    spot: int,
    step: int,
    min_notional: int,
    lacking: int,
    reduce: Callable[[Holding, int], bool],
) -> None:
    """Reduce both legs until the freed cash and the smaller target meet; then refill the wallet. Arguments as rebalance.

    Args:
        lacking: margin that is missing; 10^-8 of the quote currency.
    """
    margin = books.rules.margin
    freed = spot + mark / margin.leverage  # for each unit; exact, because leverage is a fraction
    wanted = lacking * UNIT / freed
    quantity = -int(-wanted // step) * step
    rest = holding.quantity - quantity
    if rest <= 0 or rest * spot < min_notional * UNIT:
        quantity = holding.quantity
    if not reduce(holding, quantity) or not holding.quantity:
        return
    whole, leverage = holding.quantity * mark, margin.leverage
    missing = rounded(whole * leverage.denominator, UNIT * leverage.numerator) - _balance(holding, mark)
    books.transfer(holding, min(max(missing, 0), max(books.cash, 0)))


def _balance(holding: Holding, mark: int) -> int:
    """Return the margin with the unrealised profit."""
    return holding.wallet + holding.perp_gain(value_of(holding.quantity, mark))
