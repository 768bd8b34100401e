"""What a person meets on the command line: refusals that touch nothing, exit codes, one paragraph, no traceback."""

import json
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from tests import warm
from tests.workflow.harness import PATIENCE_SECONDS, Desk, but_for_candles, wait_until
from tradewinds.families.kalshi_weather.archive.event_archive import candle_file


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cadence_minutes": "often"}, "cadence_minutes: 'often' is text, not a whole number"),
        ({"output_dir": None}, "output_dir"),
        ({"fixed_quantity": 3}, "fixed_quantity: unknown key"),
        ({"date_start_local": "2025-06-02"}, "is after date_end_local"),
        ({"series_tickers": ["KXHIGHCHX"]}, "Did you mean KXHIGHCHI"),
        ({"date_end_local": "2999-01-01"}, "in the future"),
        ({"strategy": {"name": "ev_treshold"}}, "Did you mean ev_threshold"),
    ],
)
def test_a_wrong_config_touches_nothing(tmp_path, change, words):
    desk = Desk(tmp_path, None, **change)
    before = files_below(tmp_path)
    refused(desk.run(), words)
    assert files_below(tmp_path) == before


def refused(done, words):
    assert done.returncode == 2
    assert words in done.stderr and "config.yaml, line" in done.stderr
    assert "Traceback" not in done.stderr and done.stdout == ""


