"""Where the workflow's own files lie: inside the package of an installed wheel, two folders above it in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def workflow_root() -> Path:
    """Return the folder that holds Snakefile, rules/, scripts/, config/ and profiles/."""
    bundled = _PACKAGE / "workflow"
    return bundled if (bundled / "Snakefile").exists() else _PACKAGE.parents[1]
