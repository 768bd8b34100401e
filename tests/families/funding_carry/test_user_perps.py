"""Funding rates and candles from a user's files: every layout gives the same records, and what is not clear is asked for."""

import datetime as dt
import shutil
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from tests.families.funding_carry.carry_configs import BTC, ETH
from tests.families.funding_carry.perp_worlds import (
    LAYOUTS,
    MS,
    RATE,
    files_config,
    made_markets,
    utc,
    world_of,
    write_ccxt,
    write_recorded,
)
from tradewinds.core import files
from tradewinds.core.errors import ConfigError, DataMissing, SimulationError
from tradewinds.families.funding_carry import carry_findings
from tradewinds.families.plan import run_plan

FIRST, DAYS = "2024-02-20 00:00", 30


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def world():
    return world_of(FIRST, DAYS)


def units(values):
    return [int(value * 10**8) for value in values]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_records(layout, world, tmp_path):
    LAYOUTS[layout](world, tmp_path / "mine")
    (market,) = made_markets(files_config("mine"))
    assert market.rates.ts.tolist() == [int(at.timestamp()) for at, _ in world.rates]
    assert market.rates.rate.tolist() == [int(rate * 10**12) for _, rate in world.rates]
    for kind, rows in world.series.items():
        candles = getattr(market, kind)
        columns = list(zip(*rows, strict=True))
        assert candles.open_ts.tolist() == [int(at.timestamp()) for at in columns[0]]
        for name, values in zip(("open", "high", "low", "close", "volume"), columns[1:], strict=True):
            assert getattr(candles, name).tolist() == units(values), (kind, name)


def test_what_was_found_is_in_the_files_and_in_what_validate_says(world, tmp_path):
    write_recorded(world, tmp_path / "mine")
    config = files_config("mine")
    made_markets(config)
    plan = run_plan(config)
    notes = "\n".join(carry_findings.findings(config, plan).notes)
    assert f"90 funding rates of {BTC}, 2024-02-20T00:00:00Z to 2024-03-20T16:00:00Z (stamps: UTC, ms)" in notes
    assert "720 spot candles of BTC/USDT" in notes
    assert f"{BTC}: 90 settlements (89 of 8 h; FUNDING_GAP 0), missing candles: spot 0, perpetual 0, mark 0." in notes


def test_files_that_stay_as_they_are_are_not_read_again(world, tmp_path):
    write_recorded(world, tmp_path / "mine")
    config = files_config("mine")
    made_markets(config)
    month = next(file for file in run_plan(config).files.months if file.kind == "funding" and file.month == "2024-03")
    before = files.read_meta(month.path)
    made_markets(config)
    assert files.read_meta(month.path) == before
    world.rates[40] = (world.rates[40][0], Decimal("0.0009"))
    write_recorded(world, tmp_path / "mine")
    (market,) = made_markets(config)
    assert market.rates.rate[40] == 900_000_000


def refused(config, error=ConfigError):
    with pytest.raises(error) as caught:
        made_markets(config)
    text = str(caught.value)
    assert "\n" not in text
    return caught.value.exit_code, text


def test_a_folder_without_spot_candles_is_refused(world, tmp_path):
    del world.series["spot"]
    write_recorded(world, tmp_path / "mine")
    code, text = refused(files_config("mine"), DataMissing)
    assert code == 3
    assert "spot candles missing" in text and "BTC/USDT" in text


def test_one_series_for_both_legs_is_refused(world, tmp_path):
    world.series["spot"] = world.series["perp"]
    write_recorded(world, tmp_path / "mine")
    code, text = refused(files_config("mine"), DataMissing)
    assert code == 3
    assert text.startswith(
        "data: spot candles missing: the candles of BTC/USDT:USDT and of its spot leg are one series"
    )


def test_equal_prices_that_never_move_are_no_proof_of_one_series(world, tmp_path):
    flat = [(row[0], *[Decimal(100)] * 4, Decimal(5)) for row in world.series["spot"]]
    world.series = dict.fromkeys(world.series, flat)
    write_recorded(world, tmp_path / "mine")
    assert len(made_markets(files_config("mine"))) == 1


def test_rates_in_percent_are_refused_with_evidence_and_can_be_read(world, tmp_path):
    right = world_of(FIRST, DAYS)
    world.rates = [(at, rate * 100) for at, rate in world.rates]
    write_recorded(world, tmp_path / "mine")
    code, text = refused(files_config("mine"))
    assert code == 2
    assert "look like percent" in text and "data.rates: percent" in text and "binance_funding_BTC.parquet" in text
    (market,) = made_markets(files_config("mine", data={"rates": "percent"}))
    assert market.rates.rate.tolist() == [int(rate * 10**12) for _, rate in right.rates]
    (market,) = made_markets(files_config("mine", data={"rates": "fraction"}))
    assert market.rates.rate[0] == 10**10


