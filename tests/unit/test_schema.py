"""The schema's versions on SQLite, and its DDL for servers; the same on a real server is in tests/services."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from tests.unit.schema_parts import SCENARIOS
from tradewinds.database import schema, tables


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_schemas_of_every_age(tmp_path, scenario):
    scenario(f"sqlite:///{tmp_path}/t.db", tmp_path / "run")


def test_every_version_follows_the_one_before():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(schema._MIGRATIONS))
    found = list(ScriptDirectory.from_config(config).walk_revisions())[::-1]
    assert tuple(step.revision for step in found) == schema.VERSIONS
    assert [step.down_revision for step in found] == [None, *schema.VERSIONS[:-1]]


def test_mysql_8_is_told_the_same_tables():
    """MySQL itself is not at hand: this is what it would be told."""
    told = {
        table.name: str(sa.schema.CreateTable(table).compile(dialect=mysql.dialect()))
        for table in tables.metadata.sorted_tables
    }
    for ddl in told.values():
        assert "ENGINE=InnoDB" in ddl and "CHARSET=utf8mb4" in ddl and "REAL" not in ddl and "FLOAT" not in ddl
    trades = told["backtest_trades"]
    for words in ("pnl NUMERIC(20, 6) NOT NULL", "model_prob_yes NUMERIC(15, 12)", "PRIMARY KEY (run_id, seq)"):
        assert words in trades
    assert "FOREIGN KEY(run_id) REFERENCES backtest_runs (run_id) ON DELETE CASCADE" in trades
    assert (
        "ENUM('RUNNING','SUCCESS','FAILED')" in told["backtest_runs"] and "metrics_json JSON" in told["backtest_runs"]
    )
    keyed = [c for table in tables.metadata.sorted_tables for c in table.primary_key if isinstance(c.type, sa.String)]
    assert keyed and all(column.type.length * 4 < 3072 for column in keyed), "InnoDB's longest key, in utf8mb4"
