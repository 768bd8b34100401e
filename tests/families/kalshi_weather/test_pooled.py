"""Probabilities pooled with the price: row by row as the naive implementation makes them, and blind to the future."""

import dataclasses
import datetime as dt
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.families.kalshi_weather.pooled_world import FIRST, HOUR, LAST, SERIES, config_of, make_inputs
from tests.reference import naive_edge as naive
from tradewinds.audits import lookahead
from tradewinds.config import resolve
from tradewinds.core import files
from tradewinds.core.errors import ConfigError
from tradewinds.families.contract import PLANTED, Future
from tradewinds.families.kalshi_weather import climate_days, replay, schemas
from tradewinds.families.kalshi_weather.calibration.inputs import newest_inputs
from tradewinds.families.kalshi_weather.forecasts.market_probabilities import build_probabilities
from tradewinds.families.kalshi_weather.lookahead.changed_inputs import CANDLES, KINDS, LISTINGS, RESULTS, change_future
from tradewinds.families.kalshi_weather.lookahead.subject import ORDERS, PROBABILITIES, EventsRun
from tradewinds.families.kalshi_weather.plan import events_plan
from tradewinds.families.kalshi_weather.pooling.pooled_probabilities import pooled_table
from tradewinds.families.kalshi_weather.pooling.probability_sources import forecast_config, on_dates
from tradewinds.session import making
from tradewinds.session.settings import Config

DAYS = (LAST - FIRST).days + 1


def made(inputs):
    """The table of an input's pooled probabilities by ticker, and its metadata."""
    forecast = build_probabilities(forecast_config(inputs.config), inputs.catalogs, {}, inputs.user_file)
    table, meta = pooled_table(inputs.config, inputs.catalogs, inputs.candles, forecast)
    assert table.schema.equals(schemas.POOLED_PROBABILITIES)
    return {row["market_ticker"]: row for row in table.to_pylist()}, meta


def events_of(inputs):
    """Every event by plain loops: its series, date, as-of time, quotes, user's probabilities, winner and settlement."""
    users = {row["market_ticker"]: row for row in pq.read_table(inputs.user_file).to_pylist()}
    for series, path in inputs.catalogs.items():
        by_day = {}
        for row in pq.read_table(path).to_pylist():
            by_day.setdefault(row["climate_date"], []).append(row)
        for day, markets in sorted(by_day.items()):
            asof = climate_days.asof_ts(climate_days.station_of(series), day, "23:00", 1)
            last = {}
            for row in pq.read_table(inputs.candles[series, day]).to_pylist():
                if row["end_period_ts"] <= asof:
                    last[row["market_ticker"]] = row
            quotes = [last[one["market_ticker"]] for one in markets]
            yield {
                "series": series,
                "day": day,
                "asof": asof,
                "tickers": [one["market_ticker"] for one in markets],
                "q": naive.shares([float(row["yes_bid_close"] + row["yes_ask_close"]) / 2 for row in quotes]),
                "f": naive.shares([float(users[one["market_ticker"]]["p_yes"]) for one in markets]),
                "p": [users[one["market_ticker"]]["p_yes"] for one in markets],
                "known": max(
                    *(row["end_period_ts"] for row in quotes),
                    *(int(users[one["market_ticker"]]["known_at_utc"].timestamp()) for one in markets),
                ),
                "winner": [one["result"] for one in markets].index("yes"),
                "settled": max(int(one["settlement_ts"].timestamp()) for one in markets),
            }


