"""The schema's versions on SQLite, and its DDL for servers; the same on a real server is in tests/services."""

import subprocess
import sys
import types

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from tests.unit.schema_parts import SCENARIOS
from tradewinds.database import schema, versions
from tradewinds.database.migrations.versions.v0001_first import BASE


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_schemas_of_every_age(tmp_path, scenario):
    scenario(f"sqlite:///{tmp_path}/t.db", tmp_path / "run")


def test_every_version_follows_the_one_before():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(versions.MIGRATIONS))
    found = list(ScriptDirectory.from_config(config).walk_revisions())[::-1]
    assert tuple(step.revision for step in found) == versions.VERSIONS
    assert [step.down_revision for step in found] == [None, *versions.VERSIONS[:-1]]


@pytest.mark.slow
def test_all_tables_are_there_without_a_family_imported_before():
    program = "from tradewinds.database import schema; print(*sorted(schema.all_tables().tables))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == sorted([*BASE.tables, "funding_payments", "funding_positions"])
    alone = "from tradewinds.database import load, tables; print(*sorted(tables.metadata.tables))"
    done = subprocess.run([sys.executable, "-c", alone], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["backtest_metrics", "backtest_runs", "backtest_trades", "strategies"]


def test_a_family_with_tables_on_a_metadata_of_its_own_is_refused(monkeypatch):
    elsewhere = types.ModuleType("families.elsewhere.tables")
    elsewhere.metadata = sa.MetaData()
    monkeypatch.setattr(schema.markets, "family_of", lambda market: types.SimpleNamespace(tables=elsewhere))
    with pytest.raises(TypeError, match=r"families\.elsewhere\.tables does not declare its tables on"):
        schema.all_tables()


def test_mysql_8_is_told_the_same_tables():
    """MySQL itself is not at hand: this is what it would be told."""
    told = {
        table.name: str(sa.schema.CreateTable(table).compile(dialect=mysql.dialect()))
        for table in schema.all_tables().sorted_tables
    }
    for ddl in told.values():
        assert "ENGINE=InnoDB" in ddl and "CHARSET=utf8mb4" in ddl and "REAL" not in ddl and "FLOAT" not in ddl
    trades = told["backtest_trades"]
    for words in (
        "pnl NUMERIC(22, 8) NOT NULL",
        "qty NUMERIC(22, 8) NOT NULL",
        "model_prob_yes NUMERIC(15, 12)",
        "PRIMARY KEY (run_id, seq)",
    ):
        assert words in trades
    assert "FOREIGN KEY(run_id) REFERENCES backtest_runs (run_id) ON DELETE CASCADE" in trades
    assert (
        "ENUM('RUNNING','SUCCESS','FAILED')" in told["backtest_runs"] and "metrics_json JSON" in told["backtest_runs"]
    )
    keyed = [
        c for table in schema.all_tables().sorted_tables for c in table.primary_key if isinstance(c.type, sa.String)
    ]
    assert keyed and all(column.type.length * 4 < 3072 for column in keyed), "InnoDB's longest key, in utf8mb4"
