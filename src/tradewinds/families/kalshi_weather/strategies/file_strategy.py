"""A user's own strategy: one Python file with a function `orders(quotes, parameters)` (docs/strategies.md).

The function sees distinct visible quotes as columns, in no order of time, and says what it would buy at each: which side, how
many, and in which order at one instant. Everything else (limits, cash, fees, settlement) is the engine's.
"""

from __future__ import annotations

import functools
import traceback
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tradewinds.core.errors import ConfigError, SimulationError
from tradewinds.core.units import PICO, exact
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.fees import MOST_EXACT
from tradewinds.engine.event_contracts.rules import NONE, QuoteRule, Quotes, Rules, Wishes
from tradewinds.families.kalshi_weather.strategies.account_rules import account_rules

YES, NO = Side.YES, Side.NO
FUNCTION = "orders"

__all__ = ["NO", "NONE", "YES", "Orders", "Quotes", "pico"]


class Orders(NamedTuple):
    """What a strategy wants, a value per quote or one for all: side (YES, NO or NONE), contracts, and priority (at one instant
    the highest goes first, then by ticker)."""

    side: Any
    quantity: Any = 1
    priority: Any = 0


def pico(dollars: float | str) -> int:
    """Dollars as the integer in which values are compared exactly: 0.05 is 50,000,000,000 pico-dollars."""
    return exact(dollars, PICO)


@functools.cache
def _module(path: str, changed_ns: int) -> types.ModuleType:
    module = types.ModuleType(Path(path).stem)
    module.__file__ = path
    try:
        exec(
            compile(Path(path).read_text(encoding="utf-8"), path, "exec"), module.__dict__
        )  # the user's own code, by wish
    except SyntaxError as error:
        raise ConfigError(f"line {error.lineno}: {error.msg}.", where=path, remedy="Python cannot read it.") from None
    except Exception as error:  # whatever the user's file does, it is told where
        remedy = "The file must be importable by itself."
        raise ConfigError(f"{_place(error, path)}{type(error).__name__}: {error}.", where=path, remedy=remedy) from None
    return module


def load(path: str) -> Any:
    """The function `orders` of a user's file.

    Raises:
        ConfigError: there is no such file, it cannot be read as Python, or it has no such function.
    """
    file = Path(path)
    if not file.is_file():
        raise ConfigError("there is no such file.", where=path, remedy="Give the path of a Python file.")
    found = getattr(_module(path, file.stat().st_mtime_ns), FUNCTION, None)
    if not callable(found):
        remedy = "Define it; docs/strategies.md shows one in 30 lines."
        raise ConfigError(f"it has no function {FUNCTION}(quotes, parameters).", where=path, remedy=remedy)
    return found


def rules(config: Mapping[str, Any]) -> Rules:
    """The rules of a user's strategy under a config's limits and fees."""
    strategy = config["strategy"]
    by_quote = _checked(load(strategy["file"]), strategy["parameters"] or {}, strategy["file"])
    return Rules(sizing=None, by_quote=by_quote, min_ev_pico=None, **account_rules(config))


def _checked(function: Any, parameters: Mapping[str, Any], path: str) -> QuoteRule:
    """The user's function, its answer checked and spread over the quotes."""

    def of_quotes(quotes: Quotes) -> Wishes:
        count = len(quotes.p_pico)
        try:
            answer = Orders(*function(quotes, parameters))
            side, quantity, priority = (np.broadcast_to(np.asarray(column), count) for column in answer)
        except Exception as error:  # the user's own code: told where it failed
            problem = f"{_place(error, path)}{type(error).__name__}: {error}."
            remedy = f"{FUNCTION} must return Orders(side, quantity, priority), a value per quote or one for all."
            raise SimulationError(problem, where=path, remedy=remedy) from None
        wrong = _problem(quotes, side, quantity, priority)
        if wrong:
            raise SimulationError(f"{FUNCTION} returned {wrong}.", where=path, remedy="See docs/strategies.md.")
        return Wishes(side.astype(np.int8), np.minimum(quantity, MOST_EXACT).astype(np.int64), priority)

    return of_quotes


def _problem(quotes: Quotes, side: Any, quantity: Any, priority: Any) -> str | None:
    wanted = side != NONE
    if not np.isin(side, (NONE, YES, NO)).all():
        return "a side that is neither YES, NO nor NONE"
    if any((wanted & (side == s) & ~quotes.quoted(s)).any() for s in Side):
        return "an order for a side that is not quoted (check quotes.quoted(side))"
    if quantity.dtype.kind not in "iu" or (quantity[wanted] < 1).any():
        return "a quantity that is no whole number above 0"
    if priority.dtype.kind not in "iuf" or not np.isfinite(priority).all() or (priority >= 2**63).any():
        return "a priority that is no number below 2^63"
    return None


def _place(error: BaseException, path: str) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return f"line {lines[-1]}: " if lines else ""
