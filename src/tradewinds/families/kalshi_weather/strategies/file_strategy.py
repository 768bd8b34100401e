"""A user's own strategy: one Python file with a function `orders(quotes, parameters)` or a class (docs/strategies.md).

The class is called at decision times (families/strategy_file.py). The function sees distinct visible quotes as columns, not in
order of time, and returns what to buy at each: side, number of contracts, and priority among the orders of one instant. The
engine applies limits, cash, fees and settlement.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tradewinds.core import time_limit
from tradewinds.core.errors import ConfigError, SimulationError
from tradewinds.core.units import PICO, exact
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.fees import MOST_EXACT
from tradewinds.engine.event_contracts.order_rules import NONE, QuoteRule, Quotes, Rules, WantedOrders
from tradewinds.families import strategy_file
from tradewinds.families.kalshi_weather.strategies.account_rules import account_rules, step_rules

YES, NO = Side.YES, Side.NO
FUNCTION = "orders"
LOAD_SECONDS = strategy_file.LOAD_SECONDS
CALL_SECONDS = strategy_file.CALL_SECONDS  # that a call of its function may take,
QUOTE_SECONDS = 0.001  # and for every quote it is asked about

__all__ = ["NO", "NONE", "YES", "Orders", "Quotes", "pico"]


class Orders(NamedTuple):
    """What to buy at each quote. Each field has one value per quote, or one for all quotes.

    Attributes:
        side: YES, NO or NONE (no order).
        quantity: contracts, above 0.
        priority: of the orders at one instant the highest is executed first; equal ones by ticker.
    """

    side: Any
    quantity: Any = 1
    priority: Any = 0


def pico(dollars: float | str) -> int:
    """Dollars in pico-dollars, the integers in which values are compared exactly: 0.05 becomes 50,000,000,000."""
    return exact(dollars, PICO)


def load(path: str) -> Any:
    """The function `orders` of a user's file, or its class `Strategy`.

    Raises:
        ConfigError: there is no such file, it cannot be read as Python, or it has neither of the two, or both.
    """
    module = strategy_file.module_of(path, LOAD_SECONDS)
    function, made_of = getattr(module, FUNCTION, None), strategy_file.class_of(module)
    if callable(function) and made_of:
        what = f"it has a function {FUNCTION} and a class {strategy_file.CLASS}."
        raise ConfigError(what, where=path, remedy="Keep the one that trades.")
    if not callable(function) and not made_of:
        remedy = "Define one of them; `tradewinds docs strategies` shows both."
        what = f"it has no function {FUNCTION}(quotes, parameters), and no class {strategy_file.CLASS}."
        raise ConfigError(what, where=path, remedy=remedy)
    return made_of or function


def rules(config: Mapping[str, Any]) -> Rules:
    """Rules that trade by a user's strategy under the config's limits and fees.

    Args:
        config: resolved.

    Raises:
        ConfigError: the file cannot be loaded.
    """
    strategy = config["strategy"]
    parameters, path = strategy["parameters"] or {}, strategy["file"]
    found = load(path)
    if isinstance(found, type):
        step = step_rules(config, lambda: strategy_file.ClassCaller(found, parameters, path, CALL_SECONDS))
        return Rules(sizing=None, from_strategy=None, min_ev_pico=None, stepwise=step, **account_rules(config))
    from_strategy = _checked(found, parameters, path)
    return Rules(sizing=None, from_strategy=from_strategy, min_ev_pico=None, **account_rules(config))


def _checked(function: Any, parameters: Mapping[str, Any], path: str) -> QuoteRule:
    """The user's function as the engine calls it: its orders checked, with one value per quote.

    Args:
        function: `orders` of the user's file.
        parameters: its second argument.
        path: of the file, for errors.
    """

    def orders_of(quotes: Quotes) -> WantedOrders:
        count = len(quotes.p_pico)
        seconds = CALL_SECONDS + count * QUOTE_SECONDS
        try:
            with time_limit.limit(seconds, path, SimulationError.exit_code):
                orders = Orders(*function(quotes, parameters))
            side, quantity, priority = (np.broadcast_to(np.asarray(column), count) for column in orders)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the user's code may raise anything, also sys.exit; the message names its line
            problem = strategy_file.problem_of(error, path, seconds)
            remedy = f"{FUNCTION} must return Orders(side, quantity, priority), a value per quote or one for all."
            raise SimulationError(problem, where=path, remedy=remedy) from None
        order_problem = _problem(quotes, side, quantity, priority)
        if order_problem:
            raise SimulationError(
                f"{FUNCTION} returned {order_problem}.", where=path, remedy="See `tradewinds docs strategies`."
            )
        return WantedOrders(
            side=side.astype(np.int8),
            quantity=np.minimum(quantity, MOST_EXACT).astype(np.int64),
            priority=priority,
        )

    return orders_of


def _problem(quotes: Quotes, side: Any, quantity: Any, priority: Any) -> str | None:
    """Why a user's orders are wrong, None if they are right.

    Args:
        quotes: at which they were made.
        side: (quotes,).
        quantity: (quotes,).
        priority: (quotes,).
    """
    yes, no, none = side == YES, side == NO, side == NONE
    if not (yes | no | none).all():
        return "a side that is neither YES, NO nor NONE"
    # > of flags: where the first is set and the second is not
    if (yes > quotes.quoted(Side.YES)).any() or (no > quotes.quoted(Side.NO)).any():
        return "an order for a side that is not quoted (check quotes.quoted(side))"
    if quantity.dtype.kind not in "iu" or ((quantity < 1) > none).any():
        return "a quantity that is no whole number above 0"
    if priority.dtype.kind not in "iuf" or not np.isfinite(priority).all() or (priority >= 2**63).any():
        return "a priority that is no number below 2^63"
    return None
