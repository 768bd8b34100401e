"""The compiled engine and the naive one decide the same, to the last refusal, in random worlds, in one window or in many."""

import dataclasses
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference.naive_engine import NO, YES, Candle, NaiveEngine, Settings
from tests.unit.engine_parts import (
    MINUTE,
    audited_and_counted,
    columns_of,
    contract,
    every_decision,
    micro,
    pico,
    replay_candles,
    rules,
)
from tradewinds.engine.event_contracts import replay as replay_module
from tradewinds.engine.event_contracts import sizing
from tradewinds.engine.event_contracts.candles import VisibleQuotes
from tradewinds.engine.event_contracts.contract_journal import NETTED
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.kernel_structures import NO_PRICE
from tradewinds.engine.event_contracts.limits import Opposing
from tradewinds.engine.event_contracts.order_rules import NONE, WantedOrders
from tradewinds.engine.trades import positions_of
from tradewinds.families.kalshi_weather.fee_schedule import FEE_ERAS, FEE_RULES, TAKER_RATE

pytestmark = pytest.mark.slow

LENGTH = 70  # minutes of a world
PRICES = ["0.01", "0.05", "0.30", "0.3025", "0.40", "0.45", "0.50", "0.055", "0.60", "0.93", "0.99", "0", "1", None]
EXTREMES = ["0.000001", "0.999999", "0.0001"]
CHANCES = ["0", "1", "0.02", "0.35", "0.5", "0.505", "0.6", "0.93", "0.333333333333", "0.700000000001"]


def maybe(*values):
    return st.sampled_from([None] * (2 * len(values)) + list(values))


@dataclasses.dataclass
class World:
    """What both engines are given; times in minutes are counted from `origin`."""

    origin: int
    contracts: list
    rows: list  # (place of the contract, end, bid, ask, volume), dollars
    how: object
    naive: Settings
    instants: list
    cuts: list
    first: list

    @property
    def cash(self):
        return str(Decimal(self.naive.cash.numerator) / self.naive.cash.denominator)

    @property
    def candles(self):
        scaled = [
            (i, e, *(NO_PRICE if x is None else micro(x) for x in prices), int(Fraction(v) * 100))
            for i, e, *prices, v in self.rows
        ]
        return columns_of([c.ticker for c in self.contracts], scaled)

    @property
    def account(self):
        return {"cash": self.cash, "instants": self.instants}

    @property
    def windows(self):
        return {"cuts": self.cuts, "first": self.first}

    def replay(self, **options):
        return replay_candles(self.contracts, self.candles, self.how, **self.account, **options)

    def in_both_audits(self, **windows):
        """What replays with a full audit and without one leave."""
        return audited_and_counted(self.contracts, self.candles, self.how, **self.account, **windows)

    def reference(self):
        candles = {c.ticker: [] for c in self.contracts}
        for i, end, *numbers in self.rows:
            candles[self.contracts[i].ticker].append(Candle(end, *(x and Fraction(x) for x in numbers)))
        return NaiveEngine(self.contracts, candles, self.naive, self.instants).run()


class Choice:
    """A user's rule that buys this and that: once for columns of quotes, once for one quote in dollars."""

    def __init__(self, salt, kind):
        self.salt, self.kind = salt, kind

    def one(self, p, yes, no):
        """(side, quantity, number) from pico and micro-dollars, None where a side is not quoted."""
        number = (p * 31 + (yes or 7) * 17 + (no or 3) * 101 + self.salt * 7_919) % 97
        side = (YES, NO, None)[number % 3]
        if side is None or (yes if side == YES else no) is None:
            return None, 1 + number % 12, number
        return side, 1 + number % 12, number

    def priority(self, number, net):
        """In descending order what goes first; many are equal, half of them are negative."""
        return {
            "equal": 0,
            "int": number % 7 - 3,
            "float": (number % 7 - 3) / 7,
            "net": net,
            "small": -number * 1e-300,
        }[self.kind]

    def of_quotes(self, quotes):
        asks = [np.where(quotes.quoted(side), quotes.ask(side), -1).tolist() for side in Side]
        nets = {side.name: quotes.net_value(side, 1).tolist() for side in Side}
        sides, quantities, priorities = [], [], []
        for place, (p, *prices) in enumerate(zip(quotes.p_pico.tolist(), *asks, strict=True)):
            side, quantity, number = self.one(p, *(None if x < 0 else x for x in prices))
            sides.append(NONE if side is None else Side[side])
            quantities.append(quantity)
            priorities.append(self.priority(number, nets[side][place] if side else 0))
        kind = np.float64 if self.kind in ("float", "small") else np.int64
        return WantedOrders(np.array(sides, np.int8), np.array(quantities, np.int64), np.array(priorities, kind))

    def of_dollars(self, p, yes, no, cost):
        scaled = [None if x is None else int(x * 10**6) for x in (yes, no)]
        side, quantity, number = self.one(int(p * 10**12), *scaled)
        if side is None:
            return None
        price, chance = (yes, p) if side == YES else (no, 1 - p)
        return side, quantity, self.priority(number, chance - price - cost(side, 1))


