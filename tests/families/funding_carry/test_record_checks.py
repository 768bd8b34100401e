"""Checks of rates and candles of any source: hours, quarantine, refusals; and exact columns."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.families.funding_carry.carry_configs import BTC
from tradewinds.core.errors import SimulationError
from tradewinds.families.funding_carry.exact_columns import (
    decimals_of,
    quotient,
    scaled_up,
    units_of,
    units_of_decimals,
    units_of_floats,
)
from tradewinds.families.funding_carry.fetch.candle_checks import RawCandle, checked_candles
from tradewinds.families.funding_carry.fetch.rate_checks import RawRate, checked_rates

HOUR = 3_600_000_000
MARCH, APRIL = 1_709_251_200_000_000, 1_711_929_600_000_000
D = Decimal


def seconds(table):
    return [int(at.timestamp()) for at in table.column(0).to_pylist()]


def test_stamps_are_rounded_to_their_hour_or_quarantined():
    late, too_late = 1_640_995_250_963_000, 1_640_995_620_000_000
    table, counts = checked_rates(
        BTC, [RawRate(late, D("0.0001"), None, None), RawRate(too_late, D(0), None, None)], "2022-01"
    )
    assert seconds(table) == [1_640_995_200]
    assert counts == {"OFF_GRID": 1}


@pytest.mark.parametrize(("beside", "kept"), [(300, True), (-300, True), (300.000001, False), (-301, False)])
def test_five_minutes_are_the_limit(beside, kept):
    table, counts = checked_rates(BTC, [RawRate(MARCH + 8 * HOUR + int(beside * 10**6), D(0), None, None)], "2024-03")
    assert (table.num_rows, counts) == ((1, {}) if kept else (0, {"OFF_GRID": 1}))


def test_a_stamp_before_midnight_belongs_to_the_next_month():
    early = [RawRate(APRIL - 5, D("0.0002"), None, None)]
    assert checked_rates(BTC, early, "2024-03")[0].num_rows == 0
    assert seconds(checked_rates(BTC, early, "2024-04")[0]) == [APRIL // 10**6]


def test_of_two_records_of_an_hour_the_first_stays_or_they_are_refused():
    first = RawRate(MARCH + 3000, D("0.0001"), D(5), 8)
    second = RawRate(MARCH + 9000, D("0.00010"), None, None)
    table, counts = checked_rates(BTC, [second, first], "2024-03")
    assert counts == {"DUPLICATE": 1}
    assert table["mark_price"].to_pylist() == [D(5)] and table["interval_hours"].to_pylist() == [8]
    with pytest.raises(SimulationError, match=r"0\.0001 and .* 0\.00011"):
        checked_rates(BTC, [first, second._replace(rate=D("0.00011"))], "2024-03")


def test_a_mark_price_of_zero_is_none():
    table, _ = checked_rates(
        BTC, [RawRate(MARCH, D(0), D(0), None), RawRate(MARCH + HOUR, D(0), D("1.5"), 0)], "2024-03"
    )
    assert table["mark_price"].to_pylist() == [None, D("1.5")]
    assert table["interval_hours"].to_pylist() == [None, None]


def test_rates_above_the_whole_position_are_refused():
    with pytest.raises(SimulationError, match=r"its rate is 1\.5"):
        checked_rates(BTC, [RawRate(MARCH, D("1.5"), None, None)], "2024-03")


RATES = st.lists(
    st.tuples(
        st.integers(0, 100),
        st.integers(-400_000_000, 400_000_000),
        st.decimals(min_value=-1, max_value=1, places=12),
    ),
    max_size=40,
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(RATES)
def test_checked_rates_agree_with_a_plain_loop(rows):
    raw = [RawRate(MARCH - 2 * HOUR + hour * HOUR + beside, rate, None, None) for hour, beside, rate in rows]
    kept, off, again, conflict = {}, 0, 0, False
    for record in sorted(raw, key=lambda record: record.raw_us):
        hour = (record.raw_us + HOUR // 2) // HOUR * HOUR
        if abs(record.raw_us - hour) > 300_000_000:
            off += MARCH <= record.raw_us < APRIL
        elif MARCH <= hour < APRIL:
            if hour in kept:
                again += 1
                conflict |= kept[hour] != record.rate
            else:
                kept[hour] = record.rate
    if conflict:
        with pytest.raises(SimulationError):
            checked_rates(BTC, raw, "2024-03")
        return
    table, counts = checked_rates(BTC, raw, "2024-03")
    assert dict(zip((at * 10**6 for at in seconds(table)), table["rate"].to_pylist(), strict=True)) == kept
    assert (counts["OFF_GRID"], counts["DUPLICATE"]) == (off, again)


PRICES = st.integers(-2, 6).map(D)
CANDLES = st.lists(
    st.tuples(st.integers(0, 30), st.booleans(), PRICES, PRICES, PRICES, PRICES, st.integers(-1, 3)), max_size=40
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(CANDLES)
def test_checked_candles_agree_with_a_plain_loop(rows):
    raw = [RawCandle(MARCH + hour * HOUR + off, *map(D, rest)) for hour, off, *rest in rows]
    kept, counts, conflict = (
        {},
        dict.fromkeys(("OFF_GRID", "NON_POSITIVE_PRICE", "OHLC_ORDER", "NEGATIVE_VOLUME", "DUPLICATE"), 0),
        False,
    )
    for candle in raw:
        prices = candle[1:5]
        if candle.open_us % HOUR:
            counts["OFF_GRID"] += 1
        elif min(prices) <= 0:
            counts["NON_POSITIVE_PRICE"] += 1
        elif candle.low > min(prices) or candle.high < max(prices):
            counts["OHLC_ORDER"] += 1
        elif candle.volume < 0:
            counts["NEGATIVE_VOLUME"] += 1
        elif candle.open_us in kept:
            counts["DUPLICATE"] += 1
            conflict |= kept[candle.open_us] != candle
        else:
            kept[candle.open_us] = candle
    if conflict:
        with pytest.raises(SimulationError, match="differ"):
            checked_candles(BTC, raw, "2024-03", 60)
        return
    table, found = checked_candles(BTC, raw, "2024-03", 60)
    assert table.num_rows == len(kept)
    assert [tuple(row.values())[1:] for row in table.to_pylist()] == [kept[at][1:] for at in sorted(kept)]
    assert {reason: found[reason] for reason in counts} == counts


def test_candles_of_other_months_are_left_out_and_large_numbers_refused():
    one = RawCandle(APRIL, *[D(1)] * 5)
    assert checked_candles(BTC, [one], "2024-03", 60)[0].num_rows == 0
    with pytest.raises(SimulationError, match="the high of the candle"):
        checked_candles(BTC, [one._replace(high=D(10) ** 12)], "2024-04", 60)
    table, _ = checked_candles(BTC, [one._replace(volume=D(10) ** 13)], "2024-04", 60)
    assert table["volume"].to_pylist() == [D(10) ** 13]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15), max_size=8))
def test_floats_count_as_their_shortest_decimal(values):
    wanted = units_of_decimals([D(repr(value)) for value in values], 8)
    assert [int(v) for v in units_of_floats(np.array(values, np.float64), 8)] == [int(v) for v in wanted]


@pytest.mark.parametrize(
    ("value", "units"), [(0.000000005, 0), (0.000000015, 2), (0.0012345675, 123457), (-2.5e-8, -2), (0.1, 10**7)]
)
def test_half_a_unit_goes_to_the_even_one(value, units):
    assert units_of_floats(np.array([value]), 8).tolist() == [units]
    assert quotient(np.array([int(D(str(value)).scaleb(10))]), 100).tolist() == [units]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(-(10**24), 10**24)), max_size=9), st.integers(0, 4))
def test_columns_of_decimals_come_back_as_they_were(values, start):
    kind = pa.decimal128(26, 8)
    column = pa.chunked_array([pa.array([None if v is None else D(v).scaleb(-8) for v in values], kind)]).slice(start)
    found = units_of(column)
    assert [int(v) for v in found] == [0 if v is None else v for v in values[start:]]
    valid = np.array([v is not None for v in values[start:]], bool)
    assert decimals_of(found, kind, valid).to_pylist() == column.to_pylist()


def test_a_product_that_does_not_fit_is_exact():
    assert scaled_up(np.array([2**62, 1], np.int64), 1000).tolist() == [2**62 * 1000, 1000]
