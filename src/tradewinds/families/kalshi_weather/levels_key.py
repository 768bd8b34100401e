"""The config's key of the user's order books."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LEVELS_KEY = ("liquidity", "levels")


def levels_path(config: Mapping[str, Any]) -> str | None:
    """Return the path of the user's order books; None without one.

    Args:
        config: resolved, or as the user wrote it.
    """
    section = config.get(LEVELS_KEY[0])
    path = section.get(LEVELS_KEY[1]) if isinstance(section, Mapping) else None
    return None if path is None else str(path)
