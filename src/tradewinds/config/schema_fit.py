"""Say whether a value fits a JSON Schema, for the keywords that the schemas of configs use.

Nearly every config that is read fits, and importing `jsonschema` to learn that takes longer than to replay a hundred events. So
it is imported for what does not fit, whose faults it describes, and for what this module does not know.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]


class NotKnownError(Exception):
    """A keyword, or a use of one, on which this module does not decide."""


def fits(value: Any, schema: Schema) -> bool:
    """Return whether a value fits a schema (draft 2020-12).

    Args:
        value: of plain mappings, lists, texts, finite numbers, truth values and None.
        schema: the schema.

    Raises:
        NotKnownError: `jsonschema` has to decide.
    """
    for keyword, wanted in schema.items():
        if keyword in _ANNOTATIONS:
            continue
        if keyword not in _CHECKS:
            raise NotKnownError(keyword)
        if not _CHECKS[keyword](value, wanted, schema):
            return False
    return True


# Keywords that decide nothing alone; then and else are read with `if`.
_ANNOTATIONS = {
    *("$schema", "title", "description", "default", "changes_results", "default_in_run_id"),
    *("then", "else"),
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_IS_TYPE: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    "integer": lambda value: _is_number(value) and (isinstance(value, int) or value.is_integer()),
}


def _has_type(value: Any, wanted: str | list[str], schema: Schema) -> bool:
    names = [wanted] if isinstance(wanted, str) else wanted
    return any(_IS_TYPE[name](value) for name in names)


def _is_one_of(value: Any, wanted: list[Any], schema: Schema) -> bool:
    if isinstance(value, dict | list):
        raise NotKnownError("enum of mappings or lists")
    numbers = _is_number(value)  # true is not 1, and 1.0 is 1
    return any(value == item and numbers == _is_number(item) for item in wanted)


def _fits_properties(value: Any, wanted: dict[str, Schema], schema: Schema) -> bool:
    return not isinstance(value, dict) or all(fits(value[key], sub) for key, sub in wanted.items() if key in value)


def _fits_additional(value: Any, wanted: bool | Schema, schema: Schema) -> bool:
    if not isinstance(value, dict) or wanted is True:
        return True
    others = [item for key, item in value.items() if key not in schema.get("properties", {})]
    return not others if wanted is False else all(fits(item, wanted) for item in others)


def _are_unique(value: Any, wanted: bool, schema: Schema) -> bool:
    if not isinstance(value, list) or not wanted:
        return True
    if not all(isinstance(item, str) for item in value):
        raise NotKnownError("unique items that are no texts")
    return len(set(value)) == len(value)


def _has_format(value: Any, wanted: str, schema: Schema) -> bool:
    if wanted != "date":
        raise NotKnownError(f"format {wanted}")
    if not isinstance(value, str):
        return True
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        return False
    try:
        dt.date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _fits_condition(value: Any, condition: Schema, schema: Schema) -> bool:
    return fits(value, schema.get("then" if fits(value, condition) else "else", {}))


# Each takes the value, what the keyword says, and the schema around it. A keyword binds values of its own type alone.
_CHECKS: dict[str, Callable[[Any, Any, Schema], bool]] = {
    "type": _has_type,
    "enum": _is_one_of,
    "const": lambda value, wanted, schema: _is_one_of(value, [wanted], schema),
    "minimum": lambda value, least, schema: not _is_number(value) or value >= least,
    "maximum": lambda value, most, schema: not _is_number(value) or value <= most,
    "exclusiveMinimum": lambda value, bound, schema: not _is_number(value) or value > bound,
    "exclusiveMaximum": lambda value, bound, schema: not _is_number(value) or value < bound,
    "minLength": lambda value, least, schema: not isinstance(value, str) or len(value) >= least,
    "maxLength": lambda value, most, schema: not isinstance(value, str) or len(value) <= most,
    "pattern": lambda value, form, schema: not isinstance(value, str) or re.search(form, value) is not None,
    "format": _has_format,
    "properties": _fits_properties,
    "additionalProperties": _fits_additional,
    "required": lambda value, keys, schema: not isinstance(value, dict) or all(key in value for key in keys),
    "items": lambda value, item, schema: not isinstance(value, list) or all(fits(each, item) for each in value),
    "minItems": lambda value, least, schema: not isinstance(value, list) or len(value) >= least,
    "maxItems": lambda value, most, schema: not isinstance(value, list) or len(value) <= most,
    "uniqueItems": _are_unique,
    "oneOf": lambda value, branches, schema: sum(fits(value, branch) for branch in branches) == 1,
    "if": _fits_condition,
    "not": lambda value, other, schema: not fits(value, other),
}
