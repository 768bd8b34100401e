"""What a load does to a database of any kind while it works, when it is killed, and when there are two."""

import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from decimal import Decimal

import sqlalchemy as sa

from tests.unit.database_parts import write, write_many
from tests.unit.schema_parts import differences, readable, tell
from tradewinds.database import queries, query_filters
from tradewinds.database import tables as t
from tradewinds.database.load import load_run

CHUNK = 300  # rows at once in these tests, which set rows.CHUNK to it

KILLED_AFTER_A_CHUNK = """
import os, signal, sys
from tradewinds.database import rows
from tradewinds.database.load import load_run
rows.CHUNK = 300
load_run(sys.argv[1], sys.argv[2], tell=lambda done, total: os.kill(os.getpid(), signal.SIGKILL))
"""


def seen(url, run_id):
    """What a reader sees of a run: status, its trades, its rows of metrics."""
    with queries.reading(url) as connection:
        status = queries.one_run(connection, run_id)["status"]
        trades = queries.trade_totals(connection, run_id).trades
        return status, trades, connection.scalar(sa.select(sa.func.count()).select_from(t.backtest_metrics))


def a_killed_loader_leaves_what_was_there(url, folder):
    run_id = write(folder)
    load_run(folder, url)
    write_many(folder, CHUNK + 1)
    done = subprocess.run([sys.executable, "-c", KILLED_AFTER_A_CHUNK, str(folder), url], check=False)
    assert done.returncode == -signal.SIGKILL
    assert seen(url, run_id) == ("INTERRUPTED", 2, 1), "the trades of before, under a load that has not ended"
    statuses = {"RUNNING": 0, "SUCCESS": 0, "INTERRUPTED": 1, None: 1}
    with queries.reading(url) as connection:
        for status, count in statuses.items():
            which = query_filters.RunFilter(status)
            assert queries.count_runs(connection, which) == len(queries.list_runs(connection, which)) == count
        assert [row["status"] for row in queries.list_runs(connection)] == ["INTERRUPTED"]
    assert load_run(folder, url) == CHUNK + 1
    assert seen(url, run_id) == ("SUCCESS", CHUNK + 1, 1)


def readers_see_running_and_the_old_rows_while_a_load_works(url, folder):
    run_id = write(folder)
    load_run(folder, url)
    write_many(folder, 3 * CHUNK)
    states = []
    load_run(folder, url, tell=lambda done, total: states.append((done, total, seen(url, run_id))))
    assert states == [(n * CHUNK, 3 * CHUNK, ("RUNNING", 2, 1)) for n in (1, 2, 3)]
    assert seen(url, run_id) == ("SUCCESS", 3 * CHUNK, 1)


def two_loaders_of_a_run_take_turns(url, folder):
    """The second begins while the first is in the middle, and waits; what it loads stands in the end."""
    one, two = folder / "one", folder / "two"
    run_id = write_many(one, 2 * CHUNK)
    assert write(two) == run_id
    order, second = [], threading.Thread(target=lambda: order.append(("two", load_run(two, url))))

    def start_second(done, total):
        if done == CHUNK:
            second.start()
            second.join(1.5)
            assert second.is_alive() and not order, "it must not get past the first"

    order.append(("one", load_run(one, url, tell=start_second)))
    second.join(60)
    assert order == [("one", 2 * CHUNK), ("two", 2)]
    assert seen(url, run_id) == ("SUCCESS", 2, 1)