@st.composite
def all_limits(draw):
    return {
        "opposing": draw(st.sampled_from(Opposing)),
        "max_volume_share": draw(maybe(Fraction(1, 10), Fraction(1, 2), Fraction("0.3333333333333333"))),
        "per_market": draw(maybe(1, 4, 11)),
        "per_event": draw(maybe(3, 12)),
        "total_open": draw(maybe(2, 15)),
        "notional_per_event_micro": draw(maybe(900_000, 4_000_000)),
        "orders_per_event_day": draw(maybe(1, 4)),
    }


def naive_limits(limits):
    notional = limits["notional_per_event_micro"]
    opposing = {Opposing.REFUSED: False, Opposing.HELD: "hold", Opposing.NETTED: True}[limits["opposing"]]
    dollars = None if notional is None else Fraction(notional, 10**6)
    return limits | {"notional_per_event": dollars, "allow_opposing": opposing}


@st.composite
def one_contract(draw, name, origin, chances):
    start, length = draw(st.integers(0, 20)), draw(st.sampled_from([0, 5, 20, 30, 40, 50]))
    made = contract(
        name,
        draw(st.sampled_from(chances)),
        event=draw(st.sampled_from("EF")),
        days=(origin + 17, origin + 41),
        start=origin + start,
        end=origin + start + length,
        settles=origin + start + length + draw(st.integers(0, 15)),
        pays=draw(st.sampled_from(["0", "1", "0.24"])),
        rate=TAKER_RATE * draw(st.sampled_from([0, 1, 1, Fraction(1, 2), Fraction("1.25")])),
        quotes_from=origin + start - draw(st.sampled_from([0, 0, 5, 100])),
    )
    end = made.end_ts + draw(st.sampled_from([0, 0, 31]))
    settles = max(made.settle_ts, end) + draw(st.sampled_from([0, 0, 29]))
    start = made.start_ts + draw(st.sampled_from([0, 0, 17]))
    return made._replace(start_ts=start, end_ts=end, settle_ts=settles)


@st.composite
def changing_worlds(draw):
    """Worlds in which probabilities become known later: on whole minutes and inside them, at ends of candles and between."""
    world = draw(worlds())
    contracts = []
    for what in world.contracts:
        changes = draw(st.dictionaries(st.integers(1, 55), st.sampled_from(CHANCES), max_size=4))
        later = [
            (what.start_ts + minute * MINUTE + draw(st.sampled_from([0, 0, -1, 30])), pico(p))
            for minute, p in sorted(changes.items())
        ]
        contracts.append(what._replace(later_p=tuple(later)))
    return dataclasses.replace(world, contracts=contracts)


@st.composite
def candle_rows(draw, origin, places, prices):
    """Sparse candles of all contracts, from before the first window to after the last; now and then one twice."""
    found = []
    for place in places:
        for minute in draw(st.lists(st.integers(-8, LENGTH + 10), min_size=2, max_size=12)):
            end = (origin + minute) * MINUTE + draw(st.sampled_from([0, 0, 0, 1, 59]))
            sides = [draw(prices), draw(prices)]
            if None not in sides and draw(st.integers(0, 5)):
                sides.sort(key=Fraction)
            found.append((place, end, *sides, draw(st.sampled_from(["0", "9", "57.25", "640"]))))
    return found


