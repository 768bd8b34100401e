"""The server of archives over a small archive made by hand: today's shapes of both tiers, and the services' own refusals."""

import datetime as dt
import json
import shutil
from decimal import Decimal

import pyarrow as pa
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.archive.server import make_server, running_server
from tradewinds.core import files
from tradewinds.core.errors import ConfigError
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.archive import market_objects
from tradewinds.families.kalshi_weather.archive.event_archive import (
    CANDLES,
    GUIDANCE,
    MARKETS,
    EventArchive,
    EventArchiveWriter,
)
from tradewinds.families.kalshi_weather.archive.recorded_weather import climate_row
from tradewinds.families.kalshi_weather.archive.served_data import ServedData, aggregate, period_end

SERIES = "KXHIGHNY"
LEGACY, ARCHIVED, LIVE, SILENT = "HIGHNY-24AUG15", "KXHIGHNY-25MAR08", "KXHIGHNY-25MAR09", "KXHIGHNY-25MAR11"
CUTOFF = dt.date(2025, 3, 10)  # the event of March 8 settled before it, the one of March 9 after
T0 = int(dt.datetime(2025, 3, 8, 15, 0, tzinfo=dt.UTC).timestamp())
LONG = 3000  # minutes of candles in each market of the live event


def candle(ticker: str, end: int, bid: tuple, ask: tuple, paid: str | None, previous: str | None, volume: int) -> dict:
    row = {"market_ticker": ticker, "end_period_ts": end, "volume": Decimal(volume), "open_interest": Decimal(volume)}
    for side, (first, last) in (("yes_bid", bid), ("yes_ask", ask)):
        low, high = sorted((Decimal(first), Decimal(last)))
        row |= {
            f"{side}_open": Decimal(first),
            f"{side}_close": Decimal(last),
            f"{side}_low": low,
            f"{side}_high": high,
        }
    row |= {f"price_{k}": paid and Decimal(paid) for k in ("open", "high", "low", "close", "mean")}
    return row | {"price_previous": previous and Decimal(previous)}


def first_candles(ticker: str) -> list[dict]:
    """A first quote, a trade, and a quote after the trade."""
    return [
        candle(ticker, T0 + 60, (0, "0.20"), (1, "0.24"), None, None, 0),
        candle(ticker, T0 + 180, ("0.20", "0.20"), ("0.24", "0.24"), "0.24", None, 5),
        candle(ticker, T0 + 240, ("0.20", "0.21"), ("0.24", "0.25"), None, "0.24", 0),
    ]


def market(event: str, floor: int) -> dict:
    day = climate_days.climate_date_of(event)
    return market_objects.market_row(
        series_ticker=SERIES,
        event_ticker=event,
        market_ticker=f"{event}-B{floor}.5",
        strike_type="between",
        floor=floor,
        cap=floor + 1,
        yes_sub_title=market_objects.subtitle("between", floor, floor + 1),
        result="yes" if floor == 50 else "no",
        open_time=dt.datetime.combine(day - dt.timedelta(days=1), dt.time(15), dt.UTC),
        close_time=dt.datetime.combine(day + dt.timedelta(days=1), dt.time(4, 59), dt.UTC),
        settlement_ts=dt.datetime.combine(day + dt.timedelta(days=1), dt.time(14), dt.UTC),
        expiration_value="50.00",
    )


