"""Runs from Python are the runs of the command line: same id, same files, same verdicts, whatever ends the program."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
import yaml

from tests import warm
from tests.workflow.equities_desk import Shares, world, write_archive
from tests.workflow.harness import PATIENCE_SECONDS, ROOT
from tests.workflow.test_direct_results import files_of, workflows

HEAD = "import tradewinds as tw\ncfg = tw.Config.load('config.yaml')\n"


@pytest.fixture
def desk(tmp_path):
    return Shares(tmp_path / "desk", world())


@pytest.fixture
def finished_desk(shares_run, tmp_path):
    """A folder in which the run of `cfg` is finished; a changed setting needs no Snakemake."""
    return Shares.copy_of(shares_run, tmp_path / "desk")


def python(desk: Shares, code: str) -> subprocess.Popen[str]:
    """Start a program in the folder; `cfg` is its config."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", HEAD + code]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=desk.folder, env=environment, stdout=pipe, stderr=pipe, text=True)


def said(desk: Shares, code: str) -> str:
    """What a program prints; it must end well."""
    program = python(desk, code)
    out, error = program.communicate(timeout=PATIENCE_SECONDS)
    assert program.returncode == 0, error
    return out


def served(desk: Shares, code: str) -> str:
    """What a program prints that no test looks at while it runs: as `said`, without a start."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", HEAD + code]
    done = warm.run(command, cwd=desk.folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def drawers(desk: Shares) -> list[psutil.Process]:
    """Processes that draw reports in the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if any("rest_of_run" in part for part in process.cmdline()) and process.cwd() == str(desk.folder):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.mark.usefixtures("drawn_anew")
def test_it_is_the_run_of_the_command_line(desk, tmp_path):
    # the first run needs Snakemake, the changed one does not
    code = "run = tw.run(cfg); other = tw.run(cfg.with_(risk={'start_balance': 5000})); print(run.id, other.id)"
    first, second = served(desk, code).split()
    assert workflows(desk) == 1 and not drawers(desk)
    # the same configs by the command, in a folder that knows nothing
    other = Shares(tmp_path / "other", world())
    assert other("run", "--config", "config.yaml").returncode == 0
    changed = {**other.config, "risk": {**other.config["risk"], "start_balance": 5000}}
    (other.folder / "config.yaml").write_text(yaml.safe_dump(changed))
    assert other("run", "--config", "config.yaml").returncode == 0
    here, there = files_of(desk), files_of(other)
    assert set(here) == set(there) == {first, second}
    assert here == there and "plots/equity.png" in here[second] and "run.log" not in here[second]
    # the command and the workflow find nothing to do about it
    (desk.folder / "config.yaml").write_text(yaml.safe_dump(changed))
    assert "nothing to be done" in desk("run", "--config", "config.yaml").stdout
    told = desk.snakemake("-n")
    assert "Nothing to be done" in told.stdout + told.stderr
    listed = json.loads(desk("runs", "--json").stdout)
    assert {row["run_id"] for row in listed} == {first, second}
    log = (desk.folder / "backtests" / second / "run.log").read_text()
    assert "replayed in" in log and f"run {second}" in log


def test_an_archive_is_served_in_place_of_the_services(desk, tmp_path):
    write_archive(tmp_path / "archive")
    code = f"archive = {str(tmp_path / 'archive')!r}\n"
    code += """
yahoo = tw.Config.of({**cfg.written, 'bars': {'source': 'yahoo', 'suffix': '.AX'}})
first = tw.run(yahoo, archive=archive)
again = tw.run(yahoo, archive='nothing', fetch=False)
assert (first.id, first.details['num_trades']) == (yahoo.run_id, 1) and again.id == first.id
asked = first.config['yahoo.base_url']
assert asked.startswith('http://127.0.0.1:') and yahoo['yahoo.base_url'] != asked
for archive in ('nothing', 'synthetic'):
    try:
        tw.run(yahoo.with_(date_end_local='2025-01-10'), archive=archive)
    except tw.ConfigError as error:
        print(error)
"""
    missing, none = served(desk, code).splitlines()
    assert missing.startswith("nothing: ") and none.startswith("archive: equities_daily has no invented archive.")


