"""Small contracts, quotes and rules for the engine's tests: dollars and probabilities as strings, minutes as numbers."""

import contextlib
import math
from decimal import Decimal

import numpy as np

from tests.reference.fast_fractions import Fraction
from tests.unit import compiled
from tradewinds.core.units import CENT, MICRO, NEVER
from tradewinds.engine.event_contracts import kernel_structures, sizing
from tradewinds.engine.event_contracts.candles import CandleReader, Candles, LiveCandles
from tradewinds.engine.event_contracts.contracts import Contract, Event, Side
from tradewinds.engine.event_contracts.kernel_structures import NO_PRICE
from tradewinds.engine.event_contracts.limits import CASH, REFUSAL_REASONS, Opposing, RiskLimits
from tradewinds.engine.event_contracts.order_rules import Rules
from tradewinds.engine.event_contracts.replay import CodedCandles, Replay, RunContracts
from tradewinds.engine.trades import legs_of, positions_of
from tradewinds.families.kalshi_weather.fee_schedule import TAKER_RATE, cent_fee

MINUTE = 60
LATER = 10**6  # a minute after everything


def micro(dollars):
    return int(Decimal(dollars) * 10**6)


def pico(probability):
    return int(Decimal(probability) * 10**12)


def read_candles(files, tickers, threads=None):
    """The candles of some markets, with a reader of their own."""
    with contextlib.closing(CandleReader(threads)) as reader:
        return reader.read(files, tickers)


