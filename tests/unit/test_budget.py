"""The request budget across processes: never too fast in any second, hardly ever idle, bounded connections."""

import itertools
import multiprocessing
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradewinds.sources.budget import Budget

RATE = 40
URL = "http://127.0.0.1:1/api"


def _worker(folder, count, stamps):
    """Requests that reach the server up to 60 ms after their permission, as on a busy machine."""
    budget = Budget(URL, RATE, 4, folder=folder)
    for n in range(count):
        with budget.slot() as permission:
            time.sleep(0.02 * (n * 7 % 4))
            stamps.append(time.monotonic())
            permission.answered()


@pytest.mark.slow
def test_many_processes_share_one_rate(tmp_path):
    """That they use it up is shown on a clock of the test's own, below: on a busy machine they may all be late."""
    context = multiprocessing.get_context("fork")
    with context.Manager() as manager:
        stamps = manager.list()
        workers = [context.Process(target=_worker, args=(tmp_path, 20, stamps)) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        times = sorted(stamps)
    assert len(times) == 80
    worst = max(sum(start <= t < start + 1 for t in times) for start in times)
    assert worst <= RATE


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


class _World:
    """Several jobs and one server on one simulated clock: each step some request is under way, late by any amount."""

    def __init__(self, folder, rate):
        self.now = 100.0
        self.budgets = [
            Budget(URL, rate, 50, folder=folder, clock=lambda: self.now, sleep=self.sleep) for _ in range(3)
        ]
        self.under_way = []  # (instant, what happens then)
        self.arrivals = []

    def sleep(self, seconds):
        self.pass_time(max(seconds, 1e-6))  # a clock that is slept on moves

    def pass_time(self, seconds):
        until = self.now + seconds
        while self.under_way and min(self.under_way, key=lambda item: item[0])[0] <= until:
            item = min(self.under_way, key=lambda item: item[0])
            self.under_way.remove(item)
            self.now = max(self.now, item[0])
            item[1]()
        self.now = until

    def send(self, job, way_there, way_back, answered):
        slot = self.budgets[job].slot()
        permission = slot.__enter__()
        arrival = self.now + way_there
        self.under_way.append((arrival, lambda: self.arrivals.append(arrival)))

        def end():
            if answered:
                permission.answered()
            slot.__exit__(None, None, None)

        self.under_way.append((arrival + way_back, end))


SHORTEST = 0.01
ways = st.floats(SHORTEST, 0.12)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rate=st.sampled_from([1, 3, 10]),
    requests=st.lists(
        st.tuples(st.integers(0, 2), ways, ways, st.booleans(), st.floats(0, 0.5)), min_size=12, max_size=60
    ),
)
def test_no_second_at_the_server_holds_too_many_however_late_requests_arrive(tmp_path_factory, rate, requests):
    """Arrivals are what counts; permissions, answers and failures come in any order."""
    world = _World(tmp_path_factory.mktemp("budget"), rate)
    world.send(0, SHORTEST, 1.5 * SHORTEST, answered=True)  # the shortest of all is a fifth shorter
    for job, way_there, way_back, answered, pause in requests:
        world.send(job, way_there, way_back, answered)
        world.pass_time(pause if pause > 0.4 else 0.0)
    world.pass_time(10)
    times = sorted(world.arrivals)
    assert len(times) == 1 + len(requests)
    assert all(later >= first + 1 for first, later in zip(times, times[rate:], strict=False))


@pytest.mark.parametrize("round_trip", [0.002, 0.06])
def test_the_rate_is_used_whatever_the_steady_round_trip(tmp_path, round_trip):
    world = _World(tmp_path, 3)
    for n in range(60):
        world.send(n % 3, round_trip / 2, round_trip / 2, answered=True)
    world.pass_time(10)
    times = sorted(world.arrivals)
    assert 57 / (times[-1] - times[2]) >= 0.98 * 3


def test_a_service_that_answers_late_keeps_its_rate(tmp_path):
    """Answers after many seconds say little about the arrival: they cost a bounded time, not their own."""
    world = _World(tmp_path, 3)
    for n in range(40):
        world.send(n % 3, 0.01, 0.02 if n == 0 else 8.0, answered=True)
    world.pass_time(20)
    times = sorted(world.arrivals)
    assert 37 / (times[-1] - times[2]) >= 3 / 1.3


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


