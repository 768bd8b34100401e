"""How far back the forecast looks. Apart from the forecast itself, because every command's plan asks and needs no numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EMOS_DAYS = 600  # the regression's trailing window, where the config does not say
LAGS = 60  # days back that trailing errors look
CLIMATOLOGY_DAYS = 730  # climatology: the last two years


def emos_days(probabilities: Mapping[str, Any]) -> int:
    """The regression's window by the config's section `probabilities`; 0 leaves the regression out."""
    asked = probabilities["emos_days"]
    return EMOS_DAYS if asked is None else int(asked)


def reach_days(probabilities: Mapping[str, Any]) -> int:
    """How many days before a climate date its forecast may look."""
    window = emos_days(probabilities)
    regression = window + 2 * LAGS if window else 0  # errors of first guesses, which are corrected by errors themselves
    return max(regression, int(probabilities["trailing_days"]), CLIMATOLOGY_DAYS)
