"""The panel: exactly the records of the month files within range and warm-up, and the symbols that are left out."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.families.funding_carry.carry_configs import BTC, ETH, carry_config
from tests.families.funding_carry.perp_worlds import files_config, made_markets, utc, world_of, write_recorded
from tradewinds.core import files
from tradewinds.core.errors import DamagedFile, DataMissing
from tradewinds.families.funding_carry.carry_panel import (
    read_carry_panel,
    read_left_out,
    settlement_dates,
    window_of,
)
from tradewinds.families.funding_carry.instruments import instrument_of
from tradewinds.families.funding_carry.make_panel import make_carry_panel
from tradewinds.families.plan import run_plan

PEPE = "1000PEPE/USDT:USDT"
COLUMNS = ("open_ts", "open", "high", "low", "close", "volume")


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def seconds(text):
    return int(utc(text).timestamp())


def of_months(plan, symbol, kind, column, digits):
    """Every value of a column of the month files with its time, read with Arrow alone."""
    found = []
    for file in plan.files.months:
        if (file.symbol, file.kind) == (symbol, kind):
            table = pq.read_table(file.path)
            times = [int(at.timestamp()) for at in table.column(0).to_pylist()]
            values = [0 if value is None else int(value.scaleb(digits)) for value in table[column].to_pylist()]
            found += zip(times, values, strict=True)
    return found


def test_it_has_what_the_month_files_say_and_nothing_beyond_the_warm_up():
    config = carry_config(symbols=[ETH, BTC])
    markets = made_markets(config)
    plan, first, end = run_plan(config), seconds("2024-02-09 00:00"), seconds("2024-04-06 00:00")
    assert window_of(config) == (first, seconds("2024-03-10 00:00"), end)
    assert [market.symbol for market in markets] == [BTC, ETH]
    for market in markets:
        rates = [row for row in of_months(plan, market.symbol, "funding", "rate", 12) if first <= row[0] < end]
        assert list(zip(market.rates.ts.tolist(), market.rates.rate.tolist(), strict=True)) == rates
        assert market.rates.ts[0] == first and market.rates.ts[-1] == end - 8 * 3600
        for kind in ("spot", "perp", "mark"):
            candles = getattr(market, kind)
            for name in COLUMNS[1:]:
                wanted = [row for row in of_months(plan, market.symbol, kind, name, 8) if first <= row[0] < end]
                assert list(zip(candles.open_ts.tolist(), getattr(candles, name).tolist(), strict=True)) == wanted
            assert candles.open_ts is market.perp.open_ts, "one column for equal clocks"
    assert settlement_dates(plan.files.panel, config)[0] == dt.date(2024, 3, 10)


def test_a_config_of_fewer_dates_reads_its_own_part_of_the_same_panel():
    config = carry_config()
    whole = made_markets(config)[0]
    part = carry_config(date_start_local="2024-03-20", date_end_local="2024-03-21", data={"warmup_days": 2})
    (found,) = read_carry_panel(run_plan(config).files.panel, part)
    first, end = seconds("2024-03-18 00:00"), seconds("2024-03-22 00:00")
    inside = (whole.rates.ts >= first) & (whole.rates.ts < end)
    assert found.rates.rate.tolist() == whole.rates.rate[inside].tolist()
    for kind in ("spot", "perp", "mark"):
        mine, all_of_it = getattr(found, kind), getattr(whole, kind)
        inside = (all_of_it.open_ts >= first) & (all_of_it.open_ts < end)
        for name in COLUMNS:
            assert getattr(mine, name).tolist() == getattr(all_of_it, name)[inside].tolist()


def test_a_symbol_that_was_listed_in_mid_month_begins_there(tmp_path):
    write_recorded(world_of("2024-02-20 00:00", 40), tmp_path / "mine")
    write_recorded(world_of("2024-03-17 08:00", 5, ETH), tmp_path / "mine")
    markets = made_markets(files_config("mine", symbols=[BTC, ETH]))
    assert [market.rates.ts[0] for market in markets] == [seconds("2024-02-20 00:00"), seconds("2024-03-17 08:00")]
    assert markets[1].perp.open_ts[0] == seconds("2024-03-17 08:00")


def test_no_settlement_in_the_range_is_an_empty_panel_and_no_failure(tmp_path):
    write_recorded(world_of("2024-02-01 00:00", 10), tmp_path / "mine")
    config = files_config("mine", date_start_local="2024-03-10", date_end_local="2024-03-12")
    assert made_markets(config) == []
    panel = run_plan(config).files.panel
    assert read_left_out(panel) == {BTC: "NO_DATA"}
    assert settlement_dates(panel, config) == []
    with pytest.raises(DataMissing, match="no settlement from 2024-03-10 to 2024-03-12") as caught:
        made_markets(files_config("mine", on_missing={"data": "fail"}, date_end_local="2024-03-12"))
    assert caught.value.exit_code == 3


def test_symbols_without_data_or_spot_leg_are_left_out_beside_others(tmp_path):
    write_recorded(world_of("2024-02-20 00:00", 40), tmp_path / "mine")
    write_recorded(world_of("2024-01-01 00:00", 9, ETH), tmp_path / "mine")
    lonely = world_of("2024-02-20 00:00", 40, "KAS/USDT:USDT")
    del lonely.series["spot"]
    write_recorded(lonely, tmp_path / "mine")
    nothing = world_of("2024-02-20 00:00", 40, "XTZ/USDT:USDT")
    del nothing.series["perp"]
    write_recorded(nothing, tmp_path / "mine")
    symbols = [BTC, ETH, "KAS/USDT:USDT", "XTZ/USDT:USDT", PEPE]
    config = files_config("mine", symbols=symbols)
    assert [market.symbol for market in made_markets(config)] == [BTC]
    assert read_left_out(run_plan(config).files.panel) == {
        PEPE: "NO_SPOT_LEG",
        ETH: "NO_DATA",
        "KAS/USDT:USDT": "NO_SPOT_LEG",
        "XTZ/USDT:USDT": "NO_PERP_CANDLES",
    }


def test_a_symbol_that_no_file_has_is_missing_also_where_its_empty_months_are_there(tmp_path):
    write_recorded(world_of("2024-02-20 00:00", 40), tmp_path / "mine")
    both = files_config("mine", symbols=[BTC, ETH])
    assert [market.symbol for market in made_markets(both)] == [BTC]
    assert read_left_out(run_plan(both).files.panel) == {ETH: "NO_DATA"}
    alone = files_config("mine", symbols=[ETH])
    with pytest.raises(DataMissing, match="no file has those of ETH/USDT:USDT") as caught:
        make_carry_panel(alone, run_plan(alone))
    assert caught.value.exit_code == 3


def test_the_spot_leg_of_many_coins_is_in_units_of_the_perpetual():
    legs = {PEPE: {"spot_symbol": "PEPE/USDT", "spot_multiplier": 1000, "step": 10, "maintenance_margin_rate": 0.01}}
    (market,) = made_markets(carry_config(symbols=[PEPE], instruments=legs))
    basis = np.abs(market.perp.close / market.spot.close - 1)
    assert basis.max() < 0.01
    assert (market.spot.close % 1000 == 0).all(), "prices of the pair times a thousand"
    assert (market.instrument.step, market.instrument.maintenance) == (10 * 10**8, Fraction(1, 100))


def test_volumes_that_do_not_fit_lose_digits_and_keep_their_unit(tmp_path):
    world = world_of("2024-02-20 00:00", 40)
    world.series["spot"] = [(*row[:5], Decimal(5 * 10**9) * (n % 50)) for n, row in enumerate(world.series["spot"])]
    write_recorded(world, tmp_path / "mine")
    (market,) = made_markets(files_config("mine"))
    assert market.spot.volume_unit == 10**7
    assert market.spot.volume[49] == 245 * 10**9 * 10**7
    assert market.perp.volume_unit == 10**8


def test_a_damaged_panel_is_named():
    config = carry_config()
    made_markets(config)
    path = Path(run_plan(config).files.panel.candles)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedFile, match=r"candles\.parquet"):
        read_carry_panel(run_plan(config).files.panel, config)


def test_synthetic_months_do_not_depend_on_the_range_and_are_plausible():
    config = carry_config(date_start_local="2024-03-01", date_end_local="2024-05-31")
    (market,) = made_markets(config)
    paths = [file.path for file in run_plan(config).files.months if file.month == "2024-04"]
    before = [Path(path).read_bytes() for path in paths]
    for path in paths:
        Path(path).unlink()
    made_markets(carry_config(date_start_local="2024-04-10", date_end_local="2024-04-12", data={"warmup_days": 0}))
    assert [Path(path).read_bytes() for path in paths] == before
    rates = market.rates.rate
    assert 0.4 < (rates == 10**8).mean() < 0.95, "most rest at 0.0001"
    assert (rates > 3 * 10**8).any() and (rates < 0).any() and np.abs(rates).max() < 2 * 10**9
    assert (np.diff(market.rates.ts) == 8 * 3600).all()
    moves = np.abs(np.diff(market.spot.close)) / market.spot.close[1:]
    assert 0.0001 < np.median(moves) < 0.01 and moves.max() < 0.05, "also from month to month"
    basis = market.perp.close / market.spot.close - 1
    assert 0 < np.abs(basis).max() < 0.003
    assert (market.spot.open[1:] == market.spot.close[:-1]).all()
    others = made_markets(carry_config(symbols=[ETH]))
    assert others[0].rates.rate.tolist() != rates.tolist()
    assert (
        made_markets(carry_config(seed=1))[0].rates.rate.tolist() != made_markets(carry_config())[0].rates.rate.tolist()
    )


def test_filters_of_the_exchange_give_way_to_those_of_the_config(tmp_path):
    from tradewinds.families.funding_carry import instruments
    from tradewinds.families.funding_carry.schemas import INSTRUMENTS

    rows = [
        {
            "symbol": BTC,
            "perp_step": Decimal("0.0010000000"),
            "perp_min_notional": Decimal(100),
            "spot_step": Decimal("0.00001"),
        },
        {"symbol": ETH, "perp_step": Decimal("0.003"), "spot_step": Decimal("0.002"), "spot_min_notional": Decimal(7)},
    ]
    import pyarrow as pa

    files.write_parquet("list.parquet", pa.Table.from_pylist(rows, INSTRUMENTS), {})
    found = instruments.fetched_filters("list.parquet")
    config = carry_config(symbols=[BTC, ETH], instruments={ETH: {"min_notional": 20}})
    btc, eth = (instruments.instrument_of(config, symbol, found[symbol]) for symbol in (BTC, ETH))
    assert (btc.step, btc.min_notional) == (100_000, 100 * 10**8)
    assert (eth.step, eth.min_notional) == (600_000, 20 * 10**8), "the least common multiple of both steps"
    default = instruments.instrument_of(config, BTC, {})
    assert (default.step, default.min_notional, default.maintenance) == (100_000, 5 * 10**8, Fraction(1, 200))


def test_filters_change_on_the_dates_of_the_config():
    changes = [{"from": "2024-03-15", "step": 2}, {"from": "2024-03-20", "min_notional": 50}]
    config = carry_config(instruments={BTC: {"step": 0.5, "changes": changes}})
    made = instrument_of(config, BTC, {"min_notional": "7"})
    day = 86_400
    first, second = (int(utc(f"2024-03-{n}").timestamp()) for n in (15, 20))
    found = [made.filters_at(ts)[1:] for ts in (0, first - 1, first, second - 1, second, second + day)]
    half, two = 10**8 // 2, 2 * 10**8
    assert found == [(half, 7 * 10**8)] * 2 + [(two, 7 * 10**8)] * 2 + [(two, 50 * 10**8)] * 2
