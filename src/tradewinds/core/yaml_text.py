"""Read YAML by PyYAML's C parser where it has one: it is six times as fast as the Python parser."""

from __future__ import annotations

from typing import Any

from tradewinds.core import imports

with imports.postponed_patterns():  # one of all characters takes 7 ms, and PyYAML's Python parser alone needs it
    import yaml as yaml  # config/problems.py, too, takes it from here

LOADER: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


MOST_BYTES = 2**20  # of a document: 10,000 symbols are 0.1 MB
MOST_VALUES = 20_000  # keys and values of a document, each as often as aliases repeat it
MOST_NESTED = 50  # mappings and lists inside one another


class HostileYaml(ValueError):
    """A document that is too large, nested too deeply, or that aliases make so."""


def check_extent(text: str) -> None:
    """Refuse a document that would take unreasonable time or memory to load.

    It reads the parser's events, one by one, and makes no values: a few lines of aliases can stand for millions of values.

    Args:
        text: the document.

    Raises:
        HostileYaml: a limit above is exceeded, or a value contains itself.
        yaml.YAMLError: the text is not YAML.
    """
    if len(text) > MOST_BYTES:
        raise HostileYaml(f"it is larger than {MOST_BYTES:,} bytes")
    open_anchors: list[str | None] = []  # of the mappings and lists around the current event
    open_sizes = [0]  # values in each of them so far; the first entry is the document's
    size_of: dict[str, int | None] = {}  # by anchor; None while its value is still open
    for event in yaml.parse(text, Loader=LOADER):
        size = 0
        if isinstance(event, yaml.CollectionStartEvent):
            open_anchors.append(event.anchor)
            open_sizes.append(1)
            size_of |= {event.anchor: None} if event.anchor else {}
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_anchors.pop(), open_sizes.pop()
            size_of |= {anchor: size} if anchor else {}
        elif isinstance(event, yaml.ScalarEvent):
            size = 1
            size_of |= {event.anchor: 1} if event.anchor else {}
        elif isinstance(event, yaml.AliasEvent):
            found = size_of.get(str(event.anchor), 1)  # an unknown anchor: the loader says so
            if found is None:
                raise HostileYaml(f"a value contains itself (*{event.anchor})")
            size = found
        open_sizes[-1] += size
        if len(open_anchors) > MOST_NESTED:
            raise HostileYaml(f"it is nested more than {MOST_NESTED} levels deep")
        if open_sizes[-1] > MOST_VALUES:
            raise HostileYaml(f"it stands for more than {MOST_VALUES:,} values")


def load(text: str) -> Any:
    """Read a YAML document.

    Raises:
        yaml.YAMLError: the text is not YAML.
    """
    return yaml.load(text, Loader=LOADER)
