"""The books: sums over rows against plain loops, trades with partial exits, legs and flows, and what the check finds."""

from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewinds.core.errors import SimulationError
from tradewinds.core.units import MICRO
from tradewinds.engine.equity import Point, check_points
from tradewinds.engine.journal import Journal, JournalWriter, Kind
from tradewinds.engine.lots import oldest_first
from tradewinds.engine.trades import legs_of, positions_of

T0 = 1_750_000_000
START = 10_000 * MICRO
FLOWS = (Kind.FEE, Kind.DIVIDEND, Kind.FUNDING)


def micro(text):
    return int(Decimal(str(text)) * MICRO)


def written(rows):
    """A journal of rows (kind, ts, instrument, position, quantity, price, cash, leg, reason) in units, not millionths."""
    writer = JournalWriter()
    for kind, ts, instrument, position, quantity, price, cash, *names in rows:
        leg, reason = (*names, "", "")[:2]
        amounts = {"quantity": micro(quantity), "price": micro(price), "cash_change": micro(cash)}
        writer.add(kind, T0 + ts, instrument, position, leg=leg, reason=reason, **amounts)
    return writer.journal()


# A long position that leaves in three parts (the last by settlement), with a dividend between.
PARTS = [
    (Kind.FILL, 0, "AAA", 0, 100, "10", "-1000", "", "breakout"),
    (Kind.FEE, 0, "AAA", 0, 0, 0, "-1", "", "breakout"),
    (Kind.FILL, 60, "AAA", 0, 50, "11.5", "-575", "", "breakout"),
    (Kind.FEE, 60, "AAA", 0, 0, 0, "-0.5", "", "breakout"),
    (Kind.FILL, 120, "AAA", 0, -75, "12", "900", "", "target"),
    (Kind.FEE, 120, "AAA", 0, 0, 0, "-0.75", "", "target"),
    (Kind.DIVIDEND, 180, "AAA", 0, 0, 0, "7.5"),
    (Kind.FILL, 240, "AAA", 0, -25, "9", "225", "", "stop"),
    (Kind.FEE, 240, "AAA", 0, 0, 0, "-0.25", "", "stop"),
    (Kind.SETTLEMENT, 300, "AAA", 0, -50, "8", "400"),
]
# Golden 9 of the funding spec: no costs, 10 units in at 100 / 100.5, out at 110 / 110, two payments of 1.005. A perpetual's
# fill moves no cash until it closes.
CARRY = [
    (Kind.FILL, 0, "BTC/USDT", 0, 10, "100", "-1000", "spot", "rate"),
    (Kind.FILL, 0, "BTC/USDT:USDT", 0, -10, "100.5", 0, "perp", "rate"),
    (Kind.FUNDING, 28_800, "BTC/USDT:USDT", 0, 0, 0, "1.005", "perp"),
    (Kind.FUNDING, 57_600, "BTC/USDT:USDT", 0, 0, 0, "1.005", "perp"),
    (Kind.FILL, 57_600, "BTC/USDT", 0, -10, "110", "1100", "spot", "rate"),
    (Kind.FILL, 57_600, "BTC/USDT:USDT", 0, 10, "110", "-95", "perp", "rate"),
]


def test_golden_partial_exits_and_a_dividend():
    journal = written(PARTS)
    (trade,) = positions_of(journal)
    (leg,) = legs_of(journal)
    assert (trade.quantity, trade.entry_price) == (leg.quantity, leg.entry_price)
    assert (leg.instrument, leg.is_long, leg.quantity, leg.exit_quantity) == ("AAA", True, micro(150), micro(150))
    assert leg.entry_price == micro("10.5")  # (100 × 10 + 50 × 11.5) / 150
    assert leg.exit_price == micro("10.166667")  # (75 × 12 + 25 × 9 + 50 × 8) / 150 = 10.1666…
    assert (trade.entry_cash, trade.exit_cash) == (micro(-1575), micro(1525))
    assert (trade.entry_fee, trade.exit_fee) == (micro("1.5"), micro(1))
    assert (trade.flows, leg.dividends, leg.funding) == (micro("7.5"), micro("7.5"), 0)
    assert trade.pnl == micro("-45") == leg.pnl
    assert (trade.opened_ts, trade.closed_ts) == (T0, T0 + 300)
    journal.check(START, START + trade.pnl)


