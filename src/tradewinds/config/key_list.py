"""The keys of a config with their values, defaults and meanings, from the schemas that check it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple


class ConfigKey(NamedTuple):
    """A key that a config may have.

    Attributes:
        name: dotted, as `risk.fixed_qty`; a section that depends on its `source` is `probabilities(file).path`.
        values: type and range, or the list of values.
        default: its default; None for a key without one, or a required one.
        required: whether a config must have it.
        meaning: what it says.
    """

    name: str
    values: str
    default: Any
    required: bool
    meaning: str


def config_keys(node: dict[str, Any], prefix: str = "", required: tuple[str, ...] = ()) -> Iterator[ConfigKey]:
    """List the keys below a node of a schema, nested keys after their section.

    Args:
        node: a JSON schema of an object.
        prefix: the path of the node, with a dot at its end.
        required: keys of the node that a config must have.
    """
    for key, sub in node.get("properties", {}).items():
        name = f"{prefix}{key}"
        yield ConfigKey(name, values_of(sub), sub.get("default"), key in required, sub["description"])
        yield from config_keys(sub, f"{name}.", tuple(sub.get("required", ())))
        each = sub.get("additionalProperties")
        if isinstance(each, dict) and "properties" in each:  # a mapping from names to sections of one form
            yield from config_keys(each, f"{name}.….")
        for branch in sub.get("oneOf", ()):
            inner = {key: value for key, value in branch["properties"].items() if key != "source"}
            branch_required = tuple(branch.get("required", ()))
            yield from config_keys({"properties": inner}, f"{name}({branch['title']}).", branch_required)


def values_of(sub: dict[str, Any]) -> str:
    """The values that a key may have: type and range, or the list of values in backticks."""
    if "const" in sub:
        return f"`{sub['const']}`"
    if "enum" in sub:
        return ", ".join("`null`" if item is None else f"`{item}`" for item in sub["enum"])
    if "then" in sub:  # one value for all validations, or a mapping from validation to value
        return f"{values_of(sub['then'])} or mapping"
    kind = sub.get("type", "mapping" if "properties" in sub or "oneOf" in sub else "")
    text = " or ".join(kind) if isinstance(kind, list) else str(kind)
    low = f" ≥ {sub['minimum']}" if "minimum" in sub else ""
    if "exclusiveMinimum" in sub and not low:
        low = f" > {sub['exclusiveMinimum']}"
    high = f" ≤ {sub['maximum']}" if "maximum" in sub else ""
    return text + low + high
