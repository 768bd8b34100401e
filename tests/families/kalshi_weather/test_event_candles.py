"""Events from both tiers of the exchange, through the real client and a served archive; and answers that must not pass."""

import copy
import datetime as dt
import itertools
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.service import running_service
from tradewinds.archive.server import running_server
from tradewinds.core.errors import FetchError
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.archive.import_recorded import import_recorded
from tradewinds.families.kalshi_weather.archive.synthetic import make_synthetic
from tradewinds.families.kalshi_weather.fetch import event_candles, exchange_requests
from tradewinds.families.kalshi_weather.fetch.candle_parsing import LIVE, ShapeError, candle_table, parse_candles
from tradewinds.families.kalshi_weather.fetch.catalog import sync_catalog
from tradewinds.sources.budget import Budget
from tradewinds.sources.endpoint import Endpoint
from tradewinds.sources.http import HttpClient

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAY = dt.date(2025, 3, 10)
STATION = climate_days.station_of("KXHIGHCHI")


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic")
    make_synthetic(folder, first=dt.date(2025, 3, 8), last=dt.date(2025, 3, 11), series=("KXHIGHCHI",))
    return folder


def client_of(url, tmp_path):
    service = Endpoint(url, 2000, 4, 5, 1)
    return HttpClient(service, budget=Budget(url, 2000, 4, folder=tmp_path / "b"), sleep=lambda s: None)


def fetch(client, markets, policy="FULL_MARKET_WINDOW", asof=0):
    windows = exchange_requests.windows_of(markets, policy, 1, asof)
    before = client.requests
    table, tier = event_candles.fetch_candles(client, STATION.series_ticker, markets, windows, 1, NOW)
    meta = event_candles.event_meta(STATION, DAY, markets, windows, table, 1)
    return table, meta | {"tier": tier, "requests": client.requests - before}


def listed(client):
    catalog, _ = sync_catalog(client, STATION, None, NOW)
    return exchange_requests.markets_of(catalog.filter(pc.field("climate_date") == DAY))


def fetched(server, tmp_path, policy="FULL_MARKET_WINDOW", asof=0):
    client = client_of(server.url_of("kalshi"), tmp_path)
    markets = listed(client)
    before = len(server.requests)
    table, meta = fetch(client, markets, policy, asof)
    return table, meta, [seen.path for seen in server.requests[before:]]


@pytest.mark.slow
def test_both_tiers_give_the_same_rows(archive, tmp_path):
    with running_server(archive) as historical, running_server(archive, cutoff=dt.date(2025, 1, 1)) as live:
        old, old_meta, old_paths = fetched(historical, tmp_path)
        new, new_meta, new_paths = fetched(live, tmp_path)
    assert old.num_rows > 1000
    assert old.equals(new)
    assert (old_meta["tier"], new_meta["tier"]) == ("historical", "live")
    assert len(old_paths) == old_meta["requests"] == 6 and all("/historical/" in path for path in old_paths)
    assert new_meta["requests"] == len(new_paths) == 2, "two batches of all markets beat six market requests"


def test_what_is_stored_is_what_the_archive_holds(archive, tmp_path):
    from tradewinds.families.kalshi_weather.archive.event_archive import EventArchive

    with running_server(archive) as server:
        table, meta, _ = fetched(server, tmp_path)
    original = EventArchive(archive).candles("KXHIGHCHI", meta["event_ticker"])
    assert table.drop_columns("retrieved_at").equals(original.cast(table.drop_columns("retrieved_at").schema))
    assert table.schema.equals(schemas.CANDLES)
    assert sum(meta["rows_per_market"].values()) == table.num_rows
    assert meta["reason"] is None


