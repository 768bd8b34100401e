"""Faults of a served exchange: decided by seed and request alone, each as it is named, and counted."""

import datetime as dt
import json

import pytest
import requests

from tests.workflow.fault_world import make_world
from tests.workflow.harness import PATIENCE_SECONDS
from tradewinds.archive.faults import INSTEAD, MOST_IN_A_ROW, WEIGHTS, FaultPlan
from tradewinds.archive.server import running_server
from tradewinds.families.kalshi_weather.archive.spoilt_answers import KINDS, kinds_of

EVENT = "KXHIGHNY-25JAN04"
SPAN = {"start_ts": 1735900000, "end_ts": 1736100000, "period_interval": 1}
MARKETS = "/trade-api/v2/markets"
EVENT_ROUTE = f"/trade-api/v2/series/KXHIGHNY/events/{EVENT}/candlesticks"
BATCH_ROUTE = "/trade-api/v2/markets/candlesticks"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults") / "archive"
    make_world(folder, 3)
    return folder


class OneKind(FaultPlan):
    """The same fault for the first request, then none."""

    def __init__(self, kind, **settings):
        super().__init__(1.0, **settings)
        self.kind = kind

    def decide(self, request, weights):
        kind, self.kind = self.kind, None
        return kind


@pytest.fixture
def ask(archive):
    """Ask a server whose first answer has a fault; the answers to as many requests as asked."""

    def asked(plan, path, times=1, timeout=PATIENCE_SECONDS, **query):
        with running_server(archive, cutoff=dt.date(2025, 1, 1), faults=plan) as server, requests.Session() as session:
            answers = [session.get(server.root + path, params=query, timeout=timeout) for _ in range(times)]
            told = session.get(server.root + "/_replay/faults", timeout=timeout).json()
        assert told == dict(server.faults)
        return answers

    return asked


def decisions(plan, request, times):
    return [plan.decide(request, WEIGHTS) for _ in range(times)]


def test_a_seed_decides_whatever_the_order():
    wanted = [f"{MARKETS}?n={n}" for n in range(20)]
    first, second = FaultPlan(0.5, seed=1), FaultPlan(0.5, seed=1)
    forth = {request: decisions(first, request, 5) for request in wanted}
    back = {request: decisions(second, request, 5) for request in reversed(wanted)}
    assert forth == back
    assert forth != {request: decisions(FaultPlan(0.5, seed=2), request, 5) for request in wanted}


def test_never_more_than_three_in_a_row():
    row = decisions(FaultPlan(1.0), MARKETS, 12)
    assert [kind is None for kind in row] == ([False] * MOST_IN_A_ROW + [True]) * 3


def test_the_rate_is_kept_and_every_kind_comes(archive):
    plan = FaultPlan(0.2, seed=4)
    with running_server(archive) as server:
        paths = (MARKETS, EVENT_ROUTE, BATCH_ROUTE)
        own = {path: server.routes.route_of(path).faults(path) for path in paths}
    weights = {path: WEIGHTS | {kind: fault.weight for kind, fault in own[path].items()} for path in paths}
    found = [plan.decide(f"{path}?n={n}", weights[path]) for path in paths for n in range(2000)]
    assert 0.18 < sum(kind is not None for kind in found) / len(found) < 0.22
    assert {kind for kind in found if kind} == KINDS | set(WEIGHTS)


@pytest.mark.parametrize("kind", sorted(INSTEAD))
def test_another_answer(ask, kind):
    status, content_type, body, *_ = INSTEAD[kind]
    wrong, good = ask(OneKind(kind), MARKETS, 2, limit=3)
    assert (wrong.status_code, wrong.headers["Content-Type"], wrong.content) == (status, content_type, body.encode())
    assert len(good.json()["markets"]) == 3


def test_an_event_that_the_live_tier_does_not_know(ask):
    wrong, good = ask(OneKind("event_404"), EVENT_ROUTE, 2, **SPAN)
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (404, "not_found")
    assert len(good.json()["market_tickers"]) == 6


def test_truncated_json_is_all_that_was_promised(ask):
    wrong, good = ask(OneKind("truncated"), MARKETS, 2)
    assert wrong.headers["Content-Length"] == str(len(wrong.content))
    with pytest.raises(json.JSONDecodeError):
        wrong.json()
    assert good.json()["markets"]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("short_body", requests.exceptions.ChunkedEncodingError),
        ("dropped", requests.ConnectionError),
        ("stalled", requests.Timeout),
    ],
)
def test_a_connection_that_fails(ask, kind, error):
    with pytest.raises(error):
        ask(OneKind(kind, stall_seconds=60), MARKETS, timeout=1 if kind == "stalled" else PATIENCE_SECONDS)


