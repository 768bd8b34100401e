"""What a run's market family says of it: the files of its folder, its currency, its headlines.

Families are asked for by name, at run time, through the table of markets. A database may hold runs of a family that this
version does not have: they are shown without what only the family knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tradewinds.config import markets
from tradewinds.results.run_files import EVERY_RUN, RunFile
from tradewinds.results.run_tables import RunTable


def files_of(market: str) -> tuple[RunFile, ...]:
    """The files that a run of a market family may have in its folder."""
    own = markets.family_of(market).run_files if market in markets.NAMES else ()
    return (*EVERY_RUN, *own)


def file_of(market: str, kind: str) -> RunFile | None:
    """The file of a kind (`RunFile.kind`) that a run of a market family may have in its folder; None if it has none."""
    return next((file for file in files_of(market) if file.kind == kind), None)


def tables_of(market: str) -> Sequence[RunTable]:
    """The tables of a run's folder that its market family shows as pages; none of a family that is unknown."""
    return markets.family_of(market).run_tables if market in markets.NAMES else ()


def table_of(market: str, name: str) -> RunTable | None:
    """The table of a market family with a name; None if it has none."""
    return next((table for table in tables_of(market) if table.name == name), None)


def currency_of(market: str, config: Mapping[str, Any]) -> str:
    """The currency of a run's account; "" if the market family is unknown."""
    return markets.currency_of(market, config)


def headlines_of(market: str) -> Sequence[tuple[str, str]]:
    """(label, key of metrics.json) of the figures that a market family puts first beyond the common ones."""
    return markets.family_of(market).headlines if market in markets.NAMES else ()
