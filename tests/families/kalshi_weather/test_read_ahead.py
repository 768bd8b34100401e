"""Events are read, judged and replayed side by side: with the results and errors of one after the other."""

import contextlib
import dataclasses
import datetime as dt
import threading
from concurrent.futures import Future
from pathlib import Path

import duckdb
import pytest

from tests.reference.worlds import make_world
from tradewinds.core.errors import SimulationError
from tradewinds.core.one_ahead import OneAhead
from tradewinds.engine.event_contracts.candles import CandleReader
from tradewinds.engine.event_contracts.replay import Replay
from tradewinds.families.kalshi_weather import batches, replay
from tradewinds.families.kalshi_weather.events import load_events

SEED = 3  # a world whose events trade in several batches

MINE = """
import threading

import numpy as np

from tradewinds.strategies.user_file import NONE, YES, Orders


def orders(quotes, parameters):
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("an interrupt could not end this")
    return Orders(side=np.where(quotes.quoted(YES), YES, NONE))
"""


@pytest.fixture(autouse=True)
def an_event_a_batch(monkeypatch):
    monkeypatch.setattr(batches, "EVENTS_PER_BATCH", 1)


def in_turn(monkeypatch):
    """Let every piece of work be done before the caller goes on."""

    def start(self, work):
        self.finish()
        work()

    monkeypatch.setattr(OneAhead, "start", start)


def found(result):
    return result.trades, result.equity, result.diagnostics, result.journal, result.end_balance_micro, result.watermark


@pytest.mark.parametrize("seed", [SEED, 40, 46])
def test_the_result_is_that_of_work_done_in_turn(tmp_path, monkeypatch, seed):
    world = make_world(tmp_path, seed)
    beside = replay.replay_events(*world.inputs, threads=4, variants=True)
    in_turn(monkeypatch)
    assert found(replay.replay_events(*world.inputs, threads=1, variants=True)) == found(beside)
    assert len(beside.trades) > 0


def test_a_users_strategy_is_asked_in_the_main_thread(tmp_path, monkeypatch):
    world, played, play = make_world(tmp_path, SEED), [], Replay.play
    (tmp_path / "mine.py").write_text(MINE)
    world.config["strategy"] = {"name": "mine", "file": str(tmp_path / "mine.py"), "parameters": {}}

    def noted_play(self, this_pass):
        played.append(threading.current_thread() is threading.main_thread())
        play(self, this_pass)

    monkeypatch.setattr(Replay, "play", noted_play)
    beside = replay.replay_events(*world.inputs)
    assert played and not any(played)
    in_turn(monkeypatch)
    assert found(replay.replay_events(*world.inputs)) == found(beside)
    assert len(beside.trades) > 0 and any(played)


def test_no_thread_is_left_and_few_batches_are_in_memory(tmp_path, monkeypatch):
    held, most, lock = [0], [0], threading.Lock()
    read, play = batches._read, Replay.play

    def counted_read(*given):
        with lock:
            held[0] += 1
            most[0] = max(most[0], held[0])
        return read(*given)

    def counted_play(self, this_pass):
        play(self, this_pass)
        with lock:
            held[0] -= 1

    monkeypatch.setattr(batches, "_read", counted_read)
    monkeypatch.setattr(batches, "BATCHES_AHEAD", 2)
    monkeypatch.setattr(Replay, "play", counted_play)
    threads, told = threading.active_count(), []
    world = make_world(tmp_path, SEED)
    replay.replay_events(*world.inputs, tell=lambda done, total: told.append((done, total)))
    assert threading.active_count() == threads, "a process may be forked afterwards"
    assert 1 <= most[0] <= 4, "one is replayed, one judged, two are read"
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert len(told) > 2 and all(total >= done for done, total in told)


def test_an_interrupt_stops_before_the_next_batch(tmp_path, monkeypatch):
    played, play = [], Replay.play
    monkeypatch.setattr(Replay, "play", lambda self, this_pass: played.append(1) or play(self, this_pass))

    def stop(done, total):
        raise KeyboardInterrupt

    threads, world = threading.active_count(), make_world(tmp_path, SEED)
    with pytest.raises(KeyboardInterrupt):
        replay.replay_events(*world.inputs, tell=stop)
    assert threading.active_count() == threads
    assert 1 <= len(played) <= 2


