"""Find what is wrong with a config, and name file, line, key and remedy.

Problems come from YAML (syntax, a key given twice), from the JSON Schema (types, ranges, spelling) and from the market family.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from tradewinds.config.branches import branch_of
from tradewinds.config.schema_fit import NotKnownError, fits
from tradewinds.core import yaml_text
from tradewinds.core.errors import ConfigError
from tradewinds.core.near_names import meant
from tradewinds.core.number_hints import number_hint, percent_hint, percent_meant
from tradewinds.core.safe_text import printable, shortened
from tradewinds.core.url_secrets import masked, masked_url
from tradewinds.core.yaml_text import yaml

KeyPath = tuple[str | int, ...]  # keys of mappings and indices of lists, from the outside

MOST_PROBLEMS = 20  # that are shown: an error fits a screen
MOST_ERRORS = 200  # of the schema that are looked at
MOST_EXPLAINED = 20_000  # characters of a document that the slow parser reads for its better message
MOST_NUMBER = 10**15  # of any number: exact in a float, and far above what any key takes
MOST_TEXT = 4096  # characters of a value
LONG_LIST = 100  # items; a longer list holds plain values of one kind


def parse_yaml(text: str, source: str) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    """Parse a YAML mapping.

    Args:
        text: the document.
        source: the file's name, for messages.

    Returns:
        The mapping, and the line (from 1) of every key path in it.

    Raises:
        ConfigError: the text is not YAML or not a mapping, or a key is given twice.
    """
    try:
        node, data = _parsed(text)
    except yaml_text.HostileYaml as error:
        remedy = "A config is a page of keys and values; long lists of symbols belong in a file (universe: {file: …})."
        raise ConfigError(f"this is not read: {error}.", where=source, remedy=remedy) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}, line {mark.line + 1}" if mark else source
        problem = shortened(
            str(getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be parsed")
        )
        remedy = "Check indentation, quotes and brackets near that line."
        if "\\t" in problem or "\t" in problem:
            problem, remedy = "a tab stands where YAML takes spaces only", "Replace the tabs of that line by spaces."
        raise ConfigError(f"this is not valid YAML ({problem}).", where=where, remedy=remedy) from None
    # YAML takes 2025-02-30 for a date; PyYAML raises all of these for values under a tag such as !!int that are none.
    except (ValueError, LookupError, AttributeError, TypeError, OverflowError) as error:
        problem = shortened(str(error))
        remedy = "Check the dates and numbers, and values with a tag (!!…)."
        line = _unreadable_line(text)
        where = source if line is None else f"{source}, line {line}"
        raise ConfigError(f"a value cannot be read ({problem}).", where=where, remedy=remedy) from None
    if not isinstance(node, yaml.MappingNode) or not isinstance(data, dict):
        raise ConfigError(
            "a config is a mapping of keys to values.", where=source, remedy="`tradewinds schema` lists the keys."
        )
    lines: dict[KeyPath, int] = {}
    _collect_lines(node, (), lines, source)
    return data, lines


def _parsed(text: str) -> tuple[yaml.Node | None, Any]:
    """Return the nodes and the value of a document.

    Of a bad document the Python parser's error is raised if it has one: its text and the C parser's differ. It is too slow for
    long documents, and takes some that the C parser refuses, such as half of a surrogate pair.
    """
    try:
        yaml_text.check_extent(text)
        return yaml.compose(text, Loader=yaml_text.LOADER), yaml_text.load(text)
    except yaml.YAMLError:
        if len(text) < MOST_EXPLAINED:
            yaml.safe_load(text)
        raise


def _collect_lines(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int], source: str) -> None:
    """Add the line of every key path below a node to `lines`; raise ConfigError for a key that is given twice."""
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
    """Return a key path as text: `risk.fixed_qty`, `series_tickers[0]`."""
    text = ""
    for part in path:
        shown = shortened(printable(str(part), lines=False), 60)
        text += f"[{shown}]" if isinstance(part, int) else f".{shown}" if text else shown
    return text


def place(source: str, lines: Mapping[KeyPath, int], path: KeyPath) -> str:
    """Return where a key stands, for an error: file, line and key.

    Args:
        source: the config file's name.
        lines: the line of each key path; empty if unknown.
        path: the key; the nearest one above it that is written gives the line. Empty for the file as a whole.
    """
    line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)
    return source + (f", line {line}" if line else "") + (f", {dotted(path)}" if path else "")


class Problems:
    """Collects the problems of a config, to raise them as one ConfigError.

    Args:
        source: the config file's name.
        lines: the line of each key path; empty if unknown.
    """

    def __init__(self, source: str, lines: dict[KeyPath, int]) -> None:
        self.source, self.lines, self.found = source, lines, list[ConfigError]()
        self.not_shown = 0

    @property
    def are_enough(self) -> bool:
        """Whether more problems would only be counted."""
        return len(self.found) >= MOST_PROBLEMS

    def add(self, path: KeyPath, what: str, remedy: str) -> None:
        """Add a problem.

        Args:
            path: where it is; the nearest key path above it gives the line.
            what: what is wrong, one sentence.
            remedy: what to do about it.
        """
        if self.are_enough:
            self.not_shown += 1
            return
        self.found.append(ConfigError(what, where=place(self.source, self.lines, path), remedy=remedy))

    def check_decimals(self, config: Mapping[str, Any], paths: Iterable[tuple[str, str]], most: int, why: str) -> None:
        """Add a problem for every number that has too many decimals; a null has none.

        Args:
            config: with all defaults.
            paths: section and key of each number.
            most: how many decimals it may have.
            why: why it may have no more, one sentence.
        """
        for section, key in paths:
            value = config[section][key]
            exponent = Decimal(0 if value is None else str(value)).as_tuple().exponent
            if (
                isinstance(exponent, int) and exponent < -most
            ):  # text would be that of no number, which the schema refuses
                self.add((section, key), f"{value} has more than {most} decimals.", why)

    def raise_if_any(self) -> None:
        """Raise ConfigError with a paragraph per problem, if there are any."""
        if len(self.found) == 1:
            raise self.found[0]
        if self.found:
            more = [f"… and {self.not_shown:,} more problems."] if self.not_shown else []
            raise ConfigError("\n".join([*map(str, self.found), *more]))

    def check_schema(self, config: dict[str, Any], schema: dict[str, Any]) -> None:
        """Add a problem for every way in which a config breaks its JSON Schema."""
        self._check_values(config)
        if self.found:
            return  # what follows counts on plain values
        with contextlib.suppress(NotKnownError):
            if fits(config, schema):
                return
        import jsonschema  # here: it takes 0.1 s, and only a config that does not fit needs it

        validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
        errors = itertools.islice(validator.iter_errors(config), MOST_ERRORS)
        for error in sorted(errors, key=lambda e: [str(part) for part in e.absolute_path]):
            self._add_schema_error(error)

    def _check_values(self, config: dict[str, Any]) -> None:
        """Add a problem for every key and value that no key could take; JSON Schema lets them pass, or takes hours."""
        left: list[tuple[KeyPath, Any]] = [((), config)]
        while left and not self.are_enough:
            path, value = left.pop()
            if isinstance(value, dict):
                for key in value:
                    if not isinstance(key, str):
                        self.add((*path, str(key)), "this key is no text.", "Keys are words; put quotes around it.")
                    elif fault := _text_fault(key):
                        self.add((*path, key), f"this key {fault}.", "Write plain text.")
                left += [((*path, key), value[key]) for key in reversed(value)]
            elif isinstance(value, list):
                kinds = {_plain_kind(item) for item in value} if len(value) > LONG_LIST else {str}
                if len(kinds) > 1 or object in kinds:  # these would be compared pair by pair
                    remedy = "Write all of its items as text, or all as numbers."
                    self.add(path, f"a list of {len(value):,} items that are not of one kind.", remedy)
                    continue
                left += [((*path, index), item) for index, item in reversed(list(enumerate(value)))]
            elif isinstance(value, float) and not math.isfinite(value):
                self.add(path, f"{value} is not a finite number.", "Give a finite number.")
            elif isinstance(value, int | float) and abs(value) > MOST_NUMBER:
                self.add(path, "this number is out of range.", f"No key takes a number above {MOST_NUMBER:,}.")
            elif isinstance(value, str) and (fault := _text_fault(value)):
                self.add(path, f"this text {fault}.", "Write plain text.")

    def _add_schema_error(self, error: Any) -> None:  # Any: the stubs of ValidationError forbid its fields
        """Add the problem of one error of the schema's validator."""
        path: KeyPath = tuple(error.absolute_path)
        if error.validator == "oneOf":
            for inner in _branch_errors(error):
                self._add_schema_error(inner)
        elif error.validator == "additionalProperties":
            known = list(error.schema["properties"])
            for key in sorted(set(error.instance) - set(known), key=str):
                if self.are_enough:
                    self.not_shown += 1
                    continue
                hint = meant(str(key), known, f"Known keys: {', '.join(known)}.")
                self.add((*path, key), "unknown key.", hint)
        elif error.validator == "required":
            missing = next(
                key for key in error.validator_value if f"'{key}'" in error.message.split(" is a required")[0]
            )
            self.add((*path, missing), "this key is missing.", f"Add it: {_meaning(error.schema, missing)}")
        else:
            self.add(path, _fault(error), _remedy(error))


