"""Archives made from recordings: exact prices, today's market objects, guidance and reports at the right hours."""

import datetime as dt
import json
import math
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests

from tradewinds.archive.server import running_server
from tradewinds.core.errors import ConfigError
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.archive import market_objects
from tradewinds.families.kalshi_weather.archive.event_archive import EventArchive
from tradewinds.families.kalshi_weather.archive.import_recorded import import_recorded
from tradewinds.families.kalshi_weather.strikes import strike_bounds

MONTH_MARKETS, MONTH_CANDLES = "kalshi/markets_KXHIGHCHI_2025-05.parquet", "kalshi/candles_1m_KXHIGHCHI_2025-05.parquet"
FIVE_SERIES = "kalshi/markets_5series_2024-08_2025-05.parquet"
GUIDANCE, CLIMATE = "weather/mos_12z_daily_KMDW_KMIA.parquet", "weather/climate_high_6stations_2023_2025.parquet"
EVENT = "KXHIGHCHI-25MAY10"


@pytest.fixture(scope="module")
def month(shared_data, tmp_path_factory):
    """A recorded month of Chicago."""
    out = tmp_path_factory.mktemp("month")
    import_recorded(
        markets=[shared_data / MONTH_MARKETS],
        candles=[shared_data / MONTH_CANDLES],
        guidance=[shared_data / GUIDANCE],
        climate=[shared_data / CLIMATE],
        out=out,
    )
    return EventArchive(out)


@pytest.fixture(scope="module")
def catalog(shared_data, tmp_path_factory):
    """Nine months of five series: markets alone."""
    out = tmp_path_factory.mktemp("catalog")
    import_recorded(markets=[shared_data / FIVE_SERIES], out=out)
    return EventArchive(out)


def objects(archive):
    return {row["market_ticker"]: json.loads(row["raw"]) for row in archive.markets}