@pytest.mark.parametrize("pooled", [{}, {"scope": "series", "shrinkage": 0.5}, {"train_from": "2025-05-08"}], ids=str)
def test_every_row_is_that_of_the_naive_implementation(tmp_path, pooled):
    inputs = make_inputs(tmp_path, 1, **pooled)
    rows, meta = made(inputs)
    settings = inputs.config["probabilities"]["pooled"]
    events = list(events_of(inputs))
    assert len(rows) == sum(len(event["tickers"]) for event in events) and meta["events_without"] == {}
    first = dt.date.fromisoformat(settings["train_from"] or FIRST.isoformat())
    for event in events:
        training = [
            one
            for one in events
            if one["settled"] <= event["asof"]
            and one["day"] >= first
            and (settings["scope"] == "config" or one["series"] == event["series"])
        ]
        b, c = 1.0, 0.0
        if training:
            b, c = naive.fit([(o["q"], o["f"], o["winner"], o["day"]) for o in training], settings["shrinkage"])
        z = naive.pool(event["q"], event["f"], b, c)
        for n, ticker in enumerate(event["tickers"]):
            row = rows[ticker]
            assert row["training_events"] == len(training)
            assert (row["b"], row["c"], row["q"]) == pytest.approx((b, c, event["q"][n]), abs=1e-9)
            assert float(row["p_yes"]) == pytest.approx(z[n], abs=2e-12)
            assert (row["p_base"], row["known_at_ts"], row["method"]) == (event["p"][n], event["known"], "pooled")
            assert row["known_at_ts"] <= row["asof_ts"]
        assert sum(rows[ticker]["p_yes"] for ticker in event["tickers"]) == pytest.approx(
            Decimal(1), abs=Decimal("1e-11")
        )


def test_without_a_settled_event_the_price_stands_for_itself_and_fixed_weights_are_not_fitted(tmp_path):
    inputs = make_inputs(tmp_path, 2)
    rows, _ = made(inputs)
    early = [row for row in rows.values() if row["climate_date"] <= FIRST + dt.timedelta(days=1)]
    assert early and all((row["b"], row["c"], row["training_events"]) == (1, 0, 0) for row in early)
    assert all(float(row["p_yes"]) == pytest.approx(row["q"], abs=1e-12) for row in early)
    conf = config_of(inputs.user_file, fixed={"b": 1.2, "c": 0.3})
    rows, _ = made(dataclasses.replace(inputs, config=conf))
    assert {(row["b"], row["c"], row["training_events"]) for row in rows.values()} == {(1.2, 0.3, 0)}


def test_no_probability_of_a_pool_depends_on_its_future(tmp_path):
    seen = Counter()
    for seed in (3, 4):
        folder = tmp_path / str(seed)
        folder.mkdir()
        for report in lookahead.check(EventsRun(make_inputs(folder, seed)), cuts=4, seed=seed):
            assert not report.changes, f"seed {seed}, {report.cut}: {report.changes[0]}"
            seen += report.decisions + report.records
    for kind in (CANDLES, RESULTS, LISTINGS, PLANTED, ORDERS, PROBABILITIES):
        assert seen[kind] > 20, f"{kind}: these worlds test nothing"


def test_candles_and_results_after_an_asof_time_change_none_of_its_probabilities_and_earlier_ones_do(tmp_path):
    inputs = make_inputs(tmp_path, 5)
    rows, _ = made(inputs)
    for day in (FIRST + dt.timedelta(days=n) for n in (2, 6, DAYS - 1)):
        for series in SERIES:
            asof = climate_days.asof_ts(climate_days.station_of(series), day, "23:00", 1)
            folder = tmp_path / f"{series}{day}"
            folder.mkdir()
            changed, counts = change_future(inputs, Future(asof, True, frozenset(KINDS)), folder)
            assert counts[CANDLES] and counts[RESULTS]
            again, _ = made(changed)
            own = [
                ticker for ticker, row in rows.items() if (row["series_ticker"], row["climate_date"]) == (series, day)
            ]
            assert own and all(again[ticker] == rows[ticker] for ticker in own)
            later = [ticker for ticker, row in rows.items() if row["asof_ts"] > asof + 2 * 24 * HOUR]
            assert not later or any(
                again[ticker]["p_yes"] != rows[ticker]["p_yes"] for ticker in later if ticker in again
            )
    # a changed result that was known does change what comes after it
    told = pq.read_table(inputs.catalogs[SERIES[0]]).to_pylist()
    for row in told[:4]:
        row["result"] = "yes" if row["market_ticker"].endswith("B3") else "no"
    winners = [row["result"] for row in pq.read_table(inputs.catalogs[SERIES[0]]).to_pylist()[:4]]
    files.write_parquet(
        inputs.catalogs[SERIES[0]], pq.read_table(inputs.catalogs[SERIES[0]]).from_pylist(told, schemas.CATALOG), {}
    )
    if winners.index("yes") != 3:
        again, _ = made(inputs)
        assert any(again[ticker]["c"] != row["c"] for ticker, row in rows.items() if row["training_events"])


