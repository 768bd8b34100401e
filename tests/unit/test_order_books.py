"""Orders that are filled from order books, to the cent by hand, in the compiled loop and in the one that calls a strategy."""

import math
import random
from fractions import Fraction

import numpy as np
import pytest

from tests.reference.naive_engine import NO, YES, Settings, seconds_of
from tests.reference.naive_steps import WideCandle
from tests.unit.book_worlds import order_books, snapshot
from tests.unit.compiled import with_a_bug
from tests.unit.engine_parts import MINUTE, candles_of, contract, micro, orders, quote, replay_candles, rules
from tests.unit.step_worlds import Scripted, StepWorld, rules_of, step_rules
from tradewinds.engine.event_contracts import kernel
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.kernel_structures import NO_PRICE
from tradewinds.engine.event_contracts.limits import RiskLimits
from tradewinds.engine.event_contracts.order_books import left_of, parts_of
from tradewinds.engine.event_contracts.order_rules import WantedOrders
from tradewinds.engine.trades import positions_of
from tradewinds.families.kalshi_weather.fee_schedule import FEE_ERAS, FEE_RULES, TAKER_RATE

ASKS = [("0.40", 3), ("0.42", 2), ("0.45", 10)]
NO_CANDLES = [quote(0, 0, 0)]


