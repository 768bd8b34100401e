"""Small contracts, quotes and rules for the engine's tests: dollars and probabilities as strings, minutes as numbers."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np

from tradewinds.engine import sizing
from tradewinds.engine.contracts import Contract, Event
from tradewinds.engine.costs import TAKER_RATE, cent_fee
from tradewinds.engine.ledger import Ledger
from tradewinds.engine.limits import RiskLimits
from tradewinds.engine.quotes import NOT_QUOTED, Intervals
from tradewinds.engine.replay import Replay
from tradewinds.strategies.ev_threshold import rules_for

MINUTE = 60
LATER = 10**6  # a minute after everything


def micro(dollars):
    return int(Decimal(dollars) * 10**6)


def pico(probability):
    return int(Decimal(probability) * 10**12)


def contract(ticker="A", p="0.8", *, event="E", days=(), start=0, end=100, settles=200, pays="1", rate=TAKER_RATE):
    """A contract whose times are minutes; `days` are the minutes at which its civil days begin."""
    group = Event(event, tuple(day * MINUTE for day in days))
    return Contract(
        ticker, group, pico(p), start * MINUTE, end * MINUTE, start * MINUTE, settles * MINUTE, micro(pays), rate
    )


def quote(idx, first, last, *, yes=None, no=None, candle=None, volume=0):
    """A row of QuoteView.candidates: asks in dollars, times in minutes, volume in contracts."""
    asks = (None if yes is None else micro(yes), None if no is None else micro(no))
    return idx, (first if candle is None else candle) * MINUTE, first * MINUTE, last * MINUTE, volume * 100, *asks


def rules(*, quantity=1, size=None, min_ev="0.05", step=1, fee_rule=cent_fee, changes=(), **limits):
    """Rules with a fixed quantity unless `size` is a sizing (which then may depend on equity)."""
    return rules_for(
        size or sizing.FixedQuantity(quantity),
        pico(min_ev),
        fee_rule,
        limits=RiskLimits(**limits),
        step_seconds=step * MINUTE,
        change_times=changes,
    )


def replay(contracts, quotes, how, *, cash="1000", jump=True, full_audit=True):
    """What a replay of quotes (any order) leaves."""
    columns = list(zip(*sorted(quotes, key=lambda row: (row[0], row[2])), strict=True)) or [()] * 7
    times = [np.array(column, np.int64) for column in columns[:5]]
    asks = [np.array([NOT_QUOTED if ask is None else ask for ask in column], np.int32) for column in columns[5:]]
    return Replay(contracts, Intervals(*times, *asks), how, Ledger(micro(cash)), jump=jump, full_audit=full_audit).run()


def orders(outcome):
    """Fills as (minute, ticker, side, quantity)."""
    return [(f.decision_ts // MINUTE, f.contract.ticker, f.side.name, f.quantity) for f in outcome.fills]


def every_decision(outcome, step=1):
    """The run-length decisions, one by one, in no particular order."""
    return sorted(
        (d.first_ts + n * step * MINUTE, d.ticker, d.side, d.quantity, d.price_micro, d.filled, d.reason)
        for d in outcome.decisions
        for n in range(d.times)
    )


def fee_by_hand(rate, quantity, price_micro):
    """The cent rule again, by fractions of a dollar."""
    price = Fraction(price_micro, 10**6)
    return math.ceil(rate * quantity * price * (1 - price) * 100) * 10_000
