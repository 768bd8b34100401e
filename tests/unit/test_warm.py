"""Commands that tests run in forks of a server are what a new interpreter makes of them (tests/warm)."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests import warm
from tests.warm import drawn_once

STATE = """
import json, os, random, resource, signal, sys
import local_module
ignored = [n for n in (1, 2, 13, 15) if signal.getsignal(n) == signal.SIG_IGN]
open_files = sorted(n for n in range(3, 50) if os.path.exists(f"/proc/self/fd/{n}") and os.get_inheritable(n))
print(json.dumps({
    "argv": sys.argv, "name": __name__, "main": sys.modules["__main__"].__dict__ is globals(), "folder": os.getcwd(),
    "first": sys.path[0], "said": sys.stdin.read(), "env": os.environ.get("SAID"), "umask": os.umask(0), "ignored": ignored,
    "limit": resource.getrlimit(resource.RLIMIT_NOFILE), "local": local_module.VALUE, "files": open_files,
    "streams": [(s.encoding, s.errors, s.line_buffering, s.write_through, s.isatty()) for s in (sys.stdout, sys.stderr)],
    "path": [p for p in sys.path[1:] if "site-packages" in p], "handler": str(signal.getsignal(2)),
}))
"""
ENDS = [
    ("import sys; sys.exit(3)", 3),
    ("import sys; sys.exit('a reason')", 1),
    ("1 / 0", 1),
    ("import atexit; atexit.register(print, 'at the end'); print('first')", 0),
    ("import os; os._exit(7)", 7),
    ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9),
    ("import os, signal; os.kill(os.getpid(), signal.SIGINT)", -2),
    ("import threading; threading.Thread(target=print, args=('from a thread',)).start()", 0),
]
SERVED = "import sys; print('pandas' in sys.modules)"

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _server():
    if not warm.variables():
        pytest.skip("there is no compiler here, so each command is a new interpreter")


def both(command: list[str], **how) -> tuple[subprocess.CompletedProcess, subprocess.CompletedProcess]:
    """What a fork and what a new interpreter make of a command line."""
    how = {"capture_output": True, "text": True, "check": False, **how}
    return warm.run(command, **how), subprocess.run(command, **how)  # noqa: PLW1510


@pytest.mark.parametrize("form", ["script", "-m", "-c"])
def test_a_fork_has_what_an_interpreter_has(tmp_path, form):
    (tmp_path / "local_module.py").write_text("VALUE = 5")
    (tmp_path / "state_of_it.py").write_text(STATE)
    words = {"script": ["state_of_it.py"], "-m": ["-m", "state_of_it"], "-c": ["-c", STATE]}[form]
    read, write = os.pipe()
    os.write(write, b"passed")
    environment = {**os.environ, "SAID": "è\n", "PYTHONPATH": str(warm.ROOT / "src")}
    how = {"cwd": tmp_path, "env": environment, "input": "in", "pass_fds": [write], "umask": 0o027}
    forked, real = both([sys.executable, *words, "one", "", "two words"], **how)
    os.close(read)
    os.close(write)
    assert forked.returncode == real.returncode == 0, forked.stderr + real.stderr
    assert json.loads(forked.stdout) == json.loads(real.stdout)


@pytest.mark.parametrize(("code", "expected"), ENDS)
def test_a_fork_ends_as_an_interpreter_ends(code, expected):
    forked, real = both([sys.executable, "-c", code])
    assert forked.returncode == real.returncode == expected
    assert (forked.stdout, forked.stderr) == (real.stdout, real.stderr)


def test_a_command_is_served_and_so_are_those_it_starts():
    """Without this all tests would still pass, slowly."""
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SERVED!r}], check=True)"
    for code in (SERVED, nested):
        done = warm.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == "True\n", done.stderr


@pytest.mark.parametrize(
    "change",
    [{"PYTHONHASHSEED": "1"}, {"LC_ALL": "C"}, {"PYTHONPATH": "/"}, {"HOME": "/"}, {"LD_PRELOAD": "libc.so.6"}],
)
def test_what_is_read_at_the_start_needs_a_start(change):
    done = warm.run(
        [sys.executable, "-c", SERVED], env={**os.environ, **change}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_a_folder_that_shadows_a_module_needs_a_start(tmp_path):
    (tmp_path / "yaml.py").write_text("")
    done = warm.run([sys.executable, "-c", SERVED], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_module_for_the_start_is_imported_first(tmp_path):
    """As an interpreter does it: by the command, and by those that it starts."""
    (tmp_path / "sitecustomize.py").write_text("import sys; print(sys.orig_argv[-1], flush=True)")
    code = "import subprocess, sys; print(2, flush=True); subprocess.run([sys.executable, '-c', 'print(4)', '3'])"
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{warm.ROOT / 'src'}"}
    for done in both([sys.executable, "-c", code, "1"], env=environment):
        assert done.stdout.split() == ["1", "2", "3", "4"], done.stderr
    served, started = both([sys.executable, "-c", SERVED, "1"], env=environment)
    assert (served.stdout, started.stdout) == ("1\nTrue\n", "1\nFalse\n")


def test_modules_of_the_interpreters_folders_are_listed_as_there(tmp_path):
    (tmp_path / "of_this_test.py").write_text("")
    code = "import pkgutil; print(*sorted((one.name, one.ispkg) for one in pkgutil.iter_modules()), sep='\\n')"
    forked, real = both([sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(warm.ROOT)})
    assert "of_this_test" in forked.stdout and "('numpy', True)" in forked.stdout
    assert forked.stdout == real.stdout, forked.stderr + real.stderr


def test_two_forks_have_other_random_numbers():
    code = "import random, numpy, uuid, tempfile; print(random.random(), numpy.random.random(), uuid.uuid4())"
    one, other = (warm.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2))
    assert not set(one.stdout.split()) & set(other.stdout.split())


DRAWS = """
import hashlib, sys
from tradewinds.results.report import pictures as module
from tradewinds.results.report.parts import Plot
if sys.argv[1] == "never":
    module.figure_of = None
