"""Orders of a strategy that is called at decision times, by hand: sales, resting orders, and what a view lets through."""

import contextlib
import dataclasses
import itertools
from fractions import Fraction

import pytest

from tests.reference.naive_engine import NO
from tests.reference.naive_steps import WideCandle
from tests.unit.engine_parts import MINUTE, contract, micro
from tests.unit.step_worlds import columns, rules_of, step_rules
from tradewinds.core.errors import SimulationError
from tradewinds.core.units import NEVER
from tradewinds.engine.event_contracts.limits import Opposing, RiskLimits
from tradewinds.engine.event_contracts.replay import RunContracts
from tradewinds.engine.event_contracts.step_replay import ShownNames, StepReplay
from tradewinds.engine.round_trips import round_trips
from tradewinds.engine.stepwise.step_orders import OrderProblem, price_on_grid, whole_quantity
from tradewinds.engine.trades import positions_of
from tradewinds.families.strategy_file import ClassCaller
from tradewinds.strategies.decisions import buy, cancel, limit, sell, stop


def candle(minute, bid, ask, *, volume="0", prints=None, bid_high=None, ask_low=None):
    """A candle that ends at a minute: closes, the extremes of quotes (by default the closes), and all prices of trades."""
    low, high = prints if prints else (None, None)
    values = [bid, ask, volume, bid_high or bid, ask_low or ask, low, high]
    return WideCandle(minute * MINUTE, *(None if value is None else Fraction(value) for value in values))