def weather(writer: EventArchiveWriter) -> None:
    station = climate_days.station_of(SERIES)
    issued = dt.datetime(2025, 3, 9, 6, 20, tzinfo=dt.UTC)
    early = climate_row(station, dt.date(2025, 3, 8), 49, None, issued - dt.timedelta(hours=9))
    final = climate_row(station, dt.date(2025, 3, 8), 50, None, issued)
    old = climate_row(station, dt.date(2019, 7, 1), 88, 70, dt.datetime(2019, 7, 2, 6, 20, tzinfo=dt.UTC))
    writer.add_climate(pa.Table.from_pylist([final, early, old], schemas.CLIMATE))
    noon = int(dt.datetime(2025, 3, 7, 12, tzinfo=dt.UTC).timestamp())
    rows = [
        {
            "station_id": "KNYC",
            "model": model,
            "runtime_ts": run,
            "ftime_ts": run + 129_600,
            "n_x_f": 51.0,
            "tmp_f": tmp,
            "n_x_sd_f": spread,
        }
        for model, tmp, spread in (("GFS", None, None), ("NBS", 47.0, 2.5))
        for run in (noon, noon + 86_400)
    ]
    writer.add_guidance(pa.Table.from_pylist(rows, GUIDANCE))


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    writer = EventArchiveWriter(folder, note="made by hand")
    writer.add_series([market_objects.series_object(SERIES)])
    events = (LEGACY, ARCHIVED, LIVE, SILENT)
    writer.add_events([market_objects.event_row(SERIES, event) for event in events])
    writer.add_markets(pa.Table.from_pylist([market(e, floor) for e in events for floor in (50, 52)], MARKETS))
    writer.add_candles(SERIES, ARCHIVED, pa.Table.from_pylist(first_candles(f"{ARCHIVED}-B50.5"), CANDLES))
    rows = first_candles(f"{LIVE}-B50.5")
    for ticker in (f"{LIVE}-B50.5", f"{LIVE}-B52.5"):
        steps = range(10, 10 + LONG)
        rows += [candle(ticker, T0 + 60 * n, ("0.10", "0.10"), ("0.20", "0.20"), None, None, 0) for n in steps]
    writer.add_candles(SERIES, LIVE, pa.Table.from_pylist(rows, CANDLES))
    weather(writer)
    return folder


class Client:
    """One kept connection, so that the server has noted a request before it sees the next."""

    def __init__(self, server):
        self.server, self.session = server, requests.Session()

    def get(self, path, **query):
        base = self.server.root if path.startswith(("/json", "/cgi-bin", "/_replay")) else self.server.url_of("kalshi")
        return self.session.get(base + path, params=query, timeout=600)

    def body(self, path, **query):
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def tickers(self, path, **query):
        return [shown["ticker"] for shown in self.body(path, **query)["markets"]]


@pytest.fixture(scope="module")
def client(archive):
    with running_server(archive, cutoff=CUTOFF) as server:
        client = Client(server)
        yield client
        client.session.close()


def both(event):
    return [f"{event}-B50.5", f"{event}-B52.5"]


def candles_path(event, historical=False):
    ticker = f"{event}-B50.5"
    return (
        f"/historical/markets/{ticker}/candlesticks"
        if historical
        else f"/series/{SERIES}/markets/{ticker}/candlesticks"
    )


def refusal(code, message, details=None):
    return {"error": {"code": code, "message": message} | ({"details": details} if details else {})}


def test_live_candles_leave_out_prices_that_do_not_exist(client):
    body = client.body(candles_path(LIVE), start_ts=T0, end_ts=T0 + 240, period_interval=1)
    quote = {
        side: {"open_dollars": first, "low_dollars": low, "high_dollars": high, "close_dollars": last}
        for side, first, low, high, last in (
            ("yes_bid", "0.0000", "0.0000", "0.2000", "0.2000"),
            ("yes_ask", "1.0000", "0.2400", "1.0000", "0.2400"),
        )
    }
    first, traded, after = body["candlesticks"]
    assert body["ticker"] == f"{LIVE}-B50.5"
    assert first == quote | {"end_period_ts": T0 + 60, "price": {}, "volume_fp": "0.00", "open_interest_fp": "0.00"}
    assert traded["price"] == {f"{k}_dollars": "0.2400" for k in ("open", "low", "high", "close", "mean")}
    assert (traded["volume_fp"], after["price"]) == ("5.00", {"previous_dollars": "0.2400"})


