"""Which degrees settle YES, from strikes or from words; recorded markets with and without strikes agree."""

import itertools

import pyarrow.parquet as pq
import pytest

from tradewinds.families.kalshi_weather.forecasts.bracket_probability import bracket_probability
from tradewinds.families.kalshi_weather.forecasts.distribution import Distribution
from tradewinds.families.kalshi_weather.strikes import strike_bounds


@pytest.mark.parametrize(
    ("fields", "words", "expected"),
    [
        (("less", None, 65), "64° or below", (None, 64)),
        (("between", 65, 66), "65° to 66°", (65, 66)),
        (("greater", 72, None), "73° or above", (73, None)),
        (("less_or_equal", None, 64), "", (None, 64)),
        (("greater_or_equal", 73, None), "", (73, None)),
        (("less", None, 64.5), "", (None, 64)),
        (("greater", 72.5, None), "", (73, None)),
        ((None, None, None), "64° or below", (None, 64)),
        ((None, None, None), "65° to 66°", (65, 66)),
        ((None, None, None), "73° or above", (73, None)),
        ((None, None, None), "-4° to -3°", (-4, -3)),
        (("less", None, None), "9° or below", (None, 9)),
        (("less", None, float("nan")), "9° or below", (None, 9)),
        (("greater", float("inf"), None), "73° or above", (73, None)),
    ],
)
def test_bounds(fields, words, expected):
    assert strike_bounds(*fields, words) == expected


@pytest.mark.parametrize("words", ["", None, "hot", "T65"])
def test_what_cannot_be_read_is_refused(words):
    with pytest.raises(ValueError):
        strike_bounds(None, None, None, words)


def test_recorded_words_and_strikes_agree(shared_data):
    rows = pq.read_table(shared_data / "kalshi/markets_5series_2024-08_2025-05.parquet").to_pylist()
    with_strikes = [row for row in rows if row["strike_type"]]
    assert len(rows) - len(with_strikes) == 125  # winners whose strikes are missing
    for row in with_strikes:
        fields = (row["strike_type"], row["floor_strike"], row["cap_strike"])
        assert strike_bounds(*fields, None) == strike_bounds(None, None, None, row["yes_sub_title"]), row[
            "market_ticker"
        ]


def test_recorded_ladders_tile_the_degrees_winners_without_strikes_included(shared_data):
    events = {}
    for row in pq.read_table(shared_data / "kalshi/markets_5series_2024-08_2025-05.parquet").to_pylist():
        bounds = strike_bounds(row["strike_type"], row["floor_strike"], row["cap_strike"], row["yes_sub_title"])
        events.setdefault(row["event_ticker"], []).append(bounds)
    assert len(events) == 1234
    for event, ladder in events.items():
        ordered = sorted(ladder, key=lambda b: -999 if b[0] is None else b[0])
        assert ordered[0][0] is None and ordered[-1][1] is None, event
        assert all(a[1] + 1 == b[0] for a, b in itertools.pairwise(ordered)), event
        assert abs(sum(bracket_probability(*b, Distribution.normal(70.3, 3.1)) for b in ladder) - 1) < 1e-9


def test_integer_mass_golden():
    ladder = [(None, 78), (79, 80), (81, 82), (83, 84), (85, 86), (87, None)]
    found = [f"{bracket_probability(*bounds, Distribution.normal(81.3, 2.0)):.4f}" for bounds in ladder]
    assert found == ["0.0808", "0.2638", "0.3812", "0.2195", "0.0501", "0.0047"]
