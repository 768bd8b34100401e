"""The future cannot be seen: planted in every kind of record it changes nothing, and the checker finds every leak put in."""

import dataclasses
import datetime as dt
import functools
import itertools
import os
from collections import Counter
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.reference.raw_worlds import make_inputs
from tradewinds.audits import lookahead
from tradewinds.core import files
from tradewinds.core.text import whole_seconds_up
from tradewinds.engine.event_contracts import replay as engine
from tradewinds.engine.journal import Kind
from tradewinds.families.contract import BOOKS, PLANTED, Future
from tradewinds.families.kalshi_weather import order_book_file, replay, schemas
from tradewinds.families.kalshi_weather.forecasts import forecast_files, market_probabilities, user_probabilities
from tradewinds.families.kalshi_weather.lookahead import subject
from tradewinds.families.kalshi_weather.lookahead.changed_inputs import (
    CANDLES,
    CLIMATE,
    GUIDANCE,
    KINDS,
    LISTINGS,
    OBSERVATIONS,
    ORDER_BOOKS,
    RESULTS,
    USER_ROWS,
    change_future,
)
from tradewinds.families.kalshi_weather.lookahead.subject import ORDERS, PROBABILITIES, EventsRun

pytestmark = pytest.mark.slow  # most of it

WORLDS = int(os.environ.get("TRADEWINDS_WORLDS", "12"))
DAY = 86_400
SOURCES = {GUIDANCE: "gaussian", CLIMATE: "gaussian", OBSERVATIONS: "gaussian", USER_ROWS: "file"}


def inputs_in(tmp_path, seed, source=None, latest=None, *, books=False):
    folder = tmp_path / str(seed)
    folder.mkdir()
    return make_inputs(folder, seed, source, latest, books=books)


def run_in(tmp_path, seed, source=None, latest=None, *, books=False):
    return EventsRun(inputs_in(tmp_path, seed, source, latest, books=books))


def test_no_decision_of_a_random_world_depends_on_its_future(tmp_path):
    seen = Counter()
    for seed in range(WORLDS):
        for report in lookahead.check(run_in(tmp_path, seed, books=seed % 3 == 0), cuts=3, seed=seed):
            assert not report.changes, f"seed {seed}, {report.cut}: {report.changes[0]}"
            seen += report.decisions + report.records
    for kind in (*KINDS, PLANTED, ORDERS, PROBABILITIES, BOOKS):
        assert seen[kind] > 20, f"{kind}: these worlds test nothing"


@pytest.mark.parametrize("kind", KINDS)
def test_a_future_planted_in_one_kind_of_record_changes_nothing(tmp_path, kind):
    touched = 0
    for seed in range(100, 103):
        latest, books = kind == OBSERVATIONS or None, kind == ORDER_BOOKS
        checker = lookahead.Checker(run_in(tmp_path, seed, SOURCES.get(kind), latest, books=books))
        for cut in checker.cuts(2, seed):
            differences, records = checker.differences(Future(cut.ts, True, frozenset({kind})))
            assert not differences, f"seed {seed}, {cut}: {differences}"
            touched += records.total()
    assert touched


@pytest.mark.parametrize("source", ["file", "distribution", "gaussian"])
def test_a_later_probability_changes_nothing_before_it_is_known(tmp_path, source):
    """Of runs whose decisions use the last probability known at their own time: rows, runs and readings are planted."""
    seen = Counter()
    for seed in range(300, 306):
        for report in lookahead.check(run_in(tmp_path, seed, source, latest=True), cuts=3, seed=seed):
            assert not report.changes, f"seed {seed}, {report.cut}: {report.changes[0]}"
            seen += report.decisions + report.records
    kinds = {"gaussian": (GUIDANCE, OBSERVATIONS)}.get(source, (USER_ROWS,))
    for kind in (*kinds, PLANTED, ORDERS, PROBABILITIES):
        assert seen[kind] > 20, f"{kind}: these worlds test nothing"


def early(table, seconds):
    for name in ("known_at_ts", "runtime_ts"):
        if name in table.column_names:
            place = table.schema.get_field_index(name)
            table = table.set_column(place, table.schema.field(name), pc.subtract(table[name], seconds))
    return table


def early_reports(monkeypatch, tmp_path):
    honest = forecast_files.read_history
    monkeypatch.setattr(forecast_files, "read_history", lambda s, g, c, **rest: honest(s, g, early(c, 2 * DAY), **rest))


def early_guidance(monkeypatch, tmp_path):
    honest = forecast_files.read_history
    monkeypatch.setattr(forecast_files, "read_history", lambda s, g, c, **rest: honest(s, early(g, DAY), c, **rest))


def early_readings(monkeypatch, tmp_path):
    honest = market_probabilities.readings_of
    monkeypatch.setattr(market_probabilities, "readings_of", lambda table: honest(early(table, 5 * 3600)))


