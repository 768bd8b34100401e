"""Scores by lead, by hand: what was in force so many hours before the close, and no row that was known later."""

import datetime as dt
import math

import pytest

from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.calibration.lead_scores import LEADS, lead_scores
from tradewinds.families.kalshi_weather.forecasts.distribution import Distribution, normal_cdf

CHI, DAY = "KXHIGHCHI", dt.date(2025, 5, 10)
CLOSE = climate_days.climate_day_bounds(climate_days.station_of(CHI), DAY)[1] - 60
HOUR = 3600


def listed(ticker, result):
    close = dt.datetime.fromtimestamp(CLOSE, dt.UTC)
    return {"market_ticker": ticker, "climate_date": DAY, "result": result, "close_time": close}


def row(ticker, hours_before, p_yes, mu_f=None, **readings):
    law = None if mu_f is None else Distribution.normal(mu_f, 2.0).to_rows()
    nothing = {"reached_f": None, "short_f": None, "is_over": None}
    return {"market_ticker": ticker, "known_at_ts": CLOSE - int(hours_before * HOUR), "p_yes": p_yes, "law": law} | (
        nothing | readings
    )


def scores(*rows, observed=None):
    catalogs = {CHI: {DAY: [listed("A", "yes"), listed("B", "no")]}}
    ordered = sorted(rows, key=lambda one: (one["market_ticker"], one["known_at_ts"]))
    found = lead_scores(catalogs, {}, ordered, {CHI: {} if observed is None else {DAY: observed}}, 0.5, 0)
    return {lead["hours_before_close"]: lead for lead in found}


def test_every_lead_has_what_was_in_force_then():
    found = scores(row("A", 30, 0.4), row("B", 30, 0.6), row("A", 12, 0.9), row("B", 11.9, 0.2))
    assert list(found) == [lead for lead in LEADS if lead <= 30], "before the first row nothing is scored"
    brier = {hours: lead["probabilities"]["model"]["brier"] for hours, lead in found.items()}
    assert brier[30] == brier[15] == pytest.approx((0.6**2 + 0.6**2) / 2)
    assert brier[12] == pytest.approx((0.1**2 + 0.6**2) / 2), (
        "known at that very second counts, six minutes later does not"
    )
    assert brier[9] == brier[1] == pytest.approx((0.1**2 + 0.2**2) / 2)
    assert found[1]["probabilities"]["model"]["n"] == 2 and "market" not in found[1]["probabilities"]
    assert found[1]["against_market"]["n"] == 0 and found[1]["temperatures"] is None


def test_laws_are_scored_in_whole_degrees_with_their_readings():
    early, late = row("A", 30, 0.5, 70.0), row("A", 6, 0.5, 70.0, reached_f=74, short_f=0.0, is_over=True)
    found = scores(early, late, observed=74.0)
    # by hand: the sum over whole degrees of (Φ((k + ½ − 70)/2) − [k ≥ 74])²
    crps = sum((normal_cdf((k + 0.5 - 70) / 2) - (k >= 74)) ** 2 for k in range(40, 110))
    assert found[12]["temperatures"]["crps_f"] == pytest.approx(crps)
    assert (found[12]["temperatures"]["mae_f"], found[12]["temperatures"]["n"]) == (4, 1)
    assert found[12]["temperatures"]["bias_f"] == pytest.approx(-4, abs=1e-6)
    # when the day is over what was reached is left, or a degree that the readings missed: 0.683 at 74, 0.315 at 75
    at_most = [math.erf((k + 0.5) / (0.5 * math.sqrt(2))) for k in range(4)]
    assert found[6]["temperatures"]["crps_f"] == pytest.approx(sum((p - 1) ** 2 for p in at_most), abs=1e-9)
    assert found[6]["temperatures"]["mae_f"] == 0
