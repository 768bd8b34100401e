"""Keep a library from doing what this process does not need: importing another package, compiling patterns."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def hide_package(package: str) -> Iterator[None]:
    """While the block runs, importing `package` raises ModuleNotFoundError.

    A package that is imported already stays imported. After the block it can be imported as usual.

    Args:
        package: name of a top-level package.
    """
    if package in sys.modules:
        yield
        return
    finder = _HiddenPackageFinder(package)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _HiddenPackageFinder:
    """A finder of modules that raises ModuleNotFoundError for one package and leaves all others to the next finder."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == self.package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@contextlib.contextmanager
def postponed_patterns() -> Iterator[None]:
    """While the block runs, `re.compile` returns patterns that are compiled when they are first used.

    A library that makes patterns when it is imported then takes no time for those that this process never uses.
    """
    original = re.compile
    re.compile = _PostponedPattern  # type: ignore[assignment]
    try:
        yield
    finally:
        re.compile = original


class _PostponedPattern:
    """A pattern that is compiled when one of its methods or attributes is first asked for.

    Args:
        pattern: as for `re.compile`.
        flags: as for `re.compile`.
    """

    def __init__(self, pattern: Any, flags: int = 0) -> None:
        self._made_of = pattern, flags

    def __getattr__(self, name: str) -> Any:
        pattern, flags = self._made_of
        found = getattr(re.compile(pattern, flags), name)
        setattr(self, name, found)  # the next time it is found without this method
        return found