def test_an_event_without_a_price_has_no_probability_and_is_left_out(tmp_path):
    inputs = make_inputs(tmp_path, 6)
    day = FIRST + dt.timedelta(days=3)
    path, asof = (
        inputs.candles[SERIES[0], day],
        climate_days.asof_ts(climate_days.station_of(SERIES[0]), day, "23:00", 1),
    )
    table = pq.read_table(path)
    silent = f"{climate_days.event_ticker_of(SERIES[0], day)}-B1"
    kept = [row for row in table.to_pylist() if row["market_ticker"] != silent or row["end_period_ts"] > asof]
    files.write_parquet(
        path,
        table.from_pylist(kept, schemas.CANDLES),
        {**files.read_meta(path), "rows_per_market": dict(Counter(row["market_ticker"] for row in kept))},
    )
    rows, meta = made(inputs)
    event = climate_days.event_ticker_of(SERIES[0], day)
    assert meta["events_without"] == {event: "NO_PRICE"} and not [ticker for ticker in rows if ticker.startswith(event)]
    run = EventsRun(inputs).original.result
    assert (event, "MISSING_PROBABILITIES") in run.skipped


def test_old_probabilities_are_not_traded_on(tmp_path):
    inputs = make_inputs(tmp_path, 7)
    asof = {row["event_ticker"]: row["asof_ts"] for row in made(inputs)[0].values()}

    def run(minutes):
        conf = config_of(inputs.user_file, valid_minutes=minutes)
        return EventsRun(dataclasses.replace(inputs, config=conf)).original.result

    markets = len(made(inputs)[0])
    for minutes in (0, 60, 90):
        found = run(minutes)
        assert found.diagnostics["rejections"]["STALE_PROBABILITY"] == markets
        late = [trade.decision_ts - asof[trade.event_ticker] for trade in found.trades]
        assert max(late) <= minutes * 60 and found.diagnostics["events_traded"]
    free = run(None)
    assert "STALE_PROBABILITY" not in free.diagnostics["rejections"]
    first = run(60)
    early = [t for t in free.trades if t.decision_ts <= asof[t.event_ticker] + HOUR]
    shown = [(t.market_ticker, t.decision_ts, t.side, t.qty) for t in early]
    assert [(t.market_ticker, t.decision_ts, t.side, t.qty) for t in first.trades][:20] == shown[:20]


def test_the_plan_knows_candles_of_earlier_events_and_shares_forecasts_with_the_source_behind_the_pool(tmp_path):
    base = config_of("mine.csv") | {"probabilities": {"source": "gaussian"}}
    resolved = {
        name: resolve.resolve({**base, "probabilities": settings})
        for name, settings in {
            "gaussian": {"source": "gaussian"},
            "pooled": {"source": "pooled"},
            "hour": {"source": "pooled", "pooled": {"valid_minutes": None}},
            "earlier": {"source": "pooled", "pooled": {"train_from": "2024-12-30"}},
        }.items()
    }
    plans = {name: events_plan(conf) for name, conf in resolved.items()}
    assert plans["gaussian"].files.forecasts == plans["pooled"].files.forecasts
    assert plans["gaussian"].files.priced_candles == {} and "training_candles" not in plans["pooled"].inputs
    assert plans["pooled"].files.priced_candles == plans["pooled"].files.candles
    assert plans["pooled"].files.probabilities == plans["hour"].files.probabilities
    assert len({plan.run_id for plan in plans.values()}) == 4
    training = plans["earlier"].files.training
    assert training[0].climate_date == dt.date(2024, 12, 30) and training[-1].climate_date < FIRST
    assert set(plans["earlier"].inputs["training_candles"]) == {event.path for event in training}
    fetched = plans["earlier"].fetched
    assert all(event.path in fetched for event in training)
    assert {year for _, _, year in plans["earlier"].files.forecasts} == {2024, 2025}
    window_only = resolve.resolve({**resolved["pooled"], "candles": {"window_policy": "TRADE_WINDOW_ONLY"}})
    assert events_plan(window_only).files.window.key == "full_1m"
    day = on_dates(resolved["earlier"], FIRST, FIRST)
    assert day["probabilities"]["pooled"]["train_from"] == "2024-12-30" and day["date_end_local"] == FIRST


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"source": "pooled", "pooled": {"shrinkage": 0}},
            r"pooled\.shrinkage: 0 is out of range: it must be above 0\. How many",
        ),
        ({"source": "pooled", "pooled": {"of": "file"}}, r"probabilities\.path: this key is missing"),
        ({"source": "pooled", "path": "mine.csv"}, r"path: unknown key"),
        ({"source": "pooled", "pooled": {"of": "gausian"}}, r"pooled\.of"),
        ({"source": "pooled", "pooled": {"train_from": "2025-06-01"}}, r"train_from: 2025-06-01 is not between"),
        ({"source": "pooled", "pooled": {"fixed": {"b": 1}}}, r"fixed\.c: this key is missing"),
    ],
)
def test_what_a_config_may_not_say(settings, said):
    with pytest.raises(ConfigError, match=said):
        resolve.resolve({**config_of("mine.csv"), "probabilities": settings})


