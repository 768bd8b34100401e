"""The settings in which configs differ: what tells runs apart, in lists of runs and in comparisons."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any


def flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """List the settings of a config.

    Args:
        config: a config or one of its sections.
        prefix: put before each key.

    Yields:
        (dotted key, value).
    """
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def differing_settings(configs: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the settings that are not the same in all configs.

    Args:
        configs: any number.

    Returns:
        By dotted key, its value in each config, in their order; None where a config does not have it.
    """
    settings = [dict(flat(config)) for config in configs]
    keys = dict.fromkeys(key for one in settings for key in one)
    values = {key: [one.get(key) for one in settings] for key in keys}
    return {key: found for key, found in values.items() if any(value != found[0] for value in found)}


def told_apart(configs: Mapping[str, Mapping[str, Any]], leave_out: Collection[str] = ()) -> dict[str, dict[str, Any]]:
    """Return what tells each of some runs apart from the others of its market: its values of the settings that differ.

    Runs of other markets have other keys, so they are not compared with it.

    Args:
        configs: by run id.
        leave_out: dotted keys that are not wanted, such as those that a list shows anyhow.

    Returns:
        By run id, its values by dotted key: those first that the fewest runs share. A run that is alone in its market has none.
    """
    found: dict[str, dict[str, Any]] = {run_id: {} for run_id in configs}
    of_market: dict[str, list[str]] = {}
    for run_id, config in configs.items():
        of_market.setdefault(str(config.get("market")), []).append(run_id)
    for run_ids in of_market.values():
        differing = differing_settings([configs[run_id] for run_id in run_ids])
        wanted = {key: values for key, values in differing.items() if key not in leave_out}
        for index, run_id in enumerate(run_ids):
            by_rarity = sorted(wanted, key=lambda key: wanted[key].count(wanted[key][index]))
            found[run_id] = {key: wanted[key][index] for key in by_rarity}
    return found


def value_text(value: Any) -> str:
    """Return the value of a setting as a config has it; a dash for one that a config does not have."""
    return "—" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