def test_an_event_that_left_the_live_tier_since_the_catalog_is_found_in_the_other(archive, tmp_path):
    with running_server(archive, cutoff=dt.date(2025, 1, 1)) as live:
        markets = listed(client_of(live.url_of("kalshi"), tmp_path))
    assert {m.tier for m in markets} == {"live"}
    with running_server(archive) as historical:
        table, meta = fetch(client_of(historical.url_of("kalshi"), tmp_path), markets)
    assert table.num_rows > 1000 and meta["tier"] == "historical"


def test_the_trade_window_begins_at_the_asof_time(archive, tmp_path):
    asof = climate_days.asof_ts(STATION, DAY, "23:00", 1)
    with running_server(archive) as server:
        full, _, _ = fetched(server, tmp_path)
        part, meta, _ = fetched(server, tmp_path, "TRADE_WINDOW_ONLY", asof)
    assert part.equals(full.filter(pc.field("end_period_ts") >= asof))
    assert meta["window_start_ts"] == asof and 0 < part.num_rows < full.num_rows


@pytest.mark.slow
@pytest.mark.parametrize(("cutoff", "requests"), [(None, 6), (dt.date(2025, 1, 1), 2)])
@pytest.mark.parametrize("policy", ["FULL_MARKET_WINDOW", "TRADE_WINDOW_ONLY"])
def test_plan_equals_requests(archive, tmp_path, cutoff, requests, policy):
    asof = climate_days.asof_ts(STATION, DAY, "23:00", 1)
    with running_server(archive, cutoff=cutoff) as server:
        markets = listed(client_of(server.url_of("kalshi"), tmp_path))
        _, meta, paths = fetched(server, tmp_path, policy, asof)
    windows = exchange_requests.windows_of(markets, policy, 1, asof)
    planned = exchange_requests.plan_requests(markets, windows, 1)
    assert planned == meta["requests"] == len(paths)
    assert planned == (1 if cutoff and policy == "TRADE_WINDOW_ONLY" else requests)


def test_hourly_candles_of_an_event_are_one_request_of_the_event_route(archive, tmp_path):
    with running_server(archive, cutoff=dt.date(2025, 1, 1)) as server:
        client = client_of(server.url_of("kalshi"), tmp_path)
        markets = listed(client)
        before = len(server.requests)
        windows = exchange_requests.windows_of(markets, "FULL_MARKET_WINDOW", 60, 0)
        event_candles.fetch_candles(client, "KXHIGHCHI", markets, windows, 60, NOW)
        [seen] = server.requests[before:]
    assert "/events/KXHIGHCHI-25MAR10/" in seen.path and exchange_requests.plan_requests(markets, windows, 60) == 1


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 12_000)), min_size=1, max_size=130),
    st.sampled_from([1, 60]),
)
def test_live_requests_cover_every_window_within_the_limits(shapes, period):
    grid = period * 60
    markets = [
        exchange_requests.CatalogMarket(f"T{n}", "E", s * grid, (s + length) * grid, "live")
        for n, (s, length) in enumerate(shapes)
    ]
    windows = exchange_requests.windows_of(markets, "FULL_MARKET_WINDOW", period, 0)
    asks = exchange_requests.live_asks(markets, windows, period)
    for ask in asks:
        periods = (ask.span[1] - ask.span[0]) // grid
        if ask.route == "event":
            assert len(asks) == 1 and len(ask.tickers) * (periods + 1) <= 5000
        else:
            assert len(ask.tickers) <= 100 and len(ask.tickers) * periods <= 10_000
    for ticker, (start, end) in windows.items():
        spans = [ask.span for ask in asks if ticker in ask.tickers]
        assert spans[0][0] <= start and spans[-1][1] >= end
        assert all(later[0] - earlier[1] == grid for earlier, later in itertools.pairwise(spans)), "no gap, no overlap"


def test_spans_longer_than_the_cap_are_cut_without_loss_or_overlap():
    spans = exchange_requests.chunks((0, 12_345 * 60), 1)
    minutes = [m for start, end in spans for m in range(start, end + 1, 60)]
    assert minutes == list(range(0, 12_345 * 60 + 1, 60))
    assert all((end - start) / 60 <= exchange_requests.MAX_PERIODS for start, end in spans)


