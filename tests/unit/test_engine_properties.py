"""What holds for every replay: found by hypothesis on small random quotes, limits and sizes."""

from collections import Counter
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine_parts import MINUTE, contract, fee_by_hand, micro, quote, replay, replay_both, rules
from tradewinds.engine.event_contracts import sizing
from tradewinds.engine.event_contracts.contracts import PICO_PER_MICRO, Side
from tradewinds.engine.event_contracts.limits import Opposing
from tradewinds.families.kalshi_weather.fee_schedule import FEE_RULES, TAKER_RATE

pytestmark = pytest.mark.slow

LATER = st.integers(0, 2_000_000_000)
SIZES = st.sampled_from([None, sizing.EvProportional(Decimal("13.7"), TAKER_RATE), sizing.Kelly(Decimal("0.5"))])


def maybe(*values):
    return st.sampled_from([None, None, *values])


@st.composite
def limits(draw):
    return {
        "opposing": draw(st.sampled_from([Opposing.REFUSED, Opposing.HELD])),
        "max_volume_share": draw(maybe(Fraction(1, 10), Fraction(1, 2))),
        "per_market": draw(maybe(1, 4, 11)),
        "per_event": draw(maybe(3, 12)),
        "total_open": draw(maybe(2, 15)),
        "notional_per_event_micro": draw(maybe(900_000, 4_000_000)),
        "orders_per_event_day": draw(maybe(1, 4)),
    }


@st.composite
def one_contract(draw, name, chances):
    start, length = draw(st.integers(0, 20)), draw(st.integers(1, 40))
    return contract(
        name,
        draw(st.sampled_from(chances)),
        event=draw(st.sampled_from(["E", "F"])),
        days=(17, 41),
        start=start,
        end=start + length,
        settles=start + length + draw(st.integers(0, 15)),
        pays=draw(st.sampled_from(["0", "1", "0.24"])),
        rate=TAKER_RATE * draw(st.sampled_from([0, 1, 1, Fraction(1, 2)])),
    )


