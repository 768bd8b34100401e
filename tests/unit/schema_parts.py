"""What becomes of schemas of every age, on a database of any kind."""

import pytest
import sqlalchemy as sa

from tests.unit.database_parts import write
from tradewinds.core.errors import DatabaseError
from tradewinds.database import queries, schema
from tradewinds.database.connect import open_database
from tradewinds.database.load import load_run
from tradewinds.database.migrations.versions.v0001_first import BASE


def tell(url, *statements):
    """Run statements and give the rows of the last one."""
    engine = open_database(url)
    try:
        with engine.begin() as connection:
            done = [connection.execute(sa.text(statement)) for statement in statements][-1]
            return [tuple(row) for row in done] if done.returns_rows else []
    finally:
        engine.dispose()


def on(url, doing):
    engine = open_database(url)
    try:
        with engine.begin() as connection:
            return doing(connection)
    finally:
        engine.dispose()


def differences(url):
    return on(url, lambda connection: schema.compared(connection, schema.all_tables()))


def as_before_versions(url):
    """The tables and views of the time when a schema had no version."""
    on(url, BASE.create_all)
    on(url, schema._make_views)


def readable(url):
    with queries.reading(url) as connection:
        return [row["run_id"] for row in queries.list_runs(connection)]


def a_new_schema_equals_the_metadata(url, folder):
    write(folder)
    tell(url, "CREATE TABLE somebody_elses (id INTEGER)")
    with pytest.raises(DatabaseError, match="no run has been loaded here yet") as caught:
        readable(url)
    assert caught.value.where.startswith("database ")
    load_run(folder, url)
    assert differences(url) == []
    assert tell(url, f"SELECT version_num FROM {schema.VERSION_TABLE}") == [(schema.CURRENT,)]
    tell(url, "ALTER TABLE backtest_runs ADD COLUMN extra INTEGER")
    assert [change[0] for change in differences(url)] == ["remove_column"], "a difference would be seen"


def tables_without_a_version_are_adopted(url, folder):
    """Rows of before stay; the load brings the schema up to date."""
    run = write(folder)
    as_before_versions(url)
    columns = "name, version, is_active, parameters"
    tell(url, f"INSERT INTO strategies ({columns}) VALUES ('older', '0.0', 1, '{{}}')", "DROP TABLE kalshi_market")
    with pytest.raises(DatabaseError, match=r"schema is older \(unversioned\).*load brings it up to date"):
        readable(url)
    load_run(folder, url)
    assert differences(url) == [] and readable(url) == [run]
    assert tell(url, "SELECT name FROM strategies ORDER BY name") == [("ev_threshold",), ("older",)]
    assert tell(url, "SELECT tradewinds_version FROM backtest_run") != [(None,)], "views have the new columns"


def foreign_tables_are_left_alone(url, folder):
    write(folder)
    tell(url, "CREATE TABLE backtest_runs (run_id INTEGER, mine INTEGER)", "INSERT INTO backtest_runs VALUES (1, 2)")
    with pytest.raises(DatabaseError, match=r"Tradewinds did not make so \(backtest_runs\)") as caught:
        load_run(folder, url)
    assert caught.value.exit_code == 6
    assert tell(url, "SELECT * FROM backtest_runs") == [(1, 2)]


def a_newer_schema_is_refused(url, folder):
    write(folder)
    load_run(folder, url)
    before = tell(url, "SELECT loaded_at_utc, status FROM backtest_runs")
    tell(url, f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'")
    for doing in (readable, lambda u: load_run(folder, u)):
        with pytest.raises(DatabaseError, match="version 9999, of a newer Tradewinds") as caught:
            doing(url)
        assert caught.value.exit_code == 6 and "\n" not in str(caught.value)
    assert tell(url, "SELECT loaded_at_utc, status FROM backtest_runs") == before


def an_upgrade_that_stopped_half_way_goes_on(url, folder):
    """What is left of a server that died after a first statement of the second step."""
    run = write(folder)
    as_before_versions(url)
    tell(
        url,
        f"CREATE TABLE {schema.VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
        f"INSERT INTO {schema.VERSION_TABLE} VALUES ('0001')",
        "ALTER TABLE backtest_runs ADD COLUMN tradewinds_version VARCHAR(32)",
        "DROP VIEW backtest_run",
    )
    with pytest.raises(DatabaseError, match=r"older \(0001\)"):
        readable(url)
    load_run(folder, url)
    assert differences(url) == [] and readable(url) == [run]


SCENARIOS = [
    a_new_schema_equals_the_metadata,
    tables_without_a_version_are_adopted,
    foreign_tables_are_left_alone,
    a_newer_schema_is_refused,
    an_upgrade_that_stopped_half_way_goes_on,
]