def bought(books, how, *, p="0.8", quotes=(), origin=0, **options):
    """What is bought of one contract: (minute, side, contracts, price, fee in cents), and the refusals."""
    one = contract("A", p, start=origin, end=origin + 12, settles=origin + 20)
    options = {"books": order_books([one], {"A": books})} | options
    outcome = replay_candles([one], candles_of([one], list(quotes)), how, **options)
    rows = [
        (f.decision_ts // MINUTE - origin, f.side.name, f.quantity, f.price_micro // 10_000, f.fee_micro // 10_000)
        for f in outcome.fills
    ]
    return rows, dict(outcome.rejections), outcome


def test_an_order_walks_three_levels_each_at_its_own_price_and_pays_the_fee_of_the_order():
    """0.07 (3 · 0.24 + 2 · 0.2436 + 5 · 0.2475) = 0.171129, so 18 cents; the first levels alone 0.0504 and 0.084504: 6, 9."""
    found, refused, outcome = bought([snapshot(5, asks=ASKS)], rules(quantity=10, per_market=10))
    assert found == [(5, "YES", 3, 40, 6), (5, "YES", 2, 42, 3), (5, "YES", 5, 45, 9)]
    assert outcome.end_cash_micro == micro("1000") - micro("4.29") - micro("0.18") + micro("10")
    assert refused == {"MAX_CONTRACTS_PER_MARKET": 6}
    assert [trade.pnl for trade in positions_of(outcome.journal)] == [micro("1.74"), micro("1.13"), micro("2.66")]
    assert [f.quote_ts for f in outcome.fills] == [5 * MINUTE] * 3


def test_the_exchange_rounds_each_fill_and_pays_back_whole_cents_of_the_order():
    """From 2026-03-04 fees are 0.0504, 0.0342 and 0.0867, in sum 0.1713: with 4.29 paid in whole cents that is 0.18."""
    origin = seconds_of("2026-03-10") // MINUTE
    how = rules(quantity=10, per_market=10, fee_rule=FEE_RULES["exchange"])
    found, _, _ = bought([snapshot(origin + 5, asks=ASKS)], how, origin=origin)
    assert found == [(5, "YES", 3, 40, 6), (5, "YES", 2, 42, 3), (5, "YES", 5, 45, 9)]
    # one contract at each of two prices: 0.0100 and 0.0100 rounded up from 0.00993 make one cent each, or 0.02 together
    fees = FEE_RULES["exchange"].of_parts(TAKER_RATE, [(1, micro("0.17")), (1, micro("0.17"))], origin * MINUTE)
    assert fees == [10_000, 10_000]
    apart = [FEE_RULES["exchange"](TAKER_RATE, 1, micro("0.05"), origin * MINUTE)] * 2
    together = FEE_RULES["exchange"].of_parts(TAKER_RATE, [(1, micro("0.05"))] * 2, origin * MINUTE)
    assert (apart, together) == ([10_000, 10_000], [10_000, 0])  # 2 · 0.0034 of one order is a cent


def test_what_the_book_does_not_show_is_not_filled_and_not_taken_twice():
    books = [snapshot(5, asks=ASKS), snapshot(8, asks=[("0.41", 4)])]
    found, refused, _ = bought(books, rules(quantity=10))
    # 15 were shown: ten are gone at once, five are left, then nothing until the next book
    assert found == [
        *[(5, "YES", 3, 40, 6), (5, "YES", 2, 42, 3), (5, "YES", 5, 45, 9)],
        (6, "YES", 5, 45, 9),
        (8, "YES", 4, 41, 7),
    ]
    assert refused == {"ORDER_BOOK": 4}  # minutes 7, 9, 10 and 11


def test_no_level_is_bought_that_is_not_worth_its_price():
    """At 0.50 and 5 cents: 0.08 − 0.07 · 0.2436 = 0.063 at 0.42 is enough, 0.05 − 0.07 · 0.2475 = 0.033 at 0.45 is not."""
    found, refused, _ = bought([snapshot(5, asks=ASKS)], rules(quantity=10), p="0.5")
    assert found == [(5, "YES", 3, 40, 6), (5, "YES", 2, 42, 3)]
    assert refused == {"ORDER_BOOK": 6}


def test_a_whole_order_that_its_fee_eats_is_refused():
    """One contract at 0.40 has a fee of 2 cents, so it is worth 3 cents a contract less than one of many."""
    found, refused, _ = bought([snapshot(5, asks=[("0.40", 1)])], rules(quantity=10, min_ev="0.08"), p="0.5")
    assert (found, refused) == ([], {"EV_THRESHOLD": 7})  # 0.10 − 0.02 is not above 0.08; 0.10 − 0.0168 is


def test_limits_hold_for_what_is_really_paid():
    book = [snapshot(5, asks=ASKS)]
    # 3 · 0.40 + 0.42 + fee 0.07 = 1.69; another at 0.42 would make it 2.13
    found, refused, outcome = bought(book, rules(quantity=10), cash="2.00")
    assert found == [(5, "YES", 3, 40, 6), (5, "YES", 1, 42, 1)]
    assert refused == {"INSUFFICIENT_CASH": 6} and outcome.end_cash_micro == micro("4.31")
    # without fees 1.62 of 1.70
    found, refused, _ = bought(book, rules(quantity=10, notional_per_event_micro=micro("1.70")))
    assert found == [(5, "YES", 3, 40, 6), (5, "YES", 1, 42, 1)]
    assert refused == {"MAX_NOTIONAL_PER_EVENT_USD": 6}
    # an order is one order, whatever its prices
    found, refused, _ = bought(book, rules(quantity=4, orders_per_event_day=2))
    assert [row[0] for row in found] == [5, 5, 6, 6]
    assert refused == {"MAX_TRADES_PER_EVENT_PER_DAY": 5}


def test_a_no_is_bought_from_the_bids():
    bids = [("0.60", 2), ("0.58", 4)]
    found, _, _ = bought([snapshot(5, bids=bids)], rules(quantity=5, per_market=5), p="0.1")
    assert found == [(5, "NO", 2, 40, 4), (5, "NO", 3, 42, 5)]  # 0.0336, then 0.084756


def test_a_book_is_not_seen_before_it_is_known():
    late = snapshot(5, asks=[("0.20", 50)], seconds=1)
    found, _, _ = bought([snapshot(3, asks=ASKS), late], rules(quantity=3, per_market=9))
    assert found[:3] == [(3, "YES", 3, 40, 6), (4, "YES", 2, 42, 4), (4, "YES", 1, 45, 2)]
    assert found[3:] == [(5, "YES", 3, 45, 6)]  # the book of 5:01 is for the decision of minute 6
    assert orders(bought([snapshot(5, asks=ASKS), late], rules(quantity=1))[2])[1][:2] == (6, "A")


def test_a_book_that_is_too_old_is_no_quote():
    found, refused, _ = bought([snapshot(3, asks=[("0.40", 50)])], rules(quantity=1, age=2))
    assert [row[0] for row in found] == [3, 4, 5] and refused == {}


def test_candles_quote_a_market_until_its_first_book():
    """At 0.30 whatever the size until minute 6, with the limit of volume; from then on the books alone."""
    quotes = [quote(0, 4, 11, yes="0.30", volume=10)]
    found, refused, _ = bought(
        [snapshot(6, asks=ASKS)], rules(quantity=4, max_volume_share=Fraction(1, 2)), quotes=quotes
    )
    assert found[:2] == [(4, "YES", 4, 30, 6), (5, "YES", 1, 30, 2)]
    assert found[2:4] == [(6, "YES", 3, 40, 6), (6, "YES", 1, 42, 1)]
    assert sum(row[2] for row in found[2:]) == 15 and refused == {"ORDER_BOOK": 2}


def test_a_market_without_a_book_is_traded_as_before():
    pair = [contract("A", start=0, end=9), contract("B", start=0, end=9)]
    candles = candles_of(pair, [quote(0, 4, 4, yes="0.40"), quote(1, 4, 4, yes="0.40")])
    outcome = replay_candles(
        pair, candles, rules(quantity=50), books=order_books(pair, {"A": [snapshot(4, asks=ASKS)]})
    )
    assert orders(outcome) == [
        *[(4, "A", "YES", 3), (4, "A", "YES", 2), (4, "A", "YES", 10)],
        (4, "B", "YES", 50),
    ]


def test_a_function_pays_no_more_than_the_price_that_it_was_asked_about():
    def all_in(quotes):
        count = len(quotes)
        return WantedOrders(np.zeros(count, np.int8), np.full(count, 7), np.zeros(count, np.int64))

    found, refused, _ = bought([snapshot(5, asks=ASKS)], rules(from_strategy=all_in))
    assert found == [(5, "YES", 3, 40, 6)] and refused == {"ORDER_BOOK": 6}


def test_accounts_take_from_their_own_copy():
    book = order_books([one := contract("A", start=0, end=9)], {"A": [snapshot(4, asks=ASKS)]})
    for _ in range(2):
        outcome = replay_candles([one], candles_of([one], NO_CANDLES), rules(quantity=15), books=book)
        assert sum(f.quantity for f in outcome.fills) == 15


def test_books_of_a_contract_before_its_quotes_count_are_not_used():
    one = contract("A", start=5, end=9)
    made = order_books([one], {"A": [snapshot(3, asks=ASKS), snapshot(6, asks=ASKS)]})
    assert made.columns.known_at.tolist() == [6 * MINUTE] and made.most_levels == 3
    empty = order_books([one], {"A": [snapshot(6)]})
    assert (empty.bid.tolist(), empty.ask.tolist(), empty.has_book.tolist()) == ([NO_PRICE], [NO_PRICE], [True])
    assert not order_books([one], {}).has_book.any()


def test_ladders():
    ladder = ((40, 3), (42, 2), (45, 10))
    assert left_of(ladder, 4) == ((42, 1), (45, 10)) and left_of(ladder, 0, 42) == ladder[:2]
    assert parts_of(ladder, 4) == [(3, 40), (1, 42)] and parts_of(ladder, 0) == []


def test_the_fee_of_an_order_at_one_price_is_the_fee_of_one_fill():
    """And what its levels add comes to the fee of all of them, never less than 0."""
    dice = random.Random(5)
    for _ in range(2_000):
        rule, ts = FEE_RULES[dice.choice(["cent", "exchange"])], dice.choice([0, *(since for since, _ in FEE_ERAS)])
        parts = [(dice.randrange(1, 60), dice.randrange(1, 100) * 10_000) for _ in range(dice.randrange(1, 5))]
        (quantity, price), rate = parts[0], TAKER_RATE * dice.choice([0, 1, Fraction(1, 2)])
        assert rule.of_parts(rate, parts[:1], ts) == [rule(rate, quantity, price, ts)]
        fees = rule.of_parts(rate, parts, ts)
        grid = rule.eras[rule.era(ts)].grid
        models = [rate * n * Fraction(micro, 10**6) * (1 - Fraction(micro, 10**6)) * 10**6 for n, micro in parts]
        single = sum(models) if grid == 10_000 else sum(math.ceil(model / grid) * grid for model in models)
        assert sum(fees) == math.ceil(single / 10_000) * 10_000 and min(fees) >= 0


WALK = "i64 gone = pass->account->candle_ts[i] == quote_ts ? pass->account->taken[i][side] : 0;"
BUGS = {
    "taken twice": (WALK, "i64 gone = 0;"),
    "not worth it": ("pass->limits->has_min_ev ? worth <= ", "pass->limits->has_min_ev ? worth + ((wide)1 << 100) <= "),
    "an order a level": ("account->event_orders[event] = orders;", ""),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bug", "test"),
    [
        ("taken twice", test_what_the_book_does_not_show_is_not_filled_and_not_taken_twice),
        ("not worth it", test_no_level_is_bought_that_is_not_worth_its_price),
        ("an order a level", test_limits_hold_for_what_is_really_paid),
    ],
)
def test_a_bug_in_the_compiled_walk_is_found(tmp_path, monkeypatch, bug, test):
    monkeypatch.setattr(kernel, "_compiled", with_a_bug(tmp_path, *BUGS[bug]))
    with pytest.raises(AssertionError):
        test()


# ---- the loop that calls a strategy ----


def called(script, books, *, candles=(), cash="1000", limits=(), takes=True):
    """What a script trades of one contract: fills, refusals and the loop."""
    one = contract("A", "0.5", start=0, end=30, settles=40)
    step = step_rules(lambda: Scripted(script, every=True), takes=takes)
    how = rules_of(step, RiskLimits(**dict(limits)))
    given = (how, Settings(Fraction(cash)), [], [], script, True, cash)
    world = StepWorld([one], {"A": list(candles)}, *given, snapshots={"A": books})
    outcome, made = world.replay()
    rows = [
        (f.decision_ts // MINUTE, f.reason, f.side.name, f.quantity, f.price_micro // 10_000, f.fee_micro // 10_000)
        for f in outcome.fills
    ]
    return rows, dict(outcome.rejections), outcome, made


def at(**wishes):
    """A script of wishes by minute: m5=[...]."""
    return lambda t, markets, resting: wishes.get(f"m{t // MINUTE}", [])


def test_a_sale_walks_the_bids():
    """Ten at 0.45, then 4 sold at 0.60 and 3 at 0.58: 2.40 + 1.74 less 0.12, the fee of 0.07 (4 · 0.24 + 3 · 0.2436)."""
    books = [snapshot(5, asks=[("0.45", 20)]), snapshot(7, bids=[("0.60", 4), ("0.58", 3)])]
    script = at(m5=[("buy", "A", YES, 10)], m7=[("sell", "A", YES, 10)], m8=[("sell", "A", YES, 1)])
    found, refused, outcome, _ = called(script, books)
    assert found == [
        (5, "STRATEGY", "YES", 10, 45, 18),
        (7, "SALE", "NO", 4, 40, 7),
        (7, "SALE", "NO", 3, 42, 5),
    ]
    assert refused == {"ORDER_BOOK": 1}
    cash = Fraction(1000) - Fraction("4.68") + Fraction("4.14") - Fraction("0.12") + 3
    assert Fraction(outcome.end_cash_micro, 10**6) == cash


def test_an_order_without_a_limit_takes_what_is_shown_and_the_rest_is_gone():
    found, refused, _, _ = called(at(m5=[("buy", "A", YES, 99)], m6=[("buy", "A", YES, 1)]), [snapshot(5, asks=ASKS)])
    assert [row[2:5] for row in found] == [("YES", 3, 40), ("YES", 2, 42), ("YES", 10, 45)]
    assert refused == {"ORDER_BOOK": 1}


def test_what_a_limit_does_not_find_rests_and_is_filled_by_candles_alone():
    """Five of nine up to 0.42; a book that asks 0.30 fills none of the rest, a candle that went through 0.42 does."""
    books = [snapshot(5, asks=ASKS), snapshot(8, bids=[("0.28", 1)], asks=[("0.30", 100)])]
    through = WideCandle(9 * MINUTE, None, Fraction("0.45"), Fraction(9), None, Fraction("0.41"), None, None)
    script = at(m5=[("buy", "A", YES, 9, Fraction("0.42"))])
    found, refused, _, _ = called(script, books, candles=[through])
    assert found == [
        (5, "STRATEGY", "YES", 3, 40, 6),
        (5, "STRATEGY", "YES", 2, 42, 3),
        (9, "RESTING", "YES", 4, 42, 2),
    ]
    assert refused == {}


def test_under_maker_a_book_refuses_what_would_take():
    script = at(m5=[("buy", "A", YES, 9, Fraction("0.42"))])
    assert called(script, [snapshot(5, asks=ASKS)], takes=False)[:2] == ([], {"WOULD_TAKE": 1})


def test_orders_of_one_instant_take_one_after_the_other():
    script = at(m5=[("buy", "A", YES, 4), ("buy", "A", YES, 4), ("buy", "A", NO, 4)])
    found, _, _, _ = called(script, [snapshot(5, asks=ASKS, bids=[("0.38", 1)])], limits={"opposing": 1})
    assert [row[2:5] for row in found] == [
        *[("YES", 3, 40), ("YES", 1, 42)],
        *[("YES", 1, 42), ("YES", 3, 45)],
        ("NO", 1, 62),
    ]


class Looker:
    """A StepCaller that notes what it sees, and buys at minute 5."""

    every_decision_time = True

    def __init__(self):
        self.seen = {}

    def watched(self):
        return Scripted(None).watched()

    def start(self):
        pass

    def problem(self, what):
        return AssertionError(what)

    def decide(self, view):
        from tradewinds.strategies.decisions import buy

        market = view.markets[0]
        past = [(quote.time, quote.ask, quote.ask_size) for quote in view.history("A")]
        self.seen[view.now // MINUTE] = (market, view.book(market), past, view.fee(market, 4))
        return [buy(market, 4)] if view.now == 5 * MINUTE else []


def test_a_strategy_sees_sizes_and_what_is_left_of_the_book():
    looker = Looker()
    one = contract("A", "0.5", start=0, end=30, settles=40)
    how = rules_of(step_rules(lambda: looker), RiskLimits(), age=4)
    candle = WideCandle(3 * MINUTE, Fraction("0.30"), Fraction("0.35"), Fraction(9), None, None, None, None)
    books = {"A": [snapshot(5, bids=[("0.38", 7), ("0.36", 1)], asks=ASKS)]}
    world = StepWorld([one], {"A": [candle]}, how, Settings(Fraction(1000)), [], [], None, True, "1000", books)
    world.replay()
    # of candles no size is known
    market, book, past, _ = looker.seen[4]
    assert book is None and market.ask == 0.35 and market.ask_size != market.ask_size and past[0][1] == 0.35
    # of books it is, and the fourth contract is bought at the second price
    market, book, past, fee = looker.seen[5]
    assert (market.bid, market.bid_size, market.ask, market.ask_size, market.no_bid) == (0.38, 7.0, 0.40, 3.0, 0.60)
    assert (market.quote_time, market.volume, fee) == (300.0, 9.0, 0.07)
    assert book.asks == ((0.40, 3.0), (0.42, 2.0), (0.45, 10.0)) and book.bids == ((0.38, 7.0), (0.36, 1.0))
    assert past[-1] == (300.0, 0.40, 3.0)
    assert looker.seen[6][1].asks == ((0.42, 1.0), (0.45, 10.0)) and looker.seen[6][0].ask == 0.40
    assert looker.seen[10][1] is None and looker.seen[10][0].ask != looker.seen[10][0].ask  # too old


@pytest.mark.parametrize("side", Side)
def test_offers_are_sorted_by_price(side):
    one = contract("A", start=0, end=9)
    made = order_books([one], {"A": [snapshot(4, bids=[("0.30", 1), ("0.38", 2)], asks=[("0.50", 3), ("0.45", 4)])]})
    wanted = {Side.YES: ((450_000, 4), (500_000, 3)), Side.NO: ((620_000, 2), (700_000, 1))}
    assert made.offers(0, side) == wanted[side]