def test_resting_rates_in_percent_are_seen_too(world, tmp_path):
    world.rates = [(at, Decimal("0.01") if n % 3 == 0 else Decimal("0.0004")) for n, (at, _) in enumerate(world.rates)]
    write_recorded(world, tmp_path / "mine")
    assert "exactly 0.01" in refused(files_config("mine"))[1]


def test_large_rates_of_a_few_hours_are_not_taken_for_percent(world, tmp_path):
    world.rates[:20] = [(at, Decimal("-0.0075")) for at, _ in world.rates[:20]]
    write_recorded(world, tmp_path / "mine")
    assert made_markets(files_config("mine"))[0].rates.rate[0] == -7_500_000_000


def a_year(tmp_path, shift):
    """A year of files, whose stamps `shift` changes."""
    world = world_of("2023-01-01 00:00", 365)
    world.rates = [(shift(at), rate) for at, rate in world.rates]
    world.series = {kind: [(shift(row[0]), *row[1:]) for row in rows] for kind, rows in world.series.items()}
    write_recorded(world, tmp_path / "mine")
    return files_config("mine", date_start_local="2023-02-01", date_end_local="2023-12-31")


def in_summer(at):
    return utc("2023-03-26 01:00") <= at < utc("2023-10-29 01:00")


def test_stamps_of_a_clock_with_summer_time_are_refused_with_evidence(tmp_path):
    config = a_year(tmp_path, lambda at: at + dt.timedelta(hours=1) if in_summer(at) else at)
    code, text = refused(config)
    assert code == 2
    assert "in summer at 01:00, 09:00, 17:00, in winter at 00:00, 08:00, 16:00" in text
    assert "data.timezone" in text


def test_stamps_of_another_clock_all_year_are_refused(tmp_path):
    config = a_year(tmp_path, lambda at: at - dt.timedelta(hours=5))
    assert "settles at 03:00, 11:00, 19:00 UTC" in refused(config)[1]


def test_settlements_at_four_o_clock_are_taken_as_they_are(tmp_path):
    config = a_year(tmp_path, lambda at: at + dt.timedelta(hours=4))
    assert len(made_markets(config)) == 1


@pytest.mark.slow
def test_stamps_without_a_zone_are_asked_for_and_read_on_the_clock_that_is_named(tmp_path):
    right = world_of("2023-01-01 00:00", 365)
    local = world_of("2023-01-01 00:00", 365)
    shift = lambda at: at + dt.timedelta(hours=1) if in_summer(at) else at  # noqa: E731
    (tmp_path / "mine").mkdir()
    lines = ["time,symbol,fundingRate", *(f"{shift(at):%Y-%m-%d %H:%M:%S},{BTC},{rate}" for at, rate in local.rates)]
    (tmp_path / "mine/rates.csv").write_text("\n".join(lines))
    write_recorded(local, tmp_path / "other")
    for kind in ("spot", "perp", "mark"):
        shutil.copy(tmp_path / f"other/binance_{kind}_1h_BTC.parquet", tmp_path / "mine")
    dates = {"date_start_local": "2023-02-01", "date_end_local": "2023-12-30"}
    code, text = refused(files_config("mine", **dates))
    assert code == 2
    assert "at 01:00, 09:00, 17:00 in summer and at 00:00, 08:00, 16:00 in winter" in text and "data.timezone" in text
    (market,) = made_markets(files_config("mine", data={"timezone": "Europe/London"}, **dates))
    kept = [(at, rate) for at, rate in right.rates if utc("2023-01-02 00:00") <= at < utc("2023-12-31 00:00")]
    assert market.rates.ts.tolist() == [int(at.timestamp()) for at, _ in kept]


def test_two_rates_of_one_settlement_are_refused(world, tmp_path):
    at, rate = world.rates[10]
    world.rates.insert(11, (at + dt.timedelta(milliseconds=3), rate * 2))
    write_recorded(world, tmp_path / "mine")
    code, text = refused(files_config("mine"), SimulationError)
    assert code == 5
    assert "different rates" in text