def test_golden_two_legs_with_funding():
    journal = written(CARRY)
    (trade,) = positions_of(journal)
    spot, perp = legs_of(journal)
    assert (trade.quantity, trade.entry_price) == (spot.quantity, spot.entry_price), "those of the first leg"
    assert [(leg.name, leg.is_long, leg.quantity, leg.entry_price, leg.exit_price) for leg in (spot, perp)] == [
        ("spot", True, micro(10), micro(100), micro(110)),
        ("perp", False, micro(10), micro("100.5"), micro(110)),
    ]
    assert (spot.pnl, perp.pnl, trade.flows) == (micro(100), micro("-92.99"), micro("2.01"))
    assert trade.pnl == micro("7.01")
    assert journal.held(T0 + 30_000) == {("BTC/USDT", "spot"): micro(10), ("BTC/USDT:USDT", "perp"): micro(-10)}
    assert journal.held(T0 + 57_600) == {}
    journal.check(START, START + micro("7.01"))


def test_cash_at_an_instant_is_after_all_of_it_or_before_its_fills():
    """A payment of the same second comes before the fills, as it stands in the rows; so does the point of equity."""
    rows = [
        (Kind.FILL, 0, "A", 0, 1, "0.4", "-0.4"),
        (Kind.SETTLEMENT, 60, "A", 0, -1, "1", "1"),
        (Kind.FILL, 60, "B", 1, 1, "0.5", "-0.5"),
        (Kind.FEE, 60, "B", 1, 0, 0, "-0.02"),
        (Kind.SETTLEMENT, 90, "B", 1, -1, "0", "0"),
    ]
    journal = written(rows)
    instants = np.array([T0 + 60, T0 - 1, T0, T0 + 60, T0 + 999, T0])
    before = np.array([True, False, True, False, True, False])
    found = journal.cash(START, instants, before) - START
    assert found.tolist() == [micro("0.6"), 0, 0, micro("0.08"), micro("0.08"), micro("-0.4")]
    points = [(0, "start", 0), (60, "settlement", "0.6"), (60, "close", "0.08"), (90, "end", "0.08")]
    made = [Point(T0 + ts, kind, START + micro(change), 0) for ts, kind, change in points]
    check_points(made, journal, START)
    made[1] = made[1]._replace(kind="close")
    with pytest.raises(
        SimulationError, match=r"^equity: the account had 10000\.6 at .*, the books come to 10000\.08\."
    ):
        check_points(made, journal, START)


def test_averages_are_exact_beyond_64_bits():
    """Two entries of nine quintillion micro-units each: the mean price is still exact."""
    rows = [(Kind.FILL, n, "A", 0, 9 * 10**12, price, 0) for n, price in enumerate((1, 2))]
    journal = written([*rows, (Kind.FILL, 2, "A", 0, -18 * 10**11, "1.000001", 0)])
    (trade,), (leg,) = positions_of(journal), legs_of(journal)
    assert (trade.entry_price, leg.entry_price, leg.exit_price) == (micro("1.5"), micro("1.5"), micro("1.000001"))


def test_an_empty_journal_has_no_trades_and_adds_up():
    journal = Journal.empty()
    journal.check(START, START)
    assert (len(journal), positions_of(journal), journal.held(T0), journal.sides) == (0, [], {}, [])
    assert legs_of(journal) == []
    assert journal.cash(START, np.array([T0])).tolist() == [START]


@pytest.mark.parametrize(
    ("rows", "change", "what"),
    [
        (PARTS, "-44.99", r"the start balance of 10000 and all changes of cash, -45, come to 9955, but the account ended "
                          r"with 9955\.01"),
        ([row for row in PARTS if row[0] != Kind.FEE], "-45", r"all changes of cash, -42\.5, come to 9957\.5"),
        (PARTS[:-1], "-445", r"position 0 of AAA still holds 50 at the end \(2025-06-15T15:06:40Z\)"),
        ([*PARTS[:-1], (*PARTS[-1][:4], -51, *PARTS[-1][5:])], "-45", "position 0 of AAA is closed by more than was held"),
        ([*PARTS[:2], PARTS[6], PARTS[5]], "0", r"row 3 is of 2025-06-15T15:08:40Z, and the one before it is later"),
        ([PARTS[1]], "-1", "position 0 of AAA does not begin with a fill"),
        ([(Kind.FEE, 0, "AAA", 0, 1, 0, 0)], "0", "row 0, a fee, changes a position"),
        ([(Kind.FILL, 0, "AAA", 0, 0, 0, 0)], "0", "row 0, a fill, changes no position"),
        ([*CARRY[:5], (CARRY[5][0], CARRY[5][1], "ETH/USDT:USDT", *CARRY[5][3:])], "7.01",
         r"position 0 of ETH/USDT:USDT perp is of two instruments"),
    ],
    ids=["cash", "forgotten fees", "open", "too much", "order", "no fill", "fee", "empty fill", "instruments"],
)  # fmt: skip
def test_the_check_names_what_does_not_add_up(rows, change, what):
    with pytest.raises(SimulationError, match=f"^journal: the books do not add up: .*{what}.* please report it"):
        written(rows).check(START, START + micro(change))


