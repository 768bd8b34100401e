"""The arithmetic of the compiled loops, function by function, against fractions: exact, or not at all."""

import math
from fractions import Fraction
from functools import cmp_to_key

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit import compiled
from tradewinds.engine.event_contracts import kernel, kernel_structures, offers, order_rules

WORDS = st.one_of(
    st.integers(0, 2**63 - 1), st.integers(0, 2**20), st.sampled_from([2**32 - 1, 2**32, 2**62, 2**63 - 1])
)
PRICES = st.one_of(st.integers(1, 999_999), st.integers(1, 99).map(lambda cents: cents * 10_000))


@given(WORDS, WORDS, WORDS, WORDS)
@example(2**62, 2**62, 2**61, 2**63 - 1)
@example(3, 2**40, 2**40, 3)
def test_products_are_compared_exactly(a, b, c, d):
    assert compiled.at_most(a, b, c, d) == (a * b <= c * d)
    assert compiled.at_most(a, b, b, a)


@st.composite
def shares(draw, digits):
    """A decimal share in (0, 1] as (numerator, denominator) in lowest terms."""
    scale = 10 ** draw(st.integers(1, digits))
    share = Fraction(draw(st.integers(1, scale)), scale)
    return share.numerator, share.denominator


def kelly(share, p, price, equity):
    """floor(share · f · equity / price) with f = (p - price)/(1 - price), in dollars."""
    chance, ask = Fraction(p, 10**12), Fraction(price, 10**6)
    if chance <= ask or equity <= 0:
        return 0
    return math.floor(Fraction(*share) * (chance - ask) / (1 - ask) * Fraction(equity, 10**6) / ask)


def engines_kelly(share, p, price, equity):
    room = 10**12 - price * 10**6
    return compiled.kelly_quantity(*share, p - price * 10**6, room, price, equity)


EQUITIES = st.one_of(
    st.integers(-(10**9), 9 * 10**18),
    st.integers(0, 10**15),
    st.integers(0, 10**8),
    st.sampled_from([10**6, 10**9, 10**15]),
)


@pytest.mark.slow
@settings(max_examples=3000)
@given(shares(18), st.integers(0, 10**12), PRICES, EQUITIES)
@example((1, 4), 8 * 10**11, 400_000, 10**8)
@example((333_333, 10**6), 10**12, 999_999, 9 * 10**12)
@example((1, 1), 10**12, 1, 10**18)
@example((999_999_999_999_999_999, 10**18), 999_999_999_999, 1, 9 * 10**18)
def test_kelly_is_exact(share, p, price, equity):
    assert engines_kelly(share, p, price, equity) == kelly(share, p, price, equity)


@settings(max_examples=500)
@given(st.integers(1, 10**6), PRICES, st.integers(1, 999))
def test_kelly_of_a_whole_number_is_that_number(quantity, price, thousandths):
    """Exactly so many contracts come out, where a float may be a hair below: and one less from a micro-dollar less."""
    room, equity = 10**12 - price * 10**6, quantity * price * 1000
    edge = room // 1000 * thousandths  # thousandths of all there is to win
    wanted = quantity * thousandths
    assert compiled.kelly_quantity(1, 1, edge, room, price, equity) == wanted
    assert compiled.kelly_quantity(1, 1, edge, room, price, equity - 1) == wanted - 1
    assert compiled.kelly_quantity(1, 1000, room, room, price, equity) == quantity


@pytest.mark.slow
@settings(max_examples=1000)
@given(shares(18), st.one_of(st.integers(-5, 10**6), st.integers(0, 10**17)))
@example((1, 10), 5_700)
@example((3_333_333_333_333_333, 10**16), 5_700)
@example((1, 1), 10**17)
def test_a_share_of_a_volume_is_exact(share, volume):
    assert compiled.share_of(volume, *share) == max(0, math.floor(Fraction(*share) * Fraction(volume, 100)))


