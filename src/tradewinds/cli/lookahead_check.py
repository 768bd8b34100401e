"""`tradewinds lookahead-check`: what was changed after each cut, and whether anything before it noticed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tradewinds.audits import lookahead
from tradewinds.audits.lookahead import Change, CutReport
from tradewinds.config import markets
from tradewinds.config import resolve as configs
from tradewinds.core.damage import damaged_files
from tradewinds.core.errors import SimulationError
from tradewinds.core.text import instant
from tradewinds.families.contract import PLANTED, Subject
from tradewinds.families.plan import refuse_missing, run_plan

SHOWN_CHANGES = 20


def run(config_path: Path, cuts: int, seed: int, console: Console) -> None:
    """Check a config's run for look-ahead.

    Raises:
        ConfigError, DataMissing: see their exit codes. SimulationError: a decision changed, or a file is damaged.
    """
    conf = configs.load(config_path)
    plan = run_plan(conf)
    refuse_missing(plan)
    for damage in damaged_files(plan.data_files):
        raise damage
    subject = markets.family_of(conf["market"]).lookahead(conf, plan)
    reports = list(_watched(lookahead.check(subject, cuts, seed), cuts, console))
    _show_cuts(console, subject, reports)
    changes = [(report, change) for report in reports for change in report.changes]
    if changes:
        for report, change in changes[:SHOWN_CHANGES]:
            console.print(_words(report, change), soft_wrap=True, highlight=False)
        rest = f" The first {SHOWN_CHANGES} are above." if len(changes) > SHOWN_CHANGES else ""
        remedy = f"Something reads what was not known yet; see docs/look-ahead.md.{rest}"
        raise SimulationError(
            f"{len(changes)} decision(s) changed with the future.", where=str(config_path), remedy=remedy
        )
    compared = {what: sum(report.decisions[what] for report in reports) for what in subject.decisions}
    if not compared[subject.decisions[0]]:
        what = f"there were no {subject.decisions[0]} before any of these cuts"
        console.print(f"{what}, so nothing is shown; try --seed or more --cuts.", soft_wrap=True)
        return
    *others, last = (f"{count:,} {what}" for what, count in compared.items())
    console.print(
        f"no decision changed: {', '.join(others)} and {last} compared, each with the later records removed and with them "
        "poisoned.",
        soft_wrap=True,
        highlight=False,
    )


def _watched(reports: Iterator[CutReport], cuts: int, console: Console) -> Iterable[CutReport]:
    """A bar on a terminal, a line per cut elsewhere."""
    if console.is_terminal:
        yield from track(reports, "cuts", total=cuts, console=console, transient=True)
        return
    for number, report in enumerate(reports, start=1):
        console.print(f"cut {number} of {cuts}: {instant(report.cut.ts)}, {len(report.changes)} decision(s) changed")
        yield report


def _show_cuts(console: Console, subject: Subject, reports: list[CutReport]) -> None:
    title = "Known after the cut, and compared up to it"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("cut", no_wrap=True)
    kinds = [kind for kind in (*subject.kinds, PLANTED) if any(report.records[kind] for report in reports)]
    for name in (*kinds, "compared"):
        table.add_column(name.replace(" ", "\n"), justify="right", no_wrap=True)
    for report in reports:
        counts = [*(report.records[kind] for kind in kinds), report.decisions.total()]
        table.add_row(f"{instant(report.cut.ts)}\n  {report.cut.place}", *(f"{count:,}" for count in counts))
    console.print(table)


def _words(report: CutReport, change: Change) -> str:
    future = "poisoned" if change.poisoned else "removed"
    name = " ".join(dict.fromkeys((change.event_ticker, change.market_ticker)))
    return (
        f"{name} at {instant(change.ts)}: {change.before}; with the records after "
        f"{instant(report.cut.ts)} {future}: {change.after}. Cause: {', '.join(change.kinds)}."
    )