@st.composite
def worlds(draw):
    origin = draw(st.sampled_from([0, *(since // MINUTE - LENGTH // 2 for since, _ in FEE_ERAS)]))
    rounding, step = draw(st.sampled_from(["cent", "exchange"])), draw(st.sampled_from([1, 1, 3, 7]))
    limits, age = draw(all_limits()), draw(maybe(3, 20))
    size, min_ev = ("fixed", draw(st.sampled_from([1, 3, 10]))), draw(st.sampled_from(["0", "0.01", "0.08", "-0.3"]))
    kind = draw(st.sampled_from(["fixed", "fixed", "ev_proportional", "kelly", "from_strategy", "little"]))
    chances, prices = CHANCES, PRICES if kind == "kelly" else PRICES + EXTREMES
    if kind == "little":  # worth it for many, but room for one only, whose fee is all of its value: EV_THRESHOLD
        size, min_ev, limits["per_market"], limits["max_volume_share"] = ("fixed", 10), "0", 11, None
        chances, prices = ["0.02", "0.98"], ["0", "0.01", "0.99", "1"]
    of_quotes, of_dollars, sized = None, None, sizing.FixedQuantity(size[1])
    cash = draw(st.sampled_from(["0.50", "3", "1000"]))
    if kind == "ev_proportional":
        number = draw(st.sampled_from(["13.7", "250", "0.00001", "12.345678901234567"]))
        size, sized = (kind, Fraction(number)), sizing.EvProportional(Decimal(number), TAKER_RATE)
    elif kind == "kelly":
        number = draw(st.sampled_from(["0.5", "0.1", "0.333333", "1"]))
        size, sized = (kind, Fraction(number)), sizing.Kelly(Decimal(number))
    elif kind == "from_strategy":
        kinds = ["equal", "int", "float", "net", "small"]
        choice = Choice(draw(st.integers(0, 9)), draw(st.sampled_from(kinds)))
        of_quotes, of_dollars = choice.of_quotes, choice.of_dollars
    names = draw(st.permutations("ABCDEF"))[: draw(st.integers(1, 6))]
    contracts = [draw(one_contract(name, origin, chances)) for name in names]
    minutes = st.lists(st.integers(-5, LENGTH + 30), max_size=8)
    noted = {(origin + minute) * MINUTE for minute in draw(minutes)} | {c.settle_ts for c in contracts}
    return World(
        origin,
        contracts,
        draw(candle_rows(origin, range(len(contracts)), st.sampled_from(prices))),
        rules(
            size=sized,
            min_ev=min_ev,
            step=step,
            fee_rule=FEE_RULES[rounding],
            from_strategy=of_quotes,
            age=age,
            **limits,
        ),
        Settings(
            *(Fraction(cash), size, Fraction(min_ev), of_dollars, rounding, step * MINUTE),
            *(None if age is None else age * MINUTE, naive_limits(limits)),
        ),
        sorted(noted),
        [origin + minute for minute in sorted(set(draw(minutes)))],
        draw(st.lists(st.sampled_from("ABCDEF"), max_size=2)),
    )


def dollars(micro_dollars):
    return Fraction(micro_dollars, 10**6)


def fills_of(outcome):
    return [
        (
            *(f.decision_ts, f.contract.ticker, f.side.name, f.quantity, dollars(f.price_micro), dollars(f.fee_micro)),
            *(f.quote_ts, Fraction(f.gross_ev_pico, 10**12), Fraction(f.net_ev_total_pico, f.quantity * 10**12)),
        )
        for f in outcome.fills
    ]


def naive_fills(naive):
    return [(x.t, x.contract.ticker, x.side, x.quantity, x.price, x.fee, x.candle, x.gross, x.net) for x in naive.fills]


def assert_same(outcome, naive, step):
    assert fills_of(outcome) == naive_fills(naive)
    found = [(*row[:4], dollars(row[4]), *row[5:]) for row in every_decision(outcome, step)]
    assert found == sorted(naive.decided)
    assert outcome.rejections == naive.refused
    assert [(dollars(trade.pnl), trade.closed_ts) for trade in positions_of(outcome.journal)] == [
        (x.received - x.quantity * x.price - x.fee, x.ended) for x in naive.fills
    ]
    assert dollars(outcome.end_cash_micro) == naive.cash
    assert [(ts, dollars(cash), dollars(value)) for ts, cash, value in outcome.equity] == naive.equity


def assert_summary_is_the_naive_ones(outcome, naive):
    """What is counted without a full audit, by the shortcuts that the engine takes there, is what the naive one meets."""
    expected = {}
    for t, ticker, side, _, _, filled, reason in naive.decided:
        if not filled:
            expected.setdefault((ticker, side, reason), [t, 0])[1] += 1
    found = {(d.ticker, d.side, d.reason): [d.first_ts, d.times] for d in outcome.decisions if not d.filled}
    assert found == expected
    assert fills_of(outcome) == naive_fills(naive)
    assert (outcome.rejections, dollars(outcome.end_cash_micro)) == (naive.refused, naive.cash)
    assert [(ts, dollars(cash), dollars(value)) for ts, cash, value in outcome.equity] == naive.equity


def assert_same_in_windows(parts, whole):
    """Contracts that live on in the next window keep their candles, and what is known of the account is all that is left."""
    assert (parts.fills, parts.equity) == (whole.fills, whole.equity)
    assert (parts.rejections, parts.end_cash_micro) == (whole.rejections, whole.end_cash_micro)
    assert sorted(parts.decisions) == sorted(whole.decisions)


def assert_candles_are_seen_the_same(world, naive):
    """Crossed quotes and the watermark are those that are met on the way."""
    seen = VisibleQuotes(world.how.step_seconds, world.how.max_age_seconds)
    for what in world.contracts:
        seen.add([what], world.candles)
    assert seen.crossed == naive.crossed
    assert seen.watermark == (None if naive.used < 0 else naive.used)


@settings(max_examples=300)
@given(worlds())
def test_the_engine_decides_what_the_naive_one_decides(world):
    """Whole and in windows, audited in full and counted. All of one world: to draw it and to replay it slowly cost most."""
    naive, (whole, counted) = world.reference(), world.in_both_audits()
    assert_same(whole, naive, world.how.step_seconds // MINUTE)
    parts, short = world.in_both_audits(**world.windows)
    for outcome in (counted, short):
        assert_summary_is_the_naive_ones(outcome, naive)
    assert sorted(short.decisions, key=str) == sorted(counted.decisions, key=str)
    assert_same_in_windows(parts, whole)
    assert_candles_are_seen_the_same(world, naive)


@settings(max_examples=150)
@given(changing_worlds())
def test_the_engine_decides_what_the_naive_one_decides_where_probabilities_change(world):
    naive, (whole, counted) = world.reference(), world.in_both_audits()
    assert_same(whole, naive, world.how.step_seconds // MINUTE)
    parts, short = world.in_both_audits(**world.windows)
    for outcome in (counted, short):
        assert_summary_is_the_naive_ones(outcome, naive)
    assert_same_in_windows(parts, whole)


@settings(max_examples=50)
@given(worlds())
def test_buffers_that_are_full_at_once_lose_nothing(world):
    whole = world.replay()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay_module, "_BUFFER_ROWS", 1)
        small, counted = world.in_both_audits(**world.windows)
    assert (small.fills, small.equity, small.rejections) == (whole.fills, whole.equity, whole.rejections)
    assert sorted(small.decisions) == sorted(whole.decisions)
    assert counted.rejections == whole.rejections


def netting_of(outcome, world):
    """What kinds of netting a replay has: rows netted whole, in part, themselves at once, and by orders that keep a rest."""
    seen, journal = Counter(), outcome.journal
    ways = {True: Counter(), False: Counter()}
    netted = np.array([journal.reasons[reason] == NETTED for reason in journal.reason], bool)
    for paid, position, quantity in zip(netted, journal.position_id, journal.quantity, strict=True):
        ways[bool(paid)][int(position)] += min(0, int(quantity))
    for n, fill in enumerate(outcome.fills):
        share = -Fraction(ways[True][n], fill.quantity * 10**6)
        seen["netted whole"] += share == 1
        seen["netted in part"] += 0 < share < 1
        both = {f.side for f in outcome.fills if f.contract is fill.contract}
        seen["opposing held"] += len(both) == 2 and world.how.limits.opposing is Opposing.HELD
    assert world.how.limits.opposing is Opposing.NETTED or not netted.any()
    return seen


def test_such_worlds_trade_and_are_refused_for_every_reason():
    """Two engines would agree on worlds in which nothing happens."""
    seen = Counter()

    @settings(max_examples=300, derandomize=True, database=None)
    @given(worlds())
    def look(world):
        outcome = world.replay(full_audit=False)
        seen["fills"] += len(outcome.fills)
        seen["eras"] += len({world.how.fee_rule.era(f.decision_ts) for f in outcome.fills}) > 1
        seen["sub-penny"] += any(f.price_micro % 10_000 for f in outcome.fills)
        seen["windows"] += len({sum(c * MINUTE <= f.decision_ts for c in world.cuts) for f in outcome.fills}) > 1
        seen.update(netting_of(outcome, world))
        seen["valued"] += any(value for _, _, value in outcome.equity)
        seen.update(outcome.rejections.keys())

    look()
    reasons = {
        "OPPOSING_POSITION", "LIQUIDITY", "MAX_CONTRACTS_PER_MARKET", "MAX_CONTRACTS_PER_EVENT",
        "MAX_TOTAL_OPEN_CONTRACTS", "MAX_NOTIONAL_PER_EVENT_USD", "MAX_TRADES_PER_EVENT_PER_DAY", "INSUFFICIENT_CASH",
        "EV_THRESHOLD", "windows", "valued", "sub-penny", "netted whole", "netted in part", "opposing held",
    }  # fmt: skip
    assert reasons <= {name for name, n in seen.items() if n}, reasons - set(seen)
    assert seen["fills"] > 350 and seen["eras"] > 3 and seen["windows"] > 5, seen
