"""The report's section on opening ranges: how many were built, of which length and width, and why sessions were not traded."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from tradewinds.core.text import counted
from tradewinds.families.equities_intraday.orb_reasons import ORB_REASON_TEXTS
from tradewinds.families.equities_intraday.trade_records import rows_of
from tradewinds.families.strategy_file import is_own
from tradewinds.results.report.parts import Panel, ReportPart, ReportTable, Section, Text, coded, shown
from tradewinds.results.report.run import ReportRun

LISTED_RANGES = 40  # incomplete ones, one by one


def ranges(run: ReportRun) -> Section | None:
    """Return the section of opening ranges; None for a strategy of the user's own, which needs none."""
    if is_own(run.config):
        return None
    rows = rows_of(run, "sessions.csv")
    built = [row for row in rows if row["or_high"]]
    incomplete = [row for row in built if int(row["missing_minutes"]) > 0]
    rate = run.metrics["or_valid_rate"]
    valid = (
        "their width is not judged" if rate is None else f"{shown(rate * 100, 1)} % of those judged have a valid width"
    )
    of_all = f"{counted(len(built), 'opening range')} in {counted(len(rows), 'session')} of symbols"
    text = f"{of_all}; {valid}; {len(incomplete):,} {'lacks' if len(incomplete) == 1 else 'lack'} a minute."
    parts: list[ReportPart] = [Text(text), *_lengths(run, built), *_untraded(rows)]
    if incomplete and run.config["orb"]["on_gap"] == "warn":
        parts.append(_incomplete(incomplete))
    return Section("ranges", "Opening ranges", parts)


def _lengths(run: ReportRun, built: Sequence[Mapping[str, str]]) -> list[ReportPart]:
    """Return the table of ranges by length; nothing without a range."""
    by_length: dict[int, list[Mapping[str, str]]] = {}
    for row in built:
        by_length.setdefault(int(row["or_minutes"]), []).append(row)
    rows = []
    for minutes, some in sorted(by_length.items()):
        widths = [Decimal(row["or_high"]) - Decimal(row["or_low"]) for row in some]
        known = [
            width / Decimal(row["atr"]) for width, row in zip(widths, some, strict=True) if Decimal(row["atr"] or 0)
        ]
        ratio = statistics.median(known) if known else None
        traded = sum(not row["reason"] for row in some)
        width = shown(statistics.median(widths), 4)
        rows.append((f"{minutes} minutes", f"{len(some):,}", f"{traded:,}", width, shown(ratio, 3)))
    header = ("length", "ranges", "may be traded", f"median width, {run.currency}", "median width / ATR")
    return [ReportTable(header, rows, "lrrrr")] if rows else []


def _untraded(rows: Sequence[Mapping[str, str]]) -> list[ReportPart]:
    """Return the table of sessions that are not traded, by reason; nothing if all are."""
    counts = Counter(row["reason"] for row in rows if row["reason"])
    table = [(coded(code, ORB_REASON_TEXTS[code]), f"{count:,}") for code, count in counts.most_common()]
    return [ReportTable(("Session not traded because", "sessions"), table, "lr")] if table else []


def _incomplete(rows: Sequence[Mapping[str, str]]) -> Panel:
    """Return the list of opening ranges that lack minutes, which orb.on_gap: warn asks for."""
    table = [(row["symbol"], row["session"], row["missing_minutes"]) for row in rows[:LISTED_RANGES]]
    title = "Opening ranges that lack minutes"
    if len(rows) > LISTED_RANGES:
        title += f": the first {LISTED_RANGES} of {len(rows):,} (metrics.json has all)"
    return Panel(title, [ReportTable(("symbol", "session", "minutes missing"), table, "llr")])