def test_an_open_market_is_not_fetched():
    early = dt.datetime(2025, 3, 10, 12, tzinfo=dt.UTC)
    market = exchange_requests.CatalogMarket("T", "E", 0, int(early.timestamp()) + 60, "live")
    with pytest.raises(FetchError, match=r"still open \(it closes 2025-03-10 12:01Z; it is 2025-03-10 12:00Z\)"):
        event_candles.refuse_open(STATION, DAY, [market], early)


LIVE_CANDLE = {
    "end_period_ts": 6000,
    "yes_bid": {f"{k}_dollars": "0.1000" for k in ("open", "high", "low", "close")},
    "yes_ask": {f"{k}_dollars": "0.1200" for k in ("open", "high", "low", "close")},
    "price": {},
    "volume_fp": "3.50",
    "open_interest_fp": "0.00",
}


def parsed(*candles):
    rows = {}
    parse_candles("T", list(candles), LIVE, 1, 0, 10_000, rows)
    return candle_table(rows, NOW)


def test_a_live_candle_is_read_exactly():
    [row] = parsed(LIVE_CANDLE | {"new_field": 1}).to_pylist()
    assert row["yes_bid_close"] == Decimal("0.1") and row["volume"] == Decimal("3.5")
    assert row["price_close"] is None and row["price_previous"] is None


def broken(path, value):
    candle = copy.deepcopy(LIVE_CANDLE)
    node = candle
    for key in path[:-1]:
        node = node[key]
    if value is KeyError:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return candle


@pytest.mark.parametrize(
    "candle",
    [
        broken(("yes_bid",), KeyError),
        broken(("yes_bid", "close_dollars"), KeyError),
        broken(("yes_bid",), {"open": "0.1", "high": "0.1", "low": "0.1", "close": "0.1"}),  # the other tier's names
        broken(("yes_bid",), None),
        broken(("price",), KeyError),
        broken(("volume_fp",), KeyError),
        broken(("volume_fp",), None),
        broken(("volume_fp",), "-1.00"),
        broken(("yes_ask", "close_dollars"), 12),
        broken(("yes_ask", "close_dollars"), "1.2000"),
        broken(("yes_ask", "close_dollars"), "abc"),
        broken(("yes_ask", "close_dollars"), "0.1234567"),
        broken(("end_period_ts",), KeyError),
        broken(("end_period_ts",), "6000"),
        broken(("end_period_ts",), 6001),
        broken(("end_period_ts",), 60_000),
        "nonsense",
    ],
    ids=range(17),
)
def test_an_unknown_shape_is_refused(candle):
    with pytest.raises(ShapeError):
        parsed(candle)


def test_the_same_candle_twice_is_one_and_two_versions_are_an_error():
    assert parsed(LIVE_CANDLE, LIVE_CANDLE).num_rows == 1
    with pytest.raises(ShapeError, match="two different candles"):
        parsed(LIVE_CANDLE, broken(("volume_fp",), "4.00"))


def test_an_adjusted_end_that_stands_still_is_an_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with running_service() as service:
        path = "/series/KXHIGHCHI/events/E/candlesticks"
        service.json(path, {"market_tickers": ["T"], "market_candlesticks": [[]], "adjusted_end_ts": 0})
        market = exchange_requests.CatalogMarket("T", "E", 0, 6000, "live")
        with pytest.raises(FetchError, match="stands still"):
            fetch(client_of(service.url, tmp_path), [market])


def candle_at(minute):
    return LIVE_CANDLE | {"end_period_ts": minute * 60}


