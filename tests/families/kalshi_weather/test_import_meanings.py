"""The cells of an import: taken where the meaning is plain, else refused with file, row, column and remedy."""

import datetime as dt
import json
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewinds.core.errors import ConfigError
from tradewinds.families.kalshi_weather.archive.event_archive import EventArchive
from tradewinds.families.kalshi_weather.archive.import_recorded import import_recorded
from tradewinds.families.kalshi_weather.archive.recorded_candles import read_candles
from tradewinds.families.kalshi_weather.archive.recorded_weather import read_climate, read_guidance
from tradewinds.families.kalshi_weather.schemas import PRICE_COLUMNS

EVENT = "KXLOWTNYC-26MAR02"
MARKET = {
    "series_ticker": "KXLOWTNYC",
    "event_ticker": EVENT,
    "market_ticker": f"{EVENT}-B30.5",
    "strike_type": "between",
    "floor_strike": 30.0,
    "cap_strike": 31.0,
    "result": "yes",
    "open_time": dt.datetime(2026, 3, 1, 15, tzinfo=dt.UTC),
    "close_time": dt.datetime(2026, 3, 3, 5, tzinfo=dt.UTC),
}
CANDLE = {"market_ticker": MARKET["market_ticker"], "end_period_ts": 1772406000, "volume": 2, "open_interest": 3}
CANDLE |= {f"{name}_cents": 40.0 for name in PRICE_COLUMNS}
RUN = {
    "station": "KNYC",
    "model": "GFS",
    "runtime_utc": dt.datetime(2026, 3, 1, 12),
    "target_date": dt.date(2026, 3, 2),
}
RUN |= {"n_x_max_f": 41.0, "n_x_min_f": 30.0}
REPORT = {"station": "KNYC", "date": dt.date(2026, 3, 2), "high_f": 41, "low_f": 30}


def parquet(path, *rows, **columns):
    """A Parquet file of rows; `columns` replace those of the rows."""
    table = pa.Table.from_pylist(list(rows))
    for name, given in columns.items():
        values = given if isinstance(given, pa.Array) else pa.array(given)
        place = table.column_names.index(name) if name in table.column_names else table.num_columns
        table = (table.remove_column(place) if name in table.column_names else table).add_column(place, name, values)
    pq.write_table(table, path)
    return path


def imported(tmp_path, *rows, **columns):
    """Market objects of an import of markets alone, in order."""
    import_recorded(markets=[parquet(tmp_path / "m.parquet", *rows, **columns)], out=tmp_path / "out")
    return [json.loads(row["raw"]) for row in EventArchive(tmp_path / "out").markets]


def refused(read, path, row, column):
    """The words of a refusal, which names file, row and column."""
    with pytest.raises(ConfigError) as caught:
        read([path])
    words = str(caught.value)
    assert words.startswith(f"{path}, row {row}, column {column}: ") and "\n" not in words
    assert caught.value.remedy and caught.value.exit_code == 2
    return words


def refused_market(tmp_path, column, value, **others):
    """The words of the refusal of a market's cell, in the second of two rows."""
    bad = {**MARKET, "market_ticker": f"{EVENT}-T31", **others, column: value}
    good = MARKET if column in MARKET else {**MARKET, column: None}
    path = parquet(tmp_path / "m.parquet", *(row | dict.fromkeys(bad.keys() - row.keys()) for row in (good, bad)))
    return refused(lambda paths: import_recorded(markets=paths, out=tmp_path / "out"), path, 2, column)


def test_the_blends_cycles_and_spreads_are_imported(tmp_path):
    """Two runs of a day, at hours that other models do not have, each with its own standard deviation."""
    runs = [
        RUN | {"model": "NBS", "runtime_utc": dt.datetime(2026, 3, 1, hour), "n_x_max_sd_f": spread}
        for hour, spread in ((13, 2.5), (19, 1.5))
    ]
    rows = read_guidance([parquet(tmp_path / "g.parquet", *runs)]).to_pylist()
    highs = [row for row in rows if row["ftime_ts"] % 86_400 == 0]
    assert [(row["runtime_ts"] % 86_400 // 3600, row["n_x_f"], row["n_x_sd_f"]) for row in highs] == [
        (13, 41.0, 2.5),
        (19, 41.0, 1.5),
    ]
    assert [row["n_x_sd_f"] for row in rows if row not in highs] == [None, None]


@pytest.mark.parametrize("value", [-0.5, 200.0])
def test_a_spread_that_is_none_is_refused(tmp_path, value):
    row = RUN | {"model": "NBS", "n_x_max_sd_f": value}
    refused(read_guidance, parquet(tmp_path / "g.parquet", row), 1, "n_x_max_sd_f")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("written", "result"),
    [("yes", "yes"), ("YES", "yes"), (" Yes ", "yes"), ("No", "no"), ("NO", "no"), (True, "yes"), (False, "no")],
)
def test_results_in_any_spelling_are_plain(tmp_path, written, result):
    [shown] = imported(tmp_path, MARKET | {"result": written})
    assert (shown["result"], shown["status"]) == (result, "finalized")
    assert shown["settlement_value_dollars"] == {"yes": "1.0000", "no": "0.0000"}[result]


