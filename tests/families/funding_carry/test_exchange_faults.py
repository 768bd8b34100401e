"""Exchanges that refuse, ban, cut off or lie, and fetches that are stopped: a month file is whole and right, or not there."""

import dataclasses
import hashlib
import itertools
import json
import multiprocessing
import signal
import subprocess
import sys
import time

import pytest
import requests

from tests.conftest import ROOT
from tests.families.funding_carry.exchange_worlds import (
    BTC,
    ExchangeWorld,
    candle_rows,
    candles,
    days_of,
    rate_rows,
    rates,
    same_rows,
)
from tradewinds.archive.faults import FaultPlan
from tradewinds.core.errors import FetchError, RefusedAnswer
from tradewinds.families.funding_carry.archive import served_binance, served_limits
from tradewinds.families.funding_carry.fetch import binance_rest, bybit, history_pages, hyperliquid, okx
from tradewinds.families.funding_carry.fetch.history_pages import PageRules, WrongPage
from tradewinds.sources.allowances import Allowance

MONTH = "2024-05"


@pytest.fixture
def world(tmp_path, monkeypatch):
    made = ExchangeWorld(tmp_path, monkeypatch)
    made.at("2024-06-10 12:00")
    yield made
    made.stop()


def answering(path, *answers, then=None):
    """A middleware that answers a path with these in turn; afterwards with `then`, or as the archive does."""
    left = list(answers)

    def middleware(handler, asked):
        if not asked.startswith(path):
            return False
        answer = left.pop(0) if left else then
        if answer is None:
            return False
        handler.send(*answer)
        return True

    return middleware


def as_json(status, body, headers=None):
    return status, "application/json", json.dumps(body), headers or {}


def hurried(monkeypatch):
    """Let waits for a service that is busy be short."""
    for module in (binance_rest, bybit, okx, hyperliquid):
        monkeypatch.setattr(module, "TEXTS", dataclasses.replace(module.TEXTS, busy_seconds=0.02))
    monkeypatch.setattr("tradewinds.sources.http.BACKOFF_FIRST_SECONDS", 0.001)
    monkeypatch.setattr("tradewinds.sources.http.BACKOFF_CAP_SECONDS", 0.01)


def test_months_fetched_under_faults_equal_those_of_a_calm_day(world, monkeypatch):
    hurried(monkeypatch)
    asked = []
    for source, via in [("binance", "bulk"), ("bybit", "rest"), ("okx", "rest")]:
        world.add(source, "funding", MONTH, rates(rate_rows(MONTH, hours=1, jitter_ms=31)), via=via)
        world.add(source, "mark", MONTH, candles(candle_rows(MONTH, volume=False)), via=via)
        asked += [(source, "funding", BTC), (source, "mark", BTC)]
    world.add("binance", "perp", MONTH, candles(candle_rows(MONTH)), via="rest")
    world.add("binance", "spot", MONTH, candles(candle_rows(MONTH)), via="rest")
    world.add("hyperliquid", "funding", MONTH, rates(rate_rows(MONTH, hours=1)), "BTC/USDC:USDC")
    asked += [("binance", "perp", BTC), ("binance", "spot", BTC), ("hyperliquid", "funding", "BTC/USDC:USDC")]

    def fetch_all(**settings):
        with world.serve(**settings) as server:
            world.services(server, timeout_seconds=2)
            found = {key: world.fetch(*key[:2], MONTH, key[2])[0] for key in asked}
            return found, server.faults

    calm, _ = fetch_all()
    for key in asked:
        world.path(key[0], key[1], MONTH, key[2]).unlink()
    stormy, faults = fetch_all(faults=FaultPlan(0.5, seed=5, stall_seconds=0.01))
    assert faults.total() > 15 and len(faults) > 8
    assert all(stormy[key].equals(calm[key]) for key in asked) and all(table.num_rows > 90 for table in calm.values())