def test_the_earlier_error_is_told_though_a_later_batch_is_judged_meanwhile(tmp_path, monkeypatch):
    world, judged, judge = make_world(tmp_path, SEED), [], replay.Judge.judge

    def first_pass_fails(self, this_pass):
        raise SimulationError("too large", where="risk", remedy="")

    def second_judgement_fails(self, events, facts):
        judged.append(events)
        if len(judged) == 2:
            raise SimulationError("a validation fails", where="event", remedy="")
        return judge(self, events, facts)

    monkeypatch.setattr(Replay, "play", first_pass_fails)
    monkeypatch.setattr(replay.Judge, "judge", second_judgement_fails)
    with pytest.raises(SimulationError, match="too large"):
        replay.replay_events(*world.inputs)


def test_a_broken_file_is_told_in_its_turn_in_the_same_words(tmp_path, monkeypatch):
    world = make_world(tmp_path, SEED)
    _, _, candles, _ = world.inputs
    told, alone = [], CandleReader(1)
    replay.replay_events(*world.inputs, tell=lambda done, total: told.append(done))
    last = Path(candles[max(candles, key=lambda key: (key[1], key[0]))])
    data = last.read_bytes()
    last.write_bytes(data[:4] + bytes(36) + data[40:])  # its pages are damaged, its footer is whole
    with contextlib.closing(alone), pytest.raises(duckdb.Error) as own:
        alone.read([str(last)], ["KXHIGHCHI-25MAY02-B70.5"])
    for in_time in (False, True):
        if in_time:
            in_turn(monkeypatch)
        before = []
        with pytest.raises(duckdb.Error) as error:
            replay.replay_events(*world.inputs, tell=lambda done, total, seen=before: seen.append(done))
        assert (type(error.value), str(error.value)) == (type(own.value), str(own.value))
        assert before == told[: len(before)] and len(before) >= len(told) - 2


class NotedReader:
    """Stands in for a BatchReader, and notes what it is asked to read."""

    def __init__(self):
        self.asked = []

    def read(self, events):
        self.asked.append([event.ticker for event in events])
        done = Future()
        done.set_result(batches.BatchCandles(None, {}))
        return done


def test_batches_are_read_while_events_are_listed_and_few_ahead_of_the_caller(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "BATCHES_AHEAD", 2)
    one = next(event for event in load_events(*make_world(tmp_path, SEED).inputs) if event.path and event.markets)
    dates = [one.climate_date + dt.timedelta(days=n) for n in range(6)]
    events = [dataclasses.replace(one, climate_date=date, ticker=f"E{date}") for date in dates]
    reader = NotedReader()
    coming = batches.EventBatches(reader, series=1)
    for listed, event in enumerate(events, 1):
        coming.add([event])
        assert len(reader.asked) == min(listed - 1, 2), "the last batch may grow still"
    taken = []
    for batch in coming:
        taken.append([event.ticker for event in batch.events])
        assert len(reader.asked) == min(len(taken) + 2, len(events))
    assert taken == reader.asked == [[event.ticker] for event in events]


def test_many_accounts_have_one_large_batch_read_ahead(tmp_path):
    events = [event for event in load_events(*make_world(tmp_path, SEED).inputs) if event.path and event.markets]
    reader = NotedReader()
    coming = batches.EventBatches(reader, series=1, accounts=batches.MANY_ACCOUNTS)
    for _ in range(4):
        coming.add(events)
    assert [len(asked) for asked in reader.asked] == [8]


def test_what_is_wrong_with_the_catalog_leaves_no_thread_and_nothing_to_read(tmp_path):
    world, threads = make_world(tmp_path, SEED), threading.active_count()
    conf, catalogs, *others = world.inputs
    with pytest.raises(FileNotFoundError):
        replay.replay_events(conf, dict.fromkeys(catalogs, str(tmp_path / "missing.parquet")), *others)
    assert threading.active_count() == threads