def _fake(now, folder=None, rate=10):
    import tempfile
    from pathlib import Path

    def sleep(seconds):
        now[0] += max(seconds, 1e-6)  # a clock that is slept on moves

    return Budget(URL, rate, 2, folder=Path(folder or tempfile.mkdtemp()), clock=lambda: now[0], sleep=sleep)


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rate=st.sampled_from([0.25, 1, 2.5, 3, 20]),
    requests=st.lists(
        st.tuples(st.integers(0, 2), ways, ways, st.booleans(), st.sampled_from([0.0, 0.0, 0.0, 0.7, 5.0])),
        min_size=12,
        max_size=40,
    ),
)
def test_the_ceiling_of_a_process_delays_nothing_that_the_budget_permits(tmp_path_factory, rate, requests):
    """Three jobs, late answers, lost answers, pauses: the same permissions at the same instants as without a ceiling."""
    arrivals = []
    for ceiling in (True, False):
        world = _World(tmp_path_factory.mktemp("budget"), rate)
        for budget in world.budgets if not ceiling else ():
            budget._permit = budget._note_permission
        for job, way_there, way_back, answered, pause in requests:
            world.send(job, way_there, way_back, answered)
            world.pass_time(pause)
        world.pass_time(10)
        arrivals.append(world.arrivals)
    assert arrivals[0] == arrivals[1]


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.25, 2.5, 10])
def test_a_job_whose_shared_file_is_lost_keeps_its_own_rate(tmp_path, rate):
    """The ceiling bounds the average, whatever became of the shared file."""
    now, count = [100.0], 40
    budget = _fake(now, tmp_path, rate)
    for _ in range(count):
        (budget.folder / "stamps").unlink(missing_ok=True)
        with budget.slot():
            pass
    assert now[0] - 100.0 >= 0.99 * (count - budget.per_window) / rate


def test_a_job_keeps_its_own_rate_beside_one_whose_config_has_a_lower_rate_for_the_service(tmp_path):
    """A job of a lower rate keeps fewer instants in the shared file than a job of a higher rate must count."""
    now, count = [100.0], 60
    mine, other = _fake(now, tmp_path, 10), _fake(now, tmp_path, 0.25)
    for _ in range(count):
        with mine.slot(), other._shared_requests() as requests:
            requests.fastest = min(requests.fastest, 0.01) * 0.999  # an answer begins, and the job stores what it keeps
    assert now[0] - 100.0 >= 0.99 * (count - mine.per_window) / 10


def test_a_job_of_a_lower_rate_keeps_what_a_faster_one_must_count(tmp_path):
    """Its own window needs one request; what arrived in the last second stays in the shared file for the others."""
    now = [100.0]
    fast, slow = _fake(now, tmp_path, 10), _fake(now, tmp_path, 1)
    for _ in range(10):
        with fast.slot():
            pass
    with slow._shared_requests() as requests:
        before = list(requests.sent)
        requests.fastest = 0.01  # so that the line is stored again
    now[0] += 0.01
    with fast._shared_requests() as requests:
        assert requests.fastest == 0.01
        assert requests.sent == before and len(before) == 10
        assert fast._ready_at(requests) > now[0]


@pytest.mark.parametrize(
    "content",
    ["", "garbage", "9e99", "1e7", "nan", "-5 1", "1 2 x", "0.1 2 3 4", "0.1 50 1e9", "nan nan nan", "-1 5 4"],
)
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
            time.sleep(1800)  # until it is killed

    process = context.Process(target=hold)
    process.start()
    try:
        assert started.wait(1800)
    finally:
        process.kill()
        process.join()
    with Budget(URL, 1000, 1, folder=tmp_path).slot():
        pass


def test_services_have_budgets_of_their_own(tmp_path):
    one, other = (Budget(f"http://127.0.0.1:{port}/x", 1, 1, folder=tmp_path) for port in (1, 2))
    same = Budget("http://127.0.0.1:1/y", 1, 1, folder=tmp_path)
    assert one.folder != other.folder and one.folder == same.folder
