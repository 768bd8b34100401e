"""Candles on a local clock that carry a zone are refused with the evidence; candles in UTC with holes are not."""

import datetime as dt
import itertools
import random
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.families.funding_carry.perp_worlds import HOUR, LAYOUTS, PerpWorld, files_config, utc
from tradewinds.core.errors import ConfigError
from tradewinds.families.funding_carry.fetch import user_perps
from tradewinds.families.plan import run_plan

LONDON, NEW_YORK, KOLKATA = (ZoneInfo(name) for name in ("Europe/London", "America/New_York", "Asia/Kolkata"))


def walk(first, days, symbol="BTC/USDT:USDT"):
    """A world whose legs follow one random walk of 0.5 % an hour, with a basis of some hundredths of a percent."""
    start, world, dice = utc(first), PerpWorld(symbol), random.Random(11)
    world.rates = [(start + 8 * n * HOUR, Decimal("0.0001") + Decimal(n % 9) / 10**6) for n in range(3 * days)]
    prices = [40_000.0]
    for _ in range(24 * days):
        prices.append(prices[-1] * (1 + dice.gauss(0, 0.005)))
    for kind in ("spot", "perp", "mark"):
        legs = [Decimal(f"{price * (1 + dice.gauss(0.0002, 0.0001)):.2f}") for price in prices]
        world.series[kind] = [
            (start + n * HOUR, a, max(a, b), min(a, b), b, Decimal(0 if kind == "mark" else 1 + n % 7))
            for n, (a, b) in enumerate(itertools.pairwise(legs))
        ]
    return world


def on_clock(rows, zone):
    """Rows stamped by a local clock, with the zone UTC that is not theirs."""
    return [(row[0].astimezone(zone).replace(tzinfo=dt.UTC), *row[1:]) for row in rows]


def read(world, tmp_path, start="2024-03-05", end="2024-03-20", layout="recorded"):
    LAYOUTS[layout](world, tmp_path / "records")
    config = files_config(tmp_path / "records", date_start_local=start, date_end_local=end, data={"warmup_days": 1})
    user_perps.import_perps(config, run_plan(config).files.months)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_candles_in_utc_are_read_in_every_layout(tmp_path, layout):
    read(walk("2024-03-01", 31), tmp_path, layout=layout)


@pytest.mark.parametrize("layout", ["recorded", "ccxt", "freqtrade", "bulk"])
@pytest.mark.parametrize("kind", ["spot", "perp", "mark"])
def test_a_leg_that_is_hours_off_is_found_by_its_prices(tmp_path, kind, layout):
    world = walk("2024-03-01", 31)
    world.series[kind] = on_clock(world.series[kind], NEW_YORK)[40:-40]
    with pytest.raises(ConfigError, match=r"h (ahead of|behind) .*agree 3 times better.*data\.timezone"):
        read(world, tmp_path, "2024-03-04", "2024-03-08", layout)


def test_the_message_says_which_way_and_in_which_half_of_the_year(tmp_path):
    world = walk("2024-02-01", 120)
    world.series["spot"] = on_clock(world.series["spot"], LONDON)
    with pytest.raises(ConfigError, match=r"the spot candles of BTC/USDT are 1 h ahead of the perpetual candles"):
        read(world, tmp_path, "2024-02-03", "2024-02-20")


def test_both_legs_on_one_clock_are_found_by_the_mark_prices_of_the_rates(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    world = walk("2024-06-01", 60)
    closes = {row[0] + HOUR: row[4] for row in world.series["mark"]}
    for kind in world.series:
        world.series[kind] = on_clock(world.series[kind], LONDON)
    LAYOUTS["recorded"](world, tmp_path / "records")
    (path,) = (tmp_path / "records").glob("*funding*")
    table = pq.read_table(path)
    marks = pa.array([closes.get(at, Decimal(0)) for at, _ in world.rates], pa.decimal128(24, 8))
    pq.write_table(table.append_column("mark_price", marks), path)
    config = files_config(
        tmp_path / "records", date_start_local="2024-06-05", date_end_local="2024-07-01", data={"warmup_days": 1}
    )
    with pytest.raises(ConfigError, match=r"perpetual candles .* are 1 h ahead of the mark prices of the settlements"):
        user_perps.import_perps(config, run_plan(config).files.months)


@pytest.mark.parametrize("zone", [LONDON, NEW_YORK], ids=str)
def test_the_hour_that_comes_twice_in_autumn_is_found(tmp_path, zone):
    world = walk("2024-10-20", 30)
    for kind in world.series:
        world.series[kind] = on_clock(world.series[kind], zone)
    with pytest.raises(ConfigError, match=r"clock with summer time.*comes twice"):
        read(world, tmp_path, "2024-10-22", "2024-11-15")


def test_the_hours_that_are_left_out_in_two_springs_are_found(tmp_path):
    world = walk("2023-03-20", 400)
    for kind in world.series:
        rows = {
            row[0]: row for row in on_clock(world.series[kind], LONDON)
        }  # one of the doubled hours of autumn is gone
        world.series[kind] = list(rows.values())
    with pytest.raises(ConfigError, match=r"2023-03-26 01:00 and 2024-03-31 01:00 are left out"):
        read(world, tmp_path, "2023-03-22", "2023-04-10")


def test_half_hours_are_off_the_grid_and_holes_are_none_of_this(tmp_path):
    world = walk("2024-03-01", 31)
    for kind in world.series:  # an outage of 5 hours, and the hour at which American summer time began
        world.series[kind] = [
            row for row in world.series[kind] if not utc("2024-03-10 02:00") <= row[0] < utc("2024-03-10 03:00")
        ]
    del world.series["spot"][200:205]
    read(world, tmp_path)
    world.series["spot"] = on_clock(world.series["spot"], KOLKATA)
    with pytest.raises(ConfigError, match="not on whole hours in UTC"):
        read(world, tmp_path)
