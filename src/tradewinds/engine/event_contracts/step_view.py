"""What a strategy sees at a decision: floats of now and of the past, and nothing through which the future can be reached.

The loop writes into a `ShownState` what has become visible, and holds everything else itself. No object that a strategy is
given refers to the loop, to its candles or to its account, so that no attribute leads to what is not known yet. Markets,
quotes and resting orders are tuples: a kept one says what was visible then, and cannot be changed. The view itself closes when
`on_decision` returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from tradewinds.core.units import MICRO
from tradewinds.engine.event_contracts.fees import FeeRule
from tradewinds.engine.event_contracts.order_books import Ladder
from tradewinds.engine.stepwise.step_orders import YES, whole_quantity
from tradewinds.engine.stepwise.view_closed import DecisionState

NAN, INFINITY = float("nan"), float("inf")
_MOST_FEES = 100_000  # that are kept


class PastQuote(NamedTuple):
    """The best prices of a market at the end of a candle, or in a snapshot of its order book; nan where a side is not quoted.

    Attributes:
        time: end of the candle, or when the snapshot became known; Unix s.
        bid: price at which a YES can be sold.
        ask: price at which a YES can be bought.
        no_bid: price at which a NO can be sold.
        no_ask: price at which a NO can be bought.
        volume: contracts traded in the candle.
        bid_size: contracts that the order book showed at the bid; nan where the user's files have no book of the market.
        ask_size: contracts that it showed at the ask.
    """

    time: float
    bid: float
    ask: float
    no_bid: float
    no_ask: float
    volume: float
    bid_size: float
    ask_size: float


class BookLevel(NamedTuple):
    """A price of an order book.

    Attributes:
        price: of one YES.
        size: contracts.
    """

    price: float
    size: float


class ShownBook(NamedTuple):
    """The order book in force of a market, without what the account has taken of it.

    Attributes:
        bids: what is bid for YES, the highest price first.
        asks: what is asked for YES, the lowest price first.
    """

    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]


class ShownMarket(NamedTuple):
    """An open market as it is visible now; prices are nan where a side is not quoted.

    Attributes:
        ticker: of the market.
        event: the event that it belongs to.
        low: lowest value that settles YES; -inf without one, nan if it is not known.
        high: highest value that settles YES; inf without one, nan if it is not known.
        opens_at: first instant of its trade window; Unix s.
        closes_at: end of its trade window; Unix s.
        quote_time: end of the candle of the visible quote, or when the order book became known; Unix s, nan without one.
        bid: price at which a YES can be sold.
        ask: price at which a YES can be bought.
        no_bid: price at which a NO can be sold.
        no_ask: price at which a NO can be bought.
        volume: contracts traded in the candle of the visible quote, with an order book in the last one before it.
        bid_size: contracts that the order book showed at the bid; nan where the user's files have no book of the market.
        ask_size: contracts that it showed at the ask.
        probability: P(YES) in force.
        yes_held: contracts of YES that the account holds.
        no_held: contracts of NO that the account holds.
        yes_price: mean price that was paid for the YES held, without fees; nan without any.
        no_price: mean price that was paid for the NO held, without fees; nan without any.
    """

    ticker: str
    event: str
    low: float
    high: float
    opens_at: float
    closes_at: float
    quote_time: float
    bid: float
    ask: float
    no_bid: float
    no_ask: float
    volume: float
    bid_size: float
    ask_size: float
    probability: float
    yes_held: float
    no_held: float
    yes_price: float
    no_price: float


class RestingOrder(NamedTuple):
    """An order that rests in a market.

    Attributes:
        number: of the order, for `cancel`.
        ticker: of the market.
        side: YES or NO.
        is_sale: whether it sells what is held.
        quantity: contracts that are not filled yet.
        filled: contracts that are.
        price: the limit.
        placed_at: Unix s.
        until: when it is taken back; Unix s.
    """

    number: int
    ticker: str
    side: str
    is_sale: bool
    quantity: float
    filled: float
    price: float
    placed_at: float
    until: float


NO_QUOTE = (NAN, NAN, NAN, NAN, NAN, 0.0, NAN, NAN)
_QUOTE = slice(6, 6 + len(PastQuote._fields))  # where a market has its quote


class ShownState:
    """What has become visible so far. The loop writes into it; views read it.

    Args:
        fee_rule: the fees.
        maker_factor: fee of a resting order as a fraction of the fee of one that is filled at once.

    Attributes:
        now: the decision time; Unix s.
        cash: of the account, without what is reserved.
        reserved: cash that resting purchases may need.
        facts: by idx, the first six fields of ShownMarket.
        quotes: by idx, the visible quote, as PastQuote.
        own: by idx, the probability in force and the last four fields of ShownMarket.
        past: by ticker, all quotes of a market so far, in order of time.
        books: by ticker, what is left of the order book in force: offers to buyers of YES, and of NO.
        orders: resting orders by number.
        fee_rates: by ticker, the rate of the fee.
        changed: idx of open markets of which something changed since the last call.
        frame: the open markets by ticker, where the loop has made them; None: they are made of the parts above.
        frames: those of the instants up to now whose quotes are not in `past` yet.
        since: with a frame, the time after which a quote is new since the last call; Unix s.
    """

    def __init__(self, fee_rule: FeeRule, maker_factor: Fraction) -> None:
        self.now = 0.0
        self.cash = self.reserved = 0.0
        self.facts: dict[int, tuple[Any, ...]] = {}
        self.quotes: dict[int, tuple[float, ...]] = {}
        self.own: dict[int, tuple[float, ...]] = {}
        self.past: dict[str, list[tuple[float, ...]]] = {}
        self.books: dict[str, tuple[Ladder, Ladder]] = {}
        self.orders: dict[int, RestingOrder] = {}
        self.fee_rates: dict[str, Fraction] = {}
        self.fee_rule, self.maker_factor = fee_rule, maker_factor
        self.changed: dict[int, None] = {}
        self.frame: tuple[ShownMarket, ...] | None = None
        self.frames: list[tuple[ShownMarket, ...]] = []
        self.since = 0.0
        self._fees: dict[tuple[str, int, float], float] = {}  # of purchases at the visible ask, up to a time
        self._fees_until = 0.0
        self._places: dict[int, int] = {}  # of the open markets, in order of their tickers
        self._by_ticker: dict[str, int] = {}  # their places
        self._markets: list[ShownMarket] = []
        self._stale: dict[int, None] = {}  # changed in earlier decisions that did not look at the markets
        self._is_fresh = False

    def open(self, idx: int) -> bool:
        """Return whether a market is open.

        Args:
            idx: of the market.
        """
        return idx in self._places

    def arrange(self, idx: Sequence[int]) -> None:
        """Set which markets are open.

        Args:
            idx: of the markets, ascending, which is by ticker.
        """
        self._places = {i: place for place, i in enumerate(idx)}
        self._by_ticker = {self.facts[i][0]: place for place, i in enumerate(idx)}
        self._markets = [self._made(i) for i in idx]
        self._stale.clear()
        self.changed = {i: None for i in self.changed if i in self._places}

    def forget_changes(self) -> None:
        """Note that the strategy has been called."""
        if not self._is_fresh:
            self._stale |= self.changed
        self._is_fresh = False
        self.changed.clear()

    def mark(self, idx: int) -> None:
        """Note that something of an open market has changed.

        Args:
            idx: of the market.
        """
        self.changed[idx] = None

    def _made(self, idx: int) -> ShownMarket:
        """Return a market as it is now."""
        made: ShownMarket = tuple.__new__(ShownMarket, self.facts[idx] + self.quotes[idx] + self.own[idx])
        return made

    def markets(self) -> Sequence[ShownMarket]:
        """Return the open markets, brought up to date during a decision; they are not to be changed."""
        if self.frame is not None:
            return self.frame
        if not self._is_fresh:
            markets, places, facts, quotes, own = self._markets, self._places, self.facts, self.quotes, self.own
            make, kind = tuple.__new__, ShownMarket
            for idx in [*self._stale, *self.changed] if self._stale else self.changed:
                markets[places[idx]] = make(kind, facts[idx] + quotes[idx] + own[idx])
            self._stale.clear()
            self._is_fresh = True
        return self._markets

    def market(self, ticker: str) -> ShownMarket | None:
        """Return an open market; None if no market of that ticker is open.

        Args:
            ticker: of the market.
        """
        place = self._by_ticker.get(ticker)
        return None if place is None else self.markets()[place]

    def changed_markets(self) -> tuple[ShownMarket, ...]:
        """Return the open markets of which something changed since the last call, by ticker."""
        if self.frame is not None:
            since = self.since
            return tuple([market for market in self.frame if market.quote_time > since])
        markets, places = self.markets(), self._places
        return tuple([markets[places[idx]] for idx in sorted(self.changed)])

    def quotes_of(self, ticker: str) -> list[tuple[float, ...]]:
        """Return all quotes of a market so far, in order of time.

        Args:
            ticker: of the market.
        """
        for frame in self.frames:
            for market in frame:
                past = self.past[market.ticker]
                if market.quote_time == market.quote_time and (not past or past[-1][0] < market.quote_time):
                    past.append(market[_QUOTE])  # type: ignore[arg-type]  # its floats alone
        self.frames.clear()
        return self.past.get(ticker, [])

    def fee(self, ticker: str, quantity: float, price: float, *, at_rest: bool) -> float:
        """Return the fee of a purchase.

        Args:
            ticker: of a market that has been open.
            quantity: contracts.
            price: of one.
            at_rest: whether the order has rested.
        """
        rate = self.fee_rates[ticker]
        if at_rest:
            rate *= self.maker_factor
        return self.fee_rule(rate, whole_quantity(quantity), round(price * MICRO), int(self.now)) / MICRO

    def taker_fee(self, ticker: str, quantity: float, price: float) -> float:
        """Return the fee of a purchase at the visible ask; nan where it is not quoted. Those that were asked for are kept.

        Args:
            ticker: of a market that has been open.
            quantity: contracts.
            price: of one; nan where it is not quoted.
        """
        if type(quantity) is not int:
            quantity = whole_quantity(quantity)
        if self.now >= self._fees_until or len(self._fees) > _MOST_FEES:
            self._fees.clear()
            self._fees_until = min(
                [since for since in self.fee_rule.change_times if since > self.now], default=INFINITY
            )
        key = ticker, quantity, price
        found = self._fees.get(key)
        if found is None:
            found = NAN if price != price else self.fee(ticker, quantity, price, at_rest=False)
            self._fees[key] = found
        return found

    def leave_frames(self) -> None:
        """Note that the loop makes no more markets; those of the last frame stay, with what is changed after it."""
        if self.frame is not None:
            self._markets = list(self.frame)
        self.frame = None
        self._stale.clear()
        self.frames.clear()
        self._is_fresh = False


class DecisionView(DecisionState[ShownState]):
    """What is visible at a decision time. It can be read until `on_decision` returns."""

    __slots__ = ()

    @property
    def now(self) -> float:
        """The decision time; Unix s."""
        return self._state.now

    @property
    def cash(self) -> float:
        """Cash that orders can use: without what resting purchases have reserved."""
        return self._state.cash

    @property
    def reserved(self) -> float:
        """Cash that resting purchases have reserved."""
        return self._state.reserved

    @property
    def markets(self) -> tuple[ShownMarket, ...]:
        """All open markets with a probability, by ticker."""
        return tuple(self._state.markets())

    @property
    def changed(self) -> tuple[ShownMarket, ...]:
        """The open markets of which something changed since `on_decision` was last called, by ticker."""
        return self._state.changed_markets()

    @property
    def positions(self) -> tuple[ShownMarket, ...]:
        """The open markets in which the account holds something."""
        return tuple([market for market in self._state.markets() if market.yes_held or market.no_held])

    @property
    def orders(self) -> tuple[RestingOrder, ...]:
        """The resting orders, in the order in which they were placed."""
        return tuple(self._state.orders.values())

    def market(self, ticker: str) -> ShownMarket | None:
        """Return an open market; None if no market of that ticker is open.

        Args:
            ticker: of the market.
        """
        return self._state.market(ticker)

    def history(self, ticker: str, last: int | None = None) -> list[PastQuote]:
        """Return quotes of a market up to now, in order of time; none of a market that is not known yet.

        Args:
            ticker: of the market.
            last: how many, the latest ones; None: all.
        """
        rows = self._state.quotes_of(ticker)
        if last is not None:
            rows = rows[-last:] if last > 0 else []
        return [PastQuote._make(row) for row in rows]

    def book(self, market: ShownMarket) -> ShownBook | None:
        """Return the order book in force, without what the account has taken of it; None where none is known.

        Args:
            market: one of `markets`.
        """
        offers = self._open().books.get(market.ticker)
        if offers is None:
            return None
        asks = tuple([BookLevel(price / MICRO, float(size)) for price, size in offers[0]])
        bids = tuple([BookLevel((MICRO - price) / MICRO, float(size)) for price, size in offers[1]])
        return ShownBook(bids, asks)

    def seconds_to_close(self, market: ShownMarket) -> float:
        """Return how long the market's trade window is still open; seconds.

        Args:
            market: one of `markets`.
        """
        return market.closes_at - self._state.now

    def fee(self, market: ShownMarket, quantity: float, side: str = YES, price: float | None = None) -> float:
        """Return the fee of a purchase: at once at the visible ask, or at rest at a price; nan where the side is not quoted.

        Args:
            market: one of `markets`.
            quantity: contracts.
            side: YES or NO.
            price: of a resting order; None: the visible ask.
        """
        if price is not None:
            return self._state.fee(market.ticker, quantity, price, at_rest=True)
        price = market.ask if side == YES else market.no_ask
        return self._state.taker_fee(market.ticker, quantity, price)
