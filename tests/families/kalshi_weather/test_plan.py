"""The plan: which files a question is made of, which are there or out of date, what the rest costs, and how it is shown."""

import datetime as dt
import io
import json
import math
from pathlib import Path

import pyarrow as pa
import pytest
from rich.console import Console

from tests.workflow.harness import CHICAGO
from tradewinds.cli import display
from tradewinds.config import resolve
from tradewinds.config.markets import family_of
from tradewinds.core.damage import damaged_files
from tradewinds.core.errors import ConfigError
from tradewinds.core.files import write_parquet, write_text
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.candle_window import CandleWindow
from tradewinds.families.kalshi_weather.plan import plan_of
from tradewinds.families.kalshi_weather.plan_cost import plan_rows
from tradewinds.families.plan import asked_through, needed_through, stale_files
from tradewinds.pipeline import progress
from tradewinds.pipeline.screen import Screen

CHI, LOW, MIA = "KXHIGHCHI", "KXLOWTCHI", "KXHIGHMIA"
TRADE_WINDOW = {"window_policy": "TRADE_WINDOW_ONLY", "period_interval_minutes": 1}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def resolved(**changes):
    dates = {"date_start_local": "2025-02-27", "date_end_local": "2025-03-02"}
    default = {"probabilities": {"source": "gaussian"}}
    return resolve.resolve(
        CHICAGO | dates | default | {"series_tickers": [CHI, MIA], "output_dir": "backtests/"} | changes
    )


def touch(*paths):
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()


def write_catalog(series, covers, asked="2025-03-02", markets=()):
    """A catalog of (date, open, close, tier) markets."""
    blank = {field.name: "x" if field.type == pa.string() else None for field in schemas.CATALOG}
    rows = [
        blank
        | {"market_ticker": f"M{n}", "climate_date": day, "open_time": opens, "close_time": closes, "tier": tier}
        | {"retrieved_at": closes}
        for n, (day, opens, closes, tier) in enumerate(markets)
    ]
    meta = {"covers_through": covers, "asked_through": asked, "requests": 7}
    write_parquet(schemas.catalog_path(series), pa.Table.from_pylist(rows, schemas.CATALOG), meta)


def test_one_candle_file_for_each_series_and_climate_date():
    plan = plan_of(resolved())
    days = ["2025-02-27", "2025-02-28", "2025-03-01", "2025-03-02"]  # both ends are in
    cells = [(series, day) for series in (CHI, MIA) for day in days]
    assert [(e.series_ticker, e.climate_date.isoformat()) for e in plan.files.events] == cells
    assert [e.path for e in plan.files.events] == [f"data/candles/kalshi/full_1m/{s}/{d}.parquet" for s, d in cells]
    assert plan.files.catalogs == {s: f"data/catalog/kalshi/{s}.parquet" for s in (CHI, MIA)}
    assert plan.run_dir == f"backtests/{plan.run_id}"


def test_only_what_defines_a_file_changes_its_name():
    plan = plan_of(resolved())
    same = plan_of(resolved(kalshi={"requests_per_second": 1}, iem={"base_url": "http://127.0.0.1:9"}, fetch="never"))
    assert same == plan
    seed = plan_of(resolved(seed=7))
    assert (seed.fetched, seed.files.probabilities) == (
        plan.fetched,
        plan.files.probabilities,
    ) and seed.run_id != plan.run_id
    later = plan_of(resolved(asof_policy={"local_time": "22:00", "days_before": 1}))
    assert later.files.events == plan.files.events and later.files.probabilities != plan.files.probabilities


def test_the_name_of_a_window_says_how_to_fetch_it():
    assert CandleWindow.parse(plan_of(resolved()).files.window.key) == CandleWindow("FULL_MARKET_WINDOW", 1)
    for key, clock, days in (("trade_2300_d1_1m", "23:00", 1), ("trade_0530_d0_1m", "05:30", 0)):
        asof = {"local_time": clock, "days_before": days}
        assert plan_of(resolved(candles=TRADE_WINDOW, asof_policy=asof)).files.window.key == key
        assert CandleWindow.parse(key) == CandleWindow("TRADE_WINDOW_ONLY", 1, clock, days)
    for key in ("full_m", "full_1m/..", "trade_2300_1m", "FULL_1m"):
        with pytest.raises(ConfigError, match="is no window"):
            CandleWindow.parse(key)


