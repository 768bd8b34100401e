"""Keep a library from importing another package that this process does not need."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator


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
