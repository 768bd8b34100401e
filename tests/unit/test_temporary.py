"""Temporary folders: what a killed process left is removed, what a living one uses stays."""

import os
import signal
import subprocess
import sys

from tradewinds.core.temporary import remove_abandoned, temporary_folder

PROGRAM = """
import sys
from tradewinds.core.temporary import temporary_folder
with temporary_folder("work-", sys.argv[1]) as folder:
    (folder / "secret").write_text("password")
    print(folder, flush=True)
    sys.stdin.read()
"""


def started(place):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(place)], **pipes)
    process.stdout.readline()  # the folder is there
    return process


def test_what_a_killed_process_left_goes_and_what_a_living_one_uses_stays(tmp_path):
    killed, living = started(tmp_path), started(tmp_path)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    (tmp_path / "work-of-mine").mkdir()
    before = len(list(tmp_path.iterdir()))
    with temporary_folder("work-", tmp_path) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        names = {path.name.rpartition("-")[0] for path in tmp_path.iterdir()}
        assert names == {f"work-{living.pid}", f"work-{os.getpid()}", "work-of"}
    living.communicate("")
    assert before == 3 and [path.name for path in tmp_path.iterdir()] == ["work-of-mine"]


def test_a_folder_that_is_locked_or_a_link_stays(tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "work-999999999-abc").symlink_to(tmp_path / "target")
    with temporary_folder("work-", tmp_path) as folder:
        held = folder.rename(
            tmp_path / "work-999999998-abc"
        )  # a process of another container, whose id is not seen here
        remove_abandoned("work-", tmp_path)
        assert held.exists() and (tmp_path / "work-999999999-abc").is_symlink() and (tmp_path / "target").exists()
        held.rename(folder)
