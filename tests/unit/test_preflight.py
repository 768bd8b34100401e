"""What is found out before a run's first job: the user's files, the disk, the database; each said with file, line and key."""

import datetime as dt
import os
import shutil
import sqlite3
from collections import namedtuple
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

import tradewinds as tw
from tests.families.funding_carry.carry_configs import raw_config
from tests.unit.test_near_names import EVENTS, SESSIONS, SHARES
from tradewinds.config import resolve
from tradewinds.config.places import place_by_file
from tradewinds.core import files
from tradewinds.core.errors import ConfigError, DatabaseError, DataMissing
from tradewinds.database.write_access import check_write_access
from tradewinds.families.kalshi_weather.schemas import CATALOG, catalog_path
from tradewinds.families.plan import run_plan
from tradewinds.pipeline.preflight import preflight

HEAD = "market_ticker,known_at_utc,p_yes\n"
IN_TIME, TOO_LATE = "2025-04-30T12:00:00Z", "2025-05-03T12:00:00Z"
WITH_FILE = {**EVENTS, "probabilities": {"source": "file", "path": "mine.csv"}}
LINE = "config.yaml, line 16, probabilities.path: "  # of the key in the file that `found` writes


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def found(config, **parts):
    """The preflight of a config in a file."""
    with open("config.yaml", "w") as file:
        yaml.safe_dump(config, file, sort_keys=False)
    conf = resolve.load("config.yaml")
    place_of = place_by_file("config.yaml")
    return preflight(conf, run_plan(conf, place_of), place_of, **parts)


def refused(config, kind, *says):
    """The only error of a config's preflight."""
    [error] = found(config).errors
    assert type(error) is kind and all(part in str(error) for part in says), str(error)
    return error


def write(rows, name="mine.csv"):
    with open(name, "w") as file:
        file.write(HEAD + "".join(f"{row}\n" for row in rows))


def test_a_file_of_probabilities_that_is_not_there():
    refused(WITH_FILE, DataMissing, f"{LINE}there is no file mine.csv.", "working folder")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "mine.csv has no rows."),
        ([f"KXHIGHCHI-25MAY01-B80.5,{IN_TIME},0.5"], "no row of mine.csv names a market of this config"),
        ([f"KXHIGHMIA-25MAY03-B80.5,{IN_TIME},0.5"], "from 2025-05-01 to 2025-05-02, such as KXHIGHMIA-25MAY01-B80.5"),
        ([f"kxhighmia-25may01-b80.5,{IN_TIME},0.5"], "Tickers are written in capitals."),
        (["X", "Y"], "Expected 3 columns"),
        ([f"KXHIGHMIA-25MAY01-B80.5,{TOO_LATE},0.5"], "is known after the as-of time"),
        (["KXHIGHMIA-25MAY01-B80.5,1746014400,0.5"], "As seconds since 1970 it would be 2025-04-30T12:00:00Z"),
        (["KXHIGHMIA-25MAY01-B80.5,1746014400000,0.5"], "As milliseconds since 1970 it would be 2025-04-30T12:00:00Z"),
        ([f"KXHIGHMIA-25MAY01-B80.5,{IN_TIME},35"], "a part of one and no percentage: 0.35"),
        ([f"KXHIGHMIA-25MAY01-B80.5,{IN_TIME},35%"], "a part of one and no percentage: 0.35"),
        ([f'KXHIGHMIA-25MAY01-B80.5,{IN_TIME},"0,35"'], "with a point: 0.35"),
    ],
)
def test_probabilities_of_which_nothing_counts_are_a_wrong_config(rows, says):
    write(rows)
    refused(WITH_FILE, ConfigError, says)


def test_a_wrong_row_is_said_with_the_place_of_the_key_and_of_the_row():
    write([f"KXHIGHMIA-25MAY01-B80.5,{IN_TIME},35"])
    assert str(refused(WITH_FILE, ConfigError)).startswith(f"{LINE}mine.csv, row 1: ")


@pytest.mark.parametrize(
    ("config", "key"),
    [
        (SHARES | {"bars": {"source": "files", "path": "nothing.csv"}}, "bars.path"),
        (SESSIONS | {"bars": {"source": "files", "path": "nothing"}}, "bars.path"),
        (SESSIONS | {"bars": {"source": "files", "path": "empty"}}, "bars.path"),
        (SESSIONS | {"bars": {"source": "files", "path": "wrong/a.csv"}}, "bars.path: wrong/a.csv"),
        (SESSIONS | {"bars": {"source": "files", "path": "wrong"}}, "bars.path: wrong/a.csv"),
        (raw_config(data={"source": "files", "path": "nothing"}), "data.path"),
        (raw_config(data={"source": "files", "path": "empty"}), "data.path"),
        (raw_config(data={"source": "files", "path": "wrong"}), "data.path"),
    ],
)
def test_a_plan_without_the_users_files_says_where_the_config_names_them(config, key):
    Path("empty").mkdir()
    Path("wrong").mkdir()
    Path("wrong/a.csv").write_text("nonsense\n1\n")
    with pytest.raises((ConfigError, DataMissing)) as wrong:
        found(config).refuse()
    line = 1 + Path("config.yaml").read_text().splitlines().index(f"  path: {config[key.split('.')[0]]['path']}")
    assert str(wrong.value).startswith(f"config.yaml, line {line}, {key}")


