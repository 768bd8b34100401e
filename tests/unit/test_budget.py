"""The request budget across processes: never too fast in any second, hardly ever idle, bounded connections."""

import itertools
import multiprocessing
import time

import pytest

from tradewinds.sources.budget import Budget

RATE = 40
URL = "http://127.0.0.1:1/api"


def _worker(folder, count, stamps):
    budget = Budget(URL, RATE, 4, folder=folder)
    for _ in range(count):
        with budget.slot():
            stamps.append(time.monotonic())


def test_many_processes_share_one_rate(tmp_path):
    context = multiprocessing.get_context("fork")
    with context.Manager() as manager:
        stamps = manager.list()
        workers = [context.Process(target=_worker, args=(tmp_path, 30, stamps)) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        times = sorted(stamps)
    assert len(times) == 120
    worst = max(sum(start <= t < start + 1 for t in times) for start in times)
    assert worst <= RATE
    used = (len(times) - 1) / (times[-1] - times[0]) / RATE
    assert used >= 0.8  # a shared, noisy machine; the figure of a quiet one is in PERFORMANCE.md


def test_idle_time_is_not_saved_up():
    """After a pause requests are spaced as before: no burst."""
    now = [100.0]
    budget = _fake(now)
    sent = []
    for pause in (0, 0, 50, 0, 0):
        now[0] += pause
        with budget.slot():
            sent.append(now[0])
    gaps = [b - a for a, b in itertools.pairwise(sent)]
    assert all(gap >= 0.99 * budget.spacing for gap in gaps)


def test_steady_use_is_at_the_rate_and_no_second_holds_too_many():
    now = [100.0]
    budget = _fake(now)
    sent = []
    for n in range(200):
        now[0] += 0.03 * (n % 3)  # some requests come late
        with budget.slot():
            sent.append(now[0])
    assert max(sum(start <= t < start + 1 for t in sent) for start in sent) <= 10
    assert 199 / (sent[-1] - sent[0]) >= 0.95 * 10


def _fake(now, folder=None):
    import tempfile
    from pathlib import Path

    def sleep(seconds):
        now[0] += seconds

    return Budget(URL, 10, 2, folder=Path(folder or tempfile.mkdtemp()), clock=lambda: now[0], sleep=sleep)


@pytest.mark.parametrize("content", ["", "garbage", "9e99", "1e7", "nan", "-5 1", "1 2 x"])
def test_a_torn_or_foreign_stamp_never_blocks(tmp_path, content):
    now = [100.0]
    budget = _fake(now, tmp_path)
    (budget.folder / "stamps").write_text(content)
    with budget.slot():
        assert now[0] <= 100.0 + 120


def test_a_killed_process_frees_its_connection(tmp_path):
    context = multiprocessing.get_context("fork")
    started = context.Event()

    def hold():
        with Budget(URL, 1000, 1, folder=tmp_path).slot():
            started.set()
            time.sleep(60)

    process = context.Process(target=hold)
    process.start()
    assert started.wait(10)
    process.kill()
    process.join()
    with Budget(URL, 1000, 1, folder=tmp_path).slot():
        pass


def test_services_have_budgets_of_their_own(tmp_path):
    one, other = (Budget(f"http://127.0.0.1:{port}/x", 1, 1, folder=tmp_path) for port in (1, 2))
    same = Budget("http://127.0.0.1:1/y", 1, 1, folder=tmp_path)
    assert one.folder != other.folder and one.folder == same.folder