def test_weather_is_by_station_and_reaches_back_for_the_windows_of_a_whole_year():
    gaussian = {"source": "gaussian", "models": ["GFS", "MEX"], "trailing_days": 48, "min_days": 5}
    years = {2023, 2024, 2025}  # climatology looks back two years, the regression not quite as far
    plan = plan_of(resolved(series_tickers=[CHI, LOW], probabilities=gaussian))
    assert set(plan.files.climate) == {("KMDW", y) for y in years}, "two series of a station share its files"
    assert set(plan.files.guidance) == {("KMDW", m, y) for m in ("GFS", "MEX") for y in years}
    assert plan.files.guidance["KMDW", "MEX", 2025] == "data/guidance/iem/KMDW/MEX/2025.parquet"
    longer = plan_of(resolved(probabilities=gaussian | {"emos_days": 700}))
    assert set(longer.files.climate) == {(s, y) for s in ("KMDW", "KMIA") for y in {2022} | years}
    mine = plan_of(resolved(probabilities={"source": "file", "path": "mine.csv"}))
    assert (mine.files.guidance, mine.files.climate, mine.files.user_probabilities) == ({}, {}, "mine.csv")
    assert plan.files.user_probabilities is None
    years = {"date_start_local": "2018-12-31", "date_end_local": "2021-01-01"}
    old = plan_of(resolved(series_tickers=["KXHIGHNY"], probabilities=gaussian, **years))
    asked = {(m, y) for _, m, y in old.files.guidance}
    assert asked == {("GFS", y) for y in range(2016, 2022)} | {("MEX", 2020), ("MEX", 2021)}, (
        "not before MEX was archived"
    )


def test_missing_is_what_is_fetched_and_not_there():
    plan = plan_of(resolved())
    assert plan.missing() == plan.fetched and len(plan.fetched) == len(set(plan.fetched))
    here = [plan.files.events[3].path, plan.files.catalogs[MIA], next(iter(plan.files.climate.values()))]
    touch(*here, plan.files.probabilities)
    assert plan.missing() == [path for path in plan.fetched if path not in here]
    touch(*plan.fetched)
    assert plan.missing() == []


def test_what_another_window_holds_is_not_missing():
    plan = plan_of(resolved(series_tickers=[CHI]))
    evening = {"local_time": "23:00", "days_before": 1}
    trade = plan_of(resolved(series_tickers=[CHI], candles=TRADE_WINDOW, asof_policy=evening))
    early = plan_of(resolved(series_tickers=[CHI], candles=TRADE_WINDOW, asof_policy=evening | {"local_time": "21:00"}))
    touch(plan.files.events[0].path, early.files.events[1].path, trade.files.events[2].path)
    gone = [path for path in trade.missing() if "/candles/" in path]
    assert gone == [trade.files.events[3].path], "one from the full window, one from an earlier one, one is there"
    assert trade.files.events[2].path in early.fetched or early.files.events[2].path in early.missing(), (
        "not the other way round"
    )


def test_a_catalog_is_synced_again_only_when_the_range_reaches_past_it():
    end = dt.date(2025, 3, 2)
    chicago, miami = schemas.catalog_path(CHI), schemas.catalog_path(MIA)
    assert asked_through(chicago, end) == "2025-03-02"
    assert stale_files(plan_of(resolved())) == [], "what is not there is missing, not stale"
    write_catalog(CHI, covers="2025-03-02", asked="2024-12-31")
    write_catalog(MIA, covers="2025-03-01", asked="2025-03-02")
    assert asked_through(chicago, end) == "2024-12-31", "a parameter that stays the same makes nothing run again"
    assert asked_through(chicago, dt.date(2025, 3, 3)) == "2025-03-03"
    assert asked_through(miami, end) == "2025-03-02"
    assert stale_files(plan_of(resolved())) == [miami]
    assert stale_files(plan_of(resolved(date_end_local="2025-03-01"))) == []


