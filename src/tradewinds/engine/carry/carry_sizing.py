"""How large a position may be, and why it may not be."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from tradewinds.engine.carry.carry_books import CarryBooks
from tradewinds.engine.carry.carry_costs import PricedFill, fill_price, priced
from tradewinds.engine.carry.carry_market import UNIT
from tradewinds.engine.carry.carry_prices import SymbolPrices
from tradewinds.engine.carry.carry_rules import CarryRules
from tradewinds.engine.carry.carry_signals import SCORE_UNIT


class Offer(NamedTuple):
    """What an entry would be filled at.

    Attributes:
        direction: 1 or -1.
        ts: Unix s.
        spot: reference price; 10^-8.
        perp: reference price; 10^-8.
        spot_volume: of the last complete candle; 10^-8.
        perp_volume: of the last complete candle; 10^-8.
    """

    direction: int
    ts: int
    spot: int
    perp: int
    spot_volume: int
    perp_volume: int


class Asked(NamedTuple):
    """What a strategy that is called asks for; None: it does not say.

    Attributes:
        quantity: of the position at most; 10^-8.
        value: of its budget; 10^-8 of the quote currency.
    """

    quantity: int | None = None
    value: int | None = None


class Sized(NamedTuple):
    """The fills of an entry, or the reason why there is none.

    Attributes:
        fills: spot and perpetual; None: it is refused.
        reason: why it is refused; "" if it is not.
    """

    fills: tuple[PricedFill, PricedFill] | None
    reason: str


def price_legs(rules: CarryRules, offer: Offer, quantity: int, side: int) -> tuple[PricedFill, PricedFill]:
    """Return the fills of both legs.

    Args:
        rules: the run's.
        offer: reference prices and volumes.
        quantity: above 0; 10^-8.
        side: of the spot leg, 1 for a purchase; the perpetual's is the other.
    """
    fees = rules.costs.fees_at(offer.ts)
    return (
        priced(rules.costs, fees.spot, quantity, offer.spot, side, offer.spot_volume),
        priced(rules.costs, fees.perp, quantity, offer.perp, -side, offer.perp_volume),
    )


def size_entry(
    rules: CarryRules,
    books: CarryBooks,
    prices: SymbolPrices,
    offer: Offer,
    balance: int,
    score: int | None,
    exposure: int,
    asked: Asked | None = None,
) -> Sized:
    """Return the largest entry that the budget and every limit allow.

    Args:
        rules: the run's.
        books: the account.
        prices: the symbol's.
        offer: reference prices and volumes.
        balance: on which the budget is computed; 10^-8 of the quote currency.
        score: 10^-6; None without one.
        exposure: value of all open spot legs; 10^-8 of the quote currency.
        asked: what takes the place of the budget; None: nothing does.
    """
    _, step, least = prices.instrument.filters_at(offer.ts)
    spot, unit_cost = _unit_cost(rules, offer)
    budget = balance * rules.size.share
    if rules.size.dynamic is not None:
        low, high = rules.size.dynamic
        budget *= low + (high - low) * Fraction(score or 0, SCORE_UNIT)
    if asked is not None and asked.value is not None:
        budget = Fraction(asked.value)
    limits = _limits(rules, books, offer, budget, unit_cost, spot, exposure)
    if asked is not None and asked.quantity is not None:
        limits[0] = Fraction(asked.quantity), limits[0][1]
    quantity = None
    for limit, reason in limits:
        most = max(0, int(limit // step)) * step
        quantity = most if quantity is None else min(quantity, most)
        if not quantity or quantity * spot < least * UNIT:
            return Sized(None, reason)
    return _affordable(rules, books, offer, quantity or 0, step, spot, least)


def _unit_cost(rules: CarryRules, offer: Offer) -> tuple[int, Fraction]:
    """Return the spot price after plain slippage, and the cash that a position of one unit takes; 10^-8."""
    costs, margin, fees = rules.costs, rules.margin, rules.costs.fees_at(offer.ts)
    plain = min(costs.slippage_bps, costs.most_bps)
    bps = round(plain * UNIT)
    spot, perp = fill_price(offer.spot, offer.direction, bps), fill_price(offer.perp, -offer.direction, bps)
    taken = Fraction(1) if offer.direction == 1 else margin.borrow_margin
    perp_share = (1 / margin.leverage if margin.both_legs else Fraction(0)) + fees.perp
    return spot, spot * (taken + fees.spot) + perp * perp_share


def _limits(
    rules: CarryRules, books: CarryBooks, offer: Offer, budget: Fraction, unit_cost: Fraction, spot: int, exposure: int
) -> list[tuple[Fraction, str]]:
    """Return the limits of the quantity, 10^-8, in the order in which they are asked, each with its reason."""
    size = rules.size
    found = [
        (budget * UNIT / unit_cost, "MIN_NOTIONAL"),
        (max(books.cash, 0) * UNIT / unit_cost, "INSUFFICIENT_CASH"),
    ]
    if size.max_position is not None:
        found.append((Fraction(size.max_position * UNIT, spot), "MAX_POSITION"))
    if size.max_quantity is not None:
        found.append((Fraction(size.max_quantity), "MAX_POSITION"))
    if size.max_exposure is not None:
        found.append((Fraction((size.max_exposure - exposure) * UNIT, spot), "MAX_EXPOSURE"))
    if size.max_volume_share is not None:
        found.append((size.max_volume_share * min(offer.spot_volume, offer.perp_volume), "LIQUIDITY"))
    return found


def _affordable(
    rules: CarryRules, books: CarryBooks, offer: Offer, quantity: int, step: int, spot: int, least: int
) -> Sized:
    """Return the largest entry, in steps up to a quantity, whose true cost does not exceed the cash."""

    def fills_of(steps: int) -> tuple[PricedFill, PricedFill]:
        return price_legs(rules, offer, steps * step, offer.direction)

    def fits(steps: int) -> bool:
        return books.opening_cost(offer.direction, *fills_of(steps)) <= books.cash

    steps = quantity // step
    if not fits(steps):
        low, high = 0, steps  # the cost grows with the quantity, so the largest that fits is found by halves
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fits(middle) else (low, middle)
        steps = low
    if not steps or steps * step * spot < least * UNIT:
        return Sized(None, "INSUFFICIENT_CASH")
    return Sized(fills_of(steps), "")
