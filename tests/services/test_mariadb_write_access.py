"""What is found out about a real MariaDB server before a run fetches anything: who may not do what."""

import re
from pathlib import Path

import pytest

from tests.services.mariadb import PASSWORD, Server, mariadb  # noqa: F401
from tradewinds.core.errors import DatabaseError
from tradewinds.database import schema
from tradewinds.database.connect import open_database
from tradewinds.database.write_access import check_write_access

NAME = "early"
VIEWER = ("viewer", "only/looks")


@pytest.fixture
def url(mariadb: Server) -> str:  # noqa: F811
    """An empty database in which the tester may do all."""
    mariadb.new_database(NAME)
    return mariadb.url(NAME)


def as_root(server: Server, *statements: str) -> None:
    with server.root() as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def viewer_url(server: Server, rights: str) -> str:
    """The URL of a user with some rights on the database."""
    user, password = VIEWER
    as_root(
        server,
        f"DROP USER IF EXISTS {user}",
        f"CREATE USER {user}@'%' IDENTIFIED BY '{password}'",
        f"GRANT {rights} ON {NAME}.* TO {user}@'%'",
    )
    return server.url(NAME, user, password)


def upgraded(url: str) -> str:
    engine = open_database(url)
    schema.upgrade(engine)
    engine.dispose()
    return url


def tables(server: Server) -> set[str]:
    with server.root() as connection, connection.cursor() as cursor:
        cursor.execute(f"SHOW TABLES IN {NAME}")
        return {name for (name,) in cursor.fetchall()}


def test_a_user_with_all_rights_passes_and_nothing_is_made(url, mariadb):  # noqa: F811
    check_write_access(url)
    assert tables(mariadb) == set()
    check_write_access(upgraded(url))
    check_write_access(viewer_url(mariadb, "SELECT, INSERT, UPDATE, DELETE"))  # enough once the tables are there


@pytest.mark.parametrize(
    ("rights", "with_tables", "lacking"),
    [
        ("SELECT", False, ["CREATE", "CREATE VIEW", "ALTER", "DROP"]),
        ("SELECT, INSERT, UPDATE, DELETE", False, ["CREATE", "CREATE VIEW", "ALTER", "DROP"]),
        ("SELECT", True, ["INSERT INTO backtest_runs", "UPDATE strategies", "DELETE FROM kalshi_market"]),
        ("SELECT, INSERT, UPDATE", True, ["DELETE FROM backtest_trades"]),
    ],
)
def test_missing_rights_are_named_with_the_statement_that_gives_them(url, mariadb, rights, with_tables, lacking):  # noqa: F811
    if with_tables:
        upgraded(url)
    before = tables(mariadb)
    with pytest.raises(DatabaseError) as wrong:
        check_write_access(viewer_url(mariadb, rights))
    said = str(wrong.value)
    assert wrong.value.exit_code == 6 and all(right in said for right in lacking), said
    assert "UPDATE" in rights or not with_tables or "INSERT INTO backtest_runs" in said
    assert f"ON {NAME}.* TO 'viewer'@'%'" in said and VIEWER[1] not in said
    assert tables(mariadb) == before


def test_a_wrong_password_and_an_unknown_database_say_what_to_do(url, mariadb):  # noqa: F811
    for changed, says in (
        (mariadb.url(NAME, password="wrong"), "Check user and password"),
        (mariadb.url("elsewhere"), "rights on that database|Create it first"),
        (re.sub(r":\d+/", ":1/", url), "Is the server running"),
    ):
        with pytest.raises(DatabaseError, match=says) as wrong:
            check_write_access(changed)
        assert PASSWORD not in str(wrong.value) and wrong.value.exit_code == 6


def test_a_server_that_takes_no_changes_says_so(url, mariadb):  # noqa: F811
    upgraded(url)
    as_root(mariadb, "SET GLOBAL read_only = ON")
    try:
        with pytest.raises(DatabaseError, match=r"takes no changes \(it is read-only\)"):
            check_write_access(url)
    finally:
        as_root(mariadb, "SET GLOBAL read_only = OFF")


def test_nothing_of_the_probe_is_left_beside_the_rows(url, mariadb, tmp_path: Path):  # noqa: F811
    upgraded(url)
    as_root(mariadb, f"INSERT INTO {NAME}.strategies VALUES ('mine', '1', 1, '{{}}')")
    check_write_access(url)
    with mariadb.root() as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT name, version, is_active FROM {NAME}.strategies")
        assert cursor.fetchall() == (("mine", "1", 1),)
