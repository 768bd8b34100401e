"""What many tests compute of the same values is computed once in a session, and then read: forecasts' fits, calendars.

The digest is that of all that a function sees (drawn_once.py), so what is read is what the same code made of the same values.
Tests that compare two computations take the fixture `drawn_anew`: with the variable `drawn_once.DRAW` all is computed.
"""

import functools
from pathlib import Path

from tests.warm import drawn_once


def install(folder: Path) -> None:
    """Replace the functions that prepare and fit a day's forecast and build a calendar, in this process and its forks.

    Args:
        folder: where the results are kept; it is made.
    """
    from tradewinds.families.kalshi_weather.forecasts import emos, mixture
    from tradewinds.reference_data import exchange_calendar

    folder.mkdir(exist_ok=True)
    emos.design_matrices = drawn_once.kept_by_digest(folder, emos.design_matrices)
    emos.fit = drawn_once.kept_by_digest(folder, emos.fit)
    mixture.fit_components = drawn_once.kept_by_digest(folder, mixture.fit_components)
    built = drawn_once.kept_by_digest(folder, exchange_calendar._built.__wrapped__)
    exchange_calendar._built = functools.lru_cache(maxsize=8)(built)
