"""`tradewinds validate`: judges what is there, touches nothing, opens no connection."""

import json
import re
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.workflow.harness import Desk
from tests.workflow.test_command_line import Listener, files_below
from tradewinds.archive.server import running_server
from tradewinds.core import files
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.archive.import_recorded import import_recorded

CATALOG = "data/catalog/kalshi/KXHIGHCHI.parquet"
MONTH = 29
TRADE_VALIDATIONS = {"quote_known_by_decision", "fee_in_bounds", "decision_in_window"}


def validate(desk):
    return desk._call(desk.command("validate", "--config", "config.yaml"))


def counts(text):
    """(judged, failed) by validation, from the table."""
    rows = re.findall(r"^│ (\w+)\s+│\s*(\d+|—) │\s*(\d+|—) │", text, re.MULTILINE)
    return {name: (judged, failed) for name, judged, failed in rows}


def edit(path, change):
    """Rewrite a data file with its rows changed."""
    rows, schema, meta = pq.read_table(path).to_pylist(), pq.read_schema(path), files.read_meta(path)
    change(rows)
    files.write_parquet(path, pa.Table.from_pylist(rows, schema.remove_metadata()), meta)


@pytest.fixture
def copied(finished, tmp_path):
    shutil.copytree(finished.folder / "data", tmp_path / "data")
    return Desk(tmp_path, None)


def test_the_recorded_month_passes_all_that_judges_it(copied):
    before = {path: path.stat().st_mtime_ns for path in copied.folder.rglob("*")}
    done = validate(copied)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "config.yaml is valid: run " in done.stdout and "29 events, strategy ev_threshold." in done.stdout
    found = counts(done.stdout)
    assert len(found) == 14 and {name for name, row in found.items() if row == ("—", "—")} == TRADE_VALIDATIONS
    judged = {name: row for name, row in found.items() if name not in TRADE_VALIDATIONS}
    none = {"daylight_saving": ("0", "0")}  # no clock changes in May
    assert judged == dict.fromkeys(judged, (str(MONTH), "0")) | none
    assert {path: path.stat().st_mtime_ns for path in copied.folder.rglob("*")} == before


def test_the_run_of_the_month_says_the_same(finished):
    diagnostics = finished.metrics()["diagnostics"]
    assert set(diagnostics["validations"].values()) == {0} and diagnostics["quarantined"] == []
    trades = finished.metrics()["num_trades"]
    judged = {v["name"]: v["judged"] for v in diagnostics["validation_details"]}
    assert judged == dict.fromkeys(judged, MONTH) | {"daylight_saving": 0} | dict.fromkeys(TRADE_VALIDATIONS, trades)
    report = (finished.run_folder() / "report.md").read_text()
    assert "\n| one_winner | exactly one market of a ladder settled YES | 29 | 0 |\n" in report


def test_without_data_nothing_is_judged_and_nothing_is_asked(tmp_path):
    listener = Listener()
    try:
        desk = Desk(tmp_path, None, kalshi={"base_url": listener.url}, iem={"base_url": listener.url})
        before = files_below(tmp_path)
        done = validate(desk)
        assert done.returncode == 0, done.stderr
        for words in ("0 of 1 catalogs", "0 of 29 candle files", "0 of 3 climate reports", "0 of 1 probabilities"):
            assert words in done.stdout
        assert {row for name, row in counts(done.stdout).items() if name not in TRADE_VALIDATIONS} == {("0", "0")}
        assert files_below(tmp_path) == before and not listener.callers
    finally:
        listener.close()


def test_a_catalog_alone_is_judged_by_what_it_holds(copied):
    shutil.rmtree(copied.folder / "data/candles")
    shutil.rmtree(copied.folder / "data/probabilities")
    done = validate(copied)
    assert done.returncode == 0 and "0 of 29 candle files are there" in done.stdout
    judged = {name for name, row in counts(done.stdout).items() if row[0] == str(MONTH)}
    assert judged == {
        "one_climate_date",
        "one_winner",
        "strikes_tile",
        "station_known",
        "settlement_matches_report",
    }


def two_winners(rows):
    for row in rows:
        if row["event_ticker"] == "KXHIGHCHI-25MAY06":
            row["result"] = "yes"


def test_a_failure_is_exit_5_and_is_what_the_run_then_does(copied):
    edit(copied.folder / CATALOG, two_winners)
    done = validate(copied)
    assert done.returncode == 5 and "Traceback" not in done.stderr
    assert "config.yaml: 1 event fails a validation." in done.stderr
    assert counts(done.stdout)["one_winner"] == ("29", "1")
    assert "one_winner: KXHIGHCHI-25MAY06: 6 markets settled YES: KXHIGHCHI-25MAY06-" in done.stdout
    assert "settlement_matches_report: KXHIGHCHI-25MAY06: the climate report says" in done.stdout

    assert copied.run("--no-fetch").returncode == 0
    diagnostics = copied.metrics()["diagnostics"]
    assert diagnostics["quarantined"] == ["KXHIGHCHI-25MAY06"]
    assert diagnostics["events_skipped"] == {"VALIDATION:one_winner": 1}
    assert "KXHIGHCHI-25MAY06,VALIDATION:one_winner" in (copied.run_folder() / "events.csv").read_text()
    assert "one_winner: KXHIGHCHI-25MAY06, left out: 6 markets" in (copied.run_folder() / "report.md").read_text()


