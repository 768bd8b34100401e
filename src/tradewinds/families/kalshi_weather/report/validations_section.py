"""What was checked of the data and the trades, and what failed."""

from __future__ import annotations

from tradewinds.results.report.parts import Items, ReportTable, Section, Text
from tradewinds.results.report.run import ReportRun

SHOWN_FAILURES = 10  # of each validation


def validations(run: ReportRun) -> Section:
    """Every validation with its number of failures, and the first failures of each."""
    details = run.diagnostics["validation_details"]
    rows = [(v["name"], v["what"], f"{v['judged']:,}", f"{len(v['failures']):,}") for v in details]
    quarantined = set(run.diagnostics["quarantined"])
    failures = []
    for v in details:
        for event, why in v["failures"][:SHOWN_FAILURES]:
            fate = "left out" if event in quarantined else "replayed all the same"
            failures.append(f"{v['name']}: {event}, {fate}: {why}")
        if len(v["failures"]) > SHOWN_FAILURES:
            failures.append(f"{v['name']}: and {len(v['failures']) - SHOWN_FAILURES:,} more, all in metrics.json")
    note = (
        "Judged are events that nothing else kept out of the replay, and every trade; what an event lacks for a validation "
        "is not judged."
    )
    table = ReportTable(("Validation", "what holds", "judged", "failed"), rows, "llrr")
    return Section("validations", "Validations", [table, *([Items(failures)] if failures else []), Text(note)])
