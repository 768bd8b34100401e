"""How a job starts and ends: exit codes, one paragraph, the traceback in the log only, and stopping like Ctrl-C."""

import datetime as dt
import importlib.util
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

import tradewinds
from tests.reference.worlds import make_world
from tradewinds.core import files
from tradewinds.core.environment import FETCH, SCRIPTS, SERVICES
from tradewinds.core.errors import ConfigError, FetchError
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.fetch import fetch_jobs
from tradewinds.pipeline import jobs
from tradewinds.sources import client

PACKAGE = Path(tradewinds.__file__).parent
DAY = dt.date(2025, 5, 1)
PROGRAM = """
import logging, sys, time
from tradewinds.core import errors, files
from tradewinds.pipeline import jobs

def main():
    logging.getLogger("work").info("began")
    {body}

jobs.run_job(main, rule="fetch_candles", log="logs/deep/job.log")
print("after")
"""


def start(tmp_path, body, **environment):
    command = [sys.executable, "-c", PROGRAM.format(body=body)]
    known = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), "PYTHONIOENCODING": "utf-8", **environment}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=tmp_path, env=known, text=True, encoding="utf-8", **pipes)


def finish(tmp_path, body):
    """(exit code, stdout, stderr, log, failure records) of a job."""
    failures = tmp_path / "failures"
    failures.mkdir(exist_ok=True)
    process = start(tmp_path, body, TRADEWINDS_MESSAGES=str(failures))
    out, err = process.communicate(timeout=600)
    records = [json.loads(path.read_text()) for path in failures.iterdir()]
    return process.returncode, out, err, (tmp_path / "logs/deep/job.log").read_text(encoding="utf-8"), records


def test_a_job_that_works_says_nothing_and_starts_its_log_anew(tmp_path):
    for body in ("logging.getLogger('x').info('first')", "pass"):
        code, out, err, log, records = finish(tmp_path, body)
        assert (code, out, err, records) == (0, "after\n", "", [])
        assert "INFO work: began" in log
    assert "first" not in log


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "code"),
    [("ConfigError", 2), ("DataMissing", 3), ("FetchError", 4), ("SimulationError", 5), ("DatabaseError", 6)],
)
def test_an_expected_failure_is_one_paragraph_and_a_record_with_its_exit_code(tmp_path, name, code):
    body = f"raise errors.{name}('71 °F is too warm.', where='row 3', remedy='Cool down.')"
    found, out, err, log, records = finish(tmp_path, body)
    said = "row 3: 71 °F is too warm. Cool down."
    assert (found, out, err) == (code, "", said + "\n")
    assert records == [{"rule": "fetch_candles", "message": said, "exit_code": code, "where": "row 3"}]
    assert f"ERROR fetch_candles: {said}" in log and "Traceback" not in log


def test_an_unexpected_failure_keeps_its_traceback_for_the_log(tmp_path):
    code, out, err, log, [record] = finish(tmp_path, "1 / 0")
    assert code == 1 and out == "" and len(err.splitlines()) == 1
    assert "fetch_candles stopped on an unexpected ZeroDivisionError" in err and "logs/deep/job.log" in err
    assert record == {"rule": "fetch_candles", "message": err.rstrip("\n"), "exit_code": 1}
    assert "Traceback" in log and "ZeroDivisionError: division by zero" in log and "1 / 0" not in err


def test_without_a_folder_for_failures_the_exit_code_is_enough(tmp_path):
    process = start(tmp_path, "raise errors.FetchError('Gone.')")
    assert process.communicate(timeout=600) == ("", "Gone.\n") and process.returncode == 4