def test_files_of_two_exchanges_are_refused_by_name(world, tmp_path):
    write_recorded(world, tmp_path / "mine")
    other = world_of(FIRST, DAYS)
    other.rates = [(at, rate + Decimal("0.00001")) for at, rate in other.rates]
    write_ccxt(other, tmp_path / "other")
    shutil.copy(tmp_path / "other/funding.csv", tmp_path / "mine/bybit_funding.csv")
    code, text = refused(files_config("mine"))
    assert code == 2
    assert "90 funding rates of BTC/USDT:USDT differ from those of" in text and "data.exchange" in text
    (market,) = made_markets(files_config("mine", data={"exchange": "binance"}))
    assert market.rates.rate.tolist() == [int(rate * 10**12) for _, rate in world.rates]


def test_candles_that_may_be_either_leg_are_asked_for(world, tmp_path):
    write_ccxt(world, tmp_path / "mine")
    (tmp_path / "mine/BTC_USDT-spot.csv").rename(tmp_path / "mine/BTCUSDT.csv")
    code, text = refused(files_config("mine"))
    assert code == 2
    assert "BTCUSDT.csv" in text and "spot, perp or mark" in text


def test_one_series_of_candles_is_not_enough_for_two_legs(world, tmp_path):
    write_ccxt(world, tmp_path / "mine")
    (tmp_path / "mine/BTC_USDT-spot.csv").unlink()
    (tmp_path / "mine/BTC_USDT_USDT-perp.csv").rename(tmp_path / "mine/BTCUSDT.csv")
    code, text = refused(files_config("mine"), DataMissing)
    assert code == 3
    assert "spot candles missing: there is one series of candles of BTC/USDT:USDT" in text


def test_candles_of_two_exchanges_are_refused_by_name(world, tmp_path):
    write_recorded(world, tmp_path / "mine")
    world.series["spot"] = [(*row[:4], row[4] - Decimal("0.5"), row[5]) for row in world.series["spot"]]
    write_recorded(world, tmp_path / "other")
    shutil.copy(tmp_path / "other/binance_spot_1h_BTC.parquet", tmp_path / "mine/okx_spot.parquet")
    code, text = refused(files_config("mine"))
    assert code == 2
    assert "720 spot candles of BTC/USDT differ" in text and "okx_spot.parquet" in text and "data.exchange" in text


def test_overlapping_files_that_agree_are_joined(world, tmp_path):
    write_recorded(world, tmp_path / "mine")
    shutil.copy(tmp_path / "mine/binance_spot_1h_BTC.parquet", tmp_path / "mine/again_spot.parquet")
    (market,) = made_markets(files_config("mine"))
    assert len(market.spot.open_ts) == 720


def test_month_files_of_another_run_can_be_read(world, tmp_path):
    write_recorded(world, tmp_path / "mine")
    config = files_config("mine")
    (before,) = made_markets(config)
    shutil.move(str(tmp_path / "data/perp"), str(tmp_path / "kept"))
    (market,) = made_markets(files_config("kept"))
    for name in ("ts", "rate"):
        assert getattr(market.rates, name).tolist() == getattr(before.rates, name).tolist()
    for kind in ("spot", "perp", "mark"):
        assert getattr(market, kind).close.tolist() == getattr(before, kind).close.tolist()


def test_a_rate_that_is_not_there_is_no_settlement(world, tmp_path, caplog):
    write_recorded(world, tmp_path / "mine")
    path = tmp_path / "mine/binance_funding_BTC.parquet"
    table = pq.read_table(path)
    rates = [float("nan") if row == 5 else float(rate) for row, (_, rate) in enumerate(world.rates)]
    pq.write_table(table.set_column(3, "funding_rate", pa.array(rates)), path)
    (market,) = made_markets(files_config("mine"))
    assert len(market.rates.ts) == 89
    assert f"binance_funding_BTC.parquet: 1 row of {BTC} left out: no rate." in caplog.text


def test_files_without_rows_and_columns_given_twice(world, tmp_path):
    write_ccxt(world, tmp_path / "mine")
    (tmp_path / "mine/empty_funding.csv").write_text("timestamp,symbol,fundingRate\n")
    config = files_config("mine")
    assert len(made_markets(config)) == 1
    notes = carry_findings.findings(config, run_plan(config)).notes
    assert "mine/empty_funding.csv: it has no rows." in notes
    (tmp_path / "mine/empty_funding.csv").write_text("timestamp,symbol,fundingRate,symbol\n1,a,1,a\n")
    assert "'symbol' is there twice" in refused(files_config("mine"))[1]


def test_candles_of_another_length_are_not_used(world, tmp_path):
    for kind in ("spot", "perp"):
        world.series[kind] = world.series[kind][::4]
    write_recorded(world, tmp_path / "mine")
    code, text = refused(files_config("mine"), DataMissing)
    assert code == 3
    assert "candles of 240 minutes, and data.candle_minutes is 60" in text


