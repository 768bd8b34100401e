"""A strategy that is a Python function or class, written with all that it needs as the file that a config can name."""

from __future__ import annotations

import ast
import builtins
import dis
import enum
import hashlib
import inspect
import linecache
import sys
import sysconfig
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tradewinds.core import files
from tradewinds.core.errors import ConfigError

FOLDER = "data/user/strategies"
FUNCTION = "orders"
CLASS = "Strategy"
_PUBLIC = ("tradewinds.strategies.user_file", "tradewinds.strategies.decisions")
_LOADS = {"LOAD_GLOBAL", "LOAD_NAME"}
_CALLS = {"PUSH_NULL", "PRECALL", "CALL", "CACHE", "NOP", "EXTENDED_ARG"}
_CONSTANTS = (int, float, str, bool, bytes, type(None))
REMEDY = (
    "Put the strategy into a file of its own and name it in the config: strategy.file (`tradewinds docs strategies`)."
)
_HEAD = '"""A strategy that was given to tw.run as a {kind}."""\n\nfrom __future__ import annotations\n'


def write_strategy(strategy: Callable[..., Any]) -> tuple[str, str]:
    """Write a function or class with the imports, constants and functions that it uses, named by the digest of that.

    Args:
        strategy: the function orders(quotes, parameters), or a class with on_decision(self, view), under any name.

    Returns:
        The name of the strategy and the path of its file, relative to the working folder.

    Raises:
        ConfigError: its source is not known, or it uses something that cannot be written.
    """
    parts = _Parts()
    if isinstance(strategy, type):
        name, asked = strategy.__name__, CLASS
        parts.add_class(strategy)
    else:
        function = _function(strategy)
        name, asked = function.__name__, FUNCTION
        parts.add_function(function)
    content = parts.text() + (f"\n\n{asked} = {name}\n" if name != asked else "")
    path = Path(FOLDER, f"{hashlib.sha256(content.encode()).hexdigest()[:20]}.py")
    if not path.exists():
        files.write_text(path, content)
    return name, path.as_posix()


def _function(function: Any) -> types.FunctionType:
    """Return a function; what is not written with `def` is refused."""
    where = f"strategy {getattr(function, '__name__', type(function).__name__)}"
    if not isinstance(function, types.FunctionType):
        raise ConfigError(
            "it is no Python function or class.", where=where, remedy=f"Write it with def or class. {REMEDY}"
        )
    if function.__name__ == "<lambda>":
        raise ConfigError("a lambda has no source of its own.", where=where, remedy=f"Write it with def. {REMEDY}")
    return function


class _Parts:
    """What a strategy's file is made of."""

    def __init__(self) -> None:
        self.imports: dict[str, str] = {}
        self.constants: dict[str, str] = {}
        self.functions: dict[str, str] = {}
        self._kind = "function"

    def text(self) -> str:
        """The file: imports, constants and functions, in the order of their names."""
        pieces = [_HEAD.format(kind=self._kind)]
        for found in (self.imports, self.constants):
            if found:
                pieces.append("\n".join(found[name] for name in sorted(found)) + "\n")
        pieces += [f"\n{source}" for source in self.functions.values()]
        return "\n".join(pieces)

    def add_function(self, function: types.FunctionType) -> None:
        """Add a function after all that it uses."""
        where = f"strategy {function.__name__}"
        source = _source_of(function, where)
        self.functions[function.__name__] = ""  # a function may call itself
        for name, value in _used(function, source, where):
            self._add(name, value, where)
        del self.functions[function.__name__]
        self.functions[function.__name__] = source

    def add_class(self, found: type) -> None:
        """Add a class after all that it uses."""
        from tradewinds.session import own_class

        where = f"strategy {found.__name__}"
        source = own_class.source_of(found, where)
        for name, value in own_class.used_by(found, source, where):
            self._add(name, value, where)
        self.functions[found.__name__], self._kind = source, "class"

    def _add(self, name: str, value: Any, where: str) -> None:
        """Add what a name stands for."""
        if isinstance(value, types.ModuleType):
            if not _is_installed(value.__name__):
                what = f"it uses the module {value.__name__}, which is not installed."
                raise ConfigError(what, where=where, remedy=f"Use functions of it by their names. {REMEDY}")
            self.imports[name] = f"import {value.__name__} as {name}" if name != value.__name__ else f"import {name}"
        elif isinstance(value, types.FunctionType) and not _is_installed(value.__module__):
            if value.__name__ != name:
                what = f"it calls {value.__name__} by another name, {name}."
                raise ConfigError(what, where=where, remedy="Call it by its own name.")
            if name not in self.functions:
                self.add_function(value)
        elif (origin := _origin_of(name, value)) is not None:
            self.imports[name] = origin
        elif _is_constant(value):
            self.constants[name] = f"{name} = {value!r}"
        else:
            what = f"it uses {name}, a {type(value).__name__}, which cannot be written into a file."
            remedy = f"Use numbers, texts, and lists or mappings of them; or pass it in strategy.parameters. {REMEDY}"
            raise ConfigError(what, where=where, remedy=remedy)