def test_historical_candles_have_plain_names_and_nulls(client):
    body = client.body(candles_path(ARCHIVED, historical=True), start_ts=T0, end_ts=T0 + 240, period_interval=1)
    first, traded, after = body["candlesticks"]
    assert first == {
        "end_period_ts": T0 + 60,
        "yes_bid": {"open": "0.0000", "low": "0.0000", "high": "0.2000", "close": "0.2000"},
        "yes_ask": {"open": "1.0000", "low": "0.2400", "high": "1.0000", "close": "0.2400"},
        "price": dict.fromkeys(("open", "low", "high", "close", "mean", "previous")),
        "volume": "0.00",
        "open_interest": "0.00",
    }
    assert traded["price"]["mean"] == "0.2400"
    assert after["price"] == dict.fromkeys(("open", "low", "high", "close", "mean")) | {"previous": "0.2400"}


def test_windows_include_both_ends(client):
    body = client.body(candles_path(LIVE), start_ts=T0 + 60, end_ts=T0 + 180, period_interval=1)
    assert [c["end_period_ts"] for c in body["candlesticks"]] == [T0 + 60, T0 + 180]
    body = client.body(candles_path(LIVE), start_ts=T0 + 61, end_ts=T0 + 179, period_interval=1)
    assert body["candlesticks"] == []


@pytest.mark.parametrize("historical", [False, True])
@pytest.mark.parametrize(
    ("seconds", "asked"), [(300_000, None), (300_060, "5001.000000"), (345_721, "5762.016667")], ids=str
)
def test_the_span_asked_for_is_capped(client, historical, seconds, asked):
    path = candles_path(ARCHIVED if historical else LIVE, historical)
    answer = client.get(path, start_ts=T0, end_ts=T0 + seconds, period_interval=1)
    details = f"requested time range with candlesticks: {asked}, max candlesticks: 5000"
    assert answer.status_code == (400 if asked else 200)
    if asked:
        assert answer.json() == refusal("bad_request", "bad request", details)


@pytest.mark.parametrize(
    "query", [{"start_ts": T0, "end_ts": T0}, {"start_ts": "x", "end_ts": T0, "period_interval": 1}]
)
def test_a_candle_query_must_be_whole(client, query):
    assert client.get(candles_path(LIVE), **query).status_code == 400


def test_only_three_periods_exist(client):
    assert client.get(candles_path(LIVE), start_ts=T0, end_ts=T0, period_interval=5).status_code == 400


def test_a_batch_leaves_out_what_it_does_not_have(client):
    asked = ",".join([*both(LIVE), *both(SILENT), *both(ARCHIVED), "NOSUCH"])
    body = client.body("/markets/candlesticks", market_tickers=asked, start_ts=T0, end_ts=T0 + 240, period_interval=1)
    assert {m["market_ticker"]: len(m["candlesticks"]) for m in body["markets"]} == {
        **dict(zip(both(LIVE), (3, 0), strict=True)),
        **dict.fromkeys(both(SILENT), 0),
    }


@pytest.mark.parametrize(
    ("tickers", "minutes", "details"),
    [
        (6, 1440, None),
        (7, 1440, "requested candlesticks across all markets: 10080, max candlesticks: 10000"),
        (100, 100, None),
        (101, 1, "max markets: 100"),
    ],
)
def test_a_batch_is_capped_by_tickers_times_periods(client, tickers, minutes, details):
    asked = ",".join(f"T{n}" for n in range(tickers))
    answer = client.get(
        "/markets/candlesticks", market_tickers=asked, start_ts=0, end_ts=60 * minutes, period_interval=1
    )
    expected = refusal("bad_request", "bad request", details) if details else {"markets": []}
    assert (answer.status_code, answer.json()) == (400 if details else 200, expected)


def test_event_candles_are_cut_and_continue_where_they_were_cut(client):
    path, end = f"/series/{SERIES}/events/{LIVE}/candlesticks", T0 + 60 * 4000
    start, seen, pages = T0, set(), 0
    while start < end:
        body = client.body(path, start_ts=start, end_ts=end, period_interval=1)
        assert body["market_tickers"] == both(LIVE)
        assert sum(map(len, body["market_candlesticks"])) <= 5000
        pairs = zip(body["market_tickers"], body["market_candlesticks"], strict=True)
        seen |= {(ticker, c["end_period_ts"]) for ticker, rows in pairs for c in rows}
        assert body["adjusted_end_ts"] > start
        start, pages = body["adjusted_end_ts"], pages + 1
    assert (pages, len(seen), start) == (2, 2 * LONG + 3, end)