def test_a_wrong_config_is_refused_alike_by_every_way_to_run(tmp_path):
    desk = Desk(tmp_path, None, series_tickers=["KXHIGHCHX"])
    words, before = "Did you mean KXHIGHCHI", files_below(tmp_path)
    for arguments in ("--dry-run", "--no-fetch"):
        refused(desk.run(arguments), words)
    plain = desk.snakemake("-n")
    assert plain.returncode == 1 and words in plain.stdout + plain.stderr  # a dry run speaks on stdout
    assert [name for name in files_below(tmp_path) if not name.startswith(".snakemake")] == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "none.yaml"],
        ["run", "--config", "none.yaml"],
        ["run", "--bogus"],
        ["fly"],
        ["replay", "--archive", "none"],
    ],
)
def test_usage_errors_are_exit_2(tmp_path, arguments):
    desk = Desk(tmp_path, None)
    done = subprocess.run(
        desk.command(*arguments), cwd=tmp_path, env=desk.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr and done.stderr.strip()


class Listener:
    """A port that notes who connects."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(0.1)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.callers, self.stop = [], False
        self.thread = threading.Thread(target=self._count, daemon=True)
        self.thread.start()

    def _count(self):
        while not self.stop:
            try:
                connection, caller = self.socket.accept()
                connection.close()
                self.callers.append(caller)
            except TimeoutError:
                continue

    def close(self):
        self.stop = True
        self.thread.join()
        self.socket.close()


def test_no_fetch_lists_what_is_missing_and_opens_no_connection(tmp_path):
    listener = Listener()
    try:
        services = {"kalshi": {"base_url": listener.url}, "iem": {"base_url": listener.url}}
        desk = Desk(tmp_path, None, **services)
        before = files_below(tmp_path)
        done = desk.run("--no-fetch")
        assert done.returncode == 3
        assert "39 files are missing" in done.stderr
        assert "data/candles/kalshi/full_1m/KXHIGHCHI/2025-05-02.parquet" in done.stderr
        assert files_below(tmp_path) == before
        plain = desk.snakemake("--config", "fetch=never")
        assert plain.returncode == 1
        assert "data/candles/kalshi/full_1m/KXHIGHCHI/2025-05-30.parquet" in plain.stderr
        with socket.create_connection(listener.socket.getsockname()) as mine:  # the listener does count, in order
            me = mine.getsockname()
            wait_until(lambda: me in listener.callers)
        assert listener.callers == [me]
    finally:
        listener.close()


def test_no_fetch_runs_on_what_is_there(finished, tmp_path):
    shutil.copytree(finished.folder / "data", tmp_path / "data")
    listener = Listener()
    try:
        desk = Desk(tmp_path, None, kalshi={"base_url": listener.url}, iem={"base_url": listener.url})
        done = desk.run("--no-fetch")
        assert done.returncode == 0, done.stderr
        assert (desk.run_folder() / "trades.csv").read_bytes() == (finished.run_folder() / "trades.csv").read_bytes()
        assert not listener.callers
    finally:
        listener.close()


def test_max_parallel_events_bounds_the_event_jobs(finished, server, tmp_path):
    """Requests of several jobs wait for each other, so that they are under way at once however late a job starts."""
    under_way, most, lock = [0], [0], threading.Lock()
    alone, together = [True], threading.Event()

    def slow(handler, path):
        if path.endswith("/candlesticks"):
            with lock:
                under_way[0] += 1
                most[0] = max(most[0], under_way[0])
                if under_way[0] > 1:
                    together.set()
            if alone[0]:
                time.sleep(0.05)  # long enough for another one to be seen
            else:
                together.wait(PATIENCE_SECONDS)
            with lock:
                under_way[0] -= 1
        return False

    server.middleware = slow
    kalshi = {"base_url": server.urls["kalshi"], "requests_per_second": 400, "timeout_seconds": 600}
    changes = {"date_end_local": "2025-05-07", "kalshi": kalshi}
    one, four = (Desk(but_for_candles(finished, tmp_path / name), server, **changes) for name in ("one", "four"))
    assert one.run("--max-parallel-events", "1").returncode == 0
    assert most[0] == 1
    alone[0] = False
    assert four.run("--max-parallel-events", "4").returncode == 0
    assert 1 < most[0] <= 4


def test_a_dead_service_is_exit_4_and_one_paragraph(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    service = {"base_url": url, "requests_per_second": 100, "max_retries": 1}
    desk = Desk(tmp_path, None, date_end_local="2025-05-03", kalshi=service, iem=service)
    done = desk.run()
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
    assert "jobs failed for one reason: no usable answer after 2 tries" in done.stderr and f"GET {url}/" in done.stderr
    assert not desk.candle_files() and not desk.leftovers()


def test_one_event_that_fails_does_not_stop_the_others(chicago_archive, finished, tmp_path):
    """A candle file of the archive is broken: its event fails, the others are finished, the next run goes on."""
    from tradewinds.archive.server import running_server

    archive = tmp_path / "archive"
    shutil.copytree(chicago_archive, archive)
    broken = candle_file(archive, "KXHIGHCHI", "KXHIGHCHI-25MAY03")
    whole = broken.read_bytes()
    broken.write_bytes(b"no parquet")
    with running_server(archive) as server:
        server.http.handle_error = lambda *args: None
        changes = {
            "date_end_local": "2025-05-05",
            "iem": {"base_url": server.url_of("iem"), "requests_per_second": 400},
        }
        kalshi = {"base_url": server.url_of("kalshi"), "requests_per_second": 400, "max_retries": 1}
        desk = Desk(but_for_candles(finished, tmp_path / "desk"), server, **{**changes, "kalshi": kalshi})
        failed = desk.run()
        assert failed.returncode == 4
        assert "KXHIGHCHI-25MAY03" in failed.stderr and "Traceback" not in failed.stderr
        assert [path.stem for path in desk.candle_files()] == ["2025-05-02", "2025-05-04", "2025-05-05"]
        there = ["2025-05-02", "2025-05-04", "2025-05-05"]
        assert desk.checkpoints() == {"SUCCESS": there, "FAILED": ["2025-05-03"]}
        broken.write_bytes(whole)
        seen = len(server.requests)
        assert desk.run().returncode == 0
        assert list(desk.checkpoints()) == ["SUCCESS"]
        candles = [s.path for s in server.requests[seen:] if s.path.endswith("/candlesticks")]
        assert len(candles) == 6 and all("25MAY03" in path for path in candles)


def test_a_database_that_cannot_be_opened_is_exit_6_before_anything_is_made(finished, tmp_path):
    shutil.copytree(finished.folder / "data", tmp_path / "data")
    desk = Desk(tmp_path, None, database={"url": "mysql+pymysql://me:s3cret@127.0.0.1:9/tradewinds"})
    done = desk.run("--no-fetch")
    assert done.returncode == 6, done.stderr
    assert "s3cret" not in done.stderr and "Traceback" not in done.stderr
    assert "Is the server running" in done.stderr
    assert not list(tmp_path.glob("backtests/*"))
    written = [
        p for p in tmp_path.rglob("*") if p.is_file() and p.name != "config.yaml" and ".snakemake/log" not in str(p)
    ]
    assert not [p for p in written if b"s3cret" in p.read_bytes()]


def test_a_database_that_cannot_be_opened_stops_a_run_before_it_fetches(server, tmp_path):
    desk = Desk(tmp_path, server, database={"url": "mysql+pymysql://me:s3cret@127.0.0.1:9/tradewinds"})
    done = desk.run()
    assert done.returncode == 6, done.stderr
    assert "Is the server running" in done.stderr and "s3cret" not in done.stderr and len(done.stderr.splitlines()) == 1
    assert not server.requests


def test_a_bad_probability_file_is_exit_2_and_nothing_is_asked(server, tmp_path):
    (tmp_path / "mine.csv").write_text(
        "market_ticker,known_at_utc,p_yes\nKXHIGHMIA-25MAY02-B80.5,2025-05-01T00:00:00Z,0.5\n"
    )
    desk = Desk(tmp_path, server, probabilities={"source": "file", "path": "mine.csv"})
    for flags in ((), ("--dry-run",)):
        done = desk.run(*flags)
        assert done.returncode == 2, done.stderr
        assert "config.yaml, line" in done.stderr and "no row of mine.csv names a market of this config" in done.stderr
    assert not server.requests and not list(tmp_path.glob("backtests/*"))


def listed_runs(desk):
    """The rows of `tradewinds runs --json`."""
    done = desk._call(desk.command("runs", "--json"))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_failed_run_is_listed_with_its_reason_until_it_succeeds(finished, server, tmp_path):
    """A name and a note are shown, too; they change no run id, and the command changes them."""
    folder = but_for_candles(finished, tmp_path)
    two_days = {"date_end_local": "2025-05-03"}
    nowhere = {"base_url": "http://127.0.0.1:9/trade-api/v2", "requests_per_second": 400, "max_retries": 0}
    failing = Desk(folder, None, **two_days, kalshi=nowhere)
    done = failing.run("--name", "Two days", "--note", "to try it")
    assert done.returncode == 4, done.stderr
    [row] = listed_runs(failing)
    assert (row["status"], row["name"], row["note"], row["num_trades"]) == ("FAILED", "Two days", "to try it", None)
    assert "127.0.0.1:9" in row["reason"] and row["reason"] == row["error"]
    shown = failing._call(failing.command("runs"))
    assert "FAILED" in shown.stdout and "127.0.0.1:9" in shown.stdout and "Two days" in shown.stdout

    desk = Desk(folder, server, **two_days)
    assert desk.run().returncode == 0
    [made] = listed_runs(desk)
    assert made["run_id"] == row["run_id"] and (made["status"], made["reason"], made["name"]) == (
        "SUCCESS",
        None,
        "Two days",
    )
    report = desk.run_folder() / "report.html"
    assert "Two days" in report.read_text() and "to try it" in report.read_text()

    # another name: in the row, the report and the folder; the run has nothing to do afterwards
    named = desk._call(desk.command("note", made["run_id"][:8], "--name", "May"))
    assert named.returncode == 0 and "May" in named.stdout and "to try it" in named.stdout, named.stderr
    [after] = listed_runs(desk)
    assert (after["name"], after["note"]) == ("May", "to try it")
    assert "<strong>May</strong>" in report.read_text() and "Two days" not in report.read_text()
    again = desk.run("--note", "")
    assert "nothing to be done" in again.stdout and "to try it" not in report.read_text()
    assert [(one["name"], one["note"]) for one in listed_runs(desk)] == [("May", None)]
    assert "nothing to be done" in desk.run().stdout


def test_a_bad_row_of_probabilities_is_named(finished, tmp_path):
    shutil.copytree(finished.folder / "data", tmp_path / "data")
    (tmp_path / "mine.csv").write_text("market_ticker,known_at_utc,p_yes\nM,2025-05-01T00:00:00Z,1.5\n")
    desk = Desk(tmp_path, None, probabilities={"source": "file", "path": "mine.csv"})
    done = desk.run("--no-fetch")
    assert done.returncode == 2
    assert "mine.csv, row 1: p_yes '1.5' is no probability" in done.stderr


def test_interrupting_is_130_and_nothing_is_left_half(finished, server, tmp_path):
    desk = Desk(but_for_candles(finished, tmp_path), server, rate=10)
    interrupted = threading.Event()

    def hold(handler, path):
        """Nothing goes on between the second event's end and the interrupt, however late the test sees it."""
        if path.endswith("/candlesticks") and len(desk.candle_files()) >= 2:
            interrupted.wait(PATIENCE_SECONDS)
        return False

    server.middleware = hold
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with desk.started(desk.command("run", "--config", "config.yaml"), **streams) as process:
        try:
            wait_until(lambda: len(desk.candle_files()) >= 2, process)
            whole = set(desk.candle_files())
            process.send_signal(signal.SIGINT)
        finally:
            interrupted.set()
        _, stderr = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert "run the same command to go on" in stderr and "Traceback" not in stderr
    assert not desk.leftovers()
    assert whole <= set(desk.candle_files()), "what was finished stays"
    kept = [path.stem for path in desk.candle_files()]
    assert len(kept) < 29 and desk.checkpoints() == {"SUCCESS": kept}, "the rest was not reached"


def test_plain_lines_without_a_terminal(finished):
    assert "\x1b" not in finished.first_output
    assert "candles: 29 of 29" in finished.first_output


def test_secrets_of_the_environment_reach_no_file(chicago_archive, tmp_path):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    from tradewinds.archive.server import running_server

    encoding = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_file = tmp_path / "key.pem"
    key_file.write_bytes(ed25519.Ed25519PrivateKey.generate().private_bytes(*encoding))
    with running_server(chicago_archive) as server:
        desk = Desk(tmp_path / "desk", server, date_end_local="2025-05-03")
        environment = {**desk.environment(), "KALSHI_API_KEY_ID": "id-5ecret", "KALSHI_PRIVATE_KEY_PATH": str(key_file)}
        command = desk.command("run", "--config", "config.yaml")
        done = warm.run(command, cwd=desk.folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for path in desk.folder.rglob("*"):
        if path.is_file():
            assert b"id-5ecret" not in path.read_bytes(), path


def test_help_teaches(tmp_path):
    desk = Desk(tmp_path, None)
    done = subprocess.run(
        desk.command("run", "--help"), env=desk.environment(), capture_output=True, text=True, check=True
    )
    for word in (
        "--config",
        "--dry-run",
        "--no-fetch",
        "--auto-fetch",
        "--max-parallel-events",
        "--profile",
        "Writes data/",
    ):
        assert word in done.stdout


def test_the_manifest_reproduces_the_run(finished, tmp_path):
    shutil.copytree(finished.folder / "data", tmp_path / "data")
    manifest = json.loads((finished.run_folder() / "run_manifest.json").read_text())
    config = finished.run_folder() / "config_resolved.yaml"
    assert (
        manifest["reproduce"] == f"tradewinds run --config backtests/{finished.run_folder().name}/config_resolved.yaml"
    )
    desk = Desk(tmp_path, None)
    command = desk.command("run", "--no-fetch", "--config", str(config))
    done = warm.run(command, cwd=tmp_path, env=desk.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (desk.run_folder() / "trades.csv").read_bytes() == (finished.run_folder() / "trades.csv").read_bytes()
    assert desk.run_folder().name == finished.run_folder().name
