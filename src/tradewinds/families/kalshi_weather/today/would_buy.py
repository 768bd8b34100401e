"""What the config's strategy would order now: the engine's own loop, at this one instant, on the live quotes.

The account is the config's: its start balance, and nothing held. No order is sent: there is no code that could.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from tradewinds.core.units import MICRO, PICO, exact
from tradewinds.engine.event_contracts.candle_files import RANGES
from tradewinds.engine.event_contracts.candles import Candles, LiveCandles
from tradewinds.engine.event_contracts.contracts import PICO_PER_MICRO, Contract, Event, Side
from tradewinds.engine.event_contracts.order_rules import Rules
from tradewinds.engine.event_contracts.replay import CodedCandles, Replay, ReplayOutcome, RunContracts
from tradewinds.engine.event_contracts.sizing import FixedQuantity
from tradewinds.engine.event_contracts.step_replay import ShownNames, StepReplay
from tradewinds.families.kalshi_weather.strategies import weather_strategies
from tradewinds.families.kalshi_weather.today.current_chances import EventChances
from tradewinds.families.kalshi_weather.today.open_events import OpenEvent, OpenMarket
from tradewinds.families.kalshi_weather.trade_windows import civil_midnights

BUY, REST = "buy", "rest"


class PlannedOrder(NamedTuple):
    """An order that the strategy would place.

    Attributes:
        kind: BUY at once, or REST at a price.
        side: YES or NO.
        quantity: contracts.
        price_micro: of a contract in micro-dollars.
        fee_micro: of the order in micro-dollars; of a resting one the maker's, if it fills.
        net_ev_pico: expected value of a contract after the fee in pico-dollars.
    """

    kind: str
    side: str
    quantity: int
    price_micro: int
    fee_micro: int
    net_ev_pico: Fraction


class SideValue(NamedTuple):
    """What buying one side at once costs and is worth.

    Attributes:
        price_micro: of a contract in micro-dollars, None where the side is not quoted.
        fee_micro: of the whole order in micro-dollars.
        net_ev_pico: expected value of a contract after the fee in pico-dollars, None without a probability.
    """

    price_micro: int | None
    fee_micro: int | None
    net_ev_pico: Fraction | None


@dataclass(frozen=True)
class PricedMarket:
    """A market with its probability.

    Attributes:
        event: its event.
        market: the market with its quotes.
        p_pico: P(YES) in 1e-12, None without one.
        may_trade: whether now is inside of the trade window, and the probability may be used.
    """

    event: OpenEvent
    market: OpenMarket
    p_pico: int | None
    may_trade: bool


class OrdersNow(NamedTuple):
    """What the strategy would do now.

    Attributes:
        by_ticker: the orders of each market.
        refused: reasons by market ticker: limits that an order met.
    """

    by_ticker: Mapping[str, Sequence[PlannedOrder]]
    refused: Mapping[str, str]


def priced_markets(
    events: Sequence[tuple[OpenEvent, EventChances, bool]],
) -> list[PricedMarket]:
    """The markets of some events with their probabilities.

    Args:
        events: each with its probabilities, and whether it may be traded now.
    """
    return [
        PricedMarket(
            event, market, exact(p, PICO) if (p := chances.p_yes.get(market.ticker)) is not None else None, may
        )
        for event, chances, may in events
        for market in event.markets
    ]


def fee_quantity(rules: Rules) -> int:
    """Contracts of the order whose fee is shown: the strategy's own number, or 1 where it depends on the market."""
    return rules.sizing.quantity if isinstance(rules.sizing, FixedQuantity) else 1


def value_of(rules: Rules, priced: PricedMarket, side: Side, now_ts: int) -> SideValue:
    """Price, fee and expected value of buying a side at once.

    Args:
        rules: of the config.
        priced: the market.
        side: YES or NO.
        now_ts: when the order would be filled; Unix seconds.
    """
    market, quantity = priced.market, fee_quantity(rules)
    price = market.ask_micro if side is Side.YES else MICRO - market.bid_micro
    if not 0 < price < MICRO or market.bid_micro > market.ask_micro:
        return SideValue(None, None, None)
    fee = rules.fee_rule(market.fee_rate, quantity, price, now_ts)
    if priced.p_pico is None:
        return SideValue(price, fee, None)
    p = priced.p_pico if side is Side.YES else PICO - priced.p_pico
    return SideValue(price, fee, p - price * PICO_PER_MICRO - Fraction(fee * PICO_PER_MICRO, quantity))


