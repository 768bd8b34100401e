"""The synthetic archive: the same seed gives the same bytes, and its books and weather are those of a plausible exchange."""

import datetime as dt
import hashlib
import itertools
import json
import os
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.archive import synthetic
from tradewinds.families.kalshi_weather.archive.event_archive import EventArchive, candle_file

pytestmark = pytest.mark.slow

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    out = tmp_path_factory.mktemp("synthetic")
    synthetic.make_synthetic(out)
    return EventArchive(out)


@pytest.fixture(scope="module")
def ladders(archive):
    """Market objects by event."""
    found = defaultdict(list)
    for row in archive.markets:
        found[row["event_ticker"]].append(json.loads(row["raw"]) | {"series_ticker": row["series_ticker"]})
    return found


@pytest.fixture(scope="module")
def books(archive, ladders):
    """Candles by market, in the order of the file."""
    found = defaultdict(list)
    for event, markets in ladders.items():
        for row in archive.candles(markets[0]["series_ticker"], event).to_pylist():
            found[row["market_ticker"]].append(row)
    return found


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_another_process_makes_the_same_bytes(archive, tmp_path):
    module = "tradewinds.families.kalshi_weather.archive.synthetic"
    code = f"import sys; from {module} import make_synthetic; make_synthetic(sys.argv[1])"
    environment = os.environ | {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=True)
    assert digests(tmp_path) == digests(archive.folder)


def test_another_seed_makes_other_prices(archive, tmp_path):
    one_day = {"first": synthetic.FIRST, "last": synthetic.FIRST, "series": ("KXHIGHCHI",)}
    synthetic.make_synthetic(tmp_path / "7", **one_day)
    synthetic.make_synthetic(tmp_path / "8", seed=8, **one_day)
    event = climate_days.event_ticker_of("KXHIGHCHI", synthetic.FIRST)
    made = [EventArchive(tmp_path / seed).candles("KXHIGHCHI", event) for seed in ("7", "8")]
    assert made[0].num_rows and not made[0].equals(made[1])


def test_it_is_small(archive):
    assert sum(path.stat().st_size for path in archive.folder.rglob("*") if path.is_file()) < 3_000_000


def whole_degrees(market):
    """The whole degrees from 0 to 120 that settle a market YES."""
    floor, cap = market.get("floor_strike", -999), market.get("cap_strike", 999)
    first, last = floor + (market["strike_type"] == "greater"), cap - (market["strike_type"] == "less")
    return [degree for degree in range(121) if first <= degree <= last]


def test_ladders_have_no_gap_and_the_temperature_decides(archive, ladders):
    highs = {}
    for station in ("KMDW", "KMIA"):
        highs |= {(station, row["climate_date"]): row["high_f"] for row in archive.climate(station).to_pylist()}
    for event, markets in ladders.items():
        assert len(markets) == 6
        assert sorted(degree for market in markets for degree in whole_degrees(market)) == list(range(121)), event
        station = climate_days.station_of(markets[0]["series_ticker"]).station_id
        high = highs[station, climate_days.climate_date_of(event)]
        for market in markets:
            assert market["result"] == ("yes" if high in whole_degrees(market) else "no")
            assert Decimal(market["expiration_value"]) == high


def test_the_range_has_its_oddities(archive, ladders, books):
    dates = {series: set() for series in synthetic.SERIES}
    for event, markets in ladders.items():
        dates[markets[0]["series_ticker"]].add(climate_days.climate_date_of(event))
    everything = set(climate_days.date_range(synthetic.FIRST, synthetic.LAST))
    assert everything - dates["KXHIGHCHI"] == {synthetic.UNLISTED} and dates["KXHIGHMIA"] == everything
    silent = climate_days.event_ticker_of("KXHIGHMIA", synthetic.WITHOUT_CANDLES)
    without = [event for event, markets in ladders.items() if not any(books[m["ticker"]] for m in markets)]
    assert without == [silent] and not candle_file(archive.folder, "KXHIGHMIA", silent).exists()


def test_one_day_has_a_hole_of_two_hours(ladders, books):
    for event, markets in ladders.items():
        ends = sorted({row["end_period_ts"] for m in markets for row in books[m["ticker"]]})
        longest = max((b - a for a, b in itertools.pairwise(ends)), default=0)
        assert (longest >= 2 * 3600) == (climate_days.climate_date_of(event) == synthetic.HOLE), event


