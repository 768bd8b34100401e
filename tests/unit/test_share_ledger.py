"""The share ledger: goldens to the cent, traps, invariants, and agreement with the naive replay."""

import dataclasses
import datetime as dt
import random
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference import naive_shares
from tests.reference.naive_shares import Bar, Settings
from tests.unit import share_worlds
from tests.unit.share_worlds import (
    bars_of,
    booked_rows,
    flat,
    money,
    naive_rows,
    replayed,
    rules_of,
    scores_of,
    weekdays,
)
from tradewinds.core.errors import SimulationError
from tradewinds.core.units import MICRO
from tradewinds.engine.journal import JournalWriter, Kind
from tradewinds.engine.shares.bars import WHOLE_DAYS, TradingDays
from tradewinds.engine.shares.ledger import Ledger
from tradewinds.engine.shares.share_rules import (
    ALREADY_HELD,
    BACKTEST_END,
    MAX_POSITIONS,
    NO_NEXT_BAR,
    Exits,
    ShareRules,
)
from tradewinds.families.equities_daily.bar_panel import date_of, day_of

MONDAY = dt.date(2024, 1, 1)
TEXTBOOK = [10] * 21 + ["9.90", "9.80", "9.65"]  # three lower closes, 3.5 % below the close before them


def settings_of(strategy="Mean Reversion", **changes):
    return Settings(strategy, dt.date(2024, 1, 1), dt.date(2024, 12, 31), **changes)


def fee_rules(**changes):
    given_ = {"start_micro": 100_000 * MICRO, "position_share": Fraction(1, 10), "max_positions": 10}
    costs = {"commission": Fraction(1, 1000), "slippage": Fraction(1, 1000)}
    return ShareRules(Exits(), **{**given_, **costs, **changes})


def test_golden_costs_to_the_cent():
    rules = fee_rules()
    fill = rules.buy_price(10 * MICRO)
    quantity = rules.affordable(fill, 100_000 * MICRO)
    assert (money(fill), quantity, money(rules.fee(quantity * fill))) == (Decimal("10.01"), 999, Decimal("10.00"))
    sold = rules.sell_price(10 * MICRO)
    assert (money(sold), money(rules.fee(quantity * sold))) == (Decimal("9.99"), Decimal("9.98"))


def test_golden_round_trip_loses_39_96():
    """Bought and sold at a bar of 10.00: pnl −39.96, −0.3992 % of what it cost."""
    bars = bars_of({"AAA": flat(MONDAY, [10, 10])})
    scores = np.array([1.0, np.nan])
    rules = dataclasses.replace(fee_rules(same_close=True), exits=Exits(max_days=1))
    (trade,) = Ledger(TradingDays(bars, int(bars.day[0]), int(bars.day[-1])), rules).run(scores).trades
    assert (trade.quantity, money(trade.pnl)) == (999, Decimal("-39.96"))
    assert round(money(trade.pnl) / money(trade.cost) * 100, 4) == Decimal("-0.3992")


@pytest.mark.parametrize(
    "value, fee", [("50", "0.05"), ("5", "0.00"), ("15", "0.02"), ("25", "0.02"), ("9999.99", "10.00")]
)
def test_commission_rounds_half_to_even_to_the_cent(value, fee):
    assert money(fee_rules().fee(int(Decimal(value) * MICRO))) == Decimal(fee)


@pytest.mark.parametrize("order", [1, -1], ids=["oldest first", "newest first"])
def test_a_textbook_signal_trades_whatever_the_order_of_the_file(order):
    world = {"AAA": flat(MONDAY, [*TEXTBOOK, "9.60", "9.90", "9.95"])[::order]}
    trades, _, _ = replayed(world, settings_of())
    (trade,) = trades
    dates = weekdays(MONDAY, 30)
    assert (trade["signal"], trade["date"]) == (dates[23], dates[24])
    assert trade["price"] == Decimal("9.65") * Decimal("1.001")
    assert (trade["reason"], trade["exit_date"]) == (
        "profit_target",
        dates[26],
    )  # judged on 9.90, sold at the next open
    assert trade["exit_price"] == Decimal("9.90") * Decimal("0.999")


def test_same_close_fills_at_the_close_that_made_the_signal():
    world = {"AAA": flat(MONDAY, [*TEXTBOOK, "9.60", "9.90", "9.95"])}
    (trade,) = replayed(world, settings_of(same_close=True))[0]
    dates = weekdays(MONDAY, 30)
    assert (trade["signal"], trade["date"], trade["exit_date"]) == (dates[23], dates[23], dates[25])