def rows_that_are_in_force_before_they_are_known(monkeypatch, tmp_path):
    honest = user_probabilities.in_force

    def hasty(rows, asof, until):
        return [(known_at - 1800 if known_at > asof else known_at, p) for known_at, p in honest(rows, asof, until)]

    monkeypatch.setattr(user_probabilities, "in_force", hasty)


def books_that_are_known_early(monkeypatch, tmp_path):
    honest = order_book_file.read_book_file

    def hasty(path):
        file = honest(path)
        return file._replace(micros=file.micros - 1_800_000_000)

    monkeypatch.setattr(order_book_file, "read_book_file", hasty)


def last_row_of_the_file(monkeypatch, tmp_path):
    monkeypatch.setattr(user_probabilities, "latest", lambda rows, asof: rows[-1] if rows else None)


def simulate_with(monkeypatch, change):
    """Let the simulation see other files than it is given: `change(catalogs, candles, probabilities)`."""
    honest = replay.replay_events
    monkeypatch.setattr(replay, "replay_events", lambda conf, *paths: honest(conf, *change(*paths)))


def rewritten(tmp_path, path, change):
    table = change(pq.read_table(path))
    copy = tmp_path / f"leak-{abs(hash(path))}.parquet"
    files.write_parquet(copy, table, {})
    return str(copy)


def quote_of_the_next_candle(monkeypatch, tmp_path):
    def lead(table):
        rows = table.to_pylist()
        for row, following in itertools.pairwise(rows):
            if row["market_ticker"] == following["market_ticker"]:
                row |= {key: following[key] for key in ("yes_bid_close", "yes_ask_close")}
        return pa.Table.from_pylist(rows, schemas.CANDLES)

    def change(catalogs, candles, p):
        return catalogs, {key: rewritten(tmp_path, path, lead) for key, path in candles.items()}, p

    simulate_with(monkeypatch, change)


def only_markets_that_turn_out_busy(monkeypatch, tmp_path):
    def busy(table):
        counts = Counter(table["market_ticker"].to_pylist())
        return pa.Table.from_pylist([r for r in table.to_pylist() if counts[r["market_ticker"]] > 20], schemas.CANDLES)

    def change(catalogs, candles, p):
        return catalogs, {key: rewritten(tmp_path, path, busy) for key, path in candles.items()}, p

    simulate_with(monkeypatch, change)


def probability_from_the_result(monkeypatch, tmp_path):
    def change(catalogs, candles, p):
        won = {r["market_ticker"]: r["result"] for path in catalogs.values() for r in pq.read_table(path).to_pylist()}

        def hindsight(table):
            rows = [
                r | {"p_yes": Decimal("0.9" if won[r["market_ticker"]] == "yes" else "0.2")} for r in table.to_pylist()
            ]
            return pa.Table.from_pylist(rows, schemas.PROBABILITIES)

        return catalogs, candles, rewritten(tmp_path, p, hindsight)

    simulate_with(monkeypatch, change)


def no_trade_in_the_last_day_before_settlement(monkeypatch, tmp_path):
    def shorter(table):
        rows = table.to_pylist()
        for row in rows:
            if row["settlement_ts"]:
                row["close_time"] = min(row["close_time"], row["settlement_ts"] - dt.timedelta(days=1))
        return pa.Table.from_pylist(rows, schemas.CATALOG)

    def change(catalogs, candles, p):
        return {series: rewritten(tmp_path, path, shorter) for series, path in catalogs.items()}, candles, p

    simulate_with(monkeypatch, change)


def probability_shared_by_all_that_is_ever_listed(monkeypatch, tmp_path):
    def shared(honest, conf, catalogs, *rest, **switches):
        table, meta = honest(conf, catalogs, *rest, **switches)
        listed = Counter(e for path in catalogs.values() for e in pq.read_table(path)["event_ticker"].to_pylist())
        q = Decimal("1e-12")
        rows = [r | {"p_yes": (r["p_yes"] / listed[r["event_ticker"]]).quantize(q)} for r in table.to_pylist()]
        return pa.Table.from_pylist(rows, schemas.PROBABILITIES), meta

    for name in ("build_probabilities", "forecast_probabilities"):
        monkeypatch.setattr(subject, name, functools.partial(shared, getattr(subject, name)))


def test_money_that_depends_on_the_future_is_found_though_every_decision_agrees(tmp_path, monkeypatch):
    """A settlement pays a micro-dollar for every row that the books will ever have."""
    honest = engine.journal_of

    def wrong(*columns):
        journal = honest(*columns)
        paid = np.where(journal.kind == Kind.SETTLEMENT, journal.cash_change + len(journal), journal.cash_change)
        return dataclasses.replace(journal, cash_change=paid)

    monkeypatch.setattr(engine, "journal_of", wrong)
    found = []
    for seed in range(200, 220):
        for report in lookahead.check(run_in(tmp_path, seed, "file"), cuts=3, seed=seed):
            found += report.changes
        if found:
            break
    assert found and all("settlement" in change.before and ", cash " in change.before for change in found)