def test_a_wrong_checksum_is_refused_and_named(world):
    world.add("binance", "funding", MONTH, rates(rate_rows(MONTH)))
    name = f"BTCUSDT-fundingRate-{MONTH}.zip"
    world.trap(wrong_checksum=[name])
    with world.serve() as server:
        world.services(server)
        with pytest.raises(RefusedAnswer) as error:
            world.fetch("binance", "funding", MONTH)
        said = str(error.value)
        assert error.value.exit_code == 4 and f"{name} has the SHA-256" in said and "its checksum says" in said
        assert len(server.requests) == 2 and not world.path("binance", "funding", MONTH).exists()


@pytest.mark.parametrize(
    ("checksum", "words"),
    [
        ("0" * 64 + "  BTCUSDT-fundingRate-2024-04.zip\n", "is of another file"),
        (None, "has no checksum beside it"),
    ],
)
def test_a_file_without_its_own_checksum_is_refused(world, checksum, words):
    world.add("binance", "funding", MONTH, rates(rate_rows(MONTH)))

    def middleware(handler, path):
        if path.endswith(".CHECKSUM"):
            handler.send(404 if checksum is None else 200, "text/plain", checksum or "")
            return True
        return False

    with world.serve(middleware=middleware) as server:
        world.services(server)
        with pytest.raises(RefusedAnswer, match=words):
            world.fetch("binance", "funding", MONTH)


@pytest.mark.parametrize(
    ("csv", "words"),
    [
        (b"calc_time,funding_interval_hours,last_funding_rate,mark_price\n1,8,0.1,2\n", "its columns are"),
        (b"1714521600000,8,nan\n", "no plain decimal"),
        (b"1714521600000,0,0.0001\n", "an interval of 0 hours"),
        (b"17145216,8,0.0001\n", "time stamp"),
        (b"1714521600000,8\n", "has 2 columns and not 3"),
    ],
)
def test_a_file_whose_rows_cannot_be_right_is_refused(world, csv, words):
    name = f"BTCUSDT-fundingRate-{MONTH}"
    body = served_binance._zipped(f"{name}.csv", csv.decode())
    line = f"{hashlib.sha256(body).hexdigest()}  {name}.zip\n"

    def middleware(handler, path):
        handler.send(200, "text/plain", line if path.endswith(".CHECKSUM") else body)
        return True

    with world.serve(middleware=middleware) as server:
        world.services(server)
        with pytest.raises(RefusedAnswer, match=words):
            world.fetch("binance", "funding", MONTH)
    assert not world.path("binance", "funding", MONTH).exists()


def test_a_country_that_is_not_served_is_told_to_take_files_or_another_source(world):
    world.add("binance", "perp", MONTH, candles(candle_rows(MONTH)))
    world.add("binance", "perp", "2024-06", candles(candle_rows("2024-06")), via="rest")
    world.trap(restricted=["binance_futures", "bybit"])
    with world.serve() as server:
        world.services(server)
        assert world.fetch("binance", "perp", MONTH)[0].num_rows == 744, "files are served everywhere"
        for source in ("binance", "bybit"):
            before = len(server.requests)
            with pytest.raises(FetchError) as error:
                world.fetch(source, "perp", "2024-06")
            assert (
                error.value.exit_code == 4 and "status 451" in str(error.value) and "another source" in str(error.value)
            )
            assert [seen.status for seen in server.requests[before:]] == [451], "it is not asked again"


@pytest.mark.slow
def test_a_wait_that_is_asked_for_is_kept(world, monkeypatch):
    world.add("binance", "funding", MONTH, rates(rate_rows(MONTH)), via="rest")
    body = {"code": -1003, "msg": "Too many requests."}
    refused = as_json(429, body, {"Retry-After": "2"})
    with world.serve(middleware=answering("/fapi", refused)) as server:
        world.services(server)
        assert world.fetch("binance", "funding", MONTH)[0].num_rows == 93
        first, second, *_ = [seen.at for seen in server.requests if seen.path.startswith("/fapi")]
        assert second - first >= 2


