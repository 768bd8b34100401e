"""Number of days a forecast looks back.

The numbers stand apart from the forecast itself because every command's plan needs them, and a plan imports no numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EMOS_DAYS = 600  # trailing window of the regression, unless the config sets `emos_days`
LAGS = 60  # days that a trailing mean of errors looks back
CLIMATOLOGY_DAYS = 730  # window of climatology: the last two years


def emos_days(probabilities: Mapping[str, Any]) -> int:
    """Trailing window of the regression in days; 0 leaves the regression out.

    Args:
        probabilities: the config's section `probabilities`.
    """
    configured = probabilities["emos_days"]
    return EMOS_DAYS if configured is None else int(configured)


def lookback_days(probabilities: Mapping[str, Any]) -> int:
    """Days before a climate date of which its forecast may use data.

    Args:
        probabilities: the config's section `probabilities`.
    """
    window = emos_days(probabilities)
    # Errors of first guesses enter the regression, and first guesses are themselves corrected by trailing errors: twice LAGS.
    regression = window + 2 * LAGS if window else 0
    return max(regression, int(probabilities["trailing_days"]), CLIMATOLOGY_DAYS)
