"""What was attempted, skipped, refused and checked, each with its reason in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tradewinds.results.report.parts import Items, Part, Section, Table, Text, listed
from tradewinds.results.report.run import Run

REASONS = {  # the engine's; a family has its own beside them
    "OPPOSING_POSITION": "the other side of the market is held",
    "LIQUIDITY": "more than the allowed share of the candle's volume",
    "MAX_CONTRACTS_PER_MARKET": "the market is full",
    "MAX_CONTRACTS_PER_EVENT": "the event is full",
    "MAX_TOTAL_OPEN_CONTRACTS": "the account is full",
    "MAX_NOTIONAL_PER_EVENT_USD": "the event's money is used up",
    "MAX_TRADES_PER_EVENT_PER_DAY": "the event's orders of the day are used up",
    "INSUFFICIENT_CASH": "not enough cash",
    "EV_THRESHOLD": "the smaller order a limit left is not worth its fee",
}
SHOWN_FAILURES = 10  # of each validation
SHOWN_EVENTS = 20  # of those skipped for one reason


def because(code: str, reasons: Mapping[str, str]) -> str:
    """What a reason code means; a validation's name says it itself."""
    return "this validation failed" if code.startswith("VALIDATION:") else reasons[code]


def why_nothing(run: Run, reasons: Mapping[str, str]) -> Iterable[Part]:
    """What kept a run without trades from trading; nothing for a run with some."""
    if run.metrics["num_trades"]:
        return
    d = run.diagnostics
    causes = [f"{n:,} event(s) skipped, {code}: {because(code, reasons)}" for code, n in d["events_skipped"].items()]
    causes += [f"{n:,} refusal(s), {code}: {because(code, reasons)}" for code, n in d["rejections"].items()]
    skipped = sum(d["events_skipped"].values())
    if not d["rejections"] and skipped < d["events_attempted"]:
        causes += ["no visible quote left an expected value above risk.min_ev_per_contract after the fee"]
    yield Text("Nothing was traded: " + "; ".join(causes) + ".", "strong")


def diagnostics(run: Run, reasons: Mapping[str, str], remark: str) -> Section:
    """Events attempted, traded and skipped, orders refused, each with its reason; `remark` is the family's last word."""
    d = run.diagnostics
    traded, attempted, skipped = d["events_traded"], d["events_attempted"], sum(d["events_skipped"].values())
    counts = f"{attempted:,} events attempted, {traded:,} traded, {skipped:,} skipped"
    parts: list[Part] = [Text(f"{counts}, {attempted - traded - skipped:,} replayed without a trade.")]
    by_reason: dict[str, list[str]] = {}
    for event, reason in d["skipped_events"]:
        by_reason.setdefault(reason, []).append(event)
    rows = [
        (code, because(code, reasons), f"{count:,}", listed(by_reason[code], SHOWN_EVENTS))
        for code, count in d["events_skipped"].items()
    ]
    parts += [Table(("Event skipped", "because", "events", "which"), rows, "llrl")] if rows else []
    refused = [(code, because(code, reasons), f"{count:,}") for code, count in d["rejections"].items()]
    parts += [Table(("Order refused", "because", "decisions"), refused, "llr")] if refused else []
    return Section("diagnostics", "Events and refusals", [*parts, Text(remark)])


def validations(run: Run) -> Section:
    """What was checked of the data and the trades, and what failed."""
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
    table = Table(("Validation", "what holds", "judged", "failed"), rows, "llrr")
    return Section("validations", "Validations", [table, *([Items(failures)] if failures else []), Text(note)])