def test_weights_that_the_config_names_need_no_earlier_events():
    plans = {
        name: events_plan(config_of("mine.csv", train_from="2025-04-20", **more))
        for name, more in {"fitted": {}, "fixed": {"fixed": {"b": 1.2, "c": 0.3}}}.items()
    }
    assert plans["fitted"].files.training and plans["fixed"].files.training == ()
    assert len(plans["fitted"].fetched) > len(plans["fixed"].fetched)


def test_a_table_of_python_is_pooled_in_place_of_the_forecast(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"market_ticker": ["A"], "known_at_utc": ["2025-05-01T00:00Z"], "p_yes": [0.5]})
    asked = {
        **config_of("mine.csv"),
        "probabilities": {"source": "pooled", "pooled": {"shrinkage": 7, "scope": "series"}},
    }
    made = making._with_own(Config.of(asked), frame, None, None).resolved["probabilities"]
    assert (made["source"], made["pooled"]["of"]) == ("pooled", "file") and Path(made["path"]).exists()
    assert (made["pooled"]["shrinkage"], made["pooled"]["scope"], made["pooled"]["valid_minutes"]) == (7, "series", 60)
    assert "models" not in made
    plain = making._with_own(Config.of({**asked, "probabilities": {"source": "gaussian"}}), frame, None, None)
    assert plain.resolved["probabilities"] == {"source": "file", "path": made["path"]}


def test_the_age_of_a_forecast_is_that_of_its_newest_probability_and_not_of_the_prices_it_is_pooled_with(tmp_path):
    inputs = make_inputs(tmp_path, 9)
    table = pq.read_table(inputs.user_file)
    rows = table.to_pylist()
    newest = {}
    for number, row in enumerate(rows):  # the first market of each event is the last to be known
        row["known_at_utc"] += dt.timedelta(minutes=-number % 4)
        event = row["market_ticker"].rpartition("-")[0]
        newest[event] = max(newest.get(event, row["known_at_utc"]), row["known_at_utc"])
    pq.write_table(pa.Table.from_pylist(rows, table.schema), inputs.user_file)
    made_rows, meta = made(inputs)
    expected = {event: int(known.timestamp()) for event, known in newest.items()}
    assert meta["forecast_known_at"] == expected
    forecast, _ = build_probabilities(forecast_config(inputs.config), inputs.catalogs, {}, inputs.user_file)
    events = {row["event_ticker"]: (row["series_ticker"], row["climate_date"]) for row in made_rows.values()}
    for found in (
        newest_inputs(made_rows.values(), meta["forecast_known_at"]),
        newest_inputs(forecast.to_pylist(), {}),
    ):
        assert found == {events[event]: known for event, known in expected.items()}


def test_the_replay_takes_quotes_by_the_window_policy(tmp_path):
    """Under TRADE_WINDOW_ONLY a pool reads candles before the as-of time, and the replay does not."""
    inputs = make_inputs(tmp_path, 8)
    conf = resolve.resolve({**inputs.config, "candles": {"window_policy": "TRADE_WINDOW_ONLY"}})
    run = EventsRun(dataclasses.replace(inputs, config=conf)).original.result
    asof = {row["event_ticker"]: row["asof_ts"] for row in made(inputs)[0].values()}
    assert run.trades and all(trade.quote_ts >= asof[trade.event_ticker] for trade in run.trades)
    full = EventsRun(inputs).original.result
    assert any(trade.quote_ts < asof[trade.event_ticker] for trade in full.trades)
    assert replay.CROSSED_QUOTE not in run.diagnostics["rejections"]
