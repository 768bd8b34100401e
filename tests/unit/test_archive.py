"""Archives, whatever family they are of: the folder, the server's routes, and faults as the families offer them."""

import datetime as dt
import re
import signal
import subprocess
import sys

import pyarrow as pa
import pytest
import requests

from tests.fakes.tides import BASE, FAMILY, HEIGHTS
from tradewinds.archive.archive import Archive, ArchiveWriter
from tradewinds.archive.faults import INSTEAD, MOST_IN_A_ROW, WEIGHTS, Fault, FaultPlan
from tradewinds.archive.routes import JSON, Answer, Route, RouteFault, RouteTable, routes_of_families
from tradewinds.archive.server import running_server
from tradewinds.config import markets
from tradewinds.core.errors import ConfigError

EXCHANGES = ("binance_bulk", "binance_futures", "binance_spot", "bybit", "okx", "hyperliquid")
GOOD = Answer(200, JSON, '{"n":1}')
DAY = dt.date(2025, 3, 8)


@pytest.fixture
def archive(tmp_path):
    """An archive of one tide gauge."""
    writer = ArchiveWriter(tmp_path / "archive", note="invented")
    rows = [{"day": DAY + dt.timedelta(days=n), "height_cm": 410 + n} for n in range(2)]
    writer.write("gauges/brest.parquet", pa.Table.from_pylist(rows, HEIGHTS), {"zero": "chart datum"})
    return tmp_path / "archive"


@pytest.fixture
def tides(monkeypatch):
    """The table of markets with an invented family as its third line."""
    registry = markets._REGISTRY | {"tides": markets._Registered("tests.fakes.tides", implied_by="gauges")}
    monkeypatch.setattr(markets, "_REGISTRY", registry)
    monkeypatch.setattr(markets, "NAMES", tuple(registry))


def get(url, **query):
    with requests.Session() as session:
        return session.get(url, params=query, timeout=600)


def test_an_archive_gives_back_what_was_written(archive):
    found = Archive(archive)
    assert found.table("gauges/brest.parquet", HEIGHTS)["height_cm"].to_pylist() == [410, 411]
    assert found.about("gauges/brest.parquet") == {"zero": "chart datum"}
    assert found.names("gauges") == ["brest"] and found.names("nothing") == []
    nothing = found.table("gauges/none.parquet", HEIGHTS)
    assert nothing.num_rows == 0 and nothing.schema == HEIGHTS
    assert not list(archive.rglob("*.part"))


def test_a_folder_that_is_no_archive(tmp_path):
    with pytest.raises(ConfigError, match="no archive"):
        Archive(tmp_path)
    (tmp_path / "archive.json").write_text('{"format": 99}')
    with pytest.raises(ConfigError, match="format 99"):
        Archive(tmp_path)


def test_another_family_is_served_by_a_line_in_the_table_of_markets(archive, tides):
    with running_server(archive, cutoff=DAY) as server:
        url = server.url_of("tides")
        assert url == server.root + BASE
        assert set(server.urls) == {"kalshi", "iem", "yahoo", "tides", *EXCHANGES}
        whole, missing = (get(f"{url}/gauges/{name}") for name in ("brest", "..%2Farchive"))
        about = get(f"{url}/about", a="1")
        nowhere = [get(url + path).status_code for path in ("/about/more", "/gauges", "")]
        counted = get(server.root + "/_replay/requests").json()
    assert whole.json() == {"zero": "chart datum", "rows": [{"height_cm": 410}, {"height_cm": 411}]}
    assert missing.status_code == 404 and missing.json() == {"gauge": None}
    assert about.json() == {"cutoff": "2025-03-08", "query": {"a": "1"}}
    assert nowhere == [404, 404, 404]
    assert counted[f"{BASE}/gauges/brest"] == 1 and "/_replay/requests" not in counted


def test_without_that_line_its_paths_are_nowhere(archive):
    with running_server(archive) as server:
        assert get(f"{server.root}{BASE}/gauges/brest").status_code == 404
        assert set(server.urls) == {"kalshi", "iem", "yahoo", *EXCHANGES}


def test_a_familys_own_fault_is_injected_and_counted(archive, tides):
    with running_server(archive, faults=FaultPlan(1.0, seed=2)) as server:
        url = server.url_of("tides") + "/gauges/brest"
        answers = [get(url) for _ in range(MOST_IN_A_ROW + 1)]
        told = get(server.root + "/_replay/faults").json()
    heights = [[row["height_cm"] for row in answer.json()["rows"]] for answer in answers]
    assert heights == [[-410, -411]] * MOST_IN_A_ROW + [[410, 411]]
    assert told == {"upside_down": MOST_IN_A_ROW} == dict(server.faults)
    assert [seen.fault for seen in server.requests] == ["upside_down"] * MOST_IN_A_ROW + [""]


