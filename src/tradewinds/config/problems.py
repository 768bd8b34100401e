"""What is wrong with a config, in words: file, line, key, remedy.

Two sources of problems: YAML itself (syntax, a key given twice) and JSON Schema (types, ranges, spelling).
"""

from __future__ import annotations

import difflib
import math
from typing import Any

import yaml

from tradewinds.core import yaml_text
from tradewinds.core.errors import ConfigError

KeyPath = tuple[str | int, ...]


def parse_yaml(text: str, source: str) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    """A YAML mapping and the line (from 1) of every key path in it.

    Raises:
        ConfigError: not YAML, not a mapping, or a key given twice.
    """
    try:
        node, data = _parsed(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}, line {mark.line + 1}" if mark else source
        problem = getattr(error, "problem", None) or "cannot be parsed"
        remedy = "Check indentation, quotes and brackets near that line."
        raise ConfigError(f"this is not valid YAML ({problem}).", where=where, remedy=remedy) from None
    except ValueError as error:  # 2025-02-30 looks like a date to YAML and is none
        raise ConfigError(f"a value cannot be read ({error}).", where=source, remedy="Check the dates.") from None
    if not isinstance(node, yaml.MappingNode) or not isinstance(data, dict):
        raise ConfigError("a config is a mapping of keys to values.", where=source, remedy="See config/README.md.")
    lines: dict[KeyPath, int] = {}
    _collect_lines(node, (), lines, source)
    return data, lines


def _parsed(text: str) -> tuple[yaml.Node | None, Any]:
    """Nodes and value of a document. The two parsers word their refusals differently: of a bad one the Python one's is told."""
    try:
        return yaml.compose(text, Loader=yaml_text.LOADER), yaml_text.load(text)
    except yaml.YAMLError:
        return yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)


def _collect_lines(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int], source: str) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, key.value)
            if here in lines:
                where = f"{source}, line {key.start_mark.line + 1}, {dotted(here)}"
                raise ConfigError("this key is given twice.", where=where, remedy="Keep one of them.")
            lines[here] = key.start_mark.line + 1
            _collect_lines(value, here, lines, source)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[(*path, index)] = value.start_mark.line + 1
            _collect_lines(value, (*path, index), lines, source)


def dotted(path: KeyPath) -> str:
    """`risk.fixed_qty`, `series_tickers[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


class Problems:
    """Collects problems of one config and raises them as one ConfigError."""

    def __init__(self, source: str, lines: dict[KeyPath, int]) -> None:
        self.source, self.lines, self.found = source, lines, list[ConfigError]()

    def add(self, path: KeyPath, what: str, remedy: str) -> None:
        """Note a problem at a key path."""
        line = next((self.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.lines), None)
        where = self.source + (f", line {line}" if line else "") + (f", {dotted(path)}" if path else "")
        self.found.append(ConfigError(what, where=where, remedy=remedy))

    def raise_if_any(self) -> None:
        """Raise all problems together, a paragraph each."""
        if len(self.found) == 1:
            raise self.found[0]
        if self.found:
            raise ConfigError("\n".join(str(problem) for problem in self.found))

    def check_schema(self, config: dict[str, Any], schema: dict[str, Any]) -> None:
        """Note every way in which a config breaks its schema."""
        import jsonschema  # here: it takes 0.1 s, and commands that only list runs check no config

        validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
        for error in sorted(validator.iter_errors(config), key=lambda e: [str(part) for part in e.absolute_path]):
            self._add_schema_error(error)
        self._refuse_infinities(config, ())

    def _refuse_infinities(self, value: Any, path: KeyPath) -> None:
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in items:
            self._refuse_infinities(item, (*path, key))
        if isinstance(value, float) and not math.isfinite(value):
            self.add(path, f"{value} is no number to reckon with.", "Give a finite number.")

    def _add_schema_error(self, error: Any) -> None:  # the stubs of ValidationError forbid its fields
        path: KeyPath = tuple(error.absolute_path)
        if error.validator == "oneOf":
            for inner in _branch_errors(error):
                self._add_schema_error(inner)
        elif error.validator == "additionalProperties":
            known = list(error.schema["properties"])
            for key in sorted(set(error.instance) - set(known), key=str):
                near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.4)
                hint = f"Did you mean {near[0]}?" if near else f"Known keys: {', '.join(known)}."
                self.add((*path, key), "unknown key.", hint)
        elif error.validator == "required":
            missing = next(
                key for key in error.validator_value if f"'{key}'" in error.message.split(" is a required")[0]
            )
            self.add((*path, missing), "this key is missing.", f"Add it: {_meaning(error.schema, missing)}")
        else:
            self.add(path, _fault(error), _remedy(error))


def _branch_errors(error: Any) -> list[Any]:
    """The errors of the oneOf branch that the value's `source` selects; none if `source` itself is wrong."""
    source = error.instance.get("source") if isinstance(error.instance, dict) else None
    index = next((i for i, b in enumerate(error.validator_value) if b["properties"]["source"]["const"] == source), None)
    return [inner for inner in error.context or () if inner.schema_path[0] == index]


def _fault(error: Any) -> str:
    value = repr(error.instance) if len(repr(error.instance)) < 60 else f"{repr(error.instance)[:57]}..."
    match error.validator:
        case "type":
            return f"{value} is {_kind(error.instance)}, not {_types(error.validator_value)}."
        case "enum" | "const":
            return f"{value} is not one of the allowed values."
        case "format":
            return f"{value} is not a date."
        case "minItems" | "minLength":
            return f"{value} is empty."
        case "uniqueItems":
            return f"{value} names something twice."
        case "pattern":
            return f"{value} does not have the right form."
    return f"{value} is out of range ({error.message.removeprefix(repr(error.instance)).strip()})."


def _remedy(error: Any) -> str:
    if error.validator == "enum":
        allowed = [str(item) for item in error.validator_value]
        near = difflib.get_close_matches(str(error.instance), allowed, n=1, cutoff=0.4)
        return f"Allowed: {', '.join(allowed)}." + (f" Did you mean {near[0]}?" if near else "")
    if error.validator == "format":
        return "Write it as YYYY-MM-DD."
    return str(error.schema.get("description", "")).strip() or "See config/README.md."


def _meaning(schema: dict[str, Any], key: str) -> str:
    return str(schema["properties"][key].get("description", "see config/README.md."))


def _kind(value: Any) -> str:
    names = {
        bool: "a truth value",
        int: "a whole number",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "a mapping",
    }
    return "empty" if value is None else names.get(type(value), type(value).__name__)


def _types(wanted: str | list[str]) -> str:
    names = {
        "integer": "a whole number",
        "number": "a number",
        "string": "text",
        "array": "a list",
        "object": "a mapping",
    }
    listed = [wanted] if isinstance(wanted, str) else wanted
    return " or ".join({**names, "boolean": "true or false", "null": "empty"}[name] for name in listed)
