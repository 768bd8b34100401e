"""The fourteen validations, the events that fail them, and the consequence of a failure.

Eleven check an event and its data before the replay: a failure skips the event (quarantine), fails the run, or is only
reported, by `on_missing.validation`. Three check the trades that a replay made (`trade_checks`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from tradewinds.core.errors import SimulationError
from tradewinds.engine.event_contracts.fills import Fills
from tradewinds.families.kalshi_weather.events import ReplayEvent
from tradewinds.families.kalshi_weather.validations import event_checks, trade_checks
from tradewinds.families.kalshi_weather.validations.candle_facts import CandleFacts
from tradewinds.families.kalshi_weather.validations.climate_reports import final_reports
from tradewinds.families.kalshi_weather.validations.event_checks import EventFacts, Verdict

SKIP_PREFIX = "VALIDATION:"  # of an event's skip reason; the name of the validation follows
SKIP, FAIL, WARN = "skip", "fail", "warn"


class Validation(NamedTuple):
    """A validation of an event or of a trade.

    Attributes:
        name: as in the config, metrics.json and docs/validations.md.
        what: what holds when it passes.
        event: the check of an event, None for a validation of trades.
        trade: the check of a trade, None for a validation of events.
    """

    name: str
    what: str
    event: Callable[[EventFacts], Verdict] | None = None
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
        "around clock changes, climate day and as-of time follow the statute",
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
    """An event that fails a validation.

    Attributes:
        validation: name of the validation.
        event: ticker of the event.
        why: description of the failure.
    """

    validation: str
    event: str
    why: str


@dataclass
class EventFindings:
    """Results of the validations of events.

    Attributes:
        judged: number of events to which each validation applied, by name.
        failures: in order of climate date and series.
    """

    judged: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    @property
    def failed(self) -> Counter[str]:
        """Number of events that fail, by validation."""
        return Counter(failure.validation for failure in self.failures)


class Judge:
    """Applies the validations of events to the events of a config, some at a time.

    Args:
        config: resolved.
        climate: paths of climate reports (columns: schemas.CLIMATE); without any, settlements are not checked.

    Attributes:
        findings: of all events judged so far.
    """

    def __init__(self, config: Mapping[str, Any], climate: Iterable[str]) -> None:
        self.config = config
        self.reports = final_reports(climate, config["date_start_local"], config["date_end_local"])
        self.findings = EventFindings()

    def judge(self, events: Iterable[ReplayEvent], facts: CandleFacts) -> EventFindings:
        """Apply the validations to events that are not skipped for another reason, and add the result to `findings`.

        Args:
            events: of the config.
            facts: of their candles.

        Returns:
            Findings of these events.
        """
        findings = EventFindings()
        for event in events:
            if event.skip is None:
                self._judge_event(event, facts, findings)
        self.findings.judged += findings.judged
        self.findings.failures += findings.failures
        return findings

    def _judge_event(self, event: ReplayEvent, candles: CandleFacts, findings: EventFindings) -> None:
        reported = self.reports.get((event.station.station_id, event.climate_date), {})
        facts = EventFacts(
            event=event, config=self.config, candles=candles, reported_f=reported.get(event.station.target)
        )
        for validation in EVENT_VALIDATIONS:
            verdict = validation.event(facts) if validation.event else None
            if verdict is not None:
                findings.judged[validation.name] += 1
            if verdict:
                findings.failures.append(Failure(validation=validation.name, event=event.ticker, why=verdict))


def policy(config: Mapping[str, Any], name: str) -> str:
    """Consequence of a failure: skip, fail or warn.

    Args:
        config: resolved.
        name: of the validation.
    """
    rule = config["on_missing"]["validation"]
    return str(rule if isinstance(rule, str) else rule.get(name, SKIP))


def refuse_fatal_failures(config: Mapping[str, Any], findings: EventFindings) -> None:
    """Fail the run if an event fails a validation whose policy is `fail`.

    Args:
        config: resolved.
        findings: of the events of the config.

    Raises:
        SimulationError: there is such a failure; names the first.
    """
    fatal = [failure for failure in findings.failures if policy(config, failure.validation) == FAIL]
    if fatal:
        first = fatal[0]
        raise SimulationError(
            f"validation {first.validation} fails: {first.why}.",
            where=first.event,
            remedy=f"tradewinds validate lists all failures. Set on_missing.validation.{first.validation} to skip to leave "
            "such events out, or to warn to replay them all the same.",
        )


def quarantined(config: Mapping[str, Any], events: Sequence[ReplayEvent], findings: EventFindings) -> list[ReplayEvent]:
    """The events, with a skip reason on those that fail a validation whose policy is `skip`.

    The reason names the first such validation that the event fails.

    Args:
        config: resolved.
        events: of the config.
        findings: findings of these events.
    """
    reasons: dict[str, str] = {}
    for failure in findings.failures:
        if policy(config, failure.validation) == SKIP:
            reasons.setdefault(failure.event, SKIP_PREFIX + failure.validation)
    return [
        replace(event, skip=reasons[event.ticker]) if event.skip is None and event.ticker in reasons else event
        for event in events
    ]


def refuse_wrong_trades(fills: Fills, step_seconds: int) -> None:
    """Apply the validations of trades to every fill of a run.

    Args:
        fills: in any order.
        step_seconds: between decisions.

    Raises:
        SimulationError: a trade fails a validation, for any `on_missing`.
    """
    checks = [(v.name, v.what, v.trade) for v in VALIDATIONS if v.trade]
    trade_checks.check_fills(fills, step_seconds, checks)


def validation_diagnostics(findings: EventFindings, trades: int, quarantine: Iterable[str]) -> dict[str, Any]:
    """The part of metrics.json about validations.

    Args:
        findings: findings of all events of the run.
        trades: number of trades, to all of which the validations of trades were applied.
        quarantine: tickers of events that were left out.

    Returns:
        `validations`: number of failures by validation.
        `quarantined`: the tickers in order.
        `validation_details`: per validation its name, what holds, how many were judged, and each failure.
    """
    failed = findings.failed
    details = [
        {
            "name": v.name,
            "what": v.what,
            "judged": trades if v.trade else findings.judged[v.name],
            "failures": [[f.event, f.why] for f in findings.failures if f.validation == v.name],
        }
        for v in VALIDATIONS
    ]
    counts = {v.name: failed[v.name] for v in VALIDATIONS}
    return {"validations": counts, "quarantined": sorted(quarantine), "validation_details": details}