@pytest.mark.parametrize(
    ("source", "path", "refused"),
    [
        ("binance", "/fapi", as_json(418, {"code": -1003, "msg": "IP banned."}, {"Retry-After": "7200"})),
        ("binance", "/fapi", as_json(429, {"code": -1003, "msg": "Too many."}, {"Retry-After": "7200"})),
        ("bybit", "/v5", (403, "text/plain", "access too frequent", {"Retry-After": "7200"})),
    ],
)
def test_an_address_that_is_shut_out_asks_no_more(world, source, path, refused):
    """Exit 4 at once, with the end of the ban; jobs that come later do not even ask."""
    world.add(source, "funding", MONTH, rates(rate_rows(MONTH)), via="rest")
    with world.serve(middleware=answering(path, then=refused)) as server:
        world.services(server)
        for attempt in range(2):
            with pytest.raises(FetchError) as error:
                world.fetch(source, "funding", MONTH)
            said = str(error.value)
            assert error.value.exit_code == 4 and "until 2024-06-10 14:00:0" in said and "UTC" in said, attempt
            assert len([seen for seen in server.requests if seen.path.startswith(path)]) == 1
        world.at("2024-06-10 14:00:30")
        with pytest.raises(FetchError):
            world.fetch(source, "funding", MONTH)
        assert len([seen for seen in server.requests if seen.path.startswith(path)]) == 2, "asked again after the end"


def test_a_client_that_ignores_a_wait_is_banned(world, monkeypatch):
    """The archive's exchange does what the real one does, so that a client that is not patient shows."""
    import requests

    monkeypatch.setattr(served_binance, "WEIGHT_LIMITS", {"futures": (20, 60), "funding": (4, 300), "spot": (8, 60)})
    world.add("binance", "funding", MONTH, rates(rate_rows(MONTH)), via="rest")
    with world.serve() as server:
        url = f"{server.root}/fapi/v1/fundingRate?symbol=BTCUSDT"
        statuses = [requests.get(url, timeout=5).status_code for _ in range(10)]
        assert statuses == [200] * 4 + [429] * (1 + served_limits.IGNORED_WAITS) + [418, 418]
        assert int(requests.get(url, timeout=5).headers["Retry-After"]) > 100


@pytest.mark.parametrize(
    ("source", "path", "answer", "words"),
    [
        ("binance", "/fapi", as_json(400, {"code": -1100, "msg": "Illegal characters."}), "status 400"),
        ("binance", "/fapi", as_json(200, {"status": "ERROR", "code": "000002"}), "no list of rows"),
        ("bybit", "/v5", as_json(200, {"retCode": 10001, "retMsg": "limit invalid", "result": {}}), "error 10001"),
        ("bybit", "/v5", as_json(200, {"retCode": 33004, "retMsg": "expired", "result": {}}), "error 33004"),
        ("okx", "/api/v5", as_json(200, {"code": "51000", "msg": "Parameter error", "data": []}), "error 51000"),
    ],
)
def test_errors_that_cannot_pass_are_not_asked_again(world, source, path, answer, words):
    with world.serve(middleware=answering(path, then=answer)) as server:
        world.services(server)
        with pytest.raises(FetchError, match=words) as error:
            world.fetch(source, "funding", MONTH)
        assert error.value.exit_code == 4
        assert len([seen for seen in server.requests if seen.path.startswith(path)]) == 1
    assert not world.path(source, "funding", MONTH).exists()


