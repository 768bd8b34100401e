"""What a carry run makes: fills, positions, payments, the account over time, and counts."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from tradewinds.engine.equity import Point
from tradewinds.engine.journal import Journal


class CarryFill(NamedTuple):
    """A fill of one leg; prices, quantities and money are integers of 10^-8.

    Attributes:
        position: number of the position, from 0 in order of opening.
        symbol: number of the symbol.
        is_perp: of the perpetual leg; else of the spot leg.
        ts: when it was made, and decided; a liquidation: the end of the candle that caused it; Unix s.
        price_ts: time of its reference price; Unix s.
        side: 1 for a purchase, -1 for a sale.
        quantity: above 0.
        reference: price before slippage.
        price: price after slippage.
        value: quantity at `price`.
        fee: of the fill.
        slippage: cost of the slippage.
        opens: it opened the position.
        reason: why it was made.
        pnl: what it realises.
    """

    position: int
    symbol: int
    is_perp: bool
    ts: int
    price_ts: int
    side: int
    quantity: int
    reference: int
    price: int
    value: int
    fee: int
    slippage: int
    opens: bool
    reason: str
    pnl: int


class CarryPayment(NamedTuple):
    """A funding payment.

    Attributes:
        position: number of the position.
        symbol: number of the symbol.
        ts: settlement; Unix s.
        rate: 10^-12.
        hours: interval of the record.
        mark: price on which it was paid; 10^-8.
        mark_source: where the price is from; one of MARK_SOURCES.
        quantity: 10^-8.
        amount: what the position received; 10^-8 of the quote currency.
    """

    position: int
    symbol: int
    ts: int
    rate: int
    hours: int
    mark: int
    mark_source: str
    quantity: int
    amount: int


MARK_SOURCES = ("record", "mark_candle", "perp_candle")


class CarryPosition(NamedTuple):
    """A round trip; prices, quantities and money are integers of 10^-8.

    Attributes:
        number: from 0 in order of opening.
        symbol: number of the symbol.
        direction: 1 for long spot and short perpetual, -1 for the reverse.
        open_ts: Unix s.
        close_ts: Unix s.
        quantity: at the opening.
        spot_entry: price.
        perp_entry: price.
        spot_exit: mean price by quantity.
        perp_exit: mean price by quantity.
        funding: sum of the payments.
        price_pnl: what prices before slippage made: the change of the basis.
        fees: of all fills.
        slippage: of all fills.
        borrow: interest.
        liquidation_cost: margin that was lost.
        net: what the position made.
        periods: number of payments.
        breakeven: number of the first payment by which all had earned the costs; None: they never did.
        entry_rate: of the record at the opening; 10^-12.
        entry_score: 10^-6; None: the strategy has no score.
        exit_reason: why it was closed.
        capital: cash that the opening took.
    """

    number: int
    symbol: int
    direction: int
    open_ts: int
    close_ts: int
    quantity: int
    spot_entry: int
    perp_entry: int
    spot_exit: int
    perp_exit: int
    funding: int
    price_pnl: int
    fees: int
    slippage: int
    borrow: int
    liquidation_cost: int
    net: int
    periods: int
    breakeven: int | None
    entry_rate: int
    entry_score: int | None
    exit_reason: str
    capital: int


class Refusal(NamedTuple):
    """An entry, exit or resize that was not made.

    Attributes:
        symbol: number of the symbol.
        ts: Unix s.
        side: of the spot leg; 1 for a purchase, -1 for a sale.
        reason: why.
    """

    symbol: int
    ts: int
    side: int
    reason: str


class CarryResult(NamedTuple):
    """A replay.

    Attributes:
        symbols: names, by number.
        start_cash: 10^-8 of the quote currency.
        end_cash: the account's own cash at the end; 10^-8 of the quote currency.
        journal: the books.
        fills: in order of execution, spot before perpetual.
        positions: in order of opening.
        payments: in order of time and symbol.
        equity: the account over time.
        refusals: in order of time.
        stale: settlements at which a symbol was not decided because a price was too old, by number of the symbol.
        gaps: loaded records, warm-up included, whose gap to the one before is no known interval, by number of the symbol.
        settled: settlements in the range, by number of the symbol.
    """

    symbols: tuple[str, ...]
    start_cash: int
    end_cash: int
    journal: Journal
    fills: list[CarryFill]
    positions: list[CarryPosition]
    payments: list[CarryPayment]
    equity: list[Point]
    refusals: list[Refusal]
    stale: Counter[int]
    gaps: Counter[int]
    settled: Counter[int]