def test_bars_before_the_start_are_history_for_the_first_day():
    world = {"AAA": flat(MONDAY, [*TEXTBOOK, "9.60", "9.90", "9.95"])}
    first = weekdays(MONDAY, 30)[23]
    late = Settings("Mean Reversion", first, dt.date(2024, 12, 31))
    (trade,) = replayed(world, late)[0]
    assert trade["signal"] == first
    cut = {"AAA": [bar for bar in world["AAA"] if bar.date >= first]}
    assert replayed(cut, late)[0] == []


def test_a_held_symbol_without_a_bar_is_worth_its_last_close():
    rows = flat(MONDAY, [*TEXTBOOK, "9.60", "9.61", "9.62", "9.63"])
    gap = weekdays(MONDAY, 30)[25]
    world = {"AAA": [bar for bar in rows if bar.date != gap], "ZZZ": flat(MONDAY, [5] * 28)}
    _, equity, _ = replayed(world, settings_of())
    worth = dict(equity)
    days = sorted(worth)
    assert worth[gap] == worth[days[days.index(gap) - 1]] > Decimal(99_000)


def test_the_last_point_of_the_curve_includes_the_forced_sale():
    world = {"AAA": flat(MONDAY, [*TEXTBOOK, "9.60", "9.61"])}
    trades, equity, result = replayed(world, settings_of())
    (trade,) = trades
    assert (trade["reason"], trade["exit_date"]) == ("backtest_end", world["AAA"][-1].date)
    assert equity[-1] == (world["AAA"][-1].date, Decimal(100_000) + trade["pnl"])
    assert result.equity[-1].open_value == 0


def test_a_symbol_that_vanished_is_sold_at_its_last_close():
    world = {"AAA": flat(MONDAY, [*TEXTBOOK, "9.60", "9.61"]), "ZZZ": flat(MONDAY, [5] * 40)}
    trades, equity, _ = replayed(world, settings_of())
    assert (trades[0]["reason"], trades[0]["exit_date"]) == ("backtest_end", world["AAA"][-1].date)
    assert equity[-1][0] == world["ZZZ"][-1].date and equity[-1][1] == Decimal(100_000) + trades[0]["pnl"]


def test_cash_never_falls_below_zero_by_the_commission():
    """An order of all cash leaves room for its own commission."""
    rules = fee_rules(position_share=Fraction(1), start_micro=10_010 * MICRO)
    fill = rules.buy_price(10 * MICRO)
    quantity = rules.affordable(fill, 10_010 * MICRO)
    assert quantity == 999  # 1000 would cost 10,010.00 and 10.01 of commission
    assert quantity * fill + rules.fee(quantity * fill) <= 10_010 * MICRO
    assert fee_rules(min_commission_micro=30 * MICRO).affordable(MICRO, 20 * MICRO) == 0


def test_an_order_on_the_last_day_finds_no_open():
    _, _, result = replayed({"AAA": flat(MONDAY, TEXTBOOK)}, settings_of())
    assert result.trades == [] and result.refusals == {NO_NEXT_BAR: 1}


def test_the_deeper_fall_goes_first_then_the_symbol():
    deep = [10] * 21 + ["9.90", "9.80", "9.50", "9.50", "9.50"]
    world = {"AAA": flat(MONDAY, [*TEXTBOOK, "9.65", "9.65"]), "BBB": flat(MONDAY, deep), "CCC": flat(MONDAY, deep)}
    trades, _, result = replayed(world, settings_of(max_positions=2))
    assert [trade["symbol"] for trade in trades] == ["BBB", "CCC"]
    assert result.refusals[MAX_POSITIONS] == 1


def test_time_stop_counts_calendar_days():
    world = {"AAA": flat(MONDAY, [*TEXTBOOK, *["9.65"] * 14])}
    (trade,) = replayed(world, settings_of())[0]
    judged = next(d for d in weekdays(MONDAY, 40) if (d - trade["date"]).days >= 10)
    assert trade["reason"] == "time_stop"
    assert trade["exit_date"] == weekdays(judged, 2)[1]


def test_breakout_needs_the_highest_high_not_the_highest_close():
    rows = flat(MONDAY, [10] * 21)
    spike = rows[5]
    rows[5] = dataclasses.replace(spike, high=Decimal("10.50"))
    last = weekdays(MONDAY, 22)[-1]

    def world(close):
        return {"AAA": [*rows, Bar(last, Decimal(10), Decimal(close), Decimal(10), Decimal(close), 300_000)]}

    assert np.isnan(scores_of(bars_of(world("10.60")), "Breakout")).all()
    assert scores_of(bars_of(world("10.605")), "Breakout")[-1] == 10_605_000 / 10_500_000