def orders_now(config: Mapping[str, Any], priced: Sequence[PricedMarket], now_ts: int) -> OrdersNow:
    """The orders of the config's strategy at this instant, under its limits, from its start balance.

    Args:
        config: resolved.
        priced: all markets that are open.
        now_ts: Unix seconds.

    Raises:
        SimulationError: the user's strategy fails.
    """
    # the account at this instant: its contracts, their quotes and its cash
    wanted = [one for one in priced if one.may_trade and one.p_pico is not None]
    if not wanted:
        return OrdersNow({}, {})
    rules = now_rules(config)
    groups = _groups(wanted)
    run = RunContracts([_contract(one, groups[one.event.ticker], now_ts) for one in wanted])
    cash = exact(config["risk"]["start_balance_usd"], MICRO)
    candles = _candles(wanted, now_ts)
    # the loop of the rules, and what it would have filled or left resting
    by_ticker: dict[str, list[PlannedOrder]] = {}
    if rules.stepwise is None:
        outcome = _at_once(run, rules, cash, candles, now_ts)
    else:
        outcome, resting = _by_steps(run, rules, cash, candles, wanted, now_ts)
        for ticker, order in resting:
            by_ticker.setdefault(ticker, []).append(order)
    for fill in outcome.fills:
        order = PlannedOrder(
            kind=BUY,
            side=fill.side.name,
            quantity=fill.quantity,
            price_micro=fill.price_micro,
            fee_micro=fill.fee_micro,
            net_ev_pico=Fraction(fill.net_ev_total_pico, fill.quantity),
        )
        by_ticker.setdefault(fill.contract.ticker, []).append(order)
    refused = {one.ticker: one.reason for one in outcome.decisions if not one.filled}
    return OrdersNow(by_ticker, refused)


def now_rules(config: Mapping[str, Any]) -> Rules:
    """The config's rules for an instant that is no decision time: every second is one.

    `risk.max_volume_share` is of the candle's volume, which a live quote does not have.
    """
    rules = weather_strategies.rules_of(config)
    limits = rules.limits._replace(max_volume_share=None)
    return dataclasses.replace(rules, step_seconds=1, limits=limits)


def _groups(wanted: Sequence[PricedMarket]) -> dict[str, Event]:
    """The engine's group of each event's contracts."""
    groups = {}
    for one in wanted:
        event = one.event
        start, end = min(m.open_ts for m in event.markets), max(m.close_ts for m in event.markets)
        name = f"{event.station.series_ticker} {event.climate_date}"
        groups[event.ticker] = Event(name, civil_midnights(event.station, start, end))
    return groups


def _contract(one: PricedMarket, group: Event, now_ts: int) -> Contract:
    """A market as a contract that can be traded now. Its payout is not known, and decides nothing."""
    if one.p_pico is None:
        raise AssertionError(f"{one.market.ticker} is not tradable")
    return Contract(
        ticker=one.market.ticker,
        event=group,
        p_pico=one.p_pico,
        start_ts=now_ts,
        end_ts=now_ts + 1,
        quotes_from_ts=now_ts,
        settle_ts=max(one.market.close_ts, now_ts + 1) + 1,
        payout_yes_micro=0,
        fee_rate=one.market.fee_rate,
    )


def _candles(wanted: Sequence[PricedMarket], now_ts: int) -> Candles:
    """The live quotes as candles that end now: one for each market."""
    ordered = sorted(wanted, key=lambda one: one.market.ticker)
    count = len(ordered)
    bid, ask = (
        np.array([getattr(one.market, name) for one in ordered], np.int32) for name in ("bid_micro", "ask_micro")
    )
    index = np.arange(count, dtype=np.int64)
    nothing, none = np.zeros(count, np.int64), np.full(count, -1, np.int32)
    ranges = {"yes_bid_high": bid, "yes_ask_low": ask}
    return Candles(
        tickers=[one.market.ticker for one in ordered],
        end_ts=np.full(count, now_ts, np.int64),
        bid=bid,
        ask=ask,
        volume=nothing,
        first_row=index,
        end_row=index + 1,
        traded=nothing,
        jumps=np.ones(count, np.int64),
        ranges=tuple(ranges.get(name, none) for name in RANGES),
    )


def _at_once(run: RunContracts, rules: Rules, cash: int, candles: Candles, now_ts: int) -> ReplayOutcome:
    """Let the compiled loop decide at this instant."""
    live = LiveCandles.empty().next(now_ts, run.contracts, range(len(run.contracts)), candles)
    replay = Replay(run, rules, cash)
    replay.advance(CodedCandles(run, live), now_ts + 1, np.zeros(0, np.int64))
    return replay.outcome()


def _by_steps(
    run: RunContracts, rules: Rules, cash: int, candles: Candles, wanted: Sequence[PricedMarket], now_ts: int
) -> tuple[ReplayOutcome, list[tuple[str, PlannedOrder]]]:
    """Call the strategy at this instant; its outcome, and the orders that then rest."""
    assert rules.stepwise is not None
    names = {one.market.ticker: _names(one) for one in wanted}
    replay = StepReplay(run, rules, rules.stepwise, names, cash)
    replay.admit(run.contracts, candles)
    replay.advance(now_ts + 1, [])
    resting = []
    for order in replay.desk.book:
        contract = run.contracts[order.idx]
        rate = contract.fee_rate * rules.stepwise.maker_factor
        fee = rules.fee_rule(rate, order.left, order.price, now_ts)
        chance = contract.p_at(now_ts)
        value = (chance if order.side is Side.YES else PICO - chance) - order.price * PICO_PER_MICRO
        net = value - Fraction(fee * PICO_PER_MICRO, order.left)
        resting.append((contract.ticker, PlannedOrder(REST, order.side.name, order.left, order.price, fee, net)))
    return replay.outcome(), resting


def _names(one: PricedMarket) -> ShownNames:
    """What a strategy sees of a market besides its quotes."""
    if one.market.bounds is None:
        return ShownNames(one.event.ticker, math.nan, math.nan)
    low, high = one.market.bounds
    return ShownNames(one.event.ticker, -math.inf if low is None else low, math.inf if high is None else high)
