"""The settings in which configs differ: what tells runs apart, in lists of runs and in comparisons."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tradewinds.config import markets


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

    A key that only some configs have, each with its default, tells nothing: another choice brought it, such as
    `probabilities.source`.

    Args:
        configs: any number.

    Returns:
        By dotted key, its value in each config, in their order; None where a config does not have it.
    """
    settings = [dict(flat(config)) for config in configs]
    keys = dict.fromkeys(key for one in settings for key in one)
    values = {key: [one.get(key) for one in settings] for key in keys}
    differing = {key: found for key, found in values.items() if any(value != found[0] for value in found)}
    lacking = [key for key in differing if any(key not in one for one in settings)]
    defaults = _defaults({str(config.get("market")) for config in configs}) if lacking else {}
    brought = {key for key in lacking if all(one[key] in defaults.get(key, ()) for one in settings if key in one)}
    return {key: found for key, found in differing.items() if key not in brought}


def _defaults(names: set[str]) -> dict[str, list[Any]]:
    """Return the defaults of some markets' keys by dotted key: one for each source or kind of its section."""
    from tradewinds.config import resolve  # here: a list of runs without differences needs no YAML

    found: dict[str, list[Any]] = {}

    def walk(node: Mapping[str, Any], prefix: str) -> None:
        for branch in node.get("oneOf", ()):
            walk(branch, prefix)
        for key, sub in node.get("properties", {}).items():
            if "default" in sub:
                found.setdefault(f"{prefix}{key}", []).append(sub["default"])
            walk(sub, f"{prefix}{key}.")

    for name in names & set(markets.NAMES):
        walk(resolve.schema(name), "")
    return found


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
            own = {key: wanted[key][index] for key in by_rarity}
            has = {key: value for key, value in own.items() if value is not None}
            found[run_id] = has or own  # what a run lacks tells it apart only if nothing else does
    return found


def value_text(value: Any) -> str:
    """Return the value of a setting as a config has it; a dash for one that a config does not have."""
    return "—" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