def test_breakout_sells_below_its_peak():
    closes = [10] * 21 + ["10.20", "10.40", "11.00", "10.45", "10.40"]
    rows = flat(MONDAY, closes)
    rows[21] = dataclasses.replace(rows[21], volume=300_000)
    (trade,) = replayed({"AAA": rows}, settings_of("Breakout"))[0]
    assert (trade["reason"], trade["exit_date"]) == ("trailing_stop", rows[25].date)


def random_world(seed, symbols=4, days=90):
    """Prices that fall and break out often, holes, halts, symbols that end, bars without or of unknown volume, bad rows."""
    rng = random.Random(seed)
    world = {}
    for number in range(symbols):
        price, rows = rng.uniform(0.2, 30), []
        halted, ends = 0, rng.choice([days, days, rng.randrange(30, days)])
        thin, unknown = rng.choice([0, 0.05, 0.4]), rng.choice([0, 0, 0.1, 1])
        for date in weekdays(MONDAY, days)[:ends]:
            opened = price * (1 + rng.gauss(0, 0.01))
            price = max(0.05, opened * (1 + rng.gauss(-0.001, 0.03)))
            high, low = max(opened, price) * (1 + rng.random() * 0.01), min(opened, price) * (1 - rng.random() * 0.01)
            texts = [Decimal(f"{value:.3f}") for value in (opened, high, low, price)]
            volume = int(150_000 * rng.lognormvariate(0, 0.7))
            halted = rng.randrange(1, 30) if rng.random() < 0.02 else halted - 1
            if halted > 0 or rng.random() < 0.05:
                continue
            volume = 0 if rng.random() < thin else volume
            volume = None if rng.random() < unknown else volume
            if rng.random() < 0.02:
                texts[rng.randrange(4)] = rng.choice([Decimal(0), Decimal("-1"), None, Decimal(99)])
            rows.append(Bar(date, *texts, volume))
        rng.shuffle(rows)
        world[f"S{number}"] = rows
    return world


TWO_SPANS = st.lists(st.integers(0, 125), min_size=4, max_size=4, unique=True).map(
    lambda days: [tuple(MONDAY + dt.timedelta(days=day) for day in sorted(days)[at : at + 2]) for at in (0, 2)]
)
CASES = st.fixed_dictionaries(
    {
        "strategy": st.sampled_from(["Mean Reversion", "Breakout"]),
        "balance": st.sampled_from([Decimal(1000), Decimal("12345.67"), Decimal(100_000)]),
        "size_pct": st.sampled_from([Decimal(10), Decimal("33.3"), Decimal(100)]),
        "max_positions": st.integers(1, 4),
        "commission_pct": st.sampled_from([Decimal(0), Decimal("0.1"), Decimal("1.25")]),
        "slippage_pct": st.sampled_from([Decimal(0), Decimal("0.1"), Decimal("0.037")]),
        "min_commission": st.sampled_from([Decimal(0), Decimal("9.50")]),
        "same_close": st.booleans(),
        "spans": st.dictionaries(st.sampled_from(["S0", "S1", "S2"]), TWO_SPANS),
        "missing_days": st.sampled_from([1, 2, 3, 5, 20, None]),
        "volume_share": st.sampled_from([None, None, Decimal("0.1"), Decimal("0.001"), Decimal("0.000007")]),
    }
)


def refused(result, world, asked):
    """The refusals whose order had a bar to fill at: [(symbol, date of the signal, reason)], in order."""
    bars = share_worlds.bars_in(world, asked)
    late = (ALREADY_HELD, NO_NEXT_BAR, "")
    kept = [answer for answer in result.answered if answer.reason not in late]
    return sorted((bars.symbols[bars.owner[a.row]], date_of(int(bars.day[a.row])), a.reason) for a in kept)


