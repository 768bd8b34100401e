"""Bars for tests of the share ledger: small worlds by hand and random ones, for the product and for the naive replay."""

import datetime as dt
from decimal import Decimal

import numpy as np

from tests.reference.fast_fractions import Fraction
from tests.reference.naive_shares import Bar
from tradewinds.core.units import MICRO
from tradewinds.engine.journal import Kind
from tradewinds.engine.shares.bars import Bars, TradingDays
from tradewinds.engine.shares.ledger import Ledger
from tradewinds.engine.shares.share_rules import ShareRules
from tradewinds.families.equities_daily.bar_panel import date_of, day_of
from tradewinds.families.equities_daily.strategies import breakout, mean_reversion
from tradewinds.families.equities_daily.strategies.toolkit import parameters_of

MODULES = {module.NAME: module for module in (mean_reversion, breakout)}


def bars_of(world):
    """The good bars of a naive world as the product has them."""
    symbols = tuple(sorted(world))
    rows = [(i, bar) for i, s in enumerate(symbols) for bar in sorted(world[s], key=lambda b: b.date) if bar.good()]
    counts = np.bincount([i for i, _ in rows], minlength=len(symbols)) if rows else np.zeros(len(symbols), int)

    def column(of):
        return np.array([of(bar) for _, bar in rows], np.int64)

    prices = (
        column(lambda bar, name=name: int(getattr(bar, name) * MICRO)) for name in ("open", "high", "low", "close")
    )
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Bars(
        symbols,
        offsets,
        column(lambda bar: day_of(bar.date)),
        *prices,
        volume=column(lambda bar: bar.volume or 0),
        unknown_volume=column(lambda bar: bar.volume is None).astype(bool),
    )


def rules_of(settings):
    """The ledger's rules for naive settings."""
    module = MODULES[settings.strategy]
    return ShareRules(
        exits=module.exits(parameters_of(None, module.DEFAULTS, module.NAME)),
        start_micro=int(settings.balance * MICRO),
        position_share=Fraction(settings.size_pct) / 100,
        max_positions=settings.max_positions,
        commission=Fraction(settings.commission_pct) / 100,
        slippage=Fraction(settings.slippage_pct) / 100,
        min_commission_micro=int(settings.min_commission * MICRO),
        same_close=settings.same_close,
        exit_after_missing_days=settings.missing_days,
        max_volume_share=None if settings.volume_share is None else Fraction(settings.volume_share),
    )


def scores_of(bars, strategy):
    module = MODULES[strategy]
    return module.scores(bars, parameters_of(None, module.DEFAULTS, module.NAME))


def bars_in(world, settings):
    """The good bars of the symbols that are members during a run, up to the end of their last membership."""
    always = [(dt.date.min, dt.date.max)]
    spans = {symbol: settings.spans.get(symbol, always) for symbol in world}
    active = {s for s, dates in spans.items() if any(a <= settings.end and b >= settings.start for a, b in dates)}
    ends = {symbol: max(end for _, end in dates) for symbol, dates in spans.items()}
    return bars_of({s: [bar for bar in world[s] if bar.date <= ends[s]] for s in world if s in active})


def replayed(world, settings):
    """Trades and equity of the product, in the words of the naive replay."""
    bars = bars_in(world, settings)
    market = TradingDays(bars, day_of(settings.start), day_of(settings.end), tradable_in(bars, settings.spans))
    result = Ledger(market, rules_of(settings)).run(scores_of(bars, settings.strategy))
    books_add_up(market, int(settings.balance * MICRO), result)
    return told(bars, result.trades), [(date_of(w.day), money(w.cash + w.open_value)) for w in result.equity], result


def books_add_up(market, start_micro, result):
    """The account's own cash, at the end and at every close, is what the books come to; all that was bought was sold."""
    result.journal.check(start_micro, result.end_cash)
    closes = np.array([market.clock.close_ts(w.day) for w in result.equity], np.int64)
    assert result.journal.cash(start_micro, closes).tolist() == [w.cash for w in result.equity]


def booked_rows(journal):
    """The rows of the books as (kind, symbol, side, shares, price, change of cash, reason) in units."""
    columns = (journal.kind, journal.instrument, journal.quantity, journal.price, journal.cash_change, journal.reason)
    return [
        (
            *(Kind(kind).name, journal.instruments[symbol], side, money(quantity), money(price)),
            *(money(cash), journal.reasons[reason]),
        )
        for side, kind, symbol, quantity, price, cash, reason in zip(
            journal.sides, *(column.tolist() for column in columns), strict=True
        )
    ]


def naive_rows(trades):
    """What the naive replay's trades must look like in the books, in no particular order."""
    rows = []
    for t in trades:
        name, value, sold = t["symbol"], t["qty"] * t["price"], t["qty"] * t["exit_price"]
        rows += [
            ("FILL", name, "BUY", t["qty"], t["price"], -value, "SIGNAL"),
            ("FEE", name, "", 0, 0, -t["fee"], "SIGNAL"),
            ("FILL", name, "SELL", -t["qty"], t["exit_price"], sold, t["reason"]),
            ("FEE", name, "", 0, 0, -t["exit_fee"], t["reason"]),
        ]
    return [row for row in rows if row[3] or row[5]]  # no fee, no row


def tradable_in(bars, spans):
    """Per bar, whether its symbol is a member of the universe at its date."""
    found = np.zeros(len(bars.day), bool)
    for number, symbol in enumerate(bars.symbols):
        for row in range(*bars.rows(number).indices(len(bars.day))):
            dates = spans.get(symbol, [(dt.date.min, dt.date.max)])
            found[row] = any(start <= date_of(int(bars.day[row])) <= end for start, end in dates)
    return found


def told(bars, trades):
    return [
        {
            "symbol": bars.symbols[t.symbol],
            "signal": date_of(t.signal_day),
            "date": date_of(int(bars.day[t.entry_row])),
            "qty": t.quantity,
            "price": money(t.entry_price),
            "fee": money(t.entry_fee),
            "exit_date": date_of(t.exit_day),
            "exit_price": money(t.exit_price),
            "exit_fee": money(t.exit_fee),
            "reason": t.exit_reason,
            "pnl": money(t.pnl),
        }
        for t in trades
    ]


def money(micro):
    return Decimal(int(micro)) / MICRO


def weekdays(first, count):
    days, day = [], first
    while len(days) < count:
        if day.weekday() < 5:
            days.append(day)
        day += dt.timedelta(days=1)
    return days


def flat(first, closes, volume=200_000):
    """Bars on weekdays that open where the day before closed."""
    rows, before = [], Decimal(str(closes[0]))
    for date, text in zip(weekdays(first, len(closes)), closes, strict=True):
        close = Decimal(str(text))
        rows.append(Bar(date, before, max(before, close), min(before, close), close, volume))
        before = close
    return rows