REMOVED, POISONED = False, True
BOTH = {REMOVED, POISONED}
LEAKS = [
    (early_reports, CLIMATE, BOTH),
    (early_guidance, GUIDANCE, BOTH),
    (early_readings, OBSERVATIONS, BOTH),
    (last_row_of_the_file, USER_ROWS, BOTH),
    (
        rows_that_are_in_force_before_they_are_known,
        USER_ROWS,
        {POISONED},
    ),  # what is removed was hardly in force by the cut
    (quote_of_the_next_candle, CANDLES, BOTH),
    (books_that_are_known_early, ORDER_BOOKS, BOTH),
    (only_markets_that_turn_out_busy, CANDLES, {REMOVED}),
    (probability_from_the_result, RESULTS, BOTH),
    (no_trade_in_the_last_day_before_settlement, RESULTS, BOTH),
    (probability_shared_by_all_that_is_ever_listed, LISTINGS, {POISONED}),  # here no market is listed late by itself
]
# Whether probabilities change between decisions; of leaks that are not here it does not matter.
LATEST = {early_readings: True, rows_that_are_in_force_before_they_are_known: True, last_row_of_the_file: False}


@pytest.mark.parametrize(("leak", "kind", "futures"), LEAKS, ids=[leak[0].__name__ for leak in LEAKS])
def test_a_leak_is_found_and_its_cause_named(tmp_path, monkeypatch, leak, kind, futures):
    leak(monkeypatch, tmp_path)
    changes = []
    for seed in range(200, 220):
        run = run_in(tmp_path, seed, SOURCES.get(kind), LATEST.get(leak), books=kind == ORDER_BOOKS)
        for report in lookahead.check(run, cuts=3, seed=seed):
            assert all(change.ts <= report.cut.ts for change in report.changes)
            changes += report.changes
        if {change.poisoned for change in changes} == futures:
            break
    else:
        raise AssertionError(f"{leak.__name__} stays hidden: {changes}")
    assert any(change.kinds == (kind,) for change in changes)
    assert all(change.kinds in ((kind,), (lookahead.TOGETHER,)) for change in changes)
    assert all(change.before != change.after and change.event_ticker for change in changes)


def test_cuts_are_spread_at_and_right_before_what_happens():
    asofs, trades, settlements = range(0, 8000, 1000), range(100, 8000, 1000), range(500, 8500, 1000)
    instants = {"trade": trades, "as-of time": asofs, "settlement": settlements}
    cuts = lookahead.choose_cuts(instants, 8, seed=3)
    assert cuts == lookahead.choose_cuts(instants, 8, seed=3)
    assert cuts != lookahead.choose_cuts(instants, 8, seed=4)
    assert cuts == sorted(cuts) and len({cut.ts for cut in cuts}) == 8
    assert max(cut.ts // 1000 for cut in cuts) >= 7 and min(cut.ts for cut in cuts) < 1000
    for name, found in instants.items():
        own = [cut for cut in lookahead.choose_cuts(instants, 24, seed=3) if cut.place.endswith(name)]
        assert all(cut.ts + cut.place.startswith("before") in found for cut in own)
        assert (
            sum(cut.place == f"at {name}" for cut in own) >= 5 > sum(cut.place == f"before {name}" for cut in own) > 0
        )
    assert lookahead.choose_cuts({"trade": [5]}, 2, seed=0) == [(5, "any instant"), (5, "at trade")]


def test_no_cut_is_wasted_on_hours_in_which_nothing_happens():
    """A minute of trades on each of nine days: as many cuts as there are fall into those minutes, on all days."""
    minutes = [day * 86_400 + second for day in range(9) for second in range(0, 60, 5)]
    cuts = lookahead.choose_cuts({"trade": minutes}, 64, seed=1)
    assert sum(cut.ts % 86_400 < 60 for cut in cuts) >= 56
    assert {cut.ts // 86_400 for cut in cuts if cut.place == "at trade"} == set(range(9))


def test_what_is_known_at_the_cut_stays_and_what_follows_does_not(tmp_path):
    """A second before each kind of record is known it is changed, at that second it is not."""
    inputs = inputs_in(tmp_path, 1, "gaussian")
    [key, *_] = inputs.candles
    candle_end = pq.read_table(inputs.candles[key])["end_period_ts"].to_pylist()[0]
    catalog = pq.read_table(inputs.catalogs[key[0]]).to_pylist()[0]
    assert catalog["result"] and catalog["settlement_ts"]
    moments = {
        CANDLES: candle_end,
        LISTINGS: whole_seconds_up(catalog["open_time"]),
        RESULTS: whole_seconds_up(catalog["settlement_ts"]),
    }
    for kind, ts in moments.items():
        before, at = (
            change_future(inputs, Future(cut, False, frozenset({kind})), tmp_path)[1][kind] for cut in (ts - 1, ts)
        )
        assert before > at, kind
