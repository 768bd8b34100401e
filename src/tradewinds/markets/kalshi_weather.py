"""Daily temperature events: what the engine replays, and what a run of them results in."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tradewinds import strategies
from tradewinds.engine.contracts import Contract, Event, Side
from tradewinds.engine.equity import Point, equity_curve
from tradewinds.engine.ledger import Fill, Ledger
from tradewinds.engine.quotes import NO_AGE_LIMIT, Clock, QuoteView
from tradewinds.engine.replay import Outcome, Replay
from tradewinds.engine.result import RunResult, Scored, Trade
from tradewinds.errors import SimulationError
from tradewinds.markets import kalshi_events, validations
from tradewinds.markets.kalshi_coverage import missing_share_pct
from tradewinds.markets.kalshi_events import Market, MarketEvent, load_events
from tradewinds.markets.validations import Findings
from tradewinds.markets.windows import civil_midnights
from tradewinds.store import MICRO

NO_PROBABILITY = "NO_PROBABILITY"
EMPTY_WINDOW = "EMPTY_WINDOW"
CROSSED_QUOTE = "CROSSED_QUOTE"

_FAIL_KEYS = {kalshi_events.MISSING_QUOTES: "quotes", kalshi_events.MISSING_PROBABILITIES: "probabilities"}


def simulate(
    config: Mapping[str, Any],
    catalogs: Mapping[str, str],
    candles: Mapping[tuple[str, dt.date], str],
    probabilities: str,
    threads: int | None = None,
    climate: Iterable[str] = (),
) -> RunResult:
    """Replay all events of a resolved config against one cash account.

    Args:
        catalogs: path per series; candles: path per (series, climate date); probabilities: path; threads: DuckDB's;
            climate: paths of climate reports, for a validation.

    Raises:
        SimulationError: on_missing says fail, and something is missing or fails a validation.
    """
    events = load_events(config, catalogs, candles, probabilities)
    _fail_if_asked(config, events)
    findings = validations.judge_events(config, events, climate, threads)
    validations.refuse_if_asked(config, findings)
    events = validations.quarantined(config, events, findings)
    replayed = [event for event in events if event.skip is None]
    rejections, owners = _tradable(replayed)
    contracts = [_contract(config, market, event) for market, event in owners]
    rules = strategies.rules_of(config)
    age = config["max_quote_age_minutes"]
    clock = Clock(rules.step_seconds, age * 60 if age else NO_AGE_LIMIT)
    start_micro = int(Decimal(str(config["risk"]["start_balance_usd"])) * MICRO)
    files = sorted({event.path for event in replayed})
    if not contracts:
        idle = Outcome([], Counter(), [], start_micro)
        return _result(config, events, findings, start_micro, idle, rejections, [], None, {})
    view = QuoteView(files, contracts, clock, threads, volumes=rules.limits.max_volume_share is not None)
    intervals = view.candidates(rules.min_ev_pico)
    outcome = Replay(contracts, intervals, rules, Ledger(start_micro), full_audit=config["audit"] == "full").run()
    validations.refuse_wrong_trades(outcome.fills, rules.step_seconds)
    if crossed := view.crossed_decisions():
        rejections[CROSSED_QUOTE] += crossed
    settled = _settlement_times(replayed)
    first = min(contract.start_ts for contract in contracts)
    curve = equity_curve(start_micro, first, contracts, outcome.fills, view.marks, settled)
    meta = {contract.ticker: owner for contract, owner in zip(contracts, owners, strict=True)}
    return _result(config, events, findings, start_micro, outcome, rejections, curve, view.watermark(), meta)


def _fail_if_asked(config: Mapping[str, Any], events: Sequence[MarketEvent]) -> None:
    for reason, key in _FAIL_KEYS.items():
        found = [event.ticker for event in events if event.skip == reason]
        if found and config["on_missing"][key] == "fail":
            shown = ", ".join(found[:10]) + (f" and {len(found) - 10} more" if len(found) > 10 else "")
            remedy = f"Set on_missing.{key} to skip to leave such events out."
            raise SimulationError(
                f"{reason} in {len(found)} event(s): {shown}.", where=f"on_missing.{key}", remedy=remedy
            )


def _tradable(events: Sequence[MarketEvent]) -> tuple[Counter[str], list[tuple[Market, MarketEvent]]]:
    """Markets that can trade, and the refusals of those that cannot (once per market)."""
    refused: Counter[str] = Counter()
    kept = []
    for event in events:
        for market in event.markets:
            if market.p_pico is None:
                refused[NO_PROBABILITY] += 1
            elif market.start_ts >= market.end_ts:
                refused[EMPTY_WINDOW] += 1
            else:
                kept.append((market, event))
    return refused, sorted(kept, key=lambda pair: pair[0].ticker)


def _contract(config: Mapping[str, Any], market: Market, event: MarketEvent) -> Contract:
    if market.p_pico is None or market.payout_yes_micro is None:
        raise AssertionError(f"{market.ticker} is not tradable")
    full_window = config["candles"]["window_policy"] == "FULL_MARKET_WINDOW"
    start = min(m.start_ts for m in event.markets)
    end = max(m.end_ts for m in event.markets)
    return Contract(
        ticker=market.ticker,
        event=Event(f"{event.station.series_ticker} {event.climate_date}", civil_midnights(event.station, start, end)),
        p_pico=market.p_pico,
        start_ts=market.start_ts,
        end_ts=market.end_ts,
        quotes_from_ts=market.open_ts if full_window else market.start_ts,
        settle_ts=market.settle_ts,
        payout_yes_micro=market.payout_yes_micro,
        fee_rate=market.fee_rate,
    )


def _settlement_times(events: Sequence[MarketEvent]) -> list[int]:
    return sorted({market.settle_ts for event in events for market in event.markets})


def _result(
    config: Mapping[str, Any],
    events: list[MarketEvent],
    findings: Findings,
    start_micro: int,
    outcome: Outcome,
    rejections: Counter[str],
    curve: list[Point],
    watermark: int | None,
    owners: Mapping[str, tuple[Market, MarketEvent]],
) -> RunResult:
    skips = Counter(event.skip for event in events if event.skip)
    refused = rejections + outcome.rejections
    diagnostics = {
        "events_attempted": len(events),
        "events_traded": len({fill.contract.event.name for fill in outcome.fills}),
        "events_skipped": dict(sorted(skips.items())),
        "rejections": dict(sorted(refused.items())),
        "candles_missing_pct": missing_share_pct(events, config["candles"]["period_interval_minutes"]),
    }
    quarantine = [event.ticker for event in events if (event.skip or "").startswith(validations.PREFIX)]
    diagnostics |= validations.diagnostics(findings, len(outcome.fills), quarantine)
    return RunResult(
        start_balance_micro=start_micro,
        end_balance_micro=outcome.end_cash_micro,
        trades=[_trade(fill, *owners[fill.contract.ticker]) for fill in outcome.fills],
        equity=curve,
        decisions=outcome.decisions,
        scored=_scored(events),
        diagnostics=diagnostics,
        skipped=[(event.ticker, event.skip) for event in events if event.skip],
        watermark=watermark,
        start_ts=curve[0].ts if curve else None,
        end_ts=curve[-1].ts if curve else None,
    )


def _trade(fill: Fill, market: Market, event: MarketEvent) -> Trade:
    return Trade(
        series_ticker=event.station.series_ticker,
        event_ticker=market.event_ticker,
        market_ticker=market.ticker,
        station_id=event.station.station_id,
        decision_ts=fill.decision_ts,
        quote_ts=fill.quote_ts,
        side="BUY_YES" if fill.side is Side.YES else "BUY_NO",
        qty=fill.quantity,
        entry_price_micro=fill.price_micro,
        entry_fee_micro=fill.fee_micro,
        model_prob_yes_pico=fill.contract.p_pico,
        ev_gross_pico=fill.gross_ev_pico,
        ev_net_pico=Fraction(fill.net_ev_total_pico, fill.quantity),
        reason_code="EV_THRESHOLD",
        settled_result=str(market.result),
        settled_ts=market.settle_ts,
        payout_micro=fill.payout_micro,
    )


def _scored(events: Sequence[MarketEvent]) -> list[Scored]:
    return [
        Scored(market.event_ticker, market.ticker, market.p_pico, market.result == "yes")
        for event in events
        for market in event.markets
        if market.p_pico is not None and market.result in ("yes", "no")
    ]
