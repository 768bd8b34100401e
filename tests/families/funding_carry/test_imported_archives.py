"""Archives of invented and of recorded perpetuals are served as an exchange's, and a fetch from them has the same records."""

import datetime as dt

import pytest

from tests.families.funding_carry.carry_configs import BTC, carry_config
from tests.families.funding_carry.exchange_worlds import ExchangeWorld, same_rows
from tests.families.funding_carry.perp_worlds import LAYOUTS, files_config, world_of
from tradewinds.cli import app as program
from tradewinds.core import files
from tradewinds.core.errors import ConfigError, DataMissing
from tradewinds.families.funding_carry.archive.imported_perps import import_perps_archive, make_synthetic_perps
from tradewinds.families.funding_carry.fetch import synthetic_perps, user_perps
from tradewinds.families.plan import run_plan

RANGE = {"date_start_local": "2024-03-31", "date_end_local": "2024-04-20"}  # its warm-up begins on March 1
MARCH, APRIL = "2024-03", "2024-04"


@pytest.fixture
def world(tmp_path, monkeypatch):
    made = ExchangeWorld(tmp_path, monkeypatch)
    made.archive = tmp_path / "made"
    made.at("2024-06-10 12:00")
    yield made
    made.stop()


def months_of(config, make):
    """Make the month files of a config; return the table of each by (kind, month)."""
    plan = run_plan(config)
    make(config, plan.files.months)
    return {(one.kind, one.month): files.read_table(one.path) for one in plan.files.months}


@pytest.mark.parametrize("exchange", ["binance", "bybit"])
def test_an_invented_archive_serves_what_the_seed_has(world, exchange):
    dates = [dt.date.fromisoformat(RANGE[key]) for key in ("date_start_local", "date_end_local")]
    made = make_synthetic_perps(world.archive, seed=5, symbols=[BTC], first=dates[0], last=dates[1], exchange=exchange)
    expected = months_of(carry_config(seed=5, data={"source": "synthetic"}, **RANGE), synthetic_perps.make_perps)
    assert made.months == len(expected) == 8 and not made.notes
    with world.serve() as server:
        world.services(server)
        for (kind, month), table in expected.items():
            found, _ = world.fetch(exchange, kind, month)
            names = ["ts_utc", "raw_ts_utc", "rate"] if kind == "funding" else table.column_names
            assert table.num_rows and found.select(names).to_pylist() == table.select(names).to_pylist(), (kind, month)


def test_the_same_seed_makes_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        make_synthetic_perps(
            tmp_path / name, seed=3, symbols=[BTC], first=dt.date(2024, 3, 1), last=dt.date(2024, 3, 2)
        )
    listed = [
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.parquet")}
        for name in ("one", "two")
    ]
    assert listed[0] == listed[1] and len(listed[0]) == 12


@pytest.mark.parametrize("layout", LAYOUTS)
def test_files_of_every_layout_become_an_archive(world, layout):
    recorded = world.folder / "records"
    LAYOUTS[layout](world_of("2024-03-01", 31 + 10), recorded)
    config = files_config(recorded, **RANGE)
    assert import_perps_archive(config, world.archive, "binance").months == 8
    expected = months_of(config, user_perps.import_perps)
    with world.serve() as server:
        world.services(server)
        for kind in ("funding", "spot", "perp", "mark"):
            found, said = world.fetch("binance", kind, MARCH)
            assert (
                same_rows(found, expected[kind, MARCH], without=("interval_hours", "mark_price"))
                and said["via"] == "bulk"
            )


def test_a_recording_that_ends_within_a_month_is_served_to_its_end_and_said(world):
    recorded = world.folder / "records"
    LAYOUTS["recorded"](world_of("2024-03-01", 31 + 10), recorded)
    made = import_perps_archive(files_config(recorded, **RANGE), world.archive, "bybit")
    names = [("funding", BTC), ("spot", "BTC/USDT"), ("perp", BTC), ("mark", BTC)]
    ends = [f"{kind} records of {name} end on 2024-04-10: the archive serves none after that." for kind, name in names]
    assert list(made.notes) == ends and made.months == 8
    with world.serve() as server:
        world.services(server)
        found, said = world.fetch("bybit", "spot", APRIL)
        assert (found.num_rows, said["covers_through"]) == (240, "2024-04-30")


def test_what_an_exchange_does_not_give_is_no_part_of_its_archive(world):
    recorded = world.folder / "records"
    LAYOUTS["recorded"](world_of("2024-03-01", 31), recorded)
    assert import_perps_archive(files_config(recorded, **RANGE), world.archive, "hyperliquid").months == 1
    assert [path.name for path in (world.archive / "perp").rglob("*.parquet")] == ["2024-03.parquet"]


def test_what_cannot_be_imported_is_refused_and_leaves_nothing(world):
    recorded = world.folder / "records"
    LAYOUTS["recorded"](world_of("2024-03-01", 3), recorded)
    config = files_config(recorded, **RANGE)
    with pytest.raises(
        ConfigError, match=r"--exchange: 'kraken' is no exchange\. One of binance, bybit, okx, hyperliquid"
    ):
        import_perps_archive(config, world.archive, "kraken")
    with pytest.raises(ConfigError, match=r"data\.source: the records are fetched from binance.*tradewinds record"):
        import_perps_archive(carry_config(data={"source": "binance"}, **RANGE), world.archive, "binance")
    late = files_config(recorded, date_start_local="2024-06-01", date_end_local="2024-06-02")
    with pytest.raises(DataMissing, match="data: no month has a record"):
        import_perps_archive(late, world.archive, "binance")
    assert not world.archive.exists() and not list(world.folder.glob(".made*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            "synthetic --out a --market tides",
            "--market: 'tides' has no invented archive. One of kalshi_weather, funding_carry.",
        ),
        (
            "synthetic --out a --start 2024-01-01",
            "--start: --market is kalshi_weather, and this flag has no meaning then.",
        ),
        ("synthetic --out a --market funding_carry --symbol BTCUSDT", "Did you mean BTC/USDT:USDT?"),
        ("synthetic --out a --market funding_carry --start 2024-09-01", "is after date_end_local"),
        ("import --out a", "--markets: nothing to import is given."),
        ("import --out a --markets m.parquet --exchange okx", "--exchange: there is no --config"),
        ("import --out a --config config/funding_balanced.yaml --candles c.parquet", "--candles: --config is given"),
        ("import --out a --config config/demo.yaml", "market is kalshi_weather, whose files no archive is made of"),
    ],
)
def test_flags_that_do_not_go_together_are_a_usage_error(arguments, said, tmp_path, monkeypatch, capsys):
    from tests.conftest import ROOT

    monkeypatch.chdir(tmp_path)
    words = [str(ROOT / word) if word.startswith("config/") else word for word in arguments.split()]
    with pytest.raises(SystemExit) as stopped:
        program.main(["archive", *words])
    found = capsys.readouterr().err
    assert stopped.value.code == 2 and said in found and found.count("\n") == 1, found
    assert not (tmp_path / "a").exists()