def _source_of(function: types.FunctionType, where: str) -> str:
    """Return the source of a function, which must be what the function was made of.

    Raises:
        ConfigError: there is none, it has decorators, or it was changed since.
    """
    linecache.checkcache(function.__code__.co_filename)
    try:
        source = textwrap.dedent(inspect.getsource(function))
        tree = ast.parse(source).body[0]
    except (OSError, SyntaxError, IndexError):
        what = "its source is not known."
        remedy = f"Define it in a notebook's cell or in a file, not at a prompt. {REMEDY}"
        raise ConfigError(what, where=where, remedy=remedy) from None
    if not isinstance(tree, ast.FunctionDef) or tree.decorator_list:
        what = "it has a decorator, or is no plain function."
        raise ConfigError(what, where=where, remedy=f"Write it with def alone. {REMEDY}")
    made = compile(f"from __future__ import annotations\n{source}", "strategy", "exec").co_consts
    codes = [code for code in made if isinstance(code, types.CodeType) and code.co_name == function.__name__]
    if function.__closure__ is None and not any(same(code, function.__code__) for code in codes):
        what = "its source was changed after it was defined."
        raise ConfigError(what, where=where, remedy="Define it again: run its cell, or import its file anew.")
    return source


def same(one: types.CodeType, other: types.CodeType) -> bool:
    """Whether two codes do the same, wherever they stand.

    Args:
        one: a code.
        other: another.
    """
    if _steps(one) != _steps(other) or len(one.co_consts) != len(other.co_consts):
        return False
    for left, right in zip(one.co_consts, other.co_consts, strict=True):
        both = isinstance(left, types.CodeType) and isinstance(right, types.CodeType)
        if not (same(left, right) if both else type(left) is type(right) and left == right):
            return False
    return True


def _steps(code: types.CodeType) -> list[tuple[str, Any]]:
    """The instructions of a code, without those of calls and without places in it.

    A call of `np.where` is compiled in another way where the compiler has seen `import numpy as np`.
    """
    found = []
    for step in dis.get_instructions(code):
        is_place = step.opcode in dis.hasjrel or step.opcode in dis.hasjabs
        is_const = step.opcode in dis.hasconst  # compared by `_same`
        if step.opname not in _CALLS:
            name = "LOAD_ATTR" if step.opname == "LOAD_METHOD" else step.opname
            found.append(
                (
                    name,
                    None if is_place or is_const else step.argrepr.removeprefix("NULL + ").removesuffix(" + NULL|self"),
                )
            )
    return found


def _used(function: types.FunctionType, source: str, where: str) -> Iterator[tuple[str, Any]]:
    """List what a function uses that it does not define itself: (name, value), by name.

    Raises:
        ConfigError: a name has no value.
    """
    names = set(loaded(function.__code__))
    tree = ast.parse(source).body[0]
    assert isinstance(tree, ast.FunctionDef)
    for default in [*tree.args.defaults, *(one for one in tree.args.kw_defaults if one)]:
        names |= {node.id for node in ast.walk(default) if isinstance(node, ast.Name)}
    closed = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    for name in sorted(names | closed.keys()):
        if name in closed:
            yield name, closed[name].cell_contents
        elif name in function.__globals__:
            yield name, function.__globals__[name]
        elif not hasattr(builtins, name):
            remedy = "Define it before the run."
            raise ConfigError(f"it uses {name}, which is not defined.", where=where, remedy=remedy)


def loaded(code: types.CodeType) -> Iterator[str]:
    """List the global names that a code and those inside it read.

    Args:
        code: a code.
    """
    for instruction in dis.get_instructions(code):
        if instruction.opname in _LOADS:
            yield str(instruction.argval)
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from loaded(inner)


def _is_installed(module: str | None) -> bool:
    """Whether any Python of this environment can import a module: of the standard library, or an installed package."""
    if not module or module == "__main__":
        return False
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top == "tradewinds":
        return True
    file = getattr(sys.modules.get(top), "__file__", None)
    places = [Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")]
    return bool(file) and any(place in Path(str(file)).resolve().parents for place in places)


def _origin_of(name: str, value: Any) -> str | None:
    """Return the line that imports a value from an installed module; None if no module has it under its name."""
    for public in _PUBLIC:
        if name in getattr(sys.modules.get(public), "__all__", ()) and getattr(sys.modules[public], name) is value:
            return f"from {public} import {name}"
    module, own = getattr(value, "__module__", None), getattr(value, "__name__", None)
    if isinstance(value, enum.Enum):  # such as YES
        module, own = _PUBLIC[0], str(value.name)
    if not isinstance(module, str) or not isinstance(own, str) or not _is_installed(module):
        return None
    for public in _PUBLIC:
        if getattr(sys.modules.get(public), own, None) is value:
            module = public
    if getattr(sys.modules.get(module), own, None) is not value:
        return None
    return f"from {module} import {own}" + (f" as {name}" if own != name else "")


def _is_constant(value: Any) -> bool:
    """Whether a value is the same after it was written as Python and read again."""
    if type(value) in (list, tuple):
        return all(map(_is_constant, value))
    if type(value) is dict:
        return all(_is_constant(key) and _is_constant(inner) for key, inner in value.items())
    if isinstance(value, float):
        return type(value) is float and value - value == 0  # inf and nan are no literals
    return type(value) in _CONSTANTS
