"""The form of a section of a config that applies, where a schema has several (`oneOf`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def branch_of(section: Mapping[str, Any], branches: Sequence[Mapping[str, Any]]) -> int | None:
    """The index of the form that a section chooses by its `source`, and by the constants of a section inside it.

    Args:
        section: as the user wrote it or resolved.
        branches: the schema's `oneOf`, each a form with `properties`.

    Returns:
        The first form all of whose constants the section has; else the first one of its `source`; None without such a form.
    """
    of_source = [
        i for i, branch in enumerate(branches) if branch["properties"]["source"]["const"] == section.get("source")
    ]
    chosen = (i for i in of_source if _has_constants(section, branches[i]["properties"]))
    return next(chosen, of_source[0] if of_source else None)


def _has_constants(section: Any, properties: Mapping[str, Any]) -> bool:
    """Whether a section has the constants of a schema; a key that is not there has its default."""
    found = section if isinstance(section, Mapping) else {}
    for key, node in properties.items():
        if "const" in node and found.get(key, node.get("default")) != node["const"]:
            return False
        if not _has_constants(found.get(key), node.get("properties", {})):
            return False
    return True
