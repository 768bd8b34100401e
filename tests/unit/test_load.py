"""Loads into SQLite under way, killed, and two at once; the same on a real server is in tests/services."""

import contextlib
import re
import sqlite3

import pytest

from tests.unit.load_parts import CHUNK, SCENARIOS, the_index_of_each_question
from tradewinds.database import rows


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(rows, "CHUNK", CHUNK)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_loads(tmp_path, scenario):
    scenario(f"sqlite:///{tmp_path}/t.db", tmp_path / "run")


def test_each_question_has_its_index(tmp_path):
    def explain(query):
        with contextlib.closing(sqlite3.connect(tmp_path / "t.db")) as connection:
            [*_, plan] = connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchone()
        name = re.search(r"USING (?:COVERING )?INDEX (\w+)", plan)[1]
        return "PRIMARY" if name.startswith("sqlite_autoindex_backtest_trades") else name

    the_index_of_each_question(f"sqlite:///{tmp_path}/t.db", tmp_path, explain)


def test_at_rest_the_database_is_one_plain_file(tmp_path):
    SCENARIOS[0](f"sqlite:///{tmp_path}/here/t.db", tmp_path / "run")
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["t.db"]
    with contextlib.closing(sqlite3.connect(tmp_path / "here/t.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