def test_positions_may_stay_open_where_that_is_said():
    written(PARTS[:-1]).check(START, START + micro(-445), stays_open=True)


@st.composite
def histories(draw):
    """Rows of some positions, closed in the end: one or two legs, entries and exits in parts, fees and flows between."""
    rows = []
    for position in range(draw(st.integers(1, 5))):
        for leg in ("spot", "perp")[: draw(st.integers(1, 2))]:
            direction, held, ts = draw(st.sampled_from([1, -1])), 0, draw(st.integers(0, 50))
            for _ in range(draw(st.integers(1, 5))):
                step = draw(st.sampled_from([n for n in range(1 - held, 10) if n]))
                held += step
                rows.append(_row(draw, Kind.FILL, ts, position, leg, direction * step))
                for kind in draw(st.lists(st.sampled_from(FLOWS), max_size=2)):
                    rows.append(_row(draw, kind, ts, position, leg, 0))
                ts += draw(st.integers(0, 20))
            kind = draw(st.sampled_from([Kind.FILL, Kind.SETTLEMENT]))
            rows.append(_row(draw, kind, ts, position, leg, -direction * held))
    return sorted(rows, key=lambda row: row[1])  # stable: a position's rows keep their order


def _row(draw, kind, ts, position, leg, quantity):
    cash = draw(st.integers(-(10**9), 10**9))
    price = draw(st.integers(0, 10**9)) if quantity else 0
    return kind, ts, f"{leg} {position % 3}", position, leg, quantity, price, cash


def booked(rows):
    """The journal of a history's rows."""
    writer = JournalWriter()
    for kind, ts, instrument, position, leg, quantity, price, cash in rows:
        writer.add(kind, ts, instrument, position, leg=leg, quantity=quantity, price=price, cash_change=cash)
    return writer.journal()


@pytest.mark.slow
@settings(max_examples=150)
@given(histories(), st.lists(st.integers(-1, 200), max_size=5))
def test_sums_and_trades_are_those_of_plain_loops(rows, instants):
    journal = booked(rows)
    total = sum(row[-1] for row in rows)
    journal.check(START, START + total)
    trades = positions_of(journal)
    assert sum(trade.pnl for trade in trades) == total
    assert [trade.position_id for trade in trades] == sorted({row[3] for row in rows})
    legs = legs_of(journal)
    assert [leg.position_id for leg in legs] == sorted(leg.position_id for leg in legs)
    for trade in trades:
        of_it = [row for row in rows if row[3] == trade.position_id]
        assert (trade.opened_ts, trade.closed_ts) == (min(r[1] for r in of_it), max(r[1] for r in of_it))
        fees = -sum(r[-1] for r in of_it if r[0] == Kind.FEE)
        assert (trade.entry_fee + trade.exit_fee, trade.pnl) == (fees, sum(r[-1] for r in of_it))
        assert trade.pnl == trade.entry_cash + trade.exit_cash + trade.flows - trade.entry_fee - trade.exit_fee
        for name in ("entry_cash", "entry_fee", "exit_cash", "exit_fee", "pnl"):
            assert getattr(trade, name) == sum(
                getattr(leg, name) for leg in legs if leg.position_id == trade.position_id
            )
        for leg in (leg for leg in legs if leg.position_id == trade.position_id):
            assert_is_the_leg_of_a_loop(leg, [row for row in of_it if row[4] == leg.name])
    for instant in instants:
        held = defaultdict(int)
        for row in rows:
            held[row[2], row[4]] += row[5] * (row[1] <= instant)
        assert journal.held(instant) == {key: quantity for key, quantity in held.items() if quantity}
        booked_cash = START + sum(row[-1] for row in rows if row[1] <= instant)
        assert journal.cash(START, np.array([instant])).tolist() == [booked_cash]
    assert journal.held(10**6) == {}


