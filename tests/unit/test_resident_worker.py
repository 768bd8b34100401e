"""Resident workers do a job as its own process does, leave nothing behind, and no job depends on them."""

import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from tests.workflow.harness import PATIENCE_SECONDS, ROOT, wait_until
from tradewinds.core.environment import MESSAGES, SCRIPTS, WORKERS

# Starts workers as Snakemake does, and lasts until its standard input ends.
HOST = """
import os, sys
from tradewinds.pipeline import worker_pool
worker_pool.start(["work"], int(sys.argv[1]))
print(os.environ["TRADEWINDS_WORKERS"], flush=True)
sys.stdin.read()
"""
# A script as those of fetch rules: what it does is the text of its argument.
SCRIPT = """
import argparse, json, logging, os, sys, time
from pathlib import Path
from tradewinds.core import errors, files
from tradewinds.pipeline.jobs import run_job

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--do", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--log", required=True)
    args = parser.parse_args()
    if args.do == "outside":
        raise RuntimeError("no job yet")
    run_job(lambda: work(args), rule="work", refused=errors.FetchError, log=args.log, target=args.out)

def work(args):
    logging.getLogger("work").info("begins %s", args.out)
    with files.only_maker(args.out), files.replacing(args.out) as part:
        part.write_text("half")
        exec(args.do)
        part.write_text("whole")

if __name__ == "__main__":
    main()
"""
# Waits until it is stopped, unless it was begun before.
WAITS = """
if not Path("began").exists():
    Path("began.part").write_text(str(os.getpid()))
    os.replace("began.part", "began")
    while not Path("go").exists():
        time.sleep(0.005)
"""
SEEN = """
seen = [os.getpid(), os.getcwd(), os.environ.get("WHO"), sys.argv[-1], len(os.listdir("/proc/self/fd"))]
Path(args.out + ".seen").write_text(json.dumps(seen))
"""


class Folder:
    """A working folder with a script, in which jobs run with or without workers."""

    def __init__(self, folder: Path, scripts: Path) -> None:
        self.folder, self.scripts = folder, scripts
        (folder / "data").mkdir(parents=True)
        (folder / "data/.jobs.lock").touch()
        scripts.mkdir(exist_ok=True)
        (scripts / "work.py").write_text(SCRIPT)
        (scripts.parent / "job.py").write_bytes((ROOT / "scripts/job.py").read_bytes())

    def environment(self, address: str | None, **more: str) -> dict[str, str]:
        known = {**os.environ, "PYTHONPATH": str(ROOT / "src"), SCRIPTS: str(self.scripts), **more}
        return {**known, **({WORKERS: address} if address else {})}

    def start(self, address: str | None, what: str, out: str, *rest: str, **more: str) -> subprocess.Popen[str]:
        """Start a job."""
        rest = rest or ("--log", f"logs/{out}.log")
        command = [sys.executable, "-I", "-S", str(self.scripts.parent / "job.py"), "work", "--do", what, "--out", out]
        environment = self.environment(address, **more)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([*command, *rest], cwd=self.folder, env=environment, **pipes)

    def do(self, address: str | None, what: str, out: str, *rest: str, **more: str) -> tuple[int, str, str]:
        """Do a job: its exit code, and what it printed to standard output and error."""
        job = self.start(address, what, out, *rest, **more)
        said = job.communicate(timeout=PATIENCE_SECONDS)
        return job.returncode, *said

    def seen(self, out: str) -> list:
        return json.loads((self.folder / f"{out}.seen").read_text())

    def began(self) -> int:
        """Wait until a job waits; the id of its process."""
        wait_until((self.folder / "began").exists)
        return int((self.folder / "began").read_text())

    def parts(self) -> list[str]:
        return [path.name for path in self.folder.glob(".*.part")]


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "desk", tmp_path / "scripts")