def test_cuts_of_the_event_route_are_followed_and_their_overlap_collapses(tmp_path):
    with running_service() as service:
        path = "/series/KXHIGHCHI/events/E/candlesticks"
        cut = {"market_tickers": ["T"], "market_candlesticks": [[candle_at(1), candle_at(2)]], "adjusted_end_ts": 120}
        rest = {"market_tickers": ["T"], "market_candlesticks": [[candle_at(2), candle_at(9)]], "adjusted_end_ts": 6060}
        service.json(path, cut, rest)
        table, meta = fetch(
            client_of(service.url, tmp_path), [exchange_requests.CatalogMarket("T", "E", 0, 6000, "live")]
        )
    assert table["end_period_ts"].to_pylist() == [60, 120, 540] and meta["requests"] == 2


def test_a_market_that_a_batch_leaves_out_is_asked_for_in_the_archive(tmp_path):
    """With 3 markets of 3,000 minutes a batch is needed; T2 has left the live tier."""
    markets = [exchange_requests.CatalogMarket(f"T{n}", "E", 0, 3000 * 60, "live") for n in range(3)]
    old = {"end_period_ts": 120, "yes_bid": dict.fromkeys(("open", "high", "low", "close"), "0.1000"), "volume": "0.00"}
    old |= {"yes_ask": old["yes_bid"], "open_interest": "0.00"}
    old["price"] = dict.fromkeys(("open", "high", "low", "close", "mean", "previous"))
    with running_service() as service:
        answers = [{"market_ticker": t, "candlesticks": [candle_at(1)] if t == "T1" else []} for t in ("T0", "T1")]
        service.json("/markets/candlesticks", {"markets": answers})
        service.json("/historical/markets/T2/candlesticks", {"ticker": "T2", "candlesticks": [old]})
        table, meta = fetch(client_of(service.url, tmp_path), markets)
    assert table.select(["market_ticker", "end_period_ts"]).to_pylist() == [
        {"market_ticker": "T1", "end_period_ts": 60},
        {"market_ticker": "T2", "end_period_ts": 120},
    ]
    assert (meta["tier"], meta["requests"]) == ("historical+live", 2)


@pytest.mark.parametrize(
    ("answer", "words"),
    [({}, "markets"), ({"markets": [{"market_ticker": "X", "candlesticks": []}]}, "not asked for"), ([], "indices")],
)
def test_a_malformed_batch_is_refused(tmp_path, monkeypatch, answer, words):
    monkeypatch.chdir(tmp_path)
    with running_service() as service:
        service.json("/markets/candlesticks", answer)
        with pytest.raises(FetchError, match=words):
            fetch(client_of(service.url, tmp_path), [exchange_requests.CatalogMarket("T", "E", 0, 6000 * 60, "live")])


def test_catalog_keeps_results_and_is_idempotent(archive, tmp_path):
    with running_server(archive) as server:
        first, meta = sync_catalog(client_of(server.url_of("kalshi"), tmp_path), STATION, None, NOW)
        second, again = sync_catalog(client_of(server.url_of("kalshi"), tmp_path), STATION, first, NOW)
    assert first.equals(second)
    assert (meta["inserted"], again["inserted"], again["updated"]) == (first.num_rows, 0, 0)
    assert meta["covers_through"] == "2025-12-30"  # yesterday, Chicago standard time, as everything is final

    rows = first.to_pylist()
    rows[0]["result"], rows[0]["market_ticker"] = "yes", "KXHIGHCHI-25MAR01-OLD"
    with running_server(archive) as server:
        merged, _ = sync_catalog(
            client_of(server.url_of("kalshi"), tmp_path), STATION, pa.Table.from_pylist(rows, schemas.CATALOG), NOW
        )
    assert "KXHIGHCHI-25MAR01-OLD" in merged["market_ticker"].to_pylist(), "what is no longer listed stays"


