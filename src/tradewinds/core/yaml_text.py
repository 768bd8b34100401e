"""Read YAML by PyYAML's C parser where it has one: it is six times as fast as the Python parser."""

from __future__ import annotations

from typing import Any

import yaml

LOADER: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(text: str) -> Any:
    """Read a YAML document.

    Raises:
        yaml.YAMLError: the text is not YAML.
    """
    return yaml.load(text, Loader=LOADER)