@pytest.mark.parametrize("written", ["", None, "None", "nan", "<NA>"])
def test_a_market_without_a_result_has_no_settlement(tmp_path, written):
    [shown] = imported(tmp_path, MARKET | {"result": written})
    assert (shown["result"], shown["status"]) == ("", "closed")
    assert not {"settlement_value_dollars", "settlement_ts"} & shown.keys()


@pytest.mark.parametrize("value", ["0.24", "0.2400", 0.24, Decimal("0.24")])
def test_a_scalar_result_pays_its_value(tmp_path, value):
    [shown] = imported(tmp_path, MARKET | {"result": "Scalar", "settlement_value_dollars": value})
    assert (shown["result"], shown["settlement_value_dollars"]) == ("scalar", "0.2400")


@pytest.mark.parametrize("value", [None, "", float("nan"), 24.0, -0.01, "1.000001", "0.2400001", "1_0", "٠.٢"])
def test_a_scalar_result_without_a_value_that_can_be_paid_is_refused(tmp_path, value):
    refused_market(tmp_path, "settlement_value_dollars", value, result="scalar")


@pytest.mark.parametrize(
    ("column", "value", "others"),
    [
        ("result", "maybe", {}),
        ("result", "void", {}),
        ("settlement_value_dollars", "0.5", {"result": "yes"}),
        ("settlement_value_dollars", "1", {"result": "no"}),
        ("status", "done", {}),
        ("status", "active", {"result": "yes"}),
        ("strike_type", "above", {}),
        ("floor_strike", 32.0, {}),  # above its cap
        ("cap_strike", float("inf"), {}),
        ("cap_strike", 1e9, {}),
        ("volume", -1, {}),
        ("volume", float("inf"), {}),
        ("open_interest", "many", {}),
        ("event_ticker", "KXLOWTNYC-FOO", {}),
        ("event_ticker", "KXLOWTNYC-26FEB31", {}),
        ("series_ticker", None, {}),
        ("market_ticker", "", {}),
        ("open_time", None, {}),
        ("close_time", None, {}),
        ("close_time", dt.datetime(1970, 1, 21, 12, tzinfo=dt.UTC), {}),
        ("close_time", dt.datetime(9999, 1, 1, tzinfo=dt.UTC), {}),
    ],
)
def test_what_is_not_plain_is_refused(tmp_path, column, value, others):
    refused_market(tmp_path, column, value, **others)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("event_ticker", "KXHIGHNY-26MAR02", "is no event of the series KXLOWTNYC"),
        ("event_ticker", "../KXLOWTNYC-26MAR02", "is no event of the series KXLOWTNYC"),
        ("market_ticker", "../../evil", "is no market of the event"),
        ("market_ticker", f"{EVENT}-../../evil", "is no market of the event"),
        ("market_ticker", f"{EVENT}-\0", "is no market of the event"),
        ("market_ticker", "KXLOWTNYC-26MAR03-T31", "is no market of the event"),
        ("close_time", MARKET["open_time"], "is not after open_time 2026-03-01T15:00:00Z"),
        ("close_time", dt.datetime(2026, 2, 1, tzinfo=dt.UTC), "is not after open_time"),
    ],
)
def test_cells_that_contradict_each_other_are_refused(tmp_path, column, value, said):
    assert said in refused_market(tmp_path, column, value)


def test_events_of_before_2025_have_no_prefix(tmp_path):
    old = MARKET | {"event_ticker": "LOWTNYC-26MAR02", "market_ticker": "LOWTNYC-26MAR02-B-3.5"}
    assert [market["ticker"] for market in imported(tmp_path, old)] == ["LOWTNYC-26MAR02-B-3.5"]


@pytest.mark.parametrize("written", ["2026-03-01T23:00:00Z", " 2026-03-01 23:00:00"])
def test_an_end_as_text_is_told_to_become_a_timestamp(tmp_path, written):
    path = parquet(tmp_path / "c.parquet", CANDLE, end_period_ts=[written])
    assert "pandas.to_datetime" in refused(read_candles, path, 1, "end_period_ts")


