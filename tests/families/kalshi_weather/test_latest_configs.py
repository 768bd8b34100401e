"""Configs whose decisions use the last probability known at their own time: keys, files, what is refused, and what counts."""

import datetime as dt
import types

import pytest

from tests.workflow.harness import CHICAGO
from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError
from tradewinds.families.kalshi_weather import events, schemas
from tradewinds.families.kalshi_weather.events import ReplayEvent, ReplayMarket
from tradewinds.families.kalshi_weather.forecasts import user_probabilities
from tradewinds.families.kalshi_weather.plan import plan_of
from tradewinds.families.kalshi_weather.probability_coverage import look_at_distributions, look_at_probabilities
from tradewinds.families.kalshi_weather.tradable_markets import tradable
from tradewinds.families.kalshi_weather.validations import event_checks

FIXED = {"local_time": "23:00", "days_before": 1}
HEAD = "series_ticker,climate_date,known_at_utc,mu_f,sigma_f\n"
HOUR = 3600


def resolved(policy, probabilities=None, **changes):
    changes |= {"asof_policy": policy, "series_tickers": ["KXHIGHCHI", "KXLOWTCHI"]}
    changes |= {"date_start_local": "2025-05-02", "date_end_local": "2025-05-03"}
    return resolve.resolve(CHICAGO | changes | ({"probabilities": probabilities} if probabilities else {}))


def test_fixed_is_what_it_was_and_says_nothing_more():
    plain, named = resolved(FIXED), resolved({**FIXED, "mode": "fixed"})
    assert plain == named and plain["asof_policy"] == FIXED
    assert resolve.run_id(plain) == resolve.run_id(named)
    plan = plan_of(plain)
    assert not plan.files.observations and not plan.files.is_latest
    assert plan.stages["probabilities"][0].schema == schemas.PROBABILITIES


def test_latest_alone_begins_with_the_market_and_asks_for_every_day_of_a_station_once():
    conf = resolved({"mode": "latest"})
    assert conf["asof_policy"] == {"mode": "latest", "local_time": "00:00", "days_before": 1}
    plan = plan_of(conf)
    days = [dt.date(2025, 5, 2), dt.date(2025, 5, 3)]
    assert plan.files.observations == {("KMDW", day): schemas.observation_path("KMDW", day) for day in days}
    assert set(plan.files.observations.values()) <= set(plan.fetched)
    assert plan.stages["probabilities"][0].schema == schemas.LATEST_PROBABILITIES
    fixed = plan_of(resolved(FIXED))
    latest = plan_of(resolved({**FIXED, "mode": "latest"}))
    assert latest.files.candles == fixed.files.candles and latest.files.guidance == fixed.files.guidance
    assert not set(latest.files.forecasts.values()) & set(fixed.files.forecasts.values())
    assert latest.files.probabilities != fixed.files.probabilities and latest.run_id != fixed.run_id


