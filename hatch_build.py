"""Compiles the engine's loops (engine/event_contracts/kernel.c) when the project is installed or a wheel is made of it."""

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

SOURCE, LIBRARY = "src/tradewinds/engine/event_contracts/kernel.c", "src/tradewinds/engine/event_contracts/_kernel.so"
FLAGS = ["-std=c11", "-O3", "-fwrapv", "-ffp-contract=off", "-fPIC", "-shared"]


def compiler() -> list[str] | None:
    """The machine's C compiler, or None."""
    named = shlex.split(os.environ.get("CC", "")) or [name for name in ("cc", "gcc", "clang") if shutil.which(name)][:1]
    return named or None


def compile_to(library: Path, source: Path, digest: str) -> None:
    """Compile a source, which the library will say has a digest."""
    part = library.with_name(f"{library.name}.{os.getpid()}")  # a process that has the old one open keeps it
    command = [*(compiler() or [sys.executable, "-m", "ziglang", "cc"]), *FLAGS, f'-DSOURCE_DIGEST="{digest}"']
    try:
        subprocess.run([*command, "-o", str(part), str(source)], check=True)
        part.replace(library)
    finally:
        part.unlink(missing_ok=True)


class Compile(BuildHookInterface):
    """The hook that pyproject.toml names. A machine without a C compiler takes that of a wheel."""

    def dependencies(self) -> list[str]:
        """What the hook needs beside the build's own requirements."""
        return [] if compiler() else ["ziglang>=0.13"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and put the result into the wheel."""
        source = Path(self.root, SOURCE)
        compile_to(Path(self.root, LIBRARY), source, hashlib.sha256(source.read_bytes()).hexdigest())
        build_data["artifacts"].append(LIBRARY)
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{next(iter(platform_tags()))}"  # any Python 3, this kind of machine