@pytest.mark.parametrize(
    ("source", "path", "answers"),
    [
        ("bybit", "/v5", [as_json(200, {"retCode": code, "retMsg": "busy"}) for code in (10006, 10018, 10016)]),
        ("okx", "/api/v5", [as_json(429, {"code": "50011"}), as_json(200, {"code": "50013", "msg": "busy"})]),
        ("hyperliquid", "/info", [(429, "text/plain", "")]),
        ("binance", "/fapi", [as_json(429, {"code": -1003, "msg": "Too many requests."})]),
    ],
)
def test_errors_that_pass_are_asked_again(world, monkeypatch, source, path, answers):
    hurried(monkeypatch)
    symbol = "BTC/USDC:USDC" if source == "hyperliquid" else BTC
    world.add(source, "funding", MONTH, rates(rate_rows(MONTH, hours=4)), symbol, via="rest")
    with world.serve(middleware=answering(path, *answers)) as server:
        world.services(server)
        table, about = world.fetch(source, "funding", MONTH, symbol)
    assert table.num_rows == 186 and about["retries"] == len(answers)


def test_the_last_attempt_to_be_patient_ends(world, monkeypatch):
    hurried(monkeypatch)
    refused = as_json(200, {"retCode": 10006, "retMsg": "Too many visits!"})
    with world.serve(middleware=answering("/v5", then=refused)) as server:
        world.services(server, max_retries=2)
        with pytest.raises(FetchError, match="no usable answer after 3 tries"):
            world.fetch("bybit", "funding", MONTH)
        assert len(server.requests) == 3


START = 1_714_521_600_000  # 2024-05-01
HOUR = 3_600_000
RULES = PageRules(3), PageRules(3, newest_first=True)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([START + HOUR, START], "not in order"),
        ([START - 1], "was asked for"),
        ([START + 10 * HOUR], "was asked for"),
        ([START + n for n in range(4)], "at most 3 were asked for"),
    ],
)
def test_a_page_that_is_not_what_was_asked_for_is_refused(rows, words):
    page = [(stamp, None) for stamp in rows]
    with pytest.raises(WrongPage, match=words):
        history_pages.read_forward(lambda first, last: page, START, START + 10 * HOUR, RULES[0])
    with pytest.raises(WrongPage, match=words):
        history_pages.read_backward(lambda first, last: page[::-1], START, START + 10 * HOUR, RULES[1])


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7, 9])
def test_every_row_comes_once_whatever_the_size_and_number_of_pages(count, size):
    """Also where a service cuts pages shorter than their limit without saying so."""
    held = [(START + n * HOUR, n) for n in range(-2, count)]

    def oldest(first, last):
        return [row for row in held if first <= row[0] <= last][:size]

    def newest(first, last):
        return [row for row in reversed(held) if first <= row[0] <= last][:size]

    def no_first(first, last):
        return [row for row in reversed(held) if row[0] <= last][:size]

    wanted = [row for row in held if row[1] >= 0]
    for end, step in itertools.product((START + 24 * HOUR, START + max(count, 1) * HOUR), (1, HOUR)):
        assert history_pages.read_forward(oldest, START, end, PageRules(3, step=step)) == wanted
        assert history_pages.read_backward(newest, START, end, PageRules(3, True, step=step)) == wanted
        beyond = PageRules(0, newest_first=True, reaches_beyond=True, step=step)
        assert history_pages.read_backward(no_first, START, end, beyond) == wanted


def test_no_page_is_asked_for_behind_the_last_row_that_can_be():
    held = [(START + n * HOUR, n) for n in range(9)]
    asked = []

    def ask(first, last):
        asked.append((first, last))
        return [row for row in held if first <= row[0] <= last][:3]

    history_pages.read_forward(ask, START, START + 9 * HOUR, PageRules(3, step=HOUR))
    assert len(asked) == 3


@pytest.mark.slow
def test_requests_of_several_jobs_never_exceed_what_the_exchange_counts(world, monkeypatch):
    """Jobs in processes of their own, one budget; the server refuses what is too much, and nothing is refused."""
    monkeypatch.setattr(served_binance, "WEIGHT_LIMITS", {"futures": (2400, 60), "funding": (6, 2), "spot": (6000, 60)})
    symbols = [f"C{n}/USDT:USDT" for n in range(12)]
    world.stop()
    for symbol in symbols:
        world.add("binance", "funding", MONTH, rates(rate_rows(MONTH)), symbol, via="rest")
    with world.serve() as server:
        world.services(server, requests_per_second=200, funding_requests_per_5_minutes=6)
        monkeypatch.setattr(binance_rest, "FUNDING_WINDOW_SECONDS", 2.0)
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=_fetch_some, args=(world, symbols[n::3])) for n in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        asked = [seen for seen in server.requests if seen.path == "/fapi/v1/fundingRate"]
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len(asked) == 24 and {seen.status for seen in asked} == {200}
    assert max(sum(seen.at <= other.at < seen.at + 2 for other in asked) for seen in asked) <= 6


