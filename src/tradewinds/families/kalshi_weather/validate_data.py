"""Judge the data of temperature events that is there, before any run: the work of `tradewinds validate`."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tradewinds.config import resolve as configs
from tradewinds.core.damage import naming_damage
from tradewinds.core.text import counted, with_code
from tradewinds.families.contract import Findings, ValidationCount, ValidationFailure
from tradewinds.families.kalshi_weather.batches import BatchReader, EventBatches
from tradewinds.families.kalshi_weather.events import ReplayEvent, load_events
from tradewinds.families.kalshi_weather.forecasts.market_probabilities import build_probabilities
from tradewinds.families.kalshi_weather.plan import EventsPlan
from tradewinds.families.kalshi_weather.pooling.probability_sources import users_file
from tradewinds.families.kalshi_weather.report.reasons import refusal_text
from tradewinds.families.kalshi_weather.validations.judge import VALIDATIONS, WARN, EventFindings, Judge, policy
from tradewinds.families.kalshi_weather.validations.wrong_station import wrong_stations


def validate_events(conf: configs.Config, plan: EventsPlan) -> Findings:
    """Judge the events of a config by every validation that the data allows.

    Args:
        conf: resolved.
        plan: its files, of which some may be missing.

    Returns:
        Counts and failures by validation; the verdict counts the events with a failure that is not only to warn, or
        names a series whose climate reports are of another station.

    Raises:
        DamagedFile: a file is not what was written.
    """
    with naming_damage(plan.data_files):
        climate = [path for path in plan.files.climate.values() if _exists(path)]
        judge = Judge(conf, climate)
        # Events with candles are judged as they are read, a batch at a time; then those without.
        with contextlib.closing(BatchReader()) as reader:
            batches = EventBatches(reader, len(conf["series_tickers"]))
            events = _events(conf, plan, batches.add)
            for batch in batches:
                judge.judge(batch.events, batch.facts)
        judge.judge([event for event in events if not event.path], {})
        catalogs = {series: path for series, path in plan.files.catalogs.items() if _exists(path)}
        wrong = next(wrong_stations(conf, catalogs, climate), None)
    found = judge.findings
    fatal = {failure.event for failure in found.failures if policy(conf, failure.validation) != WARN}
    failing = f"{counted(len(fatal), 'event', 'fails', 'fail')} a validation."
    return Findings(
        notes=list(_notes(conf, plan, events)),
        validations=_counts(found),
        failures=[ValidationFailure(failure.validation, failure.event, failure.why) for failure in found.failures],
        verdict=f"{wrong.series_ticker}: {wrong.what}" if wrong else failing if fatal else "",
        remedy=wrong.remedy if wrong else "A run skips them, fails or warns, by on_missing.validation.",
    )


def _exists(path: str) -> bool:
    return Path(path).exists()


def _events(conf: configs.Config, plan: EventsPlan, tell: Callable[[Sequence[ReplayEvent]], None]) -> list[ReplayEvent]:
    """The events of the series whose catalog is there; `tell` as in load_events."""
    catalogs = {series: path for series, path in plan.files.catalogs.items() if _exists(path)}
    candles = {(e.series_ticker, e.climate_date): e.path for e in plan.files.events if _exists(e.path)}
    part = conf | {"series_tickers": [series for series in conf["series_tickers"] if series in catalogs]}
    made = _made_of(plan)
    if not _exists(made):
        return load_events(part, catalogs, candles, None, tell)
    if made != plan.files.probabilities:  # read anew: the user may have changed it since the last run
        table, _ = build_probabilities(part, catalogs, {}, made)
        return load_events(part, catalogs, candles, table, tell)
    return load_events(part, catalogs, candles, plan.files.probabilities, tell)


def _made_of(plan: EventsPlan) -> str:
    """The file that has the probabilities: the user's own, or the table made of it, of forecasts or of prices."""
    own = None if plan.files.is_pooled else plan.files.user_probabilities
    return own or plan.files.probabilities


def _notes(conf: configs.Config, plan: EventsPlan, events: Sequence[ReplayEvent]) -> Iterator[str]:
    """Say which files are missing, and why events are not judged."""
    for kind, paths in (
        ("catalogs", list(plan.files.catalogs.values())),
        ("candle files", [event.path for event in plan.files.events]),
        ("climate reports (station-years)", list(plan.files.climate.values())),
        ("probabilities", [_made_of(plan)]),
    ):
        present = sum(map(_exists, paths))
        if present < len(paths):
            yield f"{present} of {len(paths)} {kind} are there; what needs the others is not judged."
    if users_file(conf["probabilities"]) is not None:
        yield "A config with a probability file fetches no climate reports: settlements are not compared."
    for reason, count in sorted(Counter(event.skip for event in events if event.skip).items()):
        yield f"{counted(count, 'event')} not judged: {with_code(reason, refusal_text(reason))}."


def _counts(found: EventFindings) -> list[ValidationCount]:
    """How many events each validation judged; those of trades are judged in every run, and not here."""
    failed = found.failed
    return [
        ValidationCount(v.name, v.what, None if v.trade else found.judged[v.name], None if v.trade else failed[v.name])
        for v in VALIDATIONS
    ]