def pairs(answer):
    body = answer.json()
    return [
        (ticker, candle["end_period_ts"])
        for ticker, candles in zip(body["market_tickers"], body["market_candlesticks"], strict=True)
        for candle in candles
    ]


@pytest.mark.parametrize("kind", ["duplicated", "reordered"])
def test_candles_are_the_same_in_another_form(ask, kind):
    wrong, good = ask(OneKind(kind), EVENT_ROUTE, 2, **SPAN)
    assert set(pairs(wrong)) == set(pairs(good)) and pairs(wrong) != pairs(good)
    assert len(pairs(wrong)) == len(pairs(good)) * (2 if kind == "duplicated" else 1)


def test_an_early_cut_says_where(ask):
    wrong, good = ask(OneKind("early_cut"), EVENT_ROUTE, 2, **SPAN)
    cut = wrong.json()["adjusted_end_ts"]
    assert SPAN["start_ts"] < cut < SPAN["end_ts"] == good.json()["adjusted_end_ts"]
    assert set(pairs(wrong)) == {pair for pair in pairs(good) if pair[1] <= cut}


def test_an_end_that_stands_still(ask):
    [wrong] = ask(OneKind("standing_end"), EVENT_ROUTE, **SPAN)
    assert wrong.json()["adjusted_end_ts"] == SPAN["start_ts"]


def test_the_event_wanders_to_the_archive(ask):
    wrong, after = ask(OneKind("cutoff_moved"), EVENT_ROUTE, 2, **SPAN)
    assert len(wrong.json()["market_tickers"]) == 6 and wrong.json()["adjusted_end_ts"] < SPAN["end_ts"]
    assert after.json()["market_tickers"] == []


def test_a_batch_wanders_to_the_archive_or_leaves_a_market_out(ask):
    tickers = [row["ticker"] for row in ask(None, MARKETS, event_ticker=EVENT)[0].json()["markets"]]
    wanted = {"market_tickers": ",".join(tickers), **SPAN, "end_ts": SPAN["start_ts"] + 90_000}
    for kind, counts in (("cutoff_moved", [6, 0]), ("left_out", [5, 6]), ("duplicated", [6, 6])):
        answers = ask(OneKind(kind), BATCH_ROUTE, 2, **wanted)
        assert [len(answer.json()["markets"]) for answer in answers] == counts, kind


def test_a_cursor_that_comes_back(ask, archive):
    [first] = ask(OneKind("repeated_cursor"), MARKETS)
    cursor = first.json()["cursor"]
    [second] = ask(OneKind(None), MARKETS, cursor=cursor)
    assert cursor and second.json() == first.json()


def test_what_cannot_have_a_fault_is_answered_well_and_not_counted(archive):
    plan = OneKind("reordered")
    with running_server(archive, faults=plan) as server, requests.Session() as session:
        # all is archived: no candle to reorder
        answer = session.get(server.root + EVENT_ROUTE, params=SPAN, timeout=PATIENCE_SECONDS)
    assert answer.json()["market_tickers"] == []
    assert (server.faults, [seen.fault for seen in server.requests]) == ({}, [""])


def test_requests_tell_their_fault(archive, tmp_path):
    log = tmp_path / "requests.jsonl"
    with running_server(archive, faults=OneKind("503_text"), log=log) as server, requests.Session() as session:
        for _ in range(2):
            session.get(server.root + MARKETS, timeout=PATIENCE_SECONDS)
        # the second is noted before this one is answered
        session.get(server.root + "/_replay/faults", timeout=PATIENCE_SECONDS)
    assert [(seen.status, seen.fault) for seen in server.requests] == [(503, "503_text"), (200, "")]
    assert [json.loads(line)["fault"] for line in log.read_text().splitlines()] == ["503_text", ""]


def test_routes_and_their_kinds():
    assert "repeated_cursor" in kinds_of(MARKETS) and "repeated_cursor" not in kinds_of(BATCH_ROUTE)
    assert "standing_end" in kinds_of(EVENT_ROUTE) and "standing_end" not in kinds_of(BATCH_ROUTE)
    assert "duplicated" not in kinds_of("/json/cli.py")