@pytest.mark.slow
@settings(max_examples=60)
@given(st.integers(0, 10**6), CASES, st.integers(0, 40), st.integers(60, 125))
def test_every_trade_and_every_day_agree_with_the_naive_replay(seed, case, begins, ends):
    world = random_world(seed)
    asked = Settings(start=MONDAY + dt.timedelta(days=begins), end=MONDAY + dt.timedelta(days=ends), **case)
    trades, equity, result = replayed(world, asked)
    account, worth = naive_shares.run(world, asked)
    wanted = account.trades
    assert [{**trade} for trade in trades] == wanted
    assert refused(result, world, asked) == sorted(account.refused)
    assert sorted(booked_rows(result.journal)) == sorted(naive_rows(wanted))
    assert equity == worth
    assert all(day.cash >= 0 for day in result.equity)
    end = equity[-1][1] if equity else asked.balance
    assert end == asked.balance + sum((trade["pnl"] for trade in trades), Decimal(0))


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from(["Mean Reversion", "Breakout"]), st.integers(30, 100))
def test_no_decision_knows_a_later_bar(seed, strategy, cut):
    """Every bar after a cut is poisoned: nothing up to the cut changes."""
    world = random_world(seed)
    last = MONDAY + dt.timedelta(days=cut)
    rng = random.Random(seed + 1)

    def poisoned(bar):
        if bar.date <= last or bar.close is None:
            return bar
        wild = Decimal(f"{rng.uniform(0.1, 90):.2f}")
        return dataclasses.replace(bar, open=wild, high=wild * 2, low=wild / 2, close=wild, volume=rng.randrange(10**7))

    other = {symbol: [poisoned(bar) for bar in rows] for symbol, rows in world.items()}
    asked = settings_of(strategy)
    told = []
    for one in (world, other):
        bars = bars_of({s: [b for b in rows if b.good() or b.date > last] for s, rows in one.items()})
        scores = scores_of(bars, strategy)
        early = bars.day <= day_of(last)
        result = Ledger(TradingDays(bars, day_of(MONDAY), day_of(asked.end)), rules_of(asked)).run(scores)
        known = [t for t in result.trades if bars.day[t.entry_row] <= day_of(last)]
        entries = [(bars.symbols[t.symbol], int(bars.day[t.entry_row]), t.quantity, t.entry_price) for t in known]
        # a sale at the end has the symbol's last bar, which may be older than the cut, and is decided by what comes later
        gone = [t for t in known if t.exit_day <= day_of(last) and t.exit_reason != BACKTEST_END]
        sold = [(bars.symbols[t.symbol], t.pnl) for t in gone]
        told.append((scores[early].tolist(), entries, sold, [w for w in result.equity if w.day <= day_of(last)]))
    assert repr(told[0]) == repr(told[1])


@pytest.mark.parametrize("method, by", [("_sell", 1), ("_buy", -1)])
def test_an_account_whose_cash_moves_without_a_row_is_found(monkeypatch, method, by):
    """The planted bug is a micro-unit; trades, prices and fees are right."""
    honest = getattr(Ledger, method)

    def wrong(ledger, *arguments):
        honest(ledger, *arguments)
        ledger.cash += by

    monkeypatch.setattr(Ledger, method, wrong)
    world = {"AAA": flat(MONDAY, [*TEXTBOOK, "9.60", "9.90", "9.95"])}
    with pytest.raises(SimulationError, match="the books do not add up: the start balance of 100000 and all changes"):
        replayed(world, settings_of())


def test_books_that_forget_a_fee_are_found(monkeypatch):
    honest = JournalWriter.add
    monkeypatch.setattr(
        JournalWriter, "add", lambda writer, kind, **row: None if kind is Kind.FEE else honest(writer, kind, **row)
    )
    with pytest.raises(SimulationError, match="the books do not add up: the start balance of 100000 and all changes"):
        replayed({"AAA": flat(MONDAY, [*TEXTBOOK, "9.60", "9.90", "9.95"])}, settings_of())


def test_a_sweeps_ledger_keeps_no_books_and_comes_to_the_same():
    world = {"AAA": flat(MONDAY, [*TEXTBOOK, "9.60", "9.90", "9.95"])}
    bars, asked = bars_of(world), settings_of()
    market = TradingDays(bars, day_of(MONDAY), day_of(asked.end))
    scores = scores_of(bars, asked.strategy)
    kept, without = (Ledger(market, rules_of(asked), books=books).run(scores) for books in (True, False))
    assert without.journal is None and len(kept.journal) == 4
    assert (without.closed, without.equity, without.end_cash) == (kept.closed, kept.equity, kept.end_cash)
    (trade,), (closed,) = kept.trades, kept.closed
    assert (trade.pnl, trade.entry_fee + trade.exit_fee, trade.quantity) == (closed.pnl, closed.fees, closed.quantity)


def test_what_is_sold_at_the_end_is_booked_then_however_old_its_last_bar():
    """AAA has no bar on the last days: it is sold at its last close, but its money comes when the run ends."""
    world = {"AAA": flat(MONDAY, [*TEXTBOOK, "9.60", "9.61"]), "ZZZ": flat(MONDAY, [5] * 30)}
    (trade,), _, result = replayed(world, settings_of())
    assert trade["exit_date"] == weekdays(MONDAY, 30)[25] and trade["reason"] == "backtest_end"
    end = WHOLE_DAYS.close_ts(day_of(weekdays(MONDAY, 30)[29]))
    assert result.journal.ts[-1] == end and result.trades[0].position.closed_ts == end