def contract(
    ticker="A",
    p="0.8",
    *,
    event="E",
    days=(),
    start=0,
    end=100,
    settles=200,
    pays="1",
    rate=TAKER_RATE,
    quotes_from=None,
):
    """A contract whose times are minutes; `days` are the minutes at which its civil days begin. Quotes count from its start
    unless `quotes_from` is another minute."""
    group = Event(event, tuple(day * MINUTE for day in days))
    begin = start if quotes_from is None else quotes_from
    return Contract(
        ticker, group, pico(p), start * MINUTE, end * MINUTE, begin * MINUTE, settles * MINUTE, micro(pays), rate
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
        bid = NO_PRICE if no is None else 10**6 - no
        rows += [(idx, candle, bid, NO_PRICE if yes is None else yes, volume), (idx, last + 1, NO_PRICE, NO_PRICE, 0)]
    begun = {(row[0], row[1]) for row in rows if row[2:4] != (NO_PRICE, NO_PRICE)}
    rows = [row for row in rows if row[2:4] != (NO_PRICE, NO_PRICE) or (row[0], row[1]) not in begun]
    return columns_of([contract.ticker for contract in contracts], rows)


def columns_of(tickers, rows):
    """Candles of rows (place of the ticker, end in seconds, bid, ask, volume × 100; micro-dollars, or NO_PRICE)."""
    rows = sorted(rows, key=lambda row: row[:2])
    places, e, bid, ask, volume = [np.array(c, np.int64) for c in list(zip(*rows, strict=True)) or [()] * 5]
    bounds = np.searchsorted(places, np.arange(len(tickers) + 1))
    nothing = np.zeros(len(tickers), np.int64)
    prices = (bid.astype(np.int32), ask.astype(np.int32))
    return Candles(tickers, e, *prices, volume, bounds[:-1], bounds[1:], nothing, nothing)


def only(candles, tickers):
    """The candles of some markets, as a file of theirs would have them."""
    rows = []
    for place, ticker in enumerate(tickers):
        at = candles.tickers.index(ticker)
        of_it = slice(candles.first_row[at], candles.end_row[at])
        columns = [column[of_it].tolist() for column in (candles.end_ts, candles.bid, candles.ask, candles.volume)]
        rows += [(place, *row) for row in zip(*columns, strict=True)]
    return columns_of(tickers, rows)


def rules(*, quantity=1, size=None, min_ev="0.05", step=1, fee_rule=cent_fee, from_strategy=None, age=None, **limits):
    """Rules with a fixed quantity unless `size` is a sizing (which then may depend on equity)."""
    return Rules(
        None if from_strategy else size or sizing.FixedQuantity(quantity),
        from_strategy,
        None if from_strategy else pico(min_ev),
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


def replay_both(contracts, quotes, how, *, cash="1000"):
    """What a replay of quotes leaves with a full audit, and without one."""
    return audited_and_counted(contracts, candles_of(contracts, quotes), how, cash=cash)


def replay_candles(
    contracts, candles, how, *, cash="1000", full_audit=True, instants=(), cuts=(), first=(), books=None
):
    """What a replay of candles leaves. With `cuts` (minutes) it goes from batch to batch: each is given the candles of the
    contracts that begin before its end and were not there yet; tickers in `first` are given with the first one.

    A full audit must come to what is found without one, and where refusals are not counted: the engine takes shortcuts there.
    """
    given = (contracts, candles, how, cash, instants, cuts, first, books)
    return _replayed(given, full_audit)[0 if full_audit else 1]


def audited_and_counted(contracts, candles, how, *, cash="1000", instants=(), cuts=(), first=(), books=None):
    """What `replay_candles` leaves with a full audit, and without one: here what they are checked against is made once."""
    return _replayed((contracts, candles, how, cash, instants, cuts, first, books), full_audit=True)


def _replayed(given, full_audit):
    """Outcomes with a full audit (None without `full_audit`) and with counted refusals; accounts share codes, as in a sweep."""
    _, _, how, cash, *_ = given
    quick, *accounts = _accounts(*given, {"counted": False}, {}, *([{"full_audit": True}] if full_audit else []))
    short, *audited = [account.outcome() for account in accounts]
    for found in (short, *audited):
        books_add_up(found, micro(cash), how.limits.opposing is Opposing.NETTED)
        assert (short.fills, short.rejections, short.equity) == (found.fills, found.rejections, found.equity)
        assert short.end_cash_micro == found.end_cash_micro
    assert quick.summary().pnl_micro.tolist() == [trade.pnl for trade in positions_of(short.journal)]
    hasty = quick.outcome()
    assert (hasty.fills, hasty.equity, hasty.end_cash_micro) == (short.fills, short.equity, short.end_cash_micro)
    assert not hasty.rejections and all(decision.filled for decision in hasty.decisions)
    return (*audited, None)[0], short


def books_add_up(outcome, start_micro, netted):
    """The account's own cash, at the end and at every instant that was noted, is what the books come to."""
    journal = outcome.journal
    journal.check(start_micro, outcome.end_cash_micro)
    noted = np.array(outcome.equity, np.int64).reshape(-1, 3)
    assert journal.cash(start_micro, noted[:, 0], before_fills=True).tolist() == noted[:, 1].tolist()
    for fill, trade, leg in zip(outcome.fills, positions_of(journal), legs_of(journal), strict=True):
        assert (trade.entry_fee, trade.opened_ts) == (fill.fee_micro, fill.decision_ts)
        if not netted:
            assert (trade.pnl, trade.closed_ts) == (fill.payout_micro - fill.cost_micro, fill.contract.settle_ts)
        assert fill.decision_ts <= trade.closed_ts <= fill.contract.settle_ts
        assert (leg.instrument, leg.name, leg.quantity) == (fill.contract.ticker, fill.side.name, fill.quantity * MICRO)


def _accounts(contracts, candles, how, cash, instants, cuts, first, books, *audits):
    run_contracts = RunContracts(contracts)
    accounts = [Replay(run_contracts, how, micro(cash), books=books, **audit) for audit in audits]
    candles = candles if books is None else books.quoted(candles, run_contracts.idx)
    live, since, left = LiveCandles.empty(), -NEVER, list(contracts)
    for until in (*(cut * MINUTE for cut in cuts), NEVER):
        new = [contract for contract in left if contract.start_ts < until or contract.ticker in first]
        left = [contract for contract in left if contract not in new]
        theirs = only(candles, [contract.ticker for contract in reversed(new)])
        live = live.next(since, new, [run_contracts.idx[contract.ticker] for contract in new], theirs)
        codes = CodedCandles(run_contracts, live)
        for account in accounts:
            account.advance(codes, until, np.array([ts for ts in instants if since <= ts < until], np.int64))
        since = until
    return accounts


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


class Books:
    """An account on some contracts, bought and settled by hand: the compiled functions, one at a time."""

    def __init__(self, contracts, cash="1000", **limits):
        self.run_contracts = RunContracts(contracts)
        self.market = self.run_contracts.market(MINUTE)
        made = Replay(self.run_contracts, rules(**limits), micro(cash))
        self.account, self.limits = made._account.with_room(64), made._limits
        self.fills = np.zeros((64, 8), np.int64)
        self.settled = np.zeros((64, 5), np.int64)

    def idx(self, what):
        """A contract's place."""
        return self.run_contracts.idx[what.ticker]

    def buy(self, what, side, quantity, price, fee="0", *, minute=10, candle=9, netted=0):
        """Book a fill; `netted` of its contracts make pairs with the other side."""
        fill = (self.idx(what), side, quantity, micro(price), micro(fee), minute * MINUTE, candle * MINUTE, netted)
        compiled.buy(fill, self.market, self.account, self.limits, self.fills)

    def settle(self, minute):
        """Pay out what settles by a minute."""
        compiled.settle(minute * MINUTE, self.market, self.account, self.run_contracts.by_settlement, self.settled)

    @property
    def paid(self):
        """Rows of what was paid: (ticker, side, quantity, payout of one, minute)."""
        rows = self.settled[: self.account.scalars[kernel_structures.S_SETTLEMENTS]].tolist()
        return [(self.run_contracts.contracts[i].ticker, Side(s).name, q, p, ts // MINUTE) for i, s, q, p, ts in rows]

    def room(self, what, side, quantity, price, *, minute=20, candle=9, volume=0):
        """(reason or None, quantity) of an order after all limits, with cash for its price and fee."""
        reason, left = compiled.room(
            *(self.idx(what), side, quantity, micro(price), volume * 100, candle * MINUTE, minute * MINUTE),
            *(self.market, self.account, self.limits),
        )
        if reason == compiled.NO_REASON:
            terms = cent_fee.terms([what.fee_rate], np.zeros(1, np.int64), np.array([micro(price)]), 0)
            numbers = (int(terms.whole[0]), int(terms.part[0]), int(terms.base[0]), CENT, 0)
            left = compiled.affordable(left, micro(price), self.cash, *numbers)
            reason = REFUSAL_REASONS.index(CASH) if left == 0 else reason
        return None if reason == compiled.NO_REASON else REFUSAL_REASONS[reason], left

    def full(self, what, side):
        """The reason for which no order of a side can be filled, without looking at its size, or None."""
        held = self.account.held[self.idx(what)].tolist()
        reason = compiled.full(*held, side, self.event(what)[0], self.limits)
        return None if reason == compiled.NO_REASON else REFUSAL_REASONS[reason]

    @property
    def cash(self):
        """Micro-dollars."""
        return int(self.account.scalars[kernel_structures.S_CASH])

    @property
    def open(self):
        """Contracts held, and what they cost in micro-dollars."""
        return tuple(
            int(self.account.scalars[place]) for place in (kernel_structures.S_OPEN, kernel_structures.S_OPEN_COST)
        )

    def event(self, what):
        """Of a contract's event: contracts held, their cost, orders of the day."""
        at = self.run_contracts.event[self.idx(what)]
        columns = (self.account.event_contracts, self.account.event_cost, self.account.event_orders)
        return tuple(int(column[at]) for column in columns)

    @property
    def holding(self):
        """Tickers of what is held."""
        held = self.account.holding[: self.account.scalars[kernel_structures.S_HOLDING]].tolist()
        return sorted(self.run_contracts.contracts[i].ticker for i in held)
