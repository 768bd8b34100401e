"""A strategy that is a Python class: its source, and what it uses."""

from __future__ import annotations

import ast
import builtins
import linecache
import textwrap
import types
from collections.abc import Iterator
from typing import Any

from tradewinds.core.errors import ConfigError
from tradewinds.session import own_strategy

_OF_THE_CLASS = "__class__"  # the cell through which super() finds its class


def source_of(found: type, where: str) -> str:
    """Return the source of a class, which must be what the class was made of.

    The class is looked up by the place of its methods, which is known in a notebook too.

    Args:
        found: the class.
        where: for errors.

    Raises:
        ConfigError: there is none, it has decorators, or it was changed since.
    """
    methods = list(_methods(found))
    if not methods:
        remedy = f"Give it a method on_decision(self, view). {own_strategy.REMEDY}"
        raise ConfigError("it has no method.", where=where, remedy=remedy)
    file, line = methods[0].__code__.co_filename, methods[0].__code__.co_firstlineno
    linecache.checkcache(file)
    lines = linecache.getlines(file)
    node = _node_of(found.__name__, lines, line)
    if node is None or node.end_lineno is None:
        remedy = f"Define it in a notebook's cell or in a file, not at a prompt. {own_strategy.REMEDY}"
        raise ConfigError("its source is not known.", where=where, remedy=remedy)
    if node.decorator_list:
        remedy = f"Write it with class alone. {own_strategy.REMEDY}"
        raise ConfigError("it has a decorator.", where=where, remedy=remedy)
    source = textwrap.dedent("".join(lines[node.lineno - 1 : node.end_lineno])).rstrip() + "\n"
    made = {code.co_name: code for code in _codes(source, found.__name__)}
    for method in methods:
        closed = set(method.__code__.co_freevars) - {_OF_THE_CLASS}
        name = method.__code__.co_name
        if not closed and not (name in made and own_strategy.same(made[name], method.__code__)):
            what = "its source was changed after it was defined."
            raise ConfigError(what, where=where, remedy="Define it again: run its cell, or import its file anew.")
    return source


def used_by(found: type, source: str, where: str) -> Iterator[tuple[str, Any]]:
    """List what a class uses that it does not define itself: (name, value), by name.

    Args:
        found: the class.
        source: its source.
        where: for errors.

    Raises:
        ConfigError: a name has no value.
    """
    methods = list(_methods(found))
    closed: dict[str, Any] = {}
    for method in methods:
        cells = zip(method.__code__.co_freevars, method.__closure__ or (), strict=True)
        closed |= {name: cell.cell_contents for name, cell in cells if name != _OF_THE_CLASS}
    module = methods[0].__globals__
    code = compile(f"from __future__ import annotations\n{source}", "strategy", "exec")
    for name in sorted({*own_strategy.loaded(code)} - {found.__name__}):
        if name in closed:
            yield name, closed[name]
        elif name in vars(found) or name.startswith("__") or hasattr(builtins, name):
            continue
        elif name in module:
            yield name, module[name]
        else:
            raise ConfigError(f"it uses {name}, which is not defined.", where=where, remedy="Define it before the run.")


def _methods(found: type) -> Iterator[types.FunctionType]:
    """List the functions that a class defines, in their order."""
    for value in vars(found).values():
        function = getattr(value, "fget", None) or getattr(value, "__func__", value)
        if isinstance(function, types.FunctionType) and function.__qualname__.startswith(f"{found.__qualname__}."):
            yield function


def _node_of(name: str, lines: list[str], line: int) -> ast.ClassDef | None:
    """Return the class of a name around a line of a source; None if there is none."""
    try:
        tree = ast.parse("".join(lines))
    except SyntaxError:
        return None
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name == name and node.lineno <= line <= (node.end_lineno or 0)
    ]
    return around[-1] if around else None


def _codes(source: str, name: str) -> Iterator[types.CodeType]:
    """List the codes of a class's methods, compiled anew from its source."""
    module = compile(f"from __future__ import annotations\n{source}", "strategy", "exec")
    for code in module.co_consts:
        if isinstance(code, types.CodeType) and code.co_name == name:
            yield from (inner for inner in code.co_consts if isinstance(inner, types.CodeType))
