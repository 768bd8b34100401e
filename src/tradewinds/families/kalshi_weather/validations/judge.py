"""The fourteen validations: what is checked, in which events it fails, and what follows from that.

Eleven are about an event and its data, before anything is replayed: a failure skips the event (quarantine), fails the run
or is only told, by `on_missing.validation`. Three are about the trades that a replay made (`trade_checks`).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from tradewinds.core import files
from tradewinds.core.errors import SimulationError
from tradewinds.engine.event_contracts.fills import Fill
from tradewinds.families.kalshi_weather.events import MarketEvent
from tradewinds.families.kalshi_weather.validations import event_checks, trade_checks
from tradewinds.families.kalshi_weather.validations.candle_facts import CandleFacts
from tradewinds.families.kalshi_weather.validations.event_checks import Subject, Verdict

_REPORTED = ["station_id", "climate_date", "high_f", "low_f", "final"]

PREFIX = "VALIDATION:"
SKIP, FAIL, WARN = "skip", "fail", "warn"


class Validation(NamedTuple):
    """A validation of an event, or (with `trade`) of a trade; `what` says what holds when it passes."""

    name: str
    what: str
    event: Callable[[Subject], Verdict] | None = None
    trade: trade_checks.TradeCheck | None = None


# In the order of the trading rules; an event that fails several is skipped for the first.
VALIDATIONS = (
    Validation(
        "forecast_known_by_asof",
        "every probability was known by the as-of time",
        event=event_checks.forecast_known_by_asof,
    ),
    Validation(
        "quote_known_by_decision",
        "the candle behind every trade had ended when it was decided",
        trade=trade_checks.quote_known_by_decision,
    ),
    Validation(
        "one_climate_date",
        "all markets are of one event, whose ticker names the climate date",
        event=event_checks.one_climate_date,
    ),
    Validation(
        "one_winner",
        "exactly one market of a ladder settled YES",
        event=event_checks.one_winner,
    ),
    Validation(
        "ladder_sums_to_one",
        "the probabilities of a ladder sum to 1",
        event=event_checks.ladder_sums_to_one,
    ),
    Validation(
        "strikes_tile",
        "every whole degree settles exactly one market of a ladder",
        event=event_checks.strikes_tile,
    ),
    Validation(
        "fee_in_bounds",
        "every fee is from 0 to 0.0175 USD a contract and a cent",
        trade=trade_checks.fee_in_bounds,
    ),
    Validation(
        "prices_in_bounds",
        "every price of the candles is from 0 to 1",
        event=event_checks.prices_in_bounds,
    ),
    Validation(
        "refetch_changes_nothing",
        "candles are unique, in order, and those that were fetched",
        event=event_checks.refetch_changes_nothing,
    ),
    Validation(
        "decision_in_window",
        "every trade was decided inside its window, on the cadence",
        trade=trade_checks.decision_in_window,
    ),
    Validation(
        "daylight_saving",
        "around clock changes, climate day and as-of time follow the law",
        event=event_checks.daylight_saving,
    ),
    Validation(
        "station_known",
        "the series' station and its standard time are known",
        event=event_checks.station_known,
    ),
    Validation(
        "volume_in_bounds",
        "candles trade no more than their market did",
        event=event_checks.volume_in_bounds,
    ),
    Validation(
        "settlement_matches_report",
        "markets settled as the final climate report says",
        event=event_checks.settlement_matches_report,
    ),
)
EVENT_VALIDATIONS = tuple(v for v in VALIDATIONS if v.event)


class Failure(NamedTuple):
    """Why an event fails a validation."""

    validation: str
    event: str
    why: str


@dataclass
class EventFindings:
    """How many events (or trades) each validation judged, and what failed, by date and series."""

    judged: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    @property
    def failed(self) -> Counter[str]:
        """Events that fail, by validation."""
        return Counter(failure.validation for failure in self.failures)


Reports = Mapping[tuple[str, dt.date], Mapping[str, int | None]]
"""High and low (`max`, `min`) in whole °F of final climate reports, by station and climate date."""


class Judge:
    """Judges the events of a config, some at a time.

    Args:
        config: resolved; climate: paths of climate reports (schema store.CLIMATE), none if there are none.
    """

    def __init__(self, config: Mapping[str, Any], climate: Iterable[str]) -> None:
        self.config, self.reports = config, _final_reports(config, climate)
        self.found = EventFindings()

    def judge(self, events: Iterable[MarketEvent], facts: CandleFacts) -> EventFindings:
        """Judge the events that nothing else keeps out of the replay; what is found in these."""
        found = EventFindings()
        for event in events:
            if event.skip is None:
                self._judge(event, facts, found)
        self.found.judged += found.judged
        self.found.failures += found.failures
        return found

    def _judge(self, event: MarketEvent, facts: CandleFacts, found: EventFindings) -> None:
        reported = self.reports.get((event.station.station_id, event.climate_date), {})
        subject = Subject(event, self.config, facts, reported.get(event.station.target))
        for validation in EVENT_VALIDATIONS:
            verdict = validation.event(subject) if validation.event else None
            if verdict is not None:
                found.judged[validation.name] += 1
            if verdict:
                found.failures.append(Failure(validation.name, event.ticker, verdict))


def _final_reports(config: Mapping[str, Any], climate: Iterable[str]) -> Reports:
    """Preliminary reports say nothing of how a day ended."""
    days = config["date_start_local"], config["date_end_local"]
    rows = [row for path in climate for row in files.read_rows(path, _REPORTED, days) if row["final"]]
    return {(row["station_id"], row["climate_date"]): {"max": row["high_f"], "min": row["low_f"]} for row in rows}


def policy(config: Mapping[str, Any], name: str) -> str:
    """What follows from a failure of a validation: skip, fail or warn."""
    rule = config["on_missing"]["validation"]
    return str(rule if isinstance(rule, str) else rule.get(name, SKIP))


def refuse_if_asked(config: Mapping[str, Any], found: EventFindings) -> None:
    """Fail the run for validations that on_missing says to fail.

    Raises:
        SimulationError: an event fails one of them.
    """
    fatal = [failure for failure in found.failures if policy(config, failure.validation) == FAIL]
    if fatal:
        first = fatal[0]
        raise SimulationError(
            f"validation {first.validation} fails: {first.why}.",
            where=first.event,
            remedy=f"tradewinds validate lists all failures. Set on_missing.validation.{first.validation} to skip to leave "
            "such events out, or to warn to replay them all the same.",
        )


def quarantined(config: Mapping[str, Any], events: Sequence[MarketEvent], found: EventFindings) -> list[MarketEvent]:
    """The events, those that fail a validation skipped for the first one that they fail."""
    reasons: dict[str, str] = {}
    for failure in found.failures:
        if policy(config, failure.validation) == SKIP:
            reasons.setdefault(failure.event, PREFIX + failure.validation)
    return [
        replace(event, skip=reasons[event.ticker]) if event.skip is None and event.ticker in reasons else event
        for event in events
    ]


def refuse_wrong_trades(fills: Sequence[Fill], step_seconds: int) -> None:
    """Judge every trade of a run.

    Raises:
        SimulationError: a trade fails a validation, whatever on_missing says.
    """
    checks = [(v.name, v.what, v.trade) for v in VALIDATIONS if v.trade]
    trade_checks.refuse_wrong_trades(fills, step_seconds, checks)


def diagnostics(found: EventFindings, trades: int, quarantine: Iterable[str]) -> dict[str, Any]:
    """The part of metrics.json about validations: failed counts by name, events left out, and the details of each."""
    failed = found.failed
    details = [
        {
            "name": v.name,
            "what": v.what,
            "judged": trades if v.trade else found.judged[v.name],
            "failures": [[f.event, f.why] for f in found.failures if f.validation == v.name],
        }
        for v in VALIDATIONS
    ]
    counts = {v.name: failed[v.name] for v in VALIDATIONS}
    return {"validations": counts, "quarantined": sorted(quarantine), "validation_details": details}