def query(sql, *paths):
    """Rows of a question about Parquet files, in UTC."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection.execute(sql, [str(path) for path in paths]).fetchall()


@pytest.mark.slow
def test_every_recorded_candle_is_there_to_the_cent(month, shared_data):
    sides = [f"{side}_{k}" for side in ("yes_bid", "yes_ask") for k in ("open", "high", "low", "close")]
    names = [*sides, *(f"price_{k}" for k in ("open", "high", "low", "close", "mean", "previous"))]
    same = " AND ".join(f"a.{n} * 100 IS NOT DISTINCT FROM r.{n}_cents::DECIMAL(9, 4)" for n in names)
    counts = "a.volume = r.volume AND a.open_interest = r.open_interest"
    keys = "USING (market_ticker, end_period_ts)"
    sql = f"""SELECT count(*), count(*) FILTER (WHERE {same} AND {counts})
              FROM read_parquet(?) a FULL JOIN read_parquet(?) r {keys}"""
    files = month.folder / "kalshi" / "candles" / "KXHIGHCHI" / "*.parquet"
    assert query(sql, files, shared_data / MONTH_CANDLES) == [(163_717, 163_717)]


def test_every_event_is_a_ladder_with_one_winner_that_the_observed_high_confirms(month):
    assert len(month.events) == 33
    ladders = {}
    for row in objects(month).values():
        ladders.setdefault(row["event_ticker"], []).append(row)
    for markets in ladders.values():
        assert len(markets) == 6
        [winner] = [m for m in markets if m["result"] == "yes"]
        assert {m["expiration_value"] for m in markets} == {winner["expiration_value"]}
        high = Decimal(winner["expiration_value"])
        floor = winner.get("floor_strike", -999) + (winner["strike_type"] == "greater")
        cap = winner.get("cap_strike", 999) - (winner["strike_type"] == "less")
        assert floor <= high <= cap, winner["ticker"]


def test_a_market_object_has_todays_fields(month):
    shown = objects(month)[f"{EVENT}-B71.5"]
    assert (shown["floor_strike"], shown["cap_strike"], shown["yes_sub_title"]) == (71, 72, "71° to 72°")
    assert isinstance(shown["floor_strike"], int)
    assert (shown["open_time"], shown["close_time"]) == ("2025-05-09T14:00:00Z", "2025-05-11T04:59:00Z")
    assert shown["settlement_ts"] == "2025-05-11T14:00:00Z"
    assert (shown["status"], shown["market_type"], shown["settlement_bounds_type"]) == (
        "finalized",
        "binary",
        "default",
    )
    assert {"yes_bid_dollars", "volume_fp", "price_ranges", "rules_primary", "previous_price_dollars"} <= set(shown)
    assert not {"yes_bid", "volume", "series_ticker", "liquidity_dollars", "tick_size"} & set(shown)


def test_absent_strikes_stay_absent(month):
    for shown in objects(month).values():
        kind = shown["strike_type"]
        assert ("floor_strike" in shown, "cap_strike" in shown) == (kind != "less", kind != "greater")


def test_a_markets_volume_is_that_of_its_candles(month):
    shown = objects(month)
    candles = month.candles("KXHIGHCHI", EVENT).to_pylist()
    for ticker in {candle["market_ticker"] for candle in candles}:
        traded = sum(candle["volume"] for candle in candles if candle["market_ticker"] == ticker)
        assert Decimal(shown[ticker]["volume_fp"]) == traded


def test_guidance_of_the_day_before_is_for_the_right_day(month, shared_data):
    sql = """SELECT epoch(runtime_utc::TIMESTAMPTZ)::BIGINT, n_x_max_f, n_x_min_f, tmp_max_f FROM read_parquet(?)
             WHERE station = 'KMDW' AND model = 'NAM' AND target_date = '2025-05-10'"""
    [(runtime, highest, lowest, tmp)] = query(sql, shared_data / GUIDANCE)
    assert runtime == int(dt.datetime(2025, 5, 9, 12, tzinfo=dt.UTC).timestamp())
    rows = [r for r in month.guidance("KMDW").to_pylist() if (r["model"], r["runtime_ts"]) == ("NAM", runtime)]
    [warmest] = [r for r in rows if math.isnan(r["n_x_f"])]
    assert (warmest["ftime_ts"] - runtime, warmest["tmp_f"]) == (33 * 3600, tmp), (
        "the day's highest temperature, at 21Z"
    )
    rows.remove(warmest)
    # the maximum of a day is listed at 00Z after it, its minimum at 12Z of it: 36 and 24 hours after the run
    assert {r["ftime_ts"] - runtime: r["n_x_f"] for r in rows} == {36 * 3600: highest, 24 * 3600: lowest}


def test_climate_reports_are_final_and_known_after_their_day(month):
    for station in ("KMDW", "KMIA", "KLAX", "KDEN"):
        place = next(s for s in climate_days.stations().values() if s.station_id == station)
        for row in month.climate(station).to_pylist():
            end = climate_days.climate_day_bounds(place, row["climate_date"])[1]
            assert row["final"] and row["high_f"] is not None
            assert end < row["issued_ts"] < end + 12 * 3600
            assert row["known_at_ts"] == row["issued_ts"] + 600
            assert row["product"].startswith(f"{dt.datetime.fromtimestamp(row['issued_ts'], dt.UTC):%Y%m%d%H%M}-")


def test_what_was_recorded_is_what_is_served(month):
    ticker = f"{EVENT}-B71.5"
    rows = [r for r in month.candles("KXHIGHCHI", EVENT).to_pylist() if r["market_ticker"] == ticker]
    window = {"start_ts": rows[0]["end_period_ts"], "end_ts": rows[-1]["end_period_ts"], "period_interval": 1}
    with running_server(month.folder) as server:
        url = server.url_of("kalshi") + f"/historical/markets/{ticker}/candlesticks"
        served = requests.get(url, params=window, timeout=600).json()["candlesticks"]
    assert [c["end_period_ts"] for c in served] == [r["end_period_ts"] for r in rows]
    assert [Decimal(c["yes_ask"]["close"]) for c in served] == [r["yes_ask_close"] for r in rows]
    paid = [c["price"]["close"] and Decimal(c["price"]["close"]) for c in served]
    assert paid == [r["price_close"] for r in rows]
    assert None in paid and any(paid)


@pytest.mark.slow
def test_a_catalog_without_candles_keeps_every_market(catalog):
    assert (len(catalog.markets), len(catalog.events), len(catalog.series)) == (7404, 1234, 5)
    assert all(row["series_ticker"].startswith("KXHIGH") for row in catalog.markets)
    assert sum(row["market_ticker"].startswith("HIGH") for row in catalog.markets) == 4 * 414  # legacy tickers
    assert catalog.candles("KXHIGHCHI", "HIGHCHI-24AUG16").num_rows == 0


def test_winners_recorded_without_strikes_stay_and_speak_through_their_title(catalog):
    bare = [shown for shown in objects(catalog).values() if "strike_type" not in shown]
    assert len(bare) == 125
    for shown in bare:
        assert shown["result"] == "yes"
        assert not {"floor_strike", "cap_strike"} & set(shown)
        low, high = strike_bounds(None, None, None, shown["yes_sub_title"])
        assert (low is None) != (high is None) or high - low == 1


def test_an_unrecorded_settlement_is_assumed_on_the_afternoon_after(catalog):
    for row in catalog.markets:
        day = climate_days.climate_date_of(row["event_ticker"])
        assert row["settlement_ts"] == dt.datetime.combine(day + dt.timedelta(days=1), dt.time(14), dt.UTC)


def test_volumes_without_candles_are_the_recorded_ones(catalog):
    shown = objects(catalog)["HIGHAUS-24AUG16-B100.5"]
    assert (shown["volume_fp"], shown["open_interest_fp"]) == ("3116.00", "2770.00")


@pytest.mark.parametrize(
    ("strikes", "words"),
    [
        (("less", None, 65), "64° or below"),
        (("between", 65, 66), "65° to 66°"),
        (("greater", 72, None), "73° or above"),
        (("less", None, -4), "-5° or below"),
        (("less", None, 40.5), "40° or below"),
        (("less_or_equal", None, 40), "40° or below"),
        (("greater_or_equal", 40, None), "40° or above"),
    ],
)
def test_titles_of_brackets(strikes, words):
    assert market_objects.subtitle(*strikes) == words


def test_strikes_that_do_not_say_what_settles_make_no_title():
    assert market_objects.subtitle("between", 65, None) == market_objects.subtitle(None, None, None) == ""


MARKET = {
    "series_ticker": "KXHIGHNY",
    "event_ticker": "KXHIGHNY-25MAY10",
    "market_ticker": "KXHIGHNY-25MAY10-T72",
    "strike_type": "greater",
    "floor_strike": 72.0,
    "cap_strike": None,
    "result": "no",
    "open_time": dt.datetime(2025, 5, 9, 14, tzinfo=dt.UTC),
    "close_time": dt.datetime(2025, 5, 11, 3, 59, tzinfo=dt.UTC),
}


def parquet(path, *rows):
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path


def recorded_candle(**prices):
    names = [f"{side}_{k}_cents" for side in ("yes_bid", "yes_ask", "price") for k in ("open", "high", "low", "close")]
    cents = dict.fromkeys([*names, "price_mean_cents", "price_previous_cents"], 99.0) | prices
    return {
        "market_ticker": MARKET["market_ticker"],
        "end_period_ts": 1746800040,
        "volume": 2,
        "open_interest": 2,
    } | cents


def test_fractions_of_a_cent_and_nulls_survive(tmp_path):
    row = recorded_candle(
        price_mean_cents=37.5, price_close_cents=7.0, price_previous_cents=None, yes_bid_close_cents=0.0
    )
    markets, candles = parquet(tmp_path / "m.parquet", MARKET), parquet(tmp_path / "c.parquet", row)
    import_recorded(markets=[markets], candles=[candles], out=tmp_path / "out")
    archive = EventArchive(tmp_path / "out")
    [shown] = archive.candles("KXHIGHNY", MARKET["event_ticker"]).to_pylist()
    assert (shown["price_mean"], shown["price_close"]) == (Decimal("0.375"), Decimal("0.07"))
    assert (shown["price_previous"], shown["yes_bid_close"]) == (None, 0)
    [market] = objects(archive).values()
    assert (market["yes_sub_title"], market["expiration_value"], market["volume_fp"]) == ("73° or above", "", "2.00")


def test_a_file_that_cannot_be_imported_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.parquet"):
        import_recorded(markets=[tmp_path / "nowhere.parquet"], out=tmp_path / "out")
    half = parquet(tmp_path / "half.parquet", {"market_ticker": "X", "end_period_ts": 60})
    with pytest.raises(ConfigError, match=r"yes_bid_open_cents.*half\.parquet|half\.parquet.*yes_bid_open_cents"):
        import_recorded(markets=[parquet(tmp_path / "m.parquet", MARKET)], candles=[half], out=tmp_path / "out")
    resultless = {name: value for name, value in MARKET.items() if name != "result"}
    with pytest.raises(ConfigError, match="no column result"):
        import_recorded(markets=[parquet(tmp_path / "r.parquet", resultless)], out=tmp_path / "out")
    report = parquet(tmp_path / "w.parquet", {"station": "KXYZ", "date": dt.date(2025, 5, 10), "high_f": 70})
    with pytest.raises(ConfigError, match="KXYZ"):
        import_recorded(markets=[tmp_path / "m.parquet"], climate=[report], out=tmp_path / "out")


def test_a_report_of_new_york_comes_at_its_usual_hour(tmp_path):
    report = parquet(tmp_path / "w.parquet", {"station": "KNYC", "date": dt.date(2025, 5, 10), "high_f": 70})
    import_recorded(markets=[parquet(tmp_path / "m.parquet", MARKET)], climate=[report], out=tmp_path / "out")
    [row] = EventArchive(tmp_path / "out").climate("KNYC").to_pylist()
    assert row["product"] == "202505110620-KXXX-CDUS40-CLINYC"