class AlwaysKind(FaultPlan):
    """The same kind for every request."""

    def __init__(self, kind):
        super().__init__(1.0, stall_seconds=7)
        self.kind = kind

    def decide(self, request, weights):
        assert self.kind in weights
        return self.kind


def fault(kind, answer=GOOD, own=None):
    """The fault of a request whose route answers `answer` and has `own` faults."""
    route = Route("any", lambda path, query: answer, faults=lambda path: own or {})
    plan = AlwaysKind(kind)
    found = plan.fault_of("/x?a=1", "/x", {"a": "1"}, route)
    assert dict(plan.counts) == ({kind: 1} if found else {})
    return found


@pytest.mark.parametrize("kind", sorted(WEIGHTS))
def test_every_route_can_have_the_common_faults(kind):
    ways = {
        "short_body": Fault(kind, GOOD, missing_bytes=4),
        "truncated": Fault(kind, GOOD._replace(body='{"n')),
        "dropped": Fault(kind),
        "stalled": Fault(kind, silent_seconds=7),
    }
    assert fault(kind) == ways.get(kind, Fault(kind, INSTEAD.get(kind)))


@pytest.mark.parametrize("answer", [Answer(404, JSON, "{}"), Answer(200, "text/plain", "a,b\n")], ids=["404", "text"])
def test_only_good_json_can_be_truncated(answer):
    assert fault("truncated", answer) is None


def test_a_routes_own_fault_gets_the_good_answer_and_the_request():
    seen = []

    def spoil(answer, path, query):
        seen.append((answer, path, dict(query)))
        return answer._replace(status=206)

    assert fault("own", own={"own": RouteFault(spoil)}) == Fault("own", GOOD._replace(status=206))
    assert seen == [(GOOD, "/x", {"a": "1"})]
    assert fault("own", own={"own": RouteFault(lambda answer, path, query: None)}) is None


def test_a_weight_says_how_often_a_kind_comes():
    plan = FaultPlan(1.0, seed=1)
    found = [plan.decide(f"/{n}", {"rare": 1.0, "common": 9.0}) for n in range(1000)]
    assert 50 < found.count("rare") < 150 and found.count("common") == 1000 - found.count("rare")


def test_the_route_that_says_most_of_a_path_answers_it():
    routes = {path: Route(path, lambda path, query: GOOD) for path in ("/a/", "/a/b/", "/a/b/c", "/z")}
    table = RouteTable(routes)
    wanted = {"/a/x": "/a/", "/a/b/x": "/a/b/", "/a/b/c": "/a/b/c", "/a/b/cd": "/a/b/", "/z": "/z"}
    assert {path: table.route_of(path).service for path in wanted} == wanted
    for path in ("/", "/a", "/zz", "/z/"):
        assert table.route_of(path).answer(path, {}).status == 404


def test_a_route_may_be_of_the_requests_with_one_value_of_the_query():
    table = RouteTable({path: Route(path, lambda path, query: GOOD) for path in ("/a/", "/a/?interval=1m")})
    assert table.route_of("/a/x", {"interval": "1m"}).service == "/a/?interval=1m"
    for query in ({}, {"interval": "1d"}, {"other": "1m"}):
        assert table.route_of("/a/x", query).service == "/a/"
    assert table.route_of("/b", {"interval": "1m"}).answer("/b", {}).status == 404


@pytest.mark.parametrize(
    ("clash", "words"),
    [
        ({"/json/cli.py": Route("tides", lambda path, query: GOOD)}, "two families answer /json/cli.py"),
        ({"/x": Route("iem", lambda path, query: GOOD, base_path="/x")}, "iem has two addresses"),
    ],
)
def test_families_that_contradict_each_other_are_an_error(archive, tides, monkeypatch, clash, words):
    monkeypatch.setattr(type(FAMILY), "archive_routes", lambda self, archive, cutoff: clash)
    with pytest.raises(ValueError, match=words):
        routes_of_families(Archive(archive), None)


@pytest.mark.slow
@pytest.mark.parametrize("command", [["archive", "serve"], ["replay"]], ids=" ".join)
def test_the_command_serves_until_it_is_interrupted(archive, tmp_path, command):
    log = tmp_path / "requests.jsonl"
    arguments = [*command, "--archive", str(archive), "--port", "0", "--log", str(log), "--cutoff", "2025-03-08"]
    with subprocess.Popen(
        [sys.executable, "-m", "tradewinds.cli", *arguments], stdout=subprocess.PIPE, text=True
    ) as run:
        said = run.stdout.readline()
        urls = dict(re.findall(r"(\w+)\.base_url (\S+)", said))
        answer = get(urls["kalshi"] + "/historical/cutoff")
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=600) == 0
    assert set(urls) == {"kalshi", "iem", "yahoo", *EXCHANGES} and said.startswith(f"serving {archive}: ")
    assert answer.json()["market_settled_ts"] == "2025-03-08T00:00:00Z"
    assert '"path": "/trade-api/v2/historical/cutoff"' in log.read_text()