@st.composite
def quotes_of(draw, idx, what, step, prices):
    """Intervals that do not overlap, on decision times inside the window."""
    times = [t for t in range(what.start_ts // MINUTE, what.end_ts // MINUTE) if t % step == 0]
    ends = sorted(draw(st.sets(st.sampled_from(times), max_size=8))) if times else []
    rows = []
    for first, last in zip(ends[::2], ends[1::2], strict=False):
        yes = draw(prices)
        no = 100 - min(yes, draw(st.integers(1, 99))) if draw(st.integers(0, 3)) else None
        asks = {"yes": f"0.{yes:02d}", "no": None if no is None else f"0.{no:02d}"}
        rows.append(quote(idx, first, last, volume=draw(st.sampled_from([0, 10, 55])), **asks))
    return rows


@st.composite
def worlds(draw):
    """(contracts, quotes, rules, cash): `A` to `E` in two events."""
    step = draw(st.sampled_from([1, 1, 3]))
    size, bounds = draw(SIZES), draw(limits())
    min_ev, quantity = draw(st.sampled_from(["0", "0.01", "0.08"])), draw(st.sampled_from([1, 3, 10]))
    chances, prices = ["0.02", "0.35", "0.5", "0.505", "0.93"], st.integers(1, 99)
    if not draw(
        st.integers(0, 7)
    ):  # worth it for many, but room for one only, whose fee is all of its value: EV_THRESHOLD
        size, quantity, min_ev, bounds = None, 10, "0", bounds | {"per_market": 11, "max_volume_share": None}
        chances, prices = ["0.02", "0.98"], st.sampled_from([1, 99])
    how = rules(quantity=quantity, size=size, min_ev=min_ev, step=step, **bounds)
    contracts = [draw(one_contract(name, chances)) for name in "ABCDE"[: draw(st.integers(1, 5))]]
    quotes = [row for i, what in enumerate(contracts) for row in draw(quotes_of(i, what, step, prices))]
    return contracts, quotes, how, draw(st.sampled_from(["0.50", "3", "1000"]))


@settings(max_examples=300)
@given(worlds(), st.randoms(use_true_random=False), st.sampled_from(sorted(FEE_RULES)), st.fractions(0, 3), LATER)
def test_what_holds_for_every_replay(world, random, rounding, dearer, later):
    """All of one world: to draw it costs most."""
    contracts, quotes, how, cash = world
    outcome, short = replay_both(contracts, quotes, how, cash=cash)
    assert_the_summary_of_refusals_is_the_sum_of_the_full_audit(outcome, short)
    assert_the_order_of_contracts_changes_nothing(outcome, world, random)
    assert_every_limit_holds_after_every_fill(outcome, world)
    assert_the_end_is_the_start_plus_what_every_trade_made(outcome, world)
    assert_more_cost_never_raises_what_the_same_trades_make(outcome, FEE_RULES[rounding], dearer, later)


def assert_the_summary_of_refusals_is_the_sum_of_the_full_audit(full, short):
    expected: dict[tuple, list[int]] = {}
    for d in full.decisions:
        if not d.filled:
            expected.setdefault((d.ticker, d.side, d.reason), [d.first_ts, 0])[1] += d.times
    found = {(d.ticker, d.side, d.reason): [d.first_ts, d.times] for d in short.decisions if not d.filled}
    assert found == expected
    assert [d for d in short.decisions if d.filled] == [d for d in full.decisions if d.filled]


def assert_the_order_of_contracts_changes_nothing(one, world, random):
    contracts, quotes, how, cash = world
    places = list(range(len(contracts)))
    random.shuffle(places)
    moved = [None] * len(contracts)
    for old, new in enumerate(places):
        moved[new] = contracts[old]
    other = replay(moved, [(places[row[0]], *row[1:]) for row in quotes], how, cash=cash)
    assert (one.fills, one.rejections, one.end_cash_micro) == (other.fills, other.rejections, other.end_cash_micro)


def assert_every_limit_holds_after_every_fill(outcome, world):
    """The account kept again, from the fills alone, with nothing of the engine's."""
    contracts, quotes, how, cash = world
    bound, balance, done, days, used = how.limits, micro(cash), [], Counter(), Counter()
    due = sorted(outcome.fills, key=lambda fill: fill.contract.settle_ts)
    for fill in outcome.fills:
        while due and due[0].contract.settle_ts <= fill.decision_ts:
            balance += due.pop(0).payout_micro
        what = fill.contract
        done.append(fill)
        balance -= fill.quantity * fill.price_micro + fee_by_hand(what.fee_rate, fill.quantity, fill.price_micro)
        days[what.event.name, what.event.day(fill.decision_ts)] += 1
        used[what.ticker, fill.quote_ts] += fill.quantity
        held = [f for f in done if f.contract.settle_ts > fill.decision_ts]
        of_event = [f for f in held if f.contract.event.name == what.event.name]
        of_market = [f for f in held if f.contract.ticker == what.ticker]
        volume = next(r[4] for r in quotes if contracts[r[0]] is what and r[1] == fill.quote_ts) // 100
        assert balance >= 0
        assert what.start_ts <= fill.decision_ts < what.end_ts and fill.quote_ts <= fill.decision_ts
        assert bound.opposing is Opposing.HELD or len({f.side for f in of_market}) == 1
        assert within(sum(f.quantity for f in of_market), bound.per_market)
        assert within(sum(f.quantity for f in of_event), bound.per_event)
        assert within(sum(f.quantity for f in held), bound.total_open)
        assert within(sum(f.quantity * f.price_micro for f in of_event), bound.notional_per_event_micro)
        assert within(days[what.event.name, what.event.day(fill.decision_ts)], bound.orders_per_event_day)
        share = bound.max_volume_share
        assert within(used[what.ticker, fill.quote_ts], None if share is None else share * volume)


def within(value, most):
    return most is None or value <= most


def assert_the_end_is_the_start_plus_what_every_trade_made(outcome, world):
    _, _, how, cash = world
    made = 0
    for fill in outcome.fills:
        what, price = fill.contract, fill.price_micro
        fee = fee_by_hand(what.fee_rate, fill.quantity, price)
        pays = what.payout_yes_micro if fill.side is Side.YES else 10**6 - what.payout_yes_micro
        p = what.p_pico if fill.side is Side.YES else 10**12 - what.p_pico
        assert fill.fee_micro == fee
        assert fill.gross_ev_pico == p - price * PICO_PER_MICRO
        net = fill.gross_ev_pico - Fraction(fee * PICO_PER_MICRO, fill.quantity)
        assert Fraction(fill.net_ev_total_pico, fill.quantity) == net > how.min_ev_pico
        made += fill.quantity * (pays - price) - fee
    assert outcome.end_cash_micro == micro(cash) + made
    keys = [(f.decision_ts, -Fraction(f.net_ev_total_pico, f.quantity)) for f in outcome.fills]
    assert [k[0] for k in keys] == sorted(k[0] for k in keys)


def assert_more_cost_never_raises_what_the_same_trades_make(outcome, rule, dearer, later):
    """Every trade again under a higher rate, and under a rounding rule at any time."""
    for fill in outcome.fills:
        rate, paid = fill.contract.fee_rate, fill.payout_micro - fill.quantity * fill.price_micro
        cheap, dear = (rule(r, fill.quantity, fill.price_micro, later) for r in (rate, rate + dearer))
        assert 0 <= cheap <= dear
        assert paid - dear <= paid - cheap <= paid


def test_such_worlds_trade_and_are_refused_for_every_reason():
    """The properties above would hold of worlds in which nothing happens."""
    seen = Counter()

    @settings(max_examples=500, derandomize=True, database=None)
    @given(worlds())
    def look(world):
        contracts, quotes, how, cash = world
        outcome = replay(contracts, quotes, how, cash=cash)
        seen["fills"] += len(outcome.fills)
        seen.update(outcome.rejections.keys())

    look()
    reasons = {
        "OPPOSING_POSITION", "LIQUIDITY", "MAX_CONTRACTS_PER_MARKET", "MAX_CONTRACTS_PER_EVENT",
        "MAX_TOTAL_OPEN_CONTRACTS", "MAX_NOTIONAL_PER_EVENT_USD", "MAX_TRADES_PER_EVENT_PER_DAY", "INSUFFICIENT_CASH",
        "EV_THRESHOLD",
    }  # fmt: skip
    assert reasons <= set(seen), reasons - set(seen)
    assert seen["fills"] > 200