class Plan:
    """A strategy whose orders stand in a table by minute."""

    def __init__(self, table, every=False):
        self.table, self.every_decision_time, self.seen = table, every, []

    def on_decision(self, view):
        self.seen.append(int(view.now) // MINUTE)
        wanted = self.table.get(int(view.now) // MINUTE)
        return wanted(view) if callable(wanted) else wanted


def run(candles, table, *, cash="100", contracts=None, takes=True, share="0.25", touch=False, every=False, **limits):
    """What becomes of orders in the contract A, or in the contracts that are given."""
    contracts = contracts or [contract(start=0, end=60, settles=70, p="0.5")]
    plan = Plan(table, every)
    made = type("Strategy", (), {"on_decision": plan.on_decision, "every_decision_time": every})
    made.on_decision = lambda self, view: plan.on_decision(view)
    step = step_rules(lambda: ClassCaller(made, {}, "mine.py", 30), takes=takes, share=share, touch=touch)
    rules = rules_of(step, RiskLimits(**limits))
    by_ticker = candles if isinstance(candles, dict) else {"A": candles}
    names = {c.ticker: ShownNames(c.event.name, 1.0, 2.0) for c in contracts}
    replay = StepReplay(RunContracts(contracts), rules, step, names, micro(cash), full_audit=True)
    replay.admit(contracts, columns([c.ticker for c in contracts], by_ticker))
    replay.advance(NEVER, [70 * MINUTE])
    outcome = replay.outcome()
    outcome.journal.check(micro(cash), outcome.end_cash_micro)
    return outcome, plan


def run_with(make, candles, contracts, **options):
    """What becomes of the orders of a StepCaller in the contract A."""
    names = {c.ticker: ShownNames(c.event.name, 1.0, 2.0) for c in contracts}
    step = step_rules(make, **options)
    replay = StepReplay(
        RunContracts(contracts), rules_of(step, RiskLimits()), step, names, micro("100"), full_audit=True
    )
    replay.admit(contracts, columns(["A"], {"A": candles}))
    replay.advance(NEVER, [70 * MINUTE])
    return replay.outcome()


def fills(outcome):
    """Fills as (minute, side, quantity, price, fee, reason)."""
    return [
        (f.decision_ts / MINUTE, f.side.name, f.quantity, f.price_micro / 10**6, f.fee_micro / 10**6, f.reason)
        for f in outcome.fills
    ]


STEADY = [candle(minute, "0.40", "0.45") for minute in range(60)]


def test_a_sale_brings_the_bid_less_its_fee():
    """10 YES for 0.45 cost 4.50 and 0.18; 4 of them sold at 0.60 bring 2.40 less 0.07; 6 pay 1 each at the end."""
    candles = [candle(0, "0.40", "0.45"), candle(5, "0.60", "0.65")]
    outcome, _ = run(candles, {0: buy("A", 10), 5: sell("A", 4)})
    assert fills(outcome) == [(0, "YES", 10, 0.45, 0.18, "STRATEGY"), (5, "NO", 4, 0.40, 0.07, "SALE")]
    assert outcome.end_cash_micro == micro("100") - micro("4.68") + micro("2.33") + micro("6")
    bought, sold = positions_of(outcome.journal)
    # the first four of the purchase have got 0.60 each, six get 1.00; the sale's own contracts cost 0.40 and pay 0.40
    assert (bought.pnl, sold.pnl) == (micro("2.40") + micro("6") - micro("4.68"), micro("-0.07"))
    (trip,) = round_trips(outcome.journal)
    assert trip == ("A", 0, 70 * MINUTE, bought.pnl + sold.pnl)


def test_a_round_trip_ends_where_nothing_is_held_and_the_next_one_begins():
    """Two trips of one market: bought at 0.45 and sold at 0.60; bought at 0.65 and lost at 0.60."""
    candles = [candle(0, "0.40", "0.45"), candle(5, "0.60", "0.65")]
    table = {0: buy("A", 1), 5: [sell("A", 1), buy("A", 1)], 6: sell("A", 1)}
    outcome, _ = run(candles, table)
    fee = micro("0.02")
    assert [
        (trip.decision_ts // MINUTE, trip.settled_ts // MINUTE, trip.pnl_micro) for trip in round_trips(outcome.journal)
    ] == [
        (0, 5, micro("0.15") - 2 * fee),
        (5, 6, micro("-0.05") - 2 * fee),
    ]


def test_no_more_is_sold_than_is_held_and_nothing_short():
    outcome, _ = run(STEADY, {0: buy("A", 3), 1: sell("A", 10), 2: sell("A", 1), 3: sell("A", 1, NO)})
    assert [(f[1], f[2], f[5]) for f in fills(outcome)] == [("YES", 3, "STRATEGY"), ("NO", 3, "SALE")]
    assert outcome.rejections == {"NOTHING_HELD": 2}


def test_a_sale_needs_no_cash_and_a_purchase_needs_all_of_it():
    """2.00 buy 4 at 0.45 with a fee of 0.07; with 0.13 left a fifth is refused, and 4 are sold all the same."""
    outcome, _ = run(STEADY, {0: buy("A", 50), 1: buy("A", 1), 2: sell("A", 4)}, cash="2")
    assert [(f[1], f[2], f[4]) for f in fills(outcome)] == [("YES", 4, 0.07), ("NO", 4, 0.07)]
    assert outcome.rejections == {"INSUFFICIENT_CASH": 1}
    assert outcome.end_cash_micro == micro("2") - micro("1.87") + micro("1.60") - micro("0.07")


@pytest.mark.parametrize(
    ("later", "filled"),
    [
        (
            candle(3, "0.40", "0.45", volume="100", prints=("0.41", "0.41")),
            [(3, 25)],
        ),  # a quarter of what was traded at 0.41
        (candle(3, "0.40", "0.45", volume="7", prints=("0.41", "0.41")), [(3, 1)]),
        (candle(3, "0.40", "0.45", volume="100", prints=("0.41", "0.44")), []),  # how many of them at 0.41 is not known
        (
            candle(3, "0.40", "0.45", volume="100", prints=("0.40", "0.44")),
            [(3, 40)],
        ),  # a trade below: it was in front of it
        (candle(3, "0.39", "0.45", ask_low="0.40"), [(3, 40)]),  # an ask below 0.41 would have met it
        (candle(3, "0.39", "0.45", ask_low="0.41"), []),  # an ask at 0.41 may have gone to others
        (candle(3, "0.46", "0.45", ask_low="0.40"), []),  # a crossed candle proves nothing by its quotes
    ],
)
def test_what_a_candle_proves_of_a_resting_purchase(later, filled):
    outcome, _ = run([candle(0, "0.40", "0.45"), later], {0: limit(buy("A", 40), 0.41)})
    assert [(f[0], f[2]) for f in fills(outcome)] == filled
    if filled:  # a quarter of the taker's rate: 0.0175 · 40 · 0.41 · 0.59 is 0.1693, up to a cent
        assert fills(outcome)[0][1:] == (
            "YES",
            filled[0][1],
            0.41,
            {40: 0.17, 25: 0.11, 1: 0.01}[filled[0][1]],
            "RESTING",
        )


def test_a_resting_order_is_filled_part_by_part_and_reserves_its_cash():
    """10 at 0.41: of 9 traded two, of 3 more none but the sum of 12 allows three, of 100 the rest of the share, then all."""
    at = ("0.41", "0.41")
    candles = [
        candle(0, "0.40", "0.45"),
        candle(2, "0.40", "0.45", volume="9", prints=at),
        candle(3, "0.40", "0.45", volume="3", prints=at),
        candle(4, "0.40", "0.45", volume="12", prints=at),
        candle(5, "0.38", "0.40"),
    ]
    seen = {}

    def look(view):
        seen[int(view.now) // MINUTE] = (view.cash, view.reserved, *[(o.quantity, o.filled) for o in view.orders])

    table = {0: limit(buy("A", 10), 0.41)} | dict.fromkeys(range(1, 6), look)
    outcome, _ = run(candles, table)
    assert [(f[0], f[2], f[4]) for f in fills(outcome)] == [(2, 2, 0.01), (3, 1, 0.01), (4, 3, 0.02), (5, 4, 0.02)]
    # the fee of ten is 0.05 (0.0175 · 10 · 0.41 · 0.59 = 0.0423), of eight 0.04, of seven 0.03, of four 0.02
    assert seen[1] == (pytest.approx(95.85), pytest.approx(4.15), (10, 0))
    assert seen[2] == (pytest.approx(100 - 0.83 - 3.32), pytest.approx(3.32), (8, 2))
    assert seen[3] == (pytest.approx(100 - 0.83 - 0.42 - 2.90), pytest.approx(2.90), (7, 3))
    assert seen[5][1:] == (0,)


def test_the_older_order_of_a_price_is_served_first():
    at = ("0.41", "0.41")
    candles = [
        candle(0, "0.40", "0.45"),
        *(candle(minute, "0.40", "0.45", volume="12", prints=at) for minute in (2, 3, 4)),
    ]
    outcome, _ = run(candles, {0: [limit(buy("A", 4), 0.41), limit(buy("A", 5), 0.41)]})
    # 3 of the first; then its last one, and the second has not been first yet; then 3 of the second
    assert [(f[0], f[2]) for f in fills(outcome)] == [(2, 3), (3, 1), (4, 3)]


def test_a_candle_that_began_before_the_order_does_not_fill_it():
    candles = [candle(0, "0.40", "0.45"), candle(2, "0.30", "0.35")]
    early = dataclasses.replace(candles[1], end=90)
    outcome, _ = run([candles[0], early], {1: limit(buy("A", 1), 0.41)}, every=True)
    assert not outcome.fills
    outcome, _ = run(candles, {1: limit(buy("A", 1), 0.41)}, every=True)
    assert [f[0] for f in fills(outcome)] == [2]


@pytest.mark.parametrize(("until", "filled"), [(None, True), (240, True), (239, False), (180, False)])
def test_an_order_rests_until_its_time_is_over(until, filled):
    candles = [candle(0, "0.40", "0.45"), candle(4, "0.30", "0.35")]
    outcome, _ = run(candles, {0: limit(buy("A", 1), 0.41, until)})
    assert bool(outcome.fills) == filled


def test_orders_are_taken_back_and_expire_with_the_window():
    candles = [candle(0, "0.40", "0.45"), candle(4, "0.30", "0.35"), candle(61, "0.10", "0.15")]
    outcome, _ = run(
        candles,
        {0: [limit(buy("A", 1), 0.41), limit(buy("A", 1), 0.20)], 1: lambda view: [cancel(view.orders[0])]},
        every=True,
    )
    assert not outcome.fills
    outcome, _ = run(candles, {0: limit(buy("A", 1), 0.41), 2: cancel("A")}, every=True)
    assert not outcome.fills


def test_a_resting_sale_takes_profit_and_is_no_short_sale():
    candles = [candle(0, "0.40", "0.45"), candle(3, "0.50", "0.55", bid_high="0.62"), candle(5, "0.70", "0.75")]
    table = {0: [buy("A", 5), limit(sell("A", 9), 0.60), limit(sell("A", 1), 0.65)]}
    outcome, _ = run(candles, table)
    # 0.0175 · 5 · 0.60 · 0.40 is 0.021
    assert fills(outcome)[1:] == [(3, "NO", 5, 0.40, 0.03, "RESTING_SALE")]
    assert outcome.rejections == {"NOTHING_HELD": 1}


def test_a_limit_that_can_be_filled_at_once_is_unless_it_must_rest():
    order = {0: limit(buy("A", 2), 0.50)}
    outcome, _ = run(STEADY, order)
    assert fills(outcome) == [(0, "YES", 2, 0.45, 0.04, "STRATEGY")]
    outcome, _ = run(STEADY, order, takes=False)
    assert not outcome.fills and outcome.rejections == {"WOULD_TAKE": 1}
    with pytest.raises(SimulationError, match="where execution_model is maker: use limit"):
        run(STEADY, {0: buy("A", 2)}, takes=False)


def test_the_optimistic_variant_fills_at_the_touch():
    candles = [candle(0, "0.40", "0.45"), candle(3, "0.39", "0.45", ask_low="0.41")]
    for touch in (False, True):
        outcome, _ = run(candles, {0: limit(buy("A", 40), 0.41)}, touch=touch)
        assert bool(outcome.fills) == touch


def test_a_limit_of_volume_holds_for_resting_orders_when_they_are_filled():
    candles = [candle(0, "0.40", "0.45"), candle(3, "0.38", "0.39", volume="50", prints=("0.39", "0.39"))]
    outcome, _ = run(candles, {0: limit(buy("A", 40), 0.41)}, max_volume_share=Fraction(1, 10))
    assert [(f[2], f[5]) for f in fills(outcome)] == [(5, "RESTING")]


def test_the_strategy_is_called_where_something_visible_changed_or_always():
    candles = [candle(0, "0.40", "0.45"), candle(7, "0.41", "0.45"), candle(9, "0.41", "0.46")]
    known = contract(start=0, end=60, settles=70, p="0.5")._replace(later_p=((20 * MINUTE, 10**11),))
    _, plan = run(candles, {9: buy("A", 1)}, contracts=[known])
    # the opening, candles, what came of the order, and a probability
    assert plan.seen == [0, 7, 9, 10, 20]
    _, plan = run(candles, {}, every=True)
    assert plan.seen == list(range(60))


def test_a_probability_changes_inside_a_minute_and_is_in_force_at_the_next_decision():
    known = contract(start=0, end=60, settles=70, p="0.5")._replace(
        later_p=((20 * MINUTE + 1, 3 * 10**11), (20 * MINUTE + 59, 10**11))
    )
    seen = []

    def look(view):
        seen.append((int(view.now) // MINUTE, view.markets[0].probability))

    run(STEADY[:1], dict.fromkeys(range(60), look), contracts=[known])
    assert seen == [(0, 0.5), (21, 0.1)]


def test_opposing_purchases_follow_the_rule_of_the_config():
    table = {0: buy("A", 3), 1: buy("A", 2, NO)}
    for rule, found in (
        (Opposing.REFUSED, [3]),
        (Opposing.HELD, [3, 2]),
        (Opposing.NETTED, [3, 2]),
    ):
        outcome, _ = run(STEADY, table, opposing=rule)
        assert [f[2] for f in fills(outcome)] == found


# ---- floats ----


@pytest.mark.parametrize(
    ("price", "is_sale", "micro_price"),
    [
        (0.1 + 0.2, False, 300_000),
        (0.1 + 0.2, True, 300_000),
        (0.357, False, 350_000),
        (0.357, True, 360_000),
        (0.29999999, False, 300_000),
        (1 / 3, True, 340_000),
    ],
)
def test_prices_are_rounded_to_the_side_that_fills_less(price, is_sale, micro_price):
    assert price_on_grid(price, 10_000, is_sale=is_sale) == micro_price


def test_quantities_are_rounded_down_to_whole_contracts():
    assert [whole_quantity(x) for x in (2.7, 0.1 * 30, 2.9999999, 0.4, 5)] == [2, 3, 3, 0, 5]
    for wrong in (float("nan"), float("inf"), -1, "3", None, 1e30):
        with pytest.raises(OrderProblem):
            whole_quantity(wrong)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (lambda view: [3], "a int that is neither buy, sell, limit nor cancel"),
        (lambda view: [buy("B", 1)], "an order for 'B', which has not been open"),
        (lambda view: [buy("A", float("nan"))], "a quantity that is no number"),
        (lambda view: [stop(buy("A", 1), 0.5)], "an order with a stop, which this market does not have"),
        (lambda view: [buy("A", 1, stop=0.5)], "an order with a stop, which this market does not have"),
        (lambda view: [buy("A", 1, "MAYBE")], "a side that is neither YES nor NO"),
        (lambda view: [limit(buy("A", 1), 1.5)], "a limit of 1.5, which is not between 0 and 1"),
        (lambda view: [limit(buy("A", 1), "high")], "a price that is no number"),
        (lambda view: 1 / 0, "ZeroDivisionError"),
        (lambda view: [buy(7, 1)], "a market that is neither one of view.markets nor a ticker"),
        (lambda view: [1 / 0 for _ in "x"], "ZeroDivisionError"),
        (lambda view: (1 / 0 for _ in "x"), "ZeroDivisionError"),
    ],
)
def test_what_cannot_be_meant_ends_the_run(wanted, words):
    with pytest.raises(SimulationError, match=words):
        run(STEADY, {0: wanted})


# ---- what a view lets through ----

LEAKS = {
    "a later read": lambda view, kept: kept[-2].markets if len(kept) > 1 else None,
    "a later read of the cash": lambda view, kept: kept[-2].cash if len(kept) > 1 else None,
    "a later read of history": lambda view, kept: kept[-2].history("A") if len(kept) > 1 else None,
    "a change of the view": lambda view, kept: setattr(view, "cash", 10**6),
    "a new attribute of the view": lambda view, kept: setattr(view, "extra", 1),
    "a change of a market": lambda view, kept: setattr(view.markets[0], "ask", 0.01),
    "a change in the markets": lambda view, kept: view.markets.__setitem__(0, None),
    "the loop": lambda view, kept: view._replay,
    "the tapes": lambda view, kept: view.tapes,
    "the candles of a market": lambda view, kept: view.markets[0].candles,
    "quotes of the next minute": lambda view, kept: view.history("A")[len(kept)],
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_reach_for_what_is_not_there_is_an_error(name):
    kept = []

    def reach(view):
        kept.append(view)
        LEAKS[name](view, kept)

    with pytest.raises(SimulationError):
        run(STEADY, dict.fromkeys(range(60), reach), every=True)


def everything_reachable(root, most=200_000):
    """All objects that attributes and elements lead to from an object, without what code itself refers to."""
    found, left = {}, [root]
    while left and len(found) < most:
        thing = left.pop()
        if id(thing) in found or isinstance(thing, type | str | bytes):
            continue
        found[id(thing)] = thing
        if isinstance(thing, dict):
            left += [*thing.keys(), *thing.values()]
        elif isinstance(thing, list | tuple | set | frozenset):
            left += thing
        slots = itertools.chain.from_iterable(getattr(kind, "__slots__", ()) for kind in type(thing).__mro__)
        for name in [*getattr(thing, "__dict__", {}), *slots]:
            with contextlib.suppress(AttributeError):
                left.append(getattr(thing, name))
    return list(found.values())


def test_nothing_that_a_view_leads_to_is_later_than_now():
    """All that any attribute leads to, at every minute: planted prices of later minutes are not there."""
    candles = [candle(minute, "0.40", f"0.{500_000 + minute}") for minute in range(60)]
    later = {0.500000 + minute / 10**6: minute for minute in range(60)}
    met = set()

    def look(view):
        now = int(view.now) // MINUTE
        seen = {later[x] for x in everything_reachable(view) if isinstance(x, float) and x in later}
        assert max(seen) == now
        assert [quote.time / MINUTE for quote in view.history("A")] == list(range(now + 1))
        assert [quote.time / MINUTE for quote in view.history("A", 2)] == list(range(now + 1))[-2:]
        met.add(now)

    run(candles, dict.fromkeys(range(60), look), every=True)
    assert met == set(range(60))


def test_nothing_is_known_of_a_market_before_it_opens():
    early = contract("B", start=30, end=60, settles=70, p="0.5", quotes_from=0, event="F")
    candles = {"A": STEADY, "B": STEADY}
    seen = []

    def look(view):
        seen.append((view.market("B") is None, len(view.history("B"))))

    run(candles, {29: look, 30: look}, contracts=[contract(start=0, end=60, settles=70, p="0.5"), early], every=True)
    assert seen == [(True, 0), (False, 31)]
    with pytest.raises(SimulationError, match="'B', which has not been open"):
        run(candles, {29: buy("B", 1)}, contracts=[contract(start=0, end=60, settles=70, p="0.5"), early], every=True)
