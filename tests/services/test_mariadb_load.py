"""Loads into a real MariaDB server: under way, killed, two at once, with few rights; and a server that is killed."""

import json
import threading
from urllib.parse import quote

import pymysql
import pytest

from tests.families.kalshi_weather.catalog_files import catalog
from tests.services.mariadb import HOW_TO_GET_IT, Server, make_server, mariadb, programs  # noqa: F401
from tests.unit.database_parts import DAY, write, write_many
from tests.unit.load_parts import CHUNK, SCENARIOS, seen, the_index_of_each_question, the_sql_of_a_load
from tests.unit.schema_parts import as_before_versions, readable, tell
from tradewinds.core.errors import DatabaseError
from tradewinds.database import rows
from tradewinds.database.load import load_run

SECRET = "s3cret/of:them"


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(rows, "CHUNK", CHUNK)


@pytest.fixture
def url(mariadb: Server) -> str:  # noqa: F811
    mariadb.new_database("loads")
    return mariadb.url("loads")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_loads(tmp_path, url, scenario):
    scenario(url, tmp_path / "run")


def test_the_server_counts_few_inserts_and_the_run_is_locked(tmp_path, url, mariadb):  # noqa: F811
    def inserts():
        return int(tell(url, "SHOW GLOBAL STATUS LIKE 'Com_insert'")[0][1])

    before = inserts()
    statements = the_sql_of_a_load(url, tmp_path)
    assert inserts() - before < 30, "two loads of 600 trades each"
    assert any(text.startswith("SELECT backtest_runs.run_id") and text.endswith("FOR UPDATE") for text in statements)


def test_each_question_has_its_index(tmp_path, url, mariadb):  # noqa: F811
    def explain(query):
        with mariadb.root() as connection, connection.cursor(pymysql.cursors.Cursor) as cursor:
            cursor.execute("USE loads")
            cursor.execute(f"EXPLAIN FORMAT=JSON {query}")
            return json.dumps(json.loads(cursor.fetchone()[0])).split('"key": "')[1].split('"')[0]

    the_index_of_each_question(url, tmp_path, explain)


def test_runs_over_the_same_markets_are_loaded_at_once(tmp_path, url):
    markets = [(DAY, f"M{n}", "no") for n in range(300)]
    path = catalog(tmp_path / "c.parquet", *markets)
    for seed in range(4):
        write(tmp_path / str(seed), seed=seed)
    done = []

    def load(seed):
        for _ in range(3):
            done.append(load_run(tmp_path / str(seed), url, {"catalogs": [path]}))

    threads = [threading.Thread(target=load, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [2] * 12
    assert tell(url, "SELECT status, COUNT(*) FROM backtest_runs GROUP BY status") == [("SUCCESS", 4)]
    assert tell(url, "SELECT COUNT(*) FROM kalshi_market") == [(300,)]


def a_user(server, name, *rights):
    with server.root() as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP USER IF EXISTS {name}@'%'")
        for right in rights:
            cursor.execute(f"GRANT {right} ON loads.* TO {name}@'%%' IDENTIFIED BY %s", (SECRET,))
    return server.url("loads", name, SECRET)


def refused(doing, url, *words):
    with pytest.raises(DatabaseError) as caught:
        doing(url)
    said = str(caught.value)
    assert (
        caught.value.exit_code == 6 and "\n" not in said and SECRET not in said and quote(SECRET, safe="") not in said
    )
    for word in words:
        assert word in said


def test_users_with_few_rights(tmp_path, url, mariadb):  # noqa: F811
    """Reading takes SELECT; loading into a schema that is there takes rows' rights; making the schema takes more."""
    reader = a_user(mariadb, "reader", "SELECT")
    loader = a_user(mariadb, "loader", "SELECT, INSERT, UPDATE, DELETE")
    run_id = write(tmp_path)
    refused(readable, reader, "no run has been loaded here yet")
    refused(lambda u: load_run(tmp_path, u), loader, "CREATE command denied", "The user needs")
    load_run(tmp_path, url)
    before = seen(url, run_id)
    assert readable(reader) == [run_id] and load_run(tmp_path, loader) == 2
    refused(lambda u: load_run(tmp_path, u), reader, "INSERT", "command denied to user 'reader'", "The user needs")
    assert seen(url, run_id) == before, "a refused load changes nothing"
    refused(readable, reader.replace("reader:", "nobody:"), "Access denied", "Check user and password", "nobody:***@")
    refused(readable, mariadb.url("loads", "reader", "wrong" + SECRET), "Access denied", "reader:***@")
    refused(readable, mariadb.url("elsewhere"), "elsewhere")
    refused(readable, mariadb.url("loads").replace(str(mariadb.port), "9"), "Is the server running")


def test_a_user_who_may_make_and_upgrade_the_schema(tmp_path, url, mariadb):  # noqa: F811
    rows_rights = "SELECT, INSERT, UPDATE, DELETE"
    maker = a_user(mariadb, "maker", f"{rows_rights}, CREATE, ALTER, INDEX, DROP, REFERENCES, CREATE VIEW")
    run_id = write(tmp_path)
    as_before_versions(maker)
    assert load_run(tmp_path, maker) == 2 and readable(maker) == [run_id]


def test_a_value_that_does_not_fit_is_an_error_whatever_the_server_tolerates(tmp_path, url, mariadb):  # noqa: F811
    with mariadb.root() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.sql_mode")
        [[mode]] = cursor.fetchall()
        cursor.execute("SET GLOBAL sql_mode = ''")
        try:
            write(tmp_path)
            manifest = tmp_path / "run_manifest.json"
            manifest.write_text(manifest.read_text().replace('"seed": 0', f'"seed": {10**20}'))
            with pytest.raises(DatabaseError, match="Out of range value for column 'seed'"):
                load_run(tmp_path, url)
        finally:
            cursor.execute("SET GLOBAL sql_mode = %s", (mode,))


def test_a_server_that_dies_leaves_what_was_there(tmp_path):
    """kill -9 in the middle of a load, with the durability that servers have by default; it is started again."""
    if programs() is None:
        pytest.skip(HOW_TO_GET_IT)
    server = make_server(tmp_path, flush=1)
    try:
        server.new_database("loads")
        url, run = server.url("loads"), tmp_path / "run"
        run_id = write(run)
        load_run(run, url)
        write_many(run, 3 * CHUNK)

        def power_cut(done, total):
            if done == 2 * CHUNK:
                server.kill()

        with pytest.raises(DatabaseError) as caught:
            load_run(run, url, tell=power_cut)
        assert "\n" not in str(caught.value) and caught.value.exit_code == 6
        server.start()
        assert seen(url, run_id) == ("INTERRUPTED", 2, 1)
        assert load_run(run, url) == 3 * CHUNK
        assert seen(url, run_id) == ("SUCCESS", 3 * CHUNK, 1)
    finally:
        server.stop()
