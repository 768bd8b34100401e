"""Events from both tiers of the exchange, through the real client and the replay server; and answers that must not pass."""

import copy
import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.fakes.service import running_service
from tradewinds import calendars, store
from tradewinds.errors import FetchError
from tradewinds.sources import kalshi
from tradewinds.sources.budget import Budget
from tradewinds.sources.http import HttpClient, Service
from tradewinds.sources.kalshi_candles import LIVE, ShapeError, candle_table, parse_candles
from tradewinds.sources.kalshi_catalog import sync_catalog
from tradewinds.sources.replay import running_server
from tradewinds.synthetic import make_synthetic

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAY = dt.date(2025, 3, 10)
STATION = calendars.station_of("KXHIGHCHI")


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic")
    make_synthetic(folder, first=dt.date(2025, 3, 8), last=dt.date(2025, 3, 11), series=("KXHIGHCHI",))
    return folder


def client_of(url, tmp_path):
    service = Service(url, 2000, 4, 5, 1)
    return HttpClient(service, budget=Budget(url, 2000, 4, folder=tmp_path / "b"), sleep=lambda s: None)


def fetched(server, tmp_path, policy="FULL_MARKET_WINDOW", asof=0):
    client = client_of(server.kalshi_url, tmp_path)
    catalog, _ = sync_catalog(client, STATION, None, NOW)
    markets = kalshi.markets_of(catalog.filter(pc.field("climate_date") == DAY))
    before = len(server.requests)
    table, meta = kalshi.fetch_event(
        client, STATION, DAY, markets, window_policy=policy, period_minutes=1, asof_ts=asof, now=NOW
    )
    return table, meta, [seen.path for seen in server.requests[before:]]


def test_both_tiers_give_the_same_rows(archive, tmp_path):
    with running_server(archive) as historical, running_server(archive, cutoff=dt.date(2025, 1, 1)) as live:
        old, old_meta, old_paths = fetched(historical, tmp_path)
        new, new_meta, new_paths = fetched(live, tmp_path)
    assert old.num_rows > 1000
    assert old.equals(new)
    assert (old_meta["tier"], new_meta["tier"]) == ("historical", "live")
    assert len(old_paths) == old_meta["requests"] == 6 and all("/historical/" in path for path in old_paths)
    assert new_meta["requests"] == len(new_paths) < 6, "one event request, cut by its cap, beats six market requests"


def test_what_is_stored_is_what_the_archive_holds(archive, tmp_path):
    from tradewinds.archive import Archive

    with running_server(archive) as server:
        table, meta, _ = fetched(server, tmp_path)
    original = Archive(archive).candles("KXHIGHCHI", meta["event_ticker"])
    assert table.drop_columns("retrieved_at").equals(original.cast(table.drop_columns("retrieved_at").schema))
    assert table.schema.equals(store.CANDLES)
    assert sum(meta["rows_per_market"].values()) == table.num_rows
    assert meta["reason"] is None


def test_an_event_that_left_the_live_tier_since_the_catalog_is_found_in_the_other(archive, tmp_path):
    with running_server(archive, cutoff=dt.date(2025, 1, 1)) as live:
        catalog, _ = sync_catalog(client_of(live.kalshi_url, tmp_path), STATION, None, NOW)
    assert set(catalog["tier"].to_pylist()) == {"live"}
    markets = kalshi.markets_of(catalog.filter(pc.field("climate_date") == DAY))
    with running_server(archive) as historical:
        client = client_of(historical.kalshi_url, tmp_path)
        table, meta = kalshi.fetch_event(
            client, STATION, DAY, markets, window_policy="FULL_MARKET_WINDOW", period_minutes=1, asof_ts=0, now=NOW
        )
    assert table.num_rows > 1000 and meta["tier"] == "historical"


def test_the_trade_window_begins_at_the_asof_time(archive, tmp_path):
    asof = calendars.asof_ts(STATION, DAY, "23:00", 1)
    with running_server(archive) as server:
        full, _, _ = fetched(server, tmp_path)
        part, meta, _ = fetched(server, tmp_path, "TRADE_WINDOW_ONLY", asof)
    assert part.equals(full.filter(pc.field("end_period_ts") >= asof))
    assert meta["window_start_ts"] == asof and 0 < part.num_rows < full.num_rows


def test_plan_equals_requests(archive, tmp_path):
    with running_server(archive) as server:
        client = client_of(server.kalshi_url, tmp_path)
        catalog, _ = sync_catalog(client, STATION, None, NOW)
        markets = kalshi.markets_of(catalog.filter(pc.field("climate_date") == DAY))
        _, meta, _ = fetched(server, tmp_path)
    assert kalshi.plan_requests(markets, "FULL_MARKET_WINDOW", 1, 0) == meta["requests"] == 6


def test_spans_longer_than_the_cap_are_cut_without_loss_or_overlap():
    spans = kalshi.chunks(0, 12_345 * 60, 1)
    minutes = [m for start, end in spans for m in range(start, end + 1, 60)]
    assert minutes == list(range(0, 12_345 * 60 + 1, 60))
    assert all((end - start) / 60 <= kalshi.MAX_PERIODS for start, end in spans)


def test_an_open_market_is_not_fetched(archive, tmp_path):
    with running_server(archive) as server:
        client = client_of(server.kalshi_url, tmp_path)
        catalog, _ = sync_catalog(client, STATION, None, NOW)
        markets = kalshi.markets_of(catalog.filter(pc.field("climate_date") == DAY))
        early = dt.datetime(2025, 3, 10, 12, tzinfo=dt.UTC)
        with pytest.raises(FetchError, match="still open"):
            kalshi.fetch_event(
                client,
                STATION,
                DAY,
                markets,
                window_policy="FULL_MARKET_WINDOW",
                period_minutes=1,
                asof_ts=0,
                now=early,
            )


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
        market = kalshi.Market("T", "E", 0, 6000, "live")
        with pytest.raises(FetchError, match="stands still"):
            kalshi.fetch_event(
                client_of(service.url, tmp_path),
                STATION,
                DAY,
                [market],
                window_policy="FULL_MARKET_WINDOW",
                period_minutes=1,
                asof_ts=0,
                now=NOW,
            )


def test_catalog_keeps_results_and_is_idempotent(archive, tmp_path):
    with running_server(archive) as server:
        first, meta = sync_catalog(client_of(server.kalshi_url, tmp_path), STATION, None, NOW)
        second, again = sync_catalog(client_of(server.kalshi_url, tmp_path), STATION, first, NOW)
    assert first.equals(second)
    assert (meta["inserted"], again["inserted"], again["updated"]) == (first.num_rows, 0, 0)
    assert meta["covers_through"] == "2025-12-30"  # yesterday, Chicago standard time, as everything is final

    rows = first.to_pylist()
    rows[0]["result"], rows[0]["market_ticker"] = "yes", "KXHIGHCHI-25MAR01-OLD"
    with running_server(archive) as server:
        merged, _ = sync_catalog(
            client_of(server.kalshi_url, tmp_path), STATION, pa.Table.from_pylist(rows, store.CATALOG), NOW
        )
    assert "KXHIGHCHI-25MAR01-OLD" in merged["market_ticker"].to_pylist(), "what is no longer listed stays"


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