def _unreadable_line(text: str) -> int | None:
    """Return the line (from 1) of the first plain value of a document that cannot be made; None if it is none of those."""
    left: list[yaml.Node | None] = [yaml.compose(text, Loader=yaml_text.LOADER)]
    found: list[int] = []
    while left:
        node = left.pop()
        if isinstance(node, yaml.MappingNode):
            left += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            left += node.value
        elif isinstance(node, yaml.ScalarNode):
            try:
                yaml.SafeLoader("").construct_object(node)
            except (ValueError, LookupError, AttributeError, TypeError, OverflowError, yaml.YAMLError):
                found.append(node.start_mark.line + 1)
    return min(found, default=None)


def _text_fault(text: str) -> str | None:
    """What is wrong with a text of a config, to follow "this text"; None for a plain text."""
    if len(text) > MOST_TEXT:
        return f"has {len(text):,} characters, more than {MOST_TEXT:,}"
    if not text.isprintable():
        odd = next((c for c in text if unicodedata.category(c) in ("Cc", "Cs")), None)
        return None if odd is None else f"holds the control character {odd!a}"
    return None


def _plain_kind(value: Any) -> type | None:
    """The kind of a plain value: text, number or truth value; `object` for all others."""
    return next((kind for kind in (str, bool, int, float) if isinstance(value, kind)), object)