def test_frames_errors_and_pictures(desk):
    code = """
import decimal
run = tw.run(cfg)
assert str(run.trades.index.tz) == 'UTC' and run.trades['pnl'].dtype == 'float64', run.trades.dtypes
exact = run.frame('trades', exact=True)
assert isinstance(exact['pnl'].iloc[0], decimal.Decimal) and 'decision_ts_utc' in exact
assert float(exact['pnl'].sum()) == round(run.metrics.loc['total_pnl_usd', 'value'], 6)
assert {type(v) for v in run.frame('equity', exact=True)['equity_usd']} == {decimal.Decimal}
assert len(run.equity) and len(run.decisions) and len(run.positions) and len(run.journal)
assert run.plot()._repr_png_()[:4] == b'\\x89PNG' and run.event('FALL').plot().axes
assert len(run.event('FALL').trades) == (run.trades['market_ticker'] == 'FALL').sum()
assert tw.load(run.id[:6]).id == tw.load(run.folder).id == run.id
assert list(tw.runs().index) == [run.id] and run.report.exists() and '<table' in run._repr_html_()
for wrong, kind in ((lambda: tw.load('no'), tw.ConfigError), (lambda: run.frame('no'), tw.ConfigError),
                    (lambda: run.plot('no'), tw.ConfigError), (lambda: run.event('NO').plot(), tw.ConfigError),
                    (lambda: cfg.with_(risk={'no': 1}), tw.ConfigError), (lambda: tw.compare(run), tw.ConfigError),
                    (lambda: tw.runs(database='sqlite:///none.db'), tw.NothingLoaded)):
    try:
        wrong()
    except kind as error:
        assert error.remedy, error
    else:
        raise AssertionError(wrong)
other = tw.run(cfg.with_({'risk.start_balance': 5000}), report=False)
assert not (other.folder / 'report.html').exists()
compared = tw.compare(run, other)
assert list(compared.settings.index) == ['risk.start_balance'] and compared.plot().axes
assert other.report.exists()
print('done')
"""
    assert served(desk, code) == "done\n"
    assert workflows(desk) == 1


def test_sweeps_and_walks_are_those_of_the_commands(desk):
    code = """
grid = {'risk.start_balance': [5000, 7000], 'costs.slippage_pct': '0:0.2:0.1'}
swept = tw.sweep(cfg, grid)
assert len(swept.points) == 6 and swept.heatmap()._repr_png_() and len(swept.failed) == 0
assert swept.best.run_id == swept.points['run_id'].iloc[0]
walked = tw.walk_forward(cfg, {'risk.start_balance': [5000, 7000]}, train=20, test=10)
assert len(walked.folds) and len(walked.equity) and walked.verdict in walked.report
print(swept.folder, walked.folder)
"""
    swept, walked = served(desk, code).split()
    grid = ["--grid", "risk.start_balance=5000,7000"]
    done = desk("sweep", "--config", "config.yaml", *grid, "--grid", "costs.slippage_pct=0:0.2:0.1")
    assert done.returncode == 0 and swept.rpartition("/")[2] in done.stdout, done.stdout
    done = desk("walk-forward", "--config", "config.yaml", *grid, "--train", "20", "--test", "10")
    assert "nothing to do" in done.stdout and walked.rpartition("/")[2] in done.stdout


SLOW = "tw.run(cfg)\nrun = tw.run(cfg.with_(risk={'start_balance': 5000}))\nprint(run.id, flush=True)\n"


def test_a_killed_drawer_loses_nothing(finished_desk):
    """The tables stay, the error says what to do, and the next run makes what is missing."""
    code = (
        SLOW
        + """
import os, signal
from tradewinds.pipeline.session_runs import runs_here
process = runs_here()._process
if process:
    process.kill()
try:
    run.wait()
except tw.SimulationError as error:
    assert 'ended too early' in str(error) and len(run.trades), error
    assert not runs_here().is_unfinished(run.id)
    run = tw.run(run.config)
print(run.report.exists())
"""
    )
    run_id, there = said(finished_desk, code).split()
    assert there == "True" and workflows(finished_desk) == 1 and not drawers(finished_desk)
    assert (finished_desk.folder / "backtests" / run_id / "report.md").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_program_leaves_no_process_and_no_lock(finished_desk, number):
    program = python(finished_desk, SLOW + "import time; time.sleep(600)")
    assert program.stdout.readline()
    program.send_signal(number)
    program.wait()
    program.stdout.close(), program.stderr.close()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while drawers(finished_desk) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not drawers(finished_desk)
    # the folder is free, and a run makes what is missing
    done = said(finished_desk, "print(tw.run(cfg.with_(risk={'start_balance': 5000})).report.exists())")
    assert done == "True\n"
    assert not list((finished_desk.folder / "backtests").rglob(".plots.*"))


def test_the_failure_of_a_job_has_its_class(desk):
    (desk.folder / "bars.csv").write_text("symbol,date,open\nFALL,2024-01-15,ten\n")
    code = """
try:
    tw.run(cfg)
except tw.ConfigError as error:
    print('bars.csv' in str(error), error.exit_code)
"""
    assert served(desk, code).split() == ["True", "2"]
    assert desk("run", "--config", "config.yaml").returncode == 2


def test_the_end_of_a_program_waits_for_the_report(finished_desk):
    run_id = said(finished_desk, SLOW).strip()
    folder = finished_desk.folder / "backtests" / run_id
    assert (folder / "report.html").exists() and (folder / "plots" / "equity.svg").exists()
