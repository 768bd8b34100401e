"""A server that is stopped ends as at Ctrl-C, with exit code 0, and leaves no child; `--debug` may follow a command."""

import signal
import subprocess

import psutil
import pytest

from tests.services.small_world import archive
from tests.workflow.harness import PATIENCE_SECONDS, Desk


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_replay_ends_and_leaves_no_child(tmp_path, number):
    desk = Desk(tmp_path / "desk", None)
    command = desk.command("replay", "--archive", str(archive(tmp_path / "archive")), "--port", "0")
    with subprocess.Popen(
        command,
        cwd=desk.folder,
        env=desk.environment(),
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # noqa: PLW1509 (the tests have one thread here)
    ) as server:
        try:
            assert "serving" in server.stdout.readline()
            children = psutil.Process(server.pid).children(recursive=True)
            server.send_signal(number)
            assert server.wait(PATIENCE_SECONDS) == 0
            assert not [child for child in children if child.is_running()]
        finally:
            server.kill()


def test_debug_after_a_command_shows_the_traceback(tmp_path):
    desk = Desk(tmp_path / "desk", None, kalshi={"base_url": "http://[::1"})
    plain, debug = desk.run(), desk.run("--debug")
    assert plain.returncode == 2 and "Traceback" not in plain.stderr and "kalshi.base_url" in plain.stderr
    assert "Traceback" in debug.stderr and "ConfigError" in debug.stderr