def test_the_place_of_the_key_is_said():
    write([f"KXHIGHCHI-25MAY01-B80.5,{IN_TIME},0.5"])
    assert str(refused(WITH_FILE, ConfigError)).startswith(LINE)


def test_rows_are_counted_and_few_events_are_a_warning():
    both = [f"KXHIGHMIA-25MAY0{day}-B80.5,{IN_TIME},0.5" for day in (1, 2)]
    write([*both, "HIGHMIA-25MAY01-B82.5,2025-04-30,0.1", f"KXHIGHCHI-25MAY01-B80.5,{IN_TIME},0.5"])
    early = found(WITH_FILE)
    assert early.errors == early.warnings == []
    zone, note = early.notes
    assert zone == "probabilities.path: known_at_utc has no zone in 1 row of mine.csv: such times count as UTC."
    assert (
        "2 of 2 events have a probability" in note and "4, with a market of this config: 3, of them in time: 3" in note
    )
    write([both[0]])
    longer = {**WITH_FILE, "date_end_local": "2025-05-31"}
    [warning] = found(longer).warnings
    assert warning.startswith(f"{LINE}few events can be traded: 1 of 31 events") and "skipped" in warning


def test_a_catalog_that_is_there_says_which_tickers_are_listed():
    listed = {"market_ticker": "KXHIGHMIA-25MAY01-B80.5", "event_ticker": "KXHIGHMIA-25MAY01"}
    needed = {field.name: "-" for field in CATALOG if not field.nullable and pa.types.is_string(field.type)}
    noon = dt.datetime(2025, 5, 1, 12, tzinfo=dt.UTC)
    times = {field.name: noon for field in CATALOG if not field.nullable and pa.types.is_timestamp(field.type)}
    row = dict.fromkeys(CATALOG.names) | needed | times | listed | {"climate_date": noon.date()}
    meta = {"covers_through": "2025-05-02", "asked_through": "2025-05-02"}
    files.write_parquet(catalog_path("KXHIGHMIA"), pa.Table.from_pylist([row], CATALOG), meta)
    write([f"KXHIGHMIA-25MAY01-B81.5,{IN_TIME},0.5"])
    refused(WITH_FILE, ConfigError, "no row of mine.csv names a market")
    write([f"KXHIGHMIA-25MAY01-B80.5,{IN_TIME},0.5"])
    assert found(WITH_FILE).errors == []


BARS = "symbol,date,open,high,low,close,volume\nAAA,2025-01-02,1,1,1,1,5\nBBB,2025-01-02,1,1,1,1,5\n"


@pytest.mark.parametrize(
    ("universe", "errors", "warnings"),
    [
        (["AAA", "BBB"], [], []),
        (["AAA", "CCC"], [], ["has nothing of 1 of 2 symbols: CCC. They are left out."]),
        (["AAX"], ["has nothing of AAX. Its symbols: AAA, BBB. Did you mean AAA?"], []),
    ],
)
def test_symbols_of_daily_bars_are_compared_with_the_file(universe, errors, warnings):
    with open("bars.csv", "w") as file:
        file.write(BARS)
    early = found({**SHARES, "universe": universe, "bars": {"source": "files", "path": "bars.csv"}})
    for texts, parts in ((map(str, early.errors), errors), (early.warnings, warnings)):
        assert [part in text for text, part in zip(texts, parts, strict=True)] == [True] * len(parts)
    assert not errors or type(early.errors[0]) is DataMissing


def test_daily_bars_with_semicolons_or_without_a_column_are_refused():
    with open("bars.csv", "w") as file:
        file.write(BARS.replace(",", ";"))
    config = {**SHARES, "bars": {"source": "files", "path": "bars.csv"}}
    refused(config, ConfigError, "bars.csv, line 1", "with semicolons, not with commas")
    with open("bars.csv", "w") as file:
        file.write(BARS.replace("volume", "traded"))
    refused(config, ConfigError, "there is no column 'volume'")