@contextlib.contextmanager
def workers(folder: Folder, count: int = 1):
    """Run workers while the block runs; gives the process that started them, and their address."""
    command = [sys.executable, "-c", HOST, str(count)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    host = subprocess.Popen(command, env=folder.environment(None), **pipes)
    try:
        yield host, host.stdout.readline().strip()
    finally:
        (folder.folder / "go").touch()
        family = family_of(host)
        host.stdin.close()
        host.wait(PATIENCE_SECONDS)
        host.stdout.close()
        _, left = psutil.wait_procs(family, timeout=PATIENCE_SECONDS)
        assert not left


def family_of(host: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(host.pid).children(recursive=True) if host.poll() is None else []


def without_times(log: str) -> str:
    return re.sub(r"(?m)^\d{4}-\d\d-\d\d \S+", "TIME", re.sub(r'File "[^"]+", line \d+', "FILE", log))


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("pass", 0),
        ("raise errors.FetchError('71 °F is gone.', where='row 3', remedy='Wait.')", 4),
        ("raise errors.ConfigError('wrong.')", 2),
        ("1 / 0", 1),
        ("raise OSError(28, 'No space left on device', 'there')", 4),
        ("outside", 1),
        ("raise KeyboardInterrupt", 130),
        ("print('line 1', file=sys.stderr); sys.exit('the end')", 1),
    ],
)
def test_a_worker_says_what_the_job_itself_says(folder, what, code):
    found = {}
    with workers(folder) as (_, address):
        for way, given in (("alone", None), ("worker", address)):
            messages = folder.folder / f"messages-{way}"
            messages.mkdir()
            ended = folder.do(given, what, "out", **{MESSAGES: str(messages)})
            records = [json.loads(path.read_text()) for path in messages.iterdir()]
            log = folder.folder / "logs/out.log"
            made = (folder.folder / "out").exists(), folder.parts()
            found[way] = (*ended, records, without_times(log.read_text()) if log.exists() else None, made)
            log.unlink(missing_ok=True)
            (folder.folder / "out").unlink(missing_ok=True)
    if what == "outside":  # the traceback names the frame that called the script
        found = {way: (*told[:2], told[2].splitlines()[-1], *told[3:]) for way, told in found.items()}
    assert found["worker"] == found["alone"] and found["worker"][0] == code


def test_wrong_arguments_are_told_alike(folder):
    with workers(folder) as (_, address):
        told = [folder.do(given, "pass", "out", "--lgo", "x") for given in (None, address)]
    assert told[0] == told[1] and told[0][0] == 2 and "--log" in told[0][2]


def test_a_worker_carries_nothing_from_one_job_to_the_next(folder):
    with workers(folder) as (_, address):
        for n in range(4):
            assert folder.do(address, SEEN, f"out{n}", WHO=f"job {n}") == (0, "", "")
        (folder.folder / "below").mkdir()
        below = Folder(folder.folder / "below/desk", folder.scripts)
        assert below.do(address, SEEN, "there") == (0, "", "")
        seen = [*(folder.seen(f"out{n}") for n in range(4)), below.seen("there")]
        worker = next(each for each in family_of_address(folder, seen[0][0]))
    assert {process for process, *_ in seen} == {worker}, "all in the one worker"
    assert [where for _, where, *_ in seen] == [str(folder.folder)] * 4 + [str(below.folder)]
    assert [who for _, _, who, *_ in seen] == ["job 0", "job 1", "job 2", "job 3", None]
    assert [last for _, _, _, last, _ in seen] == [*(f"logs/out{n}.log" for n in range(4)), "logs/there.log"]
    assert len({files for *_, files in seen}) == 1, "no file stays open"
    for n in range(4):
        log = (folder.folder / f"logs/out{n}.log").read_text()
        assert log.count("begins") == 1 and f"begins out{n}" in log


def family_of_address(folder: Folder, process: int) -> list[int]:
    """The process, if it is a resident worker."""
    return [process] if "tradewinds.pipeline.resident_worker" in psutil.Process(process).cmdline() else []


def test_a_folder_is_held_by_a_job_and_not_by_an_idle_worker(folder):
    def is_free() -> bool:
        with open(folder.folder / "data/.jobs.lock") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    with workers(folder) as (_, address):
        job = folder.start(address, WAITS, "out")
        folder.began()
        assert not is_free()
        (folder.folder / "go").touch()
        assert job.communicate(timeout=PATIENCE_SECONDS) == ("", "") and job.returncode == 0
        assert is_free()


