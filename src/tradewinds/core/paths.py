"""Where the workflow's own files lie: beside the package in an installed wheel, two folders up in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def workflow_root() -> Path:
    """The folder that holds Snakefile, rules/, scripts/, config/ and profiles/."""
    bundled = _PACKAGE / "workflow"
    return bundled if (bundled / "Snakefile").exists() else _PACKAGE.parents[1]
