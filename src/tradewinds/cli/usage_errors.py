"""What is wrong with a command line that typer refuses, in plain words."""

from __future__ import annotations

from typing import Any

from typer.exceptions import TyperException

from tradewinds.core.number_hints import number_hint, percent_as_part
from tradewinds.core.safe_text import printable, shortened

_SHOWN = 60  # characters of a value
_KINDS = {"float": "a number", "int": "a whole number", "bool": "true or false", "decimal": "a number"}
# bounds of a flag by the checker's name of them
_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def usage_error_text(error: TyperException) -> str:
    """Return one paragraph: flag, what is wrong, and what to write.

    Args:
        error: raised by typer. One about a value was raised from the error of its checker, which knows the value.
    """
    flag = _flag_of(error)
    problems = getattr(error.__cause__, "errors", None)
    if flag is None or problems is None:
        message = error.format_message()
        # without a command the message is the help itself
        return printable(message if message.startswith("Usage:") else f"{message} See tradewinds --help.")
    found: dict[str, Any] = problems()[0]
    text = str(found["input"])
    shown = shortened(repr(text), _SHOWN)
    what, remedy = _problem(found["type"], text, found.get("ctx") or {})
    return printable(f"{flag}: {shown} {what}. {remedy}")


def _flag_of(error: TyperException) -> str | None:
    """Return the flag whose value is wrong; None if the error is about no flag's value."""
    param = getattr(error, "param", None)
    return None if param is None else str(max([*param.opts, param.name], key=len)) if param.opts else str(param.name)


def _problem(kind: str, text: str, limits: dict[str, Any]) -> tuple[str, str]:
    """Return what is wrong with a value, to follow it, and what to do.

    Args:
        kind: the checker's name of the problem, such as float_parsing or less_than_equal.
        text: the value.
        limits: of a value that is out of range: its bound.
    """
    bounds = [f"{words} {limits[name]:,}" for name, words in _BOUNDS.items() if name in limits]
    if bounds:
        return "is out of range", f"Give a number of {bounds[0]}."
    wanted = _KINDS.get(kind.partition("_")[0])
    if wanted is None:
        return "cannot be read", "See tradewinds --help."
    part = percent_as_part(text)  # every flag of a rate or a share takes parts of one
    if part is not None and wanted == "a number":
        return "is not a number", f"Write it without the percent sign, as a part of one: {part}."
    return f"is not {wanted}", number_hint(text, whole=wanted == "a whole number")
