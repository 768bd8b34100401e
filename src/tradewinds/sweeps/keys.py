"""Which keys of a config a sweep may set, and how to set them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tradewinds.config import markets, resolve
from tradewinds.core.errors import ConfigError
from tradewinds.core.near_names import SHORTEST_WORD, near_names

_MARKETS = "it decides what is replayed, and a sweep compares settings over the same markets"
_NOTHING = "it changes no result"
PARAMETERS = "strategy.parameters"

Node = dict[str, Any]


def not_swept(market: str) -> dict[str, str]:
    """Return the reasons for which a sweep of a market refuses keys, by key or section; a section stands for all its keys."""
    return {
        **dict.fromkeys(("market", "date_start_local", "date_end_local"), _MARKETS),
        **dict.fromkeys(resolve.not_the_question(market), _NOTHING),
        **markets.family_of(market).not_swept,
    }


def node_of(key: str, base: resolve.Config, where: str) -> Node:
    """Return the schema of a key that may be swept; empty for a strategy's parameter, which may be anything.

    Args:
        key: dotted, as `risk.fixed_qty`.
        base: the resolved config that is swept.
        where: the flag, for messages.

    Raises:
        ConfigError: the key is unknown (the message names the nearest known one), a section, or refused (with the reason).
    """
    refused = not_swept(base["market"])
    for name, reason in refused.items():
        if key == name or key.startswith(f"{name}."):
            raise ConfigError(f"this key is not swept: {reason}.", where=where, remedy="Change it in the config.")
    known = known_keys(base)
    if key in known:
        _refuse_without_section(key, base, where)
        return known[key]
    inside = [name for name in known if name.startswith(f"{key}.")]
    if inside or key == PARAMETERS:
        what = "this is a section, not a key."
        raise ConfigError(what, where=where, remedy=f"Name one of its keys: {', '.join(inside) or '(it has none)'}.")
    if key.startswith(f"{PARAMETERS}."):
        what, remedy = _no_such_parameter(key, base)
        raise ConfigError(what, where=where, remedy=remedy)
    raise ConfigError("unknown key.", where=where, remedy=_nearest(key, known, "`tradewinds schema` lists all keys."))


def _refuse_without_section(key: str, base: resolve.Config, where: str) -> None:
    """Refuse a key of a section in whose place the config has a word (`costs: none`): one key would bring all the others.

    Raises:
        ConfigError: the config has no such section.
    """
    value: Any = base
    parts = key.split(".")
    for depth, part in enumerate(parts[:-1], start=1):
        value = value.get(part)
        if value is None:  # a section that is not written, or is null: it gets its defaults
            return
        if not isinstance(value, Mapping):
            what = f"the config has {'.'.join(parts[:depth])}: {setting_text(value)}, which has no such key."
            raise ConfigError(what, where=where, remedy="Write it as a section in the config first.")


def known_keys(base: resolve.Config) -> dict[str, Node]:
    """Return the schema of every dotted key that a sweep of a config may set; empty for a strategy's parameter."""
    leaves = _leaves(resolve.schema(base["market"]), "", not_swept(base["market"]))
    return dict(leaves) | {name: {} for name in _parameters(base)}


def _leaves(node: Node, prefix: str, refused: Collection[str]) -> Iterator[tuple[str, Node]]:
    """List the dotted keys of a schema that hold a value and may be swept, each with its own schema."""
    for branch in node.get("oneOf", ()):
        yield from _leaves(branch, prefix, refused)
    for name, sub in node.get("properties", {}).items():
        key = f"{prefix}{name}"
        if key in refused or key == PARAMETERS:
            continue
        if "properties" in sub:
            yield from _leaves(sub, f"{key}.", refused)
        else:
            yield key, sub


def _parameters(base: resolve.Config) -> list[str]:
    """List the dotted keys of all parameters of the config's strategy."""

    def walk(section: Mapping[str, Any], prefix: str) -> Iterator[str]:
        for name, value in section.items():
            if isinstance(value, dict):
                yield from walk(value, f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}"

    return list(walk(markets.family_of(base["market"]).parameters(base), f"{PARAMETERS}."))


def _no_such_parameter(key: str, base: resolve.Config) -> tuple[str, str]:
    """Return what is wrong with a key that names no parameter of the config's strategy, and the remedy."""
    strategy = base["strategy"]
    of_user = bool(strategy.get("file"))  # a strategy of the market itself declares its parameters
    inside = f"{PARAMETERS}."
    known = [name.removeprefix(inside) for name in _parameters(base)]
    if not known and not of_user:
        elsewhere = "Only one from strategy.file has." if "file" in strategy else "Sweep another key."
        return f"the strategy {strategy['name']} has no parameters of its own.", elsewhere
    if not of_user:
        return f"{strategy['name']} has no such parameter.", _nearest(
            key.removeprefix(inside), known, ", ".join(known), inside
        )
    first_write_it = "Write it there with any value first: a strategy does not notice a misspelt one."
    remedy = _nearest(key.removeprefix(inside), known, first_write_it, inside)
    return f"the config's {PARAMETERS} have no such key.", remedy


def _nearest(key: str, names: Collection[str], otherwise: str, inside: str = "") -> str:
    """Return a hint at the nearest known name.

    The order of preference: the same word in another section, a similar word in the same section, a similar name, a word that
    holds the key's word.

    Args:
        key: what the user wrote.
        names: known names.
        otherwise: the hint if no name is near.
        inside: a section that the names stand in, with its dot.
    """
    section, _, word = key.rpartition(".")
    words = {name: name.rpartition(".")[2] for name in names}
    near = [name for name in names if words[name] == word]
    beside = {words[name]: name for name in names if name.rpartition(".")[0] == section}
    near += [beside[found] for found in near_names(word, beside)]
    near += near_names(key, names, cutoff=0.75)
    near += [name for name in names if len(word) >= SHORTEST_WORD and word in words[name]]
    return f"Did you mean {inside}{near[0]}?" if near else otherwise


def with_settings(base: resolve.Config, settings: Mapping[str, Any]) -> resolve.Config:
    """Return a config with some keys set, not checked; `base` is not changed, and shares its untouched sections."""
    changed = dict(base)
    for key, value in settings.items():
        *sections, name = key.split(".")
        section = changed
        for part in sections:
            inner = section.get(part)
            section[part] = dict(inner) if isinstance(inner, Mapping) else {}
            section = section[part]
        section[name] = value
    return changed


def setting(conf: resolve.Config, key: str, asked: Any = None) -> Any:
    """Return a config's value under a dotted key.

    Args:
        conf: resolved.
        key: the key.
        asked: the value where the config has no such key: a family may leave one out whose value is its default.
    """
    *sections, name = key.split(".")
    section: Any = conf
    for part in sections:
        section = section[part]
    return section.get(name, asked)


def label(settings: Mapping[str, Any]) -> str:
    """Return settings as text: `risk.fixed_qty=5, risk.allow_opposing=false`; without any, that there are none."""
    if not settings:
        return "the config as it is"
    return ", ".join(f"{key}={setting_text(value)}" for key, value in settings.items())


def setting_text(value: Any) -> str:
    """Return a setting's value as text: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
