"""Write the config of a command whose run is asked for by flags, so that `tradewinds run` can run it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def write_config(raw: dict[str, Any], path: Path) -> None:
    """Write a config as YAML, whole or not at all.

    Args:
        raw: the config as its flags and files say it.
        path: its file, whose folder is made if need be.
    """
    import yaml

    from tradewinds.core import files

    files.write_text(path, yaml.safe_dump(raw, sort_keys=False, allow_unicode=True))