data = {"labels": ["a", "b"], "value": [float(sys.argv[2]), -1.5], "expected": [], "names": ["P&L"]}
drawn = module.pictures(Plot(name="bars", title="Bars", kind="bars", axes=("price", "USD"), data=data))
print({form: hashlib.sha256(content).hexdigest() for form, content in drawn.items()})
"""


def test_a_plot_is_drawn_once_and_another_one_or_on_demand_anew():
    def drawn(*arguments: str, **variables: str) -> str:
        environment, command = {**os.environ, **variables}, [sys.executable, "-c", DRAWS, *arguments]
        done = warm.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.stdout if not done.returncode else done.stderr.splitlines()[-1]

    value = str(os.getpid())  # no other test draws it
    nothing_drawn = drawn("never", value)
    assert "TypeError" in nothing_drawn
    first = drawn("draw", value)
    assert "svg" in first and drawn("never", value) == first
    assert drawn("never", value, **{drawn_once.DRAW: "1"}) == nothing_drawn
    assert drawn("draw", value, **{drawn_once.DRAW: "1"}) == first
    assert drawn("never", f"{value}.5") == nothing_drawn and drawn("draw", f"{value}.5") != first


def test_the_digest_of_a_plot_is_that_of_its_values():
    shared = ("a", 1.5)
    one, other = [shared, shared, None], [("".join("a"), 3 / 2), ("".join("a"), 3 / 2), None]
    assert drawn_once.digest(one) == drawn_once.digest(other)
    assert (
        len({drawn_once.digest(value) for value in (one, one[:2], [("a", 1.5), ("a", 2.5), None], [1, 1], [True, 1])})
        == 5
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_signal_to_the_command_ends_the_fork(number):
    """Also kill -9, so that no test leaves anything behind."""
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    known = warm.variables()
    command = [known["WARM_PYTHON"], "-c", code]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env={**os.environ, **known}, text=True, **pipes) as process:
        fork = int(process.stdout.readline())
        assert fork != process.pid
        process.send_signal(number)
        process.wait()
        assert process.stdout.read() == "", "its end of the pipe is closed: it has ended"
    assert process.returncode == -number