@settings(max_examples=300)
@given(PRICES, st.integers(1, 400), st.integers(0, 10**9), st.sampled_from([(0, 0), (10_000, 10_000), (100, 1)]))
def test_what_is_affordable_is_the_most_that_cash_pays(price, wanted, cash, grids):
    """By trying every quantity, at 0.07 a contract rounded up to a grid (the fee in cents also without one for the balance)."""
    grid, balance_grid = grids[1] or 10_000, grids[0]
    rate = Fraction(7, 100) * price * (10**6 - price) / 10**6 / grid
    terms = (math.floor(rate), (rate - math.floor(rate)).numerator, rate.denominator)

    def cost(quantity):
        fee = math.ceil(rate * quantity) * grid
        worth = quantity * price
        return worth + fee if not balance_grid else -(-(worth + fee) // balance_grid) * balance_grid

    most = max(q for q in range(wanted + 1) if q == 0 or cost(q) <= cash)
    assert compiled.affordable(wanted, price, cash, *terms, grid, balance_grid) == most


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(-(10**15), 10**15), st.integers(1, 10**6)), min_size=2, max_size=6))
def test_orders_go_by_value_a_contract_then_by_ticker(orders):
    rows = [(value // quantity, value % quantity, quantity, place) for place, (value, quantity) in enumerate(orders)]
    by_kernel = sorted(rows, key=cmp_to_key(lambda a, b: -1 if compiled.before(*a, *b) else 1))
    by_hand = sorted(rows, key=lambda row: (-Fraction(*orders[row[3]]), row[3]))
    assert by_kernel == by_hand
    assert not any(compiled.before(*row, *row) for row in rows)


@given(st.lists(st.integers(0, 9), max_size=8), st.integers(0, 8), st.integers(-1, 10))
def test_the_row_at_an_instant_is_the_last_that_ended(ends, low, t):
    e = np.array(sorted(ends), np.int64)
    low = min(low, len(e))
    found = [row for row in range(low, len(e)) if e[row] <= t]
    assert compiled.row_at(e, low, len(e), t) == (found[-1] if found else low - 1)


def test_the_loops_are_those_of_their_source(tmp_path, monkeypatch):
    with pytest.raises(ImportError, match=r"The engine is not compiled .*none\.so.* Install the project again"):
        kernel.load(tmp_path / "none.so")
    source = tmp_path / "kernel.c"
    source.write_bytes(kernel.SOURCE.read_bytes() + b"/* edited */")
    monkeypatch.setattr(kernel, "SOURCE", source)
    with pytest.raises(ImportError, match=r"kernel\.c has changed since the engine was compiled\. Install"):
        kernel.load(kernel.LIBRARY)


def test_a_column_of_another_kind_is_not_read():
    e = np.arange(6, dtype=np.int64)
    for wrong in (e.astype(np.int32), e.astype(float), e[::2]):
        with pytest.raises(TypeError, match=r"a column of .* where one of int64 in one piece is expected"):
            kernel.rows_since(wrong, e, e, e)


MARKETS = 3
FILE_ROWS = st.lists(st.tuples(st.integers(-1, MARKETS - 1), st.integers(0, 5), st.integers(0, 9)), max_size=12)


def as_columns(rows, width):
    return [np.array([row[n] for row in rows], np.int64) for n in range(width)]


def as_file(rows):
    """Place, end and volume, as they are read."""
    place, e, volume = as_columns(rows, 3)
    return place.astype(np.int32), e, volume


def as_rows(bid, ask, low, end):
    """Quotes of some markets, whose times and volumes do not matter."""
    none = np.zeros(len(bid), np.int64)
    return kernel_structures.CandleRows(none, none, bid, ask, none, low, end)


@given(FILE_ROWS)
def test_a_survey_of_files_counts_what_does_not_follow_an_earlier_row(rows):
    low, end, traded, jumps = kernel.survey(*as_file(rows), MARKETS)
    for market in range(MARKETS):
        mine = [n for n, row in enumerate(rows) if row[0] == market]
        follows = [n for n in mine if n and rows[n - 1][0] == market and rows[n - 1][1] < rows[n][1]]
        assert traded[market] == sum(rows[n][2] for n in mine)
        assert jumps[market] == len(mine) - len(follows)
        if jumps[market] <= 1:  # unique, in order and in one piece: these are its rows
            assert list(range(low[market], end[market])) == mine


@given(FILE_ROWS, st.lists(st.integers(0, 6), min_size=MARKETS, max_size=MARKETS), st.integers(0, 6))
def test_rows_since_an_instant_and_rows_inside_a_window(rows, since, length):
    rows = sorted(row for row in rows if row[0] >= 0)
    low, end, _, _ = kernel.survey(*as_file(rows), MARKETS)
    e, starts = as_columns(rows, 2)[1], np.array(since, np.int64)
    first = kernel.rows_since(e, low, end, starts)
    for market, start in enumerate(since):
        kept = [row[1] for row in rows if row[0] == market and row[1] >= start]
        assert e[first[market] : end[market]].tolist() == kept
    inside = [row for row in rows if since[row[0]] <= row[1] < since[row[0]] + length]
    assert kernel.count_candles(e, low, end, starts, starts + length) == len(inside)


CENTS = st.sampled_from([kernel_structures.NO_PRICE, -10_000, 0, 1, 300_000, 400_000, 999_999, 1_000_000, 1_000_001])


def offered(bid, ask):
    """What YES and NO cost by the rules, -1 if they cannot be bought."""
    if kernel_structures.NO_PRICE not in (bid, ask) and bid > ask:
        return -1, -1
    return (ask if 0 < ask < 10**6 else -1), (10**6 - bid if 0 < bid < 10**6 else -1)


@given(st.lists(st.tuples(st.integers(0, MARKETS - 1), CENTS, CENTS), max_size=14), st.permutations(range(2)))
def test_codes_of_rows_stand_for_what_they_offer(rows, kinds):
    rows = sorted(rows, key=lambda row: row[0])
    places, bid, ask = as_columns(rows, 3)
    low, end = (np.searchsorted(places, np.arange(MARKETS), side) for side in ("left", "right"))
    bid, ask = bid.astype(np.int32), ask.astype(np.int32)

    codes, no_codes, owner, yes, no = kernel.quote_codes(as_rows(bid, ask, low, end))
    assert (no_codes == np.where(codes < 0, -1, codes + len(owner))).all()
    meant = list(zip(owner.tolist(), yes.tolist(), no.tolist(), strict=True))
    assert len(set(meant)) == len(meant)
    for code, (place, *prices) in zip(codes.tolist(), rows, strict=True):
        assert (place, *offered(*prices)) == (meant[code] if code >= 0 else (place, -1, -1))

    kind = np.array([*kinds, kinds[0]], np.int64)
    *sides, seen = kernel.price_codes(as_rows(bid, ask, low, end), kind, 2)
    assert sorted(seen.tolist()) == sorted({price for _, *prices in rows for price in offered(*prices)} - {-1})
    for side, found in enumerate(sides):
        for code, (place, *prices) in zip(found.tolist(), rows, strict=True):
            price = offered(*prices)[side]
            assert code == (-1 if price < 0 else seen.tolist().index(price) * 4 + side * 2 + kind[place])


@given(st.lists(st.tuples(CENTS, CENTS), max_size=3 * kernel_structures.BLOCK))
def test_the_lowest_price_of_a_side_in_a_block_is_that_of_its_cheapest_row(rows):
    bid, ask = (column.astype(np.int32) for column in as_columns(rows, 2))
    blocks = [rows[at : at + kernel_structures.BLOCK] for at in range(0, len(rows), kernel_structures.BLOCK)]
    expected = [
        [min((offered(*row)[side] for row in block if offered(*row)[side] >= 0), default=10**6) for side in (0, 1)]
        for block in blocks
    ]
    assert kernel.lowest_prices(bid, ask).tolist() == expected


@given(st.lists(st.lists(st.tuples(st.integers(-1, 10**6), st.integers(0, 3)), max_size=5), max_size=6))
def test_the_highest_wanted_price_of_a_group_is_that_of_its_dearest_wanted_code(groups):
    price, quantity = as_columns([code for group in groups for code in group], 2)
    bounds = np.cumsum([0, *map(len, groups)])
    expected = [max((price for price, wanted in group if wanted), default=-1) for group in groups]
    assert kernel.highest_wanted(price, quantity, bounds[:-1].copy(), bounds[1:].copy(), 1).tolist() == expected
    # the same groups, the first code of each before the second of any
    longest = max(map(len, groups), default=0)
    codes = [(*group, *[(0, 0)] * (longest - len(group))) for group in groups]
    price, quantity = as_columns([code for nth in zip(*codes, strict=True) for code in nth], 2)
    strided = np.arange(len(groups)), np.full(len(groups), len(price)), max(len(groups), 1)
    assert kernel.highest_wanted(price, quantity, *strided).tolist() == expected


def test_quotes_of_thousands_of_prices_keep_their_codes():
    """The table of hashes is full of collisions, and used again for the next market."""
    rng = np.random.default_rng(5)
    bid, ask = (rng.integers(0, 1_000_000, 20_000).astype(np.int32) for _ in range(2))
    bid, ask = np.minimum(bid, ask), np.maximum(bid, ask)
    bid[10_000:], ask[10_000:] = bid[:10_000], ask[:10_000]
    low, end = np.array([0, 5_000, 10_000]), np.array([5_000, 10_000, 20_000])
    codes, _, owner, yes, no = kernel.quote_codes(as_rows(bid, ask, low, end))
    place = np.repeat([0, 1, 2], end - low)
    assert (codes >= 0).all() and (owner[codes] == place).all() and (yes[codes] == ask).all()
    assert ((no[codes] == 1_000_000 - bid) | (bid == 0)).all()
    assert len(owner) == len({*zip(place.tolist(), bid.tolist(), ask.tolist(), strict=True)})


@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=9))
def test_ranks_of_priorities_have_the_order_of_the_floats(priorities):
    priority = np.array([*priorities, 0.0, -0.0])
    ranks = offers._ranks(order_rules.WantedOrders(np.zeros(0, np.int8), np.zeros(0, np.int64), priority))
    for one, rank in zip(priority, ranks, strict=True):
        assert [rank < other for other in ranks] == [one < other for other in priority]
        assert [rank == other for other in ranks] == [one == other for other in priority]
