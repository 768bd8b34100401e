"""Build hook: compiles the engine's loops, one shared library each, for an installation or a wheel."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import platform_tags

ENGINE = "src/tradewinds/engine"
SOURCE, LIBRARY = f"{ENGINE}/event_contracts/kernel.c", f"{ENGINE}/event_contracts/_kernel.so"
SESSIONS = [
    f"{ENGINE}/bar_sessions/{name}"
    for name in ("sessions.c", "entries.h", "exact.h", "history.h", "holding.h", "pass.h", "score.h")
]
LOOPS = {
    LIBRARY: [SOURCE],
    f"{ENGINE}/event_contracts/_parquet.so": [f"{ENGINE}/event_contracts/parquet.c"],
    f"{ENGINE}/bar_sessions/_sessions.so": SESSIONS,
}  # library -> its C source, then its headers
FLAGS = ["-std=c11", "-O3", "-fwrapv", "-ffp-contract=off", "-fPIC", "-shared"]


def compiler() -> list[str] | None:
    """Return the command of the C compiler, from the environment variable CC or the machine; None without one."""
    named = shlex.split(os.environ.get("CC", "")) or [name for name in ("cc", "gcc", "clang") if shutil.which(name)][:1]
    return named or None


def compile_to(library: Path, source: Path, digest: str) -> None:
    """Compile a C source to a shared library.

    The library is written under a temporary name and renamed, so a process that has the old one open keeps it.

    Args:
        library: path of the shared library.
        source: path of the C source.
        digest: SHA-256 of the source and its headers, which the library then carries: the module that loads it refuses a
            library of other sources.
    """
    part = library.with_name(f"{library.name}.{os.getpid()}")
    command = [*(compiler() or [sys.executable, "-m", "ziglang", "cc"]), *FLAGS, f'-DSOURCE_DIGEST="{digest}"']
    try:
        subprocess.run([*command, "-o", str(part), str(source), "-lm"], check=True)
        part.replace(library)
    finally:
        part.unlink(missing_ok=True)


def compile_all(root: Path) -> None:
    """Compile every loop of a checkout.

    Args:
        root: folder of the checkout.
    """
    for library, sources in LOOPS.items():
        text = b"".join((root / name).read_bytes() for name in sources)
        compile_to(root / library, root / sources[0], hashlib.sha256(text).hexdigest())


def platform_tag() -> str:
    """Return the platform of the wheel's tag.

    The libraries do not link to Python, so one wheel serves every Python 3. On Linux the tag is that of an unchecked wheel, as
    `linux_x86_64`: which C libraries it runs with is for auditwheel to read from the libraries (`make wheel`). Elsewhere it is
    this machine's own.
    """
    tags = list(platform_tags())
    return next((tag for tag in tags if tag.startswith("linux_")), tags[0])


class Compile(BuildHookInterface):
    """The build hook of pyproject.toml. On a machine without a C compiler it uses the one in the ziglang wheel."""

    def dependencies(self) -> list[str]:
        """Return the packages that the hook needs beyond those of the build."""
        return [] if compiler() else ["ziglang>=0.13"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the libraries and add them to the wheel.

        Args:
            version: version of the build target; not used.
            build_data: settings of the build, changed in place.
        """
        compile_all(Path(self.root))
        build_data["artifacts"].extend(LOOPS)
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag()}"
