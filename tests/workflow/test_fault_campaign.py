"""A backfill that survives the real exchange: whatever goes wrong on the way, the files in the end are the same."""

import datetime as dt
import random

import pytest

from tests.workflow import fault_campaign as campaign
from tests.workflow.fault_world import make_world
from tests.workflow.harness import TEN_DAYS, Desk, candles_of
from tradewinds.archive.faults import WEIGHTS, FaultPlan
from tradewinds.archive.server import running_server
from tradewinds.families.kalshi_weather.archive.spoilt_answers import KINDS, STUCK_CURSOR

DAYS = 65  # times four series
EVENTS, FAULTS, KILLS = 250, 1000, 100
FETCH_FAILED = 4
MOST_RUNS = 10


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return tmp_path_factory.mktemp("world") / "archive"


@pytest.fixture(scope="module")
def dates(archive):
    return make_world(archive, DAYS)


@pytest.fixture(scope="module")
def world(archive, dates):
    """Starts a server of the world's archive."""
    return lambda **settings: campaign.world_server(archive, dates, **settings)


@pytest.fixture(scope="module")
def clean(world, dates, tmp_path_factory):
    """What a run without any fault leaves: all data files."""
    folder = tmp_path_factory.mktemp("clean")
    with world() as server:
        report = campaign.drive(folder, server, campaign.stages_of(dates))
    assert not report["failures"]
    found = campaign.contents(folder)
    assert campaign.events_of(found) >= EVENTS
    return found


class NewKindsFirst(FaultPlan):
    """Of the kinds that a request can have, one that no request has had yet, as long as there is one.

    Which of the exchange's routes is asked for an event depends on when a fault moves the cutoff, and so on time. Some
    kinds belong to one route: were they left to chance, none might come.
    """

    def decide(self, request, weights):
        kind = super().decide(request, weights)
        new = [name for name in weights if not self.counts[name]]
        return random.Random(request).choice(new) if kind and new else kind


def test_no_fault_ends_as_data(world, dates, clean, tmp_path):
    with world(faults=NewKindsFirst(0.65, seed=3, stall_seconds=campaign.STALL_SECONDS)) as server:
        report = campaign.drive(
            tmp_path, server, campaign.stages_of(dates), workers=8
        )  # most of them wait for an answer
    assert campaign.contents(tmp_path) == clean
    assert sum(server.faults.values()) >= FAULTS
    assert set(server.faults) == KINDS | set(WEIGHTS) | {"429_weight", "200_too_many"}
    unexpected = [failure for failure in report["failures"] if failure["exit_code"] != FETCH_FAILED]
    assert not unexpected, unexpected[0]["message"]
    said = "\n".join(failure["message"] for failure in report["failures"])
    assert "came back" in said and "stands still" in said, "the content faults must be refused, not believed"


class EveryKind(FaultPlan):
    """Each request meets every kind that its route can have once, and is then answered well."""

    def __init__(self):
        super().__init__(1.0, stall_seconds=campaign.STALL_SECONDS)
        self.left = {}

    def decide(self, request, weights):
        if STUCK_CURSOR in request:  # it comes of a fault, and the job ends with it: it is not asked once per kind
            return None
        # what is no JSON cannot have "truncated" and is then answered well, so that comes last
        left = self.left.setdefault(request, sorted(weights, key=lambda kind: kind != "truncated"))
        return left.pop() if left else None


def test_every_fault_of_every_catalog_and_weather_request(world, dates, clean, tmp_path):
    jobs = [job for job in campaign.stages_of(dates)[0] if {"KXHIGHNY", "KNYC"} & set(job["arguments"])]
    with world(faults=EveryKind()) as server:
        report = campaign.drive(tmp_path, server, [jobs])
    assert not any(left for left in server.fault_plan.left.values() if left != ["truncated"])
    found = campaign.contents(tmp_path)
    assert len(found) == len(jobs) == 4 and found.items() <= clean.items()
    unexpected = [failure for failure in report["failures"] if failure["exit_code"] != FETCH_FAILED]
    assert not unexpected, unexpected[0]["message"]


def test_kill_9_at_random_moments(world, dates, clean, tmp_path):
    stages = campaign.stages_of(dates)
    with world() as server:
        report = campaign.drive(tmp_path, server, stages, kills=KILLS)
    assert campaign.contents(tmp_path) == clean
    assert report["kills"] == KILLS
    assert not list(tmp_path.glob("data/**/*.part")), "whoever makes a file next removes what a killed job left of it"
    assert not report["failures"]


def test_two_runs_at_once(world, dates, clean, tmp_path):
    first, candles = campaign.stages_of(dates[::-4][::-1])  # with the last one: years are asked for through it
    with world() as server:
        campaign.drive(tmp_path, server, [first])
        both = [campaign.start(tmp_path, server, [candles], workers=2) for _ in range(2)]
        reports = [campaign.finish(one) for one in both]
    assert not [failure for report in reports for failure in report["failures"]]
    twice = {request: count for request, count in campaign.candle_requests(server).items() if count > 1}
    assert not twice
    found = campaign.contents(tmp_path)
    assert {job["out"] for job in candles} <= found.keys()
    assert found.items() <= clean.items()


def test_the_command_line_goes_on_after_each_fault(chicago_archive, ten_days, tmp_path):
    """Ten days through the real thing: every run ends well or with one paragraph, and the same command goes on.

    With this seed the first listing of the historical tier has a cursor that comes back, which ends the first run.
    """
    plan = FaultPlan(0.3, seed=31, stall_seconds=campaign.STALL_SECONDS)
    rest = {"requests_per_second": 400, "timeout_seconds": campaign.TIMEOUT_SECONDS}
    with running_server(chicago_archive, cutoff=dt.date(2025, 5, 16), faults=plan) as server:
        services = {
            "kalshi": {"base_url": server.url_of("kalshi"), **rest},
            "iem": {"base_url": server.url_of("iem"), **rest},
        }
        desk = Desk(tmp_path, server, **services, **TEN_DAYS)
        codes = []
        while 0 not in codes and len(codes) < MOST_RUNS:
            done = desk.run()
            codes.append(done.returncode)
            assert "Traceback" not in done.stdout + done.stderr
            assert done.returncode in (0, FETCH_FAILED), done.stderr
            assert done.returncode == 0 or "GET http://127.0.0.1" in done.stderr
    assert codes[-1] == 0 and FETCH_FAILED in codes
    assert sum(server.faults.values()) >= 20
    assert candles_of(desk) == candles_of(ten_days)
    assert (desk.run_folder() / "trades.csv").read_bytes() == (ten_days.run_folder() / "trades.csv").read_bytes()
