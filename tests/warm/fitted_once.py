"""The regression of a day's forecast is fitted once in a session, and then read: many tests make the same forecasts.

The digest is that of all numbers that a fit sees (drawn_once.py), so what is read is what the same code made of them.
Tests that compare two computations take the fixture `drawn_anew`: with the variable `drawn_once.DRAW` all is fitted.
"""

from pathlib import Path

from tests.warm import drawn_once


def install(folder: Path) -> None:
    """Replace the two functions that fit a day's regression and the shape of its errors, in this process and in its forks.

    Args:
        folder: where the results are kept; it is made.
    """
    from tradewinds.families.kalshi_weather.forecasts import emos, mixture

    folder.mkdir(exist_ok=True)
    emos.fit = drawn_once.kept_by_digest(folder, emos.fit)
    mixture.fit_components = drawn_once.kept_by_digest(folder, mixture.fit_components)
