"""Where the keys of a config stand, and errors about what its keys name: each says the config's file, line and key."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tradewinds.config import markets, resolve
from tradewinds.config.differences import flat
from tradewinds.config.problems import KeyPath, dotted
from tradewinds.core.errors import TradewindsError
from tradewinds.core.safe_text import printable

PlaceOf = Callable[[KeyPath], str]  # where a key of the config stands, for an error


def place_by_key(key: KeyPath) -> str:
    """Return where a key of a config stands that is in no file: the key."""
    return dotted(key)


def place_by_file(path: str | Path) -> PlaceOf:
    """Return what says where a key of a config file stands."""
    return lambda key: resolve.place_in(path, key)


@contextlib.contextmanager
def placing(conf: Mapping[str, Any], place_of: PlaceOf) -> Iterator[None]:
    """Let errors of the block say where the config has what they are about.

    Args:
        conf: resolved.
        place_of: says where a key of it stands.
    """
    try:
        yield
    except TradewindsError as error:
        error.move_to(place_of_error(error.where, conf, place_of))
        raise


def place_of_error(where: str, conf: Mapping[str, Any], place_of: PlaceOf) -> str:
    """Return where an error is, with the place in the config of what it is about.

    Args:
        where: as the error has it: a key of the config, a user's file, or anything else, which is returned as it is.
        conf: resolved.
        place_of: says where a key of it stands.
    """
    if where in conf or where in dict(flat(conf)):
        return place_of(tuple(where.split(".")))
    key = _key_of_file(where, conf)
    return f"{place_of(key)}: {where}" if key else where


def placed_text(text: str, conf: Mapping[str, Any], place_of: PlaceOf) -> str:
    """Return the paragraphs of errors, each with the place in the config of the user's file that it begins with.

    Args:
        text: a paragraph a line.
        conf: resolved.
        place_of: says where a key of it stands.
    """
    lines = text.splitlines()
    return "\n".join(f"{place_of(key)}: {line}" if (key := _key_of_file(line, conf)) else line for line in lines)


def _key_of_file(text: str, conf: Mapping[str, Any]) -> KeyPath:
    """Return the key of the user's file with whose path a text begins; empty if it begins with none."""
    for path in markets.family_of(conf["market"]).user_files(conf):
        shown = printable(path, lines=False)
        if text.startswith(shown) and text[len(shown) : len(shown) + 1] in ("", ",", ":"):
            return resolve.key_of(path, conf)
    return ()
