"""Loads into SQLite under way, killed, and two at once; the same on a real server is in tests/services."""

import contextlib
import re
import sqlite3

import pytest

from tests.unit.database_parts import EVENT, write_many
from tests.unit.load_parts import CHUNK, SCENARIOS, the_index_of_each_question
from tests.workflow.harness import ROOT
from tradewinds.database import rows
from tradewinds.database.load import load_run


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(rows, "CHUNK", CHUNK)


@pytest.mark.slow
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


def test_the_questions_of_the_documentation(tmp_path):
    write_many(tmp_path / "run", 40)
    load_run(tmp_path / "run", f"sqlite:///{tmp_path}/t.db")
    [block] = re.findall(r"```sql\n(.*?)```", (ROOT / "docs/database.md").read_text(), re.DOTALL)
    questions = block.replace("KXHIGHCHI-25MAY07-B70.5", f"{EVENT}-B30.5").replace("KXHIGHCHI-25MAY07", EVENT)
    with contextlib.closing(sqlite3.connect(tmp_path / "t.db")) as connection:
        counts = [len(connection.execute(question).fetchall()) for question in questions.split(";")[:-1]]
    assert counts == [40, 30, 1, 1, 0]


@pytest.mark.slow
def test_at_rest_the_database_is_one_plain_file(tmp_path):
    SCENARIOS[0](f"sqlite:///{tmp_path}/here/t.db", tmp_path / "run")
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["t.db"]
    with contextlib.closing(sqlite3.connect(tmp_path / "here/t.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