@contextmanager
def issued():
    """Every statement that is sent, and whether it was sent with many rows."""
    found = []

    def note(connection, cursor, statement, parameters, context, executemany):
        found.append((" ".join(statement.split()), executemany, parameters))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def the_sql_of_a_load(url, folder):
    """One statement for thousands of rows, with placeholders; nothing is written into a statement."""
    run_id = write_many(folder, 2 * CHUNK)
    load_run(folder, url)
    with issued() as statements:
        load_run(folder, url)
    trades = [s for s in statements if s[0].startswith("INSERT INTO backtest_trades")]
    assert [many for _, many, _ in trades] == [True, True]
    assert [len(parameters) for _, _, parameters in trades] == [CHUNK, CHUNK]
    assert len(statements) < 20, [s[0] for s in statements]
    for text, _, _ in statements:
        assert run_id not in text and "ev_threshold" not in text and "KXHIGHMIA" not in text, text
        if text.startswith("INSERT"):
            assert not re.search(r"VALUES \([^%?]*'", text), text
    assert not [s for s in statements if s[0].startswith(("CREATE", "ALTER", "DROP"))], "the schema is as it should be"
    return [s[0] for s in statements]


# The questions people ask, and the index that must answer each.
QUESTIONS = {
    "run_id = '{run}' ORDER BY seq": "PRIMARY",
    "event_ticker = 'KXHIGHMIA-25JUN07'": "ix_trades_event",
    "market_ticker = 'KXHIGHMIA-25JUN07-B6.5' AND decision_ts_utc >= '2025-06-02'": "ix_trades_market_time",
    "decision_ts_utc BETWEEN '2025-06-02' AND '2025-06-02 01:00:00'": "ix_trades_time",
}


def the_index_of_each_question(url, folder, explain):
    """`explain(query)` gives the name of the index that the server takes."""
    runs = []
    for seed in range(2):
        runs.append(write(folder / str(seed), seed=seed))
        write_many(folder / str(seed), 2000, seed=seed)
        load_run(folder / str(seed), url)
    tell(url, "ANALYZE" if url.startswith("sqlite") else "ANALYZE TABLE backtest_trades, backtest_runs")
    for where, index in QUESTIONS.items():
        found = explain(f"SELECT * FROM backtest_trades WHERE {where.format(run=runs[0])}")
        assert found == index, (where, found)
    created = "SELECT run_id FROM backtest_runs ORDER BY created_at_utc DESC LIMIT 1"
    assert explain(created) == "ix_runs_created"


def first_loads_at_once_make_one_schema(url, folder):
    program = "import sys; from tradewinds.database.load import load_run; load_run(*sys.argv[1:])"
    runs = {write(folder / str(seed), seed=seed) for seed in range(3)}
    command = [sys.executable, "-c", program]
    started = [subprocess.Popen([*command, str(folder / str(seed)), url]) for seed in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert set(readable(url)) == runs and differences(url) == []


def amounts_add_up_exactly(url, folder):
    """Sums by event are those of the files, to the last millionth."""
    import pyarrow.parquet as pq

    run_id = write_many(folder, 1000)
    load_run(folder, url)
    table = pq.read_table(folder / "trades.parquet").group_by("event_ticker").aggregate([("pnl", "sum")])
    wanted = {row["event_ticker"]: row["pnl_sum"] for row in table.to_pylist()}
    with queries.reading(url) as connection:
        found = queries.results_by_event(connection, run_id)
        page = list(queries.list_trades(connection, run_id, limit=10, offset=990))
        one = query_filters.TradeFilter(event="KXHIGHMIA-25JUN07", market="KXHIGHMIA-25JUN07-B6.5")
        assert [row["seq"] for row in page] == list(range(990, 1000))
        assert (
            queries.trade_totals(connection, run_id, one).trades
            == len(list(queries.list_trades(connection, run_id, one)))
            == 1
        )
    made = dict.fromkeys(wanted, Decimal(0))
    for event, _, _, pnl in found:
        made[event] += pnl
    assert made == wanted and len(wanted) == 30
    assert sum(count for _, _, count, _ in found) == 1000


SCENARIOS = [
    a_killed_loader_leaves_what_was_there,
    readers_see_running_and_the_old_rows_while_a_load_works,
    two_loaders_of_a_run_take_turns,
    the_sql_of_a_load,
    first_loads_at_once_make_one_schema,
    amounts_add_up_exactly,
]
