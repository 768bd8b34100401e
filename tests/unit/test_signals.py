"""A stop signal ends a process whenever it comes."""

import signal
import subprocess
import sys

import pytest

from tests.workflow.harness import PATIENCE_SECONDS

# Each sends the signal to its own process while Python calls something whose exceptions it drops.
FINALIZER = """
class Held:
    def __del__(self):
        os.kill(os.getpid(), NUMBER)
        sum(range(10))
held = Held()
del held
"""
WEAK_REFERENCE = """
class Held:
    pass
def gone(reference):
    os.kill(os.getpid(), NUMBER)
    sum(range(10))
held = Held()
watching = weakref.ref(held, gone)
del held
"""
DROPS = {"finalizer": FINALIZER, "weak reference": WEAK_REFERENCE, "twice": FINALIZER * 2}
PROGRAM = """
import os, signal, weakref, threading
from tradewinds.core.signals import interrupt_on_stop_signals, stop_signals_held

NUMBER = {number}
interrupt_on_stop_signals()
interrupt_on_stop_signals()
try:
{drop}
    print("dropped", flush=True)
    {wait}
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


def told(drop: str, number: int, wait: str = "threading.Event().wait()") -> subprocess.CompletedProcess:
    indented = "\n".join("    " + line for line in drop.splitlines())
    program = PROGRAM.format(number=int(number), drop=indented, wait=wait)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )


@pytest.mark.parametrize("drop", DROPS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_whose_interrupt_python_drops_still_stops(drop, number):
    ended = told(DROPS[drop], number)
    assert ended.stdout.split() == ["dropped", "stopped"] and not ended.stderr, ended.stderr


def test_it_waits_for_the_end_of_what_must_not_be_left_half_done():
    wait = """with stop_signals_held():
        signal.sigtimedwait([], 0.2)
        print("settled", flush=True)
    threading.Event().wait()"""
    ended = told(FINALIZER, signal.SIGINT, wait)
    assert ended.stdout.split() == ["dropped", "settled", "stopped"] and not ended.stderr, ended.stderr


def test_other_dropped_errors_are_told_as_before():
    ended = told("class Held:\n    def __del__(self):\n        1 / 0\nheld = Held()\ndel held", signal.SIGINT, "pass")
    assert ended.stdout.split() == ["dropped"] and "ZeroDivisionError" in ended.stderr
