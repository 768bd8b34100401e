"""Many jobs that fail for one reason say it once."""

import json

from tradewinds.pipeline import failed_jobs, jobs, runner

GONE = "no usable answer after 7 tries; the last one: the host name cannot be resolved. Run the same command again."


def record(where, reason=GONE, code=4):
    return {"rule": "fetch", "message": f"{where}: {reason}" if where else reason, "exit_code": code, "where": where}


def test_without_a_network_one_paragraph_counts_the_jobs(tmp_path):
    records = [record(f"GET https://files.example/{n}.zip") for n in range(24)] + [
        record("GET https://api.example/list")
    ]
    error = runner._failure(records, "", tmp_path / "log")
    text = str(error)
    assert error.exit_code == 4 and "\n" not in text and text.count(GONE) == 1
    assert text.startswith(f"25 jobs failed for one reason: {GONE} Where: GET https://files.example/0.zip; ")
    assert "GET https://api.example/list" in text and text.endswith("and 22 more.")


def test_reasons_that_differ_are_a_paragraph_each_and_one_job_keeps_its_own():
    other = record("GET https://a.example/x", "status 451 (restricted).")
    same = record("", "a disk is full.", 5)
    bare = {key: value for key, value in same.items() if key != "where"}
    found = failed_jobs.paragraphs(
        [record("GET https://a.example/1"), other, same, bare, record("GET https://a.example/2")]
    )
    assert found == [
        f"2 jobs failed for one reason: {GONE} Where: GET https://a.example/1; GET https://a.example/2.",
        "GET https://a.example/x: status 451 (restricted).",
        "a disk is full.",
    ]


def test_the_record_of_a_job_has_its_place_without_secrets(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(jobs.MESSAGES, str(tmp_path))
    where = "GET https://me:secret@a.example/x"
    for number in range(2):
        try:
            jobs._fail("fetch", f"{jobs.masked(where)}{number}: gone.", 4, None, f"{jobs.masked(where)}{number}")
        except SystemExit as ended:
            assert ended.code == 4
    found = jobs.failures(tmp_path)
    assert "secret" not in json.dumps(found)
    (text,) = failed_jobs.paragraphs(found)
    assert text.startswith("2 jobs failed for one reason: gone. Where: GET https://")