def test_symbols_of_minute_bars_are_compared_with_the_files():
    rows = "".join(f"2025-01-02T14:{minute}:00Z,SPY,1,1,1,1,5\n" for minute in range(30, 59))
    with open("minutes.csv", "w") as file:
        file.write("timestamp,symbol,open,high,low,close,volume\n" + rows)
    config = {**SESSIONS, "bars": {"source": "files", "path": "minutes.csv", "label": "start", "warmup_sessions": 0}}
    assert found(config).errors == []
    [warning] = found({**config, "symbols": ["QQQ", "SPY"]}).warnings
    assert "minutes.csv has nothing of 1 of 2 symbols: QQQ" in warning
    refused({**config, "symbols": ["QQQ"]}, DataMissing, "no bar of QQQ", "SPY")


def test_files_of_funding_without_records_of_a_symbol_are_refused(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/rates.csv").write_text("symbol,timestamp,rate\nETH/USDT:USDT,2024-01-01T00:00:00Z,0.0001\n")
    config = raw_config(data={"source": "files", "path": "mine"})
    [error] = found(config).errors
    assert isinstance(error, DataMissing | ConfigError) and "BTC/USDT:USDT" in str(error)


@pytest.mark.parametrize(
    "config", [EVENTS, SHARES, SESSIONS, raw_config()], ids=lambda config: str(config.get("market"))
)
def test_a_plan_that_does_not_fit_on_the_disk_is_refused_with_figures(config, monkeypatch):
    usage = namedtuple("usage", "total used free")
    assert found(config).errors == []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 10**6, 10**6))
    refused(config, ConfigError, "the disk is too small for the plan: about", "are needed for", "1.0 MB are free")
    assert found(config, inputs=False).errors == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite:///${NOT_SET_ANYWHERE}.db", "environment variable NOT_SET_ANYWHERE is not set. Set it."),
        (
            "mysql+mysqldb://me:s3cret@127.0.0.1:9/x",
            "driver is not installed: MySQLdb. Install it (pip install mysqlclient)",
        ),
        ("mysql+pymysql://me:s3cret@127.0.0.1:9/x", "Is the server running, and are host and port right?"),
        ("sqlite:///plain.txt", "The file is something else, or damaged"),
        ("sqlite:///plain.txt/x.db", "plain.txt is no folder"),
        ("sqlite:///a_folder", "it is no file"),
        ("sqlite:///newer.db", "has version 9999, of a newer Tradewinds"),
    ],
)
def test_a_database_that_takes_no_run_is_exit_6(url, says, tmp_path):
    (tmp_path / "plain.txt").write_text("words" * 1000)
    (tmp_path / "a_folder").mkdir()
    with sqlite3.connect("newer.db") as connection:
        connection.execute("CREATE TABLE tradewinds_schema (version_num TEXT)")
        connection.execute("INSERT INTO tradewinds_schema VALUES ('9999')")
    error = refused({**SHARES, "database": {"url": url}}, DatabaseError, "config.yaml, line", "database.url: ", says)
    assert error.exit_code == 6 and "s3cret" not in str(error)


@pytest.mark.parametrize("read_only", ["runs.db", ""])
def test_a_read_only_database_says_so(read_only, tmp_path, monkeypatch):
    (tmp_path / "runs.db").touch()
    real = os.access
    barred = str(tmp_path / read_only) if read_only else str(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: str(Path(path).absolute()) != barred and real(path, mode))
    with pytest.raises(DatabaseError, match=r"read-only or of another user.*Make it writable"):
        check_write_access("sqlite:///runs.db")


def test_nothing_is_made_by_looking(tmp_path):
    with files.without_caches():
        found(SHARES)
        found({**EVENTS, "database": {"url": "sqlite:///new/folder/x.db"}})
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_python_says_the_same_of_a_plan():
    write([f"KXHIGHCHI-25MAY01-B80.5,{IN_TIME},0.5"])
    plan = tw.Config.of(WITH_FILE).plan()
    [error] = plan.preflight.errors
    assert "probabilities.path: no row of mine.csv names a market" in str(error)
    assert "names a market" in plan._repr_html_()
    with pytest.raises(ConfigError, match=r"no row of mine.csv names a market"):
        tw.run(WITH_FILE)
    with pytest.raises(ConfigError, match=r"no row of mine.csv names a market"):
        tw.sweep(tw.Config.of(WITH_FILE), {"risk.min_ev_per_contract": [0.01, 0.02]})


def test_several_errors_are_one_of_the_lowest_exit_code():
    bad = {**WITH_FILE, "database": {"url": "sqlite:///${NOT_SET_ANYWHERE}.db"}}
    with pytest.raises(DataMissing) as wrong:
        found(bad).refuse()
    assert str(wrong.value).count("config.yaml, line") == 2 and "NOT_SET_ANYWHERE" in str(wrong.value)
