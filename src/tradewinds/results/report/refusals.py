"""What was attempted, skipped and refused, each with its reason in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tradewinds.core.text import counted
from tradewinds.results.report.parts import ReportPart, ReportTable, Text, coded, listed
from tradewinds.results.report.run import ReportRun

Because = Callable[[str], str]  # a reason code in words
SHOWN_NAMES = 20  # of those skipped for one reason


def why_nothing(run: ReportRun, noun: str, because: Because, no_signal: str) -> Iterable[ReportPart]:
    """What kept a run without trades from trading; nothing for a run with some.

    Args:
        run: the run.
        noun: what is attempted and skipped, in the singular.
        because: a reason code in words.
        no_signal: what is said where neither skips nor refusals explain it.
    """
    if run.metrics["num_trades"]:
        return
    d = run.diagnostics
    causes = [f"{counted(n, noun)} skipped, {code}: {because(code)}" for code, n in d["events_skipped"].items()]
    causes += [f"{counted(n, 'refusal')}, {code}: {because(code)}" for code, n in d["rejections"].items()]
    if not d["rejections"] and sum(d["events_skipped"].values()) < d["events_attempted"]:
        causes += [no_signal]
    yield Text("Nothing was traded: " + "; ".join(causes) + ".", "strong")


def diagnostics(run: ReportRun, noun: str, because: Because, remark: str) -> list[ReportPart]:
    """What was attempted, traded and skipped, and the orders refused, each with its reason.

    Args:
        run: the run.
        noun: what is attempted and skipped, in the singular.
        because: a reason code in words.
        remark: the family's last word.
    """
    d = run.diagnostics
    traded, attempted, skipped = d["events_traded"], d["events_attempted"], sum(d["events_skipped"].values())
    counts = f"{counted(attempted, noun)} attempted, {traded:,} traded, {skipped:,} skipped"
    parts: list[ReportPart] = [Text(f"{counts}, {attempted - traded - skipped:,} replayed without a trade.")]
    by_reason: dict[str, list[str]] = {}
    for name, reason in d["skipped_events"]:
        by_reason.setdefault(reason, []).append(name)
    rows = [
        (coded(code, because(code)), f"{count:,}", listed(by_reason[code], SHOWN_NAMES))
        for code, count in d["events_skipped"].items()
    ]
    header = (f"{noun.capitalize()} skipped because", f"{noun}s", "which")
    parts += [ReportTable(header, rows, "lrl")] if rows else []
    refused = [(coded(code, because(code)), f"{count:,}") for code, count in d["rejections"].items()]
    parts += [ReportTable(("Order refused because", "decisions"), refused, "lr")] if refused else []
    return [*parts, Text(remark)]