def assert_is_the_leg_of_a_loop(leg, rows):
    """The figures of a leg, found row by row."""
    entries, exits, fees = [], [], {"entry": 0, "exit": 0}
    latest = "entry"
    for kind, _, _, _, _, quantity, price, cash in rows:
        if kind == Kind.FEE:
            fees[latest] -= cash
        elif kind in (Kind.FILL, Kind.SETTLEMENT):
            is_entry = (quantity > 0) == leg.is_long
            latest = ("entry" if is_entry else "exit") if kind == Kind.FILL else latest
            (entries if is_entry else exits).append((abs(quantity), price, cash))
    assert leg.quantity == leg.exit_quantity == sum(q for q, _, _ in entries) == sum(q for q, _, _ in exits)
    assert (leg.entry_price, leg.exit_price) == (mean(entries), mean(exits))
    assert (leg.entry_cash, leg.exit_cash) == (sum(c for _, _, c in entries), sum(c for _, _, c in exits))
    assert (leg.entry_fee, leg.exit_fee) == (fees["entry"], fees["exit"])
    assert leg.dividends == sum(row[-1] for row in rows if row[0] == Kind.DIVIDEND)
    assert leg.funding == sum(row[-1] for row in rows if row[0] == Kind.FUNDING)


def mean(parts):
    value = Decimal(sum(q * p for q, p, _ in parts)) / sum(q for q, _, _ in parts)
    return int(value.quantize(Decimal(1), ROUND_HALF_EVEN))


@pytest.mark.slow
@settings(max_examples=100)
@given(histories(), st.randoms(use_true_random=False), st.integers(1, 10**6))
def test_a_changed_amount_or_a_lost_row_is_found(rows, random, by):
    end = START + sum(row[-1] for row in rows)
    changed = list(rows)
    place = random.randrange(len(rows))
    changed[place] = (*rows[place][:-1], rows[place][-1] + by)
    with pytest.raises(SimulationError):
        booked(changed).check(START, end)
    lost = rows[:place] + rows[place + 1 :]
    if rows[place][-1] or rows[place][5]:
        with pytest.raises(SimulationError):
            booked(lost).check(START, end)


def test_columns_of_a_compiled_loop_are_sorted_by_time_and_keep_their_order():
    rows = written(PARTS)
    names = ("ts", "kind", "instrument", "position_id", "leg", "quantity", "price", "cash_change", "reason")
    turned = {name: np.concatenate([getattr(rows, name)[6:], getattr(rows, name)[:6]]) for name in names}
    same = Journal.sorted_by_time(turned, instruments=rows.instruments, legs=rows.legs, reasons=rows.reasons)
    assert same == rows and same != written(PARTS[:-1]) and rows != "rows"
    assert same.sides == ["BUY", "", "BUY", "", "SELL", "", "", "SELL", "", ""]


@settings(max_examples=150)
@given(st.data())
def test_the_oldest_lots_are_closed_first(data):
    """By queues, lot by lot."""
    keys = st.integers(0, 3)
    lots = data.draw(st.lists(st.tuples(keys, st.integers(1, 9)), max_size=10))
    left = defaultdict(int)
    for key, quantity in lots:
        left[key] += quantity
    closings = []
    for key in data.draw(st.lists(keys, max_size=10)):
        if left[key]:
            closings.append((key, data.draw(st.integers(1, left[key]))))
            left[key] -= closings[-1][1]
    expected, open_lots = [], [quantity for _, quantity in lots]
    for closing, (key, wanted) in enumerate(closings):
        rest = wanted
        for lot, (of, _) in enumerate(lots):
            part = min(rest, open_lots[lot]) if of == key else 0
            if part:
                expected.append((lot, closing, part))
                open_lots[lot] -= part
                rest -= part
    pairs = [list(zip(*rows, strict=True)) or ((), ()) for rows in (lots, closings)]
    columns = [np.array(column, np.int64) for pair in pairs for column in pair]
    found = oldest_first(*columns)
    assert list(zip(*(column.tolist() for column in found), strict=True)) == expected