def test_event_candles_know_no_archived_market(client):
    query = {"start_ts": T0, "end_ts": T0 + 60, "period_interval": 1}
    body = client.body(f"/series/{SERIES}/events/{ARCHIVED}/candlesticks", **query)
    assert body == {"market_tickers": [], "market_candlesticks": [], "adjusted_end_ts": T0 + 60}
    assert client.get(f"/series/{SERIES}/events/KXHIGHNY-25MAR10/candlesticks", **query).status_code == 404


def test_the_tiers_overlap_in_listings_but_not_in_candles(client):
    assert client.body("/historical/cutoff")["market_settled_ts"] == "2025-03-10T00:00:00Z"
    live, historical = client.tickers("/markets"), client.tickers("/historical/markets")
    assert set(live) == {*both(SILENT), *both(LIVE), *both(ARCHIVED)}
    assert set(historical) == {*both(ARCHIVED), *both(LEGACY)}
    query = {"start_ts": T0, "end_ts": T0 + 60, "period_interval": 1}
    gone = refusal("not_found", "not found")
    unknown = refusal("failed_to_get_market_by_ticker:_not_found", "failed to get market by ticker: not found")
    for path in (candles_path(ARCHIVED), f"/markets/{ARCHIVED}-B50.5", "/markets/NOSUCH", candles_path("NOSUCH")):
        answer = client.get(path, **query)
        assert (answer.status_code, answer.json()) == (404, gone), path
    for path in (
        candles_path(LIVE, historical=True),
        f"/historical/markets/{LIVE}-B50.5",
        "/historical/markets/NOSUCH",
    ):
        answer = client.get(path, **query)
        assert (answer.status_code, answer.json()) == (404, unknown), path


def test_without_a_cutoff_everything_is_historical(archive):
    data = ServedData(EventArchive(archive), overlap_days=0)
    assert data.live_tickers() == []
    assert len(data.historical_tickers()) == 8
    with running_server(archive) as server:
        client = Client(server)
        assert len(client.tickers("/historical/markets")) == 8
        client.session.close()


def test_a_market_object_is_the_one_in_the_archive(client):
    shown = client.body(f"/markets/{LIVE}-B50.5")["market"]
    assert shown == json.loads(market(LIVE, 50)["raw"])
    assert (shown["floor_strike"], shown["cap_strike"], shown["yes_sub_title"]) == (50, 51, "50° to 51°")
    assert client.body(f"/historical/markets/{LEGACY}-B50.5")["market"]["event_ticker"] == LEGACY


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_pages_are_newest_first_and_end_with_an_empty_cursor(client, limit):
    path, seen, cursor = "/historical/markets", [], None
    while cursor != "":
        body = client.body(path, series_ticker=SERIES, limit=limit, cursor=cursor)
        seen += [shown["ticker"] for shown in body["markets"]]
        cursor = body["cursor"]
    assert seen == [*both(ARCHIVED), *both(LEGACY)]  # the legacy ticker belongs to the KX series


@pytest.mark.parametrize("query", [{"limit": 1001}, {"limit": -1}, {"limit": "x"}, {"cursor": "bm8"}, {"cursor": "é"}])
def test_a_bad_page_is_refused(client, query):
    assert client.get("/markets", **query).status_code == 400


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"event_ticker": LIVE}, both(LIVE)),
        ({"event_ticker": f"{LIVE},{SILENT}"}, []),
        ({"tickers": f"{LIVE}-B50.5,NOSUCH"}, [f"{LIVE}-B50.5"]),
        ({"series_ticker": "HIGHNY"}, []),
        ({"status": "settled", "event_ticker": LIVE}, both(LIVE)),
        ({"status": "open"}, []),
        ({"status": "settled", "min_settled_ts": T0 + 3 * 86_400}, both(SILENT)),
        ({"max_close_ts": T0}, []),
        ({"event_ticker": LIVE, "nonsense": 1}, both(LIVE)),
    ],
)
def test_filters_of_the_live_listing(client, query, expected):
    assert client.tickers("/markets", **query) == expected


