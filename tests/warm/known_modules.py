"""What lies in the interpreter's folders of modules is read once: Snakemake looks four times for its plugins at each start.

Two fifths of a dry run are that look at some thousand names. Folders of this clone and of a test are read each time.
"""

import importlib.machinery
import pkgutil
import sys
from collections.abc import Iterable


def install() -> None:
    """Let `pkgutil` know the modules of the interpreter's folders, in this process and in its forks."""
    read = pkgutil.iter_importer_modules.dispatch(importlib.machinery.FileFinder)
    importers = [pkgutil.get_importer(path) for path in sys.path if path.startswith((sys.prefix, sys.base_prefix))]
    known = {
        importer.path: list(read(importer, ""))
        for importer in importers
        if isinstance(importer, importlib.machinery.FileFinder)
    }

    def listed(importer: importlib.machinery.FileFinder, prefix: str = "") -> Iterable[tuple[str, bool]]:
        if importer.path not in known:
            return read(importer, prefix)
        return [(prefix + name, is_package) for name, is_package in known[importer.path]]

    pkgutil.iter_importer_modules.register(importlib.machinery.FileFinder, listed)
