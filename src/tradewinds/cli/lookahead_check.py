"""`tradewinds lookahead-check`: change what is known after some instants, and report decisions before them that changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradewinds.cli.options import ConfigOption, FileArgument, config_file
from tradewinds.core.errors import SimulationError
from tradewinds.core.text import counted

if TYPE_CHECKING:
    from rich.console import Console

    from tradewinds.audits.lookahead import Change, CutReport
    from tradewinds.families.contract import Subject

SHOWN_CHANGES = 20


def lookahead_check(
    file: FileArgument = None,
    config: ConfigOption = None,
    cuts: Annotated[
        int, typer.Option(min=1, max=1000, help="Instants at which the future is changed.", metavar="N")
    ] = 8,
    seed: Annotated[int, typer.Option(help="The same seed, the same instants.", metavar="S")] = 0,
) -> None:
    """Make a run again with another future, and report every decision that comes out differently.

    Reads data/ (missing files: exit code 3 with the list) and changes nothing. Exit code 5 if a decision changed.
    """
    config = config_file(file, config)
    # Imported here: the check replays a run, with numpy, pyarrow and DuckDB, which `--help` does not need.
    from tradewinds.audits import lookahead
    from tradewinds.audits.strategy_watch import StrategyWatch
    from tradewinds.config import markets
    from tradewinds.config import resolve as configs
    from tradewinds.config.places import place_by_file, placing
    from tradewinds.core import files
    from tradewinds.core.damage import damaged_files
    from tradewinds.families.plan import refuse_missing, run_plan
    from tradewinds.pipeline.terminal import SafeConsole

    console = SafeConsole()
    with files.without_caches():  # the check changes nothing
        conf = configs.load(config)
        plan = run_plan(conf, place_by_file(config))
        refuse_missing(plan)
        for damage in damaged_files(plan.data_files):
            raise damage
        family = markets.family_of(conf["market"])
        data = [*(file.path for file in plan.data_files), *family.user_files(conf), plan.run_dir, conf["output_dir"]]
        # the strategy is watched from before it is loaded
        with placing(conf, place_by_file(config)), StrategyWatch(conf["strategy"].get("file"), data) as watch:
            subject = family.lookahead(conf, plan)
            reports = list(_shown_while_made(lookahead.check(subject, cuts, seed, watch), cuts, console))
    _show_cuts(console, subject, reports)
    _refuse_changes(console, reports, config)
    _refuse_asked(watch.noted, watch.strategy)
    _show_verdict(console, subject, reports)


def _shown_while_made(reports: Iterator[CutReport], cuts: int, console: Console) -> Iterable[CutReport]:
    """Pass the reports on as they are made, with a bar on a terminal and a line per cut elsewhere."""
    from rich.progress import track

    from tradewinds.audits.lookahead import AT_THE_END, UNCHANGED
    from tradewinds.core.text import instant

    if console.is_terminal:
        yield from track(reports, "cuts", total=cuts + 2, console=console, transient=True)
        return
    for number, report in enumerate(reports):
        is_chosen = report.cut.place not in (UNCHANGED, AT_THE_END)
        made = f"cut {number} of {cuts}: {instant(report.cut.ts)}" if is_chosen else report.cut.place
        console.print(f"{made}, {counted(len(report.changes), 'decision')} changed")
        yield report


def _show_cuts(console: Console, subject: Subject, reports: Sequence[CutReport]) -> None:
    """Print a row per cut: the records known after it, by kind, and how many decisions before it were compared."""
    from rich.table import Table

    from tradewinds.core.text import instant
    from tradewinds.families.contract import PLANTED

    title = "Known after the cut, and compared up to it"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("cut", no_wrap=True)
    reports = reports[1:]  # the first is of no cut
    kinds = [kind for kind in (*subject.kinds, PLANTED) if any(report.records[kind] for report in reports)]
    for name in (*kinds, "compared"):
        table.add_column(name.replace(" ", "\n"), justify="right", no_wrap=True)
    for report in reports:
        counts = [*(report.records[kind] for kind in kinds), report.decisions.total()]
        table.add_row(f"{instant(report.cut.ts)}\n  {report.cut.place}", *(f"{count:,}" for count in counts))
    console.print(table)


def _refuse_changes(console: Console, reports: Sequence[CutReport], config: Path) -> None:
    """Print the first decisions that changed.

    Raises:
        SimulationError: a decision changed.
    """
    changes = [(report, change) for report in reports for change in report.changes]
    if not changes:
        return
    for report, change in changes[:SHOWN_CHANGES]:
        console.print(_described(report, change), soft_wrap=True, highlight=False)
    rest = f" The first {SHOWN_CHANGES} are above." if len(changes) > SHOWN_CHANGES else ""
    remedy = f"Something reads what was not known yet; `tradewinds docs look-ahead` tells how to find it.{rest}"
    raise SimulationError(
        f"{counted(len(changes), 'decision')} changed with the future.", where=str(config), remedy=remedy
    )


def _refuse_asked(noted: Sequence[str], strategy: str | None) -> None:
    """Refuse a strategy that asked for more than it is given.

    Args:
        noted: what it did.
        strategy: its file.

    Raises:
        SimulationError: it did something.
    """
    if noted:
        shown = ", ".join(noted[:SHOWN_CHANGES]) + (
            f" and {len(noted) - SHOWN_CHANGES} more" if noted[SHOWN_CHANGES:] else ""
        )
        raise SimulationError(
            f"the strategy asked for more than it is given: {shown}. What it learns there is the true future, which no copy "
            "changes.",
            where=str(strategy),
            remedy="Decide by what the strategy is given alone; `tradewinds docs strategies` lists it.",
        )


def _described(report: CutReport, change: Change) -> str:
    """One sentence on a decision that changed, and the kinds of records that changed it."""
    from tradewinds.audits.lookahead import UNCHANGED
    from tradewinds.core.text import instant

    name = " ".join(dict.fromkeys((change.event_ticker, change.market_ticker)))
    if report.cut.place == UNCHANGED:
        cause = f"Cause: {', '.join(change.kinds)}."
        return f"{name} at {instant(change.ts)}: {change.before}; made again from the same records: {change.after}. {cause}"
    future = "poisoned" if change.poisoned else "removed"
    return (
        f"{name} at {instant(change.ts)}: {change.before}; with the records after "
        f"{instant(report.cut.ts)} {future}: {change.after}. Cause: {', '.join(change.kinds)}."
    )


def _show_verdict(console: Console, subject: Subject, reports: Sequence[CutReport]) -> None:
    """Say that no decision changed, and how many were compared; without a decision of the first kind, that nothing is shown."""
    compared = Counter[str]()
    for report in reports:
        compared += report.decisions
    first = subject.decisions[0]
    if not compared[first]:
        what = f"there were no {first} before any of these cuts"
        console.print(f"{what}, so nothing is shown; try --seed or more --cuts.", soft_wrap=True)
        return
    *others, last = (f"{compared[what]:,} {what}" for what in subject.decisions)
    console.print(
        f"no decision changed: {', '.join(others)} and {last} compared, each with the later records removed and with them "
        "poisoned.",
        soft_wrap=True,
        highlight=False,
    )