@pytest.mark.slow
@pytest.mark.parametrize("cutoff", [None, dt.date(2025, 2, 1)], ids=["archived", "both tiers"])
def test_a_catalog_of_ten_recorded_months_is_whole_with_its_legacy_tickers(shared_data, tmp_path, cutoff):
    """1,500 markets of New York: two pages, two eras of tickers, a third of them in the live tier."""
    recorded = shared_data / "kalshi/markets_5series_2024-08_2025-05.parquet"
    import_recorded(markets=[recorded], candles=[], guidance=[], climate=[], out=tmp_path / "archive")
    expected = {
        row["market_ticker"]: row["result"] or None
        for row in pq.read_table(recorded, filters=[("series_ticker", "=", "KXHIGHNY")]).to_pylist()
    }
    station = climate_days.station_of("KXHIGHNY")
    with running_server(tmp_path / "archive", cutoff=cutoff) as server:
        client = client_of(server.url_of("kalshi"), tmp_path)
        catalog, meta = sync_catalog(client, station, None, NOW)
        again, second = sync_catalog(client, station, catalog, NOW)
    assert dict(zip(catalog["market_ticker"].to_pylist(), catalog["result"].to_pylist(), strict=True)) == expected
    assert len(expected) > 1000 and any(ticker.startswith("HIGHNY-") for ticker in expected)
    assert set(catalog["tier"].to_pylist()) == ({"historical"} if cutoff is None else {"historical", "live"})
    assert meta["fetched"] == meta["inserted"] == len(expected) and meta["updated"] == 0
    assert (second["inserted"], second["updated"]) == (0, 0) and again.equals(catalog)
    closes = sorted(catalog["close_time"].to_pylist())
    assert (meta["earliest_close"], meta["latest_close"]) == (closes[0].isoformat(), closes[-1].isoformat())
    days = catalog["climate_date"].to_pylist()
    assert days == sorted(days) and min(days) >= dt.date(2024, 8, 1), "dates come from the ticker's last segment"


def listing(result, **more):
    market = {
        "ticker": "KXHIGHCHI-25MAR10-T1",
        "event_ticker": "KXHIGHCHI-25MAR10",
        "market_type": "binary",
        "status": "closed",
        "result": result,
        "open_time": "2025-03-09T14:00:00Z",
        "close_time": "2025-03-11T04:59:00.123456Z",
        **more,
    }
    return {"markets": [market], "cursor": ""}


def test_a_known_result_is_never_replaced_by_none(tmp_path):
    with running_service() as service:
        service.json("/series/KXHIGHCHI", {"series": {"fee_type": "quadratic", "fee_multiplier": 1}})
        service.json("/markets", listing("yes"), listing(""), listing(""))
        service.json("/historical/markets", {"markets": [], "cursor": ""})
        client = client_of(service.url, tmp_path)
        first, meta = sync_catalog(client, STATION, None, NOW)
        second, _ = sync_catalog(client, STATION, first, NOW)
        unknown, open_meta = sync_catalog(client, STATION, None, NOW)
    assert second["result"].to_pylist() == ["yes"]
    assert unknown["result"].to_pylist() == [None]
    assert meta["nonfinal"] == 0 and open_meta["covers_through"] == "2025-03-09"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ({"markets": None}, "no list of markets"),
        ([], "no list of markets"),
        ({"markets": [{"ticker": "X"}], "cursor": ""}, "event_ticker"),
        ({"markets": [{"ticker": "X"}], "cursor": "again"}, "came back"),
        (listing("no", open_time="yesterday"), "Invalid isoformat"),
    ],
)
def test_a_malformed_listing_is_refused(tmp_path, monkeypatch, page, words):
    monkeypatch.chdir(tmp_path)
    with running_service() as service:
        service.json("/series/KXHIGHCHI", {"series": {"fee_type": "quadratic", "fee_multiplier": 1}})
        service.json("/markets", page)
        service.json("/historical/markets", {"markets": [], "cursor": ""})
        with pytest.raises(FetchError, match=words):
            sync_catalog(client_of(service.url, tmp_path), STATION, None, NOW)