def test_capitals_blanks_and_text_of_strikes_statuses_and_volumes(tmp_path):
    plain = {"strike_type": " Between", "floor_strike": "30", "cap_strike": "31.0", "status": "Settled", "volume": "7"}
    [shown] = imported(tmp_path, MARKET | plain)
    assert (shown["strike_type"], shown["floor_strike"], shown["cap_strike"]) == ("between", 30, 31)
    assert (shown["status"], shown["volume_fp"], shown["yes_sub_title"]) == ("finalized", "7.00", "30° to 31°")


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_null_strikes_and_volumes_are_imported(tmp_path, missing):
    nulls = {"strike_type": None, "floor_strike": missing, "cap_strike": missing, "volume": missing}
    [shown] = imported(tmp_path, MARKET | nulls)
    assert not {"strike_type", "floor_strike", "cap_strike"} & shown.keys()
    assert (shown["yes_sub_title"], shown["volume_fp"]) == ("", "0.00")


def test_other_series_are_left_out_and_counted(tmp_path):
    hourly = {"series_ticker": "KXTEMPNYCH", "event_ticker": "KXTEMPNYCH-26MAR0209", "market_ticker": "H"}
    path = parquet(tmp_path / "m.parquet", MARKET, MARKET | hourly)
    assert import_recorded(markets=[path], out=tmp_path / "out") == [
        "left out: 1 market of KXTEMPNYCH, which is no daily temperature series"
    ]
    with pytest.raises(ConfigError, match="KXTEMPNYCH"):
        import_recorded(markets=[parquet(tmp_path / "h.parquet", MARKET | hourly)], out=tmp_path / "other")


def test_a_market_twice_is_one_and_two_that_differ_are_refused(tmp_path):
    assert len(imported(tmp_path, MARKET, MARKET)) == 1
    words = refused_market(tmp_path, "market_ticker", MARKET["market_ticker"], result="no")
    assert "row 1 of" in words and "result" in words


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York", "+09:30", "Asia/Kathmandu"])
def test_times_of_any_unit_and_zone_are_the_same_instants(tmp_path, unit, zone):
    ends = (
        pa.array([dt.datetime(2026, 3, 3, 5)], pa.timestamp("us"))
        .cast(pa.timestamp(unit))
        .cast(pa.timestamp(unit, zone))
    )
    [shown] = imported(tmp_path, MARKET, close_time=ends)
    assert shown["close_time"] == "2026-03-03T05:00:00Z"


@pytest.mark.parametrize("value", ["2026-03-03T05:00:00+00:00", 1772514000, 1772514000000])
def test_times_that_are_no_timestamps_are_refused(tmp_path, value):
    path = parquet(tmp_path / "m.parquet", MARKET, close_time=[value])
    words = refused(lambda paths: import_recorded(markets=paths, out=tmp_path / "out"), path, 1, "close_time")
    assert isinstance(value, str) or "since 1970 it would be 2026-03-03T05:00:00Z" in words


@pytest.mark.parametrize(
    "ends",
    [
        pa.array([1772406000], pa.int32()),
        pa.array([1772406000.0]),
        pa.array(["1772406000"]),
        pa.array([dt.datetime(2026, 3, 1, 23)]),
        pa.array(
            [dt.datetime(2026, 3, 1, 18, tzinfo=ZoneInfo("America/New_York"))], pa.timestamp("ns", "America/New_York")
        ),
    ],
)
def test_ends_of_candles_in_any_type(tmp_path, ends):
    found = read_candles([parquet(tmp_path / "c.parquet", CANDLE, end_period_ts=ends)])
    assert found["end_period_ts"].to_pylist() == [1772406000]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("end_period_ts", 1772406000000),
        ("end_period_ts", 1772406),
        ("end_period_ts", 1772406000.5),
        ("end_period_ts", None),
        ("volume", None),
        ("volume", -1.0),
        ("open_interest", float("nan")),
        ("yes_ask_close_cents", float("inf")),
        ("market_ticker", " "),
    ],
)
def test_a_bad_cell_of_a_candle_is_named(tmp_path, column, value):
    words = refused(read_candles, parquet(tmp_path / "c.parquet", CANDLE, CANDLE | {column: value}), 2, column)
    if value == 1772406000000:
        assert "As milliseconds since 1970 it would be 2026-03-01T23:00:00Z" in words


def test_missing_prices_of_candles_stay_missing_and_the_same_candle_counts_once(tmp_path):
    row = CANDLE | {"price_mean_cents": float("nan"), "price_close_cents": None}
    [found] = read_candles([parquet(tmp_path / "c.parquet", row), parquet(tmp_path / "d.parquet", row)]).to_pylist()
    assert (found["price_mean"], found["price_close"], found["yes_bid_close"]) == (None, None, Decimal("0.4"))
    other = parquet(tmp_path / "e.parquet", CANDLE | {"volume": 9})
    with pytest.raises(ConfigError, match="several candles that end at 2026-03-01T23:00:00Z"):
        read_candles([tmp_path / "c.parquet", other])


