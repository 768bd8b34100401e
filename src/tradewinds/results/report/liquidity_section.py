"""The report's section on liquidity: entries beyond what was traded, and the P&L under caps of that volume."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tradewinds.core.text import counted
from tradewinds.results.report.parts import ReportPart, ReportTable, Section, Text, shown
from tradewinds.results.report.run import ReportRun


class LiquidityWords(NamedTuple):
    """How a family speaks of its entries.

    Attributes:
        quantity: what is entered: contracts, shares bought, the value entered.
        traded: when and where it could have been traded: "the market traded in the minute of their quote".
        without_volume: what a cap does where the source has no volume, as a sentence.
        units: heading of the column of quantities; "" where they are of different goods.
    """

    quantity: str
    traded: str
    without_volume: str
    units: str = ""


def liquidity_section(words: LiquidityWords) -> Callable[[ReportRun], Section | None]:
    """Return the function that makes a family's section; it returns None for a run without an entry."""

    def make(run: ReportRun) -> Section | None:
        found = run.diagnostics.get("liquidity")
        return None if found is None or not (found["entries"] or _from_books(found)) else _section(run, found, words)

    return make


def _section(run: ReportRun, found: Mapping[str, Any], words: LiquidityWords) -> Section:
    """Return the section of a run with entries."""
    parts: list[ReportPart] = [Text(text) for text in _said(found, words)]
    if found["capped"]:
        parts.append(
            Text(
                "Each row is the same run with its entries capped at a share of that volume (risk.max_volume_share); exits are "
                "not capped."
            )
        )
        heads = {"total_pnl_usd": f"P&L, {run.currency}", "num_trades": "Trades"}
        heads |= {"num_contracts": words.units} if words.units else {}
        rows = [
            (cap, *(shown(row[key], 2 if key == "total_pnl_usd" else 0) for key in heads))
            for cap, row in [
                ("not at all", run.metrics),
                *((f"{100 * row['volume_share']:g} %", row) for row in found["capped"]),
            ]
        ]
        parts.append(ReportTable(("Entries capped at", *heads.values()), rows, "l" + "r" * len(heads)))
    return Section("liquidity", "Liquidity", parts)


def _from_books(found: Mapping[str, Any]) -> int:
    """Return how many entries were filled from order books."""
    return int(found.get("from_books", {}).get("entries", 0))


def _said(found: Mapping[str, Any], words: LiquidityWords) -> list[str]:
    """Return what is said of the run's own entries."""
    unknown, beyond = found["quantity_of_unknown_volume_pct"], found["quantity_beyond_volume_pct"]
    said = []
    if books := found.get("from_books"):
        others = " What follows is about the others." if found["entries"] else ""
        said.append(
            f"{books['entries']:,} of {counted(books['of_entries'], 'entry')} ({shown(books['quantity_pct'], 1)} % of "
            f"{words.quantity}) were filled from your order books (liquidity.levels), for no more than they showed.{others}"
        )
    if beyond is not None:
        said.append(
            f"{shown(beyond, 1)} % of {words.quantity} was more than {words.traded}: "
            f"{found['entries_beyond_volume']:,} of {counted(found['entries'], 'entry')} took more than all of it."
        )
    if unknown:
        said.append(f"The source has no volume for {shown(unknown, 1)} % of {words.quantity}. {words.without_volume}")
    return said