def test_a_station_year_is_asked_again_while_its_year_runs():
    plan = plan_of(resolved(series_tickers=[CHI]))
    running, closed = plan.files.climate["KMDW", 2025], plan.files.climate["KMDW", 2024]
    write_parquet(running, schemas.CLIMATE.empty_table(), {"covers_through": "2025-03-01", "asked_through": "x"})
    write_parquet(closed, schemas.CLIMATE.empty_table(), {"covers_through": "2024-12-31", "asked_through": "x"})
    assert stale_files(plan) == [running]
    assert (needed_through(plan.date_end, 2024), needed_through(plan.date_end, 2025)) == (
        dt.date(2024, 12, 31),
        plan.date_end,
    )
    assert plan_of(resolved(series_tickers=[CHI], date_end_local="2025-03-01")).files.climate["KMDW", 2025] == running
    assert stale_files(plan_of(resolved(series_tickers=[CHI], date_end_local="2025-03-01"))) == []


def test_the_default_has_the_blend_from_its_first_year_on():
    old = plan_of(resolved(date_start_local="2019-12-30", date_end_local="2020-01-02", series_tickers=[CHI]))
    asked = {(model, year) for _, model, year in old.files.guidance}
    assert asked == {(m, y) for m in ("GFS", "NAM", "NBS") for y in range(2017, 2021)} - {("NBS", 2017)}
    two = plan_of(resolved(probabilities={"source": "gaussian", "models": ["GFS", "NAM"]}))
    added = set(plan_of(resolved()).fetched) - set(two.fetched)
    assert added == {schemas.guidance_path(s, "NBS", y) for s in ("KMDW", "KMIA") for y in (2023, 2024, 2025)}
    assert set(two.fetched) < set(plan_of(resolved()).fetched), "what was fetched before is all of use"


def test_a_year_that_was_missing_is_fetched_again_only_where_the_config_wants_it():
    conf = resolved(series_tickers=[CHI])
    path = schemas.guidance_path("KMDW", "NBS", 2024)
    meta = {"covers_through": "2024-12-31", "asked_through": "2024-12-31", "reason": "NOT_ARCHIVED"}
    write_parquet(path, schemas.GUIDANCE.empty_table(), meta)
    assert stale_files(plan_of(conf)) == [] and path not in plan_of(conf).missing()
    wanted = resolved(series_tickers=[CHI], on_missing={"guidance": "fail"})
    assert stale_files(plan_of(wanted)) == [path] and path in plan_of(wanted).missing()
    costs = [
        next(row for row in plan_rows(one, plan_of(one))[0] if row["what"] == "weather station-years")["requests"]
        for one in (conf, wanted)
    ]
    assert costs == [3 * 3 + 3 - 1, 3 * 3 + 3], "three years of three models and of reports"
    others = schemas.guidance_path("KMDW", "GFS", 2024)
    write_parquet(others, schemas.guidance_schema("GFS").empty_table(), meta)
    assert stale_files(plan_of(conf)) == [others], "others may be missing only where the config says so"
    assert stale_files(plan_of(resolved(series_tickers=[CHI], on_missing={"guidance": "skip"}))) == []
    # a running year that ends too early is asked for once, though it does not do for two reasons
    write_parquet(path, schemas.GUIDANCE.empty_table(), meta | {"covers_through": "2024-06-01"})
    assert stale_files(plan_of(wanted)).count(path) == 1


def test_files_of_the_blend_without_spreads_are_whole_and_others_are_not():
    path, row = schemas.guidance_path("KMDW", "NBS", 2024), {"station_id": "KMDW", "model": "NBS", "n_x_f": 1.0}
    row |= dict.fromkeys(("runtime_ts", "ftime_ts", "known_at_ts"), 0)
    table = pa.Table.from_pylist([row], schemas.GUIDANCE)
    [file] = [one for one in plan_of(resolved(series_tickers=[CHI])).data_files if one.path == path]
    for columns, damage in (([], 0), (["n_x_sd_f"], 0), (["tmp_f"], 1), (["known_at_ts", "n_x_sd_f"], 1)):
        write_parquet(path, table.drop_columns(columns), {})
        assert len(list(damaged_files([file]))) == damage, columns