def test_fail_is_exit_5_of_the_run_and_warn_is_none(copied, tmp_path):
    edit(copied.folder / CATALOG, two_winners)
    strict = Desk(tmp_path, None, on_missing={"validation": {"one_winner": "fail"}})
    done = strict.run("--no-fetch")
    assert done.returncode == 5 and "Traceback" not in done.stderr
    assert "KXHIGHCHI-25MAY06: validation one_winner fails: 6 markets settled YES" in done.stderr
    assert "Set on_missing.validation.one_winner to skip" in done.stderr
    lenient = Desk(tmp_path, None, on_missing={"validation": "warn"})
    assert validate(lenient).returncode == 0
    assert lenient.run("--no-fetch").returncode == 0
    diagnostics = lenient.metrics()["diagnostics"]
    assert diagnostics["validations"]["one_winner"] == 1 and diagnostics["quarantined"] == []


def test_a_users_file_is_judged_as_it_is_now(copied, tmp_path):
    rows = pq.read_table(copied.folder / CATALOG).to_pylist()
    lines = [f"{row['market_ticker']},2025-05-01T00:00:00Z,0.2" for row in rows]
    (tmp_path / "mine.csv").write_text("\n".join(["market_ticker,known_at_utc,p_yes", *lines]))
    mine = Desk(tmp_path, None, probabilities={"source": "file", "path": "mine.csv"})
    done = validate(mine)
    assert done.returncode == 5 and counts(done.stdout)["ladder_sums_to_one"] == ("29", "29")
    assert "ladder_sums_to_one: KXHIGHCHI-25MAY02: its probabilities sum to 1.2" in done.stdout
    assert "ladder_sums_to_one: and 26 more" in done.stdout
    assert "settlements are not compared" in done.stdout
    lax = {"probability_sum_tolerance": 0.2}
    assert validate(Desk(tmp_path, None, probabilities=mine.config["probabilities"], validations=lax)).returncode == 0


def test_a_damaged_file_is_named(copied):
    path = sorted(copied.folder.glob("data/candles/kalshi/*/*/*.parquet"))[3]
    path.write_bytes(path.read_bytes()[:-100])
    done = validate(copied)
    assert done.returncode == 5 and "2025-05-05.parquet: the file is damaged" in done.stderr


def test_ten_recorded_months_of_five_cities(shared_data, tmp_path):
    """Real strikes, results and reports, across both changes of the clocks; strike fields that winners lack."""
    cities = {"KXHIGHAUS": "KAUS", "KXHIGHCHI": "KMDW", "KXHIGHDEN": "KDEN", "KXHIGHMIA": "KMIA", "KXHIGHNY": None}
    import_recorded(
        markets=[shared_data / "kalshi/markets_5series_2024-08_2025-05.parquet"],
        climate=[shared_data / "weather/climate_high_6stations_2023_2025.parquet"],
        out=tmp_path / "archive",
    )
    with running_server(tmp_path / "archive") as server:
        dates = {"date_start_local": "2024-08-15", "date_end_local": "2025-05-30"}
        desk = Desk(tmp_path / "desk", server, series_tickers=list(cities), **dates)
        wanted = [schemas.catalog_path(series) for series in cities]
        wanted += [
            schemas.climate_path(station, year) for station in cities.values() if station for year in (2024, 2025)
        ]
        fetched = desk.snakemake(*wanted)
    assert fetched.returncode == 0, fetched.stderr
    done = validate(desk)
    found = {name: row for name, row in counts(done.stdout).items() if row[0] not in ("0", "—")}
    assert found == dict.fromkeys(
        ("one_climate_date", "one_winner", "strikes_tile", "station_known"), ("1170", "0")
    ) | {
        "daylight_saving": ("36", "0"),  # four dates around each of two changes; Denver was not listed at the first
        "settlement_matches_report": ("918", "1"),
    }
    assert done.returncode == 5
    told = "KXHIGHMIA-24NOV27: the climate report says 81 °F, the exchange KXHIGHMIA-24NOV27-B80.5 no, "
    assert told + "KXHIGHMIA-24NOV27-T83 yes" in done.stdout


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("ignore", "'ignore' is not one of the allowed values. Allowed: skip, fail, warn."),
        ({"one_winer": "skip"}, "on_missing.validation.one_winer: unknown key. Did you mean one_winner?"),
        ({"one_winner": "stop"}, "on_missing.validation.one_winner: 'stop' is not one of the allowed values."),
        ({"fee_in_bounds": "skip"}, "on_missing.validation.fee_in_bounds: unknown key."),
        (3, "on_missing.validation: 3 is not one of the allowed values."),
    ],
)
def test_a_wrong_rule_is_a_config_error(tmp_path, rule, words):
    done = validate(Desk(tmp_path, None, on_missing={"validation": rule}))
    assert done.returncode == 2 and words in done.stderr, done.stderr


def test_every_failure_is_in_metrics_json(copied):
    def unlike(rows):
        for row in rows:
            row["volume"] = row["volume"] / 2

    edit(copied.folder / CATALOG, unlike)
    assert copied.run("--no-fetch").returncode == 0
    diagnostics = json.loads((copied.run_folder() / "metrics.json").read_text())["diagnostics"]
    [volume] = [v for v in diagnostics["validation_details"] if v["name"] == "volume_in_bounds"]
    assert len(volume["failures"]) == MONTH == diagnostics["validations"]["volume_in_bounds"]
    assert diagnostics["events_skipped"] == {"VALIDATION:volume_in_bounds": MONTH}
    assert "and 19 more, all in metrics.json" in (copied.run_folder() / "report.md").read_text()
