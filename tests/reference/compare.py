"""Compares a run of the product with the same run of naive_replay.py, row by row."""

from collections import Counter

from tests.reference.fast_fractions import Fraction
from tests.reference.naive_replay import NaiveRun
from tradewinds.engine.journal import Kind
from tradewinds.families.kalshi_weather import replay

MICRO, PICO = 10**6, 10**12


def both(world):
    """Replay a world with the product and naively; return both results (RunResult, NaiveRun)."""
    fast = replay.replay_events(*world.inputs, climate=world.climate)
    return fast, NaiveRun(*world.inputs, world.climate).run()


def engine_rows(result):
    """Return the trades of a RunResult as tuples, amounts in dollars as exact fractions (`ev_net` as a float)."""
    return [
        (
            t.market_ticker, t.event_ticker, t.series_ticker, t.decision_ts, t.quote_ts, t.side, t.qty,
            Fraction(t.entry_price_micro, MICRO), Fraction(t.entry_fee_micro, MICRO), Fraction(t.ev_gross_pico, PICO),
            t.ev_net_pico / PICO, t.settled_result, t.settled_ts, Fraction(t.payout_micro, MICRO), Fraction(t.pnl_micro, MICRO),
        )
        for t in result.trades
    ]  # fmt: skip


def naive_rows(run):
    """Return the trades of a NaiveRun as tuples of the same fields in the same order."""
    return [
        (
            x["market"].ticker, x["market"].event, x["market"].series, x["decision_ts"], x["quote_ts"], x["side"], x["qty"],
            x["price"], x["fee"], x["gross"], x["net"], x["result"], x["ended"], x["payout"],
            x["payout"] - x["qty"] * x["price"] - x["fee"],
        )
        for x in run.trades
    ]  # fmt: skip


def booked_rows(result):
    """The books as (ts, kind, market, side of the contract, contracts, price, change of cash) in dollars."""
    book = result.journal
    columns = (book.ts, book.kind, book.instrument, book.leg, book.quantity, book.price, book.cash_change)
    return [
        (
            *(ts, Kind(kind).name, book.instruments[market], book.legs[leg]),
            *(Fraction(value, MICRO) for value in (quantity, price, cash)),
        )
        for ts, kind, market, leg, quantity, price, cash in zip(*(c.tolist() for c in columns), strict=True)
    ]


def naive_books(run):
    """What the naive run's trades must look like in the books, in no particular order."""
    rows = []
    for x in run.trades:
        what = (x["market"].ticker, x["side"].removeprefix("BUY_"))
        rows.append((x["decision_ts"], "FILL", *what, x["qty"], x["price"], -x["qty"] * x["price"]))
        rows += [(x["decision_ts"], "FEE", *what, 0, 0, -x["fee"])] if x["fee"] else []
        paid = Counter()  # what is paid at one instant at one price is one row, however many pairs it closes
        for when, n, each in x["closings"]:
            paid[when, each] += n
        rows += [(when, "SETTLEMENT", *what, -n, each, n * each) for (when, each), n in paid.items()]
    return rows


def assert_same(fast, naive):
    """Assert that both results have the same trades, books, refusals, skipped events, equity, scores and end balance."""
    fast.check_books()
    assert engine_rows(fast) == naive_rows(naive)
    assert sorted(booked_rows(fast)) == sorted(naive_books(naive))
    assert fast.diagnostics["rejections"] == dict(sorted(naive.rejections.items()))
    assert {name: n for name, n in fast.diagnostics["validations"].items() if n} == dict(naive.failed)
    assert sorted(reason for _, reason in fast.skipped) == sorted(naive.skipped.values())
    assert Fraction(fast.end_balance_micro, MICRO) == naive.cash
    points = [(p.ts, Fraction(p.cash_micro, MICRO), Fraction(p.open_value_micro, MICRO)) for p in fast.equity]
    assert points == naive.equity_points()
    assert sorted((s.market_ticker, Fraction(s.p_yes_pico, PICO), s.yes) for s in fast.scored) == sorted(naive.scored)
