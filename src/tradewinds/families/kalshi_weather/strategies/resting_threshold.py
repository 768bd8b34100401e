"""Strategy `ev_threshold` under execution_model maker: orders rest at the best bid of what is worth more than it costs.

Of each market the side is chosen whose expected value a contract, bought at its best bid with the maker's fee, is larger and
exceeds risk.min_ev_per_contract (of equal ones YES). One order a market rests at that bid, rounded down to the cent. When the
bid moves, it is taken back and another one is placed; when no side is worth it, none rests.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from tradewinds.core.units import CENT, MICRO, PICO, exact
from tradewinds.engine.event_contracts.contracts import PICO_PER_MICRO
from tradewinds.engine.event_contracts.order_rules import Rules
from tradewinds.engine.event_contracts.step_view import DecisionView, RestingOrder, ShownMarket
from tradewinds.engine.stepwise.step_orders import NO, YES, buy, cancel, limit
from tradewinds.families.kalshi_weather.fee_schedule import MAKER_RATE
from tradewinds.families.kalshi_weather.strategies.account_rules import account_rules, step_rules


class _RestingBid(NamedTuple):
    """An order that is worth placing; the fields of one that sorts first are larger."""

    value: Fraction  # expected value a contract after the fee, pico-units
    side: str
    quantity: int
    price: int  # micro-units


class RestingThreshold:
    """Calls itself, as a StepCaller of the engine.

    Args:
        risk: the config's section `risk`.

    Attributes:
        every_decision_time: False: nothing depends on the clock.
    """

    every_decision_time = False

    def __init__(self, risk: Mapping[str, Any]) -> None:
        self._least = exact(risk["min_ev_per_contract"], PICO)
        self._fixed = risk["fixed_qty"] if risk["sizing"] == "fixed_qty" else None
        self._per_value = Fraction(Decimal(str(risk["contracts_per_dollar_ev"])))

    def watched(self) -> contextlib.AbstractContextManager[Any]:
        """A block without any limit of time: this is no user's code."""
        return contextlib.nullcontext()

    def start(self) -> None:
        """Nothing is kept from call to call."""

    def problem(self, what: str) -> Exception:
        """The error for orders that cannot be meant, which would be a bug.

        Args:
            what: what was returned.
        """
        return AssertionError(what)

    def decide(self, view: DecisionView) -> Sequence[Any]:
        """Return what is taken back, then what is placed: the highest expected value first, equal ones by ticker.

        Args:
            view: what is visible.
        """
        resting: dict[str, list[RestingOrder]] = {}
        for order in view.orders:
            resting.setdefault(order.ticker, []).append(order)
        # what rests where it should is kept
        taken_back, placed = [], []
        for market in view.changed:
            wanted, kept = self._wanted(view, market), False
            for order in resting.get(market.ticker, ()):
                if wanted and (order.side, round(order.price * MICRO)) == (wanted.side, wanted.price):
                    kept = True
                else:
                    taken_back.append(cancel(order))
            if wanted and not kept:
                placed.append((-wanted.value, market.ticker, wanted))
        placed.sort(key=lambda entry: entry[:2])
        return taken_back + [
            limit(buy(ticker, wanted.quantity, wanted.side), wanted.price / MICRO) for _, ticker, wanted in placed
        ]

    def _wanted(self, view: DecisionView, market: ShownMarket) -> _RestingBid | None:
        """Return the order that should rest in a market; None for none."""
        best: _RestingBid | None = None
        p_yes = round(market.probability * PICO)
        for side, bid, p in ((YES, market.bid, p_yes), (NO, market.no_bid, PICO - p_yes)):
            price = 0 if bid != bid else round(bid * MICRO) // CENT * CENT
            quantity = self._quantity(p, price) if price else 0
            if not quantity:
                continue
            fee = round(view.fee(market, quantity, side, price / MICRO) * MICRO)
            value = p - price * PICO_PER_MICRO - Fraction(fee * PICO_PER_MICRO, quantity)
            if value > self._least and (best is None or value > best.value):
                best = _RestingBid(value, side, quantity, price)
        return best

    def _quantity(self, p: int, price: int) -> int:
        """Return how many contracts an order is for, by the config's sizing.

        Args:
            p: probability of the side; pico-units.
            price: of a contract; micro-units.
        """
        if self._fixed is not None:
            return int(self._fixed)
        edge = Fraction(p, PICO) - Fraction(price, MICRO) - MAKER_RATE * Fraction(price * (MICRO - price), PICO)
        return max(0, int(self._per_value * edge // 1))


def rules(config: Mapping[str, Any]) -> Rules:
    """Rules under which the strategy rests its orders.

    Args:
        config: resolved.
    """
    step = step_rules(config, lambda: RestingThreshold(config["risk"]))
    return Rules(sizing=None, from_strategy=None, min_ev_pico=None, stepwise=step, **account_rules(config))