def test_the_estimate_before_the_catalog_is_there():
    conf = resolved(kalshi={"requests_per_second": 4}, iem={"requests_per_second": 0.25})
    plan = plan_of(conf)
    touch(plan.files.events[0].path)
    [chicago, miami, weather], notes = plan_rows(conf, plan)
    assert tuple(chicago.values()) == (f"{CHI} events", 4, 1, 3, 3 * 6 + 2 + 8, "0:00:07")
    assert (miami["missing"], miami["requests"]) == (4, 4 * 6 + 2 + 4), (
        "a page per 1,000 markets since the first listing"
    )
    files = len(plan.files.guidance) + len(plan.files.climate)
    assert (weather["total"], weather["requests"]) == (files, files)
    assert weather["time"] == str(dt.timedelta(seconds=4 * files))
    assert [CHI in note and "not there yet" in note for note in notes] == [True, False, False, False]
    assert notes[2] == "58 requests to the exchange: at least 0:00:15 at 4 a second."
    assert plan.run_id in notes[-1] and "not yet simulated" in notes[-1]
    touch(f"{plan.run_dir}/metrics.json")
    assert "its results are there" in plan_rows(conf, plan)[1][-1]


def at(day, hour):
    return dt.datetime(2025, day // 100, day % 100, hour, tzinfo=dt.UTC)


def test_with_a_catalog_requests_are_counted_market_by_market():
    conf = resolved(series_tickers=[CHI], probabilities={"source": "file", "path": "mine.csv"})
    first, second, third = (dt.date(2025, 2, 27), dt.date(2025, 2, 28), dt.date(2025, 3, 1))
    markets = [
        (first, at(226, 0), at(228, 5), "historical"),
        (first, at(224, 0), at(228, 5), "historical"),  # 6,060 minutes: more than one request may span
        (second, at(227, 0), at(301, 5), "live"),
        (second, at(227, 0), at(301, 5), "live"),  # one request for the event
        (third, at(228, 0), at(302, 5), "historical"),
        (dt.date(2025, 3, 9), at(308, 0), at(310, 5), "historical"),  # not in the range
    ]
    write_catalog(CHI, "2025-03-02", markets=markets)
    [row], [total, note] = plan_rows(conf, plan_of(conf))
    assert (row["missing"], row["requests"]) == (4, 3 + 1 + 1), "a covered day without markets asks nothing"
    assert row["time"] == str(dt.timedelta(seconds=math.ceil(5 / 3))) and total.startswith("5 requests")
    spans = {f"M{n}": [int(at(226, 0).timestamp()), int(at(228, 6).timestamp())] for n in range(2)}
    write_parquet(plan_of(conf).files.events[0].path, schemas.CANDLES.empty_table(), {"windows": spans})
    assert plan_rows(conf, plan_of(conf))[0][0]["requests"] == 2
    write_catalog(CHI, "2025-03-01", markets=markets)
    [row], notes = plan_rows(conf, plan_of(conf))
    assert row["requests"] == 2 + 7 and "does not reach the end" in notes[0] and note in notes
    short = resolved(candles=TRADE_WINDOW, series_tickers=[CHI], asof_policy={"local_time": "23:00", "days_before": 2})
    write_catalog(CHI, "2025-03-02", markets=markets)
    assert plan_rows(short, plan_of(short))[0][0]["requests"] == 1 + 1, "what the full window has is not asked for"
    Path(plan_of(conf).files.events[0].path).unlink()
    assert plan_rows(short, plan_of(short))[0][0]["requests"] == 2 + 1 + 1, "the window begins at the as-of time"


def screen(terminal=False):
    return Screen(Console(file=io.StringIO(), force_terminal=terminal, width=100, color_system=None))


def test_progress_counts_the_files_this_run_had_to_make():
    conf = resolved()
    plan = plan_of(conf)
    touch(*plan.files.catalogs.values(), plan.files.events[0].path)
    console = screen()
    with progress.Watch(progress.groups(plan, "loaded.json"), console, ".") as watch:
        watch()
        touch(plan.files.events[1].path)
        watch()
        touch(*(event.path for event in plan.files.events))
        watch()
        watch()
    assert console.console.file.getvalue() == "candles: 7 of 7\n", (
        "one line when a kind is complete, none for what was there"
    )
    with progress.Watch(progress.groups(plan, "loaded.json"), bars := screen(terminal=True), ".") as watch:
        touch(*plan.files.guidance.values())
        watch()
    bars_shown = [line.split() for line in bars.console.file.getvalue().splitlines() if "/" in line][-7:]
    weather = f"{len(plan.files.guidance)}/{len(plan.files.guidance) + len(plan.files.climate)}"
    assert (
        " ".join(w[0].split("K")[-1] for w in bars_shown)
        == "weather forecasts probabilities simulate calibration report load"
    )
    assert weather in bars_shown[0] and "0/2" in bars_shown[1] and "0/1" in bars_shown[2]


def test_tables_say_what_is_undefined_and_why_nothing_happened():
    plan, console = plan_of(resolved()), screen()
    diagnostics = {
        "events_traded": 0,
        "events_attempted": 8,
        "events_skipped": {"NO_EVENT": 3},
        "rejections": {"MAX": 2, "EV_THRESHOLD": 3},
    }
    own = family_of("kalshi_weather").headlines
    metrics = dict.fromkeys(key for _, key in (*display._HEADLINES, *own)) | {
        "start_balance_usd": 1234.5,
        "brier": 0.123456,
    }
    metrics |= {"num_trades": 0, "diagnostics": diagnostics}
    write_text(f"{plan.run_dir}/metrics.json", json.dumps(metrics))
    display.show_summary(
        console, plan, "mysql://me:***@db/x", "USD", own, "Events", family_of("kalshi_weather").refusal_text
    )
    lines = [line.strip("│ ") for line in console.console.file.getvalue().splitlines() if line.count("│") == 2]
    rows = {" ".join(line.split()[:-1]): line.split()[-1] for line in lines}
    wanted = {"Start balance, USD": "1,234.50", "Sharpe": "—", "Brier score": "0.1235", "Trades": "0"}
    wanted |= {"Events traded / attempted 0 /": "8", "Rejected: MAX": "2"}
    wanted |= {"Skipped: the exchange lists no such event (NO_EVENT)": "3"}
    assert wanted.items() <= rows.items()
    # the code stands for an entry, too, which is worth more than it costs
    shown = " ".join(console.console.file.getvalue().replace("│", " ").split())
    assert "Rejected: the smaller order a limit left is not worth its fee (EV_THRESHOLD)" in shown
    assert "no trade; the most frequent reasons: the exchange lists no such event (NO_EVENT): 3; " in shown
    assert f"report    {plan.run_dir}/report.html" in console.console.file.getvalue()
    other = screen()
    display.show_summary(other, plan, "sqlite:///x.db", "AUD", own, "Symbols", str)
    shown = " ".join(other.console.file.getvalue().split())
    assert "Start balance, AUD 1,234.50" in shown and "Max drawdown, AUD" in shown and "USD" not in shown
    display.show_plan(console, *plan_rows(resolved(), plan))
    assert "0:00:10" in console.console.file.getvalue() and "its results are there" in console.console.file.getvalue()


def test_configs_that_agree_on_the_forecast_share_its_files():
    """A year of a station's forecasts is one file, whatever range and risk ask for it; other settings are other files."""
    one = plan_of(resolved(series_tickers=[CHI, LOW]))
    assert set(one.files.forecasts) == {("KMDW", "max", 2025), ("KMDW", "min", 2025)}
    longer = plan_of(resolved(series_tickers=[CHI], date_start_local="2024-11-01", risk={"fixed_qty": 7}))
    assert longer.files.forecasts["KMDW", "max", 2025] == one.files.forecasts["KMDW", "max", 2025]
    later = plan_of(resolved(series_tickers=[CHI], date_start_local="2024-11-01", date_end_local="2025-06-01"))
    assert later.files.forecasts["KMDW", "max", 2024] == longer.files.forecasts["KMDW", "max", 2024], (
        "a year that is over is made once"
    )
    assert later.files.forecasts["KMDW", "max", 2025].endswith("/KMDW/max/2025-06-01.parquet")
    assert longer.files.forecast_inputs("KMDW", 2025) == one.files.forecast_inputs("KMDW", 2025), (
        "nor does it read another file"
    )
    assert longer.files.forecasts_of(CHI) == [longer.files.forecasts["KMDW", "max", year] for year in (2024, 2025)]
    other_clock = {"asof_policy": {"local_time": "22:00", "days_before": 1}}
    for change in (other_clock, {"probabilities": {"source": "gaussian", "emos_days": 0}}):
        assert not set(plan_of(resolved(**change)).files.forecasts.values()) & set(one.files.forecasts.values())
    assert plan_of(resolved(probabilities={"source": "file", "path": "mine.csv"})).files.forecasts == {}
