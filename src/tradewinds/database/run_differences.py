"""The settings by which runs can be told apart: those that differ among runs of one market."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tradewinds.database.comparison import flat

# What a list of runs shows in columns of their own, and what is no part of a run's question.
_SHOWN_ELSEWHERE = frozenset({"market", "date_start_local", "date_end_local", "series_tickers", "symbols", "universe"})
_NOT_ASKED = ("database.", "output_dir", "fetch")


def differing_settings(configs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return the settings of each run that another run of its market has otherwise, as text by dotted key.

    Args:
        configs: resolved configs by run id.
    """
    by_market: dict[str, dict[str, dict[str, Any]]] = {}
    for run_id, config in configs.items():
        by_market.setdefault(str(config.get("market")), {})[run_id] = dict(flat(config))
    found: dict[str, dict[str, str]] = {}
    for runs in by_market.values():
        keys = [key for key in dict.fromkeys(key for own in runs.values() for key in own) if _is_asked(key)]
        differing = [key for key in keys if len({_text(own.get(key)) for own in runs.values()}) > 1]
        found |= {run_id: {key: _text(own[key]) for key in differing if key in own} for run_id, own in runs.items()}
    return found


def _is_asked(key: str) -> bool:
    return key not in _SHOWN_ELSEWHERE and not key.startswith(_NOT_ASKED)


def _text(value: Any) -> str:
    """Return a setting as text."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