def test_a_job_whose_worker_is_killed_runs_as_its_own_process_and_the_next_has_a_worker_again(folder):
    with workers(folder) as (_, address):
        job = folder.start(address, WAITS, "out")
        killed = folder.began()
        assert folder.parts(), "it was at work"
        os.kill(killed, signal.SIGKILL)
        assert job.communicate(timeout=PATIENCE_SECONDS) == ("", "") and job.returncode == 0
        assert (folder.folder / "out").read_text() == "whole" and not folder.parts()
        assert folder.do(address, SEEN, "next") == (0, "", "")
        assert family_of_address(folder, folder.seen("next")[0]) and folder.seen("next")[0] != killed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("at", ["the command", "the worker"])
def test_a_job_is_stopped_as_its_own_process_is_and_the_worker_goes_on(folder, number, at):
    with workers(folder) as (_, address):
        job = folder.start(address, WAITS, "out")
        worker = folder.began()
        os.kill(job.pid if at == "the command" else worker, number)
        said = job.communicate(timeout=PATIENCE_SECONDS)
        assert (job.returncode, *said) == (130, "", "work was interrupted.\n")
        assert not (folder.folder / "out").exists() and not folder.parts()
        os.kill(worker, number)  # Ctrl-C reaches idle workers, too
        assert folder.do(address, SEEN, "next") == (0, "", "") and folder.seen("next")[0] == worker


def test_without_its_parent_workers_go_on_and_end_with_the_run(folder):
    with workers(folder, 2) as (host, address):
        [parent] = psutil.Process(host.pid).children()
        wait_until(lambda: len(parent.children()) == 2)
        orphans = parent.children()
        parent.kill()
        assert folder.do(address, SEEN, "out") == (0, "", "")
        assert folder.seen("out")[0] in {process.pid for process in orphans}
    _, left = psutil.wait_procs(orphans, timeout=PATIENCE_SECONDS)
    assert not left


@pytest.mark.parametrize("at_work", [False, True])
def test_killing_the_run_leaves_no_process_and_no_folder(folder, at_work):
    with workers(folder, 2) as (host, address):
        wait_until(lambda: len(family_of(host)) == 3)
        job = folder.start(address, WAITS, "out") if at_work else None
        if job:
            folder.began()
        family = family_of(host)
        host.kill()
        host.wait()
        if job:  # under plain Snakemake a job outlives the run that was killed, and is finished
            (folder.folder / "go").touch()
            assert job.communicate(timeout=PATIENCE_SECONDS) == ("", "") and job.returncode == 0
            assert (folder.folder / "out").read_text() == "whole"
        _, left = psutil.wait_procs(family, timeout=PATIENCE_SECONDS)
        assert not left and not Path(address).parent.exists()
        assert folder.do(address, SEEN, "later") == (0, "", ""), "without workers jobs run by themselves"


def test_the_socket_is_the_users_own_and_gone_with_the_run(folder):
    with workers(folder) as (_, address):
        assert Path(address).parent.stat().st_mode & 0o077 == 0 and len(address) <= 103
    assert not Path(address).parent.exists()


def test_two_runs_have_workers_of_their_own(folder, tmp_path):
    other = Folder(tmp_path / "other", folder.scripts)
    with workers(folder) as (_, one), workers(other) as (_, two):
        assert folder.do(one, SEEN, "out") == other.do(two, SEEN, "out") == (0, "", "")
    assert folder.seen("out")[0] != other.seen("out")[0]


def test_as_many_jobs_at_once_as_there_are_workers(folder):
    """The second job lets the first one go."""
    with workers(folder, 2) as (_, address):
        job = folder.start(address, WAITS, "first")
        folder.began()
        assert folder.do(address, "Path('go').touch()", "second") == (0, "", "")
        assert job.communicate(timeout=PATIENCE_SECONDS) == ("", "") and job.returncode == 0


def test_a_long_temporary_folder_is_no_obstacle(folder, tmp_path, monkeypatch):
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))
    with workers(folder) as (_, address):
        assert folder.do(address, SEEN, "out") == (0, "", "") and len(address) <= 103


def test_many_jobs_one_after_the_other_and_at_once(folder):
    ended = []
    with workers(folder, 3) as (_, address):
        threads = [
            threading.Thread(target=lambda n=n: ended.append(folder.do(address, SEEN, f"o{n}"))) for n in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert ended == [(0, "", "")] * 12
    assert {(folder.folder / f"o{n}").read_text() for n in range(12)} == {"whole"}