def test_candles_of_no_market_are_refused(tmp_path):
    path = parquet(tmp_path / "c.parquet", CANDLE | {"market_ticker": "ELSE"})
    with pytest.raises(ConfigError, match=r"c\.parquet: no candle is of a market: .* ELSE, .*B30\.5"):
        import_recorded(markets=[parquet(tmp_path / "m.parquet", MARKET)], candles=[path], out=tmp_path / "out")


def test_lows_alone_and_highs_alone_make_one_report(tmp_path):
    lows = parquet(tmp_path / "l.parquet", {name: REPORT[name] for name in ("station", "date", "low_f")})
    highs = parquet(tmp_path / "h.parquet", {name: REPORT[name] for name in ("station", "date", "high_f")})
    extremes = [
        [(r["high_f"], r["low_f"]) for r in read_climate(p).to_pylist()] for p in ([lows], [highs], [lows, highs])
    ]
    assert extremes == [[(None, 30)], [(41, None)], [(41, 30)]]
    import_recorded(markets=[parquet(tmp_path / "m.parquet", MARKET)], climate=[lows], out=tmp_path / "out")
    [market] = EventArchive(tmp_path / "out").markets
    assert json.loads(market["raw"])["expiration_value"] == "30.00"


@pytest.mark.parametrize(
    "date",
    [
        pa.array(["2026-03-02"]),
        pa.array([dt.datetime(2026, 3, 2)], pa.timestamp("ns")),
        pa.array(
            [dt.datetime(2026, 3, 2, tzinfo=ZoneInfo("America/New_York"))], pa.timestamp("us", "America/New_York")
        ),
        pa.array([dt.datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Tokyo"))], pa.timestamp("ms", "Asia/Tokyo")),
    ],
)
def test_a_report_is_of_the_date_that_is_written(tmp_path, date):
    [found] = read_climate([parquet(tmp_path / "w.parquet", REPORT, date=date)]).to_pylist()
    assert found["climate_date"] == dt.date(2026, 3, 2)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("high_f", 41.5),
        ("low_f", 200),
        ("low_f", 42),
        ("high_f", "warm"),
        ("station", "NYC"),
        ("station", None),
        ("date", None),
    ],
)
def test_a_bad_cell_of_a_report_is_named(tmp_path, column, value):
    good = REPORT | {"date": dt.date(2026, 3, 1)}
    path = parquet(tmp_path / "w.parquet", good, REPORT | {column: value} if not isinstance(value, str) else REPORT)
    if isinstance(value, str):
        path = parquet(tmp_path / "w.parquet", good, REPORT, **{column: [str(good[column]), value]})
    refused(read_climate, path, 2, column)


@pytest.mark.parametrize("times", [[dt.datetime(2026, 3, 2, 5)], ["2026-03-02T05:00:00Z"], [20260302], [1772409600]])
def test_a_date_that_is_a_time_or_a_number_is_refused(tmp_path, times):
    refused(read_climate, parquet(tmp_path / "w.parquet", REPORT, date=times), 1, "date")


def test_a_missing_value_of_the_weather_service_is_none(tmp_path):
    path = parquet(tmp_path / "w.parquet", REPORT, REPORT | {"date": dt.date(2026, 3, 3)}, high_f=["M", "41"])
    found = {row["climate_date"].day: row["high_f"] for row in read_climate([path]).to_pylist()}
    assert found == {2: None, 3: 41}


def test_two_highs_of_one_day_are_refused(tmp_path):
    assert "41 and 40" in refused(
        read_climate, parquet(tmp_path / "w.parquet", REPORT, REPORT | {"high_f": 40}), 2, "high_f"
    )


@pytest.mark.parametrize("zone", [None, "UTC", "America/Chicago"])
def test_runs_of_guidance_are_instants(tmp_path, zone):
    runs = pa.array([dt.datetime(2026, 3, 1, 12)]).cast(pa.timestamp("ns", zone))
    found = read_guidance([parquet(tmp_path / "g.parquet", RUN, runtime_utc=runs)]).to_pylist()
    assert {row["runtime_ts"] for row in found} == {1772366400}
    assert {row["ftime_ts"]: row["n_x_f"] for row in found} == {1772496000: 41.0, 1772452800: 30.0}


@pytest.mark.parametrize(
    ("column", "value"),
    [("model", "ECMWF"), ("station", "KXYZ"), ("n_x_min_f", 400.0), ("runtime_utc", None), ("target_date", None)],
)
def test_a_bad_cell_of_guidance_is_named(tmp_path, column, value):
    refused(read_guidance, parquet(tmp_path / "g.parquet", RUN, RUN | {column: value}), 2, column)