def _branch_errors(error: Any) -> list[Any]:
    """Return the errors of the oneOf branch that the value's `source` selects; none if `source` itself is wrong."""
    index = branch_of(error.instance, error.validator_value) if isinstance(error.instance, dict) else None
    return [inner for inner in error.context or () if inner.schema_path[0] == index]


def _fault(error: Any) -> str:
    """What is wrong with a value, as a sentence."""
    value = repr(masked_url(error.instance) if isinstance(error.instance, str) else error.instance)
    value = value if len(value) < 60 else f"{masked(value)[:57]}..."
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
        case "exclusiveMinimum":
            return f"{value} is out of range: it must be above {error.validator_value}."
        case "exclusiveMaximum":
            return f"{value} is out of range: it must be below {error.validator_value}."
    return f"{value} is out of range ({error.message.removeprefix(repr(error.instance)).strip()})."


def _remedy(error: Any) -> str:
    """What to write instead: allowed values, or the description of the key."""
    if error.validator == "enum":
        allowed = [str(item) for item in error.validator_value if item is not None]
        empty = "; or null, for no value" if None in error.validator_value else ""
        listed = f"Allowed: {', '.join(allowed)}{empty}."
        # without a near word the description says what each of them is
        return f"{listed} {meant(str(error.instance), allowed, str(error.schema.get('description', '')))}".strip()
    if error.validator == "format":
        return "Write it as YYYY-MM-DD."
    told = str(error.schema.get("description", "")).strip()
    wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    most = error.schema.get("maximum", error.schema.get("exclusiveMaximum"))
    if error.validator == "type" and isinstance(error.instance, str) and {"number", "integer"} & set(wanted):
        key = str(next((part for part in reversed(error.absolute_path) if isinstance(part, str)), ""))
        as_percent = percent_hint(error.instance, key, most)
        return f"{as_percent or number_hint(error.instance, whole='number' not in wanted)} {told}".strip()
    if error.validator == "pattern" and re.search(error.validator_value, error.instance.upper()):
        return f"Did you mean {error.instance.upper()}? {told}".strip()
    if error.validator in ("maximum", "exclusiveMaximum"):
        return f"{percent_meant(error.instance, most)} {told}".strip()
    return told or "`tradewinds schema` explains the key."


def _meaning(schema: dict[str, Any], key: str) -> str:
    """The description of a key of a schema."""
    return str(schema["properties"][key].get("description", "`tradewinds schema` explains it."))


def _kind(value: Any) -> str:
    """The type of a YAML value, in words."""
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
    """The types that a schema allows, in words."""
    names = {
        "integer": "a whole number",
        "number": "a number",
        "string": "text",
        "array": "a list",
        "object": "a mapping",
    }
    listed = [wanted] if isinstance(wanted, str) else wanted
    return " or ".join({**names, "boolean": "true or false", "null": "empty"}[name] for name in listed)
