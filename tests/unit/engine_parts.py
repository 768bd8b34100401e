"""Small contracts, quotes and rules for the engine's tests: dollars and probabilities as strings, minutes as numbers."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np

from tradewinds.engine import sizing
from tradewinds.engine.candles import Candles, Window
from tradewinds.engine.contracts import Contract, Event
from tradewinds.engine.costs import TAKER_RATE, cent_fee
from tradewinds.engine.limits import RiskLimits
from tradewinds.engine.replay import NEVER, Replay, Stage, Universe
from tradewinds.engine.rules import Rules

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
    """A quote that is in force at the decision times from `first` to `last`: asks in dollars, times in minutes, volume in
    contracts; its candle ends at `candle` (default: at `first`)."""
    asks = (None if yes is None else micro(yes), None if no is None else micro(no))
    return idx, (first if candle is None else candle) * MINUTE, first * MINUTE, last * MINUTE, volume * 100, *asks


def candles_of(contracts, quotes):
    """Candles under which the quotes are in force: each ends its own with an empty one."""
    rows = []
    for idx, candle, _, last, volume, yes, no in quotes:
        bid = -1 if no is None else 10**6 - no
        rows += [(idx, candle, bid, -1 if yes is None else yes, volume), (idx, last + 1, -1, -1, 0)]
    rows.sort()
    begun = {(row[0], row[1]) for row in rows if row[2:4] != (-1, -1)}
    rows = [row for row in rows if row[2:4] != (-1, -1) or (row[0], row[1]) not in begun]
    columns = [np.array(column, np.int64) for column in list(zip(*rows, strict=True)) or [()] * 5]
    places, e, bid, ask, volume = columns
    bounds = np.searchsorted(places, np.arange(len(contracts) + 1))
    tickers = [contract.ticker for contract in contracts]
    nothing = np.zeros(len(contracts), np.int64)
    prices = (bid.astype(np.int32), ask.astype(np.int32))
    return Candles(tickers, e, *prices, volume, bounds[:-1], bounds[1:], nothing, nothing)


def rules(*, quantity=1, size=None, min_ev="0.05", step=1, fee_rule=cent_fee, by_quote=None, age=None, **limits):
    """Rules with a fixed quantity unless `size` is a sizing (which then may depend on equity)."""
    return Rules(
        None if by_quote else size or sizing.FixedQuantity(quantity),
        by_quote,
        None if by_quote else pico(min_ev),
        fee_rule,
        limits=RiskLimits(**limits),
        step_seconds=step * MINUTE,
        max_age_seconds=None if age is None else age * MINUTE,
    )


def replay(contracts, quotes, how, *, cash="1000", full_audit=True, instants=()):
    """What a replay of quotes (any order) leaves."""
    return replay_candles(
        contracts, candles_of(contracts, quotes), how, cash=cash, full_audit=full_audit, instants=instants
    )


def replay_candles(contracts, candles, how, *, cash="1000", full_audit=True, instants=(), cuts=()):
    """What a replay of candles leaves. With `cuts` (minutes) it goes from window to window, the contracts of each being
    those that begin before its end."""
    universe = Universe(contracts)
    account = Replay(universe, how, micro(cash), full_audit=full_audit)
    window, since, left = Window.empty(), -NEVER, list(contracts)
    for until in (*(cut * MINUTE for cut in cuts), NEVER):
        new = [contract for contract in left if contract.start_ts < until]
        left = [contract for contract in left if contract.start_ts >= until]
        window = window.then(since, new, [universe.idx[contract.ticker] for contract in new], candles)
        account.advance(Stage(universe, window), until, [ts for ts in instants if since <= ts < until])
        since = until
    return account.outcome()


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
