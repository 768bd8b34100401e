"""A user's own strategy: one Python file with a function `orders(quotes, parameters)` (docs/strategies.md).

The function sees distinct visible quotes as columns, not in order of time, and returns what to buy at each: side, number of
contracts, and priority among the orders of one instant. The engine applies limits, cash, fees and settlement.
"""

from __future__ import annotations

import functools
import os
import traceback
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tradewinds.core import time_limit, user_files
from tradewinds.core.errors import ConfigError, SimulationError
from tradewinds.core.safe_text import shortened
from tradewinds.core.units import PICO, exact
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.fees import MOST_EXACT
from tradewinds.engine.event_contracts.order_rules import NONE, QuoteRule, Quotes, Rules, WantedOrders
from tradewinds.families.kalshi_weather.strategies.account_rules import account_rules

YES, NO = Side.YES, Side.NO
FUNCTION = "orders"
LOAD_SECONDS = 10.0  # that loading a user's file may take
CALL_SECONDS = 30.0  # that a call of its function may take,
QUOTE_SECONDS = 0.001  # and for every quote it is asked about
MOST_SAID = 300  # characters of an error of the user's code

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


@functools.cache
def _module(path: str, changed_ns: int) -> types.ModuleType:
    """The module of a user's file.

    Args:
        path: of the file.
        changed_ns: time of its last change, so that a changed file is loaded again.
    """
    module = types.ModuleType(Path(path).stem)
    module.__file__ = path
    text = user_files.read_text(path, "the strategy file", "Give the path of a Python file.")
    try:
        with time_limit.limit(LOAD_SECONDS, path, ConfigError.exit_code):
            # The user asked for their own code to be executed.
            exec(compile(text, path, "exec"), module.__dict__)
    except SyntaxError as error:
        raise ConfigError(f"line {error.lineno}: {error.msg}.", where=path, remedy="Python cannot read it.") from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the user's code may raise anything, also sys.exit; the message names its line
        remedy = 'The file must be importable by itself: put what a script does under if __name__ == "__main__".'
        raise ConfigError(_problem_of(error, path, LOAD_SECONDS), where=path, remedy=remedy) from None
    return module


def load(path: str) -> Any:
    """The function `orders` of a user's file.

    Raises:
        ConfigError: there is no such file, it cannot be read as Python, or it has no such function.
    """
    file = Path(path)
    if not os.path.lexists(file):
        raise ConfigError("there is no such file.", where=path, remedy="Give the path of a Python file.")
    user_files.check_plain(file, "the strategy file", "Give the path of a Python file.")
    function = getattr(_module(path, file.stat().st_mtime_ns), FUNCTION, None)
    if not callable(function):
        remedy = "Define it; `tradewinds docs strategies` shows one."
        raise ConfigError(f"it has no function {FUNCTION}(quotes, parameters).", where=path, remedy=remedy)
    return function


def rules(config: Mapping[str, Any]) -> Rules:
    """Rules that trade by a user's strategy under the config's limits and fees.

    Args:
        config: resolved.

    Raises:
        ConfigError: the file cannot be loaded.
    """
    strategy = config["strategy"]
    from_strategy = _checked(load(strategy["file"]), strategy["parameters"] or {}, strategy["file"])
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
            problem = _problem_of(error, path, seconds)
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
    has_order = side != NONE
    if not np.isin(side, (NONE, YES, NO)).all():
        return "a side that is neither YES, NO nor NONE"
    if any((has_order & (side == one) & ~quotes.quoted(one)).any() for one in Side):
        return "an order for a side that is not quoted (check quotes.quoted(side))"
    if quantity.dtype.kind not in "iu" or (quantity[has_order] < 1).any():
        return "a quantity that is no whole number above 0"
    if priority.dtype.kind not in "iuf" or not np.isfinite(priority).all() or (priority >= 2**63).any():
        return "a priority that is no number below 2^63"
    return None


def _problem_of(error: BaseException, path: str, seconds: float) -> str:
    """What a user's code did, as a sentence that names its line.

    Args:
        error: what it raised.
        path: of the file.
        seconds: how long it was allowed to take.
    """
    line = _line_of(error, path)
    if isinstance(error, time_limit.OutOfTime):
        return f"{line}it was still busy after {seconds:.0f} s."
    if isinstance(error, SystemExit):
        return f"{line}it ends the program (sys.exit)."
    return f"{line}{type(error).__name__}: {shortened(str(error), MOST_SAID)}."


def _line_of(error: BaseException, path: str) -> str:
    """`line N: ` of a user's file in which an error was raised, "" if in none."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return f"line {lines[-1]}: " if lines else ""