def test_bad_status_filters(client):
    for status, details in (
        ("done", "invalid status filter"),
        ("open,closed", "only one status filter may be supplied"),
    ):
        answer = client.get("/markets", status=status)
        assert (answer.status_code, answer.json()) == (400, refusal("bad_request", "bad request", details))


def test_the_historical_listing_has_no_date_filter(client):
    assert len(client.tickers("/historical/markets", max_close_ts=0)) == 4
    assert client.tickers("/historical/markets", event_ticker=LEGACY) == both(LEGACY)


def test_events_stay_listed_and_nest_only_live_markets(client):
    body = client.body("/events", series_ticker=SERIES, with_nested_markets="true")
    assert (body["cursor"], body["milestones"]) == ("", [])
    nested = {event["event_ticker"]: "markets" in event for event in body["events"]}
    assert nested == {SILENT: True, LIVE: True, ARCHIVED: False, LEGACY: False}
    assert [e["event_ticker"] for e in client.body("/events", tickers=LIVE, limit=1)["events"]] == [LIVE]


def test_events_by_status(client):
    assert len(client.body("/events", status="settled")["events"]) == 4
    assert client.body("/events", status="open")["events"] == []
    answer = client.get("/events", status="done")
    assert (answer.status_code, answer.json()) == (400, refusal("bad_request", "bad request"))


def test_one_event_with_and_without_nesting(client):
    flat, nested = client.body(f"/events/{LIVE}"), client.body(f"/events/{LIVE}", with_nested_markets="true")
    assert [m["ticker"] for m in flat["markets"]] == both(LIVE) and "markets" not in flat["event"]
    assert nested["markets"] == [] and nested["event"]["markets"] == flat["markets"]
    assert flat["event"]["mutually_exclusive"] is True
    assert client.body(f"/events/{ARCHIVED}", with_nested_markets="true")["event"].get("markets") is None
    assert client.get("/events/NOSUCH").status_code == 404


def test_series_and_status(client):
    assert client.body(f"/series/{SERIES}")["series"]["fee_multiplier"] == 1
    assert client.get("/series/NOSUCH").json() == refusal("not_found", "not found")
    assert [s["ticker"] for s in client.body("/series", category="Climate and Weather")["series"]] == [SERIES]
    assert not client.body("/series", category="Sports")["series"]
    assert client.body("/series/fee_changes", show_historical="true") == {"series_fee_change_arr": []}
    assert client.body("/exchange/status")["exchange_active"] is True
    assert client.get("/nowhere").status_code == 404


def test_hourly_candles_are_made_of_minutes(client):
    [hour, *_] = client.body(candles_path(LIVE), start_ts=T0, end_ts=T0 + 3600, period_interval=60)["candlesticks"]
    assert hour["end_period_ts"] == T0 + 3600
    assert hour["yes_bid"] == {
        "open_dollars": "0.0000",
        "low_dollars": "0.0000",
        "high_dollars": "0.2100",
        "close_dollars": "0.1000",
    }
    assert (hour["volume_fp"], hour["price"]["mean_dollars"]) == ("5.00", "0.2400")


@pytest.mark.parametrize(
    ("minute", "midnight"),
    [
        ("2025-03-09T05:00Z", "2025-03-09T05:00Z"),  # the last minute of March 8, New York standard time
        ("2025-03-09T05:01Z", "2025-03-10T04:00Z"),  # a day of 23 hours
        ("2025-11-02T04:01Z", "2025-11-03T05:00Z"),  # a day of 25 hours
        ("2025-07-01T12:00Z", "2025-07-02T04:00Z"),
    ],
)
def test_daily_candles_end_at_midnight_in_new_york(minute, midnight):
    stamp, expected = (int(dt.datetime.fromisoformat(text).timestamp()) for text in (minute, midnight))
    assert period_end(stamp, 1440) == expected


