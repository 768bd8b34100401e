"""What a strategy of funding carry sees at a settlement: floats up to now, and nothing that leads to the future."""

from __future__ import annotations

from typing import Any, NamedTuple

from tradewinds.engine.stepwise.step_orders import ticker_of
from tradewinds.engine.stepwise.view_closed import DecisionState

NAN = float("nan")
NOTHING = (0.0, NAN, NAN, NAN, 0.0, 0.0)


class PastSettlement(NamedTuple):
    """A settlement that has been; prices are nan before the first candle.

    Attributes:
        time: when it was known; Unix s.
        rate: funding rate of the interval, as a share.
        hours: length of the interval.
        rate_8h: the rate as if it were paid every 8 hours.
        spot: last close of the spot leg.
        perp: last close of the perpetual.
    """

    time: float
    rate: float
    hours: float
    rate_8h: float
    spot: float
    perp: float


class ShownPerp(NamedTuple):
    """A perpetual with its latest settlement, and what the account holds of it.

    Attributes:
        ticker: the symbol.
        time: of the latest settlement; Unix s.
        rate: funding rate of the interval, as a share; the short side receives it where it is above 0.
        hours: length of the interval.
        rate_8h: the rate as if it were paid every 8 hours.
        spot: last close of the spot leg.
        perp: last close of the perpetual.
        held: of each leg, in base currency; above 0: spot is held and the perpetual is short, below 0: the reverse.
        spot_price: price at which the spot leg was opened; nan without a position.
        perp_price: price at which the perpetual was opened; nan without a position.
        entered: when the position was opened; Unix s, nan without one.
        payments: funding payments since then.
        earned: their sum, in the quote currency.
    """

    ticker: str
    time: float
    rate: float
    hours: float
    rate_8h: float
    spot: float
    perp: float
    held: float
    spot_price: float
    perp_price: float
    entered: float
    payments: float
    earned: float


class CarryState:
    """What has become visible so far. The loop writes into it; views read it.

    Args:
        tickers: all symbols of the run, ascending.

    Attributes:
        now: the settlement; Unix s.
        cash: of the account.
        equity: of the account, at the last closes.
        past: by number of the symbol, its settlements so far.
        own: by number of the symbol, the last six fields of ShownPerp.
        settling: numbers of the symbols that settle now and may be traded, ascending.
    """

    def __init__(self, tickers: tuple[str, ...]) -> None:
        self.now = self.cash = self.equity = 0.0
        self.past: list[list[PastSettlement]] = [[] for _ in tickers]
        self.own: list[tuple[float, ...]] = [NOTHING] * len(tickers)
        self.settling: list[int] = []
        self._tickers, self._numbers = tickers, {ticker: number for number, ticker in enumerate(tickers)}

    def number_of(self, ticker: str) -> int | None:
        """Return the number of a symbol that has had a settlement; None for another one.

        Args:
            ticker: the symbol.
        """
        number = self._numbers.get(ticker)
        return number if number is not None and self.past[number] else None

    def perp(self, number: int) -> ShownPerp:
        """Return a symbol as it is now.

        Args:
            number: of the symbol.
        """
        return ShownPerp(self._tickers[number], *self.past[number][-1], *self.own[number])

    def known(self) -> list[int]:
        """Return the numbers of the symbols that have had a settlement."""
        return [number for number, past in enumerate(self.past) if past]


class CarryView(DecisionState[CarryState]):
    """What is visible at a settlement. It can be read until `on_decision` returns."""

    __slots__ = ()

    @property
    def now(self) -> float:
        """The settlement; Unix s."""
        return self._open().now

    @property
    def cash(self) -> float:
        """Cash of the account, in the quote currency: without margins and collateral."""
        return self._open().cash

    @property
    def equity(self) -> float:
        """Value of the account at the last closes, in the quote currency."""
        return self._open().equity

    @property
    def markets(self) -> tuple[ShownPerp, ...]:
        """All perpetuals that have had a settlement, by ticker."""
        state = self._open()
        return tuple([state.perp(number) for number in state.known()])

    @property
    def changed(self) -> tuple[ShownPerp, ...]:
        """The perpetuals that settle now and may be traded now, by ticker."""
        state = self._open()
        return tuple([state.perp(number) for number in state.settling])

    @property
    def positions(self) -> tuple[ShownPerp, ...]:
        """The perpetuals in which a position is held, by ticker."""
        return tuple([perp for perp in self.markets if perp.held])

    @property
    def orders(self) -> tuple[()]:
        """No orders: those of this market are carried out at once."""
        self._open()
        return ()

    def market(self, ticker: str) -> ShownPerp | None:
        """Return a perpetual; None if none of that ticker has had a settlement.

        Args:
            ticker: the symbol.
        """
        state = self._open()
        number = state.number_of(ticker)
        return None if number is None else state.perp(number)

    def history(self, market: Any, last: int | None = None) -> list[PastSettlement]:
        """Return settlements up to now, in order of time, those of before the range too.

        Args:
            market: one of `markets`, or its ticker.
            last: how many, the latest ones; None: all.
        """
        state = self._open()
        number = state.number_of(ticker_of(market))
        if number is None or (last is not None and last <= 0):
            return []
        return state.past[number][-last:] if last is not None else state.past[number][:]

    def rates(self, market: Any, last: int | None = None) -> list[float]:
        """Return the rates of 8 hours of settlements up to now; arguments as for `history`."""
        return [settlement.rate_8h for settlement in self.history(market, last)]
