"""A failed run in the database: with its reason, without secrets, and never in the way of a later success."""

import datetime as dt

import pytest

from tests.unit.database_parts import write
from tradewinds.core.errors import ConfigError
from tradewinds.core.run_names import MOST_NAME, NO_NAME, RunName, read_name, write_name
from tradewinds.database import queries
from tradewinds.database.annotations import write_annotation
from tradewinds.database.failed_runs import record_failure
from tradewinds.database.load import load_run

REASON = "GET https://me:s3cret@example.org/x?password=s3cret: no usable answer."


def a_row(run_id):
    return {
        "run_id": run_id,
        "strategy": "ev_threshold",
        "market": "kalshi_weather",
        "series": ["KXHIGHMIA"],
        "date_start": dt.date(2025, 6, 1),
        "date_end": dt.date(2025, 6, 1),
        "config": {"market": "kalshi_weather"},
        "seed": 0,
        "artifact_path": "backtests/x",
        "created_at_utc": dt.datetime(2025, 6, 2),
        "name": "Mine",
        "note": None,
    }


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/new/t.db"


def the_run(url):
    with queries.reading(url) as connection:
        [row] = queries.list_runs(connection)
    return row


def test_a_failure_makes_the_database_and_masks_secrets(url):
    record_failure(url, a_row("a" * 36), "1", REASON, has_results=False)
    row = the_run(url)
    assert (row["status"], row["name"], row["num_trades"]) == ("FAILED", "Mine", None)
    assert row["reason"] == row["error"] and "no usable answer" in row["reason"] and "s3cret" not in row["reason"]
    record_failure(url, a_row("a" * 36), "1", "another reason" * 1000, has_results=False)
    assert the_run(url)["reason"].startswith("another reason") and len(the_run(url)["reason"]) == 2000


def test_a_load_replaces_the_failure(url, tmp_path):
    run_id = write(tmp_path / "run")
    record_failure(url, a_row(run_id), "1", REASON, has_results=False)
    load_run(tmp_path / "run", url)
    row = the_run(url)
    assert (row["status"], row["reason"], row["name"]) == ("SUCCESS", None, None), "the folder has no name"


def test_a_success_whose_results_are_there_stays_one(url, tmp_path):
    run_id = write(tmp_path / "run")
    load_run(tmp_path / "run", url)
    record_failure(url, a_row(run_id), "1", REASON, has_results=True)
    assert (the_run(url)["status"], the_run(url)["reason"]) == ("SUCCESS", None)
    record_failure(url, a_row(run_id), "1", REASON, has_results=False)
    row = the_run(url)
    assert row["status"] == "FAILED" and row["num_trades"] == 2, "the trades of before stay"
    with queries.reading(url) as connection:
        assert queries.leaderboard(connection) == []


def test_a_name_is_loaded_with_the_run_and_changed_in_its_row(url, tmp_path):
    run_id = write(tmp_path / "run")
    write_name(tmp_path / "run", RunName("Mine", "two\nlines"))
    load_run(tmp_path / "run", url)
    assert (the_run(url)["name"], the_run(url)["note"]) == ("Mine", "two\nlines")
    assert write_annotation(url, run_id, RunName("", "kept"))
    assert write_annotation(url, run_id, RunName("", "kept")), "a row that is not changed is there, too"
    assert (the_run(url)["name"], the_run(url)["note"]) == (None, "kept")
    assert not write_annotation(url, "b" * 36, NO_NAME)


def test_names_are_checked_and_taken_away(tmp_path):
    assert read_name(tmp_path / "none") == NO_NAME
    named = NO_NAME.changed("  Mine ", None)
    write_name(tmp_path / "new", named)
    assert read_name(tmp_path / "new") == RunName("Mine", "")
    assert named.changed(None, "why\nnot") == RunName("Mine", "why\nnot")
    write_name(tmp_path / "new", named.changed("", None))
    assert list((tmp_path / "new").iterdir()) == []
    with pytest.raises(ConfigError, match=r"--name.*more than 200"):
        NO_NAME.changed("x" * (MOST_NAME + 1), None)
    with pytest.raises(ConfigError, match="--name: a name has one line"):
        NO_NAME.changed("one\ntwo", None)
    (tmp_path / "new/name.json").write_text("[]")
    with pytest.raises(ConfigError, match=r"name\.json.*cannot be read.*tradewinds note"):
        read_name(tmp_path / "new")