SLOW_WRITE = """with files.replacing('out.parquet') as part:
        part.write_bytes(b'half')
        print('on', flush=True)
        time.sleep(1800)"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_a_job_tidies_up_and_is_130(tmp_path, number):
    process = start(tmp_path, SLOW_WRITE)
    assert process.stdout.readline() == "on\n"
    assert len(list(tmp_path.glob("*.part"))) == 1, "it was at work"
    process.send_signal(number)
    out, err = process.communicate(timeout=600)
    assert (process.returncode, out, err) == (130, "", "fetch_candles was interrupted.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


def test_jobs_get_endpoints_and_this_python_but_no_secret(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    for name in (SERVICES, FETCH, SCRIPTS):
        monkeypatch.setenv(name, "to be replaced")
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setenv(jobs.ONE_THREAD[0], "2")  # a user's own wish
    service = {"base_url": "http://127.0.0.1:9", "requests_per_second": 3}
    rest = {"max_connections": 4, "timeout_seconds": 600, "max_retries": 6}
    conf = {
        "market": "kalshi_weather",
        "fetch": "auto",
        "kalshi": service | rest,
        "iem": service | rest,
        "database": {"url": "mysql://me:s3cret@h/d"},
    }
    for _ in range(2):  # Snakemake parses the workflow again in every job
        jobs.export_environment(conf)
    assert os.environ["PATH"] == f"{Path(sys.executable).parent}:/usr/bin:/bin"
    assert os.environ["PYTHONPATH"] == str(PACKAGE.parent), "for the Python of a conda environment"
    assert os.environ[jobs.ONE_THREAD[0]] == "2"
    assert Path(os.environ[SCRIPTS], "fetch_candles.py").is_file() and "s3cret" not in str(dict(os.environ))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert client.client_for("iem").endpoint.max_retries == 6
    monkeypatch.setenv("KALSHI_API_KEY_ID", "me")  # half a credential is an error, for the exchange only
    assert fetch_jobs.weather_client().signer is None
    with pytest.raises(ConfigError, match="KALSHI_PRIVATE_KEY_PATH"):
        fetch_jobs.exchange_client()


def test_results_follow_the_code_they_depend_on_and_no_other(tmp_path):
    copy = tmp_path / "tradewinds"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "workflow"))
    spec = importlib.util.spec_from_file_location("copied_jobs", copy / "pipeline" / "jobs.py")
    copied = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copied)

    def digest():
        return copied.code_digest("database", "core")

    first = digest()
    assert first == jobs.code_digest("database", "core"), "wherever the package lies"
    seen = {first}
    (copy / "cli" / "app.py").write_text("# changed")
    (copy / "database" / "notes.txt").write_text("no code")
    assert digest() == first
    for change in (
        ("core/files.py", "x = 1"),
        ("database/load.py", "x = 1"),
        ("database/more.py", ""),
        ("database/v.sql", ""),
    ):
        (copy / change[0]).write_text(change[1])
        assert digest() not in seen, change
        seen.add(digest())
    (copy / "database/more.py").rename(copy / "database/other.py")
    assert digest() not in seen, "a renamed module is another one"


def catalog(path, covers, listed=None):
    """A catalog that lists nothing: complete through a date, of which all before another one is final."""
    meta = {"covers_through": covers} | ({"listed_through": listed} if listed else {})
    files.write_parquet(path, pa.Table.from_pylist([], schemas.CATALOG), meta)


def test_a_day_that_is_not_over_is_waited_for(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    tomorrow = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).date().isoformat()
    catalog("catalog.parquet", covers="2025-04-30")
    with pytest.raises(FetchError, match=r"none of .*Lower date_end_local, or run again when that day is over"):
        fetch_jobs.fetch_candles_job("KXHIGHCHI", tomorrow, "full_1m", "catalog.parquet", "out.parquet")


def test_a_day_without_markets_is_no_event_only_where_the_catalog_is_complete(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "budget"))
    service = {"base_url": "http://127.0.0.1:9", "requests_per_second": 3, "max_connections": 4}
    monkeypatch.setenv(SERVICES, json.dumps({"kalshi": service | {"timeout_seconds": 600, "max_retries": 0}}))
    arguments = ("KXHIGHCHI", DAY.isoformat(), "trade_2300_d1_1m", "catalog.parquet", "out.parquet")
    catalog("catalog.parquet", covers="2025-04-30")
    with pytest.raises(FetchError, match="lists all markets through 2025-04-30 only, and none of 2025-05-01") as caught:
        fetch_jobs.fetch_candles_job(*arguments)
    assert "snakemake --forcerun catalog.parquet" in str(caught.value) and not Path("out.parquet").exists()
    catalog("catalog.parquet", covers="2025-05-01")
    fetch_jobs.fetch_candles_job(*arguments)  # asks nobody: nothing listens on that port
    Path("out.parquet").unlink()
    # an earlier event that never settles: the listing is complete all the same
    catalog("catalog.parquet", covers="2025-04-27", listed="2025-05-01")
    fetch_jobs.fetch_candles_job(*arguments)
    meta = files.read_meta("out.parquet")
    assert (meta["reason"], meta["requests"], meta["event_ticker"]) == ("NO_EVENT", 0, "KXHIGHCHI-25MAY01")
    assert (meta["window_policy"], meta["climate_date"], meta["markets"]) == ("TRADE_WINDOW_ONLY", "2025-05-01", [])


REPLAY = """
import pickle, sys
from pathlib import Path
from tradewinds.families.kalshi_weather import replay
from tradewinds.pipeline import jobs
from tradewinds.results.artifacts import write_artifacts

def main():
    conf, catalogs, candles, probabilities = pickle.loads(Path("inputs").read_bytes())
    result = replay.replay_events(conf, catalogs, candles, probabilities, climate=["climate.parquet"])
    write_artifacts("run", "5f0c1c1e-6f0d-5b5e-9d53-7d8f3f6a2b10", conf, result)
    assert len(result.trades) > 1 and "pandas" not in sys.modules
    import pandas, pyarrow
    frame = pandas.DataFrame({"n": [1.5, None]})  # as a user's strategy may
    assert pyarrow.Table.from_pandas(frame).to_pandas().equals(frame)
    assert pyarrow.array(frame["n"]).null_count == 1

jobs.run_job(main, rule="simulate", log="job.log")
"""


@pytest.mark.slow
def test_a_simulation_does_without_pandas_unless_somebody_asks_for_it(tmp_path):
    world = make_world(tmp_path, 3)
    (tmp_path / "inputs").write_bytes(pickle.dumps(world.inputs))
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    command = [sys.executable, "-c", REPLAY]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (tmp_path / "job.log").read_text()