def test_own_files_need_no_weather(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(HEAD)
    for source in ("file", "distribution"):
        plan = plan_of(resolved({"mode": "latest"}, {"source": source, "path": str(path)}))
        assert not plan.files.observations and not plan.files.guidance and not plan.files.forecasts
        assert plan.files.user_probabilities == str(path)


@pytest.mark.parametrize(
    ("policy", "probabilities", "words"),
    [
        ({"local_time": "23:00"}, None, "asof_policy.days_before: this key is missing"),
        ({"mode": "fixed"}, None, "asof_policy.local_time: this key is missing"),
        ({"mode": "newest"}, None, "asof_policy.mode"),
        ({"mode": "latest"}, {"source": "pooled"}, "asof_policy.mode: is latest, and a pool shrinks"),
        (FIXED, {"source": "distribution"}, "probabilities.path: this key is missing"),
        (FIXED, {"source": "distribution", "path": "x.csv", "models": ["GFS"]}, "unknown key"),
    ],
)
def test_what_cannot_be_is_refused_by_its_key(policy, probabilities, words):
    with pytest.raises(ConfigError) as caught:
        resolved(policy, probabilities)
    assert words in str(caught.value)


def coverage(tmp_path, text, policy, source):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    conf = resolved(policy, {"source": source, "path": str(path)})
    look = look_at_distributions if source == "distribution" else look_at_probabilities
    return list(look(conf, plan_of(conf)))


def test_a_file_of_distributions_is_counted_before_anything_is_asked_for(tmp_path):
    rows = [
        "KXHIGHCHI,2025-05-02,2025-05-01T18:00:00Z,70,2",
        "KXHIGHCHI,2025-05-02,2025-05-02T18:00:00Z,71,2",
        "KXHIGHNY,2025-05-02,2025-05-01T18:00:00Z,70,2",
    ]
    text = HEAD + "\n".join(rows) + "\n"
    [fixed] = coverage(tmp_path, text, FIXED, "distribution")
    assert "1 of 4 events have a distribution that was known by the as-of time" in fixed.what and fixed.is_warning
    assert "rows of " in fixed.what and ": 3, for an event of this config: 2, of them in time: 1" in fixed.what
    [latest] = coverage(tmp_path, text, {"mode": "latest"}, "distribution")
    assert "known before the end of its day" in latest.what and "of them in time: 2" in latest.what
    [nothing] = coverage(tmp_path, HEAD, FIXED, "distribution")
    assert nothing.refused is ConfigError and "has no rows" in nothing.what
    [late] = coverage(tmp_path, HEAD + rows[1] + "\n", FIXED, "distribution")
    assert late.refused is ConfigError and "too late" in late.what
    [other] = coverage(tmp_path, HEAD + rows[2] + "\n", FIXED, "distribution")
    assert other.refused is ConfigError and "no row for an event" in other.what


def test_rows_of_the_running_day_count_for_latest_alone(tmp_path):
    text = "market_ticker,known_at_utc,p_yes\nKXHIGHCHI-25MAY02-B70.5,2025-05-02T20:00:00Z,0.5\n"
    [fixed] = coverage(tmp_path, text, FIXED, "file")
    assert fixed.refused is ConfigError and "after the as-of time" in fixed.what
    [latest] = coverage(tmp_path, text, {"mode": "latest"}, "file")
    assert "of them in time: 1" in latest.what and "before the end of its day" in latest.what
    late = text.replace("05-02T20", "05-03T20")
    [late] = coverage(tmp_path, late, {"mode": "latest"}, "file")
    assert late.refused is ConfigError and "after its market has closed" in late.what


def market(**changes):
    plain = {
        **{"ticker": "E-A", "event_ticker": "E", "result": "yes", "payout_yes_micro": 10**6, "open_ts": 0},
        **{"start_ts": 600, "end_ts": 6000, "settle_ts": 7000, "fee_rate": 0, "p_pico": 5 * 10**11, "known_at_ts": 0},
        **{"bounds": (70, 71), "volume": None, "valid_until_ts": None},
    }
    return ReplayMarket(**plain | changes)


def timeline(*known):
    return events._timeline([events._KnownProbability(ts, p) for ts, p in known], 600, 6000)


def test_what_is_in_force_in_a_window():
    assert timeline() == (None, None, None, ())
    assert timeline((1, 10), (600, 20), (601, 30), (601, 40), (5999, 50), (6000, 60)) == (
        *(20, 600, None),
        ((601, 40), (5999, 50)),
    )
    assert timeline((700, 10), (800, 20)) == (10, 700, 700, ((800, 20),))
    assert timeline((6000, 10)) == (None, 6000, None, ())
    what = market(p_from_ts=700, p_pico=10, later_p=((800, 20),))
    assert [what.p_at(ts) for ts in (699, 700, 799, 800)] == [None, 10, 10, 20]


@pytest.mark.parametrize(
    ("p_from_ts", "refused", "kept"), [(None, 0, 1), (600, 0, 1), (601, 1, 1), (660, 1, 1), (5999, 1, 1)]
)
def test_decision_times_before_the_first_probability_are_counted_once(p_from_ts, refused, kept):
    event = types.SimpleNamespace(markets=[market(p_from_ts=p_from_ts)])
    found, counts = tradable(event, 60)
    assert (len(found), counts["NO_PROBABILITY"]) == (kept, refused)


def test_a_ladder_that_changes_must_sum_to_one_at_whole_minutes():
    def verdict(*later):
        pair = [market(ticker=f"E-{name}", later_p=changes) for name, changes in zip("AB", later, strict=True)]
        event = ReplayEvent(None, None, "E", "", None, 0, tuple(pair), None)
        config = {"validations": None, "probabilities": {"source": "file"}, "asof_policy": {"mode": "latest"}}
        return event_checks.ladder_sums_to_one(event_checks.EventFacts(event, config, {}, None))

    high, low = 7 * 10**11, 3 * 10**11
    assert verdict((), ()) == ""
    assert verdict(((1210, high),), ((1250, low),)) == "", "within one minute there is no decision"
    assert verdict(((1210, high),), ((1270, low),)).startswith("its probabilities sum to 1.2 from 1970-01-01 00:21Z on")
    assert verdict(((1260, high),), ((1260, low),)) == ""


def test_of_equal_times_the_later_row_of_a_file_is_in_force():
    rows = [(1, "a"), (5, "b"), (5, "c"), (9, "d"), (9, "e")]
    assert user_probabilities.in_force(rows, 5, 9) == [(5, "c")]
    assert user_probabilities.in_force(rows, 4, 10) == [(1, "a"), (5, "c"), (9, "e")]
    assert user_probabilities.in_force(rows, 0, 2) == [(1, "a")]