def test_holes_and_six_hour_intervals_are_kept_and_counted(world, tmp_path):
    start = utc(FIRST)
    world.rates = [(start + dt.timedelta(hours=6 * n), Decimal("0.0001")) for n in range(100)]
    for kind in ("spot", "perp"):
        del world.series[kind][100:136]
    write_recorded(world, tmp_path / "mine")
    config = files_config("mine")
    (market,) = made_markets(config)
    assert len(market.rates.ts) == 100
    notes = "\n".join(carry_findings.findings(config, run_plan(config)).notes)
    assert "FUNDING_GAP 99" in notes
    assert "missing candles: spot 36, perpetual 36, mark 0" in notes


def test_a_source_that_names_another_interval_is_said(world, tmp_path):
    LAYOUTS["bulk"](world, tmp_path / "mine")
    (path,) = (tmp_path / "mine").rglob("*fundingRate-2024-03.csv")
    lines = path.read_text().splitlines()
    lines[50] = lines[50].replace(",8,", ",4,")
    path.write_text("\n".join(lines))
    config = files_config("mine")
    made_markets(config)
    notes = "\n".join(carry_findings.findings(config, run_plan(config)).notes)
    assert "for 1 of 89 settlements, the first at 2024-03-07T08:00:00Z; the distance counts" in notes


def test_a_config_of_more_symbols_leaves_the_files_of_another_one_as_they_are(world, tmp_path):
    write_recorded(world, tmp_path / "mine")
    write_recorded(world_of(FIRST, DAYS, ETH), tmp_path / "mine")
    config = files_config("mine")
    made_markets(config)
    before = {file.path: files.read_meta(file.path)["found"] for file in run_plan(config).files.months}
    made_markets(files_config("mine", symbols=[BTC, ETH]))
    assert {path: files.read_meta(path)["found"] for path in before} == before


def test_bad_candles_are_quarantined_by_reason(world, tmp_path):
    rows = world.series["perp"]
    rows[300] = (rows[300][0], Decimal(-1), *rows[300][2:])
    rows[301] = (rows[301][0], *rows[301][1:3], rows[301][2] + 5, *rows[301][4:])
    rows[302] = (rows[302][0] + dt.timedelta(seconds=1), *rows[302][1:])
    rows.append(rows[303])
    write_recorded(world, tmp_path / "mine")
    config = files_config("mine")
    (market,) = made_markets(config)
    assert len(market.perp.open_ts) == 720 - 3
    notes = carry_findings.findings(config, run_plan(config)).notes
    for reason in ("DUPLICATE", "NON_POSITIVE_PRICE", "OFF_GRID", "OHLC_ORDER"):
        assert f"{BTC} perp: 1 quarantined: {reason}" in notes


def test_a_predicted_rate_is_no_settled_one(world, tmp_path):
    write_ccxt(world, tmp_path / "mine")
    text = (tmp_path / "mine/funding.csv").read_text().replace("fundingRate", "lastFundingRate")
    (tmp_path / "mine/funding.csv").write_text(text)
    code, text = refused(files_config("mine"))
    assert code == 2 and "predicted" in text


@pytest.mark.parametrize(
    ("cell", "said"),
    [("0.01%", "Rates are fractions"), ("1_0", "plain decimal"), ("nan?", "plain decimal"), ("1e999", "no number")],
)
def test_a_rate_that_is_no_number_is_named_with_its_row(cell, said, world, tmp_path):
    write_ccxt(world, tmp_path / "mine")
    lines = (tmp_path / "mine/funding.csv").read_text().splitlines()
    lines[5] = ",".join([*lines[5].split(",")[:3], cell])
    (tmp_path / "mine/funding.csv").write_text("\n".join(lines))
    code, text = refused(files_config("mine"))
    assert code == 2
    assert "funding.csv, row 5, column 'fundingRate'" in text and said in text


def test_a_folder_that_is_not_there_or_empty_has_no_plan(tmp_path):
    (tmp_path / "empty").mkdir()
    for path, said in (("nowhere", "no file nowhere"), ("empty", "the folder empty has no file")):
        with pytest.raises(DataMissing, match=said):
            run_plan(files_config(path))


def test_files_that_are_none_are_refused(tmp_path):
    assert refused(files_config("nowhere"), DataMissing)[0] == 3
    (tmp_path / "mine").mkdir()
    assert "no file that ends in" in refused(files_config("mine"), DataMissing)[1]
    (tmp_path / "mine/a.parquet").write_bytes(b"PAR1 and no more")
    assert refused(files_config("mine"))[0] == 2
    (tmp_path / "mine/a.parquet").unlink()
    (tmp_path / "mine/a.csv").write_text("colour,number\nred,1\n")
    assert "neither funding rates nor candles" in refused(files_config("mine"))[1]


