"""Configs of funding carry for tests."""

from __future__ import annotations

import copy
from typing import Any

from tradewinds.config import resolve

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
BASE: dict[str, Any] = {
    "market": "funding_carry",
    "symbols": [BTC],
    "date_start_local": "2024-03-10",
    "date_end_local": "2024-04-05",
    "strategy": {"name": "funding_simple"},
    "data": {"source": "synthetic"},
}


def raw_config(**sections: Any) -> dict[str, Any]:
    """Return a config as a user writes it.

    Args:
        sections: keys to set; a mapping is put into the section of that name.
    """
    config = copy.deepcopy(BASE)
    for key, value in sections.items():
        if isinstance(value, dict) and isinstance(config.get(key), dict):
            config[key] |= value
        else:
            config[key] = value
    return config


def carry_config(**sections: Any) -> dict[str, Any]:
    """Return a resolved config; arguments as for raw_config."""
    return resolve.resolve(raw_config(**sections))