def test_markets_open_at_ten_in_new_york_on_both_sides_of_the_clock_change(ladders):
    hours = set()
    for event, markets in ladders.items():
        for market in markets:
            opened = dt.datetime.fromisoformat(market["open_time"])
            local = opened.astimezone(NEW_YORK)
            day_before = climate_days.climate_date_of(event) - dt.timedelta(days=1)
            assert (local.date(), local.time()) == (day_before, dt.time(10))
            hours.add(opened.hour)
    assert hours == {14, 15}


def test_candles_are_sparse_ordered_and_inside_the_market(ladders, books):
    for market in (m for markets in ladders.values() for m in markets):
        opened, closed = (dt.datetime.fromisoformat(market[k]).timestamp() for k in ("open_time", "close_time"))
        ends = [row["end_period_ts"] for row in books[market["ticker"]]]
        assert ends == sorted(set(ends))
        assert all(end % 60 == 0 and opened < end <= closed for end in ends)
        assert len(ends) < (closed - opened) / 60


def test_prices_are_whole_cents_and_never_crossed(books):
    for row in (row for rows in books.values() for row in rows):
        for side in ("yes_bid", "yes_ask"):
            opened, high, low, last = (row[f"{side}_{k}"] for k in ("open", "high", "low", "close"))
            assert 0 <= low <= min(opened, last) and max(opened, last) <= high <= 1
            assert all(price * 100 % 1 == 0 for price in (opened, high, low, last))
        assert row["yes_bid_close"] < row["yes_ask_close"]
        assert (row["price_close"] is None) == (row["volume"] == 0)
        assert row["price_close"] in (None, row["yes_bid_close"], row["yes_ask_close"])


def test_trades_add_up(ladders, books):
    traded = 0
    for market in (m for markets in ladders.values() for m in markets):
        running, last_price = Decimal(0), None
        for row in books[market["ticker"]]:
            running += row["volume"]
            assert row["open_interest"] == running
            assert row["price_previous"] == last_price
            last_price = row["price_close"] if row["price_close"] is not None else last_price
        assert Decimal(market["volume_fp"]) == running
        traded += running
    assert traded > 10_000


def test_some_books_run_empty(books):
    candles = [row for rows in books.values() for row in rows]
    assert any(row["yes_bid_close"] == 0 for row in candles)
    assert any(row["yes_ask_close"] == 1 for row in candles)


def test_weather_history_precedes_the_first_event(archive):
    first_event = dt.datetime.combine(synthetic.FIRST, dt.time(), dt.UTC).timestamp()
    for station in ("KMDW", "KMIA"):
        reports = archive.climate(station).to_pylist()
        assert all(row["final"] for row in reports)
        assert (synthetic.FIRST - min(row["climate_date"] for row in reports)).days >= 90
        highs = {row["climate_date"]: row["high_f"] for row in reports}
        for model, (bias, _) in (synthetic._GUIDANCE | synthetic._BLEND).items():
            rows = [row for row in archive.guidance(station).to_pylist() if row["model"] == model]
            assert sum(row["runtime_ts"] < first_event for row in rows) >= 90
            days = [dt.datetime.fromtimestamp(row["ftime_ts"], dt.UTC).date() - dt.timedelta(days=1) for row in rows]
            errors = [row["n_x_f"] - highs[day] for row, day in zip(rows, days, strict=True)]
            assert abs(sum(errors) / len(errors) - bias) < 0.75
            assert any(error < 0 for error in errors) and any(error > 0 for error in errors)


def brier(ladders, books, hours_before_close):
    """Mean squared error of the middle quotes, that many hours before the close."""
    errors = []
    for market in (m for markets in ladders.values() for m in markets if books[m["ticker"]]):
        at = dt.datetime.fromisoformat(market["close_time"]).timestamp() - hours_before_close * 3600
        [*_, row] = [row for row in books[market["ticker"]] if row["end_period_ts"] <= at]
        middle = float(row["yes_bid_close"] + row["yes_ask_close"]) / 2
        errors.append((middle - (market["result"] == "yes")) ** 2)
    return sum(errors) / len(errors)


def test_the_crowd_knows_something_the_evening_before_and_nearly_all_at_the_close(ladders, books):
    ignorant = 5 / 36  # one sixth for each of six brackets
    assert 0.02 < brier(ladders, books, 25) < ignorant
    assert brier(ladders, books, 1) < 0.01


def test_any_known_series_can_be_made(tmp_path):
    day = dt.date(2025, 11, 2)
    synthetic.make_synthetic(tmp_path, series=("KXHIGHDEN",), first=day, last=day)
    archive = EventArchive(tmp_path)
    assert list(archive.events) == ["KXHIGHDEN-25NOV02"] and archive.guidance("KDEN").num_rows > 200