def test_other_symbols_of_the_files_are_named(world, tmp_path):
    write_recorded(world, tmp_path / "mine")
    code, text = refused(files_config("mine", symbols=[ETH]), DataMissing)
    assert code == 3
    assert (
        "no file has those of ETH/USDT:USDT" in text and "Other symbols of these files: BTC/USDT, BTC/USDT:USDT" in text
    )


def several_exchanges(world, path):
    """A file with the rows of two exchanges, candles of eight hours that begin four hours before their settlement."""
    rows = []
    for exchange, plus in (("bybit", Decimal(0)), ("okx", Decimal("0.0000000000000005"))):
        for number, (at, rate) in enumerate(world.rates):
            price = Decimal(100 + number)
            candle = {"open": price, "high": price + 1, "low": price - 1, "close": price, "volume": Decimal(3)}
            times = {"ts_utc": at, "candle_open_utc": at - dt.timedelta(hours=4)}
            rows.append(
                {"exchange": exchange, "pair": "BTC/USDT", "contract": "spot", **times, **candle, "funding_rate": None}
            )
            pair = {"pair": "BTCUSDT", "contract": "perpetual", "close": price + Decimal("0.5")}
            rows.append({"exchange": exchange, **times, **candle, **pair, "funding_rate": rate + plus})
    decimals = dict.fromkeys(("open", "high", "low", "close", "volume"), pa.decimal128(18, 8))
    texts = dict.fromkeys(("exchange", "pair", "contract"), pa.large_string())
    schema = pa.schema(list({**texts, "ts_utc": MS, "candle_open_utc": MS, **decimals}.items()))
    schema = schema.append(pa.field("funding_rate", pa.decimal128(24, 18)))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), path)


def test_a_file_of_several_exchanges_is_read_of_the_one_that_is_named(world, tmp_path):
    several_exchanges(world, tmp_path / "mine/several.parquet")
    code, text = refused(files_config("mine"), DataMissing)
    assert code == 3
    assert "it has rows of bybit, okx, and data.exchange names none of them" in text
    (market,) = made_markets(files_config("mine", data={"exchange": "okx", "candle_minutes": 480}))
    assert market.rates.rate.tolist() == [int(rate * 10**12) for _, rate in world.rates], "rounded to twelve decimals"
    first = int(world.rates[0][0].timestamp())
    assert market.rates.ts[0] == first
    assert market.spot.open_ts[0] == market.perp.open_ts[0] == first - 4 * 3600
    assert (market.perp.close - market.spot.close == 5 * 10**7).all()


def test_recorded_rates_keep_the_jitter_of_their_stamps(world, tmp_path):
    write_recorded(world, tmp_path / "mine")
    config = files_config("mine")
    made_markets(config)
    path = next(
        file.path for file in run_plan(config).files.months if file.kind == "funding" and file.month == "2024-03"
    )
    table = files.read_table(path)
    gap = np.unique(table["raw_ts_utc"].cast(pa.int64()).to_numpy() - table["ts_utc"].cast(pa.int64()).to_numpy())
    assert gap.tolist() == [7000]
    assert table["rate"].type == RATE


@pytest.mark.parametrize("file, late", [("funding.csv", 20 * 60), ("BTC_USDT_USDT-perp.csv", 7)])
def test_stamps_that_are_mostly_off_the_hours_are_refused_not_left_out_one_by_one(file, late, world, tmp_path):
    write_ccxt(world, tmp_path / "mine")
    path = tmp_path / "mine" / file
    rows = [line.split(",") for line in path.read_text().splitlines()]
    for row in rows:
        if row[0].isdigit():
            row[0] = str(int(row[0]) + late * 1000)
    path.write_text("\n".join(",".join(row) for row in rows))
    code, text = refused(files_config("mine"))
    assert code == 2
    assert f"mine/{file}" in text and "not on whole hours in UTC" in text and "data.timezone" in text


def test_a_number_that_cannot_be_right_is_named_with_the_folder_of_its_files(world, tmp_path):
    write_ccxt(world, tmp_path / "mine")
    path = tmp_path / "mine/BTC_USDT-spot.csv"
    lines = path.read_text().splitlines()
    lines[400] = ",".join([*lines[400].split(",")[:5], "1" + "0" * 30])
    path.write_text("\n".join(lines))
    code, text = refused(files_config("mine"), SimulationError)
    assert code == 5
    assert text.startswith("mine: BTC/USDT: the volume of the candle that begins at")
