"""Allowances, pauses and stops of a host, which all jobs of this machine share."""

import itertools
import multiprocessing
import time

import pytest

from tests.fakes.service import running_service
from tradewinds.core.errors import FetchError
from tradewinds.sources.allowances import Allowance
from tradewinds.sources.budget import Budget
from tradewinds.sources.endpoint import Endpoint, ServiceTexts
from tradewinds.sources.http import HttpClient
from tradewinds.sources.shared_stops import LONGEST_PAUSE_SECONDS, LONGEST_STOP_SECONDS, SharedStops

URL = "http://127.0.0.1:1"


def _spend(folder, weights, stamps):
    budget = Budget(URL, 1000, 8, allowances=[Allowance("weight", 40, 0.5)], folder=folder)
    for weight in weights:
        with budget.slot({"weight": weight}) as permission:
            stamps.append((time.monotonic(), weight))
            permission.answered()


@pytest.mark.slow
def test_processes_share_one_allowance(tmp_path):
    context = multiprocessing.get_context("fork")
    with context.Manager() as manager:
        stamps = manager.list()
        weights = [5, 1, 13, 2, 40, 7, 99]
        workers = [context.Process(target=_spend, args=(tmp_path, weights, stamps)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        found = sorted(stamps)
    assert len(found) == 14
    for start, _ in found:
        inside = [min(weight, 40) for at, weight in found if start <= at < start + 0.5]
        assert sum(inside) <= 40


def test_an_allowance_that_is_lost_still_binds_each_process(tmp_path):
    now = [100.0]
    budget = Budget(
        URL,
        1000,
        8,
        allowances=[Allowance("weight", 10, 60.0)],
        folder=tmp_path,
        clock=lambda: now[0],
        sleep=lambda seconds: now.__setitem__(0, now[0] + seconds),
    )
    sent = []
    for _ in range(4):
        with budget.slot({"weight": 5}):
            sent.append(now[0])
        for path in budget.folder.glob("allowance-*"):
            path.unlink()
    gaps = [later - earlier for earlier, later in itertools.pairwise(sent)]
    assert gaps[0] < 1 and gaps[1] >= 60 and gaps[2] < 1


def test_a_light_request_goes_before_one_that_waits_for_its_allowance(tmp_path):
    now = [100.0]

    def budget():
        kinds = [Allowance("heavy", 10, 60.0), Allowance("light", 10, 60.0)]
        return Budget(URL, 1000, 8, allowances=kinds, folder=tmp_path, clock=lambda: now[0], sleep=wait)

    waited = []

    def wait(seconds):
        if not waited:  # while the heavy one waits, another job asks for little
            waited.append(seconds)
            with budget().slot({"light": 1}):
                waited.append(now[0])
        now[0] += seconds

    one = budget()
    with one.slot({"heavy": 10}):
        pass
    with one.slot({"heavy": 1}):
        assert now[0] >= 160 and waited[1] < 101


@pytest.mark.parametrize("text", ["", "torn 5", "1.0", "nan 3", "5 -7", "9999999 3", "x"])
def test_what_is_no_line_of_an_allowance_is_none(tmp_path, text):
    now = [100.0]
    made = Budget(URL, 1000, 8, allowances=[Allowance("w", 10, 60.0)], folder=tmp_path, clock=lambda: now[0])
    with made.slot({"w": 1}):
        pass
    (path,) = made.folder.glob("allowance-*")
    path.write_text(text + "\n")
    fresh = Budget(URL, 1000, 8, allowances=[Allowance("w", 10, 60.0)], folder=tmp_path, clock=lambda: now[0] + 1)
    assert fresh.allowances.ready_at({"w": 10}, now[0] + 1) <= now[0] + 1


def test_a_pause_and_a_stop_end_and_longer_ones_stay(tmp_path):
    folder = Budget(URL, 1000, 1, folder=tmp_path).folder
    clock, wall = [50.0], [1_000_000.0]
    stops = SharedStops(folder, lambda: clock[0], lambda: wall[0])
    assert (stops.paused_until(), stops.stopped_until()) == (0, 0)
    stops.pause(30)
    stops.pause(5)
    assert stops.paused_until() == 80 and stops.stop(600) == stops.stopped_until() == 1_000_600
    stops.stop(10)
    assert stops.stopped_until() == 1_000_600
    clock[0], wall[0] = 80.0, 1_000_600.0
    assert (stops.paused_until(), stops.stopped_until()) == (0, 0)
    # ends that cannot be: a clock that was set back, a reboot, a torn file
    stops.pause(30)
    stops.stop(600)
    clock[0], wall[0] = 109 - LONGEST_PAUSE_SECONDS, 1_001_199 - LONGEST_STOP_SECONDS
    assert (stops.paused_until(), stops.stopped_until()) == (0, 0)
    for name in ("pause", "stop"):
        (folder / name).write_text("half of a li")
    assert (stops.paused_until(), stops.stopped_until()) == (0, 0)


def test_a_pause_is_kept_by_all_jobs(tmp_path):
    one, other = (Budget(URL, 1000, 4, folder=tmp_path / "rates") for _ in range(2))
    one.stops.pause(1.0)
    begun = time.monotonic()
    with other.slot():
        assert time.monotonic() - begun >= 0.9


TEXTS = ServiceTexts(busy_seconds=0.01, stops={418: 90.0}, remedies={451: "Ask elsewhere."})


def client_of(service, folder):
    endpoint = Endpoint(service.url, 1000, 4, 5, 2)
    budget = Budget(service.url, 1000, 4, folder=folder / "budget")
    return HttpClient(endpoint, texts=TEXTS, budget=budget, sleep=lambda seconds: None)


def test_a_stop_ends_all_clients_of_the_host_before_they_ask(tmp_path):
    with running_service() as service:
        service.answer("/x", (418, {}, b"banned"))
        for _ in range(3):
            with pytest.raises(FetchError, match="shut this address out until") as error:
                client_of(service, tmp_path).get_json("/x")
            assert error.value.exit_code == 4
        assert len(service.seen) == 1


def test_a_status_has_its_own_remedy_and_is_not_asked_again(tmp_path):
    with running_service() as service:
        service.answer("/x", (451, {}, b"not here"))
        with pytest.raises(FetchError, match=r"not here.*Ask elsewhere"):
            client_of(service, tmp_path).get_json("/x")
        assert len(service.seen) == 1


def test_bytes_that_are_not_whole_are_asked_for_again(tmp_path):
    with running_service() as service:
        service.answer("/x", (200, {}, b"<html>"), (200, {}, b"PK"), (200, {}, b"PKEND"))
        client = client_of(service, tmp_path)
        assert client.get_bytes("/x", None, lambda body: body.endswith(b"END")) == b"PKEND"
        assert client.retries == 2


USED = "X-Used-Weight-1M"
DATES = {0: "Wed, 01 Jan 2025 10:00:00 GMT", 50: "Wed, 01 Jan 2025 10:00:50 GMT"}


class SharedHost:
    """Clients of one host with a clock of their own; the service reports `used`, whatever they spent."""

    def __init__(self, folder, service):
        self.now, self.folder, self.service = [1000.0], folder, service

    def client(self):
        kinds = [Allowance("weight", 100, 60.0, USED)]
        wait = lambda seconds: self.now.__setitem__(0, self.now[0] + seconds)  # noqa: E731
        budget = Budget(
            self.service.url, 1000, 8, allowances=kinds, folder=self.folder, clock=lambda: self.now[0], sleep=wait
        )
        endpoint = Endpoint(self.service.url, 1000, 8, 5, 0)
        return HttpClient(endpoint, allowances=kinds, budget=budget, sleep=wait)

    def ask(self, client, used, weight=5, second=50, **headers):
        sent = {USED: used, "Date": DATES[second], "Content-Type": "application/json", **headers}
        self.service.queue["/x"].clear()
        self.service.answer("/x", (200, {name: value for name, value in sent.items() if value is not None}, b"{}"))
        before = self.now[0]
        client.get_json("/x", costs={"weight": weight})
        return self.now[0] - before


def test_what_other_programs_spend_is_read_from_the_answer_and_holds_for_all_jobs(tmp_path):
    with running_service() as service:
        host = SharedHost(tmp_path, service)
        one, other = host.client(), host.client()
        assert host.ask(one, "97") < 1, "92 were spent by another program"
        assert host.ask(other, "5", second=0) >= 60, "another job waits until a minute is over"
        assert host.ask(one, "10", second=0) < 1


def test_a_count_that_these_jobs_made_themselves_slows_nothing(tmp_path):
    with running_service() as service:
        host = SharedHost(tmp_path, service)
        one, other = host.client(), host.client()
        waits = [host.ask(one if n % 2 else other, str(5 * (n + 1))) for n in range(20)]
        assert max(waits) < 1, "20 requests of 5 fit 100"
        assert host.ask(one, "5", second=0) >= 58


def test_what_was_spent_before_the_minute_of_the_service_is_no_part_of_its_count(tmp_path):
    with running_service() as service:
        host = SharedHost(tmp_path, service)
        one = host.client()
        host.ask(one, "40", weight=40)
        host.now[0] += 30
        assert host.ask(one, "20", second=0) < 1, "a new minute: 15 of 20 are of another program"
        assert host.ask(one, "60", weight=40, second=0) < 1, "40 + 5 + 15 + 40 are the whole allowance"
        assert host.ask(one, "65", weight=5, second=0) >= 29


@pytest.mark.parametrize("used", [None, "", "-5", "1e9", "many", "99999999999", "4.5"])
def test_a_header_that_is_no_count_changes_nothing(tmp_path, used):
    with running_service() as service:
        host = SharedHost(tmp_path, service)
        one = host.client()
        assert max(host.ask(one, used) for _ in range(20)) < 1


@pytest.mark.parametrize("date", ["", "yesterday", "Wed, 99 Jan 2025 10:00:00 GMT"])
def test_without_a_date_the_longest_window_is_taken(tmp_path, date):
    with running_service() as service:
        host = SharedHost(tmp_path, service)
        one = host.client()
        assert max(host.ask(one, str(5 * n + 5), **{"Date": date}) for n in range(20)) < 1


def test_a_count_above_the_allowance_waits_for_one_window_alone(tmp_path):
    with running_service() as service:
        host = SharedHost(tmp_path, service)
        one = host.client()
        host.ask(one, "5000")
        assert 60 <= host.ask(one, "5", second=0) < 62
