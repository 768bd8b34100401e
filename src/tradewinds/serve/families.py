"""What a run's market family says of it: the files of its folder, its currency, its headlines.

Families are asked for by name, at run time, through the table of markets. A database may hold runs of a family that this
version does not have: they are shown without what only the family knows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewinds.config import markets
from tradewinds.results.run_files import EVERY_RUN, RunFile
from tradewinds.results.run_tables import RunTable

if TYPE_CHECKING:
    from tradewinds.results.report.run import ReportRun
    from tradewinds.results.report.unit_page import UnitName, UnitPage


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


def unit_of(market: str, trade: Mapping[str, Any]) -> UnitName | None:
    """What a trade belongs to and has a page of its own; None if the market family is unknown."""
    return markets.family_of(market).unit_of(trade) if market in markets.NAMES else None


def unit_page(run: ReportRun, name: str, day: dt.date | None) -> UnitPage:
    """The page of one thing that a run traded, as `Family.unit_page`."""
    return markets.family_of(run.config["market"]).unit_page(run, name, day)


def market_words(market: str, folder: Path, tickers: Collection[str]) -> Mapping[str, str]:
    """What markets pay on, in words, as `Family.market_words`; nothing if the market family is unknown."""
    return markets.family_of(market).market_words(folder, tickers) if market in markets.NAMES else {}


def reason_text(market: str, code: str) -> str:
    """A code in plain words; the code itself if the market family is unknown."""
    return markets.family_of(market).reason_text(code) if market in markets.NAMES else code


def refusal_text(market: str, code: str) -> str:
    """A code of a skip or a refusal in plain words; the code itself if the market family is unknown."""
    return markets.family_of(market).refusal_text(code) if market in markets.NAMES else code
