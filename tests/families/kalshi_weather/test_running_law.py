"""The law of a day's extreme with readings: bounds by hand, what they missed, the course of the day, and whole degrees."""

import math

import pytest

from tradewinds.families.kalshi_weather.forecasts.bracket_probability import bracket_probability
from tradewinds.families.kalshi_weather.forecasts.distribution import Distribution, normal_cdf
from tradewinds.families.kalshi_weather.forecasts.running_law import (
    CourseHour,
    Reading,
    Running,
    RunningLaw,
    course_of,
    running_of,
    shortfall,
    whole_degrees,
)

HOUR, END = 3600, 86_400
FORECAST = Distribution.normal(75.0, 2.0)
LADDER = [(None, 72), (73, 74), (75, 76), (77, None)]


def reading(hour, tmp_f):
    return Reading(hour * HOUR - 420, hour * HOUR + 180, tmp_f)


def running(reached_f, *, is_over=False):
    return Running(reached_f, 0, 0, 0, 1, is_over)


def ladder_of(law):
    return [float(bracket_probability(*bounds, law)) for bounds in LADDER]


def test_readings_count_from_when_they_are_known():
    readings = [reading(12, 70.0), reading(13, 72.0), reading(14, 71.1)]
    assert running_of(readings, "max", END, 12 * HOUR + 179) is None
    at_noon = running_of(readings, "max", END, 12 * HOUR + 180)
    assert (at_noon.reached_f, at_noon.readings, at_noon.known_at_ts) == (70, 1, 12 * HOUR + 180)
    later = running_of(readings, "max", END, 15 * HOUR)
    assert (later.reached_f, later.reached_ts, later.through_ts) == (72, 13 * HOUR - 420, 14 * HOUR - 420)
    assert running_of(readings, "min", END, 15 * HOUR).reached_f == 70
    assert not later.is_over
    assert running_of([*readings, reading(24, 60.0)], "max", END, END + 180).is_over


@pytest.mark.parametrize(
    ("celsius", "fahrenheit"), [(21.1, 70), (20.6, 69), (21.7, 71), (-17.8, 0), (-18.3, -1), (37.8, 100)]
)
def test_tenths_of_a_degree_celsius_name_one_whole_degree(celsius, fahrenheit):
    assert whole_degrees(celsius * 1.8 + 32) == fahrenheit


def test_without_readings_the_law_is_the_forecast():
    assert ladder_of(RunningLaw(FORECAST, "max", None, 0.0, 0.5)) == ladder_of(FORECAST)


def test_a_maximum_is_never_below_what_was_reached():
    """By hand: reached 74, σ of what is missed 0.5. P(≤ 74) = Φ((74.5 − 75)/2) · erf(0.5/(0.5·√2)) = 0.4013 · 0.6827."""
    law = RunningLaw(FORECAST, "max", running(74), 0.0, 0.5)
    below, reached, *_ = found = ladder_of(law)
    assert below == 0 and math.isclose(sum(found), 1, abs_tol=1e-9)
    assert math.isclose(reached, normal_cdf(-0.25) * math.erf(1 / math.sqrt(2)), abs_tol=1e-9)


def test_a_minimum_is_the_maximum_with_opposite_signs():
    high = RunningLaw(Distribution.normal(75.0, 2.0), "max", running(76), 1.5, 0.5)
    low = RunningLaw(Distribution.normal(-75.0, 2.0), "min", running(-76), 1.5, 0.5)
    for k in range(70, 85):
        upper = float(bracket_probability(k, k, high))
        lower = float(bracket_probability(-k, -k, low))
        assert math.isclose(upper, lower, abs_tol=1e-9)
    assert float(bracket_probability(-75, None, low)) == 0


def test_when_the_day_is_over_the_forecast_counts_no_more():
    """What was reached, or a degree more where the readings missed it: 0.683, 0.314, 0.003."""
    law = RunningLaw(FORECAST, "max", running(72, is_over=True), 0.0, 0.5)
    found = [float(bracket_probability(k, k, law)) for k in (71, 72, 73, 74)]
    assert found[0] == 0 and [round(p, 3) for p in found[1:]] == [0.683, 0.315, 0.003]
    assert RunningLaw(None, "max", running(72, is_over=True), 0.0, 0.5).cdf(80) == pytest.approx(1)


def test_the_rest_of_the_day_is_lowered_by_the_course_of_the_guidance():
    """At 21 o'clock the guidance is 6 °F below its warmest hour: above 76 is then what was above 82, 3.75 σ away."""
    lowered = RunningLaw(FORECAST, "max", running(74), 6.0, 0.5)
    missed = 1 - math.erf(2.5 / (0.5 * math.sqrt(2)))
    assert float(bracket_probability(77, None, lowered)) == pytest.approx(
        1 - normal_cdf(3.75) * (1 - missed), abs=1e-12
    )


def test_the_course_of_a_day():
    hours = [h * HOUR for h in (6, 9, 12, 15, 18, 21)]
    course = course_of([(hours, (60, 66, 72, 75, 73, 69)), (hours[:2], (1, 2))], "max")
    assert [hour.short_f for hour in course] == [15, 9, 3, 0, 2, 6]  # a run of two hours has no course
    # before the warmest hour nothing is lost; after it the straight line between the hours; after the last the last
    assert [shortfall(course, h * HOUR) for h in (3, 14, 15, 16.5, 18, 20, 23)] == pytest.approx(
        [0, 0, 0, 1, 2, 14 / 3, 6]
    )
    assert shortfall([], 15 * HOUR) == 0
    cold = course_of([(hours, (60, 66, 72, 75, 73, 69))], "min")
    assert [hour.short_f for hour in cold] == [0, 6, 12, 15, 13, 9]
    assert cold[0] == CourseHour(6 * HOUR, 0)