@given(
    minutes=st.lists(st.tuples(st.integers(1, 4000), st.integers(0, 50), st.integers(0, 9)), unique_by=lambda m: m[0]),
    period=st.sampled_from([60, 1440]),
)
def test_longer_candles_keep_volume_and_extremes(minutes, period):
    cents = [(n, Decimal(bid) / 100, volume) for n, bid, volume in sorted(minutes)]
    rows = [candle("T", T0 + 60 * n, (bid, bid), (1, 1), "0.5" if v else None, None, v) for n, bid, v in cents]
    merged = aggregate(rows, period)
    assert sum(row["volume"] for row in merged) == sum(row["volume"] for row in rows)
    assert len({row["end_period_ts"] for row in merged}) == len(merged)
    for row in merged:
        inside = [r for r in rows if period_end(r["end_period_ts"], period) == row["end_period_ts"]]
        assert row["yes_bid_high"] == max(r["yes_bid_high"] for r in inside)
        assert row["yes_bid_low"] == min(r["yes_bid_low"] for r in inside)
        assert (row["yes_bid_open"], row["yes_bid_close"]) == (inside[0]["yes_bid_open"], inside[-1]["yes_bid_close"])
        assert (row["price_close"] is None) == (row["volume"] == 0)


def test_climate_reports_show_the_last_product_of_a_day(client):
    body = client.body("/json/cli.py", station="KNYC", year=2025)
    [row] = body["results"]
    assert (row["station"], row["valid"], row["high"], row["low"]) == ("KNYC", "2025-03-08", 50, "M")
    assert row["product"].startswith("202503090620-") and row["product"].endswith("-CLINYC")
    assert row["link"] == f"/api/1/nwstext/{row['product']}"


def test_climate_reports_default_to_2019(client):
    assert [row["valid"] for row in client.body("/json/cli.py", station="KNYC")["results"]] == ["2019-07-01"]
    assert client.body("/json/cli.py", station="ZZZZ", year=2025)["results"] == []
    for query in (
        {"station": "knyc"},
        {"station": "NYC"},
        {"station": "KNYC", "year": 2099},
        {"station": "KNYC", "year": "x"},
    ):
        answer = client.get("/json/cli.py", **query)
        assert (answer.status_code, answer.headers["Content-Type"].partition("/")[0]) == (422, "text"), query


MOS = {"station": "KNYC", "model": "GFS", "sts": "2025-03-07T12:00Z", "ets": "2025-03-08T12:00Z"}


def test_guidance_is_csv_with_both_ends_included(client):
    lines = client.get("/cgi-bin/request/mos.py", **MOS).text.splitlines()
    assert lines == [
        "runtime,ftime,model,n_x,station",  # no tmp: an empty column is left out
        "2025-03-07 12:00:00,2025-03-09 00:00:00,GFS,51.0,KNYC",
        "2025-03-08 12:00:00,2025-03-10 00:00:00,GFS,51.0,KNYC",
    ]
    one = client.get("/cgi-bin/request/mos.py", **MOS | {"ets": "2025-03-08T11:59Z", "station": "knyc"}).text
    assert one.splitlines() == lines[:2]


def test_the_blend_names_its_column_otherwise(client):
    header, first, _ = client.get("/cgi-bin/request/mos.py", **MOS | {"model": "NBS"}).text.splitlines()
    assert header == "runtime,ftime,model,txn,xnd,tmp,station"
    assert first == "2025-03-07 12:00:00,2025-03-09 00:00:00,NBS,51.0,2.5,47.0,KNYC"


