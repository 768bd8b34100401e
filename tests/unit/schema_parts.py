"""What becomes of schemas of every age, on a database of any kind."""

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from tests.unit.database_parts import write
from tradewinds.core.errors import DatabaseError
from tradewinds.database import queries, schema, versions
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
    assert tell(url, f"SELECT version_num FROM {versions.VERSION_TABLE}") == [(versions.CURRENT,)]
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
    tell(url, f"UPDATE {versions.VERSION_TABLE} SET version_num = '9999'")
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
        f"CREATE TABLE {versions.VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
        f"INSERT INTO {versions.VERSION_TABLE} VALUES ('0001')",
        "ALTER TABLE backtest_runs ADD COLUMN tradewinds_version VARCHAR(32)",
        "DROP VIEW backtest_run",
    )
    with pytest.raises(DatabaseError, match=r"older \(0001\)"):
        readable(url)
    load_run(folder, url)
    assert differences(url) == [] and readable(url) == [run]


def as_of(url, version):
    """Take the steps up to a version, and make the views."""
    config = Config()
    config.set_main_option("script_location", str(versions.MIGRATIONS))

    def steps(connection):
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        schema._make_views(connection)

    on(url, steps)


OLDER = "12345678-0000-5000-8000-123456789abc"
OLDER_ROWS = (
    "INSERT INTO strategies (name, version, is_active, parameters) VALUES ('older', '0.0', 1, '{}')",
    f"""INSERT INTO backtest_runs (run_id, strategy, status, market, series, date_start, date_end, config, seed,
        artifact_path, created_at_utc) VALUES ('{OLDER}', 'older', 'SUCCESS', 'gone', '[]', '2024-01-01', '2024-01-02',
        '{{}}', 0, 'gone', '2024-01-03 00:00:00')""",
    *(
        f"""INSERT INTO backtest_trades (run_id, seq, trade_id, series_ticker, event_ticker, market_ticker, station_id,
        decision_ts_utc, quote_ts_utc, side, qty, entry_price, entry_fee, reason_code, settled_result, settled_ts_utc,
        payout, pnl) VALUES ('{OLDER}', {seq}, 't{seq}', 's', 'e', 'm', '', '2024-01-01 00:00:00', '2024-01-01 00:00:00',
        'BUY', {qty}, {price}, 0.02, 'r', 'yes', '2024-01-02 00:00:00', 5, {pnl})"""
        for seq, (qty, price, pnl) in enumerate([(5, "0.38", "123456789.123456"), (12, "0.351", "-0.000001")])
    ),
    f"""INSERT INTO backtest_metrics (run_id, start_balance_usd, end_balance_usd, total_pnl_usd, total_fees_usd,
        max_drawdown_usd, num_trades, num_contracts) VALUES ('{OLDER}', 1000, 123457789.123455, 123456789.123455, 0.04,
        0.1, 2, 17)""",
)


def rows_from_before_fills_keep_their_text(url, folder):
    """Amounts and quantities get decimals, and columns stand beside them: what was there reads as before."""
    write(folder)
    as_of(url, "0003")
    tell(url, *OLDER_ROWS)
    with pytest.raises(DatabaseError, match=r"older \(0003\)"):
        readable(url)
    load_run(folder, url)
    assert differences(url) == []
    with queries.reading(url) as connection:
        first, second = queries.list_trades(connection, OLDER)
        metrics = queries.core_metrics(connection, OLDER)
        totals = queries.trade_totals(connection, OLDER)
        ((_, _, count, pnl),) = queries.results_by_event(connection, OLDER)
    assert [repr(first[name]) for name in ("qty", "reference_price", "slippage")] == ["5", "None", "None"]
    assert [str(first[name]) for name in ("entry_price", "payout", "pnl")] == [
        "0.380000",
        "5.000000",
        "123456789.123456",
    ]
    assert (repr(second["qty"]), str(second["pnl"])) == ("12", "-0.000001")
    assert (str(metrics["start_balance_usd"]), str(metrics["max_drawdown_usd"])) == ("1000.000000", "0.100000")
    assert (repr(totals.contracts), str(totals.pnl), count, str(pnl)) == (
        "17",
        "123456789.123455",
        2,
        "123456789.123455",
    )


def a_step_that_stopped_half_way_goes_on(url, folder):
    """What is left of a server that died in the middle of the fourth step."""
    write(folder)
    as_of(url, "0003")
    tell(url, *OLDER_ROWS, "DROP VIEW backtest_trade")
    tell(url, "ALTER TABLE backtest_trades ADD COLUMN reference_price DECIMAL(22, 8)")
    load_run(folder, url)
    assert [change for change in differences(url) if change[0] != "modify_type"] == []
    assert tell(url, "SELECT qty, reference_price FROM backtest_trades WHERE seq = 1 AND trade_id = 't1'")[0][1] is None


SCENARIOS = [
    a_new_schema_equals_the_metadata,
    tables_without_a_version_are_adopted,
    foreign_tables_are_left_alone,
    a_newer_schema_is_refused,
    an_upgrade_that_stopped_half_way_goes_on,
    rows_from_before_fills_keep_their_text,
    a_step_that_stopped_half_way_goes_on,
]