@pytest.mark.slow
def test_jobs_keep_in_step_with_what_another_program_of_the_same_address_spends(world, monkeypatch):
    """Most of the weight is gone before the jobs begin; the first answer says so to all of them, and nothing is refused."""
    seconds, most, name = 4, 60, "NONE"
    monkeypatch.setattr(
        served_binance, "WEIGHT_LIMITS", {"futures": (most, seconds), "funding": (500, 300), "spot": (9, 60)}
    )
    windows = [Allowance(binance_rest.WEIGHT, most, float(seconds), binance_rest.USED_WEIGHT)]
    monkeypatch.setattr(binance_rest, "futures_allowances", lambda section: windows)
    symbols = [f"C{n}/USDT:USDT" for n in range(12)]
    world.stop()
    for symbol in symbols:
        world.add("binance", "perp", MONTH, candles(candle_rows(MONTH)), symbol, via="rest")
    with world.serve() as server:
        world.services(server, requests_per_second=200)
        time.sleep(seconds - time.time() % seconds)  # a window of the exchange begins
        for spent in range(1, 11):
            answer = requests.get(f"{server.root}/fapi/v1/klines?symbol={name}&limit=1000", timeout=5)
            assert answer.headers[binance_rest.USED_WEIGHT] == str(5 * spent)
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=_fetch_candles, args=(world, symbols[n::3])) for n in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        asked = [seen for seen in server.requests if seen.path == "/fapi/v1/klines" and name not in seen.query]
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len(asked) == 24 and {seen.status for seen in asked} == {200}
    assert asked[-1].at - asked[0].at > seconds - 1, "24 requests of weight 2 do not fit the 10 that were left"


def _fetch_candles(world, symbols):
    for symbol in symbols:
        assert world.fetch("binance", "perp", MONTH, symbol)[0].num_rows == 744


def _fetch_some(world, symbols):
    for symbol in symbols:
        assert world.fetch("binance", "funding", MONTH, symbol)[0].num_rows == 93


@pytest.mark.slow
def test_a_fetch_that_is_killed_leaves_a_whole_file_or_none(world):
    """Killed at any moment; the next job makes what is missing, and a file that is there is whole."""
    world.stop()  # the job's own process has the real clock
    expected = world.add("binance", "perp", MONTH, candles(candle_rows(MONTH)))
    out = world.path("binance", "perp", MONTH)
    script = ROOT / "scripts/funding_carry/fetch_perp_month.py"
    arguments = ["--source", "binance", "--symbol", BTC, "--kind", "perp", "--month", MONTH, "--minutes", "60"]
    arguments += ["--through", days_of(MONTH)[1].isoformat(), "--out", str(out), "--log", "job.log"]

    def slow(handler, path):
        time.sleep(0.15)
        return False

    with world.serve(middleware=slow) as server:
        world.services(server)
        for seconds in (0.5, 0.9, 1.1, 1.2, 1.3):
            job = subprocess.Popen([sys.executable, script, *arguments], start_new_session=True)
            time.sleep(seconds)
            job.send_signal(signal.SIGKILL)
            job.wait()
            if out.exists():
                assert same_rows(world.fetch("binance", "perp", MONTH)[0], expected)
                out.unlink()
        subprocess.run([sys.executable, script, *arguments], check=True)
    assert same_rows(world.fetch("binance", "perp", MONTH)[0], expected)
    assert list(out.parent.glob(".*.part")) == []
