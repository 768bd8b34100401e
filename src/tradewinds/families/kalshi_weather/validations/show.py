"""What `tradewinds validate` judges of temperature events, and how it shows it."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tradewinds.config import resolve as configs
from tradewinds.core.damage import naming_damage
from tradewinds.core.errors import SimulationError
from tradewinds.families.kalshi_weather.batches import BatchReader, batches
from tradewinds.families.kalshi_weather.events import MarketEvent, load_events
from tradewinds.families.kalshi_weather.forecasts.market_probabilities import build_probabilities
from tradewinds.families.kalshi_weather.plan import EventsPlan
from tradewinds.families.kalshi_weather.validations.judge import VALIDATIONS, Findings, Judge, policy

SHOWN_EVENTS = 3


def validate_events(conf: configs.Config, plan: EventsPlan, where: str, console: Console) -> None:
    """Judge the events of a config by every validation that the data allows.

    Raises:
        SimulationError: an event fails a validation that is not only to warn.
    """
    strategy = conf["strategy"]["name"]
    console.print(
        f"{where} is valid: run {plan.run_id}, {len(plan.files.events)} events, strategy {strategy}.", soft_wrap=True
    )
    with naming_damage(plan.data_files):
        events = _events(conf, plan)
        judge = Judge(conf, filter(_there, plan.files.climate.values()))
        with contextlib.closing(BatchReader()) as reader:
            for batch in batches(events, reader):
                judge.judge(batch.events, batch.facts)
        judge.judge([event for event in events if not event.path], {})
    _show_data(console, conf, plan, events)
    _show_findings(console, judge.findings)
    fatal = {failure.event for failure in judge.findings.failures if policy(conf, failure.validation) != "warn"}
    if fatal:
        raise SimulationError(
            f"{len(fatal)} event(s) fail a validation.",
            where=where,
            remedy="A run skips them, fails or warns, by on_missing.validation.",
        )


def _there(path: str) -> bool:
    return Path(path).exists()


def _events(conf: configs.Config, plan: EventsPlan) -> list[MarketEvent]:
    """The events of the series whose catalog is there."""
    catalogs = {series: path for series, path in plan.files.catalogs.items() if _there(path)}
    candles = {(e.series_ticker, e.climate_date): e.path for e in plan.files.events if _there(e.path)}
    part = conf | {"series_tickers": [series for series in conf["series_tickers"] if series in catalogs]}
    if not _there(plan.files.user_probabilities or plan.files.probabilities):
        return load_events(part, catalogs, candles, None)
    if plan.files.user_probabilities:  # read anew: the user may have changed it since the last run
        table, _ = build_probabilities(part, catalogs, {}, plan.files.user_probabilities)
        return load_events(part, catalogs, candles, table)
    return load_events(part, catalogs, candles, plan.files.probabilities)


def _show_data(console: Console, conf: configs.Config, plan: EventsPlan, events: list[MarketEvent]) -> None:
    """What is there to be judged, and why events are not."""
    made = plan.files.user_probabilities or plan.files.probabilities
    for kind, paths in (
        ("catalogs", list(plan.files.catalogs.values())),
        ("candle files", [event.path for event in plan.files.events]),
        ("climate reports (station-years)", list(plan.files.climate.values())),
        ("probabilities", [made]),
    ):
        there = sum(map(_there, paths))
        if there < len(paths):
            console.print(f"{there} of {len(paths)} {kind} are there; what needs the others is not judged.")
    if conf["probabilities"]["source"] == "file":
        console.print("A config with a probability file fetches no climate reports: settlements are not compared.")
    for reason, count in sorted(Counter(event.skip for event in events if event.skip).items()):
        console.print(f"{count} event(s) not judged: {reason}")


def _show_findings(console: Console, found: Findings) -> None:
    table = Table()
    table.add_column("validation", no_wrap=True)
    table.add_column("judged", justify="right")
    table.add_column("failed", justify="right")
    table.add_column("what holds")
    failed = found.failed
    for v in VALIDATIONS:
        counts = ("—", "—") if v.trade else (str(found.judged[v.name]), str(failed[v.name]))
        table.add_row(v.name, *counts, f"{v.what} (judged in every run)" if v.trade else v.what)
    console.print(table)
    for name, count in failed.items():
        for failure in [f for f in found.failures if f.validation == name][:SHOWN_EVENTS]:
            console.print(f"{name}: {failure.event}: {failure.why}", soft_wrap=True, markup=False)
        if count > SHOWN_EVENTS:
            console.print(f"{name}: and {count - SHOWN_EVENTS} more")
