"""Positions and books of trades that a test makes up: bought once, held, and paid out by settlement."""

from tradewinds.core.units import MICRO
from tradewinds.engine.journal import JournalWriter, Kind
from tradewinds.engine.trades import positions_of


def bought(instrument, opened, closed, qty, price_micro, fee_micro, payout_micro, *, leg="", number=0):
    """The position of one purchase; the payout is of all of it."""
    rows = _rows(number, instrument, leg, opened, closed, qty, (price_micro, fee_micro, payout_micro))
    return positions_of(_journal(rows))[0]


def books_of(trades):
    """The journal of trades whose positions are such purchases, in the order in which they are given."""
    rows = []
    for number, trade in enumerate(trades):
        position, leg = trade.position, trade.side.removeprefix("BUY_")
        money = (position.entry_price, position.entry_fee, position.exit_cash)
        rows += _rows(number, trade.market_ticker, leg, position.opened_ts, position.closed_ts, trade.qty, money)
    return _journal(sorted(rows, key=lambda row: row[1]))


def _rows(number, instrument, leg, opened, closed, qty, money):
    price, fee, payout = money
    what = {"instrument": instrument, "position_id": number, "leg": leg}
    amounts = [
        (Kind.FILL, opened, {"quantity": qty * MICRO, "price": price, "cash_change": -qty * price}),
        (Kind.FEE, opened, {"cash_change": -fee}),
        (Kind.SETTLEMENT, closed, {"quantity": -qty * MICRO, "price": payout // qty, "cash_change": payout}),
    ]
    return [(kind, ts, what | row) for kind, ts, row in amounts]


def _journal(rows):
    writer = JournalWriter()
    for kind, ts, row in rows:
        writer.add(kind, ts, **row)
    return writer.journal()
