"""What a family says of a config's own inputs before any job runs (`Family.own_inputs`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tradewinds.core.errors import DataMissing, TradewindsError
from tradewinds.core.near_names import meant

SHOWN_SYMBOLS = 10  # in a finding


class EarlyFinding(NamedTuple):
    """What is known of a config's own inputs.

    Attributes:
        key: the config's key that it is about.
        what: a sentence.
        remedy: what to do; "" for a note.
        refused: class of the error with which a run is refused; None for a warning or a note.
        is_warning: whether it should be known before a run; else it is a note.
    """

    key: tuple[str | int, ...]
    what: str
    remedy: str = ""
    refused: type[TradewindsError] | None = None
    is_warning: bool = False


def missing_symbols(
    key: tuple[str | int, ...],
    path: str,
    wanted: Sequence[str],
    present: Sequence[str],
    then: str = "They are left out.",
) -> list[EarlyFinding]:
    """Return what is to be said of the symbols that a user's files have: none of the wanted is an error, some a warning.

    Args:
        key: the config's key that names the files.
        path: of the files.
        wanted: the symbols of the config.
        present: symbols that the files have.
        then: what a run does without some of them, a sentence.
    """
    lacking = [symbol for symbol in wanted if symbol not in set(present)]
    if not lacking:
        all_of = f"all {len(wanted):,} symbols" if len(wanted) > 1 else wanted[0]
        return [EarlyFinding(key, f"{path} has {all_of}.")]
    shown = ", ".join(lacking[:SHOWN_SYMBOLS]) + (", …" if len(lacking) > SHOWN_SYMBOLS else "")
    if len(lacking) < len(wanted):
        what = f"{path} has nothing of {len(lacking):,} of {len(wanted):,} symbols: {shown}."
        return [EarlyFinding(key, what, then, is_warning=True)]
    others = ", ".join(present[:SHOWN_SYMBOLS]) + (", …" if len(present) > SHOWN_SYMBOLS else "")
    what = f"{path} has nothing of {shown}. Its symbols: {others or 'none'}."
    remedy = f"{meant(wanted[0], present)} Write symbols as the file does.".strip()
    return [EarlyFinding(key, what, remedy, DataMissing)]