def test_an_archive_of_an_earlier_version_is_served_without_spreads(archive, tmp_path):
    """Its guidance has no column of spreads."""
    old = tmp_path / "old"
    shutil.copytree(archive, old)
    [path] = old.glob("weather/guidance/*.parquet")
    table = files.read_table(path)
    files.write_parquet(path, table.drop_columns("n_x_sd_f"), files.read_meta(path))
    with running_server(old) as server:
        client = Client(server)
        lines = client.get("/cgi-bin/request/mos.py", **MOS | {"model": "NBS"}).text.splitlines()
        client.session.close()
    assert lines[0] == "runtime,ftime,model,txn,tmp,station" and len(lines) == 3


@pytest.mark.parametrize(
    "change", [{"station": "NYC"}, {"model": "MEX"}, {"sts": "2020-01-01T00Z", "ets": "2020-01-02T00Z"}]
)
def test_no_guidance_is_a_header_alone(client, change):
    answer = client.get("/cgi-bin/request/mos.py", **MOS | change)
    [header] = answer.text.splitlines()
    assert answer.status_code == 200 and {"runtime", "ftime", "model", "n_x", "tmp"} <= set(header.split(","))


@pytest.mark.parametrize(
    "change", [{"model": "MAV"}, {"model": "gfs"}, {"station": "../x"}, {"sts": "2025-03-07T12:00"}, {"ets": None}]
)
def test_a_bad_guidance_query_is_refused_in_plain_text(client, change):
    answer = client.get("/cgi-bin/request/mos.py", **MOS | change)
    assert (answer.status_code, answer.headers["Content-Type"].partition("/")[0]) == (422, "text")


def test_requests_are_counted_and_logged(archive, tmp_path):
    log = tmp_path / "requests.jsonl"
    with running_server(archive, log=log) as server:
        client = Client(server)
        client.get("/markets", limit=1)
        client.get("/markets", limit=2000)
        client.get("/json/cli.py", station="KNYC")
        counts = client.body("/_replay/requests")
        client.session.close()
    assert counts == server.counts() == {"/trade-api/v2/markets": 2, "/json/cli.py": 1}
    assert [(seen.query, seen.status) for seen in server.requests][:2] == [("limit=1", 200), ("limit=2000", 400)]
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["path"], line["status"]) for line in logged] == [(s.path, s.status) for s in server.requests]


def test_too_many_requests(archive):
    with running_server(archive, max_requests_per_second=2) as server:
        client = Client(server)
        answers = [client.get("/exchange/status") for _ in range(3)]
        client.session.close()
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json() == {"error": "too many requests"}
    assert "Retry-After" not in answers[2].headers


def test_a_refused_request_brings_no_penalty(archive):
    server = make_server(archive, max_requests_per_second=2)
    server.http.server_close()
    assert [server.refuses(at / 4) for at in range(12)] == [False, False, True, True] * 3


def test_a_middleware_may_answer_in_the_servers_place(archive):
    def fail_markets(handler, path):
        if path.endswith("/markets"):
            handler.send(503, "text/html", "<html>down</html>")
            return True
        return False

    with running_server(archive, middleware=fail_markets) as server:
        client = Client(server)
        statuses = [client.get(path).status_code for path in ("/markets", "/exchange/status")]
        noted = client.body("/_replay/requests")
        client.session.close()
    assert statuses == [503, 200] == [seen.status for seen in server.requests]
    assert noted == {"/trade-api/v2/markets": 1, "/trade-api/v2/exchange/status": 1}


def test_it_listens_on_this_machine_only_and_stops(archive):
    with running_server(archive) as server:
        assert server.http.server_address[0] == "127.0.0.1"
        url, kept = server.url_of("kalshi") + "/exchange/status", Client(server)
        assert kept.get("/exchange/status").status_code == requests.get(url, timeout=600).status_code == 200
    for session in (kept.session, requests.Session()):  # a kept connection ends too
        with session, pytest.raises(requests.ConnectionError):
            session.get(url, timeout=600)


def test_a_folder_that_is_no_archive(tmp_path):
    with pytest.raises(ConfigError, match="no archive"):
        make_server(tmp_path)
    (tmp_path / "archive.json").write_text('{"format": 99}')
    with pytest.raises(ConfigError, match="format 99"):
        make_server(tmp_path)
